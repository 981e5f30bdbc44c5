import { InputError } from '../errors.ts';

/** What a candidate is compared by before it may compete. */
export interface FilterCandidate {
  readonly id: string;
  /** Index of the walker that made it; candidates of one walker lie on one trajectory. */
  readonly walker: number;
  /** Step of that walker. */
  readonly step: number;
  /** Description of the structure (the sum of its atoms' invariants), of the same length for all. */
  readonly descriptor: Float64Array;
}

/** Settings of the filter. */
export interface FilterOptions {
  /** Structures whose descriptors differ by no more than this share of their norm are duplicates. */
  readonly duplicateTolerance?: number;
  /** Least number of steps between two candidates of one walker. */
  readonly minimumSpacing?: number;
}

/** A candidate that may not compete, by its index in the pool, and why. */
export interface Dropped {
  readonly index: number;
  readonly reason: string;
}

/** What the filter leaves. */
export interface FilterOutcome {
  /** Indices of the candidates that may compete, ascending. */
  readonly kept: readonly number[];
  readonly dropped: readonly Dropped[];
}

/** One kept descriptor with its norm. */
interface Kept {
  readonly name: string;
  readonly descriptor: Float64Array;
  readonly norm: number;
}

function normOf(descriptor: Float64Array): number {
  let sum = 0;
  for (const value of descriptor) sum += value * value;
  return Math.sqrt(sum);
}

/** Whether two descriptors differ by no more than `limit`; stops as soon as they do. */
function within(a: Float64Array, b: Float64Array, limit: number): boolean {
  let left = limit * limit;
  for (let v = 0; v < a.length; v++) {
    const difference = a[v]! - b[v]!;
    left -= difference * difference;
    if (!(left >= 0)) return false;
  }
  return true;
}

/**
 * Takes out candidates that cannot teach anything of their own: frames of one walker closer in time than the spacing
 * (the earlier one stays), and structures with the descriptor of another candidate or of a known structure. First come,
 * first kept, in the order of the pool.
 *
 * @param known descriptors of structures that are labelled already
 * @throws InputError for descriptors of different length or that are not finite
 * @cost   pairs of similar norm · d
 */
export function filterCandidates(
  candidates: readonly FilterCandidate[],
  options: FilterOptions = {},
  known: readonly Float64Array[] = [],
): FilterOutcome {
  const { duplicateTolerance = 1e-6, minimumSpacing = 0 } = options;
  if (candidates.length === 0) return { kept: [], dropped: [] };
  const size = candidates[0]!.descriptor.length;
  const seen: Kept[] = known.map((descriptor, k) => ({
    name: `labelled structure ${k}`,
    descriptor,
    norm: normOf(descriptor),
  }));
  const steps = new Map<number, number[]>();
  const kept: number[] = [];
  const dropped: Dropped[] = [];
  for (const descriptor of [...known, ...candidates.map((candidate) => candidate.descriptor)]) {
    if (descriptor.length !== size || !descriptor.every((value) => Number.isFinite(value))) {
      throw new InputError(
        'DESCRIPTOR',
        `descriptors must be ${size} finite numbers, got ${descriptor.length} or one that is not finite`,
      );
    }
  }
  candidates.forEach(({ id, walker, step, descriptor }, index) => {
    const earlier = steps.get(walker) ?? [];
    const near = earlier.find((other) => Math.abs(other - step) < minimumSpacing);
    if (near !== undefined) {
      const reason = `${Math.abs(near - step)} steps from step ${near} of the same walker, fewer than ${minimumSpacing}`;
      dropped.push({ index, reason });
      return;
    }
    const norm = normOf(descriptor);
    const limit = duplicateTolerance * norm;
    const twin = seen.find(
      (other) => Math.abs(other.norm - norm) <= limit && within(other.descriptor, descriptor, limit),
    );
    if (twin !== undefined) {
      dropped.push({ index, reason: `same descriptor as ${twin.name}` });
      return;
    }
    kept.push(index);
    seen.push({ name: id, descriptor, norm });
    steps.set(walker, [...earlier, step]);
  });
  return { kept, dropped };
}
