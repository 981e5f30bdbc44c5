import { describe, expect, it } from 'vitest';
import { ProductEvaluator } from '../../../../test/support/product-evaluator.ts';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import type { AceSpecification } from './basis.ts';
import { ChebyshevExponential, ChebyshevPower } from './chebyshev.ts';
import { buildAceBasis } from './enumerate.ts';
import { LINEAR_EMBEDDING, type ProductPotential, productPotential } from './product-basis.ts';
import { createAceProgram } from './program.ts';

function specification(
  elements: readonly string[],
  nmax: readonly number[],
  lmax: readonly number[],
): AceSpecification {
  const pair = { cutoff: 4, innerCutoff: 1.7, innerWidth: 0.4, core: { prefactor: 8, lambda: 0.6 } };
  return { elements, radial: 'SBessel', nmax, lmax, pairs: elements.map(() => elements.map(() => pair)) };
}

function randomCoefficients(count: number, seed = 1): Float64Array {
  const stream = new RandomStream(seed, 'coefficients');
  return Float64Array.from({ length: count }, () => stream.normal());
}

const CELL = Float64Array.of(4.2, 0.1, 0, 0, 4.4, 0.3, -0.2, 0, 4.3);

function structureOf(numbers: readonly number[], periodic: boolean): Structure {
  const stream = new RandomStream(4, 'structure');
  const sites = [
    [0, 0, 0],
    [1.3, 1.1, 0.2],
    [2.3, 0.1, 2.4],
    [0.2, 2.5, 2.2],
  ];
  return {
    positions: Float64Array.from(sites.flat(), (x) => x + 0.1 * stream.normal()),
    cell: periodic ? CELL : null,
    pbc: [periodic, periodic, periodic],
    species: Uint8Array.from(sites, (_, i) => numbers[i % numbers.length]!),
  };
}

describe.each([
  ['orders 1 to 4', ['Si'], [14], [5, 3, 2, 2], [0, 3, 2, 1]],
  ['orders 5 and 6', ['Si'], [14], [2, 1, 1, 1, 2, 1], [0, 2, 1, 1, 1, 1]],
  ['three elements', ['C', 'O', 'Si'], [6, 8, 14], [3, 2, 1], [0, 1, 1]],
] as const)('a basis as products, %s', (_, elements, numbers, nmax, lmax) => {
  const basis = buildAceBasis(specification(elements, nmax, lmax));
  const coefficients = randomCoefficients(basis.offsets.at(-1)!);
  const e0 = elements.map((__, mu) => -1 - mu);
  const evaluator = new ProductEvaluator(productPotential(basis, coefficients, e0));
  const program = createAceProgram(basis);

  it.each([true, false])('has the energies and forces of the program (periodic %s)', (periodic) => {
    const structure = structureOf(numbers, periodic);
    const expected = program.evaluate([structure], coefficients)[0]!;
    const got = evaluator.evaluate(structure);
    const scale = Math.max(1, ...expected.forces.map(Math.abs));
    const isolated = Array.from(structure.species, (z) => e0[numbers.indexOf(z as never)]!);
    expect(got.atomEnergies).toAgree(
      expected.atomEnergies.map((e, i) => e + isolated[i]!),
      { atol: 1e-12 * scale, why: 'two routes to the same sum' },
    );
    expect(got.forces).toAgree(expected.forces, { atol: 1e-12 * scale, why: 'two routes to the same sum' });
    expect(got.virial).toAgree(expected.virial, { atol: 1e-11 * scale, why: 'forces times distances' });
  });
});

describe('contraction of couplings', () => {
  it('makes one product function of all couplings of the same slots', () => {
    const basis = buildAceBasis(specification(['Si'], [4, 4, 1, 4], [0, 1, 0, 1]));
    const functions = basis.functions[0]!;
    const { functions: products } = productPotential(basis, randomCoefficients(functions.length), [0]);
    const slots = new Set(functions.map(({ ns, ls }) => `${ns}|${ls}`));
    expect(products[0]!.length).toBe(slots.size);
    expect(slots.size).toBeLessThan(functions.length);
    for (const { ms, mus, coefficients } of products[0]!) expect(ms.length).toBe(mus.length * coefficients.length);
  });

  it('is linear in the coefficients', () => {
    const basis = buildAceBasis(specification(['Si'], [4, 3, 2], [0, 2, 1]));
    const [a, b] = [randomCoefficients(basis.offsets[1]!, 1), randomCoefficients(basis.offsets[1]!, 2)];
    const structure = structureOf([14], true);
    const energy = (c: Float64Array): number => {
      const { energy: whole } = new ProductEvaluator(productPotential(basis, c, [0])).evaluate(structure);
      const core = new ProductEvaluator(
        productPotential(
          basis,
          c.map(() => 0),
          [0],
        ),
      ).evaluate(structure);
      return whole - core.energy;
    };
    const sum = energy(a.map((x, k) => 2 * x + b[k]!));
    expect(sum).toAgree(2 * energy(a) + energy(b), { rtol: 1e-11, atol: 1e-11, why: 'rounding only' });
  });

  it('refuses lists of the wrong length or with gaps', () => {
    const basis = buildAceBasis(specification(['Si'], [4], [0]));
    expect(() => productPotential(basis, new Float64Array(3), [0])).toThrowError(
      'coefficients must have length 4, got 3',
    );
    expect(() => productPotential(basis, new Float64Array(4), [])).toThrowError(
      'reference energies must have length 1, got 0',
    );
    expect(() => productPotential(basis, new Float64Array(4), [Number.NaN])).toThrowError(
      'reference energies must be finite',
    );
  });
});

describe('potentials beyond the basis', () => {
  // Mixed radial functions, other families, ordered pairs that differ: as files of other programs have them.
  const basis = buildAceBasis(specification(['C', 'Si'], [4, 2, 2], [0, 2, 1]));
  const plain = productPotential(basis, randomCoefficients(basis.offsets.at(-1)!), [0, 0]);
  const mixed: ProductPotential = {
    ...plain,
    bonds: plain.bonds.map((row, mu) =>
      row.map((bond, nu) => ({
        ...bond,
        radial:
          mu === nu ? new ChebyshevExponential(4.1 - 0.2 * mu, 4, 2, 0.3) : new ChebyshevPower(3.9 + 0.1 * mu, 4, 2.5),
        coefficients: bond.coefficients.map((c, k) => c + 0.1 * Math.sin(1 + k + mu)),
      })),
    ),
    embeddings: [
      { ...LINEAR_EMBEDDING, coreCutoff: 2, coreWidth: 1.9 },
      { ...LINEAR_EMBEDDING, coreCutoff: 3, coreWidth: 2.9 },
    ],
  };
  const evaluator = new ProductEvaluator(mixed);

  it.each([true, false])('forces and virial are derivatives of the energy (periodic %s)', (periodic) => {
    const s = structureOf([6, 14], periodic);
    const { forces, virial } = evaluator.evaluate(s);
    const h = 1e-5;
    const moved = (k: number, step: number): number => {
      const positions = s.positions.slice();
      positions[k]! += step;
      return evaluator.evaluate({ ...s, positions }).energy;
    };
    const slopes = Array.from(forces, (_, k) => -(moved(k, h) - moved(k, -h)) / (2 * h));
    const scale = Math.max(1, ...forces.map(Math.abs));
    expect(forces).toAgree(slopes, { atol: 1e-7 * scale, why: 'h² of a central difference' });
    const strained = (step: number): number => {
      const stretch = (rows: Float64Array): Float64Array => rows.map((x, k) => (k % 3 === 2 ? x * (1 + step) : x));
      return evaluator.evaluate({ ...s, positions: stretch(s.positions), cell: s.cell && stretch(s.cell) }).energy;
    };
    expect(virial[2]).toAgree(-(strained(h) - strained(-h)) / (2 * h), {
      atol: 1e-6 * scale,
      why: 'h² of a central difference',
    });
  });

  it('does not change when the structure turns', () => {
    const s = structureOf([6, 14], true);
    const turn = (rows: Float64Array): Float64Array =>
      rows.map((_, k) => {
        const row = k - (k % 3);
        const [x, y, z] = [rows[row]!, rows[row + 1]!, rows[row + 2]!];
        return [0.6 * x - 0.8 * y, 0.8 * x + 0.6 * y, z][k % 3]!;
      });
    const turned = evaluator.evaluate({ ...s, positions: turn(s.positions), cell: turn(s.cell!) });
    expect(turned.energy).toAgree(evaluator.evaluate(s).energy, { rtol: 1e-12, atol: 1e-12, why: 'invariance' });
  });
});
