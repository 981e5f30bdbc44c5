import { describe, expect, it } from 'vitest';
import type { Potential } from '../potentials/potential.ts';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import { compression } from './compression.ts';

const SILICON = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.431 });

describe('compression', () => {
  it('rises all the way to 0.7 of the bond for a sound potential', () => {
    const { points, fallsBelow } = compression(SILICON, stillingerWeberSilicon());
    expect(points.map(({ ratio }) => ratio)).toAgree(
      Array.from({ length: 16 }, (_, k) => 1 - 0.02 * k),
      { atol: 1e-12, why: 'sixteen bonds from 1 to 0.7' },
    );
    expect(fallsBelow).toBeNull();
    expect(points[0]!.energy).toAgree(-4.3363, { atol: 1e-3, why: 'cohesive energy of the potential, eV/atom' });
    expect(points[15]!.energy).toBeGreaterThan(1);
  });

  it('says from where on the energy falls', () => {
    const wall: Potential = {
      name: 'a wall with a hole behind it',
      evaluate: (structure) => {
        const x = structure.cell![0]! / 5.431;
        const rise = (1 - x) * (1 - x);
        const energy = 8 * (x > 0.83 ? rise : 0.17 * 0.17 - (0.83 - x));
        return { energy, atomEnergies: null, forces: new Float64Array(24), virial: new Float64Array(6) };
      },
    };
    expect(compression(SILICON, wall).fallsBelow).toAgree(0.84, { atol: 1e-12, why: 'the last bond before the hole' });
  });

  it('takes energies that are no numbers for a fall', () => {
    const nowhere: Potential = {
      name: 'NaN',
      evaluate: () => ({
        energy: Number.NaN,
        atomEnergies: null,
        forces: new Float64Array(24),
        virial: new Float64Array(6),
      }),
    };
    expect(compression(SILICON, nowhere).fallsBelow).toBe(1);
  });
});
