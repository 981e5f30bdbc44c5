/** The `.asi` format of active sets for `pair_style pace/extrapolation`: one inverse matrix per element in a ZIP archive. */
import { FormatError, InputError } from '../core/errors.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readZip, writeZip } from './zip.ts';

/** Inverse of the active set of one element. */
export interface ElementInverse {
  readonly element: string;
  /** Functions of that central element. */
  readonly size: number;
  /** [size, size] row-major: γ(b) = max_k |Σ_v b_v inverse[v][k]|. */
  readonly inverse: Float64Array;
}

/** Headers of arrays that simulation programs find values in. */
const LONGEST_HEADER = 255;

function requireInverse({ element, size, inverse }: ElementInverse): void {
  if (inverse.length !== size * size) {
    const message = `active set of ${element} must be ${size} × ${size}, got ${inverse.length} numbers`;
    throw new InputError('WRONG_LENGTH', message, { element, size, got: inverse.length });
  }
  const bad = inverse.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw new InputError('NOT_FINITE', `active set of ${element} must be finite, got ${inverse[bad]} at ${bad}`, {
      element,
      index: bad,
    });
  }
}

/**
 * Bytes of an active set: stored members `<Element>.npy` of little-endian doubles in C order, time stamps fixed, so that
 * equal sets give equal bytes.
 *
 * @throws InputError `WRONG_LENGTH`, `NOT_FINITE`
 */
export function writeAsi(sets: readonly ElementInverse[]): Uint8Array {
  for (const set of sets) requireInverse(set);
  return writeZip(
    sets.map(({ element, size, inverse }) => ({
      name: `${element}.npy`,
      bytes: writeNpy({ shape: [size, size], data: inverse }),
    })),
  );
}

/**
 * Reads an active set for the elements and numbers of functions of a potential. What the simulation program would take
 * silently for something else is an error: another type of number, columns first, compression, another size or element.
 *
 * @param elements of the potential
 * @param sizes    functions of each central element
 * @returns        [elements] inverse matrices, row-major
 * @throws         FormatError `NOT_A_ZIP`, `DAMAGED`, `COMPRESSED`, `STREAMED`, `BAD_NPY`, `WRONG_ELEMENTS`, `WRONG_SIZE`,
 *   `NOT_FINITE`
 */
export function readAsi(
  bytes: Uint8Array,
  file: string,
  elements: readonly string[],
  sizes: readonly number[],
): Float64Array[] {
  const fail = (code: string, message: string): FormatError => new FormatError(code, { file }, message);
  const members = readZip(bytes, file);
  const found = [...members.keys()].map((name) => name.replace(/\.npy$/, ''));
  if ([...found].sort().join() !== [...elements].sort().join()) {
    const message = `active set must hold the elements ${elements.join(', ')} of the potential, got ${found.join(', ') || 'none'}`;
    throw fail('WRONG_ELEMENTS', message);
  }
  return elements.map((element, mu) => {
    const member = members.get(`${element}.npy`);
    if (member === undefined) throw fail('WRONG_ELEMENTS', `active set must hold ${element}.npy, got ${element}`);
    const { shape, data } = readNpy(member, `${file}:${element}.npy`);
    const headerLength = new DataView(member.buffer, member.byteOffset).getUint16(8, true);
    if (headerLength > LONGEST_HEADER) {
      throw fail('BAD_NPY', `header of ${element}.npy must have at most ${LONGEST_HEADER} bytes, got ${headerLength}`);
    }
    const size = sizes[mu]!;
    if (shape.length !== 2 || shape[0] !== size || shape[1] !== size) {
      const hint =
        shape[0] === shape[1] && shape[0]! % size === 0 && shape[0]! > size
          ? ' (one of all densities is not supported)'
          : '';
      throw fail(
        'WRONG_SIZE',
        `active set of ${element} must be ${size} × ${size} as it has functions in the potential, got ${shape.join(' × ')}${hint}`,
      );
    }
    const bad = data.findIndex((value) => !Number.isFinite(value));
    if (bad >= 0) throw fail('NOT_FINITE', `active set of ${element} must be finite, got ${data[bad]} at ${bad}`);
    return data;
  });
}
