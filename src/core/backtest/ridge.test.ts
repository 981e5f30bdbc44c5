import { describe, expect, it } from 'vitest';
import { syntheticPool } from '../../../test/support/backtest-pools.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from '../regression/factor.ts';
import { maximizeEvidence } from '../regression/maximize-evidence.ts';
import { fitPosterior } from '../regression/posterior.ts';
import { rowCount, rowsOf, targetsOf } from './pool-rows.ts';
import { EvidenceRidge, maximumWithin } from './ridge.ts';

const { pool, truth } = syntheticPool({ groups: { a: 20, b: 20, c: 20 }, columns: 12, noise: 0.1 });
const d = pool.columns;

function filled(frames: number): EvidenceRidge {
  const ridge = new EvidenceRidge(d, d, plainKernels);
  for (let f = 0; f < frames; f++) ridge.add(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
  return ridge;
}

describe('EvidenceRidge', () => {
  it('finds what the general search of the evidence finds', () => {
    const factor = createFactor(d);
    for (let f = 0; f < 30; f++) factor.append(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
    const factors = { energy: emptyFactor(d), forces: factor.state(), virial: emptyFactor(d) };
    const prior = { gamma: new Float64Array(d).fill(1), fixed: new Float64Array(d).fill(Number.NaN) };
    const { hyperparameters } = maximizeEvidence(factors, prior);
    const { mean, r } = fitPosterior(factors, prior, hyperparameters);
    const fit = filled(30).fit();
    const sigma = hyperparameters.noise.forces;
    const why = 'λ is found to a twentieth in its logarithm, to which weights are insensitive';
    expect(Math.log(fit.strength)).toAgree(Math.log(hyperparameters.alpha * sigma * sigma), { atol: 0.1, why });
    expect(fit.noise).toAgree(sigma, { rtol: 1e-2, why });
    expect(fit.weights).toAgree(mean, { atol: 3e-3, why });
    expect(fit.r[0]! / fit.noise).toAgree(r[0]!, { rtol: 2e-2, why });
  });

  it('comes nearer to the truth with more rows, and knows the noise', () => {
    const error = (frames: number): number =>
      Math.sqrt(
        filled(frames)
          .fit()
          .weights.reduce((sum, w, v) => sum + (w - truth[v]!) ** 2, 0),
      );
    expect(error(60)).toBeLessThan(error(5));
    expect(filled(60).fit().noise).toAgree(0.1, { rtol: 0.1, why: '420 rows' });
  });

  it('has a factor of the precision XᵀX + λ', () => {
    const { r, strength } = filled(10).fit();
    const precision = plainKernels.gramUpper(r, d);
    const rows = Float64Array.from(Array.from({ length: 10 }, (_, f) => [...rowsOf(pool, f)]).flat());
    const gram = plainKernels.gram(rows, rows.length / d, d);
    for (let v = 0; v < d; v++) gram[v * d + v]! += strength;
    expect(precision).toAgree(gram, { rtol: 1e-10, atol: 1e-10, why: 'the same matrix by QR and by products' });
  });

  it('leaves columns without a prior almost free', () => {
    const ridge = new EvidenceRidge(2, 1, plainKernels);
    const stream = new RandomStream(1, 'free');
    for (let k = 0; k < 40; k++) {
      const x = stream.normal();
      ridge.add(Float64Array.of(x, 1), Float64Array.of(0.5 * x + 100 + 0.01 * stream.normal()), 1);
    }
    expect(ridge.fit().weights).toAgree([0.5, 100], { atol: 0.02, why: 'a large constant is not shrunk to zero' });
  });

  it('does not believe a perfect fit: the noise has a floor', () => {
    const ridge = new EvidenceRidge(2, 2, plainKernels);
    ridge.add(Float64Array.of(1, 0, 0, 1, 1, 1, 2, 1), Float64Array.of(1, 2, 3, 4), 4);
    expect(ridge.fit().noise).toBeGreaterThanOrEqual(1e-3);
  });

  it('does not depend on how rows were cut, and starts its search where it ended', () => {
    const whole = new EvidenceRidge(d, d, plainKernels);
    whole.add(pool.blocks[0]!, pool.targets[0]!, 60 * rowCount(pool, 0));
    const stepwise = filled(20);
    stepwise.fit();
    for (let f = 20; f < 60; f++) stepwise.add(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
    expect(stepwise.fit().weights).toAgree(whole.fit().weights, { atol: 1e-3, why: 'λ differs by its accuracy' });
  });

  it('refuses nothing to learn from, and columns that are none', () => {
    expect(() => new EvidenceRidge(d, d, plainKernels).fit()).toThrow('rows must hold something to learn, got 0 rows');
    expect(() => new EvidenceRidge(4, 0, plainKernels)).toThrow('columns under the prior must be 1 to 4, got 0');
  });
});

describe('maximumWithin', () => {
  const at = (x0: number) => (x: number) => -((x - x0) ** 2);

  it.each([-9.3, -0.2, 4.9])('finds a maximum at %f from anywhere', (x0) => {
    for (const near of [null, -10, 0, 5])
      expect(maximumWithin(at(x0), [-10, 5], near)).toAgree(x0, { atol: 0.1, why: 'the accuracy of the search' });
  });

  it('prefers the higher of two', () => {
    const two = (x: number): number => Math.max(1 - (x + 8) ** 2, 2 - (x - 3) ** 2);
    expect(maximumWithin(two, [-10, 5], null)).toAgree(3, { atol: 0.1, why: 'the grid sees both' });
  });
});
