import { afterAll, describe, expect, it } from 'vitest';
import { createFactor } from '../../core/regression/factor.ts';
import { maximizeEvidence } from '../../core/regression/maximize-evidence.ts';
import { isotropicPrior } from '../../core/regression/prior.ts';
import type { FactorState } from '../../core/regression/regression.ts';
import { RandomStream } from '../../core/random.ts';
import { createPool } from '../workers/pool.ts';
import { searchEvidence, sharedFactors } from './evidence-search.ts';

const D = 24;
const pools = [createPool(1, null), createPool(2, null)];
afterAll(() => Promise.all(pools.map((pool) => pool.dispose())));

function factorOf(m: number, seed: number): FactorState {
  const stream = new RandomStream(seed, 'evidence-search-test', m);
  const factor = createFactor(D);
  const rows = Float64Array.from({ length: m * D }, () => stream.normal());
  const targets = Float64Array.from({ length: m }, (_, i) => rows[i * D]! - rows[i * D + 3]! + 0.1 * stream.normal());
  factor.append(rows, targets, m);
  return factor.state();
}

const factors = { energy: factorOf(6, 1), forces: factorOf(200, 2), virial: factorOf(30, 3) };
const prior = isotropicPrior(new Float64Array(D).fill(1));

describe('searchEvidence', () => {
  it('finds what one thread finds in a row, to the last bit, on any number of threads', async () => {
    const expected = maximizeEvidence(factors, prior, {}, pools[0]!.kernels);
    expect(expected.converged).toBe(true);
    for (const pool of pools) {
      expect(await searchEvidence(pool, factors, prior)).toEqual(expected);
      expect(await searchEvidence(pool, sharedFactors(factors), prior)).toEqual(expected);
    }
  });

  it('passes options on, and errors back', async () => {
    for (const pool of pools) {
      const { hyperparameters } = await searchEvidence(pool, factors, prior, {
        balance: { mode: 'fixed', energyToForce: 0.5 },
      });
      expect(hyperparameters.noise.energy / hyperparameters.noise.forces).toAgree(0.5, { rtol: 1e-12, why: 'tied' });
      await expect(
        searchEvidence(pool, factors, prior, { balance: { mode: 'fixed', energyToForce: -1 } }),
      ).rejects.toThrow('ratio of energy to force noise must be positive');
    }
  });
});

describe('sharedFactors', () => {
  it('are copies that threads share', () => {
    const shared = sharedFactors(factors);
    expect(shared.forces.r.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(Array.from(shared.forces.r)).toEqual(Array.from(factors.forces.r));
    expect({ ...shared.forces, r: null }).toEqual({ ...factors.forces, r: null });
  });
});
