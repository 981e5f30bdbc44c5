import { InputError } from '../errors.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import type {
  CandidatePool,
  CandidateRows,
  CommitteeOutputs,
  FeatureRows,
  Learner,
  PoolCandidate,
  RowKind,
  Rows,
  Selection,
} from './acquisition.ts';

/** What a pool in memory may hold beside the rows. Lists are in the order of the candidates. */
export interface PoolParts {
  readonly atoms?: readonly number[];
  readonly groups?: readonly (string | null)[];
  readonly costs?: readonly number[];
  /** Reason to leave a candidate out, or null. */
  readonly excluded?: readonly (string | null)[];
  readonly descriptors?: FeatureRows;
  readonly displacementNorms?: Float64Array;
  readonly committee?: readonly CommitteeOutputs[];
}

/** Columns of a posterior's factor. @throws InputError `PRECISION_FACTOR` */
export function columnsOf(r: Float64Array): number {
  const d = Math.round(Math.sqrt(r.length));
  if (d * d !== r.length || d === 0) {
    throw new InputError('PRECISION_FACTOR', `precision factor must be square, got ${r.length} numbers`);
  }
  return d;
}

function requireFeatures(name: string, features: FeatureRows, count: number, columns: number): void {
  const { rows } = features;
  if (features.count !== count || features.columns !== columns || rows.length !== count * columns) {
    throw new InputError(
      'FEATURES_SHAPE',
      `${name} must be ${count} × ${columns} numbers, got ${features.count} × ${features.columns} (${rows.length})`,
    );
  }
  for (let i = 0; i < rows.length; i++) {
    if (!Number.isFinite(rows[i]!)) {
      const row = Math.floor(i / columns);
      throw new InputError('FEATURES_NOT_FINITE', `${name} must be finite, got ${rows[i]} in row ${row}`, { row });
    }
  }
}

function requireCandidates(candidates: readonly CandidateRows[], d: number): void {
  const ids = new Set<string>();
  for (const { id, rows, count, kinds } of candidates) {
    if (ids.has(id)) throw new InputError('DUPLICATE_CANDIDATE', `candidate ids must differ, got ${id} twice`, { id });
    ids.add(id);
    const counted = kinds === undefined ? count : kinds.energy + kinds.forces + kinds.virial;
    if (rows.length !== count * d || counted !== count) {
      throw new InputError(
        'CANDIDATE_ROWS',
        `rows of candidate ${id} must hold ${counted} × ${d} numbers, got ${rows.length}`,
        { id },
      );
    }
    if (!rows.every((value) => Number.isFinite(value))) {
      throw new InputError('CANDIDATE_ROWS', `rows of candidate ${id} must be finite, got NaN or infinity`, { id });
    }
  }
}

/**
 * A pool of candidates whose rows are in memory.
 * @throws InputError for ids that repeat, shapes that do not fit, costs that are not positive, numbers that are not finite
 */
export function memoryPool(learner: Learner, rows: readonly CandidateRows[], parts: PoolParts = {}): CandidatePool {
  const d = columnsOf(learner.r);
  requireCandidates(rows, d);
  const { descriptors = null, displacementNorms = null } = parts;
  if (descriptors !== null) {
    requireFeatures('descriptors', descriptors, rows.length, descriptors.columns);
    const { labelled } = learner;
    if (labelled !== null) requireFeatures('labelled descriptors', labelled, labelled.count, descriptors.columns);
  }
  const candidates = rows.map(({ id }, i): PoolCandidate => {
    const cost = parts.costs?.[i] ?? 1;
    if (!(cost > 0 && Number.isFinite(cost)))
      throw new InputError('CANDIDATE_COST', `cost of candidate ${id} must be positive, got ${cost}`, { id });
    const [atoms, group, excluded] = [parts.atoms?.[i] ?? 1, parts.groups?.[i] ?? null, parts.excluded?.[i] ?? null];
    return { id, atoms, group, cost, excluded };
  });
  return {
    candidates,
    learner,
    descriptors,
    displacementNorms,
    rows: (index, kind = 'all') => rowsOfKind(rows[index]!, kind, d),
    committee: (index) => parts.committee?.[index] ?? null,
  };
}

function rowsOfKind(candidate: CandidateRows, kind: RowKind, d: number): Rows {
  const { rows, count, kinds, id } = candidate;
  if (kind === 'all') return { rows, count };
  if (kinds === undefined) {
    throw new InputError('ROW_KIND', `rows of candidate ${id} must be told apart by kind to give those of ${kind}`, {
      id,
      kind,
    });
  }
  let at = 0;
  for (const one of OBSERVATION_KINDS) {
    if (one === kind) break;
    at += kinds[one];
  }
  return { rows: rows.subarray(at * d, (at + kinds[kind]) * d), count: kinds[kind] };
}

/** Some rows of a matrix of features. */
export function pickedRows(features: FeatureRows, indices: ArrayLike<number>): FeatureRows {
  const { columns } = features;
  const rows = new Float64Array(indices.length * columns);
  for (let k = 0; k < indices.length; k++) {
    rows.set(features.rows.subarray(indices[k]! * columns, (indices[k]! + 1) * columns), k * columns);
  }
  return { rows, count: indices.length, columns };
}

/** A pool of some candidates of another. */
export function subPool(pool: CandidatePool, indices: readonly number[]): CandidatePool {
  if (indices.length === pool.candidates.length && indices.every((index, k) => index === k)) return pool;
  const { descriptors, displacementNorms } = pool;
  return {
    candidates: indices.map((index) => pool.candidates[index]!),
    learner: pool.learner,
    descriptors: descriptors && pickedRows(descriptors, indices),
    displacementNorms: displacementNorms && Float64Array.from(indices, (index) => displacementNorms[index]!),
    rows: (index, kind) => pool.rows(indices[index]!, kind),
    committee: (index) => pool.committee(indices[index]!),
  };
}

/** A selection from `subPool(pool, indices)`, in the indices of the pool. */
export function inPool(selection: Selection, indices: readonly number[]): Selection {
  return { ...selection, selected: selection.selected.map((one) => ({ ...one, index: indices[one.index]! })) };
}

/** The descriptors of a pool. @throws InputError `NO_DESCRIPTORS` */
export function requiredDescriptors(pool: CandidatePool): FeatureRows {
  if (pool.descriptors === null)
    throw new InputError('NO_DESCRIPTORS', 'candidates must have mean descriptors for this strategy, got none');
  return pool.descriptors;
}
