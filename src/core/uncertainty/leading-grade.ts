import { InputError } from '../errors.ts';
import { SymmetricEigensolver } from '../numerics/eigen-symmetric.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { RandomStream } from '../random.ts';

/** The extrapolation grade along the directions that matter most: γ ≈ max_k |Σ_q (b·P)_q L_qk|. Plain data. */
export interface LeadingGrade {
  /** Number of descriptors d and of directions K. */
  readonly size: number;
  readonly directions: number;
  /** [d, K] orthonormal directions P in which the inverse of the active set is largest. */
  readonly projection: Float64Array;
  /** [K, d] L = Pᵀ·inverse: coefficients of active rows by direction. */
  readonly coefficients: Float64Array;
}

/** Rounds of subspace iteration, and directions carried along for its convergence. */
const ROUNDS = 4;
const SPARE = 12;

/** Orthonormal columns with the span of [d, k] columns, through the eigenvectors of their Gram matrix. */
function orthonormal(columns: Float64Array, d: number, k: number, kernels: LinearKernels): Float64Array {
  const solver = new SymmetricEigensolver(k);
  const values = solver.decompose(kernels.gram(columns, d, k));
  const vectors = new Float64Array(k * k);
  solver.vectors(k, vectors);
  // Largest first; directions that rounding alone holds get no weight.
  const mixing = new Float64Array(k * k);
  for (let q = 0; q < k; q++) {
    const from = k - 1 - q;
    const scale = values[from]! > 1e-24 * values[k - 1]! ? 1 / Math.sqrt(values[from]!) : 0;
    for (let v = 0; v < k; v++) mixing[v * k + q] = scale * vectors[from * k + v]!;
  }
  return kernels.multiply(columns, mixing, d, k, k);
}

/**
 * Leading left singular vectors of the inverse X of an active set: b·X is large for an extrapolating b because of its
 * components along them. Costs 2 d K instead of d² an atom afterwards. By subspace iteration on X Xᵀ, seeded.
 *
 * @param inverse [d, d]
 * @throws InputError `LEADING_DIRECTIONS` unless 1 ≤ K ≤ d
 */
export function leadingGrade(
  inverse: Float64Array,
  d: number,
  directions: number,
  kernels: LinearKernels,
): LeadingGrade {
  if (!(Number.isInteger(directions) && directions >= 1 && directions <= d)) {
    const message = `leading directions must be from 1 to the ${d} descriptors, got ${directions}`;
    throw new InputError('LEADING_DIRECTIONS', message, { directions, d });
  }
  const k = Math.min(d, directions + SPARE);
  const stream = new RandomStream(1, 'leading directions', d);
  const transposed = new Float64Array(d * d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) transposed[j * d + i] = inverse[i * d + j]!;
  let span: Float64Array = Float64Array.from({ length: d * k }, () => stream.normal());
  for (let round = 0; round < ROUNDS; round++) {
    span = kernels.multiply(inverse, kernels.multiply(transposed, span, d, d, k), d, d, k);
    span = orthonormal(span, d, k, kernels);
  }
  const projection = new Float64Array(d * directions);
  const rows = new Float64Array(directions * d);
  for (let v = 0; v < d; v++) {
    for (let q = 0; q < directions; q++) {
      const value = span[v * k + q]!;
      projection[v * directions + q] = value;
      rows[q * d + v] = value;
    }
  }
  const coefficients = kernels.multiply(rows, inverse, directions, d, d);
  return { size: d, directions, projection, coefficients };
}

/**
 * Grades of some rows along the leading directions.
 *
 * @param rows [n, d]
 * @returns    [n] max_k |Σ_q (b·P)_q L_qk|; never far above the grade, below it by what the other directions hold
 */
export function leadingGrades(
  grade: LeadingGrade,
  rows: Float64Array,
  n: number,
  kernels: LinearKernels,
): Float64Array {
  const { size: d, directions, projection, coefficients } = grade;
  const values = kernels.multiply(kernels.multiply(rows, projection, n, d, directions), coefficients, n, directions, d);
  return Float64Array.from({ length: n }, (_, i) => {
    let most = 0;
    for (let j = i * d; j < (i + 1) * d; j++) {
      const size = Math.abs(values[j]!);
      if (!(size <= most)) most = size;
      if (Number.isNaN(most)) return most;
    }
    return most;
  });
}
