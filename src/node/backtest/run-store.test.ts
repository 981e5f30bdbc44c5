import { rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { backtestRun } from '../../../test/support/backtest-pools.ts';
import { freshFolder } from '../../../test/support/command.ts';
import { directoryStore, NO_STORE } from './run-store.ts';

const folder = freshFolder('run-store');
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const run = backtestRun('random', 3, 1, [5, 10], [0.2, 0.1]);

describe('directoryStore', () => {
  it('gives back what was saved, NaN included, and null for what was not', async () => {
    const store = directoryStore(join(folder, 'a'));
    await store.open('f');
    expect(await store.find(run)).toBeNull();
    const point = { ...run.curve[0]!, energy: { mae: Number.NaN, rmse: 0.1 } };
    const saved = { ...run, curve: [point, run.curve[1]!] };
    await store.save(saved);
    expect(await store.find(run)).toEqual(saved);
    expect(await store.find({ ...run, run: 2 })).toBeNull();
    expect(await readdir(join(folder, 'a', 'runs'))).toEqual(['fingerprint', 'random-3-1.json']);
  });

  it('refuses runs of another back-test', async () => {
    const path = join(folder, 'b');
    await directoryStore(path).open('one');
    await directoryStore(path).open('one');
    await expect(directoryStore(path).open('two')).rejects.toThrow('runs of the same data and settings, got others');
  });

  it('says which file is damaged', async () => {
    const store = directoryStore(join(folder, 'c'));
    await store.open('f');
    writeFileSync(join(folder, 'c', 'runs', 'random-3-1.json'), '{"strategy": "ran');
    await expect(store.find(run)).rejects.toThrow(/run ".*random-3-1.json" must be JSON; remove the file and repeat/);
  });

  it('fails where it may not write', async () => {
    writeFileSync(join(folder, 'file'), '');
    await expect(directoryStore(join(folder, 'file')).open('f')).rejects.toThrow('folder');
  });
});

describe('NO_STORE', () => {
  it('keeps nothing', async () => {
    await NO_STORE.open('f');
    await NO_STORE.save(run);
    expect(await NO_STORE.find(run)).toBeNull();
  });
});
