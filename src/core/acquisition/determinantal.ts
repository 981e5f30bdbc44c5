import { InputError } from '../errors.ts';
import { dot, squaredNorm } from '../numerics/dense.ts';
import type { RandomStream } from '../random.ts';
import type { Spectrum } from './spectrum.ts';

/**
 * Elementary symmetric polynomials of the first m of some numbers: e_l of (λ_1 … λ_m) at [l, m], scaled by the largest λ.
 * @returns [k + 1, n + 1]
 */
function symmetricPolynomials(values: Float64Array, k: number, scale: number): Float64Array {
  const n = values.length;
  const e = new Float64Array((k + 1) * (n + 1));
  for (let m = 0; m <= n; m++) e[m] = 1;
  for (let l = 1; l <= k; l++) {
    for (let m = 1; m <= n; m++) {
      e[l * (n + 1) + m] = e[l * (n + 1) + m - 1]! + (values[m - 1]! / scale) * e[(l - 1) * (n + 1) + m - 1]!;
    }
  }
  return e;
}

/**
 * Normaliser of a k-DPP, e_k(λ) = Σ_{|A|=k} det K_A. @throws as `sampleDeterminantal`
 */
export function determinantalNormaliser(spectrum: Spectrum, k: number): number {
  const { values } = spectrum;
  return symmetricPolynomials(values, k, 1)[k * (values.length + 1) + values.length]!;
}

/**
 * An exact sample of a k-DPP: k different items with P(A) = det K_A / e_k(λ). First k eigenvectors are drawn, then items
 * one after another from the projection on what is left of their span.
 *
 * @throws InputError `DPP_RANK` when the matrix has fewer than k positive eigenvalues
 * @cost   n k³ flops after the spectrum
 * @see    Kulesza & Taskar, ICML (2011)
 */
export function sampleDeterminantal(spectrum: Spectrum, k: number, stream: RandomStream): number[] {
  const { values, vectors } = spectrum;
  const n = values.length;
  const rank = values.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  if (k > rank)
    throw new InputError('DPP_RANK', `batch must not be larger than the rank of the kernel, ${rank}, got ${k}`, {
      rank,
      k,
    });
  // Scaled so that polynomials of many eigenvalues neither overflow nor vanish: about k of them are of order one.
  const scale = values.reduce((sum, value) => sum + value, 0) / Math.max(1, k);
  const e = symmetricPolynomials(values, k, scale);
  const span: Float64Array[] = [];
  let wanted = k;
  for (let m = n; m >= 1 && wanted > 0; m--) {
    const share =
      m === wanted ? 1 : ((values[m - 1]! / scale) * e[(wanted - 1) * (n + 1) + m - 1]!) / e[wanted * (n + 1) + m]!;
    if (stream.uniform() < share) {
      span.push(vectors.slice((m - 1) * n, m * n));
      wanted--;
    }
  }
  const chosen: number[] = [];
  let basis = span;
  while (basis.length > 0) {
    let left = stream.uniform() * basis.length;
    let item = -1;
    for (let i = 0; i < n; i++) {
      let weight = 0;
      for (const v of basis) weight += v[i]! * v[i]!;
      if (weight <= 0 || chosen.includes(i)) continue;
      item = i;
      left -= weight;
      if (left < 0) break;
    }
    chosen.push(item);
    basis = orthogonalTo(basis, item, n);
  }
  return chosen.sort((a, b) => a - b);
}

/** Orthonormal basis of the vectors of a span that are 0 at one place. */
function orthogonalTo(basis: readonly Float64Array[], place: number, n: number): Float64Array[] {
  let pivot = 0;
  basis.forEach((v, k) => {
    if (Math.abs(v[place]!) > Math.abs(basis[pivot]![place]!)) pivot = k;
  });
  const removed = basis[pivot]!;
  const next: Float64Array[] = [];
  basis.forEach((v, k) => {
    if (k === pivot) return;
    const factor = v[place]! / removed[place]!;
    const left = v.map((value, i) => value - factor * removed[i]!);
    // Twice, so that the basis stays orthogonal to rounding.
    for (let pass = 0; pass < 2; pass++) {
      for (const other of next) {
        const overlap = dot(other, left, n);
        for (let i = 0; i < n; i++) left[i] = left[i]! - overlap * other[i]!;
      }
    }
    const norm = Math.sqrt(squaredNorm(left, n));
    next.push(left.map((value) => value / norm));
  });
  return next;
}

/**
 * Greedy most probable batch of a k-DPP: each pick multiplies det K_A most (pivoted Cholesky).
 *
 * @param ids   ties go to the smaller one
 * @returns     picks in order with the factor of each, its conditional variance K_ii − K_iA K_A⁻¹ K_Ai; fewer than k where
 *              nothing is left of the others
 * @cost        n k² flops
 */
export function greedyDeterminantal(
  kernel: Float64Array,
  n: number,
  k: number,
  ids: readonly string[],
): { readonly index: number; readonly factor: number }[] {
  const left = Float64Array.from({ length: n }, (_, i) => kernel[i * n + i]!);
  const first = left.reduce((largest, value) => Math.max(largest, value), 0);
  const factor = new Float64Array(n * k);
  const taken = new Uint8Array(n);
  const picks: { index: number; factor: number }[] = [];
  while (picks.length < k) {
    let best = -1;
    for (let i = 0; i < n; i++) {
      if (taken[i] === 1) continue;
      if (best < 0 || left[i]! > left[best]! || (left[i] === left[best] && ids[i]! < ids[best]!)) best = i;
    }
    if (best < 0 || !(left[best]! > 1e-12 * first)) break;
    const c = picks.length;
    const root = Math.sqrt(left[best]!);
    picks.push({ index: best, factor: left[best]! });
    taken[best] = 1;
    for (let i = 0; i < n; i++) {
      if (taken[i] === 1) continue;
      const value = (kernel[best * n + i]! - dot(factor, factor, c, best * k, i * k)) / root;
      factor[i * k + c] = value;
      left[i] = left[i]! - value * value;
    }
  }
  return picks;
}
