/**
 * An independent witness of labels: a small linear potential fitted to the force labels alone. Its energies and stresses
 * are what the forces add up to, so they show whether energy and stress labels have the same units, signs and order.
 */
import type { AceBasis, AceSpecification } from '../descriptors/ace/basis.ts';
import { buildAceBasis } from '../descriptors/ace/enumerate.ts';
import { CUTOFF_IN_BOND_LENGTHS, presetSpecification } from '../descriptors/ace/presets.ts';
import { basisSmoothness } from '../descriptors/ace/smoothness.ts';
import type { AceProgram } from '../descriptors/descriptors.ts';
import { atomicNumberOf, symbolOf } from '../elements.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { addScaled, dot, gram, matVec, squaredNorm, transposedMatVec } from '../numerics/dense.ts';
import { median } from '../numerics/median.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import type { Frame } from '../structure/structure.ts';
import { bondLengths } from './bond-lengths.ts';
import { isIsolatedAtom } from './reference-energies.ts';

/** What the witness says of one frame. */
export interface WitnessPrediction {
  /** Index of the frame. */
  readonly frame: number;
  /** Energy without those of isolated atoms, eV. */
  readonly energy: number;
  /** [3n] eV/Å. */
  readonly forces: Float64Array;
  /** [6] eV. */
  readonly virial: Float64Array;
}

/** Radial and angular sizes by number of elements: some hundred columns. */
const SIZES = [
  { nmax: [10, 5, 2], lmax: [0, 4, 2] },
  { nmax: [8, 3], lmax: [0, 3] },
  { nmax: [6, 2], lmax: [0, 2] },
  { nmax: [6, 2], lmax: [0, 1] },
] as const;

/** Shortest cutoff of the witness, Å. */
const LEAST_CUTOFF = 2.5;
/** Ridge per force row, in squares of the column's scale and smoothness. */
const RIDGE = 1e-7;
/** Frames with a larger force than this many times the median of the largest forces tell more of themselves than of others. */
const WILD = 20;

/** The basis of the witness for some frames, or null where no two atoms are near. */
export function witnessBasis(frames: readonly Frame[]): AceBasis | null {
  const species = new Set<number>();
  for (const { structure } of frames) for (const z of structure.species) species.add(z);
  const list = [...species].sort((a, b) => a - b);
  const bonds = bondLengths(
    frames.map(({ structure }) => structure),
    list,
  );
  if (bonds.typical === null) return null;
  const shortest = (a: string, b: string): number =>
    bonds.shortest[list.indexOf(atomicNumberOf(a))]![list.indexOf(atomicNumberOf(b))]!;
  // Bonds are enough for a witness, and its few functions resolve them best at a short cutoff.
  const cutoff = Math.max(LEAST_CUTOFF, CUTOFF_IN_BOND_LENGTHS * bonds.typical);
  const preset = presetSpecification('small', list.map(symbolOf), cutoff, shortest);
  const specification: AceSpecification = { ...preset, ...SIZES[Math.min(SIZES.length, list.length) - 1]! };
  return buildAceBasis(specification);
}

/**
 * Frames for the witness: every group gets its share of the atoms that may be used, evenly along the group; those without
 * neighbours, without forces or with wild forces are left out.
 */
export function witnessSample(
  frames: readonly Frame[],
  groups: ReadonlyMap<string, readonly number[]>,
  most: number,
): number[] {
  const largest = (f: number): number => {
    let size = 0;
    for (const x of frames[f]!.labels.forces ?? []) if (Math.abs(x) > size) size = Math.abs(x);
    return size;
  };
  const usable = (f: number): boolean => {
    const { labels, structure } = frames[f]!;
    return (
      labels.forces !== null &&
      structure.species.length > 0 &&
      !isIsolatedAtom(frames[f]!) &&
      !labels.forces.some((x) => Number.isNaN(x))
    );
  };
  const wild =
    WILD *
    median(
      frames
        .map((_, f) => f)
        .filter(usable)
        .map(largest)
        .filter((x) => x > 0),
    );
  const sample: number[] = [];
  let left = most;
  const lists = [...groups.values()]
    .map((list) => list.filter((f) => usable(f) && !(largest(f) > wild)))
    .filter((list) => list.length > 0)
    .sort((a, b) => atomsOf(frames, a) - atomsOf(frames, b));
  lists.forEach((list, k) => {
    // What small groups do not use is there for the large ones.
    const share = Math.max(left, 0) / (lists.length - k);
    const stride = share > 0 ? Math.max(1, Math.ceil(atomsOf(frames, list) / share)) : list.length;
    for (let i = 0; i < list.length; i += stride) {
      sample.push(list[i]!);
      left -= frames[list[i]!]!.structure.species.length;
    }
  });
  return sample.sort((a, b) => a - b);
}

function atomsOf(frames: readonly Frame[], list: readonly number[]): number {
  return list.reduce((sum, f) => sum + frames[f]!.structure.species.length, 0);
}

/** Normal equations of a witness: forces once, energies kept apart until their unit is known. */
export interface WitnessSystem {
  readonly program: AceProgram;
  readonly frames: readonly Frame[];
  readonly sample: readonly number[];
  /** Atomic numbers whose reference energies are fitted along. */
  readonly species: readonly number[];
  /** [d, d] and [d] of the force rows. */
  readonly matrix: Float64Array;
  readonly right: Float64Array;
  /** Diagonal ridge [d]. */
  readonly ridge: Float64Array;
  /** Root mean square residual of the force rows of the fit to forces alone, as labelled. */
  readonly forceDeviation: number;
  /** Contributions of each group to `matrix` and `right`, where there are several but not too many. */
  readonly byGroup: ReadonlyMap<
    string,
    { readonly matrix: Float64Array; readonly right: Float64Array; readonly sample: number[] }
  >;
  /** Σ of squared force targets. */
  readonly forceSquares: number;
  /** Energy rows [d] of the sample and their fixed part, eV. */
  readonly energyRows: readonly Float64Array[];
  readonly energyBase: readonly number[];
  /** What the fit to forces alone predicts. */
  readonly byForces: readonly WitnessPrediction[];
}

/** Numbers that matrices of groups may take. */
const GROUP_NUMBERS = 4e6;

function addTo(
  groups: Map<string, { matrix: Float64Array; right: Float64Array; sample: number[] }>,
  group: string,
  matrix: Float64Array,
  right: Float64Array,
  frame: number,
): void {
  const known = groups.get(group);
  if (known === undefined) {
    groups.set(group, { matrix: matrix.slice(), right: right.slice(), sample: [frame] });
    return;
  }
  for (let k = 0; k < matrix.length; k++) known.matrix[k] = known.matrix[k]! + matrix[k]!;
  for (let k = 0; k < right.length; k++) known.right[k] = known.right[k]! + right[k]!;
  known.sample.push(frame);
}

/** Forces of each group as predicted by the fit to the forces of all others. */
export function predictByOthers(system: WitnessSystem): Map<string, WitnessPrediction[]> {
  const out = new Map<string, WitnessPrediction[]>();
  for (const [group, own] of system.byGroup) {
    const matrix = system.matrix.map((x, k) => x - own.matrix[k]!);
    const right = system.right.map((x, k) => x - own.right[k]!);
    out.set(group, predictionsOf(system.program, system.frames, own.sample, solved(matrix, right, system.ridge)));
  }
  return out;
}

/** Solves (A + ridge) w = b for right-hand sides [count, d]. */
function solved(matrix: Float64Array, right: Float64Array, ridge: Float64Array, count = 1): Float64Array {
  const d = ridge.length;
  const a = matrix.slice();
  for (let v = 0; v < d; v++) a[v * d + v] = a[v * d + v]! + ridge[v]!;
  const r = cholesky(a, d);
  return solveUpper(r, d, solveUpperTransposed(r, d, right, count), count);
}

function predictionsOf(
  program: AceProgram,
  frames: readonly Frame[],
  sample: readonly number[],
  weights: Float64Array,
): WitnessPrediction[] {
  return sample.map((f) => {
    const { energy, forces, virial } = program.evaluate([frames[f]!.structure], weights)[0]!;
    return { frame: f, energy, forces, virial };
  });
}

/**
 * Ridge regression on the force labels of a sample, (XᵀX + λ m S²Γ²) w = Xᵀf with the scale S of each column and its
 * smoothness Γ, and what it predicts of the same frames.
 */
export function prepareWitness(
  program: AceProgram,
  frames: readonly Frame[],
  sample: readonly number[],
): WitnessSystem {
  const d = program.size;
  const matrix = new Float64Array(d * d);
  const right = new Float64Array(d);
  const energyRows: Float64Array[] = [];
  const energyBase: number[] = [];
  const byGroup = new Map<string, { matrix: Float64Array; right: Float64Array; sample: number[] }>();
  const names = new Set(sample.map((f) => frames[f]!.group));
  const grouped = names.size > 1 && names.size * d * d <= GROUP_NUMBERS;
  let count = 0;
  let forceSquares = 0;
  for (const f of sample) {
    program.rows([frames[f]!.structure], (_, rows) => {
      const labels = frames[f]!.labels.forces!;
      const m = labels.length;
      const target = labels.map((x, k) => x - rows.baseline.forces[k]!);
      const product = gram(rows.forces, m, d);
      const part = transposedMatVec(rows.forces, target, m, d);
      for (let k = 0; k < matrix.length; k++) matrix[k] = matrix[k]! + product[k]!;
      for (let k = 0; k < d; k++) right[k] = right[k]! + part[k]!;
      if (grouped) addTo(byGroup, frames[f]!.group, product, part, f);
      energyRows.push(rows.energy);
      energyBase.push(rows.baseline.energy);
      count += m;
      forceSquares += squaredNorm(target);
    });
  }
  const smoothness = basisSmoothness(program.basis);
  const least = smoothness.reduce((x, y) => Math.min(x, y), Number.POSITIVE_INFINITY);
  const scale = Float64Array.from({ length: d }, (_, v) => Math.sqrt(matrix[v * d + v]! / Math.max(1, count)));
  const substitute = median(scale.filter((s) => s > 0)) || 1;
  const ridge = Float64Array.from({ length: d }, (_, v) => {
    const size = ((scale[v]! > 0 ? scale[v]! : substitute) * smoothness[v]!) / least;
    return RIDGE * Math.max(1, count) * size * size;
  });
  const byForces = predictionsOf(program, frames, sample, solved(matrix, right, ridge));
  let squares = 0;
  for (const { frame, forces } of byForces)
    for (let k = 0; k < forces.length; k++) {
      const e = forces[k]! - frames[frame]!.labels.forces![k]!;
      squares += e * e;
    }
  const species = [...new Set(sample.flatMap((f) => [...new Set(frames[f]!.structure.species)]))];
  const forceDeviation = Math.sqrt(squares / Math.max(1, count));
  return {
    program,
    frames,
    sample,
    species,
    matrix,
    right,
    ridge,
    forceDeviation,
    byGroup,
    forceSquares,
    energyRows,
    energyBase,
    byForces,
  };
}

/** σ_E of an energy over √N and σ_F of a force, Å: the balance of the fit. */
const ENERGY_TO_FORCE = 0.05;

/** Makes columns [m] orthonormal; those that depend on earlier ones are left out. */
function orthonormal(columns: readonly Float64Array[]): Float64Array[] {
  const kept: Float64Array[] = [];
  for (const column of columns) {
    const before = Math.sqrt(squaredNorm(column));
    projectOut(column, kept);
    projectOut(column, kept);
    const norm = Math.sqrt(squaredNorm(column));
    if (norm > 1e-9 * before) kept.push(column.map((x) => x / norm));
  }
  return kept;
}

/** Takes the projections on orthonormal columns off a vector. */
function projectOut(vector: Float64Array, basis: readonly Float64Array[]): void {
  for (const column of basis) addScaled(-dot(column, vector), column, vector);
}

/** Energy rows over √N with what reference energies can say of them projected out. */
export interface EnergyRows {
  readonly count: number;
  /** [m, d] */
  readonly rows: Float64Array;
  /** [m] labels. */
  readonly labels: Float64Array;
  /** [m] fixed part of the model. */
  readonly base: Float64Array;
  /** [d] weights of the joint fit are constant + scale·slope: only its right-hand side knows the scale. */
  readonly constant: Float64Array;
  readonly slope: Float64Array;
}

/**
 * The energy rows of a system, whose reference energies are thereby fitted along, however large they are.
 * @param without frames to leave out
 */
export function energyRowsOf(system: WitnessSystem, without: ReadonlySet<number> = new Set()): EnergyRows {
  const { program, frames, sample, species, energyRows, energyBase } = system;
  const d = program.size;
  const used = sample
    .map((_, s) => s)
    .filter((s) => frames[sample[s]!]!.labels.energy !== null && !without.has(sample[s]!));
  const m = used.length;
  const atoms = used.map((s) => Math.sqrt(frames[sample[s]!]!.structure.species.length));
  const compositions = species.map((z) =>
    Float64Array.from(used, (s, k) => {
      let count = 0;
      for (const x of frames[sample[s]!]!.structure.species) if (x === z) count++;
      return count / atoms[k]!;
    }),
  );
  const fixed = orthonormal(compositions);
  const free = (of: (s: number) => number): Float64Array => {
    const column = Float64Array.from(used, (s, k) => of(s) / atoms[k]!);
    projectOut(column, fixed);
    return column;
  };
  const rows = new Float64Array(m * d);
  for (let v = 0; v < d; v++) {
    const column = free((s) => energyRows[s]![v]!);
    for (let k = 0; k < m; k++) rows[k * d + v] = column[k]!;
  }
  const labels = free((s) => frames[sample[s]!]!.labels.energy!);
  const base = free((s) => energyBase[s]!);
  const weight = 1 / (ENERGY_TO_FORCE * ENERGY_TO_FORCE);
  const product = gram(rows, m, d);
  const fixedPart = transposedMatVec(rows, base, m, d);
  const labelPart = transposedMatVec(rows, labels, m, d);
  const right = new Float64Array(2 * d);
  for (let v = 0; v < d; v++) {
    right[v] = system.right[v]! - weight * fixedPart[v]!;
    right[d + v] = weight * labelPart[v]!;
  }
  const matrix = system.matrix.map((x, k) => x + weight * product[k]!);
  const weights = solved(matrix, right, system.ridge, 2);
  return { count: m, rows, labels, base, constant: weights.slice(0, d), slope: weights.slice(d) };
}

/** Weights of the fit to forces and energies, energy labels multiplied by `scale` first. */
function jointWeights({ constant, slope }: EnergyRows, scale: number): Float64Array {
  return constant.map((x, v) => x + scale * slope[v]!);
}

/** The same sample fitted to forces and energies together. @param scale by which energy labels are multiplied first */
export function fitWithEnergies(system: WitnessSystem, energies: EnergyRows, scale: number): WitnessPrediction[] {
  return predictionsOf(system.program, system.frames, system.sample, jointWeights(energies, scale));
}

/** Shares of the variance that a joint fit leaves unexplained. */
export interface JointMisfit {
  readonly forces: number;
  readonly energies: number;
}

/** How well one potential can meet force labels and energy labels times `scale`. */
export function jointMisfit(system: WitnessSystem, energies: EnergyRows, scale: number): JointMisfit {
  const d = system.program.size;
  const w = jointWeights(energies, scale);
  const forces =
    (system.forceSquares - 2 * dot(w, system.right) + dot(w, matVec(system.matrix, w, d, d))) / system.forceSquares;
  const fitted = matVec(energies.rows, w, energies.count, d);
  const residual = energies.labels.map((y, k) => y * scale - energies.base[k]! - fitted[k]!);
  return { forces, energies: squaredNorm(residual) / (scale * scale * squaredNorm(energies.labels)) };
}
