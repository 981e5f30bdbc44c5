import { describe, expect, it } from 'vitest';
import { backtestRun } from '../../test/support/backtest-pools.ts';
import { compareRuns } from '../core/backtest/compare.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../core/descriptors/ace/presets.ts';
import { writeBacktestPage } from '../formats/backtest-page.ts';
import { backtestComparisonCsv, backtestCurvesCsv } from '../formats/backtest-csv.ts';
import { backtestPage, comparisonTables, comparisonText, formatBytes, setupFacts } from './backtest-report.ts';

const LABELS = [5, 10, 20, 40, 80];
const fall = (scale: number): number[] => LABELS.map((n) => scale / Math.sqrt(n));
const runs = [0, 1].flatMap((split) => [
  backtestRun('random', split, 0, LABELS, fall(1)),
  backtestRun('random', split, 1, LABELS, fall(1)),
  backtestRun('balanced-random', split, 0, LABELS, fall(0.8)),
  backtestRun('clever', split, 0, LABELS, fall(0.5)),
  backtestRun('foolish', split, 0, LABELS, fall(2)),
]);
const comparison = compareRuns(runs, 'balanced-random');
const specification = presetSpecification('small', ['Si'], 5);
const setup = {
  structures: 5,
  atoms: 40,
  groups: { a: 3, b: 2 },
  groupOf: ['a', 'a', 'a', 'b', 'b'],
  pool: 4,
  test: 1,
  heldOut: 0,
  functions: buildAceBasis(specification).offsets.at(-1)!,
  specification,
  memory: 12_345_678,
  notes: ['3 structures above -5 eV/atom'],
};

describe('comparisonText', () => {
  const text = comparisonText(comparison);

  it('has the ratios, labels and atoms of each strategy, and what is chance', () => {
    expect(text).toMatch(
      /^Against random: forces, mean over groups\nstrategy +error ratio +worst +label ratio +atom ratio\n/,
    );
    expect(text).toMatch(/\nclever +0\.50 \(0\.50–0\.50\) +0\.50 +0\.25 \(0\.25–0\.25\) +0\.25 \(0\.25–0\.25\)\n/);
    expect(text).toMatch(/\nfoolish +2\.00 \(2\.00–2\.00\) +2\.00 +> 1 \(> 1–> 1\)/);
    expect(text).toMatch(/\nrandom against random +1\.00/);
    expect(text).toMatch(/Against cluster-balanced random: energies.*clever +0\.6[23] /s);
  });

  it('says where random is saturated', () => {
    const flat = [
      backtestRun('random', 0, 0, LABELS, [9, 2, 1, 1, 0.99]),
      backtestRun('clever', 0, 0, LABELS, [9, 2, 1, 1, 0.99]),
    ];
    expect(comparisonText(compareRuns(flat, 'x'))).toMatch(
      /clever +1\.00 \(1\.00–1\.00\) +1\.00 +saturated +saturated/,
    );
  });

  it('has a table for each error, and one more where balance was played', () => {
    expect(comparisonTables(comparison).map(({ title }) => title)).toEqual([
      'Against random: forces, mean over groups',
      'Against cluster-balanced random: forces, mean over groups',
      'Against random: energies, mean over groups',
      'Against cluster-balanced random: energies, mean over groups',
      'Against random: forces, all together',
      'Against random: energies, all together',
    ]);
  });
});

describe('setupFacts', () => {
  it('say data, split, model and memory', () => {
    expect(setupFacts(setup)).toEqual([
      ['data', '5 structures, 40 atoms in 2 groups'],
      ['left out', '3 structures above -5 eV/atom'],
      ['split', '4 to choose from, 1 to judge by'],
      ['model', '122 functions of Si, cutoff 5.00 Å'],
      ['rows', '13 MB'],
    ]);
    expect(setupFacts({ ...setup, heldOut: 7 })[2]![1]).toMatch(/, 7 held out$/);
    expect(formatBytes(2.34e9)).toBe('2.3 GB');
  });
});

describe('the page', () => {
  const page = backtestPage('Si & "friends"', setup, runs, comparison);
  const html = writeBacktestPage(page);

  it('has a curve and a ratio for each error, with every strategy in it', () => {
    expect(page.plots).toHaveLength(8);
    expect(page.plots[0]!.series.map(({ label }) => label)).toEqual(['random', 'balanced-random', 'clever', 'foolish']);
    expect(page.plots[0]!.series[2]!.y).toAgree(fall(500), { rtol: 1e-12, why: 'meV/Å' });
    expect(new Set(page.plots[0]!.series.map(({ color }) => color)).size).toBe(4);
    expect(page.findings[1]).toBe(
      'clever: at equal labels, errors of forces are 0.50 and those of energies 0.50 of those of random selection.',
    );
  });

  it('needs nothing from elsewhere and has no broken numbers', () => {
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/<script|<link|@import|url\(|src=|http(?!:\/\/www\.w3)/);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
    expect(html.match(/<svg viewBox="0 0 540 360"/g)).toHaveLength(8);
    expect(html).toContain('<title>Back-test: Si &amp; &quot;friends&quot;</title>');
  });

  it('tells what was labelled and how honest the bars were', () => {
    expect(html).toMatch(/<th scope="row">a<\/th><td>60\.0 %<\/td><td>60\.0 %<\/td>/);
    expect(page.tables.at(-1)!.rows[0]).toEqual(['random', '0.050', '0.10', '94.0 %', '90.0 %']);
  });
});

describe('CSV', () => {
  it('has a line for each point of each run', () => {
    const lines = backtestCurvesCsv(runs).trimEnd().split('\n');
    expect(lines).toHaveLength(1 + runs.length * LABELS.length);
    const width = lines[0]!.split(',').length;
    expect(lines.every((line) => line.split(',').length === width)).toBe(true);
    expect(lines[1]).toMatch(/^random,0,0,5,20,0\.447\d+,/);
    expect(lines[1]).toMatch(/,,,,,0\.1,0\.05,0\.9,0\.94$/);
  });

  it('has a line for each comparison', () => {
    const lines = backtestComparisonCsv(comparison).trimEnd().split('\n');
    // Four errors: chance, three strategies against random, and four against balanced random less itself.
    expect(lines).toHaveLength(1 + 4 * (1 + 3 + 3));
    expect(lines).toContainEqual(expect.stringMatching(/^clever,random,forces,0\.5\d*,0\.5/));
    const flat = [0.99, 0.98].map((end, k) =>
      backtestRun(k === 0 ? 'random' : 'clever', 0, 0, LABELS, [9, 2, 1, 1, end]),
    );
    expect(backtestComparisonCsv(compareRuns(flat, 'x'))).toMatch(/,saturated,,,saturated,,\n/);
  });
});
