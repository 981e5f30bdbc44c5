import type { AtomDerivatives, EnvironmentGradients } from '../../descriptors/ace/environment-gradients.ts';
import type { Structure } from '../../structure/structure.ts';
import { atomCount } from '../../structure/structure.ts';
import type { InputMap } from './inputs.ts';
import { mapInputs } from './inputs.ts';

/** Entries of a stored Jacobian: in single precision, or in double where derivatives are held against finite differences. */
export type JacobianArray = Float32Array | Float64Array;

/**
 * The inputs of all atoms of one structure and how they move with it; made once and read by every member and thread. In
 * single precision forces are exact to 1e-6 of their size. Plain data.
 */
export interface Environments {
  /** Number of inputs K. */
  readonly inputs: number;
  /** [n] element of each atom. */
  readonly elements: Uint8Array;
  /** [n, K] x. */
  readonly values: Float64Array;
  /** [n + 1] first pair of each atom; [pairs] the other atom of it, images summed. */
  readonly offsets: Int32Array;
  readonly neighbors: Int32Array;
  /** [pairs, 3, K] ∂x_i/∂r_j; by its own position r_i it is −Σ_j. */
  readonly jacobian: JacobianArray;
  /** [n, 6, K] ∂x_i/∂ε, Voigt; null where no virials are wanted. */
  readonly strain: JacobianArray | null;
}

/** Where the arrays of environments are to live. */
export interface Storage {
  floats(length: number): JacobianArray;
  doubles(length: number): Float64Array;
  ints(length: number): Int32Array;
  bytes(length: number): Uint8Array;
}

/** Memory of this thread alone, entries of the Jacobian in double precision. */
export const DOUBLE_STORAGE: Storage = {
  floats: (length) => new Float64Array(length),
  doubles: (length) => new Float64Array(length),
  ints: (length) => new Int32Array(length),
  bytes: (length) => new Uint8Array(length),
};

/** −map times the rows [count, functions of `columns`]: the inputs' derivatives from the negated ones of the invariants. */
function mapRows(
  { functions, inputs, map }: InputMap,
  rows: Float64Array,
  count: number,
  columns: number,
  out: JacobianArray,
  to: number,
): void {
  for (let r = 0; r < count; r++) {
    const from = r * columns;
    const target = to + r * inputs;
    // Four inputs at a time: every entry of the row is read once for them.
    let k = 0;
    for (; k + 4 <= inputs; k += 4) {
      let m = k * functions;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let v = from; v < from + functions; v++, m++) {
        const b = rows[v]!;
        s0 += map[m]! * b;
        s1 += map[m + functions]! * b;
        s2 += map[m + 2 * functions]! * b;
        s3 += map[m + 3 * functions]! * b;
      }
      out[target + k] = -s0;
      out[target + k + 1] = -s1;
      out[target + k + 2] = -s2;
      out[target + k + 3] = -s3;
    }
    for (; k < inputs; k++) {
      let sum = 0;
      for (let v = 0; v < functions; v++) sum += map[k * functions + v]! * rows[from + v]!;
      out[target + k] = -sum;
    }
  }
}

/**
 * Makes the environments of a structure.
 *
 * @param maps   by element of the basis, all with the same number of inputs
 * @param strain whether virials are wanted
 */
export function environmentsOf(
  program: EnvironmentGradients,
  maps: readonly InputMap[],
  structure: Structure,
  strain: boolean,
  storage: Storage = DOUBLE_STORAGE,
): Environments {
  const n = atomCount(structure);
  const { inputs } = maps[0]!;
  const elements = storage.bytes(n);
  const values = storage.doubles(n * inputs);
  const offsets = storage.ints(n + 1);
  const strains = strain ? storage.floats(6 * n * inputs) : null;
  const neighbors: number[] = [];
  const blocks: JacobianArray[] = [];
  program.visit(structure, (at: AtomDerivatives) => {
    const { atom, element, count } = at;
    const map = maps[element]!;
    elements[atom] = element;
    mapInputs(map, at.values, 0, values, atom * inputs);
    for (let k = 0; k < count; k++) neighbors.push(at.neighbors[k]!);
    const block =
      storage.floats(0) instanceof Float32Array
        ? new Float32Array(3 * count * inputs)
        : new Float64Array(3 * count * inputs);
    mapRows(map, at.forces, 3 * count, program.columns, block, 0);
    blocks.push(block);
    if (strains !== null) mapRows(map, at.virial, 6, program.columns, strains, 6 * atom * inputs);
    offsets[atom + 1] = neighbors.length;
  });
  const jacobian = storage.floats(3 * neighbors.length * inputs);
  let start = 0;
  for (const block of blocks) {
    jacobian.set(block, start);
    start += block.length;
  }
  const places = storage.ints(neighbors.length);
  places.set(neighbors);
  return { inputs, elements, values, offsets, neighbors: places, jacobian, strain: strains };
}

/**
 * Adds −∂E/∂r to `forces` [3n] and −∂E/∂ε to `virial` [6] for the gradients g = ∂E/∂x [n, K].
 *
 *   F_j −= g_i·∂x_i/∂r_j,  F_i += Σ_j g_i·∂x_i/∂r_j,  W_v −= Σ_i g_i·∂x_i/∂ε_v
 */
export function pullBack(
  environments: Environments,
  gradients: Float64Array,
  forces: Float64Array,
  virial: Float64Array | null,
): void {
  const { inputs: K, offsets, neighbors, jacobian, strain } = environments;
  const n = offsets.length - 1;
  for (let i = 0; i < n; i++) {
    const g = i * K;
    let fx = 0;
    let fy = 0;
    let fz = 0;
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      let a = 3 * p * K;
      let b = a + K;
      let c = b + K;
      let x = 0;
      let y = 0;
      let z = 0;
      for (let k = g; k < g + K; k++) {
        const d = gradients[k]!;
        x += d * jacobian[a++]!;
        y += d * jacobian[b++]!;
        z += d * jacobian[c++]!;
      }
      const j = 3 * neighbors[p]!;
      forces[j] = forces[j]! - x;
      forces[j + 1] = forces[j + 1]! - y;
      forces[j + 2] = forces[j + 2]! - z;
      fx += x;
      fy += y;
      fz += z;
    }
    forces[3 * i] = forces[3 * i]! + fx;
    forces[3 * i + 1] = forces[3 * i + 1]! + fy;
    forces[3 * i + 2] = forces[3 * i + 2]! + fz;
    if (strain === null || virial === null) continue;
    for (let v = 0, s = 6 * i * K; v < 6; v++) {
      let sum = 0;
      for (let k = g; k < g + K; k++) sum += gradients[k]! * strain[s++]!;
      virial[v] = virial[v]! - sum;
    }
  }
}

/**
 * Writes to `tangents` [n, K] how the inputs move when atoms move along `along` [3n] and the cell is strained by `strained`
 * [6], both negated: the direction t for which t·g = Σ F·along + Σ W·strained, the transpose of `pullBack`.
 */
export function pushForward(
  environments: Environments,
  along: Float64Array,
  strained: Float64Array | null,
  tangents: Float64Array,
): void {
  const { inputs: K, offsets, neighbors, jacobian, strain } = environments;
  const n = offsets.length - 1;
  tangents.fill(0, 0, n * K);
  for (let i = 0; i < n; i++) {
    const t = i * K;
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      const j = 3 * neighbors[p]!;
      const x = along[3 * i]! - along[j]!;
      const y = along[3 * i + 1]! - along[j + 1]!;
      const z = along[3 * i + 2]! - along[j + 2]!;
      let a = 3 * p * K;
      let b = a + K;
      let c = b + K;
      for (let k = t; k < t + K; k++) {
        tangents[k] = tangents[k]! + (x * jacobian[a++]! + y * jacobian[b++]! + z * jacobian[c++]!);
      }
    }
    if (strain === null || strained === null) continue;
    for (let v = 0, s = 6 * i * K; v < 6; v++) {
      const e = strained[v]!;
      for (let k = t; k < t + K; k++) tangents[k] = tangents[k]! - e * strain[s++]!;
    }
  }
}
