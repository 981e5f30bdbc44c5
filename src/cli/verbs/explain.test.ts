import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { event, ORIGIN } from '../../../test/support/events.ts';
import {
  asked,
  begun,
  commandLine,
  drawn,
  FIRST_ROUND,
  judgedModel,
  labelled,
  RESULT,
  STRUCTURE,
  writeRun,
} from '../../../test/support/runs.ts';
import { EXIT } from '../errors.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-explain-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const explain = async (...argv: string[]): Promise<string> => {
  const { code, out, err } = await commandLine(folder, ['explain', 'run', ...argv]);
  expect([code, err]).toEqual([EXIT.done, '']);
  return out;
};

/** A second round whose label a walker found. */
const SECOND_ROUND = [
  ...FIRST_ROUND,
  event('explored', { round: 1, pool: RESULT.id, size: 40, walkers: [] }),
  asked(1, ['ccc4'], {
    ...{ kind: 'exploration', round: 1, walker: 2, step: 60, temperature: 871.2, signals: { forceSigma: 0.31 } },
    reason: '871 K walker left the trust region',
  }),
  event('label-queued', { id: 'ccc4', reason: 'scf', message: 'not converged', cost: 4 }),
  ...[labelled('ccc4'), ...judgedModel(1, 0.0015, 2)],
];

describe('a label', () => {
  it('tells where it came from, why it was chosen, and what came out', async () => {
    writeRun(join(folder, 'run'), SECOND_ROUND);
    expect(await explain('cc')).toBe(
      [
        'ccc4: training label of round 1, done',
        '  from    exploration, 871 K walker left the trust region',
        '          walker 2 at step 60, 871 K',
        '  trust   forceSigma 0.310',
        '  chosen  largest information gain; 1 of 1 from 40 candidates',
        '          gain 3.25',
        '  input   Si2, cell 40.03 Å³',
        '  output  energy -8.5000000 eV, largest force 5.00 eV/Å, 7.0 s',
        '  tried   1 time before',
        '  by      some code 1, {"ecutwfc":25}',
        '          Si.UPF sha256 ab12',
        '  teaches the models since round 1',
        '',
      ].join('\n'),
    );
    expect(JSON.parse(await explain('ccc4', '--json'))).toMatchObject({
      ...{ id: 'ccc4', role: 'training', round: 1, status: 'done', retries: 1, taughtSince: 1, files: [] },
      input: {
        species: ['Si', 'Si'],
        pbc: [true, true, true],
        cell: [0, 2.715, 2.715, 2.715, 0, 2.715, 2.715, 2.715, 0],
      },
      output: { energy: -8.5, forces: [3, 0, 4, -3, 0, -4], virial: null, netForce: 0.001 },
      fingerprint: { code: 'some code 1', settings: { ecutwfc: 25 }, files: { 'Si.UPF': 'ab12' } },
    });
  });

  it('lists the files of its calculation, or says that somebody removed them', async () => {
    writeRun(join(folder, 'run'), SECOND_ROUND);
    expect(await explain('aaa')).toContain('  files   labels/aaa1/attempt-0: removed\n');
    mkdirSync(join(folder, 'run/labels/aaa1/attempt-0'), { recursive: true });
    for (const name of ['stdout.txt', 'pw.in']) writeFileSync(join(folder, 'run/labels/aaa1/attempt-0', name), '');
    expect(await explain('aaa')).toContain('  files   labels/aaa1/attempt-0: pw.in stdout.txt\n');
    expect(JSON.parse(await explain('aaa', '--json')).files).toEqual(['pw.in', 'stdout.txt']);
  });

  it('that failed or was rejected says so, has an input and no output', async () => {
    writeRun(join(folder, 'run'), FIRST_ROUND);
    const failed = await explain('aab');
    expect(failed).toMatch(/^aab2: training label of round 0, failed \(timeout\)\n/);
    expect(failed).toContain('  said    stopped after 60 s, the time limit\n');
    expect(failed).toContain('  input   Si2');
    expect(failed).not.toMatch(/output|by {6}|teaches/);
    expect(await explain('bbb')).toMatch(/^bbb3: training label of round 0, rejected \(overlap\)\n/);
    expect(JSON.parse(await explain('bbb', '--json'))).toMatchObject({ output: null, fingerprint: null, energy: null });
  });

  it('that judges was not chosen, and may be the last trusted frame of a walker', async () => {
    const censored = { censored: true, walker: 1, step: 20, temperature: 600, reason: 'broke at step 30' };
    writeRun(join(folder, 'run'), [...FIRST_ROUND.slice(0, 6), drawn(0, ['ddd5'], censored)]);
    const text = await explain('ddd5');
    expect(text).toContain('ddd5: assessment label of round 0, queued');
    expect(text).toContain('walker 1 at step 20, 600 K; the last trusted frame of a walker that broke');
    expect(text).toContain(
      'drawn from the conditions without looking at uncertainty; it judges and never teaches; 1 of 1',
    );
    expect(text).not.toContain('gain');
  });

  it('that was withdrawn teaches nothing any more', async () => {
    writeRun(join(folder, 'run'), [...FIRST_ROUND, event('label-withdrawn', { id: 'aaa1', reason: 'odd' })]);
    const text = await explain('aaa1');
    expect(text).toMatch(/^aaa1: training label of round 0, withdrawn\n/);
    expect(text).not.toContain('teaches');
  });

  it('taken over from another run carries the fingerprint of that one', async () => {
    const fingerprint = { code: 'older code', settings: '{}', files: {} };
    const label = { id: 'eee6', structure: STRUCTURE.id, origin: ORIGIN, result: RESULT.id, fingerprint };
    writeRun(join(folder, 'run'), [event('labels-imported', { from: 'old', labels: [label] }), begun]);
    expect(await explain('eee6')).toContain('  by      older code, {}\n');
  });

  it('must be named by an id or the beginning of one', async () => {
    writeRun(join(folder, 'run'), FIRST_ROUND);
    for (const [id, message] of [
      ['aa', 'got "aa", which begins 2 ids'],
      ['zz', 'got "zz", which names none'],
    ] as const) {
      const { code, err } = await commandLine(folder, ['explain', 'run', id]);
      expect([code, err]).toEqual([EXIT.error, `error: Label id must name one label, ${message}\n`]);
    }
  });
});

describe('a run', () => {
  it('says what is missing, what was spent and which labels it asked for', async () => {
    writeRun(join(folder, 'run'), FIRST_ROUND);
    const text = await explain();
    expect(text).toContain('Spent: 3 of 10 training labels, 1 of 4 rounds.');
    expect(text).toContain(
      'The model of round 0 misses 2 of 3 conditions; furthest off is the energy MAE, 2.50 times its tolerance.',
    );
    expect(text).toMatch(/aaa1 +0 +done +- +rattled\naab2 +0 +failed/);
    expect(text).toContain('querent explain run ID says all of one label.');
    expect(JSON.parse(await explain('--json'))).toMatchObject({
      ...{ stopped: false, round: 0, missing: ['energyMae', 'assessment'] },
      binding: { name: 'energyMae', ratio: 2.5 },
    });
  });

  it('that met everything once says how often it must', async () => {
    writeRun(join(folder, 'run'), SECOND_ROUND);
    const text = await explain();
    expect(text).toContain('Everything was met in round 1; it must be met in 2 rounds in a row (now 0).');
    expect(text).not.toContain('misses');
  });

  it('that stopped says why and how to go on', async () => {
    const stop = event('stopped', { outcome: 'budget', limit: 'rounds', message: 'all 4 rounds are done' });
    writeRun(join(folder, 'run'), [...FIRST_ROUND, stop]);
    const text = await explain();
    expect(text).toContain('It stopped: all 4 rounds are done.');
    expect(text).toContain('for instance --set budget.rounds=…');
  });

  it('that has no model yet says so', async () => {
    writeRun(join(folder, 'run'), FIRST_ROUND.slice(0, 3));
    expect(await explain()).toContain('No model has been judged yet.');
    expect(JSON.parse(await explain('--json'))).toMatchObject({ round: null, binding: null, criteria: [] });
  });

  it('shows what the guards of its walkers decided', async () => {
    const data = {
      walker: 1,
      step: 40,
      time: 80,
      state: 'broken',
      action: 'stop',
      reason: 'force sigma 0.6 above 0.5',
    };
    writeRun(join(folder, 'run'), FIRST_ROUND, [
      { kind: 'phase', round: 0, data: { phase: 'fit', seconds: 1 } },
      { kind: 'decision', round: 1, data },
    ]);
    expect(await explain('--decisions')).toMatch(/ 1 +1 +40 +80\.0 +broken +stop +force sigma 0\.6 above 0\.5\n/);
    expect(JSON.parse(await explain('--decisions', '--json'))).toEqual([{ round: 1, ...data }]);
  });
});
