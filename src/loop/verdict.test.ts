import { describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import type { WalkerData } from '../protocol/events.ts';
import { runFileSchema } from '../protocol/run-file.ts';
import type { FrameAssessment } from './ports.ts';
import { judge, tolerancesOf } from './verdict.ts';

const RUN_FILE = runFileSchema.parse({
  name: 'a',
  structures: [{ file: 'a.xyz' }],
  conditions: { temperatures: [300, 900] },
  reference: { kind: 'sw-si' },
  assessment: { size: 20, perRound: 10 },
  stopping: { energyMae: 0.01, forceRmse: 0.2, forceEce: 0.2, energyEce: 0.2 },
});

/** Errors of an honest model: normal, of the size that its sigmas say. */
function honest(count: number, scale = 1): FrameAssessment[] {
  const random = new RandomStream(5, 'honest');
  return Array.from({ length: count }, (_, k) => ({
    id: String(k),
    atoms: 2,
    energyError: 0.005 * scale * random.normal(),
    energySigma: 0.005 * scale,
    forceErrors: Array.from({ length: 6 }, () => 0.05 * scale * random.normal()),
    forceSigmas: Array.from({ length: 6 }, () => 0.05 * scale),
  }));
}

const walkers = (broken: number): WalkerData[] =>
  Array.from({ length: 6 }, (_, walker) => ({
    ...{ walker, temperature: 600, steps: 10, plannedSteps: 10, reason: '', maxForceSigma: 0.1 },
    outcome: walker < broken ? 'broken' : 'finished',
  }));

describe('the verdict', () => {
  it('needs everything to be met in consecutive rounds', () => {
    const first = judge(honest(20), walkers(1), {}, RUN_FILE);
    expect(first).toMatchObject({ met: true, converged: false, history: { looks: 1, consecutive: 1 } });
    const second = judge(honest(20), walkers(0), first.history, RUN_FILE);
    expect(second).toMatchObject({ met: true, converged: true, history: { looks: 2, consecutive: 2 } });
    const relapse = judge(honest(20), walkers(3), first.history, RUN_FILE);
    expect(relapse).toMatchObject({ met: false, converged: false, history: { consecutive: 0 } });
    expect(relapse.reason).toMatch(/3 of 6 walkers left the trust region/);
  });

  it('judges by tolerances of the run file', () => {
    expect(tolerancesOf(RUN_FILE)).toEqual({
      energyMae: 0.01,
      forceRmse: 0.2,
      forceEce: 0.2,
      energyEce: 0.2,
      forceWorst: 10,
      energyWorst: 6,
    });
    const bad = judge(honest(20, 10), walkers(0), {}, RUN_FILE);
    expect(bad.met).toBe(false);
    expect(bad.criteria.filter(({ met }) => !met).map(({ name }) => name)).toEqual(['energyMae', 'forceRmse']);
    // A look whose point values fail is not spent.
    expect(bad.history).toEqual({ looks: 0, consecutive: 0 });
  });

  it('never converges on an incomplete assessment set, and does not spend looks on it', () => {
    const short = judge(honest(19), walkers(0), { looks: 1, consecutive: 1 }, RUN_FILE);
    expect(short).toMatchObject({ met: false, converged: false, history: { looks: 1, consecutive: 0 } });
    expect(short.preconditions.at(-1)).toEqual({
      name: 'assessment',
      met: false,
      detail: '19 of 20 assessment labels',
    });
    expect(short.criteria.every(({ met }) => met)).toBe(true);
  });

  it('is nothing where nothing was assessed or explored', () => {
    const none = judge([], null, {}, RUN_FILE);
    expect(none.met).toBe(false);
    expect(none.criteria.every(({ value, met }) => value === null && !met)).toBe(true);
    expect(judge(honest(20), null, {}, RUN_FILE).reason).toMatch(/nothing was explored/);
  });

  it('does not take a failed prediction for a small error', () => {
    const frames = honest(20);
    const broken = [{ ...frames[0]!, energyError: Number.NaN }, ...frames.slice(1)];
    const verdict = judge(broken, walkers(0), {}, RUN_FILE);
    expect(verdict.met).toBe(false);
    expect(verdict.criteria[0]).toMatchObject({ name: 'energyMae', value: null, met: false });
  });
});
