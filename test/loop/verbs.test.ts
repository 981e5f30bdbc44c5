import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseExtxyzText } from '../../src/formats/extxyz.ts';
import { FrameReader } from '../../src/loop/frames.ts';
import { openState, replay } from '../../src/loop/replay.ts';
import { stateHash } from '../../src/loop/state.ts';
import { openStore } from '../../src/node/store/store.ts';
import { commandLine } from '../support/runs.ts';
import { withFolder } from './harness.ts';

const TOY = fileURLToPath(new URL('../../examples/toy/run.yaml', import.meta.url));

/** Runs one command line in this process, from `cwd`. */
const querent = (cwd: string, ...argv: readonly string[]) => commandLine(cwd, argv);

/** Copies the toy example as a person would start from it, changed line by line. */
function writeToy(folder: string, name: string, change: (text: string) => string = (text) => text): void {
  writeFileSync(join(folder, name), change(readFileSync(TOY, 'utf8')));
}

describe('run, status and explain', () => {
  it('tell the same story of one run', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'toy.yaml');
      const run = await querent(folder, 'run', 'toy.yaml');
      expect(run.code).toBe(0);
      expect(run.out).toContain('Done: all criteria met in 2 consecutive rounds.');
      expect(run.out).toMatch(
        /LAMMPS: runs\/toy\/potential\.yace .*\n +runs\/toy\/potential\.yaml, which .*:\n(?: {10}.*\n)+next: {3}querent predict runs\/toy\/models\/round-\d\d\.model/,
      );
      // What the lines for LAMMPS name is there, and they are those of `export`.
      for (const name of ['potential.yace', 'potential.yaml', 'potential.asi'])
        expect(existsSync(join(folder, 'runs/toy', name)), name).toBe(true);
      const model = /runs\/toy\/models\/round-\d\d\.model/.exec(run.out)![0];
      const exported = await querent(folder, 'export', model, '-o', 'potential.yaml');
      const lines = exported.out.split('\n').filter((line) => line.startsWith('  '));
      expect(lines.length).toBe(11);
      for (const line of lines) expect(run.out).toContain(`        ${line}\n`);
      expect(run.err.split('\n')[0]).toMatch(/^toy: seed 1, reference sw-si, basis nmax 6,3 lmax 0,2, kernels /);

      const json = await querent(folder, 'status', 'runs/toy', '--json');
      const status = JSON.parse(json.out);
      expect(Object.keys(status)).toEqual(
        expect.arrayContaining([
          'phase',
          'iteration',
          'labels',
          'criteria',
          'preconditions',
          'cost',
          'stopped',
          'reason',
          'stateHash',
        ]),
      );
      expect(status).toMatchObject({
        phase: 'stopped',
        stopped: 'converged',
        labels: { training: { failed: 0, rejected: 0 } },
      });
      expect(status.criteria[0]).toEqual({
        name: 'energyMae',
        value: expect.any(Number),
        upper: expect.any(Number),
        tolerance: 0.001,
        met: true,
      });
      const store = openStore(join(folder, 'runs/toy/store.sqlite'), { readOnly: true });
      expect(stateHash(replay(store))).toBe(status.stateHash);
      const state = openState(store);
      store.close();

      const text = await querent(folder, 'status', 'runs/toy');
      expect(text.out).toMatch(/^toy: stopped, round \d+\ntraining {4}\d+ done {2}\(\d+ of 24 asked\)/);
      expect(text.out).toContain('latest model: runs/toy/models/round-');

      const why = await querent(folder, 'explain', 'runs/toy');
      expect(why.out).toMatch(
        /^It stopped: all criteria met in 2 consecutive rounds\.\nSpent: \d+ of 24 training labels, \d+ of 8 rounds\.\n/,
      );
      const chosen = Object.values(state.labels).find(({ role, round }) => role === 'training' && round === 1)!;
      const label = await querent(folder, 'explain', 'runs/toy', chosen.id.slice(0, 8));
      expect(label.code).toBe(0);
      expect(label.out).toMatch(
        new RegExp(`^${chosen.id}: training label of round 1, done\n {2}from {4}exploration, `),
      );
      expect(label.out).toMatch(
        /chosen .*\n.*gain [\d.]+\n {2}input {3}Si8, cell [\d.]+ Å³\n {2}output {2}energy -?[\d.]+ eV, largest force [\d.]+ eV\/Å/,
      );
      expect(label.out).toMatch(/by {6}querent sw-si 1, \{/);
      expect(label.out).toContain('teaches the models since round 1');
      const data = JSON.parse((await querent(folder, 'explain', 'runs/toy', chosen.id, '--json')).out);
      expect(data).toMatchObject({ id: chosen.id, role: 'training', taughtSince: 1, files: [] });
      expect(data.input).toMatchObject({ species: new Array(8).fill('Si'), pbc: [true, true, true] });
      expect([data.input.positions.length, data.input.cell.length, data.output.forces.length]).toEqual([24, 9, 24]);
      expect(data.output.energy).toBe(data.energy);
      expect(data.fingerprint.code).toMatch(/^querent sw-si \d+$/);
      const unknown = await querent(folder, 'explain', 'runs/toy', 'nothing');
      expect(unknown).toMatchObject({
        code: 1,
        err: 'error: Label id must name one label, got "nothing", which names none\n',
      });
    });
  });

  it('leave a directory that stands on its own', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'toy.yaml', (text) => text.replace('rounds: 8', 'rounds: 1'));
      expect((await querent(folder, 'run', 'toy.yaml', '--directory', 'run')).code).toBe(3);
      const text = readFileSync(join(folder, 'run/labelled.extxyz'), 'utf8');
      const frames = parseExtxyzText(text, 'labelled.extxyz').map((parsed) => parsed.frame);
      expect(frames.map(({ info }) => info.querent_role)).toEqual([
        ...new Array(4).fill('training'),
        ...new Array(10).fill('assessment'),
      ]);
      // The written labels are those of the store, to the last bit that the format keeps.
      const store = openStore(join(folder, 'run/store.sqlite'), { readOnly: true });
      const [first] = new FrameReader(store).usable(openState(store), 'training');
      store.close();
      expect(frames[0]!.labels.forces).toAgree(first!.labels.forces, {
        atol: 1e-12,
        why: 'written with full precision, eV/Å',
      });
      // The copy of the run file in the directory goes on with the run it belongs to.
      const on = await querent(join(folder, 'run'), 'run', 'run.yaml', '--set', 'budget.rounds=8');
      expect(on.code).toBe(0);
      expect(on.err).toContain('setting budget.rounds: 1 → 8');
      expect(existsSync(join(folder, 'run/runs'))).toBe(false);
    });
  });

  it('say how to go on after a budget, and refuse what would change the physics', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'toy.yaml', (text) =>
        text.replace('labels: 24', 'labels: 4').replace('energyMae: 0.001', 'energyMae: 0.0001'),
      );
      const spent = await querent(folder, 'run', 'toy.yaml');
      expect(spent.code).toBe(3);
      expect(spent.out).toContain('Not converged: all 4 training labels are spent.');
      expect(spent.out).toContain('To go on: querent run toy.yaml --directory runs/toy --set budget.labels=…');
      const why = await querent(folder, 'explain', 'runs/toy');
      expect(why.out).toMatch(
        /The model of round 0 misses \d of 9 conditions; furthest off is the energy MAE, [\d.]+ times its tolerance\./,
      );
      const other = await querent(folder, 'run', 'toy.yaml', '--set', 'basis.cutoff=4');
      expect(other.code).toBe(2);
      expect(other.err).toMatch(
        /basis\.cutoff: 5 → 4\nStart a new run in another directory that takes over the labels/,
      );
    });
  });
});

describe('labels of another run', () => {
  it('begin a new run with another basis, and nothing is computed twice', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'old.yaml', (text) =>
        text.replace('rounds: 8', 'rounds: 2').replace('energyMae: 0.001', 'energyMae: 0.0001'),
      );
      expect((await querent(folder, 'run', 'old.yaml', '--directory', 'old')).code).toBe(3);
      writeToy(folder, 'new.yaml', (text) =>
        text.replace('cutoff: 5.0', 'cutoff: 4.5').replace('rounds: 8', 'rounds: 1'),
      );
      const run = await querent(folder, 'run', 'new.yaml', '--directory', 'new', '--import-labels', 'old', '--json');
      expect(run.err).toContain('8 labels taken over from old');
      expect(JSON.parse(run.out)).toMatchObject({ labels: { training: { done: 8 } }, budget: { spent: 0 } });
      writeToy(folder, 'qe.yaml', (text) => text.replace('kind: sw-si', 'kind: tb-si'));
      const other = await querent(folder, 'run', 'qe.yaml', '--directory', 'qe', '--import-labels', 'old');
      expect(other.code).toBe(2);
      expect(other.err).toMatch(/labels of another reference cannot be taken over/);
    });
  });
});

describe('a manual reference', () => {
  it('lays out structures, says what to do, and takes the labels in', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'hand.yaml', (text) =>
        text.replace('kind: sw-si', 'kind: manual\n  format: poscar').replace('rounds: 8', 'rounds: 1'),
      );
      const wait = await querent(folder, 'run', 'hand.yaml', '--directory', 'hand');
      expect(wait.code).toBe(0);
      expect(wait.out).toContain('4 structures wait for your labels: hand/to-label/to-label.extxyz');
      expect(wait.out).toContain('querent label --import LABELLED.extxyz --directory hand');
      expect(JSON.parse((await querent(folder, 'status', 'hand', '--json')).out).phase).toBe('waiting for labels');
      // Someone labels them with a code of their own: here the embedded potential, through the command line.
      const label = async (name: string): Promise<void> => {
        writeFileSync(join(folder, 'r.yaml'), 'reference: {kind: sw-si}\n');
        const waiting = join(folder, 'hand/to-label/to-label.extxyz');
        const done = await querent(folder, 'label', waiting, '--reference', 'r.yaml', '-o', name);
        expect(done.code, done.err).toBe(0);
        const taken = await querent(folder, 'label', '--import', join(folder, name), '--directory', 'hand');
        expect(taken.code, taken.err).toBe(0);
      };
      await label('training.extxyz');
      const again = await querent(folder, 'run', 'hand.yaml', '--directory', 'hand');
      expect(again.out).toContain('10 structures wait for your labels');
      await label('assessment.extxyz');
      const last = await querent(folder, 'run', 'hand.yaml', '--directory', 'hand', '--json');
      expect(last.code).toBe(3);
      expect(JSON.parse(last.out)).toMatchObject({ labels: { training: { done: 4 }, assessment: { done: 10 } } });
    });
  });
});

describe('a program of the user as the reference', () => {
  it('that always fails pauses the run with exit code 4 and its reasons; repaired, the same command goes on', async () => {
    await withFolder(async (folder) => {
      const script = join(folder, 'label.mjs');
      writeFileSync(script, 'process.stderr.write("no licence today\\n"); process.exit(7);\n');
      writeToy(folder, 'own.yaml', (text) =>
        text
          .replace(
            'kind: sw-si',
            `kind: command\n  command: [${process.execPath}, label.mjs, "{input}", "{output}"]\n  fingerprint: mine`,
          )
          .replace('count: 4', 'count: 6')
          .replace('rounds: 8', 'rounds: 1'),
      );
      const failed = await querent(folder, 'run', 'own.yaml', '--directory', 'own');
      expect(failed.code).toBe(4);
      expect(failed.out).toMatch(/Paused: 5 of the last 5 reference calculations failed: crash 5/);
      expect(failed.out).toContain('Once the cause is gone: querent run own.yaml --directory own');
      // Somebody pays for the licence: springs to the centre, whose net force is none.
      writeFileSync(
        script,
        `import { readFileSync, writeFileSync } from 'node:fs';
const [count, comment, ...lines] = readFileSync(process.argv[2], 'utf8').trim().split('\\n');
const at = lines.map((line) => line.split(/\\s+/).slice(1, 4).map(Number));
const centre = [0, 1, 2].map((k) => at.reduce((sum, r) => sum + r[k] / at.length, 0));
const pull = at.map((r) => r.map((x, k) => 0.1 * (centre[k] - x)));
const energy = pull.flat().reduce((sum, f) => sum + 5 * f * f, 0);
const header = comment.replace(/Properties=\\S+/, \`Properties=species:S:1:pos:R:3:forces:R:3 energy=\${energy}\`);
const rows = at.map((r, i) => ['Si', ...r, ...pull[i]].join(' '));
writeFileSync(process.argv[3], [count, header, ...rows, ''].join('\\n'));
`,
      );
      const repaired = await querent(folder, 'run', 'own.yaml', '--directory', 'own', '--json');
      expect(repaired.err).toContain('resumed at round 0');
      expect(JSON.parse(repaired.out)).toMatchObject({
        ...{ stopped: 'budget', failures: {}, rejections: {} },
        labels: { training: { done: 6, failed: 0 }, assessment: { done: 10 } },
      });
    });
  });
});

describe('a damaged or newer run', () => {
  it('can still be looked at when it is damaged, and is not written', async () => {
    await withFolder(async (folder) => {
      writeToy(folder, 'toy.yaml', (text) => text.replace('rounds: 8', 'rounds: 1'));
      await querent(folder, 'run', 'toy.yaml', '--directory', 'run');
      const file = join(folder, 'run/store.sqlite');
      const database = new DatabaseSync(file);
      database.exec(`DELETE FROM snapshots; UPDATE events SET data = '{}' WHERE seq = 20`);
      database.close();
      const status = await querent(folder, 'status', 'run');
      expect(status.code).toBe(0);
      expect(status.err).toMatch(/^warning: .*event 20 is damaged; the last good transaction is event 19/);
      const run = await querent(folder, 'run', 'toy.yaml', '--directory', 'run');
      expect(run.code).toBe(1);
      expect(run.err).toMatch(/the last good transaction is event 19 .*open for reading only/);
    });
  });

  it('is refused with the way out when a newer version wrote it', async () => {
    await withFolder(async (folder) => {
      mkdirSync(join(folder, 'run'));
      const file = join(folder, 'run/store.sqlite');
      openStore(file).close();
      const database = new DatabaseSync(file);
      database.exec('PRAGMA user_version = 99');
      database.close();
      writeToy(folder, 'toy.yaml');
      for (const argv of [
        ['status', 'run'],
        ['run', 'toy.yaml', '--directory', 'run'],
      ]) {
        const { code, err } = await querent(folder, ...argv);
        expect(code).toBe(1);
        expect(err).toMatch(/was written by a newer Querent .* update it to go on/);
      }
    });
  });
});
