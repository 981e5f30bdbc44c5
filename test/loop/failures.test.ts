import { describe, expect, it } from 'vitest';
import { EnvironmentError } from '../../src/core/errors.ts';
import type { LabelRequest } from '../../src/loop/ports.ts';
import type { LoopState } from '../../src/loop/state.ts';
import { orderedLabels, stateHash } from '../../src/loop/state.ts';
import { countLabels, statusOf } from '../../src/loop/status.ts';
import { openStore } from '../../src/node/store/store.ts';
import type { FailureReason, LabelResult } from '../../src/reference/reference.ts';
import { session, withFolder } from './harness.ts';
import { morseLabel, toyRunFile } from './toy.ts';

const failed = (reason: FailureReason): LabelResult => ({ status: 'failed', reason, message: `it ${reason}`, cost: 1 });

/** Fails the n-th new structure that it sees (from 0), attempts as told; the others are labelled. */
function failing(chosen: (n: number) => boolean, reason: FailureReason, attempts = Number.POSITIVE_INFINITY) {
  const seen: string[] = [];
  const tries = new Map<string, number>();
  return (request: LabelRequest): LabelResult | null => {
    if (!seen.includes(request.id)) seen.push(request.id);
    const count = (tries.get(request.id) ?? 0) + 1;
    tries.set(request.id, count);
    return chosen(seen.indexOf(request.id)) && count <= attempts ? failed(reason) : null;
  };
}

function byStatus(state: LoopState, status: string): readonly string[] {
  return Object.values(state.labels)
    .filter((label) => label.status === status)
    .map(({ id }) => id);
}

describe('a failed label', () => {
  it('stops nothing: the round goes on without it', async () => {
    await withFolder(async (folder) => {
      const { outcome } = await session({
        file: `${folder}/a.sqlite`,
        labeller: { instead: failing((n) => n === 1, 'crash') },
      });
      expect(outcome.ended).toBe('stopped');
      expect(byStatus(outcome.state, 'failed')).toHaveLength(1);
      expect(outcome.state.rounds[0]!.model!.structures).toBe(2);
      expect(statusOf(outcome.state, toyRunFile()).labels.training.failed).toBe(1);
    });
  });

  it('is tried once more after scf, with a higher attempt, and no more', async () => {
    await withFolder(async (folder) => {
      const once = await session({
        file: `${folder}/1.sqlite`,
        labeller: { instead: failing((n) => n === 0, 'scf', 1) },
      });
      expect(byStatus(once.outcome.state, 'failed')).toHaveLength(0);
      const first = orderedLabels(once.outcome.state, 'training')[0]!;
      expect(first.attempt).toBe(1);
      expect(once.labeller.computed.filter((key) => key.startsWith(first.id))).toEqual([
        `${first.id}/0`,
        `${first.id}/1`,
      ]);
      // The failed attempt's second is not forgotten.
      expect(first.cost).toBe(3);

      const twice = await session({
        file: `${folder}/2.sqlite`,
        labeller: { instead: failing((n) => n === 0, 'scf') },
      });
      const lost = orderedLabels(twice.outcome.state, 'training')[0]!;
      expect([lost.status, lost.reason, lost.message, lost.attempt]).toEqual(['failed', 'scf', 'it scf', 1]);
    });
  });

  it('is submitted again when its process was lost, the same attempt, but not for ever', async () => {
    await withFolder(async (folder) => {
      // A toy disk would remember the lost result; real engines leave none.
      const disk = new Map<string, LabelResult>();
      const forget = { set: () => disk, get: () => undefined } as unknown as Map<string, LabelResult>;
      const some = await session({
        file: `${folder}/1.sqlite`,
        disk: forget,
        labeller: { instead: failing((n) => n === 2, 'lost', 3) },
      });
      const label = orderedLabels(some.outcome.state, 'training')[2]!;
      expect([label.status, label.attempt, label.lost]).toEqual(['done', 0, 3]);
      const all = await session({
        file: `${folder}/2.sqlite`,
        disk: forget,
        labeller: { instead: failing((n) => n === 2, 'lost') },
      });
      const given = orderedLabels(all.outcome.state, 'training')[2]!;
      expect([given.status, given.reason, given.lost]).toEqual(['failed', 'lost', 5]);
    });
  });

  it('is one that threw something unexpected, too', async () => {
    await withFolder(async (folder) => {
      let calls = 0;
      const instead = (): LabelResult | null => {
        if (++calls === 2) throw new TypeError('undefined is not a function');
        return null;
      };
      const { outcome } = await session({ file: `${folder}/a.sqlite`, labeller: { instead } });
      const second = orderedLabels(outcome.state, 'training')[1]!;
      expect([second.status, second.reason, second.message]).toEqual([
        'failed',
        'crash',
        'undefined is not a function',
      ]);
    });
  });
});

describe('too many failures', () => {
  it('pause the run with the reasons, and the same command tries again', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const disk = new Map<string, LabelResult>();
      const broken = failing((n) => n >= 3, 'crash');
      const { outcome } = await session({ file, disk, labeller: { instead: broken } });
      expect(outcome.ended).toBe('paused');
      expect(outcome.state.paused).toEqual({
        cause: 'failures',
        message: '5 of the last 8 reference calculations failed: crash 5; for instance: it crash',
      });
      expect(statusOf(outcome.state, toyRunFile()).phase).toBe('paused');
      // Someone repairs the engine; its half-finished attempts are gone.
      for (const [key, result] of disk) if (result.status === 'failed') disk.delete(key);
      const repaired = await session({ file, disk });
      const undisturbed = await session({ file: `${folder}/b.sqlite` });
      expect(repaired.outcome.ended).toBe('stopped');
      expect(stateHash(repaired.outcome.state)).toBe(stateHash(undisturbed.outcome.state));
    });
  });

  it('are more than four of twenty, not a few spread over a long run', async () => {
    await withFolder(async (folder) => {
      const { outcome } = await session({
        file: `${folder}/a.sqlite`,
        labeller: { instead: failing((n) => n % 6 === 5, 'timeout') },
      });
      expect(outcome.ended).toBe('stopped');
      expect(byStatus(outcome.state, 'failed').length).toBeGreaterThan(4);
    });
  });

  it('also when nothing at all could be labelled', async () => {
    await withFolder(async (folder) => {
      const { outcome } = await session({ file: `${folder}/a.sqlite`, labeller: { instead: () => failed('input') } });
      expect(outcome.state.paused?.message).toMatch(/^no label to learn from: input 3; for instance: it input$/);
    });
  });
});

describe('a rejected label', () => {
  it('teaches nothing and is no failure of the reference', async () => {
    await withFolder(async (folder) => {
      const rejected: LabelResult = { status: 'rejected', reason: 'force', message: 'too large', cost: 1 };
      const instead = failing((n) => n >= 3 && n % 2 === 0, 'crash');
      const { outcome } = await session({
        file: `${folder}/a.sqlite`,
        runFile: toyRunFile({ budget: { labels: 12, rounds: 4 } }),
        labeller: { instead: (request) => (instead(request) === null ? null : rejected) },
      });
      expect(outcome.ended).toBe('stopped');
      expect(countLabels(outcome.state, 'training').rejected).toBeGreaterThan(0);
      expect(outcome.state.recentFailures.filter((flag) => flag)).toEqual([]);
    });
  });

  it('is one whose numbers contradict themselves or come from another code', async () => {
    await withFolder(async (folder) => {
      const good = (request: LabelRequest) => morseLabel(request.structure) as Extract<LabelResult, { status: 'done' }>;
      const cases: [string, (request: LabelRequest) => LabelResult][] = [
        ['must be finite', (request) => ({ ...good(request), energy: Number.NaN })],
        ['3 force components for 2 atoms', (request) => ({ ...good(request), forces: new Float64Array(3) })],
        [
          'computed by other 2, the other labels by morse 1',
          (r) => ({ ...good(r), fingerprint: { ...good(r).fingerprint, code: 'other 2' } }),
        ],
        ['with other settings', (r) => ({ ...good(r), fingerprint: { ...good(r).fingerprint, settings: '{"a":1}' } })],
      ];
      for (const [k, [message, result]] of cases.entries()) {
        const seen: string[] = [];
        const instead = (request: LabelRequest): LabelResult | null => {
          if (!seen.includes(request.id)) seen.push(request.id);
          return seen.indexOf(request.id) === 1 ? result(request) : null;
        };
        const { outcome } = await session({
          file: `${folder}/${k}.sqlite`,
          runFile: toyRunFile({ budget: { labels: 5, rounds: 1 } }),
          labeller: { instead },
        });
        const label = orderedLabels(outcome.state, 'training')[1]!;
        expect([label.status, label.reason]).toEqual(['rejected', 'inconsistent']);
        expect(label.message).toContain(message);
      }
    });
  });
});

describe('the machine', () => {
  it('that cannot run the engine stops the run at once, and nothing counts as failed', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const instead = (): never => {
        throw new EnvironmentError('ENGINE_MISSING', 'pw.x must be on PATH, got none');
      };
      await expect(session({ file, labeller: { instead, concurrency: 2 } })).rejects.toThrow(/pw\.x must be on PATH/);
      const { outcome } = await session({ file });
      const whole = await session({ file: `${folder}/b.sqlite` });
      expect(stateHash(outcome.state)).toBe(stateHash(whole.outcome.state));
    });
  });

  it('whose disk is full stops the run, and it goes on once there is room', async () => {
    await withFolder(async (folder) => {
      const file = `${folder}/a.sqlite`;
      const disk = new Map<string, LabelResult>();
      const full = session({ file, disk, maxPages: 60, labeller: { concurrency: 3 } });
      await expect(full).rejects.toThrow(/the disk is full; nothing is lost/);
      const store = openStore(file, { readOnly: true });
      expect(store.damage).toBeNull();
      expect(store.events().length).toBeGreaterThan(5);
      store.close();
      const { outcome } = await session({ file, disk });
      const whole = await session({ file: `${folder}/b.sqlite` });
      expect(stateHash(outcome.state)).toBe(stateHash(whole.outcome.state));
      expect(disk.size).toBe(whole.labeller.computed.length);
    });
  });
});
