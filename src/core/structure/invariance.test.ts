import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { cellVolume, inverseCell, reducedCell, strained, transformRows, wrapped } from './cell.ts';
import { minimumDistance } from './checks.ts';
import { neighborList } from './neighbor-list.ts';
import { randomRotation, rotated } from './rigid-motion.ts';
import type { Structure } from './structure.ts';
import { repeated, supercell } from './supercell.ts';

const PERIODIC = [true, true, true] as const;
const CUTOFF = 3.3;

function crystal(seed: number, n: number): Structure {
  const stream = new RandomStream(seed, 'invariance');
  const cell = Float64Array.of(4, 0.3, -0.2, 0.5, 3.6, 0.4, -0.3, 0.2, 4.4).map(
    (x) => x + 0.3 * (stream.uniform() - 0.5),
  );
  const fractional = Float64Array.from({ length: 3 * n }, () => stream.uniform());
  return { positions: transformRows(fractional, cell), cell, pbc: PERIODIC, species: new Uint8Array(n).fill(14) };
}

/** All distances of the list, sorted: what no change of description may touch. */
const distances = (structure: Structure): Float64Array => neighborList(structure, CUTOFF).distances.slice().sort();

/** A random product of additions of one row to another: determinant 1, whole numbers. */
function unimodular(stream: RandomStream): number[] {
  const m = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  for (let step = 0; step < 4; step++) {
    const p = stream.integer(3);
    const q = (p + 1 + stream.integer(2)) % 3;
    const sign = stream.integer(2) === 0 ? 1 : -1;
    for (let k = 0; k < 3; k++) m[3 * p + k]! += sign * m[3 * q + k]!;
  }
  return m;
}

const seeds = fc.nat({ max: 5000 });
const ROUNDING = { atol: 1e-9, why: 'a dozen roundings of numbers near 10' };

describe('what a crystal is does not depend on how it is described', () => {
  it.each<[string, (structure: Structure, stream: RandomStream) => Structure]>([
    ['rotated', (s, stream) => rotated(s, randomRotation(stream))],
    ['mirrored', (s) => ({ ...s, positions: s.positions.map((x) => -x), cell: s.cell!.map((x) => -x) })],
    [
      'moved',
      (s, stream) => {
        const by = [stream.normal(), 10 * stream.normal(), stream.normal()];
        return { ...s, positions: s.positions.map((x, k) => x + by[k % 3]!) };
      },
    ],
    ['with atoms wrapped', (s) => wrapped(s)],
    [
      'with atoms in other cells',
      (s, stream) => {
        const images = Float64Array.from(s.positions, () => stream.integer(5) - 2);
        const shift = transformRows(images, s.cell!);
        return { ...s, positions: s.positions.map((x, k) => x + shift[k]!) };
      },
    ],
    ['with other vectors of its lattice', (s, stream) => ({ ...s, cell: transformRows(unimodular(stream), s.cell!) })],
    ['with the shortest vectors of its lattice', (s) => ({ ...s, cell: reducedCell(s.cell!, PERIODIC).basis })],
    [
      'with its atoms in another order',
      (s, stream) => {
        const order = stream.permutation(s.species.length);
        return {
          ...s,
          positions: Float64Array.from(s.positions, (_, k) => s.positions[3 * order[Math.floor(k / 3)]! + (k % 3)]!),
        };
      },
    ],
  ])('%s', (_, change) => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 6 }), (seed, n) => {
        const structure = crystal(seed, n);
        const changed = change(structure, new RandomStream(seed, 'change'));
        expect(cellVolume(changed.cell!)).toAgree(cellVolume(structure.cell!), {
          rtol: 1e-12,
          why: 'the same crystal',
        });
        expect(distances(changed)).toAgree(distances(structure), ROUNDING);
        const [before, after] = [minimumDistance(structure, 6), minimumDistance(changed, 6)];
        expect(after!.distance).toAgree(before!.distance, ROUNDING);
      }),
      { numRuns: 12 },
    );
  });

  it('repeated, every atom keeps its neighbours', () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 4 }), (seed, n) => {
        const structure = crystal(seed, n);
        const stream = new RandomStream(seed, 'supercells');
        const matrix = unimodular(stream).map((x, k) => x + (k % 4 === 0 ? 1 : 0));
        const larger = [repeated(structure, [2, 1, 3])];
        const determinant = cellVolume(transformRows(matrix, structure.cell!)) / cellVolume(structure.cell!);
        if (Math.round(determinant) > 0 && Math.round(determinant) < 20) {
          try {
            larger.push(supercell(structure, matrix));
          } catch (error) {
            expect((error as Error).message).toContain('must have a positive determinant');
          }
        }
        const one = distances(structure);
        for (const big of larger) {
          const times = big.species.length / n;
          expect(cellVolume(big.cell!)).toAgree(times * cellVolume(structure.cell!), {
            rtol: 1e-10,
            why: 'so many cells',
          });
          expect(distances(big)).toAgree(
            Float64Array.from({ length: one.length * times }, (_, k) => one[Math.floor(k / times)]!),
            ROUNDING,
          );
        }
      }),
      { numRuns: 20 },
    );
  });

  it('strained and strained back, it is what it was; a pure rotation changes no distance to first order', () => {
    fc.assert(
      fc.property(seeds, (seed) => {
        const structure = crystal(seed, 3);
        const stream = new RandomStream(seed, 'strain');
        const strain = Float64Array.from({ length: 9 }, () => 0.1 * (stream.uniform() - 0.5));
        const deformation = strain.map((e, k) => e + (k % 4 === 0 ? 1 : 0));
        const back = inverseCell(deformation).map((x, k) => x - (k % 4 === 0 ? 1 : 0));
        const again = strained(strained(structure, strain), back);
        expect(again.positions).toAgree(structure.positions, { atol: 1e-12, why: 'rounding' });
        expect(again.cell).toAgree(structure.cell, { atol: 1e-12, why: 'rounding' });
        const turn = Float64Array.of(0, 1e-5, -2e-5, -1e-5, 0, 3e-5, 2e-5, -3e-5, 0);
        expect(distances(strained(structure, turn))).toAgree(distances(structure), {
          atol: 1e-8,
          why: 'second order, (4e-5)²',
        });
      }),
      { numRuns: 20 },
    );
  });
});
