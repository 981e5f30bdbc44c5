import { describe, expect, it } from 'vitest';
import { ChebyshevExponential, ChebyshevPower } from '../../src/core/descriptors/ace/chebyshev.ts';
import { buildAceBasis } from '../../src/core/descriptors/ace/enumerate.ts';
import { createPotentialProgram } from '../../src/core/descriptors/ace/potential-program.ts';
import { presetSpecification } from '../../src/core/descriptors/ace/presets.ts';
import {
  type Embedding,
  type InnerCutoff,
  LINEAR_EMBEDDING,
  type ProductPotential,
  productPotential,
} from '../../src/core/descriptors/ace/product-basis.ts';
import { createAceProgram } from '../../src/core/descriptors/ace/program.ts';
import { type RadialFunctions, SphericalBessel } from '../../src/core/descriptors/ace/radial.ts';
import { startMotion } from '../../src/core/dynamics/dynamics.ts';
import { kineticEnergy } from '../../src/core/dynamics/velocities.ts';
import { velocityVerletStep } from '../../src/core/dynamics/velocity-verlet.ts';
import type { Potential } from '../../src/core/potentials/potential.ts';
import { RandomStream } from '../../src/core/random.ts';
import type { Structure } from '../../src/core/structure/structure.ts';

const CUTOFF = 4;
const INNER = 1.6;
const WIDTH = 0.4;

/** Three atoms near the origin, and one on its way towards the first of them from `distance` Å. */
function approach(distance: number): Structure {
  const positions = [0, 0, 0, -2.1, 0.3, 0.4, -1.2, -1.9, 0.6, distance, 0, 0];
  return {
    positions: Float64Array.from(positions),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.of(14, 14, 14, 14),
  };
}

/** Change of the total energy while the last atom flies inwards over `path` Å. */
function energyChange(potential: Potential, from: number, path: number, speed: number, dt: number): number {
  const velocities = new Float64Array(12);
  velocities[9] = -speed;
  const motion = startMotion(approach(from), velocities, potential);
  const total = (): number => motion.energy + kineticEnergy(motion.velocities, motion.masses);
  const start = total();
  const steps = Math.round(path / (speed * dt));
  for (let k = 0; k < steps; k++) velocityVerletStep(motion, potential, dt);
  return total() - start;
}

/** That change in the limit of short steps: the error of the integrator falls as dt² and drops out. */
function jump(potential: Potential, from: number, path: number, speed: number): number {
  const [coarse, fine] = [0.02, 0.01].map((dt) => energyChange(potential, from, path, speed, dt)) as [number, number];
  return (4 * fine - coarse) / 3;
}

const outwards = (potential: Potential): number => jump(potential, CUTOFF + 0.04, 0.08, 0.04);
const inwards = (potential: Potential): number => jump(potential, INNER + 0.1, 0.3, 0.08);
const NO_JUMP = { atol: 1e-6, why: 'energies are continuous where pairs begin and end' };

const basis = buildAceBasis({
  ...presetSpecification('small', ['Si'], CUTOFF),
  pairs: [[{ cutoff: CUTOFF, innerCutoff: INNER, innerWidth: WIDTH, core: { prefactor: 30, lambda: 0.5 } }]],
});
const random = new RandomStream(8, 'weights');
const weights = Float64Array.from({ length: basis.offsets.at(-1)! }, () => 0.05 * random.normal());
const linear = productPotential(basis, weights, [-1]);

function potentialOf(
  radial: RadialFunctions,
  inner: InnerCutoff = linear.bonds[0]![0]!.inner,
  embedding: Embedding = LINEAR_EMBEDDING,
): Potential {
  const bond = linear.bonds[0]![0]!;
  const core = inner.type === 'zbl' ? { prefactor: 0.1, lambda: 1 } : bond.core;
  const potential: ProductPotential = {
    ...linear,
    bonds: [[{ ...bond, radial, inner, core, cutoffWidth: 0.3 }]],
    embeddings: [embedding],
  };
  const program = createPotentialProgram(potential, 'exact');
  return { name: 'products', evaluate: (structure) => program.evaluate([structure])[0]! };
}

const count = linear.bonds[0]![0]!.radial.count;
const RADIAL: readonly (readonly [name: string, functions: RadialFunctions])[] = [
  ['SBessel', new SphericalBessel(CUTOFF, count)],
  ['ChebExpCos with a step of 0.3 Å', new ChebyshevExponential(CUTOFF, count, 3, 0.3)],
  ['ChebExpCos with a step of 0.01 Å', new ChebyshevExponential(CUTOFF, count, 3, 0.01)],
  ['ChebPow 2', new ChebyshevPower(CUTOFF, count, 2)],
  ['ChebPow 3.5', new ChebyshevPower(CUTOFF, count, 3.5)],
];

describe('the total energy does not jump', () => {
  const program = createAceProgram(basis);
  const ofBasis: Potential = {
    name: 'basis',
    evaluate: (structure) => program.evaluate([structure], weights)[0]!,
  };

  it('where an atom crosses the cutoff or the inner cutoff of a basis', () => {
    expect(outwards(ofBasis)).toAgree(0, NO_JUMP);
    expect(inwards(ofBasis)).toAgree(0, NO_JUMP);
  });

  it.each(RADIAL)('where an atom crosses the cutoff or the inner cutoff of %s', (_, functions) => {
    const potential = potentialOf(functions);
    expect(outwards(potential)).toAgree(0, NO_JUMP);
    expect(inwards(potential)).toAgree(0, NO_JUMP);
  });

  it.each<[string, InnerCutoff, Embedding]>([
    [
      'a core that limits the products',
      { type: 'density', cutoff: 0, width: 0 },
      { ...LINEAR_EMBEDDING, coreCutoff: 6, coreWidth: 4 },
    ],
    ['the nearest neighbour', { type: 'zbl', cutoff: INNER, width: WIDTH }, LINEAR_EMBEDDING],
    [
      'the nearest neighbour, with two exponents',
      { type: 'zbl', cutoff: INNER, width: WIDTH },
      { ...LINEAR_EMBEDDING, densities: [{ weight: 1, exponent: 0.7 }] },
    ],
  ])('where the switch is %s', (_, inner, embedding) => {
    const potential = potentialOf(RADIAL[0]![1], inner, embedding);
    expect(outwards(potential)).toAgree(0, NO_JUMP);
    expect(inwards(potential)).toAgree(0, NO_JUMP);
    // The switch is at work: the same flight in a potential without it ends elsewhere.
    const closest = approach(INNER - 0.2);
    const without = potentialOf(RADIAL[0]![1], { type: 'distance', cutoff: 0, width: 0 }, embedding);
    expect(Math.abs(potential.evaluate(closest).energy - without.evaluate(closest).energy)).toBeGreaterThan(0.1);
  });

  it('but the test sees a jump where there is one', () => {
    const smooth = potentialOf(RADIAL[0]![1]);
    const broken: Potential = {
      name: 'broken',
      evaluate: (structure) => {
        const result = smooth.evaluate(structure);
        return { ...result, energy: result.energy + (structure.positions[9]! < CUTOFF ? 3e-6 : 0) };
      },
    };
    expect(outwards(broken)).toAgree(3e-6, { atol: 1e-6, why: 'the jump put in' });
  });
});
