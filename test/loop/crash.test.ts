import { describe, expect, it } from 'vitest';
import { replay } from '../../src/loop/replay.ts';
import type { LoopState } from '../../src/loop/state.ts';
import { stateHash } from '../../src/loop/state.ts';
import { openStore } from '../../src/node/store/store.ts';
import type { LabelResult } from '../../src/reference/reference.ts';
import { Crash, session, withFolder } from './harness.ts';

interface Finished {
  readonly state: LoopState;
  readonly computed: readonly string[];
}

/** The run that nothing disturbs. */
async function undisturbed(folder: string): Promise<Finished> {
  const { outcome, labeller } = await session({ file: `${folder}/undisturbed.sqlite` });
  return { state: outcome.state, computed: labeller.computed };
}

describe('a run that is killed', () => {
  it('ends in the same state wherever it is killed, and computes no label twice', async () => {
    await withFolder(async (folder) => {
      const whole = await undisturbed(folder);
      const hash = stateHash(whole.state);
      expect(whole.state.stopped?.outcome).toBe('converged');
      let boundaries = 0;
      for (const when of ['after', 'before'] as const) {
        for (let transaction = 1; ; transaction += when === 'after' ? 1 : 3) {
          const file = `${folder}/${when}-${transaction}.sqlite`;
          const disk = new Map<string, LabelResult>();
          let crashed: unknown = null;
          const first = await session({ file, disk, crash: { transaction, when } }).catch((error: unknown) => {
            crashed = error;
            return null;
          });
          if (first !== null) break;
          expect(crashed).toBeInstanceOf(Crash);
          boundaries++;
          const { outcome } = await session({ file, disk });
          expect(stateHash(outcome.state), `killed ${when} transaction ${transaction}`).toBe(hash);
          // One result on disk per label: whatever was computed before the kill was adopted, not computed again.
          expect(disk.size).toBe(whole.computed.length);
        }
      }
      expect(boundaries).toBeGreaterThan(60);
    });
  });

  it('ends in the same state when it is killed again and again', async () => {
    await withFolder(async (folder) => {
      const whole = await undisturbed(folder);
      const file = `${folder}/again.sqlite`;
      const disk = new Map<string, LabelResult>();
      const computed: string[] = [];
      let sessions = 0;
      for (;;) {
        sessions++;
        const run = await session({
          file,
          disk,
          crash: { transaction: 4, when: sessions % 2 === 0 ? 'after' : 'before' },
        }).catch((error: unknown) => {
          if (error instanceof Crash) return null;
          throw error;
        });
        if (run === null) continue;
        computed.push(...run.labeller.computed);
        expect(stateHash(run.outcome.state)).toBe(stateHash(whole.state));
        break;
      }
      expect(sessions).toBeGreaterThan(20);
      expect(disk.size).toBe(whole.computed.length);
      expect(new Set(computed).size).toBe(computed.length);
    });
  });

  it('ends in the same state when it is interrupted by a signal', async () => {
    await withFolder(async (folder) => {
      const whole = await undisturbed(folder);
      const file = `${folder}/signal.sqlite`;
      const disk = new Map<string, LabelResult>();
      for (let events = 3; ; events += 7) {
        const stop = new AbortController();
        let seen = 0;
        const { outcome } = await session({
          file,
          disk,
          signal: stop.signal,
          driver: {
            onEvent: () => {
              if (++seen === events) stop.abort();
            },
          },
        });
        if (outcome.ended !== 'interrupted') {
          expect(outcome.ended).toBe('stopped');
          expect(stateHash(outcome.state)).toBe(stateHash(whole.state));
          break;
        }
        expect(Object.values(outcome.state.labels).filter(({ status }) => status === 'running')).toEqual([]);
      }
      expect(disk.size).toBe(whole.computed.length);
    });
  });

  it('forgets neither the order of its decisions nor the time it took', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/replay.sqlite`;
      const disk = new Map<string, LabelResult>();
      await session({ file, disk, crash: { transaction: 30, when: 'after' } }).catch(() => null);
      const { outcome } = await session({ file, disk });
      const store = openStore(file, { readOnly: true });
      const replayed = replay(store);
      store.close();
      expect(replayed).toEqual(outcome.state);
    });
  });
});

describe('determinism', () => {
  it('does not depend on the number of labels at once or on their order of arrival', async () => {
    await withFolder(async (folder) => {
      const whole = await undisturbed(folder);
      for (const shuffle of [1, 2, 3]) {
        const { outcome } = await session({
          file: `${folder}/shuffled-${shuffle}.sqlite`,
          labeller: { concurrency: 2 + 2 * shuffle, shuffle },
        });
        expect(stateHash(outcome.state)).toBe(stateHash(whole.state));
      }
    });
  });

  it('depends on the seed', async () => {
    await withFolder(async (folder) => {
      const { toyRunFile } = await import('./toy.ts');
      const one = await session({ file: `${folder}/1.sqlite` });
      const two = await session({ file: `${folder}/2.sqlite`, runFile: toyRunFile({ seed: 4 }) });
      expect(stateHash(one.outcome.state)).not.toBe(stateHash(two.outcome.state));
    });
  });
});
