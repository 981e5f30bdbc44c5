import { InputError } from '../errors.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import type { CandidatePool, Selection, SelectionContext } from './acquisition.ts';
import { gaussianKernel, typicalDistance } from './coverage.ts';
import { greedyDeterminantal, sampleDeterminantal } from './determinantal.ts';
import { informationOf } from './gain.ts';
import { columnsOf, pickedRows, requiredDescriptors } from './pool.ts';
import { semidefiniteSpectrum } from './spectrum.ts';
import { standardizedTogether } from './strata.ts';

/** Structures of a pool whose kernel matrix is diagonalised at most. */
const MOST_SAMPLED = 2000;
/** Length of the kernel over the typical distance of nearest neighbours. */
const LENGTH = 4;

/**
 * Kernel of quality and likeness, K_ij = q_i q_j exp(−|x_i − x_j|²/2ℓ²): q² the information gain of a structure alone (1
 * for all where no candidate has rows), x the standardised mean descriptors, ℓ four times the mean distance to the nearest other.
 * @returns [n, n]
 */
export function qualityKernel(pool: CandidatePool, context: SelectionContext = {}): Float64Array {
  const { kernels = plainKernels } = context;
  const n = pool.candidates.length;
  const { r } = pool.learner;
  const d = columnsOf(r);
  const gains = Float64Array.from(pool.candidates, (_, i) => {
    const { rows, count } = pool.rows(i);
    return count === 0 ? 0 : informationOf(kernels.whitenRows(r, d, rows, count), count, d, kernels);
  });
  const all = standardizedTogether(requiredDescriptors(pool), pool.learner.labelled);
  const features = pickedRows(all, [...pool.candidates.keys()]);
  const length = LENGTH * typicalDistance(features);
  const k = length > 0 ? gaussianKernel(features, length) : Float64Array.from({ length: n * n }, () => 1);
  if (gains.some((gain) => gain > 0)) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) k[i * n + j] = k[i * n + j]! * Math.sqrt(gains[i]! * gains[j]!);
    }
  }
  return k;
}

/**
 * A batch drawn from a k-DPP: P(A) ∝ det K_A of `qualityKernel`, so informative structures are likely and alike ones are
 * not drawn together. Seeded. The gain is K_ii.
 * @throws InputError `POOL_TOO_LARGE` above 2000 candidates
 */
export function selectDeterminantal(pool: CandidatePool, batchSize: number, context: SelectionContext = {}): Selection {
  const n = pool.candidates.length;
  if (n > MOST_SAMPLED) {
    throw new InputError(
      'POOL_TOO_LARGE',
      `pool must have at most ${MOST_SAMPLED} candidates to draw from a k-DPP, got ${n}; take k-dpp-map, or a part of it`,
      { candidates: n },
    );
  }
  const order = [...pool.candidates.keys()].sort((a, b) => (pool.candidates[a]!.id < pool.candidates[b]!.id ? -1 : 1));
  const kernel = qualityKernel(pool, context);
  // In the order of ids, so that a draw does not depend on that of the pool.
  const sorted = Float64Array.from(
    { length: n * n },
    (_, at) => kernel[order[Math.floor(at / n)]! * n + order[at % n]!]!,
  );
  const spectrum = semidefiniteSpectrum(sorted, n);
  const rank = spectrum.values.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);
  const stream = new RandomStream(context.seed ?? 0, 'k-DPP', context.round ?? 0);
  const selected = sampleDeterminantal(spectrum, Math.min(batchSize, rank), stream).map((place) => {
    const index = order[place]!;
    const gain = kernel[index * n + index]!;
    const reason = `drawn from a k-DPP, quality ${gain.toPrecision(3)}`;
    return { id: pool.candidates[index]!.id, index, gain, reason };
  });
  return { selected, certificate: null };
}

/** The greedy most probable batch of the same k-DPP; the gain is the factor by which a pick multiplies det K_A. */
export function selectDeterminantalMap(
  pool: CandidatePool,
  batchSize: number,
  context: SelectionContext = {},
): Selection {
  const kernel = qualityKernel(pool, context);
  const ids = pool.candidates.map(({ id }) => id);
  const selected = greedyDeterminantal(kernel, ids.length, batchSize, ids).map(({ index, factor }) => {
    const share = factor / kernel[index * ids.length + index]!;
    const reason = `multiplies the determinant by ${factor.toPrecision(3)}, ${(100 * share).toPrecision(3)} % of its quality`;
    return { id: ids[index]!, index, gain: factor, reason };
  });
  return { selected, certificate: null };
}
