import { FormatError } from '../core/errors.ts';

/** A numeric array with its shape, row-major. */
export interface NumericArray {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Bytes of a version-1.0 .npy file: little-endian doubles, C order. */
export function writeNpy(array: NumericArray): Uint8Array {
  const shape = array.shape.length === 1 ? `(${array.shape[0]},)` : `(${array.shape.join(', ')})`;
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': ${shape}, }`;
  const header = `${text}${' '.repeat((64 - ((10 + text.length + 1) % 64)) % 64)}\n`;
  const out = new Uint8Array(10 + header.length + array.data.length * 8);
  out.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0]);
  const view = new DataView(out.buffer);
  view.setUint16(8, header.length, true);
  out.set(new TextEncoder().encode(header), 10);
  for (let i = 0; i < array.data.length; i++) view.setFloat64(10 + header.length + 8 * i, array.data[i]!, true);
  return out;
}

/** Reads what `writeNpy` writes. @throws FormatError `BAD_NPY` for any other dtype, order or version */
export function readNpy(bytes: Uint8Array, file: string): NumericArray {
  const fail = (rule: string): FormatError => new FormatError('BAD_NPY', { file }, `array ${rule}`);
  if (bytes.length < 10 || bytes[0] !== 0x93 || bytes[6] !== 1) throw fail('must be .npy version 1.0');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerLength = view.getUint16(8, true);
  const header = new TextDecoder().decode(bytes.subarray(10, 10 + headerLength));
  const say = (rule: string): FormatError => fail(`${rule}, got ${header.trim()}`);
  if (10 + headerLength > bytes.length || !header.endsWith('\n')) throw fail('must have a whole header');
  if (!header.includes("'descr': '<f8'")) throw say("must hold little-endian doubles '<f8'");
  if (!header.includes("'fortran_order': False")) throw say('must be in C order (rows first)');
  const match = /'shape': \(([\d, ]*)\)/.exec(header);
  if (match === null) throw say('must have a shape');
  const shape = match[1]!
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map(Number);
  const size = shape.reduce((product, n) => product * n, 1);
  if (bytes.length !== 10 + headerLength + 8 * size)
    throw fail(`must hold ${size} numbers, got ${(bytes.length - 10 - headerLength) / 8}`);
  const data = new Float64Array(size);
  for (let i = 0; i < size; i++) data[i] = view.getFloat64(10 + headerLength + 8 * i, true);
  return { shape, data };
}
