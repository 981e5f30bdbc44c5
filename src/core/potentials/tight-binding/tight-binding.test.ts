import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import { prototypeStructure } from '../../structure/prototypes.ts';
import type { Structure } from '../../structure/structure.ts';
import { repeated } from '../../structure/supercell.ts';
import { tightBindingSilicon } from './tight-binding.ts';

const SHIFTED = { mesh: [2, 2, 2], shifted: true } as const;

function rattled(structure: Structure, size: number, seed: number): Structure {
  const random = new RandomStream(seed, 'rattle');
  return { ...structure, positions: structure.positions.map((x) => x + size * random.normal()) };
}

const cube = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });

function dimer(r: number): Structure {
  return {
    positions: Float64Array.of(0, 0, 0, r, 0, 0),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.of(14, 14),
  };
}

describe('tight-binding silicon', () => {
  it('gives the same numbers for the shifted mesh of 8 atoms and the R point of 64', () => {
    const small = rattled(cube, 0.1, 1);
    const one = tightBindingSilicon(SHIFTED).evaluate(small);
    const large = tightBindingSilicon({ mesh: [1, 1, 1], shifted: true }).evaluate(repeated(small, [2, 2, 2]));
    expect([one.kPoints, large.kPoints]).toEqual([4, 1]);
    expect(large.energy).toAgree(8 * one.energy, { atol: 1e-10, why: 'the mesh folds onto R exactly' });
    expect(large.internalEnergy).toAgree(8 * one.internalEnergy, { atol: 1e-9, why: 'first order in μ' });
    expect(large.fermiLevel).toAgree(one.fermiLevel, { atol: 1e-9, why: 'same spectrum' });
    expect(large.forces.subarray(0, 24)).toAgree(one.forces, { atol: 1e-10, why: 'folding' });
    expect(large.virial).toAgree(
      one.virial.map((w) => 8 * w),
      { atol: 1e-9, why: 'folding' },
    );
  });

  it('gives the same numbers in complex and in real arithmetic', () => {
    // A shifted mesh along one direction of the unit cell and the zone face of the doubled one: complex against real.
    const small = rattled(cube, 0.1, 2);
    const complex = tightBindingSilicon({ mesh: [2, 1, 1], shifted: true }).evaluate(small);
    const real = tightBindingSilicon({ mesh: [1, 1, 1], shifted: true }).evaluate(repeated(small, [2, 1, 1]));
    expect(real.energy).toAgree(2 * complex.energy, { atol: 1e-11, why: 'folding' });
    expect(real.forces.subarray(0, 24)).toAgree(complex.forces, { atol: 1e-11, why: 'folding' });
  });

  it('has forces that belong to the free energy, not to the internal energy', () => {
    // A wide smearing makes the entropy matter: there the internal energy is off by far more than differences are.
    const potential = tightBindingSilicon({ ...SHIFTED, smearing: 0.8 });
    const structure = rattled(cube, 0.15, 3);
    const { forces, energy, internalEnergy } = potential.evaluate(structure);
    const at = (h: number) => {
      const positions = structure.positions.slice();
      positions[4] = positions[4]! + h;
      return potential.evaluate({ ...structure, positions });
    };
    const [up, down] = [at(1e-4), at(-1e-4)];
    expect((down.energy - up.energy) / 2e-4).toAgree(forces[4], { atol: 1e-6, why: 'central difference, h = 1e-4 Å' });
    expect(Math.abs((down.internalEnergy - up.internalEnergy) / 2e-4 - forces[4]!)).toBeGreaterThan(1e-3);
    expect(energy).toBeLessThan(internalEnergy);
  });

  it('shows an entropy −∂F/∂width: F(w) and E(w) are consistent', () => {
    const structure = rattled(cube, 0.2, 4);
    const at = (smearing: number) => tightBindingSilicon({ ...SHIFTED, smearing }).evaluate(structure);
    const { energy, internalEnergy } = at(0.4);
    const slope = (at(0.4 + 1e-3).energy - at(0.4 - 1e-3).energy) / 2e-3;
    expect(-0.4 * slope).toAgree(internalEnergy - energy, { rtol: 1e-4, why: 'TS = −w ∂F/∂w, h = 1e-3 eV' });
  });

  it('repels monotonically at short range', () => {
    const potential = tightBindingSilicon({ mesh: [1, 1, 1], shifted: false });
    let last = Number.POSITIVE_INFINITY;
    for (let r = 0.3; r < 2.15; r += 0.05) {
      const { energy, forces } = potential.evaluate(dimer(r));
      expect(energy).toBeLessThan(last);
      expect(forces[3]).toBeGreaterThan(0);
      last = energy;
    }
    const apart = potential.evaluate(dimer(3.7));
    expect(apart.energy).toAgree(potential.evaluate(dimer(50)).energy, { atol: 1e-12, why: 'no bond' });
    expect(apart.forces).toAgree(new Float64Array(6), { atol: 0, why: 'beyond the cutoff' });
  });

  it('has the free energy of an atom in closed form', () => {
    // Four electrons: s is full and p one third full to e^{-60}, E = 2ε_s + 2ε_p and TS = −6w Σ f ln f …, f = 1/3.
    const atom: Structure = { ...dimer(2), positions: new Float64Array(3), species: Uint8Array.of(14) };
    const { energy, internalEnergy } = tightBindingSilicon({ mesh: [1, 1, 1], shifted: false }).evaluate(atom);
    const entropy = -6 * ((1 / 3) * Math.log(1 / 3) + (2 / 3) * Math.log(2 / 3));
    expect(internalEnergy).toAgree(-35.9, { atol: 1e-10, why: 'on-site energies' });
    expect(energy).toAgree(-35.9 - 0.1 * entropy, { atol: 1e-10, why: 'on-site energies and entropy' });
  });

  it('vanishes by symmetry in the perfect crystal, with an isotropic virial', () => {
    const { forces, virial } = tightBindingSilicon(SHIFTED).evaluate(cube);
    expect(forces).toAgree(new Float64Array(24), {
      atol: 1e-11,
      why: 'every site is a centre of tetrahedral symmetry',
    });
    expect(virial[1]).toAgree(virial[0], { atol: 1e-11, why: 'cubic' });
    expect(virial.subarray(3)).toAgree([0, 0, 0], { atol: 1e-11, why: 'cubic' });
  });

  it('keeps cells of different size apart when they come in turn', () => {
    const potential = tightBindingSilicon(SHIFTED);
    const first = potential.evaluate(rattled(cube, 0.1, 5));
    const copy = Array.from(first.forces);
    potential.evaluate(dimer(2.2));
    potential.evaluate(repeated(cube, [1, 1, 2]));
    expect(Array.from(first.forces)).toEqual(copy);
    expect(Array.from(potential.evaluate(rattled(cube, 0.1, 5)).forces)).toEqual(copy);
  });

  it('refuses other species, atoms that coincide and settings out of range', () => {
    const potential = tightBindingSilicon(SHIFTED);
    expect(() => potential.evaluate({ ...dimer(2), species: Uint8Array.of(14, 6) })).toThrow(
      'species for tight-binding silicon must be Si, got C at atom 1',
    );
    expect(() => potential.evaluate(dimer(1e-5))).toThrow('distance of atoms 0 and 1 must be at least 0.001 Å');
    const empty = { ...dimer(2), positions: new Float64Array(0), species: new Uint8Array(0) };
    expect(() => potential.evaluate(empty)).toThrow('structure must have at least one atom, got none');
    expect(() => tightBindingSilicon({ ...SHIFTED, smearing: 0 })).toThrow('smearing must be positive, got 0 eV');
    expect(() => tightBindingSilicon({ shifted: true })).toThrow('either as a mesh or as a spacing');
  });
});
