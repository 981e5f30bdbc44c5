import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../core/descriptors/ace/presets.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { ProductEvaluator } from '../core/descriptors/ace/product-evaluator.ts';
import { atomicNumberOf } from '../core/elements.ts';
import { FormatError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type { Structure } from '../core/structure/structure.ts';
import { formatYace, writeYace, type YaceDocument } from './yace.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';

interface Case {
  elements: string[];
  types: number[];
  positions: number[][];
  functions: Record<string, { mus: number[]; ns: number[]; ls: number[]; c: number }[]>;
  B_atom0: number[];
  B_atom1: number[];
  E_atoms: number[];
  E_total: number;
  forces: number[][];
  virial_sum_r_outer_F: number[][];
  yace: string;
}
const { A5_P1, A5_P2 } = golden<{ A: { A5_P1: Case; A5_P2: Case } }>('reference-values').A;
const CASES = [
  ['A5_P1', A5_P1],
  ['A5_P2', A5_P2],
] as const;

function clusterOf(c: Case): Structure {
  return {
    positions: Float64Array.from(c.positions.flat()),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.from(c.types, (t) => atomicNumberOf(c.elements[t]!)),
  };
}

/** A text with all numbers replaced, and the numbers. */
function split(text: string): { words: string; numbers: number[] } {
  const numbers: number[] = [];
  const words = text.replace(/-?\d+\.?\d*(e[+-]?\d+)?/g, (number) => {
    numbers.push(Number(number));
    return '#';
  });
  return { words: words.trim(), numbers };
}

describe.each(CASES)('public evaluator values %s', (_, c) => {
  const document = readYace(c.yace, 'pot.yace');
  const structure = clusterOf(c);
  const result = createYacePotential(document).evaluate(structure);

  it('energies, forces and virial', () => {
    expect(result.atomEnergies).toAgree(c.E_atoms, { atol: 1e-12, why: 'analytic against analytic' });
    expect(result.energy).toAgree(c.E_total, { atol: 1e-12, why: 'analytic against analytic' });
    expect(result.forces).toAgree(c.forces.flat(), { atol: 1e-11, why: 'analytic against analytic' });
    const [[xx, xy, xz], [, yy, yz], [, , zz]] = c.virial_sum_r_outer_F as [number[], number[], number[]];
    expect(result.virial).toAgree([xx, yy, zz, yz, xz, xy], { atol: 1e-11, why: 'Σ r ⊗ F of a cluster' });
  });

  it('every function of the first two atoms', () => {
    [c.B_atom0, c.B_atom1].forEach((expected, atom) => {
      const mu = c.types[atom]!;
      const listed = c.functions[c.elements[mu]!]!;
      const got = listed.map(({ c: coefficient }, v) => {
        const functions = document.potential.functions.map((block, k) => (k === mu ? [block[v]!] : []));
        const one = new ProductEvaluator({ ...document.potential, e0: c.elements.map(() => 0), functions });
        const core = new ProductEvaluator({
          ...document.potential,
          e0: c.elements.map(() => 0),
          functions: c.elements.map(() => []),
        });
        const energy = one.evaluate(structure).atomEnergies[atom]! - core.evaluate(structure).atomEnergies[atom]!;
        return energy / coefficient;
      });
      expect(got).toAgree(expected, { atol: 1e-12, why: 'analytic against analytic' });
    });
  });

  it('text written from what was read says the same', () => {
    const [got, expected] = [split(formatYace(document)), split(c.yace)];
    expect(got.words).toBe(expected.words);
    expect(got.numbers).toEqual(expected.numbers);
  });
});

describe('functions of the reference files', () => {
  it.each([
    ['A5_P1', A5_P1, [4, 2, 2, 1], [0, 2, 1, 1]],
    ['A5_P2', A5_P2, [2, 1, 1], [0, 1, 1]],
  ] as const)('%s: contracted couplings of our basis, number by number', (_, c, nmax, lmax) => {
    const pair = { cutoff: 5, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 1 } };
    const pairs = c.elements.map(() => c.elements.map(() => pair));
    const basis = buildAceBasis({ elements: c.elements, radial: 'SBessel', nmax, lmax, pairs });
    const coefficients = Float64Array.from(c.elements.flatMap((symbol) => c.functions[symbol]!.map((fn) => fn.c)));
    const text = writeYace({ basis, coefficients, e0: c.elements.map(() => 0) });
    const functionsOf = (all: string): string => all.slice(all.indexOf('functions:'));
    const [got, expected] = [split(functionsOf(text)), split(functionsOf(c.yace))];
    expect(got.words).toBe(expected.words);
    expect(got.numbers).toAgree(expected.numbers, {
      atol: 1e-15,
      rtol: 1e-14,
      why: 'an ulp or two of the coefficients',
    });
  });
});

function randomCrystal(elements: readonly string[], seed: number): Structure {
  const stream = new RandomStream(seed, 'crystal');
  const side = 5.6;
  const sites = [
    [0, 0, 0],
    [0, 0.5, 0.5],
    [0.5, 0, 0.5],
    [0.5, 0.5, 0],
    [0.25, 0.25, 0.25],
  ];
  return {
    positions: Float64Array.from(sites.flat(), (x) => side * x + 0.3 * stream.normal()),
    cell: Float64Array.of(side, 0.3, 0, 0, side, -0.2, 0.1, 0, side),
    pbc: [true, true, true],
    species: Uint8Array.from(sites, (__, i) => atomicNumberOf(elements[i % elements.length]!)),
  };
}

describe('round trip', () => {
  it.each([
    ['small', ['Si']],
    ['medium', ['Si']],
    ['small', ['C', 'Si']],
    ['large', ['Si']],
  ] as const)('preset %s of %j: the written file gives the energies of the program', (preset, elements) => {
    const specification = presetSpecification(preset, elements, 5, () => 2.6);
    // Inner cutoffs are widened so that the switch and the core take part.
    const pairs = specification.pairs.map((row) => row.map((pair) => ({ ...pair, innerCutoff: 2.3, innerWidth: 0.4 })));
    const basis = buildAceBasis({ ...specification, pairs });
    const program = createAceProgram(basis);
    const stream = new RandomStream(5, preset);
    const coefficients = Float64Array.from({ length: program.size }, () => stream.normal());
    const e0 = elements.map((__, mu) => -3.25 - mu);
    const text = writeYace({ basis, coefficients, e0 });
    const document = readYace(text, 'model.yace');
    expect(formatYace(document)).toBe(text);

    const structure = randomCrystal(elements, 11);
    const expected = program.evaluate([structure], coefficients)[0]!;
    const got = createYacePotential(document).evaluate(structure);
    const isolated = Array.from(structure.species, (z) => e0[elements.findIndex((s) => atomicNumberOf(s) === z)]!);
    const scale = Math.max(...expected.forces.map(Math.abs));
    const whole = expected.energy + isolated.reduce((sum, e) => sum + e, 0);
    expect(got.energy).toAgree(whole, { rtol: 1e-12, why: 'two routes to the same sum' });
    expect(got.forces).toAgree(expected.forces, { atol: 1e-12 * scale, why: 'two routes to the same sum' });
    expect(got.virial).toAgree(expected.virial, { atol: 1e-11 * scale, why: 'forces times distances' });
  });

  it('the core switches the products off as files say', () => {
    const coreLimits = [{ cutoff: 0.5, width: 0.4 }];
    const document = readYace(A5_P1.yace.replace('rcut_in: 1.6', 'rcut_in: 2.6'), 'pot.yace');
    const limited = createYacePotential({ ...document, potential: { ...document.potential, coreLimits } });
    const structure = clusterOf(A5_P1);
    const { forces } = limited.evaluate(structure);
    const at = (step: number): number => {
      const positions = structure.positions.slice();
      positions[4]! += step;
      return limited.evaluate({ ...structure, positions }).energy;
    };
    expect((at(1e-5) - at(-1e-5)) / 2e-5).toAgree(-forces[4]!, { atol: 1e-8, why: 'h² of a central difference' });
  });
});

describe('writing', () => {
  const basis = buildAceBasis(presetSpecification('small', ['C', 'N'], 4));
  const coefficients = new Float64Array(basis.offsets.at(-1)!);

  it('keeps symbols that YAML might take for words, integers and signs', () => {
    const text = writeYace({ basis, coefficients: coefficients.map((_, k) => (k === 0 ? -0 : 1e-9)), e0: [-1, 2] });
    expect(text.split('\n').slice(0, 3)).toEqual(['elements: [C, "N"]', 'E0: [-1, 2]', 'deltaSplineBins: 0.001']);
    const document = readYace(text, 'x.yace');
    expect(document.potential.elements).toEqual(['C', 'N']);
    expect(document.potential.functions[0]![0]!.coefficients[0]).toBe(0);
    expect(document.potential.functions[0]![1]!.coefficients[0]).toBe(1e-9);
  });

  it('a basis of pair functions only', () => {
    const pairs = [[{ cutoff: 4, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 0 } }]];
    const alone = buildAceBasis({ elements: ['Si'], radial: 'SBessel', nmax: [3], lmax: [0], pairs });
    const text = writeYace({ basis: alone, coefficients: Float64Array.of(1, 2, 3), e0: [0] });
    const structure = clusterOf(A5_P1);
    const expected = createAceProgram(alone).evaluate([structure], Float64Array.of(1, 2, 3))[0]!;
    const { energy } = createYacePotential(readYace(text, 'pair.yace')).evaluate(structure);
    expect(energy).toAgree(expected.energy, { rtol: 1e-13, why: 'two routes to the same sum' });
  });

  it('refuses what would make a broken file', () => {
    expect(() => writeYace({ basis, coefficients: coefficients.subarray(1), e0: [0, 0] })).toThrowError(
      'coefficients must have length 520, got 519',
    );
    expect(() => writeYace({ basis, coefficients, e0: [0] })).toThrowError(
      'reference energies must have length 2, got 1',
    );
    const broken = coefficients.map((_, k) => (k === 3 ? Number.NaN : 0));
    expect(() => writeYace({ basis, coefficients: broken, e0: [0, 0] })).toThrowError(
      'coefficients must be finite, got NaN at 3',
    );
    expect(() => writeYace({ basis, coefficients, e0: [0, 0], deltaSplineBins: 0 })).toThrowError(
      'deltaSplineBins must be positive, got 0 Å',
    );
  });

  it('a potential refuses foreign species and coinciding atoms', () => {
    const potential = createYacePotential(readYace(A5_P1.yace, 'pot.yace'), 'silicon');
    expect(potential.name).toBe('silicon');
    expect(() => potential.evaluate(clusterOf(A5_P2))).toThrowError('species must be one of Si, got Al (atom 0)');
    const structure = clusterOf(A5_P1);
    const positions = structure.positions.slice();
    positions.copyWithin(0, 3, 6);
    expect(() => potential.evaluate({ ...structure, positions })).toThrowError(
      'distance of atoms 0 and 1 must be at least 0.001 Å, got 0 Å',
    );
  });
});

describe('reading', () => {
  const text = A5_P2.yace;
  const changed = (from: string | RegExp, to: string): (() => YaceDocument) => {
    const edited = text.replace(from, to);
    expect(edited).not.toBe(text);
    return () => readYace(edited, 'pot.yace');
  };

  it.each<[string, string | RegExp, string, string]>([
    ['no YAML', 'elements: [', 'elements: ]', 'INVALID_YAML'],
    ['a repeated key', 'E0:', 'elements: [Al]\nE0:', 'INVALID_YAML'],
    ['a repeated pair', '[1, 0]:', '[0,1]:', 'DUPLICATE_KEY'],
    ['a missing pair', /\n {2}\[1, 0\].*/, '', 'MISSING_KEY'],
    ['a missing element of functions', /\n {2}1:\n {4}-[\s\S]*/, '\n', 'MISSING_KEY'],
    ['a missing embedding', /\n {2}1: \{ndensity.*/, '', 'MISSING_KEY'],
    ['E0 too short', 'E0: [-0.1, -0.2]', 'E0: [-0.1]', 'WRONG_LENGTH'],
    ['no E0', /E0:.*\n/, '', 'MISSING_KEY'],
    ['no deltaSplineBins', /deltaSplineBins:.*\n/, '', 'MISSING_KEY'],
    ['deltaSplineBins 0', 'deltaSplineBins: 0.001', 'deltaSplineBins: 0', 'OUT_OF_RANGE'],
    ['an unknown embedding', 'npoti: FinnisSinclairShiftedScaled', 'npoti: Linear', 'UNKNOWN_EMBEDDING'],
    ['an embedding that is not linear', 'FS_parameters: [1, 1]', 'FS_parameters: [1, 0.5]', 'UNSUPPORTED_POTENTIAL'],
    ['two densities', 'ndensity: 1, FS_parameters', 'ndensity: 2, FS_parameters', 'UNSUPPORTED_POTENTIAL'],
    ['another number of densities in a function', 'rank: 1, ndensity: 1', 'rank: 1, ndensity: 2', 'OUT_OF_RANGE'],
    ['a coefficient that is no number', 'ctildes: [0.3]', 'ctildes: [.nan]', 'INVALID_NUMBER'],
    ['an infinite cutoff', 'rcut: 5.5', 'rcut: .inf', 'INVALID_NUMBER'],
    ['n = 0', 'ns: [1]', 'ns: [0]', 'OUT_OF_RANGE'],
    ['n above nradbasemax at rank 1', 'ns: [2]', 'ns: [3]', 'OUT_OF_RANGE'],
    ['n above nradmax at rank 2', 'ns: [1, 1]', 'ns: [1, 2]', 'OUT_OF_RANGE'],
    ['l above lmax', 'ls: [1, 1]', 'ls: [2, 2]', 'OUT_OF_RANGE'],
    ['an m above l', 'ms_combs: [0, 0, 1, -1]', 'ms_combs: [0, 0, 2, -2]', 'OUT_OF_RANGE'],
    ['m that do not add to 0', 'ms_combs: [0, 0, 1, -1]', 'ms_combs: [0, 0, 1, 0]', 'OUT_OF_RANGE'],
    ['an element out of range', 'mus: [1]', 'mus: [2]', 'OUT_OF_RANGE'],
    ['a wrong mu0', 'mu0: 0, rank: 1', 'mu0: 1, rank: 1', 'OUT_OF_RANGE'],
    ['too few m', 'num_ms_combs: 2', 'num_ms_combs: 3', 'WRONG_LENGTH'],
    ['too few elements', 'mus: [0, 0]', 'mus: [0]', 'WRONG_LENGTH'],
    ['short radcoefficients', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3], [0.7]]]', 'WRONG_LENGTH'],
    ['radcoefficients with too few l', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3]]]', 'WRONG_LENGTH'],
    ['radcoefficients with too many n', '[[[1, 0.3], [0.7, -0.2]]]', '[[[1, 0.3], [0.7, -0.2]], []]', 'WRONG_LENGTH'],
    ['an unknown radbasename', 'radbasename: SBessel', 'radbasename: Laguerre', 'UNSUPPORTED_POTENTIAL'],
    ['ChebLinear', 'radbasename: SBessel', 'radbasename: ChebLinear', 'UNSUPPORTED_POTENTIAL'],
    ['no radparameters where they are used', 'radparameters: [2.5]', 'radparameters: []', 'WRONG_LENGTH'],
    ['a bad exponent', 'radparameters: [2.5]', 'radparameters: [-1]', 'OUT_OF_RANGE'],
    ['a bad decay', 'radparameters: [3]', 'radparameters: [0]', 'OUT_OF_RANGE'],
    ['a decay that leaves no digit', 'radparameters: [3]', 'radparameters: [1e-30]', 'OUT_OF_RANGE'],
    ['a decay that overflows', 'radparameters: [3]', 'radparameters: [-900]', 'OUT_OF_RANGE'],
    ['a negative width of the cutoff', 'dcut: 0.01', 'dcut: -0.01', 'OUT_OF_RANGE'],
    ['a negative cutoff', 'rcut: 5.5', 'rcut: -5.5', 'OUT_OF_RANGE'],
    [
      'an inner cutoff by nearest neighbour',
      'inner_cutoff_type: distance',
      'inner_cutoff_type: zbl',
      'UNSUPPORTED_POTENTIAL',
    ],
    ['a core that acts by density', 'prehc: 0, lambdahc: 1, rcut: 5.5', 'prehc: 1, lambdahc: 1, rcut: 5.5', 'OK'],
    ['no width of the inner switch', 'rcut_in: 0, dcut_in: 0', 'rcut_in: 1, dcut_in: 0', 'OUT_OF_RANGE'],
    ['a core switch of no width', 'drho_core_cutoff: 250', 'drho_core_cutoff: 0', 'OUT_OF_RANGE'],
    ['an unknown element', 'elements: [Al, Ni]', 'elements: [Al, Xx]', 'UNKNOWN_ELEMENT'],
    ['an element twice', 'elements: [Al, Ni]', 'elements: [Al, Al]', 'INVALID_YACE'],
    ['a number for an element', 'elements: [Al, Ni]', 'elements: [13, 28]', 'INVALID_YACE'],
    ['a map for a list', 'ctildes: [0.3]', 'ctildes: {a: 1}', 'INVALID_YACE'],
    ['a list for a map', /embeddings:\n.*\n.*/, 'embeddings: []', 'INVALID_YACE'],
    ['an unknown key', 'E0:', 'embedding: {}\nE0:', 'UNKNOWN_KEY'],
  ])('%s', (_, from, to, code) => {
    const read = changed(from, to);
    if (code === 'OK') return void expect(read).not.toThrow();
    let caught: unknown;
    try {
      read();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(FormatError);
    expect((caught as FormatError).code).toBe(code);
  });

  it('names the place of an error', () => {
    expect(changed('ctildes: [0.15]', 'ctildes: [.nan]')).toThrowError(
      /^pot\.yace:15:\d+: ctildes of function of element 0 must be a finite number, got NaN$/,
    );
    expect(changed(/\n {2}\[1, 0\].*/, '')).toThrowError('pot.yace:8:3: bonds must have the key "1,0"');
    expect(() => readYace('', 'empty.yace')).toThrowError('empty.yace: the file must be a map');
  });

  it('refuses a core with the density switch, the default of the format', () => {
    const core = text.replaceAll('prehc: 0', 'prehc: 1');
    expect(() => readYace(core.replace('inner_cutoff_type: distance', 'inner_cutoff_type: density'), 'p')).toThrowError(
      'inner_cutoff_type of bond [0,0] must be distance, got "density"',
    );
    expect(() => readYace(core.replace(', inner_cutoff_type: distance', ''), 'p')).toThrowError(
      'got none, which means "density"',
    );
    expect(() => readYace(text.replace(', inner_cutoff_type: distance', ''), 'p')).not.toThrow();
  });

  it('takes keys of pairs as texts, metadata, and the factor of the embedding', () => {
    const quoted = text.replace(/\[(\d), (\d)\]:/g, '"$1, $2":').replace('E0:', 'metadata: {by: us}\nE0:');
    const halved = quoted.replaceAll('FS_parameters: [1, 1]', 'FS_parameters: [0.5, 1]');
    const structure = clusterOf(A5_P2);
    const energy = (source: string): number => createYacePotential(readYace(source, 'p')).evaluate(structure).energy;
    expect(energy(quoted)).toBe(energy(text));
    const isolated = 3 * -0.1 + 3 * -0.2;
    expect(energy(halved) - isolated).toAgree((energy(text) - isolated) / 2, {
      rtol: 1e-13,
      why: 'half of the density',
    });
  });
});
