import { describe, expect, it } from 'vitest';
import { shape } from '../../../../test/support/physics.ts';
import { RandomStream } from '../../random.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import type { Structure } from '../../structure/structure.ts';
import { HARMONIC_STRIDE, SphericalHarmonics } from './harmonics.ts';
import { type BondRows, harmonicNorm, Neighborhood } from './neighborhood.ts';
import { SphericalBessel } from './radial.ts';

const LMAX = 6;
const N = 2;
const CUTOFF = 4.5;

/** N functions for each l, components by element, m, l and n, as one bond of two elements has them. */
function bonds(): BondRows[][] {
  const pairs = ((LMAX + 1) * (LMAX + 2)) / 2;
  const of = (mu: number): BondRows => ({
    functions: new SphericalBessel(CUTOFF, N * (LMAX + 1) + 1),
    first: Int32Array.from({ length: LMAX + 1 }, (_, l) => N * l),
    last: Int32Array.from({ length: LMAX + 1 }, (_, l) => N * (l + 1)),
    rest: N * (LMAX + 1),
    places: Int32Array.from({ length: pairs }, (_, lm) => N * (mu * pairs + lm)),
  });
  return [0, 1].map(() => [of(0), of(1)]);
}
const COMPONENTS = N * (LMAX + 1) * (LMAX + 2);
const elementOf = (structure: Structure): Uint8Array => structure.species.map((z) => (z === 6 ? 0 : 1));

function gathered(structure: Structure, i: number): Neighborhood {
  const neighborhood = new Neighborhood(bonds(), LMAX);
  neighborhood.gather(neighborList(structure, CUTOFF + 0.3), i, elementOf(structure));
  return neighborhood;
}

describe('constants of harmonics', () => {
  it('make spherical harmonics of derivatives of monic Legendre polynomials', () => {
    // Q_lm at z = 0.6 from explicit polynomials: z, z² − 1/3, z³ − 3z/5, and their derivatives.
    const z = 0.6;
    const [x, y] = [0.48, 0.64];
    const explicit: [number, number, number][] = [
      [0, 0, 1],
      [1, 0, z],
      [1, 1, 1],
      [2, 0, z * z - 1 / 3],
      [2, 1, 2 * z],
      [2, 2, 2],
      [3, 0, z * z * z - 0.6 * z],
      [3, 1, 3 * z * z - 0.6],
      [3, 2, 6 * z],
      [3, 3, 6],
    ];
    const angular = new SphericalHarmonics(3);
    const harmonics = new Float64Array(HARMONIC_STRIDE * angular.count);
    angular.evaluate(x, y, z, harmonics, 0);
    for (const [l, m, q] of explicit) {
      let [re, im] = [1, 0];
      for (let k = 0; k < m; k++) [re, im] = [re * x - im * y, re * y + im * x];
      const at = HARMONIC_STRIDE * ((l * (l + 1)) / 2 + m);
      expect([re, im].map((e) => harmonicNorm(l, m) * q * e)).toAgree([harmonics[at], harmonics[at + 1]], {
        atol: 1e-14,
        why: 'the same function',
      });
    }
  });
});

describe.each(['molecule', 'triclinic', 'cell smaller than the cutoff'] as const)(
  'the neighbours of an atom: %s',
  (name) => {
    const structure = shape(name, ['C', 'Si'], 1.8);
    const neighborhood = gathered(structure, 1);
    const list = neighborList(structure, CUTOFF);

    it('are those within the cutoff, in order', () => {
      const expected = list.indices.slice(list.offsets[1], list.offsets[2]);
      const found = Array.from(neighborhood.atoms.subarray(0, neighborhood.size));
      const elements = elementOf(structure);
      for (const mu of [0, 1]) {
        const own = found.filter((j, k) => j >= 0 && neighborhood.elements[k] === mu);
        expect(own).toEqual(Array.from(expected).filter((j) => elements[j] === mu));
      }
      expect(neighborhood.size % 4).toBe(0);
    });

    it('sum to A', () => {
      const base = new Float64Array(2 * COMPONENTS);
      neighborhood.atomicBase(1, base, COMPONENTS);
      const expected = new Float64Array(2 * COMPONENTS);
      const angular = new SphericalHarmonics(LMAX);
      const harmonics = new Float64Array(HARMONIC_STRIDE * angular.count);
      const radial = new SphericalBessel(CUTOFF, N * (LMAX + 1));
      const [values, slopes] = [new Float64Array(radial.count), new Float64Array(radial.count)];
      for (let p = list.offsets[1]!; p < list.offsets[2]!; p++) {
        const r = list.distances[p]!;
        const [x, y, z] = [0, 1, 2].map((d) => list.vectors[3 * p + d]! / r) as [number, number, number];
        angular.evaluate(x, y, z, harmonics, 0);
        radial.evaluate(r, values, slopes, 0);
        let c = 2 * N * ((LMAX + 1) * (LMAX + 2)) * 0.5 * elementOf(structure)[list.indices[p]!]!;
        for (let m = 0; m <= LMAX; m++) {
          for (let l = m; l <= LMAX; l++) {
            const at = HARMONIC_STRIDE * ((l * (l + 1)) / 2 + m);
            for (let n = 0; n < N; n++, c += 2) {
              const value = values[N * l + n]! / harmonicNorm(l, m);
              expected[c]! += value * harmonics[at]!;
              expected[c + 1]! += value * harmonics[at + 1]!;
            }
          }
        }
      }
      expect(base).toAgree(expected, { atol: 1e-12, rtol: 1e-12, why: 'the same sums' });
    });

    it('have the gradients of a function of A', () => {
      const random = new RandomStream(3, name);
      const adjoint = Float64Array.from({ length: 2 * COMPONENTS }, () => random.normal());
      const value = (moved: Structure): number => {
        const base = new Float64Array(2 * COMPONENTS);
        const around = gathered(moved, 1);
        around.atomicBase(1, base, COMPONENTS);
        let sum = base.reduce((total, a, c) => total + a * adjoint[c]!, 0);
        for (let k = 0; k < around.size; k++) sum += 0.7 * around.values[k * around.stride + N * (LMAX + 1)]!;
        return sum;
      };
      const total = new Float64Array(3 * structure.species.length);
      const rest = Float64Array.of(0.7);
      neighborhood.differentiate(1, adjoint, rest);
      for (let k = 0; k < neighborhood.size; k++) {
        const j = neighborhood.atoms[k]!;
        const own = neighborhood.gradients.subarray(3 * k, 3 * k + 3);
        if (j < 0) expect([...own]).toEqual([0, 0, 0]);
        else if (j !== 1) for (let d = 0; d < 3; d++) total[3 * j + d]! += own[d]!;
      }
      for (const j of structure.species.keys()) {
        if (j === 1) continue;
        for (let d = 0; d < 3; d++) {
          const at = (h: number): number => {
            const positions = structure.positions.slice();
            positions[3 * j + d]! += h;
            return value({ ...structure, positions });
          };
          expect((at(1e-5) - at(-1e-5)) / 2e-5).toAgree(total[3 * j + d], {
            atol: 1e-6,
            rtol: 1e-6,
            why: 'h² of a central difference',
          });
        }
      }
    });
  },
);
