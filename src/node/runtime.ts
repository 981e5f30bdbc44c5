import { EnvironmentError } from '../core/errors.ts';
import type { Compute, Labeller } from '../loop/ports.ts';
import type { RunFile } from '../protocol/run-file.ts';
import { LearningCompute } from './learning/compute.ts';
import { startingStructures } from './learning/structures.ts';
import { nodeKernels } from './kernels.ts';
import { createReference, gatesOf } from './labeller-reference.ts';
import { createLabeller } from './labeller.ts';
import { allowedThreads, createPool } from './workers/pool.ts';

/** What a run computes with on this machine. */
export interface Runtime {
  readonly compute: Compute;
  readonly labeller: Labeller;
  /** Variant of the kernels in use. */
  readonly kernel: string;
  dispose(): Promise<void>;
}

/** Stands for the labeller of a manual reference, which never has to compute. */
const MANUAL_LABELLER: Labeller = {
  concurrency: 1,
  label: () =>
    Promise.reject(
      new EnvironmentError('MANUAL_REFERENCE', 'labels of a manual reference must be imported, not computed'),
    ),
  adopt: () => Promise.resolve(null),
  dispose: () => Promise.resolve(),
};

/**
 * Kernels, workers, reference and compute of a run.
 *
 * @param options.directory run directory: attempts of the reference go to `labels/` under it
 * @param options.base      folder that relative paths of the run file start from
 * @param options.kernel    variant that the run began with; null: the fastest here
 */
export async function createRuntime(options: {
  readonly runFile: RunFile;
  readonly directory: string;
  readonly base?: string;
  readonly kernel: string | null;
}): Promise<Runtime> {
  const { runFile, directory, base = directory } = options;
  const { execution } = runFile;
  const structures = await startingStructures(runFile, base);
  const reference = await createReference(runFile.reference, base);
  const kernels = nodeKernels(options.kernel);
  const kernel = kernels.name;
  kernels.dispose();
  const pool = createPool(execution.workers ?? allowedThreads(), kernel);
  const compute = new LearningCompute(runFile, structures, pool);
  const labeller =
    reference.kind === 'manual'
      ? MANUAL_LABELLER
      : createLabeller({
          reference,
          directory,
          concurrency: execution.concurrency,
          timeout: execution.timeout,
          threads: execution.threads,
          gates: gatesOf(runFile.reference.gates, compute.hardGate()),
        });
  return {
    compute,
    labeller,
    kernel,
    async dispose() {
      await labeller.dispose();
      await compute.dispose();
    },
  };
}
