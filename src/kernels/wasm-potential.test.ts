import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ProductEvaluator } from '../../test/support/product-evaluator.ts';
import { basisEnergies } from '../core/descriptors/ace/basis-energies.ts';
import { ChebyshevExponential } from '../core/descriptors/ace/chebyshev.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import {
  type Embedding,
  type InnerCutoff,
  LINEAR_EMBEDDING,
  type ProductFunction,
  type ProductPotential,
  productPotential,
} from '../core/descriptors/ace/product-basis.ts';
import { SphericalBessel } from '../core/descriptors/ace/radial.ts';
import type { Evaluation } from '../core/descriptors/descriptors.ts';
import { InputError, NumericalError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { neighborList } from '../core/structure/neighbor-list.ts';
import type { Structure } from '../core/structure/structure.ts';
import { compileWasm } from './wasm-module.ts';
import { compileWasmPotential } from './wasm-potential.ts';

const SYMBOLS = ['C', 'O', 'Si'];
const NUMBERS = [6, 8, 14];

const INNER: Record<string, { inner: InnerCutoff; prefactor: number }> = {
  none: { inner: { type: 'distance', cutoff: 0, width: 0.01 }, prefactor: 0 },
  distance: { inner: { type: 'distance', cutoff: 1.8, width: 0.6 }, prefactor: 20 },
  density: { inner: { type: 'density', cutoff: 0, width: 0 }, prefactor: 9 },
  zbl: { inner: { type: 'zbl', cutoff: 1.7, width: 0.5 }, prefactor: 1 },
};

const LIMITS = { coreCutoff: 6, coreWidth: 5 };
const EMBEDDINGS: Record<string, Embedding> = {
  linear: LINEAR_EMBEDDING,
  two: {
    kind: 'FinnisSinclairShiftedScaled',
    densities: [
      { weight: 1, exponent: 1 },
      { weight: 0.7, exponent: 0.5 },
    ],
    ...LIMITS,
  },
  straight: {
    kind: 'FinnisSinclair',
    densities: [
      { weight: 1, exponent: 0.8 },
      { weight: -0.4, exponent: 1.7 },
    ],
    ...LIMITS,
  },
  one: { kind: 'FinnisSinclairShiftedScaled', densities: [{ weight: 1.3, exponent: 0.6 }], ...LIMITS },
};

interface Shape {
  readonly elements: number;
  /** Functions of each order, from 1. */
  readonly orders: readonly number[];
  readonly inner: string;
  readonly embedding: string;
  readonly lmax: number;
  readonly nmax: number;
}

/** Random functions: any slots and any m, so that nothing but the definition of the potential is taken for granted. */
function randomPotential(shape: Shape, seed: number): ProductPotential {
  const stream = new RandomStream(seed, 'wasm-potential');
  const { elements, orders, lmax, nmax } = shape;
  const embedding = EMBEDDINGS[shape.embedding]!;
  const densities = embedding.densities.length;
  const { inner, prefactor } = INNER[shape.inner]!;
  const pick = (n: number): number => Math.floor(n * stream.uniform());
  const count = nmax + 1;
  const bond = (mu0: number, mu: number) => {
    const cutoff = 3.6 + 0.2 * mu0 + 0.3 * mu;
    return {
      radial:
        (mu0 + mu) % 2 === 0 ? new SphericalBessel(cutoff, count) : new ChebyshevExponential(cutoff, count, 3, 0.4),
      radialName: 'test',
      radialParameters: [],
      cutoffWidth: 0.4,
      nmax,
      lmax,
      coefficients: Float64Array.from({ length: nmax * (lmax + 1) * count }, () => stream.normal()),
      inner,
      core: { prefactor, lambda: 0.9 },
    };
  };
  const functions = (): ProductFunction[] =>
    orders.flatMap((number, k) =>
      Array.from({ length: number }, () => {
        const order = k + 1;
        const slots = Array.from({ length: order }, () => ({
          mu: pick(elements),
          n: 1 + pick(k === 0 ? count : nmax),
          l: k === 0 ? 0 : pick(lmax + 1),
        }));
        const terms = k === 0 ? 1 : 1 + pick(3);
        const ms = Array.from({ length: terms }, () => slots.map(({ l }) => pick(2 * l + 1) - l));
        const size = 0.3 / 4 ** k;
        return {
          mus: slots.map(({ mu }) => mu),
          ns: slots.map(({ n }) => n),
          ls: slots.map(({ l }) => l),
          ms: Int8Array.from(ms.flat()),
          coefficients: Float64Array.from({ length: terms * densities }, () => size * stream.normal()),
        };
      }),
    );
  const all = Array.from({ length: elements }, (_, mu) => mu);
  return {
    elements: SYMBOLS.slice(0, elements),
    e0: all.map((mu) => -1.5 * mu - 1),
    bonds: all.map((mu0) => all.map((mu) => bond(mu0, mu))),
    functions: all.map(functions),
    embeddings: all.map(() => embedding),
  };
}

/** Atoms about 1.2 Å and more apart. */
function cluster(elements: number, atoms: number, seed = 1): Structure {
  const stream = new RandomStream(seed, 'cluster');
  const side = Math.ceil(Math.cbrt(atoms));
  const sites = Array.from({ length: atoms }, (_, i) => [
    i % side,
    Math.floor(i / side) % side,
    Math.floor(i / side / side),
  ]);
  return {
    positions: Float64Array.from(sites.flat(), (x) => 1.7 * x + 0.35 * (stream.uniform() - 0.5)),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.from(sites, (_, i) => NUMBERS[i % elements]!),
  };
}

/** Two atoms in a cell smaller than the cutoff. */
function tinyCell(elements: number): Structure {
  return {
    positions: Float64Array.of(0.1, 0, 0.2, 1.4, 1.2, 1.5),
    cell: Float64Array.of(2.7, 0.1, 0, -0.3, 2.8, 0.2, 0.1, 0.2, 2.9),
    pbc: [true, true, true],
    species: Uint8Array.of(NUMBERS[0]!, NUMBERS[elements - 1]!),
  };
}

function slab(elements: number): Structure {
  const { positions, species } = cluster(elements, 9, 3);
  return {
    positions,
    species,
    cell: Float64Array.of(5.2, 0, 0, 0.4, 5.3, 0, 0, 0, 30),
    pbc: [true, true, false],
  };
}

const largest = (values: ArrayLike<number>): number => Array.from(values).reduce((m, x) => Math.max(m, Math.abs(x)), 0);

function expectAgreement(got: Evaluation, expected: Evaluation): void {
  const energies = largest(expected.atomEnergies);
  const forces = Math.max(1e-3, largest(expected.forces));
  expect(got.energy).toAgree(expected.energy, { atol: 1e-11 * energies, why: 'tabulated radial functions' });
  expect(got.atomEnergies).toAgree(expected.atomEnergies, {
    atol: 1e-11 * energies,
    why: 'tabulated radial functions',
  });
  expect(got.forces).toAgree(expected.forces, { atol: 1e-11 * forces, why: 'tabulated radial functions' });
  expect(got.virial).toAgree(expected.virial, { atol: 1e-10 * forces, why: 'forces times distances' });
}

const SHAPES: readonly (readonly [string, Shape])[] = [
  ['pairs only', { elements: 2, orders: [4], inner: 'none', embedding: 'linear', lmax: 0, nmax: 2 }],
  ['orders 1 to 3', { elements: 1, orders: [3, 6, 9], inner: 'distance', embedding: 'linear', lmax: 3, nmax: 3 }],
  ['orders 2 to 6', { elements: 2, orders: [0, 4, 5, 5, 4, 4], inner: 'none', embedding: 'linear', lmax: 2, nmax: 7 }],
  ['two densities', { elements: 1, orders: [2, 5, 8, 4], inner: 'density', embedding: 'two', lmax: 4, nmax: 6 }],
  ['three elements', { elements: 3, orders: [4, 8, 8, 4], inner: 'zbl', embedding: 'two', lmax: 3, nmax: 4 }],
  ['exponents', { elements: 2, orders: [3, 6, 6], inner: 'distance', embedding: 'straight', lmax: 2, nmax: 5 }],
  ['one bent density', { elements: 3, orders: [3, 6, 6, 0, 2], inner: 'density', embedding: 'one', lmax: 1, nmax: 2 }],
  ['repulsion of nuclei', { elements: 2, orders: [2, 3, 4], inner: 'zbl', embedding: 'linear', lmax: 5, nmax: 8 }],
];

describe.each([
  ['plain', 'kernels.wasm'],
  ['fused', 'kernels-fma.wasm'],
])('compileWasmPotential, %s build', (_, file) => {
  const module = compileWasm(readFileSync(new URL(`./generated/${file}`, import.meta.url)));

  it.each(SHAPES)('has energies, forces and virial of the definition: %s', (__, shape) => {
    for (const seed of [1, 2]) {
      const potential = randomPotential(shape, seed);
      const program = compileWasmPotential(module, potential);
      const exact = new ProductEvaluator(potential);
      const { elements } = shape;
      const structures = [cluster(elements, 11, seed), tinyCell(elements), slab(elements), cluster(elements, 1)];
      program.evaluate(structures).forEach((got, s) => {
        expectAgreement(got, exact.evaluate(structures[s]!));
      });
      program.dispose();
    }
  });

  it('ranges of atoms add up to the whole', () => {
    const potential = randomPotential(SHAPES[4]![1], 3);
    const program = compileWasmPotential(module, potential);
    const structure = cluster(3, 14);
    const whole = program.evaluate([structure])[0]!;
    const sums = { forces: new Float64Array(42), virial: new Float64Array(6) };
    let energy = 0;
    for (const atoms of [
      [0, 3],
      [3, 4],
      [4, 4],
      [4, 14],
    ] as const) {
      const part = program.evaluate([structure], { atoms })[0]!;
      energy += part.energy;
      part.atomEnergies.forEach((e, i) => {
        expect(e).toBe(i >= atoms[0] && i < atoms[1] ? whole.atomEnergies[i] : 0);
      });
      part.forces.forEach((f, k) => {
        sums.forces[k] = sums.forces[k]! + f;
      });
      part.virial.forEach((w, k) => {
        sums.virial[k] = sums.virial[k]! + w;
      });
    }
    const why = 'another order of summation';
    expect(energy).toAgree(whole.energy, { rtol: 1e-13, why });
    expect(sums.forces).toAgree(whole.forces, { atol: 1e-12 * largest(whole.forces), why });
    expect(sums.virial).toAgree(whole.virial, { atol: 1e-12 * largest(whole.virial), why });
    expect(() => program.evaluate([structure], { atoms: [3, 15] })).toThrow('atoms must be a range within 0 to 14');
  });

  it('takes pairs from lists with a skin, vectors from positions and cell', () => {
    const potential = randomPotential(SHAPES[3]![1], 4);
    const program = compileWasmPotential(module, potential);
    const before = slab(1);
    const list = neighborList(before, program.cutoff + 0.6);
    const stream = new RandomStream(9, 'skin');
    const moved = {
      ...before,
      positions: before.positions.map((x) => x + 0.1 * (stream.uniform() - 0.5)),
      cell: before.cell!.map((x) => 1.003 * x),
    };
    const got = program.evaluate([moved], { lists: [list] })[0]!;
    expectAgreement(got, program.evaluate([moved])[0]!);
    const short = neighborList(before, program.cutoff - 0.1);
    expect(() => program.evaluate([moved], { lists: [short] })).toThrow(
      'neighbour list 0 must be of 9 atoms and reach',
    );
  });

  it('gives the same bits again, whatever was evaluated in between', () => {
    const potential = randomPotential(SHAPES[2]![1], 5);
    const program = compileWasmPotential(module, potential);
    const structure = tinyCell(2);
    const first = program.evaluate([structure])[0]!;
    program.evaluate([cluster(2, 60), cluster(2, 5)]);
    expect(program.evaluate([structure])[0]).toEqual(first);
    expect(compileWasmPotential(module, potential).evaluate([structure])[0]).toEqual(first);
  });

  it('evaluates structures whose pairs do not fit into memory at once', () => {
    const potential = randomPotential({ ...SHAPES[1]![1], orders: [1, 2] }, 6);
    const program = compileWasmPotential(module, potential);
    const big = cluster(1, 4800);
    expect(neighborList(big, program.cutoff).indices.length).toBeGreaterThan(1 << 17);
    const whole = program.evaluate([big])[0]!;
    const part = program.evaluate([big], { atoms: [4000, 4800] })[0]!;
    expect(part.atomEnergies.slice(4000)).toEqual(whole.atomEnergies.slice(4000));
    const total = [0, 1, 2].map((d) => whole.forces.reduce((sum, f, k) => (k % 3 === d ? sum + f : sum), 0));
    expect(total).toAgree([0, 0, 0], { atol: 1e-9 * largest(whole.forces), why: 'forces on an isolated cluster' });
  });

  it('refuses what the twin refuses, naming the atoms', () => {
    const program = compileWasmPotential(module, randomPotential(SHAPES[1]![1], 7));
    expect(() => program.evaluate([tinyCell(2)])).toThrow('species must be one of C, got O (atom 1)');
    const pair = { ...cluster(1, 3), positions: Float64Array.of(0, 0, 0, 2, 0, 0, 2, 0, 5e-4) };
    expect(() => program.evaluate([pair])).toThrow(InputError);
    expect(() => program.evaluate([pair])).toThrow('distance of atoms 1 and 2 must be at least 0.001 Å');
    const apart = cluster(1, 3);
    const list = neighborList(apart, program.cutoff);
    const lost = { ...apart, positions: apart.positions.with(4, Number.NaN) };
    expect(() => program.evaluate([lost], { lists: [list] })).toThrow(NumericalError);
    expect(() => program.evaluate([lost], { lists: [list] })).toThrow('distance of atoms 0 and 1 must be finite');
    program.dispose();
    expect(() => program.evaluate([apart])).toThrow('potential must be open to be evaluated');
  });

  it('refuses more densities than the kernels know, and energies that overflow', () => {
    const potential = randomPotential(SHAPES[3]![1], 8);
    const densities = [0, 1, 2].map(() => ({ weight: 1, exponent: 1 }));
    const three = { ...potential, embeddings: [{ ...potential.embeddings[0]!, densities }] };
    expect(() => compileWasmPotential(module, three)).toThrow('at most 2 densities, got 3');
    const huge = {
      ...potential,
      functions: potential.functions.map((list) =>
        list.map((fn) => ({ ...fn, coefficients: fn.coefficients.map((c) => 1e308 * c) })),
      ),
    };
    expect(() => compileWasmPotential(module, huge).evaluate([cluster(1, 8)])).toThrow(
      /(energy|force) o[fn] .*must be finite/,
    );
  });

  it('takes over new coefficients as if it were made for them', () => {
    for (const [, shape] of SHAPES.slice(0, 4)) {
      const potential = randomPotential(shape, 1);
      const stream = new RandomStream(11, 'coefficients');
      const changed = {
        ...potential,
        functions: potential.functions.map((list) =>
          list.map((fn) => ({ ...fn, coefficients: fn.coefficients.map((c) => c * stream.normal()) })),
        ),
      };
      const program = compileWasmPotential(module, potential);
      program.setCoefficients(changed);
      const structure = cluster(shape.elements, 6);
      expect(program.potential).toBe(changed);
      expectAgreement(program.evaluate([structure])[0]!, new ProductEvaluator(changed).evaluate(structure));
      program.setCoefficients(potential);
      expect(program.evaluate([structure])).toEqual(compileWasmPotential(module, potential).evaluate([structure]));
    }
  });

  it('counts multiply-adds that grow with neighbours and functions', () => {
    const small = compileWasmPotential(module, randomPotential(SHAPES[1]![1], 1));
    const large = compileWasmPotential(module, randomPotential({ ...SHAPES[1]![1], orders: [3, 30, 90, 20] }, 1));
    const [sparse, dense] = [cluster(1, 2), cluster(1, 27)];
    const list = (structure: Structure) => neighborList(structure, small.cutoff);
    const perAtom = small.multiplyAdds(sparse, list(sparse)) / 2;
    expect(perAtom).toBeGreaterThan(300);
    expect(small.multiplyAdds(dense, list(dense)) / 27).toBeGreaterThan(5 * perAtom);
    expect(large.multiplyAdds(dense, list(dense))).toBeGreaterThan(small.multiplyAdds(dense, list(dense)));
    // Pairs of the skin are not work.
    expect(small.multiplyAdds(dense, neighborList(dense, small.cutoff + 1))).toBe(
      small.multiplyAdds(dense, list(dense)),
    );
  });

  it('energies of a basis follow its weights', () => {
    const pair = { cutoff: 4, innerCutoff: 1.6, innerWidth: 0.4, core: { prefactor: 8, lambda: 0.6 } };
    const basis = buildAceBasis({
      elements: ['C', 'Si'],
      radial: 'SBessel',
      nmax: [4, 2, 1],
      lmax: [0, 2, 1],
      pairs: [
        [pair, pair],
        [pair, pair],
      ],
    });
    const size = basis.offsets.at(-1)!;
    const stream = new RandomStream(5, 'weights');
    const program = basisEnergies(basis, (potential) => compileWasmPotential(module, potential));
    const structures = [cluster(1, 7), tinyCell(1)];
    for (let round = 0; round < 3; round++) {
      const weights = Float64Array.from({ length: size }, () => stream.normal());
      const exact = new ProductEvaluator(productPotential(basis, weights, [0, 0]));
      const got = program.evaluate(structures, weights);
      got.forEach((evaluation, s) => {
        expectAgreement(evaluation, exact.evaluate(structures[s]!));
      });
      expect(program.evaluate(structures, weights.slice())).toEqual(got);
    }
    expect(() => program.evaluate(structures, new Float64Array(3))).toThrow(`weights must have length ${size}, got 3`);
    program.dispose();
    expect(() => program.evaluate(structures, new Float64Array(size))).toThrow('but was disposed of');
  });
});
