import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { event, pool } from '../../../test/support/events.ts';
import { asked, begun, commandLine, FIRST_ROUND, judgedModel, labelled, writeRun } from '../../../test/support/runs.ts';
import type { StatusReport } from '../../loop/status.ts';
import { thisProcess } from '../../node/store/lock.ts';
import { openStore } from '../../node/store/store.ts';
import type { RunEvent } from '../../protocol/events.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-status-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Text and JSON of the status of a run with these events. */
async function statusAfter(events: readonly RunEvent[]): Promise<{ text: string; status: StatusReport }> {
  writeRun(join(folder, 'run'), events);
  const text = await commandLine(folder, ['status', 'run']);
  const json = await commandLine(folder, ['status', 'run', '--json']);
  expect([text.code, text.err, json.code, json.err]).toEqual([0, '', 0, '']);
  return { text: text.out, status: JSON.parse(json.out) as StatusReport };
}

describe('status', () => {
  it('says what is done, what is under way and what went wrong', async () => {
    const { text, status } = await statusAfter(FIRST_ROUND);
    expect(text.split('\n').slice(0, 6)).toEqual([
      'demo: exploring, round 0',
      'training    1 done, 1 failed, 1 rejected  (3 of 10 asked)',
      'assessment  1 done',
      'reference   66 s of computing',
      'failed      timeout 1',
      'rejected    overlap 1',
    ]);
    expect(text).toContain('not met  energy MAE');
    expect(text).toContain('binding: energy MAE, at 250.0 % of its tolerance');
    expect(text).toContain('latest model: run/models/round-00.model');
    expect(status).toMatchObject({
      ...{ name: 'demo', phase: 'exploring', iteration: 0, stopped: null, cost: 66 },
      ...{ failures: { timeout: 1 }, rejections: { overlap: 1 }, binding: { name: 'energyMae', ratio: 2.5 } },
      budget: { spent: 3, labels: 10, rounds: 4 },
      curve: [{ round: 0, labels: 1, frames: 1, criteria: { energyMae: { value: 0.0025, upper: 0.005 } } }],
      reason: 'the energy MAE is too large',
    });
  });

  it('orders the reasons of failures by how frequent they are', async () => {
    const fails = (ids: string[], reason: string): RunEvent[] =>
      ids.map((id) => event('label-failed', { id, reason, message: '', cost: 1 }));
    const { text, status } = await statusAfter([
      ...[begun, pool, asked(0, ['a', 'b', 'c', 'd'])],
      ...[...fails(['a'], 'scf'), ...fails(['b', 'c'], 'timeout'), ...fails(['d'], 'crash')],
    ]);
    expect(text).toContain('failed      timeout 2, crash 1, scf 1\n');
    expect(status.failures).toEqual({ timeout: 2, crash: 1, scf: 1 });
    expect(text).not.toContain('rejected');
  });

  it('tells before anything is judged that nothing is', async () => {
    const { text, status } = await statusAfter([begun, pool, asked(0, ['a', 'b']), labelled('a')]);
    expect(text).toContain('demo: labelling, round 0\ntraining    1 done, 1 queued  (2 of 10 asked)');
    expect(text).toContain('nothing is judged yet');
    expect(status).toMatchObject({ criteria: [], curve: [], binding: null, assessedRound: null });
  });

  it('shows the curve round by round, and which round the criteria are of', async () => {
    const { text, status } = await statusAfter([
      ...FIRST_ROUND,
      event('explored', { round: 1, pool: 'c'.repeat(64), size: 40, walkers: [] }),
      ...[asked(1, ['ccc4']), labelled('ccc4'), ...judgedModel(1, 0.001, 2)],
      event('explored', { round: 2, pool: 'd'.repeat(64), size: 40, walkers: [] }),
    ]);
    expect(status).toMatchObject({ phase: 'selecting', iteration: 2, assessedRound: 1 });
    expect(status.curve.map(({ round, labels }) => [round, labels])).toEqual([
      [0, 1],
      [1, 2],
    ]);
    expect(text).toContain('\nround 1:\n');
    expect(text).toMatch(/\n +0 +1 +1 +2\.50 .*\n +1 +2 +1 +0\.500 /);
  });

  it('says why a run has stopped or waits', async () => {
    const stop = event('stopped', { outcome: 'budget', limit: 'labels', message: 'all 10 training labels are spent' });
    const { text, status } = await statusAfter([...FIRST_ROUND, stop]);
    expect(text).toMatch(/^demo: stopped, round 0\n/);
    expect(text).toContain('\nall 10 training labels are spent\n');
    expect(status).toMatchObject({ phase: 'stopped', stopped: 'budget', reason: 'all 10 training labels are spent' });
    rmSync(join(folder, 'run'), { recursive: true });
    const pause = event('paused', { cause: 'failures', message: '5 of the last 8 failed' });
    const paused = await statusAfter([...FIRST_ROUND, pause]);
    expect(paused.text).toMatch(/^demo: paused, round 0\n/);
    expect(paused.text).toContain('\n5 of the last 8 failed\n');
  });

  it('says who is running it', async () => {
    writeRun(join(folder, 'run'), FIRST_ROUND);
    const store = openStore(join(folder, 'run', 'store.sqlite'));
    store.hold();
    const { out } = await commandLine(folder, ['status', 'run']);
    store.close();
    const { pid, host } = thisProcess();
    expect(out.split('\n')[0]).toBe(`demo: exploring, round 0 (process ${pid} on ${host} is running it)`);
    expect((await commandLine(folder, ['status', 'run'])).out.split('\n')[0]).toBe('demo: exploring, round 0');
  });
});
