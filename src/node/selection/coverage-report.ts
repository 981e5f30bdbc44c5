import type { CandidatePool, FeatureRows } from '../../core/acquisition/acquisition.ts';
import { type Apart, coverageFigures, typicalDistance } from '../../core/acquisition/coverage.ts';
import { pickedRows } from '../../core/acquisition/pool.ts';
import { standardizedTogether } from '../../core/acquisition/strata.ts';

/** A structure of the pool or a labelled one, by its position among these. */
export interface CoveredStructure {
  readonly set: 'pool' | 'labelled';
  readonly index: number;
}

/** How well labels cover the pool, in standardised mean descriptors (no unit), and which structures attain the extremes. */
export interface CoverageSummary {
  /** Largest distance of a structure of the pool to the nearest labelled one: the covering radius. */
  readonly radius: number | null;
  readonly farthest: CoveredStructure | null;
  readonly nearest: CoveredStructure | null;
  /** Mean distance to the nearest labelled one. */
  readonly meanDistance: number | null;
  /** Smallest distance of two labelled structures, and which. */
  readonly closest: number | null;
  readonly closestPair: readonly CoveredStructure[];
  /** ln det of the Gaussian kernel of the labelled structures, of the typical distance of the pool. */
  readonly logDet: number;
}

/** Coverage before and after a batch: of all columns, and of those of each element. */
export interface CoverageReport {
  readonly before: CoverageSummary;
  readonly after: CoverageSummary;
  readonly elements: Readonly<Record<string, { readonly before: CoverageSummary; readonly after: CoverageSummary }>>;
  /** Where strata are the user's groups: the part of the pool in each against the labelled ones of the same group. */
  readonly groups: Readonly<Record<string, { readonly before: CoverageSummary; readonly after: CoverageSummary }>>;
}

function summary(
  pool: FeatureRows,
  labelled: FeatureRows,
  poolNames: readonly CoveredStructure[],
  names: readonly CoveredStructure[],
  length: number,
): CoverageSummary {
  const { poolToLabelled, meanDistance, closestLabelled, logDetKernel } = coverageFigures(pool, labelled, length);
  const pair = (apart: Apart | null): CoveredStructure[] =>
    apart === null ? [] : [names[apart.from]!, names[apart.to]!];
  return {
    radius: poolToLabelled?.distance ?? null,
    farthest: poolToLabelled && poolNames[poolToLabelled.from]!,
    nearest: poolToLabelled && names[poolToLabelled.to]!,
    meanDistance: labelled.count === 0 ? null : meanDistance,
    closest: closestLabelled?.distance ?? null,
    closestPair: pair(closestLabelled),
    logDet: logDetKernel,
  };
}

/** Some columns of a matrix. */
function columnsFrom(features: FeatureRows, from: number, to: number): FeatureRows {
  const columns = to - from;
  const rows = new Float64Array(features.count * columns);
  for (let i = 0; i < features.count; i++) {
    const at = i * features.columns;
    rows.set(features.rows.subarray(at + from, at + to), i * columns);
  }
  return { rows, count: features.count, columns };
}

/**
 * How a batch changes the coverage of its pool.
 * @param chosen   indices of the batch
 * @param elements columns of each element: names and [elements + 1] offsets
 * @cost  pool · (labelled + batch) · columns
 */
export function coverageReport(
  pool: CandidatePool,
  chosen: readonly number[],
  elements: { readonly names: readonly string[]; readonly offsets: ArrayLike<number> },
): CoverageReport {
  const n = pool.candidates.length;
  const all = standardizedTogether(pool.descriptors!, pool.learner.labelled);
  const known = Array.from({ length: all.count - n }, (_, l) => n + l);
  const compare = (
    features: FeatureRows,
    members: readonly number[],
    before: readonly number[],
    picks: readonly number[],
  ) => {
    const of = (i: number): CoveredStructure => (i < n ? { set: 'pool', index: i } : { set: 'labelled', index: i - n });
    const own = pickedRows(features, members);
    const length = typicalDistance(own) || 1;
    const figures = (labelled: readonly number[]): CoverageSummary =>
      summary(own, pickedRows(features, labelled), members.map(of), labelled.map(of), length);
    return { before: figures(before), after: figures([...before, ...picks]) };
  };
  const everyone = [...pool.candidates.keys()];
  const byElement = elements.names.map((name, e) => {
    const part = columnsFrom(all, elements.offsets[e]!, elements.offsets[e + 1]!);
    return [name, compare(part, everyone, known, chosen)] as const;
  });
  const groups = [...new Set(pool.candidates.map(({ group }) => group))].filter((group) => group !== null).sort();
  const labelledGroups = pool.learner.labelledGroups ?? [];
  const byGroup = groups.map((group) => {
    const inGroup = (i: number): boolean =>
      (i < n ? pool.candidates[i]!.group : (labelledGroups[i - n] ?? null)) === group;
    return [group, compare(all, everyone.filter(inGroup), known.filter(inGroup), chosen.filter(inGroup))] as const;
  });
  return {
    ...compare(all, everyone, known, chosen),
    elements: Object.fromEntries(elements.names.length > 1 ? byElement : []),
    groups: Object.fromEntries(byGroup),
  };
}
