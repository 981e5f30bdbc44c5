/**
 * A copy in memory that threads share: it travels to a worker, or back, without being copied again. Nobody writes to it
 * afterwards. What is shared already is taken as it is.
 */
export function sharedCopy(array: Float64Array): Float64Array {
  if (array.buffer instanceof SharedArrayBuffer) return array;
  const copy = new Float64Array(new SharedArrayBuffer(array.byteLength));
  copy.set(array);
  return copy;
}

/** Zeros in memory that threads share. */
export function sharedZeros(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * length));
}
