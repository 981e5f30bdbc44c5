import { describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import type { RunFile } from '../protocol/run-file.ts';
import { decide } from './decide.ts';
import { explainRun } from './explain.ts';
import { forecastSentence, forecastsOf, givingUp } from './forecast.ts';
import type { LoopState, RoundRecord } from './state.ts';
import { EMPTY_STATE } from './state.ts';
import { statusOf } from './status.ts';

const runFile = (change: object = {}): RunFile =>
  runFileSchema.parse({
    name: 'a',
    structures: [{ file: 'a.xyz' }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    budget: { labels: 100, rounds: 50 },
    ...change,
  });

/** Rounds of eight labels each whose force errors follow a law, with a scatter of 1 %. */
function rounds(count: number, law: (labels: number) => number, tolerance = 0.09): RoundRecord[] {
  const random = new RandomStream(2, 'rounds');
  return Array.from({ length: count }, (_, k) => {
    const training = 8 * (k + 1);
    const upper = law(training) * Math.exp(0.01 * random.normal());
    return {
      ...{ round: k, explored: null, pool: null, drawn: { ids: [], censored: 0 } },
      batch: { ids: ['x'], certificate: null, poolSize: 9, strategy: 'random' },
      model: { model: 'm', data: 'd', structures: training, summary: {} },
      assessed: {
        ...{ assessment: 'x', frames: 40, preconditions: [], met: false, converged: false, reason: 'r', training },
        criteria: [
          { name: 'energyMae', value: 0.001, upper: 0.0015, tolerance: 0.002, met: true },
          { name: 'forceRmse', value: upper / 1.2, upper, tolerance, met: upper <= tolerance },
        ],
      },
    };
  });
}
const stateOf = (list: RoundRecord[]): LoopState => ({ ...EMPTY_STATE, rounds: list });

const falling = (labels: number): number => 1 / Math.sqrt(labels);
const level = (labels: number): number => 0.2 + 3 / (labels * labels);

describe('forecastsOf', () => {
  it('says how many more labels an error takes, none of what is met', () => {
    const state = stateOf(rounds(8, falling));
    const found = forecastsOf(state, runFile({ budget: { labels: 400 } }));
    expect(found.map(({ name }) => name)).toEqual(['forceRmse']);
    const { more, tolerance, atBudget } = found[0]!;
    // 1/√N = 0.09 at 123.5 labels; 64 are known.
    expect(more.expected).toBeGreaterThan(40);
    expect(more.expected).toBeLessThan(90);
    expect(more.low!).toBeLessThanOrEqual(60);
    expect(tolerance).toBe(0.09);
    expect(atBudget.expected).toBeLessThan(0.07);
    expect(forecastSentence(found[0]!)).toMatch(
      /^forceRmse: about \d+ more labels \(\d+ to .*\) until 0\.09; 0\.0\d+ exp/,
    );
  });

  it('is silent before there is a curve', () => {
    expect(forecastsOf(stateOf(rounds(3, falling)), runFile())).toEqual([]);
    expect(forecastsOf(EMPTY_STATE, runFile())).toEqual([]);
    const idle = rounds(6, falling).map((round) => ({ ...round, assessed: { ...round.assessed!, training: 8 } }));
    expect(forecastsOf(stateOf(idle), runFile())).toEqual([]);
  });

  it('stands in the status and in the explanation', () => {
    const state = stateOf(rounds(8, falling));
    expect(statusOf(state, runFile()).forecasts).toHaveLength(1);
    expect(explainRun(state, runFile()).sentences.join(' ')).toContain('more labels');
  });
});

describe('givingUp', () => {
  it('gives up when the curve levels off above the tolerance, and says what would help', () => {
    const state = stateOf(rounds(8, level));
    const found = givingUp(state, runFile())!;
    expect(found.limit).toBe('tolerance');
    expect(found.message).toMatch(
      /^out of reach with 100 labels: forceRmse: its learning curve levels off at 0\.(199|2)/,
    );
    expect(found.message).toContain('a larger basis lowers the floor');
    expect(decide(state, runFile())).toMatchObject({ kind: 'stop', outcome: 'exhausted', limit: 'tolerance' });
    expect(decide(state, runFile({ stopping: { giveUp: false } })).kind).toBe('explore');
    const stopped = { ...state, stopped: { outcome: 'exhausted', limit: 'tolerance', message: 'm' } as const };
    expect(explainRun(stopped, runFile()).sentences.join(' ')).toContain('--set stopping.giveUp=false');
  });

  it('gives up when labels no longer help, though the tolerance may be in reach at last', () => {
    const slow = (labels: number): number => 0.11 * Math.exp(-0.06 * Math.log(labels / 40));
    const found = givingUp(stateOf(rounds(10, slow)), runFile({ budget: { labels: 100_000 } }));
    expect(found?.limit).toBe('improvement');
    expect(found?.message).toMatch(/^no longer improving: /);
  });

  it('goes on while errors fall, before six rounds, and after a single bad look', () => {
    const file = runFile({ budget: { labels: 400 } });
    expect(givingUp(stateOf(rounds(8, falling)), file)).toBeNull();
    expect(givingUp(stateOf(rounds(5, level)), file)).toBeNull();
    const [first, second] = [rounds(8, falling), rounds(9, level)];
    expect(givingUp(stateOf([...first, second[8]!]), file)).toBeNull();
    expect(decide(stateOf(rounds(8, falling)), file).kind).toBe('explore');
  });
});
