import { describe, expect, it } from 'vitest';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor } from './factor.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import { noiseAtStrength } from './noise-at-strength.ts';
import { smoothnessPrior } from './prior.ts';
import type { FactorState } from './regression.ts';

const COLUMNS = 8;
const stream = new RandomStream(11, 'noise at strength');
const truth = Float64Array.from({ length: COLUMNS }, () => stream.normal());

function factorOf(rows: number, noise: number): FactorState {
  const factor = createFactor(COLUMNS);
  for (let i = 0; i < rows; i++) {
    const x = Float64Array.from({ length: COLUMNS }, () => stream.normal());
    factor.append(x, Float64Array.of(x.reduce((s, value, c) => s + value * truth[c]!, 0) + noise * stream.normal()), 1);
  }
  return factor.state();
}

const factors = { energy: factorOf(40, 0.005), forces: factorOf(600, 0.1), virial: factorOf(120, 0.3) };
const prior = smoothnessPrior(new Float64Array(COLUMNS).fill(1), new Float64Array(COLUMNS).fill(1));
const HELD = { stiffness: 1e-3, energyToForce: 0.05 };
const START = { energy: 1, forces: 1, virial: 1 };

describe('noiseAtStrength', () => {
  it('finds the noises that made the data, the held ratios kept', () => {
    const found = noiseAtStrength(factors, prior, HELD, START);
    const { alpha, noise } = found.hyperparameters;
    expect(found.converged).toBe(true);
    expect(found.iterations).toBeLessThan(8);
    expect(noise.forces).toAgree(0.1, { rtol: 0.1, why: 'four standard deviations of a spread from 640 rows' });
    expect(noise.virial).toAgree(0.3, { rtol: 0.25, why: 'four standard deviations of a spread from 120 rows' });
    expect(noise.energy).toAgree(0.05 * noise.forces, { rtol: 1e-12, why: 'the balance is held' });
    expect(alpha * noise.forces * noise.forces).toAgree(1e-3, { rtol: 1e-12, why: 'the strength is held' });
  });

  it('is where the evidence has no slope by the noises', () => {
    const { hyperparameters } = noiseAtStrength(factors, prior, HELD, START, plainKernels);
    const { gradient } = evaluateEvidence(evidenceProblem(factors, prior), hyperparameters);
    // By ln 1/σ_F² with energies tied to it; α moves too, but weighs 8 weights against 640 rows.
    expect((gradient[1]! + gradient[2]!) / 640).toAgree(0, { atol: 4e-3, why: 'stationary within the tolerance' });
    expect(gradient[3]! / 120).toAgree(0, { atol: 4e-3, why: 'stationary within the tolerance' });
  });

  it('keeps the noise of a kind without observations', () => {
    const bare = { ...factors, virial: emptyFactor(COLUMNS) };
    expect(noiseAtStrength(bare, prior, HELD, START).hyperparameters.noise.virial).toBe(1);
  });
});
