import type { NeighborList } from '../core/structure/neighbor-list.ts';
import { completedCell } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { ElementTable } from './potential-tables.ts';

/** Multiply-adds of harmonics for one neighbour; a lone product counts as one. */
function harmonicWork(lmax: number): number {
  const triangle = ((lmax + 1) * (lmax + 2)) / 2;
  const recursion = 2 * Math.max(0, triangle - 2 * lmax - 1) + lmax;
  const powers = 4 * Math.max(0, lmax - 1);
  return recursion + powers + 2 * (triangle - lmax - 1);
}

/** Multiply-adds of one neighbour in a bond: vectors, radial functions, harmonics, A, and its force. */
function neighborWork({ own, degree, lmax, counts }: ElementTable['bonds'][number]): number {
  const geometry = 9;
  const radial = own * (2 * degree - 1);
  const components = counts.reduce((sum, count, l) => sum + count * (2 * l + 1), 0);
  let harmonicSums = 0;
  for (let l = 0; l <= lmax; l++) harmonicSums += 1 + (l > 0 ? 1 : 0) + (l > 0 ? 4 + 6 * (l - 1) : 0);
  const force = 2 * components + harmonicSums + 8 * Math.max(0, lmax);
  const scatter = 18;
  return geometry + radial + Math.max(0, harmonicWork(lmax)) + components + force + scatter;
}

/** Multiply-adds of the products of one atom, forwards and back. */
function productWork({ graph, headRows, densities }: ElementTable): number {
  const real = graph.signs.reduce((count, sign) => count + (sign === 0 ? 1 : 0), 0);
  const edges = 2 * graph.signs.length - real;
  const forward = 4 * graph.left.length + densities * (edges + 2 * headRows);
  const backward = densities * (graph.signs.length + 2 * headRows) + edges;
  let factors = 0;
  graph.left.forEach((a, k) => {
    const b = graph.right[k]!;
    factors += graph.real[b] === 1 ? 2 : 4;
    factors += graph.conjugated[k] === 0 && graph.real[a] === 1 ? 2 : 4;
  });
  return forward + backward + factors;
}

/** Multiply-adds that energy and forces of a structure need in the formulation of the kernels. */
export function multiplyAddsOf(
  tables: readonly ElementTable[],
  species: Uint8Array,
  structure: Structure,
  list: NeighborList,
): number {
  const perNeighbor = tables.map(({ bonds }) => bonds.map(neighborWork));
  const perAtom = tables.map(productWork);
  const { positions } = structure;
  const cell = completedCell(structure);
  let sum = 0;
  for (let i = 0; i < species.length; i++) {
    const mu0 = species[i]!;
    sum += perAtom[mu0]!;
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const j = list.indices[p]!;
      let square = 0;
      for (let d = 0; d < 3; d++) {
        let x = positions[3 * j + d]! - positions[3 * i + d]!;
        for (let v = 0; v < 3; v++) x += list.images[3 * p + v]! * cell[3 * v + d]!;
        square += x * x;
      }
      const { cutoff } = tables[mu0]!.bonds[species[j]!]!;
      if (square < cutoff * cutoff) sum += perNeighbor[mu0]![species[j]!]!;
    }
  }
  return sum;
}
