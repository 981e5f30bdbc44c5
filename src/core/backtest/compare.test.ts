import { describe, expect, it } from 'vitest';
import { backtestRun } from '../../../test/support/backtest-pools.ts';
import { compareRuns, metricOf, spreadOf } from './compare.ts';
import { labelsTo, learningCurve, pickShares, ratioCurve } from './summary.ts';

const LABELS = [5, 10, 20, 40, 80];
const fall = (scale: number): number[] => LABELS.map((n) => scale / Math.sqrt(n));
/** Two splits; random runs scatter by a factor of 2 about 1/√n, the clever ones are at half of it. */
const runs = [0, 1].flatMap((split) => [
  backtestRun('random', split, 0, LABELS, fall(2)),
  backtestRun('random', split, 1, LABELS, fall(0.5)),
  backtestRun('balanced', split, 0, LABELS, fall(0.8)),
  backtestRun('clever', split, 0, LABELS, fall(split === 0 ? 0.5 : 0.25)),
]);

describe('compareRuns', () => {
  const found = compareRuns(runs, 'balanced');

  it('gives the ratio to the mean of random at equal labels, split by split', () => {
    const { mean, worst } = found.againstRandom.clever!.forces!;
    expect(mean.values).toAgree([0.5, 0.25], { rtol: 1e-12, why: 'random runs average to 1/√n' });
    expect([mean.median, mean.low, mean.high, worst.median]).toAgree([0.375, 0.25, 0.5, 0.375], {
      rtol: 1e-12,
      why: 'two splits',
    });
  });

  it('gives labels and atoms to the end of random', () => {
    const { labels, atoms } = found.againstRandom.clever!.forces!;
    expect(labels!.values).toAgree([0.25, 0.0625], { rtol: 1e-12, why: 'the square of the error ratio' });
    expect(atoms!.values).toAgree([0.25, 0.0625], { rtol: 1e-12, why: 'all structures have as many atoms' });
  });

  it('compares with balanced random and random with itself', () => {
    expect(found.againstBalanced!.clever!.forces!.mean.values).toAgree([0.625, 0.3125], {
      rtol: 1e-12,
      why: 'over 0.8',
    });
    expect(found.chance!.forces!.mean.values).toAgree([4, 0.25, 4, 0.25], {
      rtol: 1e-12,
      why: 'each against the other',
    });
    expect(compareRuns(runs, 'none').againstBalanced).toBeNull();
    expect(
      compareRuns(
        runs.filter(({ run }) => run === 0),
        'none',
      ).chance,
    ).toBeNull();
  });

  it('says nothing of labels where random does not fall', () => {
    const flat = [0, 1, 2].flatMap((split) => [
      backtestRun('random', split, 0, LABELS, [9, 2, 1, 1, 0.99]),
      backtestRun('clever', split, 0, LABELS, fall(1)),
    ]);
    expect(compareRuns(flat, 'x').againstRandom.clever!.forces).toMatchObject({ labels: null, atoms: null });
  });

  it('has the metrics that there are values of', () => {
    expect(found.metrics).toEqual(['forces', 'energy', 'pooledForces', 'pooledEnergy']);
    expect(metricOf('targetEnergy', runs[0]!.curve[0]!)).toBeNaN();
  });

  it('leaves splits without a random run out, and refuses nothing to compare with', () => {
    const lone = backtestRun('clever', 7, 0, LABELS, fall(9));
    expect(compareRuns([...runs, lone], 'x').againstRandom.clever!.forces!.mean.values).toHaveLength(2);
    expect(() => compareRuns([lone], 'x')).toThrow('back-test must hold random runs, got none');
  });
});

describe('spreadOf', () => {
  it('is median, least and largest', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, low: 1, high: 3, values: [3, 1, 2] });
  });
});

describe('summaries', () => {
  const random = runs.filter(({ strategy }) => strategy === 'random');

  it('average runs geometrically, with the range', () => {
    const { labels, mean, low, high } = learningCurve(random, 'forces');
    expect(labels).toEqual(LABELS);
    expect([mean[0], low[0], high[0]]).toAgree([1 / Math.sqrt(5), 0.5 / Math.sqrt(5), 2 / Math.sqrt(5)], {
      rtol: 1e-12,
      why: 'four runs',
    });
  });

  it('keep to the labels that all runs have', () => {
    const short = backtestRun('random', 2, 0, [5, 10, 20, 33], [4, 3, 2, 1]);
    expect(learningCurve([...random, short], 'forces').labels).toEqual([5, 10, 20]);
  });

  it('give ratios along the labels, of random too', () => {
    expect(ratioCurve(runs, 'clever', 'forces')!.mean).toAgree(new Array(5).fill(Math.sqrt(0.125)), {
      rtol: 1e-12,
      why: 'geometric mean of a half and a quarter',
    });
    expect(ratioCurve(runs, 'random', 'forces')!.high).toAgree(new Array(5).fill(4), { rtol: 1e-12, why: 'the other' });
    expect(
      ratioCurve(
        runs.filter(({ run, strategy }) => run === 0 && strategy === 'random'),
        'random',
        'forces',
      ),
    ).toBeNull();
  });

  it('say how many labels an error takes', () => {
    const band = learningCurve(random, 'forces');
    expect(labelsTo(band, 0.2)).toBe(40);
    expect(labelsTo(band, 0.01)).toBeNull();
  });

  it('count what was labelled by group', () => {
    const picked = [
      { ...random[0]!, picks: [0, 1, 2, 3] },
      { ...random[1]!, picks: [0, 1, 2, 4] },
    ];
    expect(pickShares(picked, ['a', 'a', 'a', 'b', 'b'])).toEqual({ a: 0.75, b: 0.25 });
  });
});
