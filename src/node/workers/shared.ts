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
