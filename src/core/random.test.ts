import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evenness } from '../../test/support/evenness.ts';
import { normalCdf } from './numerics/special.ts';
import { RandomStream } from './random.ts';

function histogram(values: ArrayLike<number>, bins: number): number[] {
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) counts[Math.floor(values[i]! * bins)]!++;
  return counts;
}

/** Correlation of x_i and y_i, uniform on [0, 1), in standard errors of independent ones. */
function correlation(x: ArrayLike<number>, y: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - 0.5) * (y[i]! - 0.5);
  return (12 * sum) / Math.sqrt(x.length);
}

const FAIR = 1e-3;
const draws = (stream: RandomStream, n: number): Float64Array =>
  Float64Array.from({ length: n }, () => stream.uniform());

describe('a stream', () => {
  it('gives the same numbers for the same key on every machine, for ever', () => {
    const stream = new RandomStream(1, 'golden', 0);
    const numbers = [stream.uniform(), stream.uniform(), stream.normal(), stream.normal()];
    const golden = [0.7663573810386122, 0.7404284382547797, -1.282385729560046, -0.6289935832402542];
    expect(numbers.slice(0, 2)).toEqual(golden.slice(0, 2));
    expect(numbers.slice(2)).toAgree(golden.slice(2), { rtol: 1e-14, why: 'logarithms may differ in the last bit' });
    expect(stream.integer(1000)).toBe(88);
    expect(draws(new RandomStream(1, 'golden', 1), 2)).toEqual(
      Float64Array.of(0.48804454448713375, 0.07164506902748136),
    );
    expect([...new RandomStream(7, 'permutation').permutation(8)]).toEqual([0, 1, 4, 3, 2, 7, 5, 6]);
  });

  it('does not depend on what other streams do', () => {
    const alone = draws(new RandomStream(3, 'walker', 5), 50);
    const [a, b] = [new RandomStream(3, 'walker', 5), new RandomStream(3, 'walker', 6)];
    const together = Float64Array.from({ length: 50 }, (_, k) => {
      for (let other = 0; other < k % 3; other++) b.normal();
      return a.uniform();
    });
    expect(together).toEqual(alone);
  });

  it('is even on [0, 1), in pairs and in triples', () => {
    const u = draws(new RandomStream(11, 'even'), 60_000);
    expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(evenness(histogram(u, 100))).toBeGreaterThan(FAIR);
    for (const [size, side] of [
      [2, 12],
      [3, 6],
    ] as const) {
      const counts = new Array<number>(side ** size).fill(0);
      for (let i = 0; i + size <= u.length; i += size) {
        let cell = 0;
        for (let k = 0; k < size; k++) cell = cell * side + Math.floor(u[i + k]! * side);
        counts[cell]!++;
      }
      expect(evenness(counts)).toBeGreaterThan(FAIR);
    }
    // The last bits are as even as the first ones.
    expect(
      evenness(
        histogram(
          u.map((x) => (x * 2 ** 40) % 1),
          64,
        ),
      ),
    ).toBeGreaterThan(FAIR);
  });

  it('has the moments of a uniform distribution and no memory at any short lag', () => {
    const n = 50_000;
    const u = draws(new RandomStream(12, 'moments'), n);
    for (const power of [1, 2, 3, 4]) {
      const mean = u.reduce((sum, x) => sum + x ** power, 0) / n;
      const error = Math.sqrt((1 / (2 * power + 1) - 1 / ((power + 1) * (power + 1))) / n);
      expect(Math.abs(mean - 1 / (power + 1)) / error).toBeLessThan(4);
    }
    for (const lag of [1, 2, 3, 7, 64]) {
      expect(Math.abs(correlation(u.subarray(lag), u.subarray(0, n - lag)))).toBeLessThan(4);
    }
  });
});

describe('keys', () => {
  it('open streams whose first numbers are even over indices, seeds and purposes', () => {
    const n = 20_000;
    const families: readonly ((k: number) => RandomStream)[] = [
      (k) => new RandomStream(1, 'walker', k),
      (k) => new RandomStream(k, 'walker', 0),
      (k) => new RandomStream(1, 'walker', 3, k),
      (k) => new RandomStream(1, 'walker', k, 3),
      (k) => new RandomStream(1, `purpose ${k}`),
    ];
    for (const open of families) {
      const streams = Array.from({ length: n }, (_, k) => open(k));
      const first = Float64Array.from(streams, (stream) => stream.uniform());
      const second = Float64Array.from(streams, (stream) => stream.uniform());
      expect(evenness(histogram(first, 64))).toBeGreaterThan(FAIR);
      expect(evenness(histogram(second, 64))).toBeGreaterThan(FAIR);
      expect(Math.abs(correlation(first, second))).toBeLessThan(4);
    }
  });

  it('that are neighbours share nothing: no correlation along their streams', () => {
    const n = 4000;
    for (let k = 0; k < 20; k++) {
      const here = draws(new RandomStream(5, 'chain', k), n);
      const next = draws(new RandomStream(5, 'chain', k + 1), n);
      const seed = draws(new RandomStream(6, 'chain', k), n);
      expect(Math.abs(correlation(here, next))).toBeLessThan(4);
      expect(Math.abs(correlation(here, seed))).toBeLessThan(4);
      // Nor is one the other, shifted.
      expect(Math.abs(correlation(here.subarray(1), next.subarray(0, n - 1)))).toBeLessThan(4);
    }
  });

  it('never open the same stream, however alike they look', () => {
    const seen = new Set<string>();
    let opened = 0;
    const open = (stream: RandomStream): void => {
      seen.add(`${stream.uniform()} ${stream.uniform()}`);
      opened++;
    };
    for (let seed = -20; seed < 20; seed++) {
      for (const purpose of ['', 'a', 'b', 'ab', 'ba', 'aa', 'walker', 'walkers', 'Walker']) {
        open(new RandomStream(seed, purpose));
        for (const i of [0, 1, 2, 10, 11, 12, 21, 100, 1e9]) {
          open(new RandomStream(seed, purpose, i));
          for (const j of [0, 1, 2, 11, 112]) open(new RandomStream(seed, purpose, i, j));
        }
      }
    }
    expect(opened).toBe(40 * 9 * (1 + 9 * 6));
    expect(seen.size).toBe(opened);
  });

  it('change half of the bits with any one of their characters', () => {
    const bits = (key: string): number => Math.floor(new RandomStream(1, key).uniform() * 2 ** 32);
    const flips: number[] = [];
    for (let k = 0; k < 400; k++) {
      const key = `key number ${k}`;
      const at = k % key.length;
      const other = key.slice(0, at) + String.fromCharCode(key.charCodeAt(at) ^ (1 << (k % 5))) + key.slice(at + 1);
      let difference = (bits(key) ^ bits(other)) >>> 0;
      let count = 0;
      for (; difference !== 0; difference >>>= 1) count += difference & 1;
      flips.push(count);
    }
    const mean = flips.reduce((sum, x) => sum + x, 0) / flips.length;
    expect(mean).toAgree(16, { atol: 4 * Math.sqrt(8 / 400), why: 'four standard errors of 32 fair bits' });
    expect(Math.min(...flips)).toBeGreaterThan(2);
  });
});

describe('deviates', () => {
  it('are standard normal, also in the tails, and pairs of them independent', () => {
    const n = 60_000;
    const stream = new RandomStream(21, 'normal');
    const z = Float64Array.from({ length: n }, () => stream.normal());
    const moment = (power: number): number => z.reduce((sum, x) => sum + x ** power, 0) / n;
    // Standard errors of the moments of n normal deviates.
    for (const [power, expected, variance] of [
      [1, 0, 1],
      [2, 1, 2],
      [3, 0, 15],
      [4, 3, 96],
    ] as const) {
      expect(Math.abs(moment(power) - expected) / Math.sqrt(variance / n)).toBeLessThan(4);
    }
    expect(evenness(histogram(z.map(normalCdf), 100))).toBeGreaterThan(FAIR);
    const beyond = z.filter((x) => Math.abs(x) > 3).length;
    expect(Math.abs(beyond - n * 0.0027) / Math.sqrt(n * 0.0027)).toBeLessThan(4);
    // The spare of the polar method belongs to the same draw: it must not show.
    const odd = z.filter((_, i) => i % 2 === 0).map(normalCdf);
    const even = z.filter((_, i) => i % 2 === 1).map(normalCdf);
    expect(Math.abs(correlation(odd, even))).toBeLessThan(4);
    const far = (x: Float64Array): Float64Array => x.map((p) => Math.abs(2 * p - 1));
    expect(Math.abs(correlation(far(odd), far(even)))).toBeLessThan(4);
  });

  it('take integers evenly from any range and never its end', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 31 }), fc.integer(), (n, seed) => {
        const stream = new RandomStream(seed, 'range');
        for (let k = 0; k < 20; k++) {
          const i = stream.integer(n);
          expect(Number.isInteger(i) && i >= 0 && i < n).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
    for (const n of [2, 3, 7, 10]) {
      const stream = new RandomStream(31, 'integers', n);
      const counts = new Array<number>(n).fill(0);
      for (let k = 0; k < 5000 * n; k++) counts[stream.integer(n)]!++;
      expect(evenness(counts)).toBeGreaterThan(FAIR);
    }
  });

  it('permute: every order of four, each as often as any other', () => {
    const stream = new RandomStream(41, 'orders');
    const counts = new Map<string, number>();
    for (let k = 0; k < 24 * 500; k++) {
      const order = stream.permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expect(evenness([...counts.values()])).toBeGreaterThan(FAIR);
    expect([...new RandomStream(1, 'big').permutation(1000)].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect(new RandomStream(1, 'none').permutation(0)).toHaveLength(0);
  });
});
