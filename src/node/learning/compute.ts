import { filterCandidates } from '../../core/acquisition/filter.ts';
import { selectFromPool } from '../../core/acquisition/select.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import { distanceGates } from '../../core/potentials/linear-model.ts';
import { coldStartBatch, coldStartPool } from '../../core/sampling/cold-start.ts';
import { assessmentPlans, explorationPlans } from '../../core/sampling/plans.ts';
import { structureId } from '../../core/structure/identity.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import type {
  Candidate,
  Compute,
  ExplorationOutcome,
  FitOutcome,
  FrameAssessment,
  SelectionOutcome,
} from '../../loop/ports.ts';
import type { RunFile } from '../../protocol/run-file.ts';
import { evaluateModel } from '../training/evaluate.ts';
import { fitModel } from '../training/fit.ts';
import { openModel } from '../training/open-model.ts';
import { resolveBasis, resolveSpecification } from '../training/specification.ts';
import type { TaskPool } from '../workers/pool.ts';
import { openCandidatePool } from './candidate-pool.ts';
import { walkerLimits } from './walkers.ts';
import { explorationConditions, fitSettings, startConditions, targetConditions } from './settings.ts';

/** Rattled copies in the pool of a cold start for each one that is chosen. */
const POOL_FACTOR = 4;

/**
 * The heavy steps of a run. The basis is fixed by the run file and its structures before the first fit: the inner cutoff
 * is the hard distance gate, and no later label may move it.
 */
export class LearningCompute implements Compute {
  private readonly runFile: RunFile;
  private readonly structures: readonly Structure[];
  private readonly pool: TaskPool;
  private readonly basis: AceBasis;

  constructor(runFile: RunFile, structures: readonly Structure[], pool: TaskPool) {
    this.runFile = runFile;
    this.structures = structures;
    this.pool = pool;
    const settings = fitSettings(runFile);
    this.basis = resolveBasis(resolveSpecification(structures, settings), settings);
  }

  /** Smallest hard distance gate of the basis, Å: nothing closer is ever labelled. */
  hardGate(): number {
    return Math.min(...distanceGates(this.basis.specification).flat());
  }

  async coldStart(count: number): Promise<readonly Candidate[]> {
    if (count === 0) return [];
    const { start, seed } = this.runFile;
    const { specification } = this.basis;
    const gates = distanceGates(specification);
    const species = specification.elements.map(atomicNumberOf);
    const short = Math.min(start.shortDistance, count);
    const make = (rattled: number, shortDistance: number): Candidate[] =>
      coldStartPool(
        this.structures,
        startConditions(this.runFile),
        {
          gate: (a, b) => gates[species.indexOf(a)]![species.indexOf(b)]!,
          rattled,
          rattle: start.rattle,
          shortDistance,
          starts: false,
        },
        seed,
      );
    const per = (n: number): number => Math.ceil(n / this.structures.length);
    const pool = make(per(POOL_FACTOR * (count - short)), 0);
    const features = await this.descriptors(pool.map((candidate) => candidate.structure));
    const chosen = coldStartBatch(pool, Math.min(count - short, pool.length), () => features);
    return [...chosen, ...make(0, per(short)).slice(0, short)];
  }

  async fit(training: readonly Frame[], _round: number): Promise<FitOutcome> {
    const fit = await fitModel(training, fitSettings(this.runFile), this.pool, {
      specification: this.basis.specification,
    });
    const { model } = fit;
    const { limits, leaveOneOut } = model.uncertainty;
    const bytes = writeModel(model, fit.basis);
    const dimers = await this.pool.run('dimers', { model: openModel(bytes) });
    return {
      model: bytes,
      summary: {
        functions: model.layout.basis,
        structures: model.training.structures,
        logEvidence: model.training.logEvidence,
        evidenceConverged: model.training.evidenceConverged,
        noiseForces: model.posterior.hyperparameters.noise.forces,
        leaveOneOutEnergy: leaveOneOut.energy,
        leaveOneOutForces: leaveOneOut.forces,
        selectAbove: limits.forceSigmaSelect,
        breakAbove: walkerLimits(limits).forceSigmaBreak,
        dimersTrusted: dimers.filter(({ trusted }) => trusted !== null).length,
        dimerGateBroken: dimers.every(({ gateBroken }) => gateBroken),
      },
    };
  }

  async explore(model: Uint8Array, round: number, _training: readonly Frame[]): Promise<ExplorationOutcome> {
    const { exploration, reference, seed } = this.runFile;
    const { walkers, steps, timeStep, trustInterval, bufferInterval, afterBreak } = exploration;
    const plans = explorationPlans(this.structures, explorationConditions(this.runFile), walkers, round, seed, {
      steps,
      timeStep,
    });
    const maxForce = reference.gates.maximumForce;
    const options = { trustInterval, maxCandidateForce: maxForce, guard: { afterBreak, bufferInterval, maxForce } };
    const handle = openModel(model);
    const results = await this.pool.map(
      'explore',
      plans.map((plan) => ({ model: handle, plan, seed, options })),
    );
    return {
      candidates: results.flatMap((result) => result.candidates),
      walkers: results.map((result) => result.report),
      decisions: results.flatMap((result, walker) => result.decisions.map((decision) => ({ walker, ...decision }))),
    };
  }

  async assess(model: Uint8Array, round: number, count: number): Promise<readonly Candidate[]> {
    const { assessment, seed } = this.runFile;
    const length = { steps: assessment.steps, timeStep: assessment.timeStep };
    const plans = assessmentPlans(this.structures, targetConditions(this.runFile), count, round, seed, length);
    const handle = openModel(model);
    const results = await this.pool.map(
      'assess',
      plans.map((plan) => ({ model: handle, plan, seed })),
    );
    return results.map((result) => result.candidate);
  }

  async select(
    model: Uint8Array,
    candidates: readonly Candidate[],
    batch: number,
    round: number,
    training: readonly Frame[],
  ): Promise<SelectionOutcome> {
    const { acquisition, exploration, seed } = this.runFile;
    const none = { selected: [], certificate: null, poolSize: candidates.length };
    if (batch === 0 || candidates.length === 0) return none;
    const labelled = new Set(training.map((frame) => structureId(frame.structure)));
    const fresh = candidates.filter((candidate) => !labelled.has(candidate.id));
    const descriptors = await this.descriptors([
      ...fresh.map((candidate) => candidate.structure),
      ...training.map((frame) => frame.structure),
    ]);
    const row = (index: number): Float64Array =>
      descriptors.rows.subarray(index * descriptors.columns, (index + 1) * descriptors.columns);
    const { kept } = filterCandidates(
      fresh.map(({ id, origin: { walker, step } }, index) => ({ id, walker, step, descriptor: row(index) })),
      { minimumSpacing: Math.ceil((acquisition.minimumSpacing ?? 0) / exploration.timeStep) },
      training.map((_, index) => row(fresh.length + index)),
    );
    if (kept.length === 0) return none;
    const competing = kept.map((index) => fresh[index]!);
    const opened = readModel(model, 'the model of this run').model;
    const structures = training.map((frame) => frame.structure);
    const entered = await openCandidatePool(openModel(model), opened, competing, { structures }, this.pool);
    const selection = selectFromPool(acquisition.strategy, entered, batch, {
      minNatsPerAtom: acquisition.minNats,
      kernels: this.pool.kernels,
      seed,
      round,
    });
    return {
      selected: selection.selected.map(({ id, gain, reason }) => ({ id, gain, reason })),
      certificate: selection.certificate,
      poolSize: candidates.length,
    };
  }

  async evaluate(model: Uint8Array, frames: readonly Frame[]): Promise<readonly FrameAssessment[]> {
    const evaluated = await evaluateModel(openModel(model), frames, this.pool);
    return evaluated.map((frame, index) => ({
      id: structureId(frames[index]!.structure),
      atoms: frame.atoms,
      energyError: frame.energyError,
      energySigma: frame.energySigma,
      forceErrors: Array.from(frame.forceErrors),
      forceSigmas: Array.from(frame.forceSigmas),
    }));
  }

  dispose(): Promise<void> {
    return this.pool.dispose();
  }

  private async descriptors(
    structures: readonly Structure[],
  ): Promise<{ rows: Float64Array; count: number; columns: number }> {
    const rows = await this.pool.run('meanDescriptors', { basis: this.basis, structures });
    return { rows, count: structures.length, columns: rows.length / structures.length };
  }
}
