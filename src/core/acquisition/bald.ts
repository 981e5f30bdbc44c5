import { logDetGain } from '../regression/posterior.ts';
import type { CandidateRows, Selection } from './acquisition.ts';
import { byScore, condenseRows } from './gain.ts';

/**
 * Mutual information of one output and the weights, nats: ½ ln(1 + σ_e²/σ_a²) (BALD, Houlsby et al. 2011).
 *
 * @param epistemicVariance σ_e² of the output  @param aleatoricVariance σ_a² of its noise, same unit
 */
export function mutualInformation(epistemicVariance: number, aleatoricVariance: number): number {
  return 0.5 * Math.log1p(epistemicVariance / aleatoricVariance);
}

/**
 * The structures of largest information gain, each judged alone: similar structures are chosen together, since what one
 * teaches is not taken off the other. No certificate.
 *
 * @param r [d, d] upper-triangular factor of the posterior precision
 */
export function selectBald(
  r: Float64Array,
  d: number,
  candidates: readonly CandidateRows[],
  batchSize: number,
  minNats: number | ArrayLike<number> = 0,
): Selection {
  const gains = candidates.map((candidate) => {
    const { rows, count } = condenseRows(candidate, d);
    return logDetGain(r, d, rows, count);
  });
  const selected = [...candidates.keys()]
    .sort(byScore(gains, candidates))
    .filter((index) => gains[index]! > 0 && gains[index]! >= (typeof minNats === 'number' ? minNats : minNats[index]!))
    .slice(0, batchSize)
    .map((index) => {
      const gain = gains[index]!;
      return {
        id: candidates[index]!.id,
        index,
        gain,
        reason: `information gain of ${gain.toPrecision(3)} nats by itself`,
      };
    });
  return { selected, certificate: null };
}
