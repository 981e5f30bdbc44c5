import { backtestRun } from '../backtest/play-task.ts';
import { backtestRows } from '../backtest/rows.ts';
import { candidateRows, energyRows, scaledDescriptors } from '../learning/candidate-rows.ts';
import { assessWalker, dimerScans, exploreWalker, meanDescriptors } from '../learning/walkers.ts';
import { residualsOf } from '../training/calibrate.ts';
import { judgeFoldTask } from '../training/choose-basis.ts';
import { extrapolatingAtoms } from '../training/active-sets.ts';
import { evaluateFrames } from '../training/evaluate.ts';
import { gradeWithFile } from '../training/file-grades.ts';
import { evaluateShare } from '../training/file-potential.ts';
import { predictStructures } from '../training/predict.ts';
import { modelPropertyCard } from '../training/property-card.ts';
import { formErrorsOf, sampleLeverages } from '../training/form-passes.ts';
import { neuralEpochs, neuralFrames, neuralMoments } from '../training/neural-passes.ts';
import { columnScale, factorsOf, leftOutOf } from '../training/passes.ts';
import { misfitsOf } from '../training/robust-fit.ts';
import { misfitSumsOf } from '../training/two-density-fit.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { climbTask } from '../training/evidence-search.ts';
import { Machine } from './machine.ts';

/**
 * The tasks that run on worker threads, by name. Each is a pure function of its argument; the machine only keeps what
 * is costly to prepare, so a result never depends on which thread ran the task or what it ran before.
 */
const TASKS = {
  columnScale,
  factors: factorsOf,
  judgeFold: judgeFoldTask,
  climb: climbTask,
  leftOut: leftOutOf,
  leverages: sampleLeverages,
  formErrors: formErrorsOf,
  misfits: misfitsOf,
  misfitSums: misfitSumsOf,
  extrapolatingAtoms,
  evaluate: evaluateFrames,
  predict: predictStructures,
  residuals: residualsOf,
  explore: exploreWalker,
  assess: assessWalker,
  candidateRows,
  energyRows,
  scaledDescriptors,
  meanDescriptors,
  dimers: dimerScans,
  properties: modelPropertyCard,
  share: evaluateShare,
  fileGrades: gradeWithFile,
  neuralMoments,
  neuralFrames,
  neuralEpochs,
  backtestRows,
  backtestRun,
};

type Registry = typeof TASKS;
/** Names of the tasks. */
export type TaskName = keyof Registry;
/** Argument of a task. */
export type TaskArguments<N extends TaskName> = Parameters<Registry[N]>[1];
/** Result of a task. */
export type TaskResult<N extends TaskName> = ReturnType<Registry[N]>;

/** Runs tasks on one thread. */
export interface TaskRunner {
  readonly kernels: Kernels;
  run<N extends TaskName>(name: N, argument: TaskArguments<N>): TaskResult<N>;
  dispose(): void;
}

/** A runner on kernels of that name, or the fastest. */
export function createTasks(kernel: string | null): TaskRunner {
  const machine = new Machine(kernel);
  return {
    kernels: machine.kernels,
    run: (name, argument) => (TASKS[name] as (machine: Machine, argument: unknown) => never)(machine, argument),
    dispose: () => machine.dispose(),
  };
}
