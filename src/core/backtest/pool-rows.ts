import { InputError } from '../errors.ts';

/**
 * Labelled frames as linear algebra: rows and targets of every frame, over their noise at σ_F = 1 eV/Å and with columns
 * in which the prior is λ·1. Frame f has `energies[f]` + `forces[f]` + `virials[f]` rows in this order. Plain data on
 * memory that threads share.
 */
export interface PoolRows {
  /** Columns d; the first `governed` obey the prior, the others (reference energies) are as good as free. */
  readonly columns: number;
  readonly governed: number;
  /** Rows of some frames each, [rows, d] row-major, and their targets. */
  readonly blocks: readonly Float64Array[];
  readonly targets: readonly Float64Array[];
  /** Atom of each force row in the order of the blocks; −1 for other rows. */
  readonly owners: readonly Int32Array[];
  /** [frames] block of a frame and its first row there. */
  readonly block: Int32Array;
  readonly first: Int32Array;
  /** [frames] numbers of rows by kind. */
  readonly energies: Int32Array;
  readonly forces: Int32Array;
  readonly virials: Int32Array;
  /** [frames] what turns a residual into eV/atom and eV/Å. */
  readonly energyUnit: Float64Array;
  readonly forceUnit: Float64Array;
  /** [frames] number of atoms. */
  readonly atoms: Int32Array;
  /** [frames, featureColumns] mean descriptors, standardised by column. */
  readonly features: Float64Array;
  readonly featureColumns: number;
  /** [frames] how far a mean descriptor moves when every coordinate moves at random by 1 Å. */
  readonly displacementNorms: Float64Array;
  /** [frames] group and id, the latter different for all. */
  readonly groups: readonly string[];
  readonly ids: readonly string[];
  /** Frame of the lowest energy per atom, which formation energies are counted from. */
  readonly ground: number;
  /** [frames] index of the frame of which this one is a copy; itself for an original. */
  readonly originals: Int32Array;
}

/** Number of rows of a frame. */
export function rowCount(pool: PoolRows, frame: number): number {
  return pool.energies[frame]! + pool.forces[frame]! + pool.virials[frame]!;
}

/** Rows of a frame, [rowCount, d]: a view, not to be written to. */
export function rowsOf(pool: PoolRows, frame: number): Float64Array {
  const first = pool.first[frame]! * pool.columns;
  return pool.blocks[pool.block[frame]!]!.subarray(first, first + rowCount(pool, frame) * pool.columns);
}

/** Targets of a frame, [rowCount]: a view. */
export function targetsOf(pool: PoolRows, frame: number): Float64Array {
  const first = pool.first[frame]!;
  return pool.targets[pool.block[frame]!]!.subarray(first, first + rowCount(pool, frame));
}

/** Atom of each row of a frame, −1 for rows of energies and virials: a view. */
export function ownersOf(pool: PoolRows, frame: number): Int32Array {
  const first = pool.first[frame]!;
  return pool.owners[pool.block[frame]!]!.subarray(first, first + rowCount(pool, frame));
}

/** Bytes that the rows of a pool take. */
export function rowBytes(pool: PoolRows): number {
  return pool.blocks.reduce((sum, block) => sum + block.byteLength, 0);
}

/** Frames of a split: what may be labelled, what judges, and what was left out to judge extrapolation. */
export interface BacktestSplit {
  readonly pool: readonly number[];
  readonly test: readonly number[];
  readonly heldOut: readonly number[];
}

/** @throws InputError `EMPTY_SPLIT` when there is nothing to learn from or nothing to judge by */
export function requireSplit(split: BacktestSplit, initial: number): void {
  if (split.pool.length <= initial)
    throw new InputError(
      'EMPTY_SPLIT',
      `pool must hold more than the ${initial} structures of the first batch, got ${split.pool.length}`,
    );
  if (split.test.length === 0) throw new InputError('EMPTY_SPLIT', 'test set must hold a structure, got none');
}
