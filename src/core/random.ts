import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus';

/** One finaliser of MurmurHash3: mixes 32 bits. */
function mix(h: number): number {
  let x = h | 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) | 0;
}

/** Hash of a key to the 128 bits of a generator's state, 96 of them independent (the words are chained once around). */
function stateOf(key: string): number[] {
  const state = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x6a09e667];
  for (let c = 0; c < key.length; c++) {
    for (let w = 0; w < 4; w++) state[w] = mix(Math.imul(state[w]!, 0x01000193 + 2 * w) ^ (key.charCodeAt(c) + 1 + w));
  }
  return state.map((word, w) => mix(word ^ state[(w + 1) % 4]! ^ key.length) | 0);
}

/**
 * A seeded stream of random numbers (xoroshiro128+). Streams are keyed, not stored: the same (seed, purpose, index)
 * always gives the same numbers, whatever else ran before, so a resumed run needs no saved generator state.
 */
export class RandomStream {
  private readonly generator;
  private spareNormal = Number.NaN;

  /** The stream of hash(seed, purpose, …indices). */
  constructor(seed: number, purpose: string, ...indices: readonly number[]) {
    this.generator = xoroshiro128plusFromState(stateOf([seed, purpose, ...indices].join('|')));
  }

  /** Uniform in [0, 1). */
  uniform(): number {
    return uniformFloat64(this.generator);
  }

  /** Uniform integer in [0, n). */
  integer(n: number): number {
    return Math.floor(this.uniform() * n);
  }

  /** Standard normal deviate (Marsaglia's polar method). */
  normal(): number {
    if (!Number.isNaN(this.spareNormal)) {
      const spare = this.spareNormal;
      this.spareNormal = Number.NaN;
      return spare;
    }
    for (;;) {
      const u = 2 * this.uniform() - 1;
      const v = 2 * this.uniform() - 1;
      const s = u * u + v * v;
      if (s > 0 && s < 1) {
        const scale = Math.sqrt((-2 * Math.log(s)) / s);
        this.spareNormal = v * scale;
        return u * scale;
      }
    }
  }

  /** A random permutation of 0 … n−1 (Fisher–Yates). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const held = order[i]!;
      order[i] = order[j]!;
      order[j] = held;
    }
    return order;
  }
}
