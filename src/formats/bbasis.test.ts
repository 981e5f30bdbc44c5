import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { unionOf } from '../core/descriptors/ace/specification.ts';
import { presetSpecification } from '../core/descriptors/ace/presets.ts';
import { createPotentialProgram } from '../core/descriptors/ace/potential-program.ts';
import { productPotential } from '../core/descriptors/ace/product-basis.ts';
import { atomicNumberOf } from '../core/elements.ts';
import { FormatError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type { Structure } from '../core/structure/structure.ts';
import { bbasisDocument, bbasisPotential, formatBBasis, linearCoefficients, writeBBasis } from './bbasis.ts';
import { readBBasis } from './bbasis-reader.ts';

interface Reference {
  readonly elements: readonly string[];
  readonly types: readonly number[];
  readonly positions: readonly (readonly number[])[];
  readonly E_atoms: readonly number[];
  readonly forces: readonly (readonly number[])[];
  readonly bbasis_yaml: string;
  readonly yace: string;
}
const { A5_P1, A5_P2 } = golden<{ A: { A5_P1: Reference; A5_P2: Reference } }>('reference-values').A;

function clusterOf({ elements, types, positions }: Reference): Structure {
  return {
    positions: Float64Array.from(positions.flat()),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.from(types, (mu) => atomicNumberOf(elements[mu]!)),
  };
}

/** A text with one part replaced, which must be there. */
function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  if (result === text) throw new Error(`nothing to replace: ${from}`);
  return result;
}

function errorOf(text: string): FormatError {
  try {
    readBBasis(text, 'a.yaml');
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const UNION = {
  ...presetSpecification('small', ['Al', 'Ni'], 4.6),
  ...unionOf([
    { nmax: [4, 2, 1], lmax: [0, 2, 1] },
    { order: 4, degree: 5, weight: 0.5 },
  ]),
};

describe('reading the reference potentials', () => {
  it.each([
    ['one element, orders to 4', A5_P1],
    ['two elements, three kinds of radial functions', A5_P2],
  ])('gives the energies and forces of the public evaluator: %s', (_, reference) => {
    const document = readBBasis(reference.bbasis_yaml, 'reference.yaml');
    const { energy, forces } = createPotentialProgram(bbasisPotential(document)).evaluate([clusterOf(reference)])[0]!;
    // The format has no energies of isolated atoms.
    const isolated = /E0: \[(.*)\]/.exec(reference.yace)![1]!.split(',').map(Number);
    const shift = reference.types.reduce((sum, mu) => sum + isolated[mu]!, 0);
    const expected = reference.E_atoms.reduce((sum, e) => sum + e, 0) - shift;
    expect(energy).toAgree(expected, { atol: 1e-12, why: 'the same formula' });
    expect(forces).toAgree(reference.forces.flat(), { atol: 1e-10, why: 'the same formula' });
  });

  it('writes them back as they were', () => {
    for (const { bbasis_yaml } of [A5_P1, A5_P2]) {
      expect(formatBBasis(readBBasis(bbasis_yaml, 'reference.yaml'))).toBe(bbasis_yaml);
    }
  });

  it('numbers elements alphabetically, whatever the order of the file', () => {
    const blocks = A5_P2.bbasis_yaml.split(/(?= {2}- speciesblock)/);
    const turned = [blocks[0]!, ...blocks.slice(1).reverse()].join('');
    expect(readBBasis(turned, 'turned.yaml')).toEqual(readBBasis(A5_P2.bbasis_yaml, 'reference.yaml'));
  });

  it('knows no basis of this project in them', () => {
    const document = readBBasis(A5_P1.bbasis_yaml, 'reference.yaml');
    expect(document.basis).toBeNull();
    expect(linearCoefficients(document)).toBeNull();
    expect(document.e0).toEqual([0]);
  });
});

describe('a model as B-basis', () => {
  const basis = buildAceBasis(UNION);
  const random = new RandomStream(1, 'coefficients');
  const coefficients = Float64Array.from({ length: basis.offsets.at(-1)! }, () => random.normal());
  const e0 = [-3.25, -5e-7];
  const text = writeBBasis({ basis, coefficients, e0 });

  it('comes back with its basis, coefficients and energies of isolated atoms', () => {
    const document = readBBasis(text, 'model.yaml');
    expect(document.basis!.id).toBe(basis.id);
    expect(linearCoefficients(document)).toEqual(coefficients);
    expect(document.e0).toEqual(e0);
    expect(formatBBasis(document)).toBe(text);
  });

  it('comes back when only some of the functions are kept', () => {
    const some = buildAceBasis({ ...UNION, kept: [0, 1, 4, 12, 13, 20] });
    const own = { basis: some, coefficients: coefficients.slice(0, 12), e0 };
    const document = readBBasis(writeBBasis(own), 'kept.yaml');
    expect(document.basis!.id).toBe(some.id);
    expect(linearCoefficients(document)).toEqual(own.coefficients);
  });

  it('has the products that the .yace of the model has', () => {
    expect(bbasisPotential(bbasisDocument({ basis, coefficients, e0 }))).toEqual(
      productPotential(basis, coefficients, e0),
    );
  });

  it('comes back whatever the coefficients', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (c) => {
        const document = readBBasis(writeBBasis({ basis, coefficients: coefficients.fill(c + 0), e0 }), 'a.yaml');
        expect(linearCoefficients(document)![0]).toBe(c + 0);
      }),
      { numRuns: 10 },
    );
  });

  it('keeps functions in the order of the active set even where the file shuffles them', () => {
    const lines = text.split('\n');
    const first = lines.findIndex((line) => line.includes('- {type'));
    [lines[first], lines[first + 3]] = [lines[first + 3]!, lines[first]!];
    const document = readBBasis(lines.join('\n'), 'shuffled.yaml');
    expect(document.functions[0]!.map((fn) => fn.ns)).toEqual(basis.functions[0]!.map((fn) => fn.ns));
  });

  it('is refused when the metadata name another basis', () => {
    const other = changed(text, '\\"degree\\":5', '\\"degree\\":4');
    expect(errorOf(other).code).toBe('INVALID_BBASIS');
    expect(errorOf(changed(text, '\\"cutoff\\":4.6', '\\"cutoff\\":4.7')).code).toBe('INVALID_BBASIS');
    expect(errorOf(changed(text, /querent_specification": ".*"/, 'querent_specification": "{"')).code).toBe(
      'INVALID_BBASIS',
    );
  });

  it.each([
    ['Al -3.25, Ni -5e-7', 'Al -3.25'],
    ['Al -3.25, Ni -5e-7', 'Al -3.25, Ni x'],
    ['Al -3.25, Ni -5e-7', 'Al -3.25, Cu 0'],
    ['Al -3.25, Ni -5e-7', 'Al 1, Al 2'],
  ])('is refused when E0 is no list of energies: %s → %s', (from, to) => {
    expect(['INVALID_NUMBER', 'INVALID_BBASIS']).toContain(errorOf(changed(text, from, to)).code);
  });
});

describe('what a simulation program would take for something else is refused', () => {
  const { bbasis_yaml: two } = A5_P2;
  const { bbasis_yaml: one } = A5_P1;
  it.each([
    ['no global section', one, /global:\n.*\n/, '', 'MISSING_KEY'],
    ['an unknown key', one, 'lmaxi: 2', 'lmaxi: 2\n    lmaxj: 2', 'UNKNOWN_KEY'],
    ['a missing key', one, /\n {4}rcutij: 5/, '', 'MISSING_KEY'],
    [
      'a bond key in a block of three',
      two,
      'speciesblock: Ni Al\n    nradmaxi',
      'speciesblock: Ni Al Cu\n    nradmaxi',
      'UNKNOWN_ELEMENT|UNKNOWN_KEY|MISSING_BLOCK',
    ],
    ['no number', one, 'c: [0.05]', 'c: [.nan]', 'INVALID_NUMBER'],
    ['an infinite number', one, 'c: [0.05]', 'c: [.inf]', 'INVALID_NUMBER'],
    ['a coefficient too many', one, 'c: [0.05]', 'c: [0.05, 1]', 'WRONG_LENGTH'],
    ['nr too short', one, 'nr: [1, 1], nl: [1, 1]', 'nr: [1], nl: [1, 1]', 'WRONG_LENGTH'],
    ['nl too long', one, 'nr: [1, 1], nl: [1, 1]', 'nr: [1, 1], nl: [1, 1, 0]', 'WRONG_LENGTH'],
    ['n of zero', one, 'nr: [2], nl: [0]', 'nr: [0], nl: [0]', 'OUT_OF_RANGE'],
    ['n beyond nradbase', one, 'nr: [4], nl: [0]', 'nr: [5], nl: [0]', 'OUT_OF_RANGE'],
    ['n beyond nradmax', one, 'nr: [1, 2], nl: [0, 0]', 'nr: [1, 3], nl: [0, 0]', 'OUT_OF_RANGE'],
    ['l beyond lmax', one, 'nr: [1, 1], nl: [2, 2]', 'nr: [1, 1], nl: [3, 3]', 'OUT_OF_RANGE'],
    ['momenta that do not couple', one, 'nr: [1, 1], nl: [1, 1]', 'nr: [1, 1], nl: [1, 2]', 'INADMISSIBLE_COUPLING'],
    ['a missing lint', one, 'nl: [0, 1, 1], lint: [1]', 'nl: [0, 1, 1]', 'MISSING_KEY'],
    ['an abbreviated lint', one, /(nl: \[\d, \d, \d, \d\], lint: )\[0, 0\]/, '$1[0]', 'WRONG_LENGTH'],
    ['an inadmissible lint', one, 'nl: [0, 1, 1], lint: [1]', 'nl: [0, 1, 1], lint: [0]', 'INADMISSIBLE_COUPLING'],
    ['a function twice', one, 'nr: [2], nl: [0]', 'nr: [1], nl: [0]', 'DUPLICATE_FUNCTION'],
    ['a type of another element', two, 'type: Al Al,', 'type: Al Ni,', 'INVALID_BBASIS'],
    ['a type that begins elsewhere', two, 'type: Ni Al Al,', 'type: Al Ni Al,', 'INVALID_BBASIS'],
    ['an element that does not exist', one, 'speciesblock: Si', 'speciesblock: Sx', 'UNKNOWN_ELEMENT'],
    ['an element twice in a block', two, 'speciesblock: Al Ni', 'speciesblock: Al Al', 'INVALID_BBASIS'],
    ['a block twice', two, 'speciesblock: Ni Al', 'speciesblock: Al Ni', 'DUPLICATE_BLOCK'],
    ['a missing pair', two, / {2}- speciesblock: Ni Al[\s\S]*/, '', 'MISSING_BLOCK'],
    ['an element without a block', two, 'speciesblock: Ni Al', 'speciesblock: Ni Cu', 'MISSING_BLOCK'],
    ['A-B unlike B-A', two, /(speciesblock: Ni Al[\s\S]*?rcutij: )5/, '$15.1', 'DIFFERENT_BONDS'],
    [
      'different densities',
      two,
      /(speciesblock: Ni\n[\s\S]*?ndensityi: )1([\s\S]*?parameters: )\[1, 1\]/,
      '$12$2[1, 1, 1, 0.5]',
      'DIFFERENT_DENSITIES',
    ],
    [
      'different inner cutoffs',
      two,
      /(speciesblock: Ni\n[\s\S]*?inner_cutoff_type: )distance/,
      '$1density',
      'UNSUPPORTED_POTENTIAL',
    ],
    ['an unknown embedding', one, 'FinnisSinclairShiftedScaled', 'FinnisSinclairShifted', 'UNKNOWN_EMBEDDING'],
    ['an exponent of zero', one, 'parameters: [1, 1]', 'parameters: [1, 0]', 'OUT_OF_RANGE'],
    ['unknown radial functions', one, 'radbase: SBessel', 'radbase: Bessel', 'UNSUPPORTED_POTENTIAL'],
    ['another cutoff function', one, 'ij: cos', 'ij: poly', 'UNSUPPORTED_POTENTIAL'],
    ['too few radial coefficients', one, '[[[1, 0.12, 0.14, 0.16],', '[[[1, 0.12, 0.14],', 'WRONG_LENGTH'],
    ['bins of no width', one, 'Bins: 0.001', 'Bins: 0', 'OUT_OF_RANGE'],
    ['a negative cutoff', one, 'rcutij: 5', 'rcutij: -5', 'OUT_OF_RANGE'],
    ['a negative width', one, 'dcutij: 0.01', 'dcutij: -0.01', 'OUT_OF_RANGE'],
    ['a switch without width', one, 'drho_core_cut: 250', 'drho_core_cut: 0', 'OUT_OF_RANGE'],
    ['text for a list', one, 'parameters: [1, 1]', 'parameters: 1', 'INVALID_YACE'],
    ['a list of metadata', one, 'species:', 'metadata: [a]\nspecies:', 'INVALID_YACE'],
    ['metadata twice', one, 'species:', 'metadata:\n  a: b\n  "a": c\nspecies:', 'DUPLICATE_KEY|INVALID_YAML'],
    ['no YAML', one, 'global:', 'global: [', 'INVALID_YAML'],
  ] as const)('%s', (_, text, from, to, code) => {
    const error = errorOf(changed(text, from, to));
    expect(error.code).toMatch(new RegExp(`^(${code})$`));
    expect(error.message).toMatch(/^a\.yaml:\d+:\d+: /);
  });

  it('a file without the key is as one with the default', () => {
    const plain = one.replace(/\n {4}(rho_core_cut|drho_core_cut): \d+/g, '');
    expect(readBBasis(plain, 'a.yaml')).toEqual(readBBasis(one, 'a.yaml'));
  });

  it('keeps other metadata', () => {
    const text = changed(one, 'species:', 'metadata:\n  generated: 3\nauxdata: {}\nspecies:');
    expect(readBBasis(text, 'a.yaml').metadata).toEqual({ generated: '3' });
  });
});
