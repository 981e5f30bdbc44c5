import { columnCount, columnOffsets } from '../../core/dataset/dataset.ts';
import { isIsolatedAtom, referenceEnergies } from '../../core/dataset/reference-energies.ts';
import { groupedFolds } from '../../core/dataset/splits.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import type { AceBasis, AceSpecification } from '../../core/descriptors/ace/basis.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import { InputError } from '../../core/errors.ts';
import { sha256Hex } from '../../core/hash.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { CoreMending } from '../../core/potentials/repulsive-cores.ts';
import { crossValidateBalance } from '../../core/regression/balance.ts';
import { evaluateEvidence, evidenceProblem } from '../../core/regression/evidence.ts';
import type { EvidenceOptimum } from '../../core/regression/maximize-evidence.ts';
import { STARTING_HYPERPARAMETERS } from '../../core/regression/maximize-evidence.ts';
import { noiseAtStrength } from '../../core/regression/noise-at-strength.ts';
import { unpackFactors } from '../../core/regression/packed.ts';
import { fitPosterior } from '../../core/regression/posterior.ts';
import { subsetFactor } from '../../core/regression/subset.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { structureId } from '../../core/structure/identity.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { TaskPool } from '../workers/pool.ts';
import { checkFrames, checkSpecies, labelWarnings } from './check-frames.ts';
import { searchEvidence, sharedFactors } from './evidence-search.ts';
import type { FoldFactors } from './first-pass.ts';
import { firstPass } from './first-pass.ts';
import { mergedFolds } from './merge-tree.ts';
import { candidatesFor, columnsOf, DEFAULT_BUDGET } from './candidates.ts';
import type { BasisChoice } from './choose-basis.ts';
import { chooseBasis } from './choose-basis.ts';
import { chooseCutoff, withCutoff } from './choose-cutoff.ts';
import { priorOfColumns } from './fit-prior.ts';
import { mendCores } from './mend-cores.ts';
import { type MemoryPlan, memoryPlan, requireMemory } from './memory.ts';
import { observationOf } from './observation.ts';
import type { FitContext } from './passes.ts';
import type { Estimate, RobustReport } from './robust-fit.ts';
import { reweightedFit } from './robust-fit.ts';
import { secondPass } from './second-pass.ts';
import type { FitSettings } from './settings.ts';
import type { FitColumns, TwoDensityReport } from './two-density-fit.ts';
import { twoDensityFit } from './two-density-fit.ts';
import { resolveBasis, resolveSpecification } from './specification.ts';
import { trainingFolds } from './training-folds.ts';

/** A stress offset is believed when it gains this much, nats. */
export const OFFSET_GAIN = 15;
/** Phases of a fit, for progress. */
export type FitProgress = (
  phase: 'rows' | 'choice' | 'evidence' | 'reweighting' | 'two densities' | 'leave-one-out',
  done: number,
  total: number,
) => void;

/** A fit: the model and what a person wants to know of it. */
export interface Fit {
  readonly model: LinearModel;
  readonly basis: AceBasis;
  /** Labelled structures in the fit (isolated atoms are not). */
  readonly frames: readonly Frame[];
  /** Every frame with and without itself. */
  readonly leftOut: readonly LeftOut[];
  readonly evidence: EvidenceOptimum;
  /** What was chosen from the data, null when the basis was given. */
  readonly choice: BasisChoice | null;
  /** What came of a second density, null where none was asked for. */
  readonly twoDensities: TwoDensityReport | null;
  /** What a robust loss made of the labels, null where they all count in full. */
  readonly robust: RobustReport | null;
  /** Cores that were made stronger or wider, null where none was. */
  readonly cores: CoreMending | null;
  /** Findings that a person should read: offsets, degeneracies, missing convergence. */
  readonly warnings: readonly string[];
}

/** sha256 over what the fit sees of the frames. */
export function dataHash(frames: readonly Frame[]): string {
  const bytes = (array: Float64Array | null): Uint8Array =>
    array === null ? new Uint8Array(0) : new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return sha256Hex(
    ...frames.flatMap(({ structure, labels, group }) => [
      structureId(structure),
      String(labels.energy),
      bytes(labels.forces),
      bytes(labels.virial),
      group,
      '\n',
    ]),
  );
}

/** Fits a model to labelled frames. The result does not depend on the number of threads. */
export async function fitModel(
  all: readonly Frame[],
  settings: FitSettings,
  pool: TaskPool,
  options: {
    readonly specification?: AceSpecification;
    readonly progress?: FitProgress;
    /** Told what the choice of a basis is going to need, before it is made. */
    readonly onPlan?: (plan: MemoryPlan) => void;
  } = {},
): Promise<Fit> {
  checkFrames(all);
  const frames = all.filter((frame) => !isIsolatedAtom(frame));
  if (frames.length === 0)
    throw new InputError('NO_STRUCTURES', 'data must hold structures of more than one atom, got isolated atoms only');
  const structures = frames.map((frame) => frame.structure);
  let specification = options.specification ?? resolveSpecification(structures, settings);
  const species = specification.elements.map(atomicNumberOf);
  checkSpecies(frames, species);
  const given = Object.fromEntries(
    Object.entries(settings.isolatedAtoms).map(([symbol, e]) => [atomicNumberOf(symbol), e]),
  );
  const reference = referenceEnergies(all, species, given);
  const warnings = labelWarnings(frames);
  if (reference.origin === 'least-squares' && frames.length < all.length)
    warnings.push(
      'reference energies: there are isolated atoms, but not with an energy for every element; they are not used',
    );
  const chosen = choosable(frames, settings, options.specification);
  const cutoffs =
    chosen && settings.cutoff === null ? await chooseCutoff(frames, specification, reference, settings, pool) : null;
  if (cutoffs !== null) specification = withCutoff(specification, cutoffs.cutoff);
  const candidates = chosen
    ? candidatesFor(specification, structures, observationCount(frames), settings.budget ?? DEFAULT_BUDGET)
    : null;
  if (candidates !== null) {
    const plan = memoryPlan(candidates.union.offsets.at(-1)!, pool.threads);
    options.onPlan?.(plan);
    requireMemory(plan);
  }
  // Where a basis is to be chosen, the union of all candidates.
  let basis = candidates?.union ?? resolveBasis(specification, settings);
  let observation = await observationOf(basis, frames, reference, settings, pool);
  let { layout } = observation;
  let scale = observation.mask!.scale;
  // First pass. With cross-validation every fold is accumulated apart.
  const crossValidated = settings.balance === 'cv' || candidates !== null;
  const foldCount = crossValidated ? settings.folds : 1;
  const folds =
    candidates !== null
      ? trainingFolds(frames, foldCount, settings.seed)
      : crossValidated
        ? groupedFolds(frames, foldCount, settings.seed)
        : new Int32Array(frames.length);
  const { kernels } = pool;
  let folded: readonly FoldFactors[] = await firstPass(
    pool,
    { basis, observation, weights: settings.weights, keepEnergies: candidates !== null },
    frames,
    folds,
    foldCount,
    (done, total) => options.progress?.('rows', done, total),
  );
  let factors = unpackFactors(mergedFolds(folded, kernels));
  if (!crossValidated) folded = [];

  let choice: BasisChoice | null = null;
  let balanced: readonly PerKind<FactorState>[] = [];
  if (candidates !== null) {
    options.progress?.('choice', 0, 1);
    const unionLayout = layout;
    choice = await chooseBasis(
      {
        candidates,
        folds: folded,
        total: factors,
        priorOf: (of, own) => priorOfColumns(of, unionLayout, own, settings, unionLayout.stressOffset),
        ratio: settings.ratio,
        scanRatio: settings.balance === 'auto',
      },
      pool,
      kernels,
    );
    choice = { ...choice, cutoffs };
    const columns = columnsOf(candidates.list[choice.best]!.basis, basis, columnCount(layout));
    basis = candidates.list[choice.best]!.basis;
    layout = { ...layout, basis: basis.offsets.at(-1)! };
    scale = Float64Array.from(columns.subarray(0, layout.basis), (column) => scale[column]!);
    observation = { ...observation, layout, mask: { scale } };
    const reduce = (state: PerKind<FactorState>): PerKind<FactorState> => ({
      energy: subsetFactor(state.energy, columns, kernels),
      forces: subsetFactor(state.forces, columns, kernels),
      virial: subsetFactor(state.virial, columns, kernels),
    });
    factors = reduce(factors);
    balanced = settings.balance === 'cv' ? folded.map((fold) => reduce(unpackFactors(fold))) : [];
    folded = [];
    options.progress?.('choice', 1, 1);
  } else if (settings.balance === 'cv') balanced = folded.map(unpackFactors);
  let context: FitContext = { basis, observation, weights: settings.weights };

  options.progress?.('evidence', 0, 1);
  const curve =
    settings.balance === 'cv'
      ? crossValidateBalance(
          balanced,
          priorOfColumns(basis, layout, factors, settings, layout.stressOffset),
          {},
          kernels,
        )
      : null;
  const ratio = curve === null ? (choice?.ratio ?? settings.ratio) : curve.points[curve.best]!.energyToForce;
  const balance =
    settings.balance === 'evidence'
      ? ({ mode: 'evidence' } as const)
      : ({ mode: 'fixed', energyToForce: ratio } as const);
  // A strength of the prior that was chosen is held, and the noises follow; otherwise the evidence finds all of them.
  const held =
    choice !== null && settings.strength === null && balance.mode === 'fixed'
      ? { stiffness: choice.strength, energyToForce: balance.energyToForce }
      : null;
  const estimate = async (
    own: PerKind<FactorState>,
    last?: Estimate,
    of: FitColumns = { basis, layout },
  ): Promise<Estimate> => {
    let prior = priorOfColumns(of.basis, of.layout, own, settings, false);
    const shared = sharedFactors(own);
    const search = (of: Prior, start?: Hyperparameters): Promise<EvidenceOptimum> | EvidenceOptimum =>
      held === null
        ? searchEvidence(pool, shared, of, { balance, ...(start === undefined ? {} : { start }) })
        : noiseAtStrength(own, of, held, (start ?? STARTING_HYPERPARAMETERS).noise, kernels);
    let found = await search(prior, last?.evidence.hyperparameters);
    if (layout.stressOffset && own.virial.count > 0) {
      const free = priorOfColumns(of.basis, of.layout, own, settings, true);
      const { hyperparameters } = found;
      // At hyperparameters that are best without the offset its gain is least; where that is no gain, none is looked for.
      const least =
        evaluateEvidence(evidenceProblem(own, free, kernels), hyperparameters).logEvidence - found.logEvidence;
      if (least > 0) {
        const withOffset = await search(free, hyperparameters);
        if (withOffset.logEvidence - found.logEvidence > OFFSET_GAIN) {
          prior = free;
          found = withOffset;
        }
      }
    }
    if (held === null && settings.strength !== null && settings.strength !== 1) {
      const { alpha, noise } = found.hyperparameters;
      const hyperparameters = { alpha: settings.strength * alpha, noise };
      const there = evaluateEvidence(evidenceProblem(own, prior, kernels), hyperparameters);
      found = { ...found, hyperparameters, logEvidence: there.logEvidence, evidence: there };
    }
    const posterior = fitPosterior(own, prior, found.hyperparameters, kernels);
    return { factors: own, prior, evidence: found, posterior };
  };
  let final = await estimate(factors);
  options.progress?.('evidence', 1, 1);
  let observed: readonly ObservedFrame[] = frames;
  let robust: RobustReport | null = null;
  if (settings.loss === 'huber') {
    const fitted = await reweightedFit(pool, context, frames, settings.huberThreshold, final, estimate, (done, total) =>
      options.progress?.('reweighting', done, total),
    );
    final = fitted;
    observed = fitted.frames;
    robust = fitted.report;
    if (!robust.converged)
      warnings.push(`robust loss: weights have not settled after ${robust.passes} passes; those of the last are used`);
  }
  let twoDensities: TwoDensityReport | null = null;
  if (settings.embedding === 'two-density') {
    const found = await twoDensityFit(pool, context, observed, final, estimate, settings, (done, total) =>
      options.progress?.('two densities', done, total),
    );
    twoDensities = found.report;
    if (found.estimate !== null) {
      final = found.estimate;
      ({ basis, layout, scale } = found);
      observation = { ...observation, layout, mask: { scale } };
      context = { ...context, basis, observation };
    }
  }
  const { evidence, posterior } = final;
  factors = final.factors;

  const atoms = structures.reduce((sum, structure) => sum + atomCount(structure), 0);
  const { leftOut, uncertainty, activeSets } = await secondPass(
    pool,
    context,
    observed,
    posterior,
    settings,
    (done, total) => options.progress?.('leave-one-out', done, total),
  );

  // Last, since nothing above depends on it. A basis that is given stays as it is.
  const mended =
    settings.mendCores && options.specification === undefined
      ? mendCores(basis, posterior.mean.subarray(0, layout.basis), structures, settings, pool.kernels)
      : null;
  if (mended !== null) basis = mended.basis;

  const stressOffset = layout.stressOffset ? posterior.mean[columnOffsets(layout).stressOffset]! : 0;
  const groups: Record<string, number> = {};
  for (const frame of frames) groups[frame.group] = (groups[frame.group] ?? 0) + 1;
  if (!frames.some((frame) => frame.labels.energy !== null))
    warnings.push('reference energies: no structure has an energy, so energies are counted from an arbitrary zero');
  else if (reference.degenerate && species.length > 1)
    warnings.push(
      'reference energies: there are fewer independent compositions than elements, so the split among elements is arbitrary (minimum norm)',
    );
  if (!evidence.converged)
    warnings.push(
      'evidence: no start reached an optimum that one more step would not improve; treat the noise estimates with care',
    );
  const model: LinearModel = {
    specification: basis.specification,
    basisId: basis.id,
    ...(basis.second === undefined ? {} : { embedding: 'two-density' as const }),
    layout,
    reference,
    energyNoise: settings.energyNoise,
    posterior,
    forceColumnScale: scale,
    uncertainty,
    activeSets,
    training: {
      structures: frames.length,
      atoms,
      rows: Object.fromEntries(
        OBSERVATION_KINDS.map((kind) => [kind, factors[kind].count]),
      ) as unknown as PerKind<number>,
      dataHash: dataHash(all),
      groups,
      logEvidence: evidence.logEvidence,
      evidenceConverged: evidence.converged,
      balance: {
        mode: settings.balance !== 'auto' ? settings.balance : choice === null ? 'fixed' : 'cv',
        ratio: evidence.hyperparameters.noise.energy / evidence.hyperparameters.noise.forces,
        curve: (
          curve?.points.map(({ energyToForce, rmse }) => ({ ratio: energyToForce, rmse })) ??
          choice?.balances ??
          []
        ).map(({ ratio: r, rmse }) => ({ ratio: r, energy: rmse.energy, forces: rmse.forces })),
      },
      stressOffset: Math.abs(stressOffset) < 1e-9 ? 0 : stressOffset,
      ...(mended === null ? {} : { cores: mended.mending }),
      settings: {
        ...settings,
        ...(choice === null ? {} : { chosen: choice }),
        ...(robust === null ? {} : { robust }),
        ...(twoDensities === null ? {} : { twoDensities }),
      },
    },
  };
  const cores = mended?.mending ?? null;
  return { model, basis, frames, leftOut, evidence, choice, robust, twoDensities, cores, warnings };
}

function observationCount(frames: readonly Frame[]): number {
  return frames.reduce((sum, { labels }) => sum + (labels.energy === null ? 0 : 1) + (labels.forces?.length ?? 0), 0);
}

/** Whether a basis is to be chosen and can be: folds need energies and forces in each of them. */
function choosable(frames: readonly Frame[], settings: FitSettings, given: AceSpecification | undefined): boolean {
  if (settings.preset !== 'auto' || settings.nmax !== null || given !== undefined) return false;
  return (
    frames.filter(({ labels }) => labels.energy !== null).length >= 2 * settings.folds &&
    frames.filter(({ labels }) => labels.forces !== null).length >= 2 * settings.folds
  );
}
