import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Structure } from '../../core/structure/structure.ts';
import type { LabelResult } from '../../reference/reference.ts';
import {
  createAttempt,
  isOfThisBoot,
  listAttempts,
  readOutputs,
  readResult,
  removeAttempt,
  writeResult,
} from './attempts.ts';

let folder: string;
beforeEach(() => {
  folder = join(mkdtempSync(join(tmpdir(), 'querent-attempts-')), 'labels', 'id');
});
afterEach(() => rmSync(join(folder, '..', '..'), { recursive: true, force: true }));

const structure: Structure = {
  positions: new Float64Array(6),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(1, 1),
};
const request = { id: 'id', attempt: 0, identity: 'x' };
const done: LabelResult = {
  status: 'done',
  energy: -1.1 / 3,
  internalEnergy: null,
  forces: Float64Array.of(0.1, 1e-300, 0.3, -0.1, 1 / 3, -0.3),
  virial: Float64Array.of(1, 2, 3, 4, 5, 6),
  netForce: 0,
  cost: 2.5,
  fingerprint: { code: 'c', settings: '{}', files: { a: 'b' } },
};

describe('attempt directories', () => {
  it('are numbered, hold the prepared files and say what they are', async () => {
    const first = await createAttempt(
      folder,
      request,
      new Map([
        ['in.txt', 'hello'],
        ['sub/x', 'y'],
      ]),
    );
    const second = await createAttempt(folder, { ...request, attempt: 1 }, new Map());
    expect(readdirSync(folder)).toEqual(['attempt-0', 'attempt-1']);
    expect(readOutputs(first, ['in.txt', 'sub/x', 'missing'])).toEqual(
      new Map([
        ['in.txt', 'hello'],
        ['sub/x', 'y'],
      ]),
    );
    expect(second.record).toMatchObject({ version: 1, id: 'id', attempt: 1, identity: 'x', host: hostname() });
    expect(listAttempts(folder)).toEqual([first, second]);
    expect(isOfThisBoot(first.record)).toBe(true);
    expect(isOfThisBoot({ ...first.record, host: 'elsewhere' })).toBe(false);
    removeAttempt(first);
    expect(listAttempts(folder)).toEqual([second]);
    expect(listAttempts(join(folder, 'absent'))).toEqual([]);
  });

  it('never take the name of one that was begun, however many there are', async () => {
    mkdirSync(join(folder, 'attempt-9'), { recursive: true });
    expect((await createAttempt(folder, request, new Map())).path).toMatch(/attempt-10$/);
    const paths = [];
    for (let k = 0; k < 3; k++) paths.push((await createAttempt(folder, request, new Map())).path);
    expect(listAttempts(folder).map(({ path }) => path.slice(-2))).toEqual(['10', '11', '12', '13']);
  });

  it('are there with all their files or not at all, and what a killed process was preparing is removed', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    mkdirSync(join(folder, `.attempt.${dead}.3.tmp`), { recursive: true });
    writeFileSync(join(folder, `.attempt.${dead}.3.tmp`, 'in.txt'), 'half');
    const living = `.attempt.${process.ppid}.1.tmp`;
    mkdirSync(join(folder, living));
    const files = new Map([['in.txt', 'whole']]);
    const attempts = await Promise.all([1, 2, 3, 4].map(() => createAttempt(folder, request, files)));
    expect(attempts.map(({ path }) => path.slice(-9)).sort()).toEqual([0, 1, 2, 3].map((n) => `attempt-${n}`));
    for (const { path } of attempts) expect(readdirSync(path).sort()).toEqual(['attempt.json', 'in.txt']);
    await expect(createAttempt(folder, request, new Map([['not\0a name', '']]))).rejects.toThrow();
    expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([living]);
    expect(listAttempts(folder)).toHaveLength(4);
  });

  it.each<LabelResult>([
    done,
    { ...done, virial: null },
    { status: 'failed', reason: 'scf', message: 'm', cost: 1 },
    { status: 'rejected', reason: 'force', message: 'm', cost: 1 },
  ])('give back a result to the last bit: %o', async (result) => {
    const attempt = await createAttempt(folder, request, new Map());
    expect(readResult(attempt, structure)).toBeNull();
    await writeResult(attempt, result);
    expect(readResult(attempt, structure)).toEqual(result);
    expect(readdirSync(attempt.path).sort()).toEqual(['attempt.json', 'result.json']);
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ['cut', (text) => text.slice(0, 100), /must be JSON/],
    ['without version', (text) => text.replace('"version":1,', ''), /must have a version/],
    [
      'of a newer program',
      (text) => text.replace('"version":1', '"version":2'),
      /version 1 or older, got 2; a newer program/,
    ],
    ['of another structure', (text) => text.replace('"id":"id"', '"id":"di"'), /result of id, got di/],
    ['with too few forces', (text) => text.replace('[0.1,', '['), /6 finite numbers as forces/],
    ['with a force lost', (text) => text.replace('[0.1,', '[null,'), /6 finite numbers as forces/],
    ['without energy', (text) => text.replace('"energy"', '"emergy"'), /finite energy/],
    ['of unknown fate', (text) => text.replace('"done"', '"gone"'), /done, failed or rejected, got gone/],
    ['without result', (text) => text.replace('"result"', '"resolt"'), /a result, got none/],
  ])('refuse a result file that is %s', async (_, damage, message) => {
    const attempt = await createAttempt(folder, request, new Map());
    await writeResult(attempt, done);
    const path = join(attempt.path, 'result.json');
    writeFileSync(path, damage(readFileSync(path, 'utf8')));
    expect(() => readResult(attempt, structure)).toThrow(message);
  });
});
