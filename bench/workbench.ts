/** What every subject needs: kernels of each variant, yardsticks opened once, contests held and told of. */
import type { Kernels } from '../src/kernels/kernels.ts';
import { KERNEL_VARIANTS } from '../src/kernels/load.ts';
import { nodeKernels } from '../src/node/kernels.ts';
import {
  type Contender,
  type Contest,
  type ContestOptions,
  type ContestPlan,
  contender,
  holdContest,
} from './contest.ts';
import { type MlPace, openMlPace } from './yardsticks/ml-pace.ts';
import { type OpenBlas, openOpenBlas } from './yardsticks/openblas.ts';
import { openProbe, type Probe } from './yardsticks/probe.ts';

/** A figure that is no quotient: size against time and memory. */
export interface ScalingPoint {
  readonly size: number;
  /** µs per atom or structure. */
  readonly microseconds: number;
  /** Largest resident memory of the process, MB. */
  readonly peakMegabytes: number;
}

/** A series of sizes. */
export interface Scaling {
  readonly subject: string;
  readonly title: string;
  /** What is counted, `atoms` or `structures`. */
  readonly sizeUnit: string;
  readonly points: readonly ScalingPoint[];
}

/** Where results go as they come. */
export interface Reporter {
  contest(contest: Contest): void;
  scaling(scaling: Scaling): void;
  /** A remark: what is being done, what is left out and why. */
  note(text: string): void;
}

/** Tools of the subjects. */
export interface Workbench {
  readonly options: ContestOptions;
  /** Kernels of every variant that runs here, fastest first. */
  readonly kernels: readonly Kernels[];
  readonly probes: readonly Probe[];
  /** ML-PACE, or null after a note that says why. */
  mlPace(): Promise<MlPace | null>;
  openBlas(): Promise<OpenBlas | null>;
  hold(plan: ContestPlan): Promise<Contest>;
  readonly reporter: Reporter;
  dispose(): void;
}

function variants(): Kernels[] {
  return KERNEL_VARIANTS.flatMap((name) => {
    try {
      return [nodeKernels(name)];
    } catch {
      return [];
    }
  });
}

/** Opens something once; null after a note where it is not to be had. */
function once<T extends object>(
  name: string,
  open: () => Promise<T | { readonly reason: string }>,
  note: (text: string) => void,
): () => Promise<T | null> {
  let opened: Promise<T | null> | null = null;
  return () => {
    opened ??= open().then((result) => {
      if (!('reason' in result)) return result;
      note(`${name} is left out: ${result.reason}`);
      return null;
    });
    return opened;
  };
}

/** Lays out the tools. */
export function openWorkbench(options: ContestOptions, reporter: Reporter): Workbench {
  const kernels = variants();
  let pace: MlPace | null = null;
  const mlPace = once('ML-PACE', openMlPace, reporter.note);
  return {
    options,
    kernels,
    probes: openProbe(),
    async mlPace() {
      if (pace === null) {
        pace = await mlPace();
        if (pace !== null) reporter.note(`ML-PACE (python-ace 0.4.0rc1) runs ${pace.how}`);
      }
      return pace;
    },
    openBlas: once('OpenBLAS', openOpenBlas, reporter.note),
    async hold(plan) {
      const contest = await holdContest(plan, options);
      reporter.contest(contest);
      return contest;
    },
    reporter,
    dispose() {
      pace?.dispose();
      for (const variant of kernels) variant.dispose();
    },
  };
}

/** The same work by every variant of the kernels, as contenders named like the variants. */
export function byVariant(bench: Workbench, units: number, workOf: (kernels: Kernels) => () => unknown): Contender[] {
  return bench.kernels.map((kernels) => contender(kernels.name, units, workOf(kernels)));
}
