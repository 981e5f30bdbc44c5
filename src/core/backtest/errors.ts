import { dot } from '../numerics/dense.ts';
import type { PoolRows } from './pool-rows.ts';
import { ownersOf, rowsOf, targetsOf } from './pool-rows.ts';

/** Mean absolute and root mean square error; NaN without labels. */
export interface ErrorPair {
  readonly mae: number;
  readonly rmse: number;
}

/** Errors of energies (eV/atom) and force components (eV/Å). */
export interface SetErrors {
  readonly energy: ErrorPair;
  readonly forces: ErrorPair;
}

/** Errors of a set pooled, as means over its groups, and of each group. */
export interface GroupedErrors extends SetErrors {
  readonly balanced: SetErrors;
  readonly groups: Readonly<Record<string, SetErrors>>;
}

/** Groups whose labelled forces are smaller than this in the root mean square have no force error of their own, eV/Å. */
export const LEAST_GROUP_FORCE = 0.01;

class ErrorSums {
  private count = 0;
  private absolute = 0;
  private square = 0;
  private labels = 0;

  add(error: number, label: number): void {
    this.count++;
    this.absolute += Math.abs(error);
    this.square += error * error;
    this.labels += label * label;
  }

  merge(other: ErrorSums): void {
    this.count += other.count;
    this.absolute += other.absolute;
    this.square += other.square;
    this.labels += other.labels;
  }

  pair(): ErrorPair {
    return { mae: this.absolute / this.count, rmse: Math.sqrt(this.square / this.count) };
  }

  rmsLabel(): number {
    return Math.sqrt(this.labels / this.count);
  }
}

function meanOf(pairs: readonly ErrorPair[]): ErrorPair {
  const mean = (pick: (pair: ErrorPair) => number): number =>
    pairs.reduce((sum, pair) => sum + pick(pair), 0) / pairs.length;
  return { mae: mean(({ mae }) => mae), rmse: mean(({ rmse }) => rmse) };
}

/**
 * Errors of weights on some frames. Force components that symmetry fixes have no row and do not count. Means over groups
 * take the groups that have such labels, and forces those whose forces exceed `LEAST_GROUP_FORCE`.
 */
export function setErrors(pool: PoolRows, frames: readonly number[], weights: Float64Array): GroupedErrors {
  const d = pool.columns;
  const groups = new Map<string, { energy: ErrorSums; forces: ErrorSums }>();
  for (const f of frames) {
    const name = pool.groups[f]!;
    let sums = groups.get(name);
    if (sums === undefined) {
      sums = { energy: new ErrorSums(), forces: new ErrorSums() };
      groups.set(name, sums);
    }
    const rows = rowsOf(pool, f);
    const targets = targetsOf(pool, f);
    const energies = pool.energies[f]!;
    const last = energies + pool.forces[f]!;
    for (let i = 0; i < last; i++) {
      const unit = i < energies ? pool.energyUnit[f]! : pool.forceUnit[f]!;
      const error = (dot(rows, weights, d, i * d, 0) - targets[i]!) * unit;
      (i < energies ? sums.energy : sums.forces).add(error, targets[i]! * unit);
    }
  }
  const all = { energy: new ErrorSums(), forces: new ErrorSums() };
  const energy: ErrorPair[] = [];
  const forces: ErrorPair[] = [];
  const byGroup: Record<string, SetErrors> = {};
  for (const [name, sums] of groups) {
    all.energy.merge(sums.energy);
    all.forces.merge(sums.forces);
    const own = { energy: sums.energy.pair(), forces: sums.forces.pair() };
    byGroup[name] = own;
    if (!Number.isNaN(own.energy.mae)) energy.push(own.energy);
    if (sums.forces.rmsLabel() > LEAST_GROUP_FORCE) forces.push(own.forces);
  }
  return {
    energy: all.energy.pair(),
    forces: all.forces.pair(),
    balanced: { energy: meanOf(energy), forces: meanOf(forces) },
    groups: byGroup,
  };
}

/** Row of the energy per atom of a frame, counted from that of the ground state: a formation energy. @returns [d] */
export function formationRow(pool: PoolRows, frame: number): Float64Array {
  const d = pool.columns;
  const [own, ground] = [rowsOf(pool, frame), rowsOf(pool, pool.ground)];
  const [unit, groundUnit] = [pool.energyUnit[frame]!, pool.energyUnit[pool.ground]!];
  return Float64Array.from({ length: d }, (_, v) => own[v]! * unit - ground[v]! * groundUnit);
}

/**
 * Errors on a target group: energies per atom counted from the ground state, as surface and defect energies are, and
 * forces.
 */
export function targetErrors(pool: PoolRows, frames: readonly number[], weights: Float64Array): SetErrors {
  const energy = new ErrorSums();
  const ground = targetsOf(pool, pool.ground)[0]! * pool.energyUnit[pool.ground]!;
  for (const f of frames) {
    if (pool.energies[f] === 0) continue;
    const target = targetsOf(pool, f)[0]! * pool.energyUnit[f]! - ground;
    energy.add(dot(formationRow(pool, f), weights, pool.columns) - target, target);
  }
  return { energy: energy.pair(), forces: setErrors(pool, frames, weights).forces };
}

/** Residuals of the rows of a frame, y − Xw. @returns [rows] */
export function residualsOf(pool: PoolRows, frame: number, weights: Float64Array): Float64Array {
  const rows = rowsOf(pool, frame);
  return targetsOf(pool, frame).map((target, i) => target - dot(rows, weights, pool.columns, i * pool.columns, 0));
}

/** Values of rows replaced by the mean over the rows of the same atom; rows without an atom keep theirs. */
export function averagedOverOwners(values: Float64Array, owners: Int32Array): Float64Array {
  const sums = new Map<number, { sum: number; count: number }>();
  owners.forEach((owner, i) => {
    const entry = sums.get(owner) ?? { sum: 0, count: 0 };
    entry.sum += values[i]!;
    entry.count++;
    sums.set(owner, entry);
  });
  return values.map((value, i) => {
    const owner = owners[i]!;
    if (owner < 0) return value;
    const { sum, count } = sums.get(owner)!;
    return sum / count;
  });
}

/** Atom of each row of a frame from row `from` to `to`. */
export function ownersWithin(pool: PoolRows, frame: number, from: number, to: number): Int32Array {
  return ownersOf(pool, frame).subarray(from, to);
}
