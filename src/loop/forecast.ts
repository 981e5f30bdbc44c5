import { threeDigits } from '../core/numerics/digits.ts';
import type { Forecast, LearningPoint } from '../core/stopping/learning-curve.ts';
import { forecast, LEAST_POINTS } from '../core/stopping/learning-curve.ts';
import type { RunFile } from '../protocol/run-file.ts';
import type { LoopState, RoundRecord } from './state.ts';
import { currentRound } from './state.ts';

/** Errors that follow a learning curve; calibration does not. */
const LEARNT = ['energyMae', 'forceRmse'] as const;
/** So many judged rounds are needed before a run gives up, and so many looks in a row must say the same. */
const LEAST_ROUNDS = 6;
const LOOKS = 2;
/** A doubling of the labels that lowers an error by less than this share is no improvement. */
const LEAST_GAIN = 0.05;

/** What the rounds so far say of one tolerance that is not met. */
export interface CriterionForecast {
  readonly name: (typeof LEARNT)[number];
  readonly tolerance: number;
  /** Training labels still to come until it is met, and the range of eight in ten resampled curves; null: never. */
  readonly more: { readonly expected: number | null; readonly low: number | null; readonly high: number | null };
  /** Error at the end of the budget of labels, and the bound that nine in ten curves stay above. */
  readonly atBudget: { readonly expected: number; readonly low: number };
  /** What no number of labels gets below, by the curve. */
  readonly floor: number;
  readonly gainPerDoubling: number;
}

/** Upper bounds of one error against the labels of the model, up to a round. */
function pointsOf(rounds: readonly RoundRecord[], name: string): LearningPoint[] {
  return rounds.flatMap(({ assessed }) => {
    const upper = assessed?.criteria.find((criterion) => criterion.name === name)?.upper ?? null;
    return assessed === null || upper === null || !(upper > 0) || assessed.training < 1
      ? []
      : [{ labels: assessed.training, error: upper }];
  });
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

function forecastsAfter(rounds: readonly RoundRecord[], runFile: RunFile): CriterionForecast[] {
  const criteria = rounds.findLast(({ assessed }) => assessed !== null)?.assessed?.criteria ?? [];
  return LEARNT.flatMap((name) => {
    const criterion = criteria.find((one) => one.name === name);
    const points = pointsOf(rounds, name);
    const labels = points.at(-1)?.labels ?? 0;
    if (criterion === undefined || criterion.met || new Set(points.map((point) => point.labels)).size < LEAST_POINTS)
      return [];
    const { tolerance } = criterion;
    const budget = Math.max(runFile.budget.labels, labels);
    const found: Forecast = forecast(points, { tolerance, budget, seed: runFile.seed });
    const more = (count: number): number | null => finite(Math.max(1, Math.ceil(count - labels)));
    return [
      {
        name,
        tolerance,
        more: {
          expected: more(found.labels.expected),
          low: more(found.labels.low),
          high: more(found.labels.high),
        },
        atBudget: found.atBudget,
        floor: found.curve.c,
        gainPerDoubling: found.gainPerDoubling,
      },
    ];
  });
}

/** Forecasts of the errors that are not within their tolerance, once there are enough rounds to see a curve. */
export function forecastsOf(state: LoopState, runFile: RunFile): readonly CriterionForecast[] {
  return forecastsAfter(state.rounds, runFile);
}

/** One forecast as a sentence: `forceRmse: about 40 more labels (25 to 90) to 0.09`. */
export function forecastSentence({
  name,
  tolerance,
  more,
  atBudget,
  floor,
  gainPerDoubling,
}: CriterionForecast): string {
  const end = `${threeDigits(atBudget.expected)} expected at the end of the budget`;
  if (more.expected === null) {
    return `${name}: its learning curve levels off at ${threeDigits(floor)}, above ${threeDigits(tolerance)}; ${end}; a larger basis lowers the floor, more labels do not`;
  }
  const range = `${more.low ?? '?'} to ${more.high === null ? 'no end' : more.high}`;
  const slow =
    gainPerDoubling < LEAST_GAIN ? `; twice the labels would lower it by ${threeDigits(100 * gainPerDoubling)} %` : '';
  return `${name}: about ${more.expected} more labels (${range}) until ${threeDigits(tolerance)}; ${end}${slow}`;
}

/** Why going on is not worth its labels. */
export interface GivingUp {
  /** `tolerance`: out of reach within the budget; `improvement`: labels no longer help. */
  readonly limit: 'tolerance' | 'improvement';
  readonly message: string;
}

/** A hopeless criterion at one look, and why. */
function hopeless(rounds: readonly RoundRecord[], runFile: RunFile): Map<string, GivingUp> {
  const found = new Map<string, GivingUp>();
  for (const one of forecastsAfter(rounds, runFile)) {
    const why = forecastSentence(one);
    if (one.atBudget.low > one.tolerance) {
      found.set(one.name, { limit: 'tolerance', message: `out of reach with ${runFile.budget.labels} labels: ${why}` });
    } else if (one.gainPerDoubling < LEAST_GAIN) {
      found.set(one.name, { limit: 'improvement', message: `no longer improving: ${why}` });
    }
  }
  return found;
}

/**
 * Whether a run should give up: after six judged rounds, when two looks in a row say of the same error that its tolerance
 * is out of reach within the budget (nine in ten resampled curves), or that doubling the labels gains less than 5 %.
 */
export function givingUp(state: LoopState, runFile: RunFile): GivingUp | null {
  const judged = state.rounds.filter(({ assessed }) => assessed !== null);
  if (judged.length < LEAST_ROUNDS || currentRound(state)?.assessed == null) return null;
  const looks = Array.from({ length: LOOKS }, (_, k) => hopeless(judged.slice(0, judged.length - k), runFile));
  for (const [name, why] of looks[0]!) if (looks.every((look) => look.has(name))) return why;
  return null;
}
