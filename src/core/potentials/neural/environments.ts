import type { AtomDerivatives, EnvironmentGradients } from '../../descriptors/ace/environment-gradients.ts';
import { multiply as plainMultiply } from '../../numerics/dense.ts';
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

/** A·B of row-major matrices, [m, k] and [k, n]. */
type Multiply = (a: Float64Array, b: Float64Array, m: number, k: number, n: number) => Float64Array;

/** [columns, inputs] −mapᵀ, rows beyond the element's functions zero: what turns negated derivatives of invariants into those of inputs. */
function negatedTranspose({ functions, inputs, map }: InputMap, columns: number): Float64Array {
  const out = new Float64Array(columns * inputs);
  for (let k = 0; k < inputs; k++) {
    for (let v = 0; v < functions; v++) out[v * inputs + k] = -map[k * functions + v]!;
  }
  return out;
}

/**
 * Makes the environments of a structure.
 *
 * @param maps     by element of the basis, all with the same number of inputs
 * @param strain   whether virials are wanted
 * @param multiply matrix product; in plain TypeScript by default
 */
export function environmentsOf(
  program: EnvironmentGradients,
  maps: readonly InputMap[],
  structure: Structure,
  strain: boolean,
  storage: Storage = DOUBLE_STORAGE,
  multiply: Multiply = plainMultiply,
): Environments {
  const n = atomCount(structure);
  const { inputs } = maps[0]!;
  const elements = storage.bytes(n);
  const values = storage.doubles(n * inputs);
  const offsets = storage.ints(n + 1);
  const strains = strain ? storage.floats(6 * n * inputs) : null;
  const { columns } = program;
  const transposed = maps.map((map) => negatedTranspose(map, columns));
  const inSingle = storage.floats(0) instanceof Float32Array;
  const neighbors: number[] = [];
  const blocks: JacobianArray[] = [];
  program.visit(structure, (at: AtomDerivatives) => {
    const { atom, element, count } = at;
    const map = maps[element]!;
    elements[atom] = element;
    mapInputs(map, at.values, 0, values, atom * inputs);
    for (let k = 0; k < count; k++) neighbors.push(at.neighbors[k]!);
    const rows = 3 * count;
    const mapped = multiply(at.forces.subarray(0, rows * columns), transposed[element]!, rows, columns, inputs);
    blocks.push(inSingle ? Float32Array.from(mapped) : mapped);
    if (strains !== null) strains.set(multiply(at.virial, transposed[element]!, 6, columns, inputs), 6 * atom * inputs);
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
      let x1 = 0;
      let y1 = 0;
      let z1 = 0;
      let k = g;
      for (; k + 2 <= g + K; k += 2) {
        const d = gradients[k]!;
        const e = gradients[k + 1]!;
        x += d * jacobian[a]!;
        y += d * jacobian[b]!;
        z += d * jacobian[c]!;
        x1 += e * jacobian[a + 1]!;
        y1 += e * jacobian[b + 1]!;
        z1 += e * jacobian[c + 1]!;
        a += 2;
        b += 2;
        c += 2;
      }
      if (k < g + K) {
        const d = gradients[k]!;
        x1 += d * jacobian[a]!;
        y1 += d * jacobian[b]!;
        z1 += d * jacobian[c]!;
      }
      x += x1;
      y += y1;
      z += z1;
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
