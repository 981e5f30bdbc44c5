import { InputError } from '../../errors.ts';
import type { AcePair } from './basis.ts';

/**
 * Radial functions g_k(r), k = 1 … `count`, of one pair of elements, with derivatives; zero from the cutoff on.
 * `evaluate` writes g_k to `values[offset + k − 1]` and dg_k/dr to `slopes[offset + k − 1]` (Å⁻¹).
 */
export interface RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void;
}

/**
 * Simplified spherical Bessel functions: combinations of sinc(jπr/r_c) that are orthonormal on [0, r_c] with weight r²
 * and vanish at r_c with their first two derivatives.
 *
 *   f_n = (−1)ⁿ √2 π r_c^{−3/2} (n+1)(n+2)/√((n+1)²+(n+2)²) [sinc((n+1)πr/r_c) + sinc((n+2)πr/r_c)],  n = 0, 1, …
 *   e_n = n²(n+2)²/(4(n+1)⁴+1),  d_0 = 1,  d_n = 1 − e_n/d_{n−1}
 *   g_1 = f_0,  g_{n+1} = (f_n + √(e_n/d_{n−1}) g_n)/√d_n
 *
 * @see E. Kocer, J. K. Mason, H. Erturk, AIP Adv. 10, 015021 (2020)
 */
export class SphericalBessel implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  /** [count] a and b of g_k = a_k [sinc(kπr/r_c) + sinc((k+1)πr/r_c)] + b_k g_{k−1}. */
  readonly scale: Float64Array;
  readonly carry: Float64Array;

  /** @param cutoff r_c, Å  @param count number of functions */
  constructor(cutoff: number, count: number) {
    this.cutoff = requireCutoff(cutoff);
    this.count = count;
    this.scale = new Float64Array(count);
    this.carry = new Float64Array(count);
    let d = 1;
    for (let n = 0; n < count; n++) {
      const a = n + 1;
      const b = n + 2;
      const e = (n * n * b * b) / (4 * a * a * a * a + 1);
      const carry = Math.sqrt(e / d);
      d = n === 0 ? 1 : 1 - e / d;
      const norm = (Math.SQRT2 * Math.PI * a * b) / Math.sqrt((a * a + b * b) * cutoff * cutoff * cutoff);
      this.scale[n] = ((n % 2 === 0 ? 1 : -1) * norm) / Math.sqrt(d);
      this.carry[n] = carry / Math.sqrt(d);
    }
  }

  /** Values and slopes at r > 0 (see the interface); sines of multiples by the addition theorem, error about n·1e-16. */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { count, scale, carry } = this;
    if (r >= this.cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    const x = (Math.PI * r) / this.cutoff;
    const sine = Math.sin(x);
    const cosine = Math.cos(x);
    const inverse = 1 / r;
    // s, c: sine and cosine of (n+1)x; sinc and its slope of the previous multiple are kept.
    let s = sine;
    let c = cosine;
    let sinc = sine / x;
    let slope = (cosine - sinc) * inverse;
    let g = 0;
    let dg = 0;
    for (let n = 0; n < count; n++) {
      const next = s * cosine + c * sine;
      c = c * cosine - s * sine;
      s = next;
      const sincNext = s / ((n + 2) * x);
      const slopeNext = (c - sincNext) * inverse;
      g = scale[n]! * (sinc + sincNext) + carry[n]! * g;
      dg = scale[n]! * (slope + slopeNext) + carry[n]! * dg;
      values[offset + n] = g;
      slopes[offset + n] = dg;
      sinc = sincNext;
      slope = slopeNext;
    }
  }
}

/** Checks a cutoff radius. @throws InputError `INVALID_CUTOFF` */
export function requireCutoff(cutoff: number): number {
  if (!(cutoff > 0 && Number.isFinite(cutoff))) {
    throw new InputError('INVALID_CUTOFF', `cutoff must be positive and finite, got ${cutoff} Å`, { cutoff });
  }
  return cutoff;
}

/**
 * Inner switch f: 1 below r_in − δ, 0 above r_in, twice continuously differentiable.
 *
 *   f = ½ + (15/4)(x/4 − x³/6 + x⁵/20),  x = 1 − 2(1 + (r − r_in)/δ)
 *
 * @param out [2] receives f and df/dr
 */
export function innerSwitch(r: number, innerCutoff: number, innerWidth: number, out: Float64Array): void {
  if (r >= innerCutoff) {
    out[0] = 0;
    out[1] = 0;
  } else if (r <= innerCutoff - innerWidth) {
    out[0] = 1;
    out[1] = 0;
  } else {
    const x = 1 - 2 * (1 + (r - innerCutoff) / innerWidth);
    const xx = x * x;
    out[0] = 0.5 + 3.75 * x * (0.25 - xx / 6 + (xx * xx) / 20);
    out[1] = (-7.5 / innerWidth) * (0.25 - 0.5 * xx + 0.25 * xx * xx);
  }
}

/**
 * Core repulsion of one atom of a pair, φ(r) = |prefactor| exp(−|λ| r²)/r · ½(1 + cos(πr/r_c)), eV; each of the two
 * atoms of a pair carries φ.
 *
 * @param out [2] receives φ (eV) and dφ/dr (eV/Å)
 */
export function coreRepulsion(r: number, cutoff: number, prefactor: number, lambda: number, out: Float64Array): void {
  if (prefactor === 0 || r >= cutoff) {
    out[0] = 0;
    out[1] = 0;
    return;
  }
  const bare = (Math.abs(prefactor) * Math.exp(-Math.abs(lambda) * r * r)) / r;
  const angle = (Math.PI * r) / cutoff;
  const window = 0.5 * (1 + Math.cos(angle));
  out[0] = bare * window;
  out[1] = bare * (-2 * Math.abs(lambda) * r - 1 / r) * window - bare * ((0.5 * Math.PI) / cutoff) * Math.sin(angle);
}

const coreScratch = new Float64Array(2);

/**
 * The core repulsion that acts, φ(r)·f(r), with f the inner switch: a fixed term of the energy of each atom of a pair.
 *
 * @param out [2] receives φf (eV) and its derivative (eV/Å)
 */
export function switchedCoreRepulsion(r: number, pair: AcePair, out: Float64Array): void {
  innerSwitch(r, pair.innerCutoff, pair.innerWidth, out);
  if (out[0] === 0) return;
  coreRepulsion(r, pair.cutoff, pair.core.prefactor, pair.core.lambda, coreScratch);
  out[1] = coreScratch[1]! * out[0]! + coreScratch[0]! * out[1]!;
  out[0] = coreScratch[0]! * out[0]!;
}
