import type { CandidateRows, RowKind, Selection } from './acquisition.ts';
import { byScore, largestVariance } from './gain.ts';

const NAMES: Readonly<Record<RowKind, string>> = {
  all: 'a row',
  energy: 'the energy',
  forces: 'a force component',
  virial: 'a component of the virial',
};

/**
 * The structures whose most uncertain row is most uncertain: epistemic over noise variance, without a unit. Neither the
 * number of uncertain rows nor what structures share is seen. No certificate.
 *
 * @param r    [d, d] upper-triangular factor of the posterior precision
 * @param kind what the rows are, for the reason
 */
export function selectMaxVariance(
  r: Float64Array,
  d: number,
  candidates: readonly CandidateRows[],
  batchSize: number,
  kind: RowKind = 'all',
): Selection {
  const variances = candidates.map((candidate) => largestVariance(r, d, candidate.rows, candidate.count));
  const selected = [...candidates.keys()]
    .sort(byScore(variances, candidates))
    .slice(0, batchSize)
    .map((index) => {
      const gain = variances[index]!;
      const reason = `largest epistemic variance of ${NAMES[kind]}, ${gain.toPrecision(3)} times its noise`;
      return { id: candidates[index]!.id, index, gain, reason };
    });
  return { selected, certificate: null };
}
