/** The tight-binding model where its spectra can be written down: dimers, chains and simple cubic crystals. */
import { describe, expect, it } from 'vitest';
import type { Structure } from '../../structure/structure.ts';
import { findBonds } from './bonds.ts';
import { hopping, ONSITE_P, ONSITE_S, PP_PI, PP_SIGMA, repulsion, SP_SIGMA, SS_SIGMA } from './bowler.ts';
import { electronicEnergy, fermiLevel, type WeightedSpectrum } from './fermi.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import { tightBindingSilicon } from './tight-binding.ts';

const WIDTH = 0.1;
const EXACT = { atol: 1e-10, why: 'closed form' };

function at(f: (r: number, out: Float64Array) => void, r: number): number {
  const out = new Float64Array(2);
  f(r, out);
  return out[0]!;
}

/** Eigenvalues of [[a, c], [c, b]]. */
function pair(a: number, b: number, c: number): [number, number] {
  const root = Math.hypot((a - b) / 2, c);
  return [(a + b) / 2 - root, (a + b) / 2 + root];
}

/** Free and internal energy and Fermi level of spectra, as sums over states. */
function expected(spectra: readonly (readonly number[])[], electrons: number, repulsive: number) {
  const weighted: WeightedSpectrum[] = spectra.map((values) => ({
    values: Float64Array.from(values).sort(),
    weight: 1 / spectra.length,
  }));
  const mu = fermiLevel(weighted, electrons, WIDTH);
  const { free, internal } = electronicEnergy(weighted, electrons, mu, WIDTH);
  return { energy: free + repulsive, internalEnergy: internal + repulsive, mu };
}

function silicon(positions: number[], cell: number[] | null, pbc: Structure['pbc']): Structure {
  return {
    positions: Float64Array.from(positions),
    cell: cell && Float64Array.from(cell),
    pbc,
    species: new Uint8Array(positions.length / 3).fill(14),
  };
}

describe('a dimer', () => {
  it.each([1.9, 2.35, 2.9, 3.5])('of %f Å has σ levels of two parities and π levels', (r) => {
    const f = at(hopping, r);
    const levels = [
      // s₁ + s₂ with p₁ − p₂, and s₁ − s₂ with p₁ + p₂ (p along the bond).
      ...pair(ONSITE_S + SS_SIGMA * f, ONSITE_P - PP_SIGMA * f, SP_SIGMA * f),
      ...pair(ONSITE_S - SS_SIGMA * f, ONSITE_P + PP_SIGMA * f, SP_SIGMA * f),
      ...[1, 1, -1, -1].map((sign) => ONSITE_P + sign * PP_PI * f),
    ];
    const { energy, internalEnergy } = expected([levels], 8, at(repulsion, r));
    for (const direction of [
      [1, 0, 0],
      [0, 0.6, -0.8],
      [2 / 3, -1 / 3, 2 / 3],
    ]) {
      const molecule = silicon([0, 0, 0, ...direction.map((u) => r * u)], null, [false, false, false]);
      const result = tightBindingSilicon({ mesh: [1, 1, 1], shifted: false }).evaluate(molecule);
      expect(result.energy).toAgree(energy, EXACT);
      expect(result.internalEnergy).toAgree(internalEnergy, { ...EXACT, atol: 1e-8 });
    }
  });
});

describe('a chain', () => {
  const a = 2.4;
  const f = at(hopping, a);
  const bands = (k: number): number[] => [
    // Re and Im of the hopping to the next atom: ⟨s|H|p⟩ is odd in k.
    ...pair(
      ONSITE_S + 2 * SS_SIGMA * f * Math.cos(k),
      ONSITE_P + 2 * PP_SIGMA * f * Math.cos(k),
      2 * SP_SIGMA * f * Math.sin(k),
    ),
    ...[0, 0].map(() => ONSITE_P + 2 * PP_PI * f * Math.cos(k)),
  ];

  it.each([1, 2, 3, 4, 7])('has the bands of nearest neighbours, sampled at %i points', (n) => {
    for (const shifted of [false, true]) {
      const points = Array.from({ length: n }, (_, i) => (2 * Math.PI * (i + (shifted ? 0.5 : 0))) / n);
      const { energy, mu } = expected(points.map(bands), 4, at(repulsion, a));
      const chain = silicon([0, 0, 0], [a, 0, 0, 0, 0, 0, 0, 0, 0], [true, false, false]);
      const result = tightBindingSilicon({ mesh: [n, 9, 9], shifted }).evaluate(chain);
      expect(result.energy).toAgree(energy, EXACT);
      expect(result.fermiLevel).toAgree(mu, { ...EXACT, atol: 1e-8 });
      expect(result.forces).toAgree([0, 0, 0], { atol: 1e-12, why: 'one atom' });
    }
  });

  it('of n atoms in one cell at Γ is the chain of one at n points', () => {
    for (const n of [2, 3, 5]) {
      const positions = Array.from({ length: n }, (_, i) => [a * i, 0, 0]).flat();
      const long = silicon(positions, [n * a, 0, 0, 0, 0, 0, 0, 0, 0], [true, false, false]);
      const points = Array.from({ length: n }, (_, i) => (2 * Math.PI * i) / n);
      const { energy } = expected(points.map(bands), 4, at(repulsion, a));
      expect(tightBindingSilicon({ mesh: [1, 1, 1], shifted: false }).evaluate(long).energy).toAgree(n * energy, EXACT);
    }
  });

  it('is pulled as its energy says', () => {
    const { virial } = tightBindingSilicon({ mesh: [6, 1, 1], shifted: true }).evaluate(
      silicon([0, 0, 0], [a, 0, 0, 0, 0, 0, 0, 0, 0], [true, false, false]),
    );
    const energyAt = (length: number): number =>
      tightBindingSilicon({ mesh: [6, 1, 1], shifted: true }).evaluate(
        silicon([0, 0, 0], [length, 0, 0, 0, 0, 0, 0, 0, 0], [true, false, false]),
      ).energy;
    const slope = (energyAt(a * 1.0001) - energyAt(a * 0.9999)) / 2e-4;
    expect(virial[0]).toAgree(-slope, { atol: 5e-6, why: 'W = −∂E/∂ε, h² = 1e-8 times a third derivative of 100 eV' });
    expect(virial.subarray(1)).toAgree([0, 0, 0, 0, 0], { atol: 1e-12, why: 'nothing across' });
  });
});

describe('a simple cubic crystal of nearest neighbours', () => {
  const a = 2.75;
  const f = at(hopping, a);
  const cell = [a, 0, 0, 0, a, 0, 0, 0, a];

  it.each([
    ['Γ', false, 1],
    ['R', true, -1],
  ])('has its s and p levels at %s', (_, shifted, sign) => {
    const p = ONSITE_P + sign * f * (2 * PP_SIGMA + 4 * PP_PI);
    const levels = [ONSITE_S + sign * 6 * f * SS_SIGMA, p, p, p];
    const { energy } = expected([levels], 4, 3 * at(repulsion, a));
    const crystal = silicon([0, 0, 0], cell, [true, true, true]);
    const result = tightBindingSilicon({ mesh: [1, 1, 1], shifted }).evaluate(crystal);
    expect(result.energy).toAgree(energy, EXACT);
  });

  it('has one bond of each direction in the lower triangle, with blocks that are transposes of each other', () => {
    const list = neighborList(silicon([0, 0, 0], cell, [true, true, true]), 3.7);
    const bonds = findBonds(list, 1);
    expect(bonds.count).toBe(6);
    for (let b = 0; b < 6; b++) {
      const opposite = Array.from({ length: 6 }, (_, q) => q).find((q) =>
        [0, 1, 2].every((d) => bonds.images[3 * q + d] === -bonds.images[3 * b + d]!),
      )!;
      for (let row = 0; row < 4; row++) {
        for (let column = 0; column < 4; column++) {
          const here = bonds.blocks[16 * b + 4 * row + column];
          expect(bonds.blocks[16 * opposite + 4 * column + row]).toAgree(here, { atol: 0, why: 'the same products' });
        }
      }
    }
  });
});
