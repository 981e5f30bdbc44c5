import { describe, expect, it } from 'vitest';
import { CASES, missingFiles, runCase } from '../../bench/accuracy-cases.ts';
import { allowedThreads, createPool } from '../../src/node/workers/pool.ts';

/** Fits of minutes each: only where they are asked for. */
const SLOW = Boolean(process.env.QUERENT_SLOW);

function skipped(missing: readonly string[]): string {
  if (missing.length > 0) return ` (skipped: ${missing.join(', ')} not here; set QUERENT_DATA)`;
  return SLOW ? '' : ' (skipped: takes minutes; set QUERENT_SLOW)';
}

describe('errors of a fit without options', () => {
  for (const one of CASES) {
    const missing = missingFiles(one);
    it.skipIf(!SLOW || missing.length > 0)(`${one.name}${skipped(missing)}`, { timeout: 3_600_000 }, async () => {
      const pool = createPool(allowedThreads(), null);
      const { summary, fits } = await runCase(one, pool).finally(() => pool.dispose());
      expect(1000 * summary.energy!.mae).toBeLessThanOrEqual(one.most.energy ?? Number.POSITIVE_INFINITY);
      expect(summary.forces!.mae).toBeLessThanOrEqual(one.most.forces ?? Number.POSITIVE_INFINITY);
      for (const { choice } of fits) expect(choice).not.toBeNull();
    });
  }
});
