import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import { extxyzOf, fitOn, siliconFrames } from '../../../test/support/models.ts';
import { writeModel } from '../../formats/model-file.ts';
import { readFrames } from '../../node/frames.ts';

let cwd: string;
const path = (name: string): string => join(cwd, name);

const querent = (...argv: string[]): Promise<Shown> => commandLine(cwd, argv);

const select = (...argv: string[]) => querent('select', 'si.model', ...argv, '--threads', '1', '--force');

beforeAll(async () => {
  cwd = mkdtempSync(join(tmpdir(), 'querent-select-'));
  const training = siliconFrames(8);
  const { model, basis } = await fitOn(1, training);
  writeFileSync(path('si.model'), writeModel(model, basis));
  writeFileSync(path('train.xyz'), extxyzOf(training));
  const pool = siliconFrames(24, { seed: 5 });
  writeFileSync(
    path('pool.xyz'),
    extxyzOf(pool.map((frame, i) => ({ ...frame, info: { hours: 1 + (i % 3), bad: i < 2 } }))),
  );
  writeFileSync(path('a.xyz'), extxyzOf(pool.slice(0, 12)));
  writeFileSync(path('b.xyz'), extxyzOf(pool.slice(12)));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

describe('querent select', () => {
  it('writes what it chose with the reasons, which explain tells again', async () => {
    const { code, stdout, stderr } = await select(path('pool.xyz'), '-n', '4', '--labelled', path('train.xyz'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('chosen.xyz: 4 structures of 24 by stratified-i-optimal; gain: share of the mean force');
    expect(stdout).toMatch(
      /covering radius of the pool [\d.]+ → [\d.]+ \(standardised descriptors\), farthest structure \d+/,
    );
    const { frames } = await readFrames([path('chosen.xyz')]);
    expect(frames).toHaveLength(4);
    for (const { info, labels } of frames) {
      expect(info.selection_strategy).toBe('stratified-i-optimal');
      expect(info.selection_gain).toBeGreaterThan(0);
      expect(info.selection_reason).toMatch(/lowers its mean variance of forces by/);
      expect(stdout).toContain(info.selection_reason as string);
      expect(labels.energy).not.toBeNull();
    }
    const told = await querent('explain', 'chosen.xyz');
    expect(told.code, told.stderr).toBe(0);
    for (const { info } of frames) expect(told.stdout).toContain(info.selection_reason as string);
    const one = JSON.parse((await querent('explain', 'chosen.xyz', '--json')).stdout);
    expect(one[0]).toMatchObject({
      index: frames[0]!.info.selection_index,
      gain: frames[0]!.info.selection_gain,
      atoms: 8,
    });
  });

  it('leaves explain nothing to say of other files', async () => {
    const { code, stderr } = await querent('explain', 'train.xyz');
    expect(code).toBeGreaterThan(0);
    expect(stderr).toBe(
      'error: train.xyz:1: structure 0 must carry selection_reason, as querent select writes it, got none\n',
    );
    const random = await select(path('pool.xyz'), '-n', '2', '--strategy', 'random', '-o', 'random.xyz');
    expect(random.stdout).toContain('drawn at random');
    const told = JSON.parse((await querent('explain', 'random.xyz', '--json')).stdout);
    expect(told.map(({ gain }: { gain: number | null }) => gain)).toEqual([null, null]);
  });

  it('prints JSON as it is documented', async () => {
    const argv = [
      '-n',
      '3',
      '--strategy',
      'd-optimality',
      '--json',
      '--cost',
      'hours',
      '--mask',
      'bad',
      '--labelled',
      path('train.xyz'),
    ];
    const { stdout } = await select(path('pool.xyz'), ...argv);
    const result = JSON.parse(stdout);
    expect(Object.keys(result)).toEqual([
      'strategy',
      'output',
      'poolSize',
      'shortList',
      'selected',
      'certificate',
      'leftGains',
      'excluded',
      'coverage',
    ]);
    expect(Object.keys(result.selected[0])).toEqual([
      'index',
      'id',
      'gain',
      'cost',
      'reason',
      'file',
      'frame',
      'atoms',
    ]);
    expect(result.selected[0].cost).toBe(1 + (result.selected[0].index % 3));
    expect(result.excluded.filter((one: { reason: string }) => one.reason === 'masked by bad=true')).toHaveLength(2);
    expect(Object.keys(result.coverage.before)).toEqual([
      'radius',
      'farthest',
      'nearest',
      'meanDistance',
      'closest',
      'closestPair',
      'logDet',
    ]);
  });

  it('merges what was chosen from parts of a pool, with a certificate for the whole', async () => {
    const options = ['--strategy', 'd-optimality', '-n', '4', '--labelled', path('train.xyz'), '--json'];
    for (const part of ['a', 'b']) {
      const { stdout } = await select(path(`${part}.xyz`), ...options, '-o', `chosen-${part}.xyz`);
      writeFileSync(path(`${part}.json`), stdout);
    }
    const shards = ['--shards', 'a.json', 'b.json'];
    const merged = JSON.parse(
      (await select(path('chosen-a.xyz'), path('chosen-b.xyz'), ...options, ...shards, '-o', 'm.xyz')).stdout,
    );
    const whole = JSON.parse((await select(path('pool.xyz'), ...options, '-o', 'w.xyz')).stdout);
    const gain = (result: { selected: { gain: number }[] }) => result.selected.reduce((sum, one) => sum + one.gain, 0);
    expect(gain(merged) / gain(whole)).toBeGreaterThan(0.9);
    expect(merged.certificate).toBeGreaterThan(0.4);
    expect(merged.certificate).toBeLessThanOrEqual(gain(merged) / gain(whole) + 1e-9);
    const wrong = await select(path('pool.xyz'), ...options, '--shards', 'train.xyz');
    expect(wrong.stderr).toContain('train.xyz: shard must be what select --strategy d-optimality --json printed');
    const other = await select(path('pool.xyz'), '-n', '2', '--shards', 'a.json');
    expect(other.stderr).toBe('error: --shards must come with --strategy d-optimality, got stratified-i-optimal\n');
  });

  it('makes a target certain', async () => {
    const { code, stdout } = await select(
      path('pool.xyz'),
      '-n',
      '2',
      '--strategy',
      'target-variance',
      '--target',
      path('pool.xyz@0:2'),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/lowers the variance of the target by [\d.]+ % of what it was/);
  });

  it('refuses in words what cannot be, and writes nothing', async () => {
    const pool = path('pool.xyz');
    const cases: [string[], string | RegExp][] = [
      [
        ['-n', '2', '--strategy', 'd-optimalty'],
        /--strategy must be one of .*, got "d-optimalty"; did you mean d-optimality\?/,
      ],
      [['-n', '2', '--strategy', 'stratified'], /did you mean stratified-i-optimal\?/],
      [['-n', '2', '--strategy', '???'], /got "\?\?\?"\n$/],
      [['-n', '25'], 'error: batch must be at most the pool of 24, got 25\n'],
      [['-n', '0'], 'error: --batch must be a whole number ≥ 1, got "0"\n'],
      [[], 'error: --batch must be given: how many structures to choose\n'],
      [['-n', '2', '--budget', '3'], 'error: --budget must come with --cost, which says its unit\n'],
      [['-n', '2', '--target', pool], /--target must be given with --strategy target-variance, and only with it/],
      [['-n', '2', '--strategy', 'target-variance'], /--target must be given with/],
      [['-n', '2', '--group-key', 'kind'], /structure 0: kind must be given, as it is the group, got none/],
      [['-n', '2', '--labelled', 'no.xyz'], /no\.xyz/],
    ];
    for (const [argv, message] of cases) {
      const { code, stdout, stderr } = await select(pool, ...argv, '-o', 'none.xyz');
      expect(code).toBeGreaterThan(0);
      expect(stdout).toBe('');
      if (typeof message === 'string') expect(stderr).toBe(message);
      else expect(stderr).toMatch(message);
      expect(
        stderr
          .trimEnd()
          .split('\n')
          .filter((line) => !line.startsWith('note:')),
      ).toHaveLength(1);
    }
    expect(existsSync(path('none.xyz'))).toBe(false);
    writeFileSync(path('kept.xyz'), 'kept');
    const { stderr } = await querent('select', 'si.model', pool, '-n', '2', '-o', 'kept.xyz');
    expect(stderr).toContain('output must be a new file, got "kept.xyz", which exists; replace it with --force');
    expect(readFileSync(path('kept.xyz'), 'utf8')).toBe('kept');
  });

  it('says when there are fewer than were asked for', async () => {
    writeFileSync(path('twice.xyz'), readFileSync(path('a.xyz'), 'utf8').repeat(2));
    const { stderr, stdout } = await select(path('twice.xyz'), '-n', '20', '--labelled', path('train.xyz'));
    expect(stdout).toContain('left out: 12, the same as another or a labelled one');
    expect(stderr).toBe(
      'note: 12 of 20 chosen, as nothing else was left that is different, affordable and teaches something\n',
    );
  });
});
