import { describe, expect, it } from 'vitest';
import { simpleCubic } from '../../../test/support/toy-potentials.ts';
import { minimise } from '../dynamics/minimise.ts';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import { strained } from '../structure/cell.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import { elasticConstants, voigtAverages } from './elastic-constants.ts';

const GPA = 160.2176634;
const potential = stillingerWeberSilicon();
const { structure: diamond } = minimise(
  prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.42 }),
  potential,
  {
    cell: 'full',
    stressTolerance: 1e-8,
    forceTolerance: 1e-6,
  },
);

describe('elasticConstants', () => {
  const constants = elasticConstants(diamond, potential);
  const at = (matrix: Float64Array, i: number, j: number): number => matrix[6 * (i - 1) + j - 1]! * GPA;

  it('are those published for Stillinger-Weber silicon', () => {
    const published = { atol: 0.6, why: 'published to three or four digits' };
    expect(at(constants.relaxed, 1, 1)).toAgree(151.4, published);
    expect(at(constants.relaxed, 1, 2)).toAgree(76.4, published);
    expect(at(constants.relaxed, 4, 4)).toAgree(56.4, published);
    expect(constants.stable).toBe(true);
  });

  it('have the symmetry of a cube, and atoms that follow only soften them', () => {
    const { relaxed, clamped, asymmetry } = constants;
    expect(asymmetry).toBeLessThan(1e-6);
    for (const matrix of [relaxed, clamped]) {
      for (const [i, j] of [
        [1, 4],
        [1, 6],
        [4, 5],
        [3, 5],
      ] as const)
        expect(Math.abs(at(matrix, i, j))).toBeLessThan(1e-4);
      expect(at(matrix, 2, 2)).toAgree(at(matrix, 3, 3), { rtol: 1e-8, why: 'equal by symmetry' });
      expect(at(matrix, 5, 5)).toAgree(at(matrix, 6, 6), { rtol: 1e-6, why: 'equal by symmetry' });
    }
    for (let k = 1; k <= 6; k++) expect(at(relaxed, k, k)).toBeLessThanOrEqual(at(clamped, k, k) + 1e-6);
    expect(at(clamped, 4, 4)).toBeGreaterThan(1.5 * at(relaxed, 4, 4));
  });

  it('are second derivatives of the energy density', () => {
    for (const [j, strain] of [
      [1, [0.001, 0, 0, 0, 0, 0, 0, 0, 0]],
      [4, [0, 0, 0, 0, 0, 0.0005, 0, 0.0005, 0]],
    ] as const) {
      const energy = (sign: number): number =>
        potential.evaluate(
          strained(
            diamond,
            strain.map((x) => sign * x),
          ),
        ).energy;
      const second = (energy(1) - 2 * energy(0) + energy(-1)) / (1e-6 * 8 * 20.0235);
      expect(second * GPA).toAgree(at(constants.clamped, j, j), {
        rtol: 1e-3,
        why: 'second difference of energies at 0.1 %',
      });
    }
  });

  it('see a crystal that a shear would collapse', () => {
    const cubic = minimise(prototypeStructure({ prototype: 'fcc', element: 'Si', a: 4.15 }), potential, {
      cell: 'volume',
    });
    expect(elasticConstants(cubic.structure, potential).stable).toBe(false);
  });
});

describe('voigtAverages', () => {
  it('of a cube are (C11 + 2 C12)/3 and (C11 − C12 + 3 C44)/5', () => {
    const c = new Float64Array(36);
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) c[6 * i + j] = i === j ? 3 : 1;
      c[7 * (i + 3)] = 2;
    }
    const { bulk, shear, young, poisson } = voigtAverages(c);
    const exact = { rtol: 1e-14, why: 'rounding' };
    expect(bulk).toAgree(5 / 3, exact);
    expect(shear).toAgree(8 / 5, exact);
    expect(young).toAgree(2 * shear * (1 + poisson), exact);
    expect(young).toAgree(3 * bulk * (1 - 2 * poisson), exact);
  });
});

describe('minimise with a cell', () => {
  it('finds the lattice of a strained and rattled crystal', () => {
    const bent = strained(diamond, [0.03, 0.01, 0, 0.01, -0.02, 0.015, 0, 0.015, 0.01]);
    const start = { ...bent, positions: bent.positions.map((x, k) => x + 0.03 * Math.sin(k)) };
    const found = minimise(start, potential, { cell: 'full', forceTolerance: 1e-5, stressTolerance: 1e-7 });
    expect(found.converged).toBe(true);
    expect(found.maxStress).toBeLessThanOrEqual(1e-7);
    expect(found.energy).toAgree(8 * -4.3366, { atol: 1e-4, why: 'published to four decimals' });
  });

  it('keeps the shape when only the volume relaxes', () => {
    const tall = strained(diamond, [0, 0, 0, 0, 0, 0, 0, 0, 0.02]);
    const { cell } = minimise(tall, potential, { cell: 'volume' }).structure;
    expect(cell![8]! / cell![0]!).toAgree(1.02, { rtol: 1e-12, why: 'rounding' });
  });

  it('refuses a cell that is not periodic, and tolerances of nothing', () => {
    const slab = { ...diamond, pbc: [true, true, false] as const };
    expect(() => minimise(slab, potential, { cell: 'full' })).toThrow(/must be periodic in three directions/);
    expect(() => minimise(simpleCubic(1, 3), potential, { cell: 'full', stressTolerance: 0 })).toThrow(
      /stress tolerance must be positive, got 0 eV\/Å³/,
    );
  });
});
