import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { completedCell, reducedCell } from './cell.ts';
import { searchImages } from './image-search.ts';
import { coversAll, layGrid, searchCells } from './linked-cells.ts';
import { neighborList } from './neighbor-list.ts';
import { grown, type PairSearch, type PairTable, pairSquare } from './pair-table.ts';

/** n atoms in (and around) a cell of edges near `side`, sheared by up to `shear`, and all that a search needs. */
function searchOf(
  n: number,
  side: readonly [number, number, number],
  shear: number,
  pbc: readonly [boolean, boolean, boolean],
  seed: number,
  cutoff: number,
): PairSearch {
  const random = new RandomStream(seed, 'search');
  const cell = new Float64Array(9);
  for (let d = 0; d < 3; d++) {
    cell[4 * d] = side[d]!;
    for (let k = 0; k < d; k++) cell[3 * d + k] = shear * (random.uniform() - 0.5);
  }
  const positions = Float64Array.from({ length: 3 * n }, (_, k) => side[k % 3]! * 1.6 * (random.uniform() - 0.3));
  const structure = { positions, cell, pbc, species: new Uint8Array(n).fill(14) };
  const completed = completedCell(structure);
  const { basis, transform } = reducedCell(completed, pbc);
  return { structure, cell: completed, basis, transform, cutoff, reach: cutoff + 1e-8, atoms: [0, n] };
}

/** The entries of each atom as lines, in any order of the images of a pair. */
function lines({ offsets, indices, images }: PairTable): string[][] {
  return Array.from(offsets.subarray(1), (end, i) => {
    const own: string[] = [];
    for (let p = offsets[i]!; p < end; p++) own.push(`${indices[p]} ${images.subarray(3 * p, 3 * p + 3)}`);
    return own.sort();
  });
}

const sides = fc.tuple(...([2, 3, 4] as const).map((least) => fc.integer({ min: least, max: 25 })));
const pbcs = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());

describe('searchCells', () => {
  it('finds the pairs that enumeration finds, whether or not a grid is worth its while', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), sides, pbcs, fc.nat(1e6), (n, side, pbc, seed) => {
        const search = searchOf(n, side as [number, number, number], 30, pbc, seed, 1 + (seed % 40) / 10);
        const table = searchCells(search, layGrid(search));
        expect(lines(table)).toEqual(lines(searchImages(search)));
        for (let i = 0; i < n; i++) {
          const own = table.indices.subarray(table.offsets[i]!, table.offsets[i + 1]!);
          expect(own).toEqual(own.toSorted());
        }
      }),
      { numRuns: 120 },
    );
  });

  it('lists the neighbours of the wanted atoms alone', () => {
    const search = { ...searchOf(200, [20, 21, 22], 5, [true, true, false], 3, 4), atoms: [50, 70] as const };
    const table = searchCells(search, layGrid(search));
    expect(lines(table)).toEqual(lines(searchImages(search)));
    expect([table.offsets[50], table.offsets[70]]).toEqual([0, table.indices.length]);
  });
});

describe('layGrid', () => {
  it('has bins of half the reach, a stencil that covers the reach, and at most about eight bins per atom', () => {
    const { bins, stencil } = layGrid(searchOf(1000, [20, 30, 40], 0, [true, true, true], 1, 4));
    expect([bins, stencil]).toEqual([
      [9, 14, 19],
      [2, 2, 2].map((_, d) => Math.ceil((4.00000001 * bins[d]!) / [20, 30, 40][d]!)),
    ]);
    const sparse = layGrid(searchOf(2, [2000, 3000, 4000], 0, [true, true, true], 1, 1));
    expect(sparse.bins[0] * sparse.bins[1] * sparse.bins[2]).toBeLessThanOrEqual(8 * 2 + 64);
  });

  it('puts every atom into the grid', () => {
    const search = searchOf(300, [9, 14, 20], 12, [true, false, true], 9, 3);
    const { bins, places, turns } = layGrid(search);
    for (let k = 0; k < places.length; k++) {
      expect(places[k]).toBeGreaterThanOrEqual(0);
      expect(places[k]).toBeLessThan(bins[k % 3]!);
      if (k % 3 === 1) expect(turns[k]).toBe(0);
    }
  });

  it('says when a stencil sees everything', () => {
    expect(coversAll(layGrid(searchOf(8, [6, 6, 6], 0, [true, true, true], 1, 5)))).toBe(true);
    expect(coversAll(layGrid(searchOf(500, [30, 30, 30], 0, [true, true, true], 1, 5)))).toBe(false);
  });
});

describe('pairSquare', () => {
  it('is rounded like the vectors of a list', () => {
    const search = searchOf(20, [5, 6, 7], 3, [true, true, true], 4, 4);
    const list = neighborList(search.structure, 4);
    for (let p = list.offsets[3]!; p < list.offsets[4]!; p++) {
      const [a, b, c] = list.images.subarray(3 * p, 3 * p + 3) as unknown as [number, number, number];
      expect(Math.sqrt(pairSquare(search, 3, list.indices[p]!, a, b, c))).toBe(list.distances[p]);
    }
  });
});

describe('grown', () => {
  it('keeps the numbers and has room for more', () => {
    const larger = grown(Int32Array.of(3, 1, 4), 4);
    expect(Array.from(larger.subarray(0, 4))).toEqual([3, 1, 4, 0]);
    expect(larger.length).toBeGreaterThan(4);
  });
});
