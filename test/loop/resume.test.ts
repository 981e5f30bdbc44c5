import { describe, expect, it } from 'vitest';
import { structureId } from '../../src/core/structure/identity.ts';
import type { Frame } from '../../src/core/structure/structure.ts';
import { parseBlob } from '../../src/loop/blobs.ts';
import { explainLabel, explainRun, findLabel } from '../../src/loop/explain.ts';
import { FrameReader } from '../../src/loop/frames.ts';
import { importLabels, importRun } from '../../src/loop/import-labels.ts';
import { openState, replay, stateAt } from '../../src/loop/replay.ts';
import { orderedLabels, spentLabels, stateHash, usableLabels, wallTime } from '../../src/loop/state.ts';
import { longestTimeLeft, statusOf } from '../../src/loop/status.ts';
import { openStore } from '../../src/node/store/store.ts';
import type { RunFile } from '../../src/protocol/run-file.ts';
import type { LabelResult } from '../../src/reference/reference.ts';
import { session, withFolder } from './harness.ts';
import { bond, morseLabel, toyRunFile } from './toy.ts';

describe('the same command', () => {
  it('changes nothing about a run that has stopped', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const first = await session({ file });
      const second = await session({ file });
      expect(second.labeller.computed).toEqual([]);
      expect(second.outcome.state).toEqual(first.outcome.state);
    });
  });

  it('with other physics is refused, and the run stays as it was', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const { outcome } = await session({ file });
      await expect(session({ file, runFile: toyRunFile({ seed: 9 }) })).rejects.toThrow(/seed: 3 → 9/);
      const inputs = { 'toy.xyz': 'b'.repeat(64) };
      await expect(session({ file, driver: { inputs } })).rejects.toThrow(
        /toy\.xyz must be the one the run began with/,
      );
      const store = openStore(file);
      expect(replay(store)).toEqual(outcome.state);
      store.close();
    });
  });
});

describe('budgets', () => {
  const tight = { energyMae: 1e-6, forceRmse: 1e-6 };

  it('of labels end the run unconverged; a larger one lets it go on as if it had been there', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const small = toyRunFile({ budget: { labels: 6, rounds: 9 }, stopping: tight });
      const first = await session({ file, runFile: small });
      expect(first.outcome.state.stopped).toMatchObject({ outcome: 'budget', limit: 'labels' });
      expect(spentLabels(first.outcome.state)).toBe(6);
      expect(orderedLabels(first.outcome.state, 'assessment').length).toBeGreaterThan(16);
      const explanation = explainRun(first.outcome.state, small);
      expect(explanation.sentences.join(' ')).toMatch(/all 6 training labels are spent.*--set budget\.labels/);
      expect(explanation.missing).toContain('forceRmse');

      const large = toyRunFile({ budget: { labels: 11, rounds: 9 }, stopping: tight });
      const second = await session({ file, runFile: large });
      expect(spentLabels(second.outcome.state)).toBe(11);
      expect(second.outcome.state.settingsChanges).toEqual([{ path: 'budget.labels', from: 6, to: 11 }]);
      const { stopped } = second.outcome.state;
      expect(stopped).toMatchObject({ outcome: 'budget', limit: 'labels' });
    });
  });

  it('of rounds, cost and wall time end it too', async () => {
    await withFolder(async (folder) => {
      const stop = async (name: string, budget: Record<string, number>) => {
        const runFile = toyRunFile({ budget, stopping: tight });
        const { outcome } = await session({ file: `${folder}/${name}.sqlite`, runFile });
        return outcome.state;
      };
      expect((await stop('rounds', { rounds: 2 })).stopped).toMatchObject({ outcome: 'budget', limit: 'rounds' });
      const cost = await stop('cost', { cost: 25 });
      expect(cost.stopped).toEqual({
        outcome: 'budget',
        limit: 'cost',
        message: 'reference calculations took 26 s of 25 s',
      });
      // Labels of 2 s each: stopped as soon as the limit was passed.
      expect(cost.cost).toBe(26);
      const wall = await stop('wall', { wallTime: 1e-9 });
      expect(wall.stopped).toMatchObject({ outcome: 'budget', limit: 'wallTime' });
    });
  });

  it('that end a batch half-way let it be finished with a larger one', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      await session({ file, runFile: toyRunFile({ budget: { cost: 25 } }) });
      const { outcome } = await session({ file });
      const whole = await session({ file: `${folder}/b.sqlite` });
      expect(stateHash(outcome.state)).toBe(stateHash(whole.outcome.state));
    });
  });

  it('of labels do not keep a model from confirming what it met once', async () => {
    await withFolder(async (folder) => {
      // The undisturbed run meets everything first with 9 labels, and needs a second look.
      const { outcome } = await session({ file: `${folder}/a.sqlite`, runFile: toyRunFile({ budget: { labels: 9 } }) });
      expect(outcome.state.stopped?.outcome).toBe('converged');
      expect(outcome.state.rounds.at(-1)!.batch!.ids).toEqual([]);
      expect(outcome.state.rounds.at(-1)!.model!.data).toBe(outcome.state.rounds.at(-2)!.model!.data);
    });
  });

  it('are not needed where nothing is worth a label', async () => {
    await withFolder(async (folder) => {
      const runFile = toyRunFile({ acquisition: { minNats: 50 }, stopping: tight });
      const { outcome } = await session({ file: `${folder}/a.sqlite`, runFile });
      expect(outcome.state.stopped).toMatchObject({ outcome: 'exhausted', limit: 'pool' });
      expect(outcome.state.rounds.slice(-2).map(({ batch }) => batch!.ids.length)).toEqual([0, 0]);
    });
  });
});

describe('tolerances', () => {
  it('that are tightened after the end judge the model again and go on', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const first = await session({ file });
      expect(first.outcome.state.stopped?.outcome).toBe('converged');
      const rounds = first.outcome.state.rounds.length;
      const { outcome } = await session({ file, runFile: toyRunFile({ stopping: { forceRmse: 1e-4 } }) });
      expect(outcome.state.rounds.length).toBeGreaterThan(rounds);
      expect(outcome.state.stopped?.outcome).not.toBe('converged');
      expect(outcome.state.rounds[rounds - 1]!.assessed!.met).toBe(false);
    });
  });

  it('that are loosened end a run that its budget had stopped', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      await session({ file, runFile: toyRunFile({ stopping: { forceRmse: 1e-4, patience: 1 } }) });
      const { outcome } = await session({ file, runFile: toyRunFile({ stopping: { forceRmse: 0.2, patience: 1 } }) });
      expect(outcome.state.stopped?.outcome).toBe('converged');
    });
  });
});

describe('a replay', () => {
  it('gives the state at every event, and a snapshot the same as the whole list', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const states: string[] = [];
      const { outcome } = await session({ file, driver: { onEvent: (_, state) => states.push(stateHash(state)) } });
      const store = openStore(file, { readOnly: true });
      expect(store.snapshot()?.seq).toBe(outcome.state.seq);
      expect(openState(store)).toEqual(replay(store));
      for (const seq of [1, 17, 60, states.length]) expect(stateHash(stateAt(store, seq))).toBe(states[seq - 1]);
      store.close();
    });
  });
});

describe('status and explanation', () => {
  it('say where it stands while it goes on', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const runFile = toyRunFile();
      const phases = new Set<string>();
      const { outcome } = await session({
        file,
        driver: { onEvent: (_, state) => phases.add(statusOf(state, runFile).phase) },
      });
      expect([...phases]).toEqual([
        ...[
          'cold start',
          'selecting',
          'labelling',
          'fitting',
          'drawing assessment',
          'evaluating',
          'exploring',
          'stopped',
        ],
      ]);
      const status = statusOf(outcome.state, runFile);
      expect(status).toMatchObject({ phase: 'stopped', iteration: 4, stopped: 'converged', cost: 2 * 51 });
      expect(status.labels.training).toEqual({ done: 11, running: 0, queued: 0, failed: 0, rejected: 0, withdrawn: 0 });
      expect(status.criteria.map(({ name, met }) => [name, met])).toEqual(
        ['energyMae', 'forceRmse', 'forceEce', 'energyEce', 'forceWorst', 'energyWorst'].map((name) => [name, true]),
      );
      expect(status.preconditions.map(({ name }) => name)).toEqual(['coverage95', 'exploration', 'assessment']);
      expect(status.stateHash).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  it('say why a structure was chosen', async () => {
    await withFolder(async (folder) => {
      const { outcome } = await session({ file: `${folder}/a.sqlite` });
      const { state } = outcome;
      const label = orderedLabels(state, 'training').find(({ round }) => round === 2)!;
      const explanation = explainLabel(state, findLabel(state, label.id.slice(0, 12)));
      expect(explanation).toMatchObject({ id: label.id, role: 'training', round: 2, status: 'done', taughtSince: 2 });
      expect(explanation.chosen).toMatchObject({ rank: 1, of: 2, reason: expect.stringMatching(/^expects .* nats$/) });
      expect(explanation.chosen.gain).toBeGreaterThan(
        explainLabel(state, orderedLabels(state, 'training').find(({ round, index }) => round === 2 && index === 1)!)
          .chosen.gain!,
      );
      expect(explanation.origin.signals.leverage).toBeNull();
      expect(explanation.origin.reason).toMatch(/^walker \d at .* Å: force sigma/);
      expect(() => findLabel(state, '')).toThrow(/begins \d+ ids/);
      expect(() => findLabel(state, 'zzz')).toThrow(/names none/);
    });
  });

  it('estimate the longest time left from the rounds that are done', async () => {
    await withFolder(async (folder) => {
      const runFile = toyRunFile({ budget: { rounds: 3 } });
      let clock = 0;
      const estimates: (number | null)[] = [];
      const file = `${folder}/a.sqlite`;
      const { outcome } = await session({
        file,
        runFile,
        driver: {
          now: () => (clock += 1000),
          onEvent: (event, state) => {
            if (event.type !== 'assessed') return;
            const store = openStore(file, { readOnly: true });
            estimates.push(longestTimeLeft(state, runFile, store.telemetry()));
            store.close();
          },
        },
      });
      // Every command takes a second on this clock; a round has seven.
      expect(estimates.slice(0, 2)).toEqual([10, 6]);
      expect(longestTimeLeft(outcome.state, runFile, [])).toBeNull();
      expect(wallTime(outcome.state)).toBeGreaterThanOrEqual(0);
    });
  });
});

describe('withdrawing and admitting a label', () => {
  it('changes what the next model learns, and is reversible', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const runFile = toyRunFile({ budget: { labels: 6, rounds: 3 }, stopping: { energyMae: 1e-6 } });
      const first = await session({ file, runFile });
      const [victim] = orderedLabels(first.outcome.state, 'training');
      const store = openStore(file);
      store.append([{ type: 'label-withdrawn', data: { id: victim!.id, reason: 'looks odd' } }]);
      const without = openState(store);
      expect(usableLabels(without, 'training').map(({ id }) => id)).not.toContain(victim!.id);
      store.append([{ type: 'label-readmitted', data: { id: victim!.id, reason: 'it is not' } }]);
      expect(stateHash(openState(store))).toBe(stateHash(first.outcome.state));
      store.append([{ type: 'label-withdrawn', data: { id: victim!.id, reason: 'it is' } }]);
      store.close();
      const longer = toyRunFile({ budget: { labels: 8, rounds: 5 }, stopping: { energyMae: 1e-6 } });
      const second = await session({ file, runFile: longer });
      expect(second.outcome.state.rounds.at(-1)!.model!.structures).toBe(7);
    });
  });
});

/** Frames of what waits, as a person hands them back: labelled, through a file that keeps eight digits. */
function computedByHand(file: string): Frame[] {
  const store = openStore(file, { readOnly: true });
  const state = openState(store);
  const reader = new FrameReader(store);
  const open = Object.values(state.labels).filter(({ status }) => status === 'queued');
  const frames = open.map((label, index): Frame => {
    const exact = reader.structure(label);
    const positions = exact.positions.map((x) => Number(x.toFixed(8)));
    const { energy, forces } = morseLabel(exact) as Extract<LabelResult, { status: 'done' }>;
    const info: Frame['info'] = index % 2 === 0 ? { querent_id: label.id } : {};
    const labels = { energy, forces, virial: null };
    return {
      structure: { ...exact, positions },
      labels,
      group: '',
      info,
      columns: {},
      source: { file: 'hand.xyz', index, line: 1 },
    };
  });
  store.close();
  return frames;
}

describe('a manual reference', () => {
  const manual = toyRunFile({ reference: { kind: 'manual' } as never });
  const byHand: RunFile = {
    ...manual,
    reference: { ...toyRunFile().reference, kind: 'manual', format: 'extxyz' } as never,
  };
  const accept = (result: LabelResult): LabelResult => result;

  it('waits for labels, takes them in, and ends like any other', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      let visits = 0;
      for (;;) {
        const { outcome, labeller } = await session({ file, runFile: byHand });
        expect(labeller.computed).toEqual([]);
        if (outcome.ended === 'stopped') {
          expect(outcome.state.stopped?.outcome).toBe('converged');
          expect(outcome.state.rounds).toHaveLength(5);
          break;
        }
        visits++;
        expect(outcome.state.paused?.message).toMatch(/^\d+ structures wait for your labels$/);
        expect(statusOf(outcome.state, byHand).phase).toBe('waiting for labels');
        const frames = computedByHand(file);
        const store = openStore(file);
        const report = importLabels(store, frames, accept);
        expect(report).toMatchObject({ rejected: [], skipped: [], missing: 0 });
        expect(report.done).toHaveLength(frames.length);
        store.close();
      }
      expect(visits).toBe(10);
    });
  });

  it('takes labels one by one, in any order, and says what is missing or unknown', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      await session({ file, runFile: byHand });
      const frames = computedByHand(file);
      const stranger: Frame = { ...frames[0]!, structure: bond(1.9), info: {} };
      const store = openStore(file);
      const some = importLabels(store, [frames[2]!, stranger], accept);
      expect(some).toMatchObject({
        missing: 2,
        skipped: [{ frame: 'hand.xyz:0', reason: 'this run did not ask for it' }],
      });
      const again = importLabels(store, [frames[2]!], accept);
      expect(again.skipped[0]!.reason).toMatch(/is labelled already/);
      expect(again.done).toEqual([]);
      const wrong: Frame = { ...frames[0]!, structure: bond(1.9) };
      expect(() => importLabels(store, [wrong], accept)).toThrow(/must be the structure that was asked for/);
      const empty: Frame = { ...frames[0]!, labels: { energy: null, forces: null, virial: null } };
      expect(() => importLabels(store, [empty], accept)).toThrow(/must have an energy and forces/);
      // Another hand's labels are another reference.
      const other = importLabels(store, [frames[0]!], accept, 'vasp');
      expect(other.rejected[0]!.message).toMatch(/computed by vasp, the other labels by manual/);
      const refuse = (): LabelResult => ({ status: 'rejected', reason: 'force', message: 'too large', cost: 0 });
      expect(importLabels(store, [frames[1]!], refuse).rejected).toEqual([
        { id: expect.any(String), message: 'too large' },
      ]);
      // What was rejected may be handed in again.
      expect(importLabels(store, [frames[0]!, frames[1]!], accept)).toMatchObject({ missing: 0, rejected: [] });
      store.close();
    });
  });
});

describe('taking over the labels of another run', () => {
  it('begins a new run with them, without counting them against its budget', async () => {
    await withFolder(async (folder) => {
      const old = await session({ file: `${folder}/old.sqlite` });
      const taught = usableLabels(old.outcome.state, 'training');
      const other = openStore(`${folder}/old.sqlite`, { readOnly: true });
      const store = openStore(`${folder}/new.sqlite`);
      expect(importRun(store, other, 'old')).toBe(taught.length);
      expect(() => importRun(store, other, 'old')).toThrow(/by a new run only/);
      store.close();
      other.close();
      const runFile = toyRunFile({ seed: 8, budget: { labels: 6, rounds: 9 } });
      const { outcome, labeller } = await session({ file: `${folder}/new.sqlite`, runFile });
      expect(outcome.state.rounds[0]!.model!.structures).toBe(taught.length);
      expect(outcome.state.rounds[0]!.batch!.ids).toEqual([]);
      expect(spentLabels(outcome.state)).toBeLessThanOrEqual(6);
      for (const { id } of taught) expect(labeller.computed).not.toContain(`${id}/0`);
    });
  });

  it('keeps their blobs', async () => {
    await withFolder(async (folder) => {
      await session({ file: `${folder}/old.sqlite`, runFile: toyRunFile({ budget: { labels: 3, rounds: 1 } }) });
      const other = openStore(`${folder}/old.sqlite`, { readOnly: true });
      const store = openStore(`${folder}/new.sqlite`);
      importRun(store, other, 'old');
      const reader = new FrameReader(store);
      const frames = reader.usable(openState(store), 'training');
      expect(frames).toHaveLength(3);
      for (const frame of frames) expect(structureId(frame.structure)).toBe(frame.info.querent_id);
      expect(parseBlob<RunFile>(other.blob(openState(other).runFile!)).name).toBe('toy');
      store.close();
      other.close();
    });
  });
});
