import type { ColumnLayout } from '../../core/dataset/dataset.ts';
import type { MisfitSums } from '../../core/dataset/misfit-sums.ts';
import { addMisfits, misfitSums, NO_MISFITS } from '../../core/dataset/misfit-sums.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import { groupedFolds } from '../../core/dataset/splits.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { basisColumns, withSecondDensity } from '../../core/descriptors/ace/two-density.ts';
import { InputError, NumericalError } from '../../core/errors.ts';
import { dampedStep } from '../../core/regression/damped-step.ts';
import { unpackFactors } from '../../core/regression/packed.ts';
import { fitPosterior } from '../../core/regression/posterior.ts';
import { priorPrecision } from '../../core/regression/prior.ts';
import type { FactorState, PerKind } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { chunksOf } from './chunks.ts';
import { firstPass } from './first-pass.ts';
import type { FitContext } from './passes.ts';
import type { Estimate } from './robust-fit.ts';

/** Passes over the data at most, before and after all frames are taken in. */
const MOST_PASSES = 20;
const LAST_PASSES = 2;
/** Passes without a better held-out loss that end the training, and how much better it must be. */
const PATIENCE = 3;
const BETTER = 0.002;
/** Two densities are taken when they lower the held-out loss by this share. */
const WORTH = 0.01;
/** Damping of the first step, its factor from trial to trial, and its bounds. */
const DAMPING = { first: 1e-2, factor: 10, least: 1e-8, most: 1e8 };
/** Hyperparameters are searched anew every so many passes. */
const RENEWED = 5;
/** Shortest share of a step that is tried. */
const SHORTEST = 1 / 8;
/** Ridge relative to the diagonal where the first density is solved for alone. */
const RIDGE = 1e-10;
/** Structures that set the scale of the second density. */
const SCALE_SAMPLE = 16;

/** Misfits of a chunk of frames by some weights of the model, [columns]. */
export function misfitSumsOf(
  machine: Machine,
  argument: { context: FitContext; frames: readonly ObservedFrame[]; mean: Float64Array },
): MisfitSums {
  const { context, frames, mean } = argument;
  const program = machine.program(context.basis);
  const weightsOf = frameWeights(context.weights);
  const evaluated = program.evaluate(
    frames.map(({ structure }) => structure),
    mean.slice(0, program.size),
  );
  return frames
    .map((frame, f) => misfitSums(frame, evaluated[f]!, context.observation, weightsOf(frame), mean))
    .reduce(addMisfits, NO_MISFITS);
}

/** Columns of a fit: its basis and what else is fitted. */
export interface FitColumns {
  readonly basis: AceBasis;
  readonly layout: ColumnLayout;
}

/** Errors on held-out frames. */
export interface HeldOut {
  /** √(Σ r_F² + Σ r_E²/ratio²) per force component, eV/Å. */
  readonly loss: number;
  /** Root mean square errors: eV/√atom (eV/atom where the noise grows with N), eV/Å. */
  readonly energy: number;
  readonly forces: number;
}

/** What came of a second density. Plain data, stored in the model. */
export interface TwoDensityReport {
  readonly accepted: boolean;
  /** Frames fitted and held out while the passes were counted. */
  readonly frames: { readonly fitted: number; readonly heldOut: number };
  readonly linear: HeldOut;
  /** The best of the passes. */
  readonly best: HeldOut;
  /** Held-out loss after each pass, and the damping of its step. */
  readonly passes: readonly { readonly loss: number; readonly damping: number }[];
}

/** A fit of two densities. */
export interface TwoDensityFit extends FitColumns {
  readonly report: TwoDensityReport;
  /** At the last weights: their factors and posterior, its mean the weights themselves; null unless accepted. */
  readonly estimate: Estimate | null;
  /** [columns of the basis] column scale of force rows. */
  readonly scale: Float64Array;
}

/** Hyperparameters and posterior of the factors of some columns. */
export type Estimator = (
  factors: PerKind<FactorState>,
  last: Estimate | undefined,
  of: FitColumns,
) => Promise<Estimate>;

/** What the passes work on. */
class Training {
  private readonly pool: TaskPool;
  private readonly linear: FitContext;
  private readonly estimator: Estimator;
  /** Columns of the first density and of the second; nuisance columns follow. */
  private readonly d: number;

  constructor(pool: TaskPool, linear: FitContext, estimator: Estimator) {
    this.pool = pool;
    this.linear = linear;
    this.estimator = estimator;
    this.d = basisColumns(linear.basis);
  }

  /** The columns linearised at some weights [2d + nuisance]. */
  contextAt(weights: Float64Array): FitContext {
    const { basis, observation } = this.linear;
    const second = weights.slice(this.d, 2 * this.d);
    const layout = { ...observation.layout, basis: 2 * this.d };
    // Components fixed by symmetry are those of the first density, whose rows are the same; √½, since the norm of a row is
    // compared with the number of columns, which is twice as large.
    const scale = observation.mask?.scale;
    const mask = scale === undefined ? null : { scale: new Float64Array(2 * this.d) };
    scale?.forEach((s, v) => {
      mask!.scale[v] = Math.SQRT1_2 * s;
    });
    return {
      ...this.linear,
      basis: withSecondDensity(basis, second),
      observation: { ...observation, layout, mask },
    };
  }

  /** Misfits of frames. */
  async misfits(context: FitContext, frames: readonly ObservedFrame[], mean: Float64Array): Promise<MisfitSums> {
    const parts = await this.pool.map(
      'misfitSums',
      chunksOf(frames).map((chunk) => ({ context, frames: chunk, mean })),
    );
    return parts.reduce(addMisfits, NO_MISFITS);
  }

  /** The estimate of the linearised problem at some weights, with hyperparameters of its own or those of the last. */
  async estimateAt(
    context: FitContext,
    frames: readonly ObservedFrame[],
    last: Estimate | undefined,
    renewed: boolean,
  ): Promise<Estimate> {
    const [factors] = await firstPass(this.pool, context, frames, new Int32Array(frames.length), 1);
    const own = unpackFactors(factors!);
    if (!renewed && last !== undefined) {
      const { prior } = last;
      const posterior = fitPosterior(own, prior, last.posterior.hyperparameters, this.pool.kernels);
      return { ...last, factors: own, posterior };
    }
    return this.estimator(own, last, { basis: context.basis, layout: context.observation.layout });
  }

  /** Weights of the fit of one density, as those of two: the second is a pair density of mean 1 that decays smoothly. */
  start(mean: Float64Array, frames: readonly ObservedFrame[]): Float64Array {
    const { d } = this;
    const { basis } = this.linear;
    const { species } = this.linear.observation.layout;
    const second = new Float64Array(d);
    const program = this.pool.kernels.prepare(basis);
    const stride = Math.max(1, Math.floor(frames.length / SCALE_SAMPLE));
    const sample = frames.filter((_, f) => f % stride === 0).map(({ structure }) => structure);
    const rows = program.descriptors(sample);
    program.dispose();
    for (const [mu, functions] of basis.functions.entries()) {
      const pairs = functions.flatMap((fn, v) => (fn.order === 1 && fn.ns[0] === 1 ? [v] : []));
      let sum = 0;
      let atoms = 0;
      for (const [s, structure] of sample.entries()) {
        const block = rows[s]!.length / structure.species.length;
        structure.species.forEach((z, i) => {
          if (z !== species[mu]) return;
          atoms++;
          for (const v of pairs) sum += rows[s]![i * block + v]!;
        });
      }
      for (const v of pairs) second[basis.offsets[mu]! + v] = sum === 0 ? 0 : atoms / sum;
    }
    return Float64Array.of(...mean.subarray(0, d), ...second, ...mean.subarray(d));
  }

  /** A damped step, damped more where rounding leaves the curvature no Cholesky factor. */
  private step(curvature: Float64Array, towards: Float64Array, damping: number, free: Int32Array | null): Float64Array {
    for (let lambda = damping; ; lambda *= 100) {
      try {
        return dampedStep(curvature, towards, lambda, free, this.pool.kernels);
      } catch (error) {
        if (!(error instanceof NumericalError) || lambda >= 1) throw error;
      }
    }
  }

  /**
   * One pass of damped Gauss–Newton: rows at the weights; the first density anew for the second as it is, which is
   * exact; then Marquardt's step with the damping that lowers the objective, Σ r²/σ² + prior, most. The objective is that
   * of the potential itself, energies included: whole steps overshoot in them.
   */
  async pass(
    weights: Float64Array,
    frames: readonly ObservedFrame[],
    last: Estimate | undefined,
    damping: number,
    renewed: boolean,
  ): Promise<{ weights: Float64Array; estimate: Estimate; damping: number; stuck: boolean }> {
    const { d, pool } = this;
    const context = this.contextAt(weights);
    const estimate = await this.estimateAt(context, frames, last, renewed);
    const { posterior, prior } = estimate;
    const { alpha, noise } = posterior.hyperparameters;
    const precision = priorPrecision(prior, alpha);
    const objective = async (at: Float64Array): Promise<number> => {
      const { squares, counts } = await this.misfits(context, frames, at);
      let sum = at.reduce((total, w, v) => total + precision[v]! * w * w, 0);
      for (const kind of OBSERVATION_KINDS) if (counts[kind] > 0) sum += squares[kind] / (noise[kind] * noise[kind]);
      return sum;
    };
    const curvature = pool.kernels.gramUpper(posterior.r, weights.length);
    const towards = (from: Float64Array): Float64Array => posterior.mean.map((w, v) => w - from[v]!);
    const outside = Int32Array.from({ length: weights.length - d }, (_, k) => (k < d ? k : k + d));
    const first = this.step(curvature, towards(weights), RIDGE, outside);
    const from = weights.map((w, v) => w + first[v]!);
    const rest = towards(from);
    let best = { weights: from, value: await objective(from), damping: Number.NaN };
    const tryOut = async (lambda: number): Promise<boolean> => {
      const step = this.step(curvature, rest, lambda, null);
      let better = false;
      for (let share = 1; share >= SHORTEST; share /= 2) {
        const trial = from.map((w, v) => w + share * step[v]!);
        const value = await objective(trial);
        if (value < best.value) {
          best = { weights: trial, value, damping: lambda };
          better = true;
        } else if (better) break;
      }
      return better;
    };
    // From where the last pass ended: less damping while that helps, otherwise more until something does.
    let lambda = damping;
    if (await tryOut(lambda)) {
      while (lambda > DAMPING.least && (await tryOut(lambda / DAMPING.factor))) lambda /= DAMPING.factor;
    } else {
      do lambda *= DAMPING.factor;
      while (lambda < DAMPING.most && !(await tryOut(lambda)));
    }
    const stuck = Number.isNaN(best.damping);
    return { weights: best.weights, estimate, damping: stuck ? damping : best.damping, stuck };
  }
}

function heldOutOf({ squares, counts }: MisfitSums, ratio: number): HeldOut {
  return {
    loss: Math.sqrt((squares.forces + squares.energy / (ratio * ratio)) / Math.max(1, counts.forces)),
    energy: Math.sqrt(squares.energy / counts.energy),
    forces: Math.sqrt(squares.forces / counts.forces),
  };
}

/**
 * Fits E_i = ρ₁ + F(ρ₂) to frames from the fit of one density. One fold is held out while passes are counted: they end
 * when its loss no longer falls, and two densities are taken only when it falls by 1 % below that of one density fitted
 * to the same frames. Then all frames are taken in for two more passes, and the posterior is that of the rows at the last
 * weights. The result does not depend on the number of threads.
 *
 * @param context   of the fit of one density
 * @param linear    its estimate from all frames
 * @param options   folds and seed of the fold that is held out
 * @throws          InputError `TOO_FEW_STRUCTURES`
 */
export async function twoDensityFit(
  pool: TaskPool,
  context: FitContext,
  frames: readonly ObservedFrame[],
  linear: Estimate,
  estimator: Estimator,
  options: { readonly folds: number; readonly seed: number },
  progress?: (done: number, total: number) => void,
): Promise<TwoDensityFit> {
  if (frames.length < 2 * options.folds)
    throw new InputError(
      'TOO_FEW_STRUCTURES',
      `structures for two densities must be at least ${2 * options.folds}, a part of which is held out, got ${frames.length}`,
    );
  const training = new Training(pool, context, estimator);
  const total = MOST_PASSES + LAST_PASSES + 2;
  progress?.(0, total);
  const folds = groupedFolds(frames, options.folds, options.seed);
  const fitted = frames.filter((_, f) => folds[f] !== 0);
  const heldOut = frames.filter((_, f) => folds[f] === 0);
  const { noise } = linear.posterior.hyperparameters;
  const ratio = noise.energy / noise.forces;
  const judged = async (at: FitContext, mean: Float64Array): Promise<HeldOut> =>
    heldOutOf(await training.misfits(at, heldOut, mean), ratio);

  const part = await training.estimateAt(context, fitted, linear, true);
  const reference = await judged(context, part.posterior.mean);
  progress?.(1, total);
  let weights = training.start(part.posterior.mean, fitted);
  let last: Estimate | undefined;
  let damping = DAMPING.first;
  let best = { held: { loss: Number.POSITIVE_INFINITY, energy: Number.NaN, forces: Number.NaN }, weights, pass: 0 };
  const passes: { loss: number; damping: number }[] = [];
  for (let p = 1; p <= MOST_PASSES; p++) {
    const found = await training.pass(weights, fitted, last, damping, p % RENEWED === 1);
    ({ weights, damping, estimate: last } = found);
    const held = await judged(training.contextAt(weights), weights);
    passes.push({ loss: held.loss, damping });
    progress?.(1 + p, total);
    if (held.loss < (1 - BETTER) * best.held.loss) best = { held, weights, pass: p };
    if (found.stuck || p - best.pass >= PATIENCE) break;
  }
  const accepted = best.held.loss < (1 - WORTH) * reference.loss;
  const report: TwoDensityReport = {
    accepted,
    frames: { fitted: fitted.length, heldOut: heldOut.length },
    linear: reference,
    best: best.held,
    passes,
  };
  if (!accepted) {
    progress?.(total, total);
    const scale = context.observation.mask?.scale ?? new Float64Array(0);
    return { report, estimate: null, basis: context.basis, layout: context.observation.layout, scale };
  }
  weights = best.weights;
  for (let p = 1; p <= LAST_PASSES; p++) {
    const found = await training.pass(weights, frames, last, damping, false);
    ({ weights, damping, estimate: last } = found);
    progress?.(1 + MOST_PASSES + p, total);
  }
  const at = training.contextAt(weights);
  const there = await training.estimateAt(at, frames, last, true);
  progress?.(total, total);
  return {
    report,
    basis: at.basis,
    layout: at.observation.layout,
    estimate: { ...there, posterior: { ...there.posterior, mean: weights } },
    scale: at.observation.mask!.scale,
  };
}
