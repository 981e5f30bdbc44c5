import type { FrameMisfits, FrameShares, ObservedFrame } from '../../core/dataset/robust-weights.ts';
import { frameMisfits, huberShares, misfitScales, shareChange } from '../../core/dataset/robust-weights.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import { unpackFactors } from '../../core/regression/packed.ts';
import type { EvidenceOptimum } from '../../core/regression/maximize-evidence.ts';
import type { FactorState, PerKind, PosteriorState, Prior } from '../../core/regression/regression.ts';
import type { Frame } from '../../core/structure/structure.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { frameName, onFrame } from './check-frames.ts';
import { chunksOf } from './chunks.ts';
import { firstPass } from './first-pass.ts';
import type { FitContext } from './passes.ts';

/** Passes at most. */
const MOST_PASSES = 20;
/** Weights have settled when they change by less than this in root mean square. */
const SETTLED = 1e-3;
/** Frames that are reported. */
const REPORTED = 10;

/** Misfits of a chunk of frames by some weights of the model. */
export function misfitsOf(
  machine: Machine,
  argument: { context: FitContext; frames: readonly Frame[]; mean: Float64Array },
): FrameMisfits[] {
  const { context, frames, mean } = argument;
  const program = machine.program(context.basis);
  const weightsOf = frameWeights(context.weights);
  const found: FrameMisfits[] = [];
  for (const frame of frames) {
    program.rows([frame.structure], (_, rows) => {
      found.push(onFrame(frame, () => frameMisfits(frame, rows, context.observation, weightsOf(frame), mean)));
    });
  }
  return found;
}

/** What follows from the factors of a fit. */
export interface Estimate {
  readonly factors: PerKind<FactorState>;
  readonly prior: Prior;
  readonly evidence: EvidenceOptimum;
  readonly posterior: PosteriorState;
}

/** A frame whose labels count less than others. */
export interface DownweightedFrame {
  /** `file:line: structure index` */
  readonly name: string;
  /** What is left of the weight of its energy, of the force that counts least, of its virial; null without such a label. */
  readonly energy: number | null;
  readonly forces: number | null;
  readonly virial: number | null;
  /** Atoms whose force counts less than in full. */
  readonly atoms: number;
}

/** What a robust loss made of the labels. Plain data, stored in the model. */
export interface RobustReport {
  /** Misfit, in robust standard deviations, beyond which a label counts less. */
  readonly threshold: number;
  readonly passes: number;
  readonly converged: boolean;
  /**
   * Robust standard deviation of the misfits: energies and virials eV/√atom (energies eV/atom where the noise grows with N), forces
   * eV/Å; null without such labels.
   */
  readonly scales: PerKind<number | null>;
  /** Share of the labels that count less than in full; forces by atom. */
  readonly downweighted: PerKind<number>;
  /** Frames with the lowest weights, lowest first; at most ten. */
  readonly lowest: readonly DownweightedFrame[];
}

/** A fit whose labels have the weights that follow from its own misfits. */
export interface RobustFit extends Estimate {
  /** The frames with their shares. */
  readonly frames: readonly ObservedFrame[];
  readonly report: RobustReport;
}

function smallest(values: ArrayLike<number>): number {
  return Array.prototype.reduce.call(values, (a, b) => Math.min(a as number, b as number), 1) as number;
}

function reportOf(
  frames: readonly Frame[],
  misfits: readonly FrameMisfits[],
  shares: readonly FrameShares[],
): Pick<RobustReport, 'downweighted' | 'lowest'> {
  const labels = { energy: 0, forces: 0, virial: 0 };
  const less = { energy: 0, forces: 0, virial: 0 };
  const listed: (DownweightedFrame & { least: number })[] = [];
  for (const [f, frame] of frames.entries()) {
    const misfit = misfits[f]!;
    const share = shares[f]!;
    const atoms = share.forces.filter((x) => x < 1).length;
    labels.energy += Number.isNaN(misfit.energy) ? 0 : 1;
    labels.virial += Number.isNaN(misfit.virial) ? 0 : 1;
    labels.forces += misfit.forces.filter((x) => !Number.isNaN(x)).length;
    less.energy += share.energy < 1 ? 1 : 0;
    less.virial += share.virial < 1 ? 1 : 0;
    less.forces += atoms;
    const forces = smallest(share.forces);
    const least = Math.min(share.energy, share.virial, forces);
    if (least < 1) {
      listed.push({
        name: frameName(frame),
        energy: Number.isNaN(misfit.energy) ? null : share.energy,
        forces: misfit.forces.every(Number.isNaN) ? null : forces,
        virial: Number.isNaN(misfit.virial) ? null : share.virial,
        atoms,
        least,
      });
    }
  }
  listed.sort((a, b) => a.least - b.least);
  return {
    downweighted: {
      energy: less.energy / Math.max(1, labels.energy),
      forces: less.forces / Math.max(1, labels.forces),
      virial: less.virial / Math.max(1, labels.virial),
    },
    lowest: listed.slice(0, REPORTED).map(({ least, ...frame }) => frame),
  };
}

/**
 * Fit with Huber's loss by iteratively reweighted Bayesian regression: misfits of the last fit give weights
 * (`huberShares`), weighted rows new factors, those new hyperparameters and a new posterior, until the weights settle.
 * Each pass makes all rows twice. The result does not depend on the number of threads.
 *
 * @param start     the fit in which all labels count in full
 * @param estimate  hyperparameters and posterior of some factors, searched from those of the last estimate
 * @see P. W. Holland, R. E. Welsch, Commun. Stat. A 6, 813 (1977)
 */
export async function reweightedFit(
  pool: TaskPool,
  context: FitContext,
  frames: readonly Frame[],
  threshold: number,
  start: Estimate,
  estimate: (factors: PerKind<FactorState>, last: Estimate) => Promise<Estimate>,
  progress?: (done: number, total: number) => void,
): Promise<RobustFit> {
  const chunks = chunksOf(frames);
  const oneFold = new Int32Array(frames.length);
  let last = start;
  let observed: readonly ObservedFrame[] = frames;
  let shares: FrameShares[] | null = null;
  for (let passes = 0; ; passes++) {
    progress?.(passes, MOST_PASSES);
    const { mean } = last.posterior;
    const misfits = (
      await pool.map(
        'misfits',
        chunks.map((chunk) => ({ context, frames: chunk, mean })),
      )
    ).flat();
    const scales = misfitScales(misfits);
    const now = misfits.map((own) => huberShares(own, scales, threshold));
    const converged: boolean = shares !== null && shareChange(shares, now) < SETTLED;
    if (converged || passes === MOST_PASSES) {
      progress?.(MOST_PASSES, MOST_PASSES);
      // The weights of the fit, not those that would come next, are what is reported.
      const known = (scale: number): number | null => (Number.isNaN(scale) ? null : scale);
      const report = {
        threshold,
        passes,
        converged,
        scales: { energy: known(scales.energy), forces: known(scales.forces), virial: known(scales.virial) },
        ...reportOf(frames, misfits, shares!),
      };
      return { ...last, frames: observed, report };
    }
    shares = now;
    observed = frames.map((frame, f) => ({ ...frame, shares: now[f]! }));
    const [factors] = await firstPass(pool, context, observed, oneFold, 1);
    last = await estimate(unpackFactors(factors!), last);
  }
}
