import { describe, expect, it } from 'vitest';
import { syntheticPool } from '../../../test/support/backtest-pools.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { pointCalibration } from './calibration.ts';
import { rowCount, rowsOf, targetsOf } from './pool-rows.ts';
import { EvidenceRidge } from './ridge.ts';

const { pool } = syntheticPool({ groups: { a: 60, b: 60, c: 60 }, columns: 10, noise: 0.2 });
const labelled = Array.from({ length: 60 }, (_, k) => 3 * k);
const test = Array.from({ length: 60 }, (_, k) => 3 * k + 1);

function fitTo(of: typeof pool) {
  const ridge = new EvidenceRidge(of.columns, of.governed, plainKernels);
  for (const f of labelled) ridge.add(rowsOf(of, f), targetsOf(of, f), rowCount(of, f));
  return ridge.fit();
}

describe('pointCalibration', () => {
  it('finds bars of a right model honest', () => {
    const { energy, forces } = pointCalibration(pool, fitTo(pool), labelled, test, 1, plainKernels);
    expect(forces.ece).toBeLessThan(0.06);
    expect(forces.coverage95).toAgree(0.95, { atol: 0.04, why: '360 components' });
    expect(energy.coverage95).toAgree(0.95, { atol: 0.08, why: '60 energies' });
  });

  it('finds bars dishonest where the test set is noisier than what was learnt from', () => {
    const noisy = { ...pool, targets: [pool.targets[0]!.slice()] };
    for (const f of test) for (let i = 0; i < 7; i++) noisy.targets[0]![7 * f + i]! *= 4;
    const { forces } = pointCalibration(noisy, fitTo(pool), labelled, test, 1, plainKernels);
    expect(forces.coverage95).toBeLessThan(0.6);
    expect(forces.ece).toBeGreaterThan(0.2);
  });

  it('is the same again, and NaN for a kind without labels', () => {
    const once = pointCalibration(pool, fitTo(pool), labelled, test, 1, plainKernels);
    expect(pointCalibration(pool, fitTo(pool), labelled, test, 1, plainKernels)).toEqual(once);
    const without = {
      ...pool,
      energies: new Int32Array(pool.energies.length),
      first: pool.first.map((row) => row + 1),
    };
    const { energy, forces } = pointCalibration(without, fitTo(without), labelled, test, 1, plainKernels);
    expect([energy.ece, energy.coverage95]).toEqual([Number.NaN, Number.NaN]);
    expect(forces.ece).toBeLessThan(0.1);
  });
});
