import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { transpose } from '../core/numerics/dense.ts';
import { StripMemory } from './strip-memory.ts';
import { compileWasm } from './wasm-module.ts';

const memory = new StripMemory(compileWasm(readFileSync(new URL('./generated/kernels.wasm', import.meta.url))));

/** 1, 2, 3 … as [m, n]. */
const counting = (m: number, n: number): Float64Array => Float64Array.from({ length: m * n }, (_, k) => k + 1);

describe('StripMemory', () => {
  it.each([
    [1, 1],
    [4, 4],
    [5, 3],
    [3, 9],
    [258, 6],
    [515, 5],
  ])('gives back what was written, as it was and transposed: %i × %i', (m, n) => {
    const data = counting(m, n);
    memory.call(() => {
      const address = memory.matrix(m, n);
      const panel = memory.panel(Math.max(m, n), Math.max(m, n));
      memory.write(address, panel, data, m, n);
      expect(memory.read(address, panel, m, n)).toEqual(data);
      // The same strips read the other way round are the transpose.
      expect(memory.read(address, panel, n, m, { transposed: true })).toEqual(transpose(data, m, n));
    });
    memory.call(() => {
      const address = memory.matrix(n, m);
      const panel = memory.panel(Math.max(m, n), Math.max(m, n));
      memory.write(address, panel, data, m, n, { transposed: true });
      expect(memory.read(address, panel, m, n, { transposed: true })).toEqual(data);
      expect(memory.read(address, panel, n, m)).toEqual(transpose(data, m, n));
    });
  });

  it('lays columns out in strips of four, padded with zeros', () => {
    memory.call(() => {
      const address = memory.matrix(2, 5);
      memory.write(address, memory.panel(2, 5), counting(2, 5), 2, 5);
      const zeros = [0, 0, 0, 0];
      expect(Array.from(memory.view(address, 32))).toEqual([
        ...[1, 2, 3, 4, 6, 7, 8, 9, ...zeros, ...zeros],
        ...[5, 0, 0, 0, 10, 0, 0, 0, ...zeros, ...zeros],
      ]);
    });
  });

  it('takes the upper triangle alone where that is wanted, and puts ones on the diagonal of the padding', () => {
    const n = 6;
    memory.call(() => {
      const address = memory.matrix(n, n);
      const panel = memory.panel(n, n);
      memory.write(address, panel, counting(n, n), n, n, { upper: true });
      memory.padDiagonal(address, n);
      const upper = counting(n, n).map((value, k) => (k % n < Math.floor(k / n) ? 0 : value));
      expect(memory.read(address, panel, n, n)).toEqual(upper);
      const strips = memory.view(address, 64);
      // Places (6, 6) and (7, 7) of [8, 8].
      expect([strips[32 + 4 * 6 + 2], strips[32 + 4 * 7 + 3]]).toEqual([1, 1]);
      expect(strips.reduce((sum, value) => sum + value, 0)).toBe(upper.reduce((sum, value) => sum + value, 0) + 2);
      // What is below is not written to the array either.
      strips.fill(9);
      const nines = memory.read(address, panel, n, n, { upper: true });
      expect(nines).toEqual(upper.map((value) => (value === 0 ? 0 : 9)));
    });
  });

  it('begins every call at the same place, also after one that fails', () => {
    const place = () => memory.call(() => memory.matrix(3, 3));
    const first = place();
    expect(() =>
      memory.call(() => {
        memory.matrix(100, 100);
        throw new RangeError('in between');
      }),
    ).toThrow('in between');
    expect(place()).toBe(first);
    memory.call(() => {
      const kept = memory.matrix(3, 3);
      const mark = memory.kernels.allocate(0);
      expect(memory.matrix(3, 3)).toBe(mark);
      memory.kernels.releaseTo(mark);
      expect(memory.matrix(9, 9)).toBe(mark);
      expect(mark).toBeGreaterThan(kept);
    });
  });
});
