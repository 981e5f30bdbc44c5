import { RandomStream } from '../../src/core/random.ts';
import { reportCalibration } from '../../src/core/validation/calibration.ts';
import { detection, rankCeiling, rankCorrelation, worstErrorsFound } from '../../src/core/validation/ranking.ts';
import type { KindSample } from './samples.ts';

/** What one estimator showed on one test set, for one kind of quantity. */
export interface Figures {
  readonly count: number;
  readonly rmsResidual: number;
  readonly coverage90: number;
  readonly coverage95: number;
  readonly ece: number;
  readonly ence: number;
  readonly crps: number;
  readonly nll: number;
}

/** How sigmas rank errors of atoms or energies. */
export interface RankingFigures {
  readonly rank: number;
  readonly ceiling: number;
  readonly auroc: number;
  readonly worstFound: number;
}

/** Errors and sigmas in eV/atom or eV/Å. */
export interface ErrorList {
  readonly errors: Float64Array;
  readonly sigmas: Float64Array;
  /** Atom of each entry by a number of its own; entries of one atom stand together. */
  readonly owners: Float64Array;
}

/** Errors and sigmas of a sample with the variances of an estimator. */
export function errorList(sample: KindSample, variances: Float64Array): ErrorList {
  return {
    errors: Float64Array.from(sample.residuals, (e, i) => e * sample.units[i]!),
    sigmas: variances.map((v, i) => Math.sqrt(v) * sample.units[i]!),
    owners: Float64Array.from(sample.structures, (s, i) => 1e6 * s + sample.atoms[i]!),
  };
}

/** Calibration figures. */
export function figuresOf({ errors, sigmas }: ErrorList): Figures {
  const report = reportCalibration(errors, sigmas);
  return {
    count: report.count,
    rmsResidual: report.rmsResidual,
    coverage90: report.coverage90.observed,
    coverage95: report.coverage95.observed,
    ece: report.ece,
    ence: report.ence,
    crps: report.crps,
    nll: report.nll,
  };
}

/** Ranking figures of several lists pooled; |ΔF| of atoms above 0.3 eV/Å is large. */
export function rankingOf(lists: readonly ErrorList[], threshold: number): RankingFigures {
  const sizes: number[] = [];
  const sigmas: number[] = [];
  const components: number[] = [];
  for (const { errors, sigmas: own, owners } of lists) {
    for (let i = 0; i < errors.length; ) {
      let j = i;
      let square = 0;
      let variance = 0;
      while (j < errors.length && owners[j] === owners[i]) {
        square += errors[j]! * errors[j]!;
        variance += own[j]! * own[j]!;
        j++;
      }
      sizes.push(Math.sqrt(square));
      sigmas.push(Math.sqrt(variance / (j - i)));
      components.push(j - i);
      i = j;
    }
  }
  const all = {
    sizes: Float64Array.from(sizes),
    sigmas: Float64Array.from(sigmas),
    components: Uint8Array.from(components),
  };
  return {
    rank: rankCorrelation(all.sizes, all.sigmas),
    ceiling: rankCeiling(all, new RandomStream(0, 'rank ceiling')),
    auroc: detection(all.sizes, all.sigmas, threshold).auroc,
    worstFound: worstErrorsFound(all.sizes, all.sigmas),
  };
}
