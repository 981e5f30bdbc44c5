import { addBondForce } from '../../structure/bond-force.ts';
import type { NeighborList } from '../../structure/neighbor-list.ts';
import { hopping, repulsion } from './bowler.ts';
import { angularBlock, bondGradient, ORBITALS } from './slater-koster.ts';

/** Entries of one Slater–Koster block. */
export const BLOCK = ORBITALS * ORBITALS;

/** Bonds of a structure, one entry for each directed pair whose block stands in the lower triangle of H (j ≤ i). */
export interface Bonds {
  readonly count: number;
  /** [b] atom i and atom j. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** [3b] lattice vector of j. */
  readonly images: Int32Array;
  /** [3b] unit vector from i to j, [b] length, Å. */
  readonly directions: Float64Array;
  readonly distances: Float64Array;
  /** [b] radial factor of the hopping and its slope, 1/Å. */
  readonly factors: Float64Array;
  readonly slopes: Float64Array;
  /** [16b] Slater–Koster blocks, eV. */
  readonly blocks: Float64Array;
}

/** Collects the bonds of a neighbour list with their hopping blocks. */
export function findBonds(list: NeighborList, atoms: number): Bonds {
  let count = 0;
  for (let i = 0; i < atoms; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) if (list.indices[p]! <= i) count++;
  }
  const bonds: Bonds = {
    count,
    from: new Int32Array(count),
    to: new Int32Array(count),
    images: new Int32Array(3 * count),
    directions: new Float64Array(3 * count),
    distances: new Float64Array(count),
    factors: new Float64Array(count),
    slopes: new Float64Array(count),
    blocks: new Float64Array(BLOCK * count),
  };
  const radial = new Float64Array(2);
  const block = new Float64Array(BLOCK);
  let b = 0;
  for (let i = 0; i < atoms; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      if (list.indices[p]! > i) continue;
      const r = list.distances[p]!;
      bonds.from[b] = i;
      bonds.to[b] = list.indices[p]!;
      bonds.distances[b] = r;
      for (let d = 0; d < 3; d++) {
        bonds.images[3 * b + d] = list.images[3 * p + d]!;
        bonds.directions[3 * b + d] = list.vectors[3 * p + d]! / r;
      }
      hopping(r, radial);
      bonds.factors[b] = radial[0]!;
      bonds.slopes[b] = radial[1]!;
      angularBlock(bonds.directions[3 * b]!, bonds.directions[3 * b + 1]!, bonds.directions[3 * b + 2]!, block);
      for (let q = 0; q < BLOCK; q++) bonds.blocks[BLOCK * b + q] = radial[0]! * block[q]!;
      b++;
    }
  }
  return bonds;
}

/** Adds every bond's block times its phase to the lower triangle of an [n, n] matrix. */
export function addBlocks(matrix: Float64Array, n: number, bonds: Bonds, phases: Float64Array): void {
  const { blocks } = bonds;
  for (let b = 0; b < bonds.count; b++) {
    const phase = phases[b]!;
    const corner = ORBITALS * bonds.from[b]! * n + ORBITALS * bonds.to[b]!;
    for (let row = 0; row < ORBITALS; row++) {
      const at = corner + row * n;
      const q = BLOCK * b + ORBITALS * row;
      for (let column = 0; column < ORBITALS; column++) {
        matrix[at + column] = matrix[at + column]! + phase * blocks[q + column]!;
      }
    }
  }
}

/** Adds −dE/dr and −∂E/∂ε of bonds for their density blocks, and of the pair repulsion; returns the repulsive energy. */
export function addBondForces(bonds: Bonds, density: Float64Array, forces: Float64Array, virial: Float64Array): number {
  const { from, to, directions, distances, factors, slopes } = bonds;
  const gradient = new Float64Array(3);
  const radial = new Float64Array(2);
  let energy = 0;
  for (let b = 0; b < bonds.count; b++) {
    const i = from[b]!;
    const j = to[b]!;
    const r = distances[b]!;
    const [ux, uy, uz] = [directions[3 * b]!, directions[3 * b + 1]!, directions[3 * b + 2]!];
    bondGradient(density, BLOCK * b, ux, uy, uz, r, factors[b]!, slopes[b]!, gradient);
    repulsion(r, radial);
    // An entry with j < i stands for itself and its mirror image; both directions of i–i are there.
    const times = i === j ? 1 : 2;
    energy += 0.5 * times * radial[0]!;
    const pair = 0.5 * radial[1]!;
    const gx = times * (gradient[0]! + pair * ux);
    const gy = times * (gradient[1]! + pair * uy);
    const gz = times * (gradient[2]! + pair * uz);
    addBondForce(forces, virial, i, j, gx, gy, gz, ux * r, uy * r, uz * r);
  }
  return energy;
}
