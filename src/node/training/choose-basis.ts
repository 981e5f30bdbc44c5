import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { NumericalError } from '../../core/errors.ts';
import type { Fold, FoldErrors, Moments, RelativeNoise, SubsetTrial } from '../../core/regression/cross-validation.ts';
import { judgeFold, momentsOfOthers, rmseOf } from '../../core/regression/cross-validation.ts';
import { maximizeEvidence } from '../../core/regression/maximize-evidence.ts';
import type { FactorState, PerKind, Prior } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { subsetFactor, subsetPrior } from '../../core/regression/subset.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { sharedZeros } from '../workers/shared.ts';
import { type Candidates, columnsOf } from './candidates.ts';

/** Strengths of the prior that every candidate is tried at, relative to that of largest evidence for the smallest. */
const TRIAL_STRENGTHS = [1, 0.1];
/** Strengths that the chosen basis is tried at. */
const STRENGTHS = [30, 10, 3, 1, 0.3, 0.1, 0.03];
/** Balances that the chosen basis is tried at, relative to the one asked for. */
const BALANCES = [2, 1, 0.5];
/** A larger basis must be better by this share, a weaker prior by that, another balance than the one asked for by that. */
const WORTH = { basis: 0.005, strength: 0.002, balance: 0.02 };
/** Root mean square over mean absolute value of a normal variable. */
const NORMAL_SPREAD = Math.sqrt(Math.PI / 2);

/** Errors of left-out folds at one setting. */
export interface JudgedSetting {
  /** Root mean square error of scaled rows: eV/√atom (or eV/atom), eV/Å, eV/√atom; NaN without labels. */
  readonly rmse: PerKind<number>;
  /** Mean absolute error of scaled energies. */
  readonly energyMae: number;
  /**
   * Root of the left-out loss per force component, eV/Å: √((N_E (s/r)² + Σ e_F²)/N_F), r the balance asked for and s the
   * spread of energies, √(π/2) of their mean absolute error: energies are few, and a handful of odd structures would
   * otherwise decide.
   */
  readonly score: number;
}

/** One basis of the curve of error against cost. */
export interface CurvePoint extends JudgedSetting {
  readonly functions: number;
  readonly microseconds: number;
  readonly description: string;
}

/** One cutoff that was tried. */
export interface CutoffTrial {
  /** Å. */
  readonly cutoff: number;
  /** Root of the left-out loss of the sample at the better of the strengths of the prior, eV/Å. */
  readonly score: number;
}

/** The cutoff that was chosen, and among which. */
export interface CutoffChoice {
  /** Å. */
  readonly cutoff: number;
  /** That of the rule, Å. */
  readonly rule: number;
  /** By rising cutoff. */
  readonly trials: readonly CutoffTrial[];
  /** Structures of the sample. */
  readonly structures: number;
}

/** What was chosen from the training data, and among what. */
export interface BasisChoice {
  /** By rising number of functions, each at the better of its strengths of the prior. */
  readonly curve: readonly CurvePoint[];
  /** Index of the chosen one. */
  readonly best: number;
  readonly rule: string;
  /** α σ_F² by rising left-out loss of the chosen basis, and that of largest evidence for the smallest one. */
  readonly strengths: readonly (JudgedSetting & { readonly strength: number })[];
  readonly strength: number;
  readonly balances: readonly (JudgedSetting & { readonly ratio: number })[];
  readonly ratio: number;
  readonly folds: number;
  /** What the strengths are counted from. */
  readonly natural: NaturalSetting;
  /** How the cutoff was chosen; null where it was given or could not be judged. */
  readonly cutoffs: CutoffChoice | null;
}

/** What a task is told to judge a fold. */
export interface JudgeArgument {
  /** Moments of the other folds. */
  readonly others: Moments;
  readonly fold: Fold;
  readonly trials: readonly SubsetTrial[];
}

/** Errors of one fold by the fits to the others, for all trials. */
export function judgeFoldTask(machine: Machine, { others, fold, trials }: JudgeArgument): FoldErrors[][] {
  return judgeFold(others, fold, trials, machine.kernels);
}

/** Strength of the prior around which others are tried, and noise of stresses relative to forces. */
export interface NaturalSetting {
  /** α σ_F². */
  readonly stiffness: number;
  /** σ_V/σ_F, Å. */
  readonly virialToForce: number;
}

/** Everything that a choice is made from. */
export interface ChoiceInput {
  readonly candidates: Candidates;
  /** Of the union's columns, in memory that threads share. */
  readonly folds: readonly Fold[];
  readonly total: PerKind<FactorState>;
  /** Prior of some basis from the factors of its own columns. */
  readonly priorOf: (basis: AceBasis, factors: PerKind<FactorState>) => Prior;
  /** σ_E/σ_F by which energies and forces are weighed, Å. */
  readonly ratio: number;
  /** Whether the ratio is to be chosen too. */
  readonly scanRatio: boolean;
  /** Default: that of largest evidence for the smallest candidate. */
  readonly natural?: NaturalSetting;
}

/** A prior under which no equations can be solved is made this many times stronger, so often at most. */
const RAISE = 30;
const RAISES = 6;

/**
 * Chooses a basis, the strength of its prior and the balance of energies and forces from factors of folds: each candidate
 * is a subset of columns, so no structure is looked at again. Left-out loss decides, and what is within its scatter goes to
 * the smaller basis, the stronger prior and the balance asked for.
 */
export async function chooseBasis(input: ChoiceInput, pool: TaskPool, kernels: Kernels): Promise<BasisChoice> {
  const { candidates, folds, total, ratio } = input;
  const { union, list } = candidates;
  const counts = Object.fromEntries(OBSERVATION_KINDS.map((kind) => [kind, total[kind].count])) as PerKind<number>;
  const others = momentsOfOthers(folds, kernels, sharedZeros);
  const unionPrior = input.priorOf(union, total);
  const columns = list.map(({ basis }) => columnsOf(basis, union, total.forces.columns));
  const priors = list.map((_, c) => subsetPrior(unionPrior, columns[c]!));

  const judge = async (trials: readonly SubsetTrial[]): Promise<JudgedSetting[][]> => {
    const errors = await pool.map(
      'judgeFold',
      folds.map((fold, k) => ({ others: others[k]!, fold, trials })),
    );
    return trials.map(({ noises }, t) =>
      noises.map((_, n) => {
        const own = errors.map((fold) => fold[t]![n]!);
        const rmse = rmseOf(own, counts);
        const energyMae = own.reduce((sum, { absoluteEnergy }) => sum + absoluteEnergy, 0) / counts.energy;
        const loss = counts.energy * square((NORMAL_SPREAD * energyMae) / ratio) + counts.forces * square(rmse.forces);
        return { rmse, energyMae, score: Math.sqrt(loss / counts.forces) };
      }),
    );
  };

  const start = input.natural ?? naturalSetting(total, columns[0]!, priors[0]!, ratio, kernels);
  let natural = start.stiffness;
  let { virialToForce } = start;
  const noiseOf = (strength: number, energyToForce: number): RelativeNoise => ({
    stiffness: strength * natural,
    energyToForce,
    virialToForce,
  });

  const judgeAll = (): Promise<JudgedSetting[][]> =>
    judge(
      list.map((_, c) => ({
        columns: columns[c]!,
        prior: priors[c]!,
        noises: TRIAL_STRENGTHS.map((strength) => noiseOf(strength, ratio)),
      })),
    );
  let judged = await judgeAll();
  // A prior too weak for working precision is raised until the equations can be solved.
  for (let step = 0; step < RAISES && judged.flat().every(({ score }) => Number.isNaN(score)); step++) {
    natural *= RAISE;
    judged = await judgeAll();
  }
  const curve = list.map(({ functions, microseconds, description }, c): CurvePoint => {
    const setting = judged[c]!.reduce((a, b) => (better(b, a) ? b : a));
    return { functions, microseconds, description, ...setting };
  });
  const least = leastScore(curve);
  const best = curve.findIndex(({ score }) => score <= (1 + WORTH.basis) * least);

  if (best < 0) {
    throw new NumericalError(
      'NO_LEFT_OUT_ERRORS',
      'basis must be given by --preset or --nmax: the normal equations of the folds are singular to working precision for every candidate',
      { candidates: list.map(({ functions }) => functions) },
    );
  }
  const left = curve[best]!.rmse;
  if (left.virial > 0) virialToForce = left.virial / left.forces;
  const scan = async (noises: readonly RelativeNoise[]): Promise<JudgedSetting[]> =>
    (await judge([{ columns: columns[best]!, prior: priors[best]!, noises }]))[0]!;
  const byStrength = await scan(STRENGTHS.map((strength) => noiseOf(strength, ratio)));
  const weakest = leastScore(byStrength);
  const strength = STRENGTHS[byStrength.findIndex(({ score }) => score <= (1 + WORTH.strength) * weakest)] ?? 1;
  const ratios = input.scanRatio ? BALANCES.map((factor) => factor * ratio) : [ratio];
  const byRatio = await scan(ratios.map((energyToForce) => noiseOf(strength, energyToForce)));
  const asked = ratios.indexOf(ratio);
  const b = byRatio.reduce((a, setting, k) => (better(setting, byRatio[a]!) ? k : a), asked);
  const taken = byRatio[b]!.score < (1 - WORTH.balance) * byRatio[asked]!.score ? b : asked;
  return {
    curve,
    best,
    rule: `the smallest basis whose left-out loss is within ${100 * WORTH.basis} % of the least`,
    strengths: byStrength.map((setting, k) => ({ strength: STRENGTHS[k]! * natural, ...setting })),
    strength: strength * natural,
    balances: byRatio.map((setting, k) => ({ ratio: ratios[k]!, ...setting })),
    ratio: ratios[taken]!,
    folds: folds.length,
    natural: { stiffness: natural, virialToForce },
    cutoffs: null,
  };
}

/** The setting of largest evidence of some columns at a balance. */
function naturalSetting(
  total: PerKind<FactorState>,
  columns: Int32Array,
  prior: Prior,
  ratio: number,
  kernels: Kernels,
): NaturalSetting {
  const factors = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [kind, subsetFactor(total[kind], columns, kernels)]),
  ) as unknown as PerKind<FactorState>;
  const { hyperparameters } = maximizeEvidence(
    factors,
    prior,
    { balance: { mode: 'fixed', energyToForce: ratio } },
    kernels,
  );
  const { forces, virial } = hyperparameters.noise;
  return { stiffness: hyperparameters.alpha * forces * forces, virialToForce: virial / forces };
}

const square = (x: number): number => x * x;

function leastScore(settings: readonly JudgedSetting[]): number {
  return Math.min(...settings.map(({ score }) => (Number.isNaN(score) ? Number.POSITIVE_INFINITY : score)));
}

function better(a: JudgedSetting, b: JudgedSetting): boolean {
  return a.score < b.score || (Number.isNaN(b.score) && !Number.isNaN(a.score));
}
