/** The loop on real density functional theory: the example for pw.x, run as a person runs it. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseExtxyzText } from '../../src/formats/extxyz.ts';
import { openState } from '../../src/loop/replay.ts';
import type { LoopState } from '../../src/loop/state.ts';
import { orderedLabels } from '../../src/loop/state.ts';
import type { StatusReport } from '../../src/loop/status.ts';
import { openStore } from '../../src/node/store/store.ts';
import { endEngines, enginesOf } from '../support/processes.ts';
import { type Ended, querent, querentJson } from '../support/program.ts';
import { attemptsIn, describeWithPw } from './pw.ts';

const RUN_FILE = 'examples/silicon-qe/run.yaml';
/** Assessment labels that judge a model of the example. */
const JUDGES = 12;

describeWithPw('silicon learned from pw.x', () => {
  let directory: string;
  let run: Ended;
  let status: StatusReport;
  let state: LoopState;

  beforeAll(async () => {
    directory = join(mkdtempSync(join(tmpdir(), 'querent-learning-')), 'run');
    run = await querent(['run', RUN_FILE, '--directory', directory]);
    if (run.code === 0) status = await querentJson('status', directory);
    const store = openStore(join(directory, 'store.sqlite'), { readOnly: true });
    state = openState(store);
    store.close();
  });
  afterAll(() => {
    endEngines(directory);
    rmSync(join(directory, '..'), { recursive: true, force: true });
  });

  it('ends because the criteria are met, after three refits at least', () => {
    expect(run.code, run.stderr + run.stdout).toBe(0);
    expect(run.stdout).toContain('Done: all criteria met in 2 consecutive rounds.');
    expect(status).toMatchObject({ phase: 'stopped', stopped: 'converged' });
    expect(status.reason).toBe('all criteria met in 2 consecutive rounds');
    expect(status.iteration).toBeGreaterThanOrEqual(3);
    // Every fit knew more labels than the one before.
    const fits = state.rounds.map(({ model }) => model!.structures);
    expect(fits.length).toBeGreaterThanOrEqual(4);
    expect(fits).toEqual([...new Set(fits)].sort((a, b) => a - b));
    for (const round of fits.keys())
      expect(existsSync(join(directory, `models/round-0${round}.model`)), `model of round ${round}`).toBe(true);
    expect(status.criteria.map(({ name, met }) => [name, met])).toEqual(
      ['energyMae', 'forceRmse', 'forceEce', 'energyEce', 'forceWorst', 'energyWorst'].map((name) => [name, true]),
    );
  });

  it('asked for a dozen training labels and more, and ten that judge', () => {
    const { training, assessment } = status.labels;
    expect(training.done).toBeGreaterThanOrEqual(12);
    expect(assessment.done).toBeGreaterThanOrEqual(JUDGES);
    for (const { queued, running, failed, rejected } of [training, assessment])
      expect([queued, running, failed, rejected]).toEqual([0, 0, 0, 0]);
    // Walkers found what was asked for after the first round; which has no walkers to ask.
    const asked = orderedLabels(state, 'training').map(({ round, origin }) => (round === 0 ? 'seed' : origin.kind));
    expect(new Set(asked.slice(4))).toEqual(new Set(['exploration']));
  });

  it('made smaller errors than at first, on the same labels', async () => {
    const judged = (round: number): Record<string, number> =>
      Object.fromEntries(state.rounds[round]!.assessed!.criteria.map(({ name, upper }) => [name, upper!]));
    const last = state.rounds.length - 1;
    expect(judged(last).energyMae).toBeLessThan(judged(0).energyMae!);
    expect(judged(last).forceRmse).toBeLessThan(judged(0).forceRmse!);
    // Each round is judged by other labels: the first and the last model on those that judged the last.
    const frames = `${join(directory, 'labelled.extxyz')}@-${JUDGES}:`;
    const [first, final] = await Promise.all(
      [0, last].map((round) =>
        querentJson<{ n: { structures: number }; energy: { mae: number }; forces: { rmse: number } }>(
          ...['evaluate', join(directory, `models/round-0${round}.model`), frames],
        ),
      ),
    );
    expect(final!.n.structures).toBe(JUDGES);
    expect(final!.energy.mae).toBeLessThan(first!.energy.mae);
    expect(final!.forces.rmse).toBeLessThan(first!.forces.rmse);
  });

  it('explains a label: why it was asked, what went in, what came out, what computed it', async () => {
    const chosen = orderedLabels(state, 'training').at(-1)!;
    const text = (await querent(['explain', directory, chosen.id])).stdout;
    expect(text).toContain(`${chosen.id}: training label of round ${chosen.round}, done`);
    expect(text).toMatch(/from {4}exploration, \d+ K walker /);
    expect(text).toMatch(/chosen {2}.*largest information gain.*; \d of \d from \d+ candidates\n +gain [\d.]+\n/);
    expect(text).toMatch(/input {3}Si8, cell 1\d\d\.\d\d Å³\n/);
    expect(text).toMatch(/output {2}energy -8\d\d\.\d+ eV, largest force [\d.]+ eV\/Å, [\d.]+ s\n/);
    expect(text).toMatch(/by {6}quantum-espresso \S+, \{"ecutwfc":25,.*"mesh":\[2,2,2\]/);
    expect(text).toMatch(/Si\.pz-vbc\.UPF sha256 [0-9a-f]{64}\n/);
    expect(text).toMatch(/files {3}labels\/\S+\/attempt-0: .*pw\.in .*result\.json .*stdout\.txt/);
    expect(text).toContain(`teaches the models since round ${chosen.round}`);
    const data = await querentJson<Record<string, never>>('explain', directory, chosen.id);
    expect(data).toMatchObject({
      input: { species: new Array(8).fill('Si'), pbc: [true, true, true] },
      output: { energy: chosen.energy, netForce: expect.any(Number) },
      fingerprint: { settings: { ecutwfc: 25 } },
    });
  });

  it('left every label on disk, with its input and output, and none of the wave functions', () => {
    const labels = Object.values(state.labels);
    expect(attemptsIn(directory)).toHaveLength(labels.length);
    for (const { directory: place } of labels) {
      const files = readdirSync(join(directory, place!));
      expect(files).toEqual(expect.arrayContaining(['pw.in', 'stdout.txt', 'exit-code', 'result.json', 'out']));
      expect(readdirSync(join(directory, place!, 'out'))).toEqual(['pw.xml']);
    }
    const frames = parseExtxyzText(readFileSync(join(directory, 'labelled.extxyz'), 'utf8'), 'labelled.extxyz');
    expect(frames.map(({ frame }) => frame.info.querent_id)).toEqual(
      [...orderedLabels(state, 'training'), ...orderedLabels(state, 'assessment')].map(({ id }) => id),
    );
    for (const { frame } of frames) {
      expect(frame.labels.energy).toBeLessThan(-850);
      expect(frame.labels.forces).toHaveLength(24);
      expect(frame.labels.virial).toHaveLength(6);
    }
    expect(enginesOf(directory), 'processes left over').toEqual([]);
  });

  it('does nothing when it is asked for once more', async () => {
    const again = await querent(['run', RUN_FILE, '--directory', directory, '--json']);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect(JSON.parse(again.stdout).stateHash).toBe(status.stateHash);
  });

  it('has a reference whose forces and stress follow its energy', async () => {
    const { code, stdout: out } = await querent(['doctor', '--reference', RUN_FILE]);
    expect(code, out).toBe(0);
    expect(out).toContain('Forces and stress follow the energy.');
  });
});
