/** A run with a real engine that is killed with SIGKILL again and again. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openState } from '../../src/loop/replay.ts';
import type { StatusReport } from '../../src/loop/status.ts';
import { openStore } from '../../src/node/store/store.ts';
import { killedAgainAndAgain } from '../support/kills.ts';
import { endEngines, enginesOf } from '../support/processes.ts';
import { querent, querentJson } from '../support/program.ts';
import { attemptsIn, describeWithPw, smallRunFile } from './pw.ts';

/** More by hand: QUERENT_KILLS=25. */
const KILLS = Number(process.env.QUERENT_KILLS ?? 7);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-kill-'));
});
afterEach(() => {
  endEngines(folder);
  rmSync(folder, { recursive: true, force: true });
});

/** Starts pw.x and keeps a list of the labels whose calculation it began and ended. */
function writeLogger(): string {
  const script = join(folder, 'logger.sh');
  writeFileSync(
    script,
    `id=$(basename "$(dirname "$PWD")")
echo "began $id" >> ${folder}/log
pw.x "$@"
code=$?
echo "ended $id" >> ${folder}/log
exit $code
`,
  );
  return `[sh, ${script}]`;
}

/** How often each label's calculation came to its end. */
function endings(): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of readFileSync(join(folder, 'log'), 'utf8').trim().split('\n')) {
    const [what, id] = line.split(' ') as [string, string];
    if (what === 'ended') counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return counts;
}

describeWithPw('a run with pw.x that is killed again and again', () => {
  it(`ends in the same state after ${KILLS} kills, computes no label twice, and leaves no engine behind`, async () => {
    // A third of a round between two kills, in labels long enough for kills to meet pw.x at work.
    const rounds = Math.max(2, Math.ceil(KILLS / 3));
    const sections = {
      ...{ start: '{count: 3}', acquisition: '{batch: 2}', budget: `{labels: ${1 + 2 * rounds}, rounds: ${rounds}}` },
      stopping: '{energyMae: 0.00001, forceRmse: 0.2, forceEce: 0.4, energyEce: 0.5, brokenWalkers: 0.5}',
    };
    const heavier = (command?: string): string => smallRunFile(sections, command).replace('ecutwfc: 12', 'ecutwfc: 25');
    writeFileSync(join(folder, 'whole.yaml'), heavier());
    const whole = await querent(['run', join(folder, 'whole.yaml'), '--directory', join(folder, 'whole'), '--json']);
    expect([0, 3], whole.stderr).toContain(whole.code);
    const expected = JSON.parse(whole.stdout) as StatusReport;

    const directory = join(folder, 'killed');
    const runFile = join(folder, 'killed.yaml');
    writeFileSync(runFile, heavier(writeLogger()));
    const { last, kills } = await killedAgainAndAgain(['run', runFile, '--directory', directory], {
      ...{ kills: KILLS, seed: 5, pause: 0.4, whole: whole.seconds },
    });
    expect(kills, 'killed before it ended').toBeGreaterThanOrEqual(Math.min(KILLS, 5));
    expect(last.code, last.stderr).toBe(whole.code);

    const status = await querentJson<StatusReport>('status', directory);
    expect(status.stateHash).toBe(expected.stateHash);
    expect(status.labels).toEqual(expected.labels);
    expect(enginesOf(folder), 'processes left over').toEqual([]);

    // Once a calculation was complete, its label was taken from there: each ended exactly once, with one result.
    const store = openStore(join(directory, 'store.sqlite'), { readOnly: true });
    const { labels } = openState(store);
    const finished = store.events().filter(({ type }) => type === 'label-done');
    store.close();
    expect([...endings().keys()].sort()).toEqual(Object.keys(labels).sort());
    expect([...endings().values()].filter((count) => count !== 1)).toEqual([]);
    expect(finished).toHaveLength(Object.keys(labels).length);
    const results = attemptsIn(directory).map((path) => JSON.parse(readFileSync(join(path, 'result.json'), 'utf8')));
    expect(results.map(({ result }) => result.status)).toEqual(new Array(finished.length).fill('done'));
    expect(readFileSync(join(directory, 'labelled.extxyz'), 'utf8')).toBe(
      readFileSync(join(folder, 'whole', 'labelled.extxyz'), 'utf8'),
    );
  });
});
