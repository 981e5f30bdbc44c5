import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { InvariantValues } from '../core/descriptors/ace/invariant-values.ts';
import { atomicNumberOf } from '../core/elements.ts';
import { FormatError } from '../core/errors.ts';
import { readAsi, writeAsi } from './asi.ts';
import { bbasisInvariants } from './bbasis.ts';
import { readBBasis } from './bbasis-reader.ts';
import { gradesOf } from './extrapolation.ts';
import { writeNpy } from './npy.ts';
import { writeZip } from './zip.ts';

const matrix = (size: number, seed: number): Float64Array =>
  Float64Array.from({ length: size * size }, (_, k) => Math.sin(1 + seed + k * 1.7));
const SETS = [
  { element: 'Al', size: 3, inverse: matrix(3, 1) },
  { element: 'Ni', size: 2, inverse: matrix(2, 2) },
];

function errorOf(bytes: Uint8Array, elements = ['Al', 'Ni'], sizes = [3, 2]): FormatError {
  try {
    readAsi(bytes, 'a.asi', elements, sizes);
  } catch (error) {
    if (error instanceof FormatError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** An archive whose first member has another header text. */
function withHeader(from: string, to: string): Uint8Array {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
  const member = writeNpy({ shape: [3, 3], data: SETS[0]!.inverse });
  const changed = text(member).replace(from, to);
  if (changed.length !== member.length) throw new Error('lengths differ');
  return writeZip([
    { name: 'Al.npy', bytes: Buffer.from(changed, 'latin1') },
    { name: 'Ni.npy', bytes: writeNpy({ shape: [2, 2], data: SETS[1]!.inverse }) },
  ]);
}

describe('active-set files', () => {
  it('come back, for elements in any order', () => {
    const bytes = writeAsi(SETS);
    expect(readAsi(bytes, 'a.asi', ['Ni', 'Al'], [2, 3])).toEqual([SETS[1]!.inverse, SETS[0]!.inverse]);
    expect(writeAsi(SETS)).toEqual(bytes);
  });

  it('have the bytes that simulation programs look for', () => {
    const bytes = writeAsi(SETS.slice(1));
    const header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 2), }";
    expect([...bytes.subarray(0, 14)]).toEqual([0x50, 0x4b, 3, 4, 20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0]);
    expect(Buffer.from(bytes.subarray(30, 36)).toString()).toBe('Ni.npy');
    expect([...bytes.subarray(36, 44)]).toEqual([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
    expect(Buffer.from(bytes.subarray(46, 46 + header.length)).toString()).toBe(header);
    expect((46 - 36 + Buffer.from(bytes.subarray(44, 46)).readUInt16LE()) % 64).toBe(0);
    expect(Buffer.from(bytes.subarray(-22, -18)).toString('latin1')).toBe('PK\u0005\u0006');
    expect([...bytes.subarray(-2)]).toEqual([0, 0]);
  });

  it.each([
    ['numbers of single precision', "'<f8'", "'<f4'", 'BAD_NPY', 'doubles'],
    ['numbers of the other end first', "'<f8'", "'>f8'", 'BAD_NPY', 'doubles'],
    ['columns first', 'False', 'True ', 'BAD_NPY', 'C order'],
    ['no shape', "'shape'", "'shade'", 'BAD_NPY', 'shape'],
    ['another shape', '(3, 3)', '(9, 1)', 'WRONG_SIZE', '3 × 3'],
    ['version 2', '\u0001\u0000', '\u0002\u0000', 'BAD_NPY', 'version 1.0'],
  ])('are refused: %s', (_, from, to, code, message) => {
    const error = errorOf(withHeader(from, to));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    expect(error.message).toMatch(/^a\.asi/);
  });

  it('are refused when they are of other elements or sizes', () => {
    const bytes = writeAsi(SETS);
    expect(errorOf(bytes, ['Al', 'Cu']).message).toContain('elements Al, Cu of the potential, got Al, Ni');
    expect(errorOf(bytes, ['Al'], [3]).code).toBe('WRONG_ELEMENTS');
    expect(errorOf(writeAsi(SETS.slice(1))).code).toBe('WRONG_ELEMENTS');
    expect(errorOf(bytes, ['Al', 'Ni'], [3, 3]).message).toContain('must be 3 × 3');
    expect(errorOf(bytes, ['Al', 'Ni'], [3, 1]).message).toContain('all densities');
  });

  it('are refused when compressed, streamed, damaged or not finite', () => {
    const compressed = writeAsi(SETS);
    const view = new DataView(compressed.buffer);
    const directory = view.getUint32(compressed.length - 22 + 16, true);
    view.setUint16(directory + 10, 8, true);
    expect(errorOf(compressed).code).toBe('COMPRESSED');
    view.setUint16(directory + 10, 0, true);
    view.setUint16(directory + 8, 8, true);
    expect(errorOf(compressed).code).toBe('STREAMED');
    const damaged = writeAsi(SETS);
    damaged[200] = damaged[200]! ^ 1;
    expect(errorOf(damaged).code).toBe('DAMAGED');
    expect(errorOf(new Uint8Array(30)).code).toBe('NOT_A_ZIP');
    const infinite = { element: 'Al', size: 1, inverse: Float64Array.of(1 / 0) };
    expect(() => writeAsi([infinite])).toThrow('must be finite, got Infinity at 0');
    expect(() => writeAsi([{ ...infinite, size: 2 }])).toThrow('must be 2 × 2');
    const bytes = writeZip([{ name: 'Al.npy', bytes: writeNpy({ shape: [1, 1], data: infinite.inverse }) }]);
    expect(errorOf(bytes, ['Al'], [1]).code).toBe('NOT_FINITE');
  });
});

interface Reference {
  readonly types: readonly number[];
  readonly positions: readonly (readonly number[])[];
  readonly B_atom0: readonly number[];
  readonly B_atom1: readonly number[];
  readonly bbasis_yaml: string;
}
const { A5_P1, A5_P2, A6_asi_gamma } = golden<{
  A: { A5_P1: Reference; A5_P2: Reference; A6_asi_gamma: { gamma: number[]; gamma_reference_library: number[] } };
}>('reference-values').A;

function invert(a: Float64Array, d: number): Float64Array {
  // Gauss–Jordan with row pivots, plain enough to be trusted.
  const x = Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0));
  for (let c = 0; c < d; c++) {
    let p = c;
    for (let r = c; r < d; r++) if (Math.abs(a[r * d + c]!) > Math.abs(a[p * d + c]!)) p = r;
    for (const m of [a, x]) {
      for (let v = 0; v < d; v++) [m[c * d + v], m[p * d + v]] = [m[p * d + v]!, m[c * d + v]!];
    }
    const pivot = a[c * d + c]!;
    for (const m of [a, x]) for (let v = 0; v < d; v++) m[c * d + v] = m[c * d + v]! / pivot;
    for (let r = 0; r < d; r++) {
      const f = a[r * d + c]!;
      if (r === c || f === 0) continue;
      for (const m of [a, x]) for (let v = 0; v < d; v++) m[r * d + v] = m[r * d + v]! - f * m[c * d + v]!;
    }
  }
  return x;
}

describe('grades of the public evaluator', () => {
  const document = readBBasis(A5_P2.bbasis_yaml, 'reference.yaml');
  const structure = {
    positions: Float64Array.from(A5_P2.positions.flat()),
    cell: null,
    pbc: [false, false, false] as const,
    species: Uint8Array.from(A5_P2.types, (mu) => atomicNumberOf(document.elements[mu]!)),
  };

  it.each([
    ['one element', A5_P1],
    ['two elements', A5_P2],
  ])(
    'descriptors of the functions in the order of the file agree: %s',
    (_, { bbasis_yaml, positions, types, B_atom0, B_atom1 }) => {
      const { elements, bonds, functions } = readBBasis(bbasis_yaml, 'reference.yaml');
      const values = new InvariantValues(elements, bonds, functions.map(bbasisInvariants));
      const found = values.evaluate({
        positions: Float64Array.from(positions.flat()),
        cell: null,
        pbc: [false, false, false],
        species: Uint8Array.from(types, (mu) => atomicNumberOf(elements[mu]!)),
      });
      expect(found.subarray(0, B_atom0.length)).toAgree(B_atom0, { rtol: 1e-11, atol: 1e-11, why: 'the same formula' });
      expect(found.subarray(values.width, values.width + B_atom1.length)).toAgree(B_atom1, {
        rtol: 1e-11,
        atol: 1e-11,
        why: 'the same formula',
      });
    },
  );

  it('agree for two elements and a made active set', () => {
    const sizes = document.functions.map((block) => block.length);
    const sets = document.elements.map((element, m) => {
      const size = sizes[m]!;
      const a = Float64Array.from({ length: size * size }, (_, k) => {
        const [i, j] = [Math.floor(k / size), k % size];
        return (i === j ? 2 : 0) + Math.sin(1 + 0.7 * i + 1.3 * j + m);
      });
      return { element, size, inverse: invert(a, size) };
    });
    const inverses = readAsi(writeAsi(sets), 'reference.asi', document.elements, sizes);
    const grades = gradesOf(document, inverses)(structure);
    expect(grades).toAgree(A6_asi_gamma.gamma, { rtol: 1e-10, why: 'the same formula' });
    expect(grades).toAgree(A6_asi_gamma.gamma_reference_library, { rtol: 1e-9, why: 'its splines' });
  });
});
