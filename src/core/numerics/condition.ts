import { squaredNorm } from './dense.ts';
import { solveUpper, solveUpperTransposed } from './triangular.ts';

/** Lower bound, nearly always within a factor 3, of the 1-norm of a symmetric operator (Hager 1984). */
function estimateNorm(n: number, apply: (x: Float64Array) => Float64Array): number {
  let x: Float64Array = new Float64Array(n).fill(1 / n);
  let estimate = 0;
  let last = -1;
  for (let iteration = 0; iteration < 5; iteration++) {
    const y = apply(x);
    let norm = 0;
    for (let i = 0; i < n; i++) norm += Math.abs(y[i]!);
    if (!(norm > estimate)) break;
    estimate = norm;
    const z = apply(y.map((value) => (value < 0 ? -1 : 1)));
    let largest = 0;
    for (let i = 1; i < n; i++) if (Math.abs(z[i]!) > Math.abs(z[largest]!)) largest = i;
    if (largest === last) break;
    last = largest;
    x = new Float64Array(n);
    x[largest] = 1;
  }
  const alternating = Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : -1) * (1 + i / Math.max(1, n - 1)));
  let norm = 0;
  for (const value of apply(alternating)) norm += Math.abs(value);
  return Math.max(estimate, (2 * norm) / (3 * n));
}

/**
 * Estimate of the reciprocal condition number (1-norm) of P = RᵀR after scaling its diagonal to 1, which takes out
 * mere differences of units between columns. Normal equations keep about this many digits times 10⁻¹⁶; a
 * least-squares factor R itself has the square root of it.
 *
 * @param r  [n, n] upper triangular, row-major
 * @returns  between 0 (singular) and 1
 * @cost     some twenty n² flops
 */
export function reciprocalCondition(r: Float64Array, n: number): number {
  if (n === 0) return 1;
  const scaled = r.slice(0, n * n);
  const norms = new Float64Array(n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) norms[j] = norms[j]! + r[i * n + j]! * r[i * n + j]!;
  for (let i = 0; i < n; i++) {
    if (!(norms[i]! > 0) || !Number.isFinite(norms[i]!)) return 0;
    norms[i] = Math.sqrt(norms[i]!);
  }
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) scaled[i * n + j] = scaled[i * n + j]! / norms[j]!;
  for (let i = 0; i < n; i++) if (scaled[i * n + i] === 0) return 0;
  const norm = estimateNorm(n, (x) => {
    const y = new Float64Array(n);
    const z = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (let j = i; j < n; j++) sum += scaled[i * n + j]! * x[j]!;
      y[i] = sum;
    }
    for (let i = 0; i < n; i++) for (let j = i; j < n; j++) z[j] = z[j]! + scaled[i * n + j]! * y[i]!;
    return z;
  });
  const inverseNorm = estimateNorm(n, (x) => solveUpper(scaled, n, solveUpperTransposed(scaled, n, x)));
  const reciprocal = 1 / (norm * inverseNorm);
  return Number.isFinite(squaredNorm(scaled)) && Number.isFinite(reciprocal) ? Math.min(1, reciprocal) : 0;
}
