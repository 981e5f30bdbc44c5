import { describe, expect, it } from 'vitest';
import { SHAPES, shape } from '../../../../test/support/physics.ts';
import { ProductEvaluator } from '../../../../test/support/product-evaluator.ts';
import { RandomStream } from '../../random.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import type { AceSpecification } from './basis.ts';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { buildAceBasis } from './enumerate.ts';
import { createPotentialProgram } from './potential-program.ts';
import { type Embedding, LINEAR_EMBEDDING, type ProductPotential, productPotential } from './product-basis.ts';

function linear(elements: readonly string[], nmax: readonly number[], lmax: readonly number[]): ProductPotential {
  const pair = { cutoff: 4.2, innerCutoff: 1.9, innerWidth: 0.5, core: { prefactor: 8, lambda: 0.6 } };
  const pairs = elements.map(() => elements.map(() => pair));
  const specification: AceSpecification = { elements, radial: 'SBessel', nmax, lmax, pairs };
  const basis = buildAceBasis(specification);
  const random = new RandomStream(2, elements.join());
  const coefficients = Float64Array.from({ length: basis.offsets.at(-1)! }, () => 0.1 * random.normal());
  return productPotential(
    basis,
    coefficients,
    elements.map((_, mu) => -1 - mu),
  );
}

/** Two densities, mixed radial functions that differ for ordered pairs, any inner cutoff. */
function general(type: 'distance' | 'density' | 'zbl', kind: Embedding['kind']): ProductPotential {
  const plain = linear(['C', 'Si'], [4, 2, 2, 1, 1], [0, 2, 1, 1, 1]);
  const radial = (mu: number, nu: number) =>
    mu === nu ? new ChebyshevExponential(4.1 - 0.2 * mu, 4, 2, 0.3) : new ChebyshevPower(3.9 + 0.1 * mu, 4, 2.5);
  return {
    ...plain,
    bonds: plain.bonds.map((row, mu) =>
      row.map((bond, nu) => ({
        ...bond,
        radial: radial(mu, nu),
        cutoffWidth: 0.4,
        coefficients: bond.coefficients.map((c, k) => c + 0.1 * Math.sin(1 + k + mu)),
        inner: {
          type,
          cutoff: type === 'density' ? 0 : 2.1 + 0.1 * nu,
          width: type === 'density' ? 0 : 0.5 + 0.1 * mu,
        },
        core: type === 'zbl' ? { prefactor: 0.1, lambda: 1 } : bond.core,
      })),
    ),
    functions: plain.functions.map((block) =>
      block.map((fn) => ({
        ...fn,
        coefficients: Float64Array.from(
          Array.from(fn.coefficients).flatMap((c, k) => [c, 0.5 * c + 0.02 * Math.sin(k)]),
        ),
      })),
    ),
    embeddings: [0, 1].map((mu) => ({
      kind,
      densities: [
        { weight: 1, exponent: 1 },
        { weight: 0.8 + mu, exponent: 0.5 },
      ],
      coreCutoff: 4 + mu,
      coreWidth: 3,
    })),
  };
}

const POTENTIALS: readonly (readonly [string, readonly string[], ProductPotential])[] = [
  ['linear, one element', ['Si'], linear(['Si'], [6, 3, 2, 2], [0, 3, 2, 1])],
  ['linear, three elements', ['C', 'O', 'Si'], linear(['C', 'O', 'Si'], [3, 2, 1], [0, 1, 1])],
  ['two densities, inner cutoffs by distance', ['C', 'Si'], general('distance', 'FinnisSinclair')],
  ['two densities, limits of the core', ['C', 'Si'], general('density', 'FinnisSinclairShiftedScaled')],
  ['two densities, nearest neighbours', ['C', 'Si'], general('zbl', 'FinnisSinclairShiftedScaled')],
  ['single functions only', ['Si'], linear(['Si'], [4], [0])],
  ['no functions at all', ['Si'], { ...linear(['Si'], [4], [0]), functions: [[]], embeddings: [LINEAR_EMBEDDING] }],
];

describe.each(POTENTIALS)('%s', (_, elements, potential) => {
  const oracle = new ProductEvaluator(potential);
  const exact = createPotentialProgram(potential, 'exact');

  it.each(SHAPES)('is what the function-by-function evaluator says: %s', (name) => {
    const structure = shape(name, elements, 1.9);
    const expected = oracle.evaluate(structure);
    const got = exact.evaluate([structure])[0]!;
    const scale = Math.max(1, ...expected.forces.map(Math.abs));
    expect(got.energy).toAgree(expected.energy, { atol: 1e-12 * scale, rtol: 1e-13, why: 'two routes to one sum' });
    expect(got.atomEnergies).toAgree(expected.atomEnergies, { atol: 1e-12 * scale, why: 'two routes to one sum' });
    expect(got.forces).toAgree(expected.forces, { atol: 3e-12 * scale, why: 'two routes to one sum' });
    expect(got.virial).toAgree(expected.virial, { atol: 1e-11 * scale, why: 'forces times distances' });
  });

  it('hardly changes when radial functions are tabulated', () => {
    const tabulated = createPotentialProgram(potential);
    for (const name of SHAPES) {
      const structure = shape(name, elements, 1.9);
      const expected = exact.evaluate([structure])[0]!;
      const got = tabulated.evaluate([structure])[0]!;
      const scale = Math.max(1, ...expected.forces.map(Math.abs));
      expect(got.energy).toAgree(expected.energy, { atol: 1e-11 * scale, why: '1e-12 of values' });
      expect(got.forces).toAgree(expected.forces, { atol: 1e-9 * scale, why: '1e-10 of slopes' });
    }
  });

  it('adds up from ranges of atoms, and takes lists with a skin', () => {
    const structure = shape('triclinic', elements, 2.1);
    const whole = exact.evaluate([structure])[0]!;
    const lists = [
      neighborList({ ...structure, positions: structure.positions.map((x) => x + 0.1) }, exact.cutoff + 0.8),
    ];
    expect(exact.evaluate([structure], { lists })[0]!.energy).toAgree(whole.energy, {
      rtol: 1e-13,
      atol: 1e-13,
      why: 'rounding',
    });
    const parts = [
      [0, 1],
      [1, 3],
      [3, 4],
    ].map(([from, to]) => exact.evaluate([structure], { lists, atoms: [from!, to!] })[0]!);
    const scale = Math.max(1, ...whole.forces.map(Math.abs));
    const sum = (values: (part: (typeof parts)[0]) => Float64Array): Float64Array =>
      parts.map(values).reduce((a, b) => a.map((x, k) => x + b[k]!));
    expect(parts.reduce((e, part) => e + part.energy, 0)).toAgree(whole.energy, {
      rtol: 1e-13,
      atol: 1e-13,
      why: 'rounding',
    });
    expect(sum((part) => part.atomEnergies)).toAgree(whole.atomEnergies, { rtol: 1e-13, atol: 1e-12, why: 'rounding' });
    expect(sum((part) => part.forces)).toAgree(whole.forces, { atol: 1e-12 * scale, why: 'rounding' });
    expect(sum((part) => part.virial)).toAgree(whole.virial, { atol: 1e-11 * scale, why: 'rounding' });
  });
});

describe('a program', () => {
  const program = createPotentialProgram(POTENTIALS[0]![2]);

  it('says how far its lists must reach', () => expect(program.cutoff).toBe(4.2));

  it('gives a lone atom its isolated energy', () => {
    const lone = {
      positions: new Float64Array(3),
      cell: null,
      pbc: [false, false, false] as const,
      species: Uint8Array.of(14),
    };
    const { energy, forces, virial } = program.evaluate([lone])[0]!;
    expect([energy, ...forces, ...virial]).toEqual([-1, ...new Array(9).fill(0)]);
  });

  it('refuses foreign species and coinciding atoms', () => {
    const carbon = shape('molecule', ['C'], 1.5);
    expect(() => program.evaluate([carbon])).toThrowError('species must be one of Si, got C (atom 0)');
    const { positions, ...rest } = shape('molecule', ['Si'], 2.3);
    const met = positions.slice();
    met.copyWithin(0, 3, 6);
    expect(() => program.evaluate([{ ...rest, positions: met }])).toThrowError(
      'distance of atoms 0 and 1 must be at least 0.001 Å, got 0 Å',
    );
  });
});
