import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { stillingerWeberSilicon } from './stillinger-weber.ts';

const EPSILON = 2.1683;
const SIGMA = 2.0951;
const OPEN = [false, false, false] as const;
const potential = stillingerWeberSilicon();

function molecule(...sites: number[][]): Structure {
  return {
    positions: Float64Array.from(sites.flat()),
    cell: null,
    pbc: OPEN,
    species: new Uint8Array(sites.length).fill(14),
  };
}

describe('Stillinger-Weber silicon', () => {
  it('has −2ε per atom in diamond at the bond length 2^{1/6}σ, without pressure', () => {
    const a = (4 / Math.sqrt(3)) * Math.exp(Math.LN2 / 6) * SIGMA;
    const { energy, atomEnergies, virial, forces } = potential.evaluate(
      prototypeStructure({ prototype: 'diamond', element: 'Si', a }),
    );
    expect(a).toAgree(5.431, { atol: 1e-3, why: 'lattice constant of the paper' });
    expect(energy / 8).toAgree(-2 * EPSILON, { rtol: 1e-8, why: 'A and B have ten digits and make the minimum −1' });
    expect(energy / 8).toAgree(-4.3363, {
      atol: 5e-4,
      why: 'cohesive energy of the literature, ε = 2.1682 or 2.1683 eV',
    });
    expect(atomEnergies).toAgree(new Float64Array(8).fill(energy / 8), { atol: 1e-12, why: 'equal sites' });
    expect(virial).toAgree(new Float64Array(6), { atol: 1e-5, why: 'the minimum, to the digits of A and B' });
    expect(forces).toAgree(new Float64Array(24), { atol: 1e-12, why: 'symmetry' });
  });

  it('is the pair function for two atoms', () => {
    for (const r of [0.9, 1.6, 2.2, 2.9, 3.6]) {
      const x = r / SIGMA;
      const pair = EPSILON * 7.049556277 * (0.6022245584 / (x * x * x * x) - 1) * Math.exp(1 / (x - 1.8));
      expect(potential.evaluate(molecule([0, 0, 0], [0, r, 0])).energy).toAgree(pair, { rtol: 1e-13, why: 'formula' });
    }
  });

  it('has no angular energy at the tetrahedral angle, and the formula elsewhere', () => {
    const r = 2.4;
    const s = 2.6;
    const pairs =
      potential.evaluate(molecule([0, 0, 0], [r, 0, 0])).energy +
      potential.evaluate(molecule([0, 0, 0], [s, 0, 0])).energy;
    for (const cosine of [-1 / 3, -0.6, -0.95]) {
      const three = molecule([0, 0, 0], [r, 0, 0], [s * cosine, s * Math.sqrt(1 - cosine * cosine), 0]);
      const across = potential.evaluate(
        molecule([...three.positions.subarray(3, 6)], [...three.positions.subarray(6, 9)]),
      );
      const open = cosine + 1 / 3;
      const decay = Math.exp(1.2 / (r / SIGMA - 1.8) + 1.2 / (s / SIGMA - 1.8));
      const angle = 21 * EPSILON * open * open * decay;
      // The outer pair is out of reach (r + s at a wide angle), so the angle at atom 0 is the only one.
      expect(across.energy).toBe(0);
      expect(potential.evaluate(three).energy - pairs).toAgree(angle, { atol: 1e-12, why: 'formula' });
    }
  });

  it('is the sum over pairs and angles of any molecule, and its forces are their derivatives', () => {
    /** The energy as the paper writes it: f₂ over pairs and h over the three angles of each triple. */
    const naive = (sites: readonly (readonly number[])[]): number => {
      const cut = 1.8 * SIGMA;
      const vector = (i: number, j: number): number[] => sites[j]!.map((x, d) => x - sites[i]![d]!);
      let sum = 0;
      for (let i = 0; i < sites.length; i++) {
        for (let j = 0; j < sites.length; j++) {
          const a = vector(i, j);
          const r = Math.hypot(...a);
          if (j === i || r >= cut) continue;
          const x = r / SIGMA;
          sum += 0.5 * EPSILON * 7.049556277 * (0.6022245584 * x ** -4 - 1) * Math.exp(1 / (x - 1.8));
          for (let k = 0; k < j; k++) {
            const b = vector(i, k);
            const s = Math.hypot(...b);
            if (k === i || s >= cut) continue;
            const cosine = (a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!) / (r * s);
            sum += 21 * EPSILON * (cosine + 1 / 3) ** 2 * Math.exp(1.2 / (x - 1.8) + 1.2 / (s / SIGMA - 1.8));
          }
        }
      }
      return sum;
    };
    const coordinate = fc.double({ min: -2.2, max: 2.2, noNaN: true });
    const sites = fc.array(fc.tuple(coordinate, coordinate, coordinate), { minLength: 2, maxLength: 6 });
    const apart = sites.filter((all) =>
      all.every((a, i) => all.slice(0, i).every((b) => Math.hypot(...a.map((x, d) => x - b[d]!)) > 1.2)),
    );
    fc.assert(
      fc.property(apart, fc.nat(), (all, pick) => {
        const { energy, forces, atomEnergies } = potential.evaluate(molecule(...all.map((site) => [...site])));
        expect(energy).toAgree(naive(all), { rtol: 1e-12, atol: 1e-12, why: 'the same sum in another order' });
        expect(atomEnergies!.reduce((a, b) => a + b, 0)).toAgree(energy, {
          rtol: 1e-12,
          atol: 1e-12,
          why: 'a partition',
        });
        const k = pick % (3 * all.length);
        const at = (h: number): number =>
          naive(all.map((site, i) => site.map((x, d) => x + (3 * i + d === k ? h : 0))));
        const h = 1e-5;
        const slope = (at(h) - at(-h)) / (2 * h);
        expect(forces[k]).toAgree(-slope, {
          rtol: 1e-6,
          atol: 1e-6,
          why: 'central difference of energies up to 1e3 eV',
        });
      }),
      { numRuns: 60 },
    );
  });

  it('vanishes with all its derivatives at 1.8σ', () => {
    const { energy, forces } = potential.evaluate(molecule([0, 0, 0], [1.8 * SIGMA - 1e-3, 0, 0]));
    expect(Math.abs(energy) + Math.abs(forces[0]!)).toBeLessThan(1e-100);
    expect(potential.evaluate(molecule([0, 0, 0], [1.8 * SIGMA + 1e-3, 0, 0])).energy).toBe(0);
  });

  it('takes any number of neighbours', () => {
    // 2 Å simple cubic, 26 images in reach and more, and a compressed crystal with over a hundred.
    for (const a of [2, 1]) {
      const { energy, forces } = potential.evaluate(prototypeStructure({ prototype: 'sc', element: 'Si', a }));
      expect(Number.isFinite(energy)).toBe(true);
      expect(forces).toAgree(new Float64Array(3), { atol: 1e-6, why: 'inversion, beside energies of 1e5 eV' });
    }
  });

  it('refuses other species and atoms that coincide', () => {
    const carbon = { ...molecule([0, 0, 0], [2, 0, 0]), species: Uint8Array.of(6, 14) };
    expect(() => potential.evaluate(carbon)).toThrow('must be Si, got C at atom 0');
    expect(() => potential.evaluate(molecule([0, 0, 0], [0, 0, 0]))).toThrow('atoms 0 and 1 must be at least');
  });
});
