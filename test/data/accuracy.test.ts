import { describe, expect, it } from 'vitest';
import { type AccuracyCase, CASES, missingFiles, runCase } from '../../bench/accuracy-cases.ts';
import { allowedThreads, createPool } from '../../src/node/workers/pool.ts';
import { skipReason } from '../support/data.ts';

/** Fits of minutes each: all of them where they are asked for by QUERENT_SLOW; `mlearn.test.ts` has the quick ones. */
const ASKED_FOR: readonly AccuracyCase[] = process.env.QUERENT_SLOW ? CASES : [];

describe('errors of a fit without options', () => {
  it('are measured on sets whose files are named', () => {
    for (const one of CASES) expect(one.train.length, one.name).toBeGreaterThan(0);
    expect(missingFiles({ ...CASES[0]!, train: ['none/none.xyz'] })).toContain('none/none.xyz');
  });

  for (const one of ASKED_FOR) {
    const missing = missingFiles(one);
    const reason = missing.length === 0 ? '' : skipReason(missing[0]!);
    it.skipIf(missing.length > 0)(`${one.name}${reason}`, { timeout: 3_600_000 }, async () => {
      const pool = createPool(allowedThreads(), null);
      const { summary, fits } = await runCase(one, pool).finally(() => pool.dispose());
      expect(1000 * summary.energy!.mae).toBeLessThanOrEqual(one.most.energy ?? Number.POSITIVE_INFINITY);
      expect(summary.forces!.mae).toBeLessThanOrEqual(one.most.forces ?? Number.POSITIVE_INFINITY);
      for (const { choice } of fits) expect(choice).not.toBeNull();
    });
  }
});
