import { RandomStream } from '../random.ts';
import { type CalibrationReport, reportCalibration } from './calibration.ts';
import type { AssessmentFrame, ErrorSummary } from './errors.ts';
import { energyErrorsPerAtom, pooledEnergies, pooledForces, summarizeErrors } from './errors.ts';
import { type NoiseFloor, noiseFloor } from './noise-floor.ts';
import { type FrameParts, type PartsSummary, summarizeParts } from './parts.ts';
import { atomForceErrors, LARGE_FORCE_ERRORS, type Ranking, reportRanking } from './ranking.ts';

/** Everything a table needs of one labelled structure that a model has predicted. */
export interface EvaluatedFrame extends AssessmentFrame {
  readonly group: string;
  /** [n] chemical symbol of each atom. */
  readonly symbols: readonly string[];
  /** [6] stress errors, eV/Å³; null without such labels or without a volume. */
  readonly stressErrors: Float64Array | null;
  /** [6] predictive standard deviations of the stress, eV/Å³; null when unknown. */
  readonly stressSigmas: Float64Array | null;
  /** What its intervals are made of; absent where the model does not say. */
  readonly parts?: FrameParts;
}

/** Mean absolute and root mean square error. */
export interface Errors {
  readonly mae: number;
  readonly rmse: number;
}

/** Calibration of one quantity, each figure beside what chance alone would show. */
export interface Calibration extends Omit<CalibrationReport, 'coverage90' | 'coverage95'> {
  /** Share of single values inside their 90 % and 95 % intervals, and the Clopper–Pearson interval of the latter. */
  readonly coverage90: number;
  readonly coverage95: number;
  readonly coverage95Interval: readonly [number, number];
  readonly floor: NoiseFloor;
}

/** Errors and calibration over some structures. Energies eV/atom, forces eV/Å per component, stress eV/Å³. */
export interface EvaluationSummary {
  readonly n: { readonly structures: number; readonly atoms: number };
  readonly energy: Errors | null;
  readonly forces: Errors | null;
  readonly stress: Errors | null;
  readonly calibration: {
    readonly energy: Calibration | null;
    /**
     * `coverage95Structure`: share of structures whose every component lies inside the conformal interval; `ranking`: how
     * well the bars of atoms rank |ΔF|.
     */
    readonly forces: (Calibration & { readonly coverage95Structure: number; readonly ranking: Ranking }) | null;
    readonly stress: Calibration | null;
  };
  /** What the intervals are made of, root mean square; null where the model does not say. */
  readonly parts: PartsSummary | null;
  /** Largest |error|/sigma. */
  readonly worstResidual: { readonly energy: number; readonly forces: number; readonly stress: number };
}

const errorsOf = ({ count, mae, rmse }: ErrorSummary): Errors | null => (count === 0 ? null : { mae, rmse });

/** Calibration of one quantity, or null when nothing has both an error and a sigma. @param owners structure of each */
function calibrationOf(errors: Float64Array, sigmas: Float64Array, owners: Int32Array): Calibration | null {
  if (!errors.some((error, i) => !Number.isNaN(error) && !Number.isNaN(sigmas[i]!))) return null;
  const { coverage90, coverage95, ...report } = reportCalibration(errors, sigmas);
  const judged = sigmas.map((sigma, i) => (Number.isNaN(errors[i]!) ? Number.NaN : sigma));
  return {
    ...report,
    coverage90: coverage90.observed,
    coverage95: coverage95.observed,
    coverage95Interval: coverage95.interval,
    floor: noiseFloor(judged, owners),
  };
}

/**
 * Share of structures all of whose components lie within `multiplier` sigmas. Components without an error or a sigma do
 * not count, nor do structures without any other; NaN when there is none.
 */
function structureCoverage(frames: readonly AssessmentFrame[], multiplier: number): number {
  let judged = 0;
  let inside = 0;
  for (const { forceErrors, forceSigmas } of frames) {
    let components = 0;
    let beyond = 0;
    for (let i = 0; i < forceErrors.length; i++) {
      const [error, sigma] = [Math.abs(forceErrors[i]!), forceSigmas[i]!];
      if (Number.isNaN(error) || Number.isNaN(sigma)) continue;
      components++;
      if (error > multiplier * sigma) beyond++;
    }
    if (components === 0) continue;
    judged++;
    if (beyond === 0) inside++;
  }
  return inside / judged;
}

/**
 * Errors and calibration of evaluated structures.
 * @param conformalForces half-width, in sigmas, of the interval that covers whole structures with probability 0.95
 */
export function summarizeEvaluation(frames: readonly EvaluatedFrame[], conformalForces: number): EvaluationSummary {
  const energies = pooledEnergies(frames);
  const forces = pooledForces(frames);
  const stressed = frames.filter((frame) => frame.stressErrors !== null);
  const stressErrors = Float64Array.from(stressed.flatMap((frame) => [...frame.stressErrors!]));
  const stressSigmas = Float64Array.from(
    stressed.flatMap((frame) => [...(frame.stressSigmas ?? new Float64Array(6).fill(Number.NaN))]),
  );
  const calibration = {
    energy: calibrationOf(energies.errors, energies.sigmas, energies.frames),
    forces: calibrationOf(forces.errors, forces.sigmas, forces.frames),
    stress: calibrationOf(
      stressErrors,
      stressSigmas,
      Int32Array.from({ length: stressErrors.length }, (_, i) => Math.floor(i / 6)),
    ),
  };
  return {
    n: { structures: frames.length, atoms: frames.reduce((sum, frame) => sum + frame.atoms, 0) },
    energy: errorsOf(summarizeErrors(energyErrorsPerAtom(frames))),
    forces: errorsOf(summarizeErrors(forces.errors)),
    stress: errorsOf(summarizeErrors(stressErrors)),
    calibration: {
      ...calibration,
      forces: calibration.forces && {
        ...calibration.forces,
        coverage95Structure: structureCoverage(frames, conformalForces),
        ranking: reportRanking(atomForceErrors(frames), LARGE_FORCE_ERRORS, new RandomStream(0, 'rank ceiling')),
      },
    },
    parts: summarizeParts(frames),
    worstResidual: {
      energy: calibration.energy?.worst ?? Number.NaN,
      forces: calibration.forces?.worst ?? Number.NaN,
      stress: calibration.stress?.worst ?? Number.NaN,
    },
  };
}

/** The summary of each group of structures, in the order of first appearance. */
export function summarizeGroups(
  frames: readonly EvaluatedFrame[],
  conformalForces: number,
): Record<string, EvaluationSummary> {
  const groups = new Map<string, EvaluatedFrame[]>();
  for (const frame of frames) {
    const list = groups.get(frame.group);
    if (list === undefined) groups.set(frame.group, [frame]);
    else list.push(frame);
  }
  return Object.fromEntries([...groups].map(([group, list]) => [group, summarizeEvaluation(list, conformalForces)]));
}

/** Force errors on the atoms of each element, eV/Å per component. */
export function forceErrorsByElement(
  frames: readonly EvaluatedFrame[],
): Record<string, Errors & { readonly atoms: number }> {
  const errors = new Map<string, number[]>();
  for (const frame of frames) {
    if (frame.forceErrors.length === 0) continue;
    frame.symbols.forEach((symbol, i) => {
      const list = errors.get(symbol) ?? [];
      list.push(frame.forceErrors[3 * i]!, frame.forceErrors[3 * i + 1]!, frame.forceErrors[3 * i + 2]!);
      errors.set(symbol, list);
    });
  }
  return Object.fromEntries(
    [...errors]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([symbol, list]) => {
        const { mae, rmse } = summarizeErrors(list);
        return [symbol, { mae, rmse, atoms: list.length / 3 }];
      }),
  );
}
