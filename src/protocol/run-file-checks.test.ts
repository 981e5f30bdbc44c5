import { describe, expect, it } from 'vitest';
import { brokenRules } from './run-file-checks.ts';
import { runFileSchema } from './run-file.ts';

/** Paths and messages of the rules that a run file with these sections breaks. */
function broken(sections: Record<string, unknown>): [string, string][] {
  const file = runFileSchema.parse({
    name: 'a',
    structures: [{ prototype: 'diamond', element: 'Si', a: 5.43 }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    ...sections,
  });
  return brokenRules(file).map(({ path, message }) => [path.join('.'), message]);
}

describe('rules between keys', () => {
  it('are all kept by the defaults', () => {
    expect(broken({})).toEqual([]);
  });

  it.each<[Record<string, unknown>, string, string]>([
    [
      { conditions: { temperatures: [900, 300] } },
      'conditions.temperatures',
      'must be [lowest, highest], got [900, 300] K',
    ],
    [{ start: { rattle: [0.2, 0.1] } }, 'start.rattle', 'must be [least, most], got [0.2, 0.1] Å'],
    [{ start: { count: 2, shortDistance: 3 } }, 'start.shortDistance', 'must be at most start.count = 2, got 3'],
    [{ basis: { lmax: [0] } }, 'basis.lmax', 'nmax and lmax must be given together'],
    [{ basis: { nmax: [3] } }, 'basis.nmax', 'nmax and lmax must be given together'],
    [{ basis: { nmax: [3, 2], lmax: [0] } }, 'basis.lmax', 'must have one entry per rank like nmax (2), got 1'],
    [{ basis: { cutoff: 3, innerCutoff: 3 } }, 'basis.innerCutoff', 'must be below the cutoff of 3 Å, got 3 Å'],
    [{ budget: { labels: 5 }, acquisition: { batch: 4 } }, 'budget.labels', 'must be at least start.count = 8, got 5'],
    [{ acquisition: { batch: 61 } }, 'acquisition.batch', 'must be at most budget.labels = 60, got 61'],
    [{ assessment: { perRound: 90 } }, 'assessment.perRound', 'must be at most assessment.size = 80, got 90'],
  ])('%j: %s', (sections, path, message) => {
    expect(broken(sections)).toEqual([[path, message]]);
  });

  it('allow what is just inside them', () => {
    expect(
      broken({
        conditions: { temperatures: [300, 300] },
        start: { count: 4, shortDistance: 4, rattle: [0.1, 0.1] },
        basis: { nmax: [3, 2], lmax: [0, 1], cutoff: 3, innerCutoff: 2.9 },
        acquisition: { batch: 60 },
        assessment: { size: 80, perRound: 80 },
      }),
    ).toEqual([]);
    // A list of temperatures has no order.
    expect(broken({ conditions: { temperatures: { list: [900, 300] } } })).toEqual([]);
  });

  it('know which prototypes have a second lattice parameter, structure by structure', () => {
    const crystal = (prototype: string, more: object) => ({ prototype, element: 'Ti', a: 3, ...more });
    const structures = [crystal('hcp', { c: 4.7 }), crystal('bcc', { c: 3 }), crystal('fcc', {})];
    expect(broken({ structures })).toEqual([['structures.1.c', 'must be left out: bcc is cubic']]);
  });

  it('come all at once', () => {
    expect(broken({ start: { rattle: [0.2, 0.1] }, assessment: { perRound: 90 }, basis: { nmax: [3] } })).toHaveLength(
      3,
    );
  });
});

describe('tolerances', () => {
  it('that chance alone would miss name the tolerance and the size that would do', () => {
    const [[path, message] = ['', '']] = broken({ stopping: { forceEce: 0.06 } });
    expect(path).toBe('stopping.forceEce');
    expect(message).toMatch(/^must be at least 0\.0671 with 80 assessment structures .*, got 0\.06$/);
    const size = Number(/structures at least (\d+)/.exec(message)![1]);
    expect(broken({ stopping: { forceEce: 0.06 }, assessment: { size, perRound: 30 } })).toEqual([]);
    expect(broken({ stopping: { forceEce: 0.06 }, assessment: { size: size - 1, perRound: 30 } })).toHaveLength(1);
  });

  it('of a set too small to bound any error name the size', () => {
    const found = broken({ assessment: { size: 2, perRound: 2 } });
    expect(found.map(([path]) => path)).toContain('assessment.size');
  });
});
