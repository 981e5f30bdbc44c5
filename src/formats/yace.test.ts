import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { ProductEvaluator } from '../../test/support/product-evaluator.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../core/descriptors/ace/presets.ts';
import { LINEAR_EMBEDDING } from '../core/descriptors/ace/product-basis.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { atomicNumberOf } from '../core/elements.ts';
import { RandomStream } from '../core/random.ts';
import type { Structure } from '../core/structure/structure.ts';
import { formatYace, writeYace } from './yace.ts';
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
    const embeddings = [{ ...LINEAR_EMBEDDING, coreCutoff: 0.5, coreWidth: 0.4 }];
    const document = readYace(A5_P1.yace.replace('rcut_in: 1.6', 'rcut_in: 2.6'), 'pot.yace');
    const limited = createYacePotential({ ...document, potential: { ...document.potential, embeddings } });
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

describe('all of the format', () => {
  // Two densities, both kinds of embedding, a core switched by the nearest neighbour or by its energy.
  const nonlinear = A5_P2.yace
    .replaceAll('ndensity: 1, FS_parameters: [1, 1]', 'ndensity: 2, FS_parameters: [1, 1, 0.75, 0.5]')
    .replaceAll('ndensity: 1', 'ndensity: 2')
    .replace(/ctildes: \[(.*)\]/g, (_, all: string) => {
      const twice = all.split(', ').flatMap((c, k) => [c, String(0.5 * Number(c) + 0.01 * (k + 1))]);
      return `ctildes: [${twice.join(', ')}]`;
    });
  const kinds = [
    ['zbl', 'rcut_in: 2.7, dcut_in: 0.6, inner_cutoff_type: zbl', 'prehc: 0.01'],
    ['density', 'rcut_in: 0, dcut_in: 0, inner_cutoff_type: density', 'prehc: 30'],
    ['distance', 'rcut_in: 2.6, dcut_in: 0.5, inner_cutoff_type: distance', 'prehc: 30'],
  ] as const;

  it.each(kinds)('%s: text written from what was read is the same, and forces are derivatives', (_, inner, core) => {
    const text = nonlinear
      .replace(/rcut_in: .*?inner_cutoff_type: \w+/g, inner)
      .replace(/prehc: 0/g, core)
      .replaceAll('rho_core_cutoff: 100000, drho_core_cutoff: 250', 'rho_core_cutoff: 0.4, drho_core_cutoff: 0.3')
      .replace('FinnisSinclairShiftedScaled', 'FinnisSinclair');
    const document = readYace(text, 'pot.yace');
    const [got, expected] = [split(formatYace(document)), split(text)];
    expect(got.words).toBe(expected.words);
    expect(got.numbers).toEqual(expected.numbers);
    expect(document.potential.embeddings.map(({ kind }) => kind)).toEqual([
      'FinnisSinclair',
      'FinnisSinclairShiftedScaled',
    ]);
    const structure = clusterOf(A5_P2);
    for (const radial of ['exact', 'splines'] as const) {
      const potential = createYacePotential(document, radial);
      const { forces, energy } = potential.evaluate(structure);
      expect(energy).not.toBe(createYacePotential(readYace(A5_P2.yace, 'p')).evaluate(structure).energy);
      for (const k of [0, 4, 8, 15]) {
        const at = (step: number): number => {
          const positions = structure.positions.slice();
          positions[k]! += step;
          return potential.evaluate({ ...structure, positions }).energy;
        };
        expect((at(1e-5) - at(-1e-5)) / 2e-5).toAgree(-forces[k]!, {
          atol: 2e-8 * Math.max(1, ...forces.map(Math.abs)),
          why: 'h² of a central difference',
        });
      }
    }
  });

  it('splines of the file differ from exact functions by less than simulation programs promise', () => {
    const structure = clusterOf(A5_P1);
    const document = readYace(A5_P1.yace, 'pot.yace');
    const [exact, splined] = (['exact', 'splines'] as const).map((radial) =>
      createYacePotential(document, radial).evaluate(structure),
    );
    expect(splined!.energy).toAgree(exact!.energy, { atol: 1e-11, why: 'h⁴ of the splines' });
    expect(splined!.forces).toAgree(exact!.forces, { atol: 1e-7, why: 'h³ of their slopes' });
    expect(splined!.forces).not.toEqual(exact!.forces);
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
    const potential = createYacePotential(readYace(A5_P1.yace, 'pot.yace'));
    expect(potential.name).toBe('yace');
    expect(() => potential.evaluate(clusterOf(A5_P2))).toThrowError('species must be one of Si, got Al (atom 0)');
    const structure = clusterOf(A5_P1);
    const positions = structure.positions.slice();
    positions.copyWithin(0, 3, 6);
    expect(() => potential.evaluate({ ...structure, positions })).toThrowError(
      'distance of atoms 0 and 1 must be at least 0.001 Å, got 0 Å',
    );
  });
});
