/** What goes wrong with a real pw.x inside a running loop, and what the run makes of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LoopState } from '../../src/loop/state.ts';
import { orderedLabels } from '../../src/loop/state.ts';
import type { StatusReport } from '../../src/loop/status.ts';
import { openState } from '../../src/loop/replay.ts';
import { openStore } from '../../src/node/store/store.ts';
import { endEngines, enginesOf } from '../support/processes.ts';
import { querent, querentJson } from '../support/program.ts';
import { attemptsIn, describeWithPw, smallRunFile } from './pw.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-failures-'));
});
afterEach(() => {
  const left = endEngines(folder);
  rmSync(folder, { recursive: true, force: true });
  expect(left, 'processes left over').toEqual([]);
});

/**
 * Writes a script to start pw.x with, which sabotages the n-th structure that it sees (from 1) by the shell command of
 * that number; `$again` is set when it sees a structure for the second time.
 */
function writeSaboteur(sabotage: Readonly<Record<number, string>>): void {
  const cases = Object.entries(sabotage).map(([n, command]) => `${n}) ${command} ;;`);
  writeFileSync(
    join(folder, 'saboteur.sh'),
    `id=$(basename "$(dirname "$PWD")")
seen=${folder}/seen
touch "$seen"
again=
if grep -qx "$id" "$seen"; then again=yes; else echo "$id" >> "$seen"; fi
case $(grep -nx "$id" "$seen" | cut -d: -f1) in
${cases.join('\n')}
esac
exec pw.x "$@"
`,
  );
}

const saboteur = (): string => `[sh, ${folder}/saboteur.sh]`;
const impatient = `sed -i 's/electron_maxstep = .*/electron_maxstep = 2/' pw.in`;
const crash = `pw.x "$@" & sleep 0.02; kill -s SEGV $!; wait $!; exit $?`;

function stateOf(directory: string): LoopState {
  const store = openStore(join(directory, 'store.sqlite'), { readOnly: true });
  const state = openState(store);
  store.close();
  return state;
}

describeWithPw('a run with pw.x', () => {
  it('puts what fails aside with its reason, and goes on', async () => {
    const directory = join(folder, 'run');
    const runFile = join(folder, 'run.yaml');
    writeSaboteur({
      1: `[ "$again" ] || ${impatient}`,
      2: impatient,
      4: crash,
      6: 'exec sleep 600',
    });
    const reference = /reference: (.*)}\n/.exec(smallRunFile({}, saboteur()))![1]!;
    writeFileSync(
      runFile,
      smallRunFile({
        // Of the pairs that are pushed together none is as far apart as this gate wants; the others are.
        reference: `${reference}, gates: {minimumDistance: 2.05}}`,
        start: '{count: 6, shortDistance: 1}',
        execution: '{concurrency: 1, timeout: 8}',
        budget: '{labels: 12, rounds: 3}',
      }),
    );
    const run = await querent(['run', runFile, '--directory', directory]);
    expect([0, 3], run.stderr).toContain(run.code);

    const status = await querentJson<StatusReport>('status', directory);
    expect(status.failures).toEqual({ crash: 1, scf: 1, timeout: 1 });
    expect(status.rejections).toEqual({ overlap: 1 });
    expect(status.labels.training).toMatchObject({ failed: 2, rejected: 1, queued: 0, running: 0 });
    expect(status.iteration).toBeGreaterThanOrEqual(1);
    const text = (await querent(['status', directory])).stdout;
    expect(text).toMatch(/failed {6}crash 1, scf 1, timeout 1\nrejected {4}overlap 1\n/);

    const seen = readFileSync(join(folder, 'seen'), 'utf8').trim().split('\n');
    const { labels, rounds } = stateOf(directory);
    const label = (n: number) => labels[seen[n - 1]!]!;
    expect(label(1)).toMatchObject({ status: 'done', attempt: 1 });
    expect(label(2)).toMatchObject({
      ...{ status: 'failed', reason: 'scf', attempt: 1, result: null },
      message: expect.stringMatching(/self-consistency|not reached|convergence/i),
    });
    expect(label(4)).toMatchObject({ status: 'failed', reason: 'crash', message: expect.stringMatching(/SIGSEGV/) });
    expect(label(6)).toMatchObject({
      status: 'failed',
      reason: 'timeout',
      message: expect.stringMatching(/stopped after 8\.\d s, the time limit/),
    });
    const rejected = Object.values(labels).find(({ status: is }) => is === 'rejected')!;
    expect(rejected).toMatchObject({ reason: 'overlap', directory: null, cost: 0 });
    expect(rejected.message).toMatch(/must be at least 2\.050 Å apart/);
    expect(seen, 'pw.x never saw it').not.toContain(rejected.id);
    const told = (await querent(['explain', directory, label(4).id])).stdout;
    expect(told).toMatch(/^[0-9a-f]{32}: \w+ label of round 0, failed \(crash\)\n/);

    // Attempts that failed are kept for whoever wants to know; the one after scf was gentler.
    const tries = attemptsIn(directory).filter((path) => path.includes(label(2).id));
    expect(tries).toHaveLength(2);
    expect(readFileSync(join(tries.sort()[1]!, 'pw.in'), 'utf8')).toContain('mixing_beta = 0.35');
    // The models know what was labelled, and nothing else.
    expect(rounds[0]!.model!.structures).toBe(
      orderedLabels(stateOf(directory), 'training').filter((one) => one.round === 0 && one.status === 'done').length,
    );
    expect(rounds[0]!.model!.structures).toBeLessThan(6);
    expect(run.stderr).toMatch(/label [0-9a-f]+ is tried again \(scf\)/);
    expect(run.stderr).toMatch(/label [0-9a-f]+ failed \(timeout\)/);
  });

  it('pauses with exit code 4 when more than a fifth fail; repaired, the same command ends as if nothing had been', async () => {
    const start = {
      ...{ start: '{count: 7}', budget: '{labels: 7, rounds: 1}', execution: '{concurrency: 1, timeout: 120}' },
    };
    const broken = join(folder, 'broken');
    writeSaboteur(Object.fromEntries([2, 3, 4, 5, 6, 7].map((n) => [n, crash])));
    writeFileSync(join(folder, 'broken.yaml'), smallRunFile(start, saboteur()));
    const paused = await querent(['run', join(folder, 'broken.yaml'), '--directory', broken]);
    expect(paused.code, paused.stderr).toBe(4);
    expect(paused.stdout).toMatch(
      /Paused: 5 of the last \d reference calculations failed: crash 5; for instance: .*SIGSEGV/,
    );
    const status = await querentJson<StatusReport>('status', broken);
    expect(status).toMatchObject({ phase: 'paused', failures: { crash: 5 } });
    expect(enginesOf(broken)).toEqual([]);

    writeSaboteur({});
    const repaired = await querent(['run', join(folder, 'broken.yaml'), '--directory', broken, '--json']);
    expect(repaired.code, repaired.stderr).toBe(3);
    const whole = join(folder, 'whole');
    writeFileSync(join(folder, 'whole.yaml'), smallRunFile(start));
    const undisturbed = await querent(['run', join(folder, 'whole.yaml'), '--directory', whole, '--json']);
    expect(JSON.parse(repaired.stdout)).toMatchObject({
      failures: {},
      stateHash: JSON.parse(undisturbed.stdout).stateHash,
    });
    // What had been labelled before was not computed again.
    const { labels } = stateOf(broken);
    const computedTwice = Object.values(labels).filter(
      ({ id }) => attemptsIn(broken).filter((path) => path.includes(id)).length > 1,
    );
    expect(computedTwice.length).toBe(5);
  });
});
