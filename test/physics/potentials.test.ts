import { describe, expect, it } from 'vitest';
import { buildAceBasis } from '../../src/core/descriptors/ace/enumerate.ts';
import { type PresetName, presetSpecification } from '../../src/core/descriptors/ace/presets.ts';
import { createAceProgram } from '../../src/core/descriptors/ace/program.ts';
import type { Potential, PotentialResult } from '../../src/core/potentials/potential.ts';
import { stillingerWeberSilicon } from '../../src/core/potentials/stillinger-weber.ts';
import { tightBindingSilicon } from '../../src/core/potentials/tight-binding/tight-binding.ts';
import { RandomStream } from '../../src/core/random.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import {
  clusterVirial,
  copies,
  forceSweep,
  largestDifference,
  permuted,
  randomRotation,
  replicated,
  rewrapped,
  SHAPES,
  shape,
  type Transformed,
  turned,
  virialSweeps,
} from '../support/physics.ts';

/** One potential under test; `make` gives it for a cell that is repeated, so that k-point meshes can follow. */
interface Entry {
  readonly name: string;
  readonly elements: readonly string[];
  /** Distance of neighbours in the shapes, Å. */
  readonly bond: number;
  readonly make: (counts: readonly [number, number, number]) => Potential;
}

const ONCE = [1, 1, 1] as const;

function tightBinding(shifted: boolean): Entry['make'] {
  // A mesh that is not shifted folds onto the repeated cell as well.
  return ([a, b, c]) => tightBindingSilicon({ mesh: [2 / a, 2 / b, 2 / c], shifted });
}

/** A linear ACE potential of a preset with random weights, cutoff 5 Å. */
function ace(preset: PresetName, elements: readonly string[]): Entry['make'] {
  return () => {
    const program = createAceProgram(buildAceBasis(presetSpecification(preset, elements, 5)));
    const random = new RandomStream(3, 'weights');
    const weights = Float64Array.from({ length: program.size }, () => 0.1 * random.normal());
    return { name: `ace ${preset}`, evaluate: (structure) => program.evaluate([structure], weights)[0]! };
  };
}

const POTENTIALS: readonly Entry[] = [
  { name: 'Stillinger-Weber', elements: ['Si'], bond: 2.35, make: () => stillingerWeberSilicon() },
  { name: 'tight binding, shifted mesh', elements: ['Si'], bond: 2.35, make: tightBinding(true) },
  { name: 'tight binding, mesh with Γ', elements: ['Si'], bond: 2.35, make: tightBinding(false) },
  { name: 'ACE small, Si', elements: ['Si'], bond: 2.35, make: ace('small', ['Si']) },
  { name: 'ACE medium, Si', elements: ['Si'], bond: 2.35, make: ace('medium', ['Si']) },
  { name: 'ACE small, C-Si', elements: ['C', 'Si'], bond: 1.9, make: ace('small', ['C', 'Si']) },
  { name: 'ACE medium, C-Si', elements: ['C', 'Si'], bond: 1.9, make: ace('medium', ['C', 'Si']) },
];

const SYMMETRY = 'exact symmetry: only rounding is left, 1e-12 of the size of the terms';

function expectTransformed(original: PotentialResult, found: PotentialResult, expected: Transformed['expected']): void {
  const { energy, forces, virial } = expected(original);
  expect(found.energy).toAgree(energy, { atol: 1e-11, rtol: 1e-12, why: SYMMETRY });
  const size = Math.max(1, ...forces.map(Math.abs), ...virial.map(Math.abs));
  expect(largestDifference(found.forces, forces) / size).toAgree(0, { atol: 3e-12, why: SYMMETRY });
  expect(largestDifference(found.virial, virial) / size).toAgree(0, { atol: 3e-12, why: SYMMETRY });
}

describe.each(POTENTIALS)('$name', ({ elements, bond, make }) => {
  const potential = make(ONCE);

  describe.each(SHAPES)('%s', (name) => {
    const structure: Structure = shape(name, elements, bond);
    const original = potential.evaluate(structure);
    const repeat = (transformed: Transformed, by: Potential = potential): void =>
      expectTransformed(original, by.evaluate(transformed.structure), transformed.expected);

    it('has forces that are the derivatives of its energy', () => {
      for (const seed of [1, 2]) {
        const { coarse, best } = forceSweep(potential, structure, seed);
        expect(best).toAgree(0, { atol: 1e-7, why: 'h² error and rounding balance near h = 1e-5 Å' });
        expect(coarse / best).toBeGreaterThan(1e3);
      }
    });

    it('has a virial that is the derivative of its energy by strain', () => {
      for (const { best } of virialSweeps(potential, structure)) {
        expect(best).toAgree(0, { atol: 1e-6, why: 'h² error and rounding balance near a strain of 1e-5' });
      }
    });

    it('turns with the structure', () => repeat(turned(structure, randomRotation(1))));

    it('does not know left from right', () => repeat(turned(structure, Float64Array.of(-1, 0, 0, 0, -1, 0, 0, 0, -1))));

    it('does not know the order of atoms', () => repeat(permuted(structure, 2)));

    it('does not know the origin or which images were written down', () => repeat(rewrapped(structure, 3)));

    it('is extensive', () => repeat(replicated(structure), make(copies(structure))));

    it('has no net force, and the virial Σ r F where nothing is periodic', () => {
      const size = Math.max(1, ...original.forces.map(Math.abs));
      const { energy, forces, atomEnergies } = original;
      for (let d = 0; d < 3; d++) {
        const sum = forces.reduce((total, f, k) => total + (k % 3 === d ? f : 0), 0);
        expect(sum / size).toAgree(0, { atol: 1e-12, why: 'each pair gets opposite forces; rounding of the sum' });
      }
      if (atomEnergies !== null) {
        const sum = atomEnergies.reduce((total, e) => total + e, 0);
        expect(sum).toAgree(energy, { rtol: 1e-13, atol: 1e-13, why: 'a partition of the energy' });
      }
      if (!structure.pbc.includes(true)) {
        const sum = clusterVirial(structure, forces);
        expect(largestDifference(original.virial, sum) / size).toAgree(0, { atol: 1e-11, why: SYMMETRY });
      }
    });

    it('gives the same bits twice and leaves the structure as it was', () => {
      const before = JSON.stringify([Array.from(structure.positions), structure.cell && Array.from(structure.cell)]);
      potential.evaluate(shape(name === 'molecule' ? 'crystal' : 'molecule', elements, bond));
      const again = potential.evaluate(structure);
      expect(again.energy).toBe(original.energy);
      expect(Array.from(again.forces)).toEqual(Array.from(original.forces));
      expect(Array.from(again.virial)).toEqual(Array.from(original.virial));
      expect(JSON.stringify([Array.from(structure.positions), structure.cell && Array.from(structure.cell)])).toBe(
        before,
      );
    });
  });
});
