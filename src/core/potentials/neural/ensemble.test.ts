import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { InputError } from '../../errors.ts';
import { RandomStream } from '../../random.ts';
import type { CommitteeFrame } from './ensemble.ts';
import { atomVariances, calibrateCommittee, spreadOf } from './ensemble.ts';

interface Committee {
  readonly members: number[][];
  readonly y: number[];
  readonly mean: number[];
  readonly var_ddof1: number[];
  readonly alpha2_imbalzano: number;
}

const none = new Float64Array(0);

/** Structures of 10 atoms whose errors are `factor` times as wide as the spread of their members. */
function madeFrames(count: number, factor: number, size = 8): CommitteeFrame[] {
  const random = new RandomStream(2, 'committee test');
  return Array.from({ length: count }, () => {
    const sigmas = Array.from({ length: 10 }, () => Math.exp(0.8 * random.normal()));
    const variances = new Float64Array(30);
    const errors = new Float64Array(30);
    for (let k = 0; k < 30; k++) {
      const sigma = sigmas[Math.floor(k / 3)]!;
      const members = Array.from({ length: size }, () => Float64Array.of(sigma * random.normal()));
      variances[k] = spreadOf(members).variances[0]!;
      errors[k] = factor * sigma * random.normal();
    }
    return {
      atoms: 10,
      errors: { energy: Float64Array.of(0.1 * random.normal()), forces: errors, virial: none },
      variances: { energy: Float64Array.of(0.01), forces: atomMeans(variances), virial: none },
      noises: { energy: 0.1, forces: 1e-3, virial: 1 },
    };
  });
}

/** The variance of each atom, three times over. */
function atomMeans(variances: Float64Array): Float64Array {
  const perAtom = atomVariances(variances, null);
  return variances.map((_, k) => perAtom[Math.floor(k / 3)]!);
}

describe('the spread of members', () => {
  const { Bcommittee: reference } = golden<{ B: { Bcommittee: Committee } }>('reference-values').B;
  const members = reference.members[0]!.map((_, m) => reference.members.map((row) => row[m]!));

  it('is that of the reference values', () => {
    const { means, variances } = spreadOf(members);
    expect(means).toAgree(reference.mean, { rtol: 1e-12, why: 'given to double precision' });
    expect(variances).toAgree(reference.var_ddof1, { rtol: 1e-9, why: 'given to double precision' });
  });

  it('is rescaled as the reference values say', () => {
    const { means, variances } = spreadOf(members);
    const frames = reference.y.map((y, k) => ({
      atoms: 1,
      errors: { energy: Float64Array.of(means[k]! - y), forces: none, virial: none },
      variances: { energy: Float64Array.of(variances[k]!), forces: none, virial: none },
      noises: { energy: 1, forces: 1, virial: 1 },
    }));
    const { rescaling, heldOut } = calibrateCommittee(frames, 5, 0.02, 0.05);
    expect(rescaling.energy).toAgree(reference.alpha2_imbalzano, { rtol: 1e-9, why: 'given to double precision' });
    expect(rescaling.forces).toBeNaN();
    expect(heldOut.forces).toBeNaN();
  });

  it('needs two members', () => {
    expect(() => spreadOf([[1]])).toThrow(InputError);
    expect(() => calibrateCommittee([], 1, 0.02, 0.05)).toThrow(/at least 2, got 1/);
  });
});

describe('variances of atoms', () => {
  it('are means over the components that are free', () => {
    const variances = Float64Array.of(1, 2, 6, 4, 5, 7, 1, 1, 1);
    expect([...atomVariances(variances, null)]).toEqual([3, 16 / 3, 1]);
    expect([...atomVariances(variances, Uint8Array.of(0, 1, 0, 1, 1, 0, 1, 1, 1))]).toEqual([3.5, 7, 0]);
  });
});

describe('calibration of a committee', () => {
  it('finds the factor by which errors are wider than the spread', () => {
    const { scales, rescaling, heldOut, conformal } = calibrateCommittee(madeFrames(60, 3), 8, 1e-6, 0.05);
    // 1800 components, heavy tails by the spread's own spread of 24 degrees of freedom.
    expect(scales.forces.b).toBeGreaterThan(7);
    expect(scales.forces.b).toBeLessThan(11);
    expect(scales.forces.calibrated).toBe(true);
    expect(Math.sqrt(rescaling.forces)).toBeGreaterThan(2);
    expect(conformal.level).toBe(0.95);
    expect(conformal.forces).toBeGreaterThan(2);
    expect(heldOut.energy).toBeLessThan(0.02);
    expect(scales.virial.reason).toBe('no residuals');
  });

  it('of few structures is called a stopgap', () => {
    const { scales, conformal } = calibrateCommittee(madeFrames(5, 1), 8, 0.02, 0.05);
    expect(scales.forces.calibrated).toBe(false);
    expect(conformal.forces).toBe(Number.POSITIVE_INFINITY);
  });

  it('leaves out what has no label', () => {
    const frames = madeFrames(20, 2);
    const holes = frames.map((frame) => ({
      ...frame,
      errors: { ...frame.errors, forces: frame.errors.forces.map((e, k) => (k % 3 === 0 ? Number.NaN : e)) },
    }));
    const [all, some] = [frames, holes].map((list) => calibrateCommittee(list, 8, 0.02, 0.05));
    expect(some!.scales.forces.observations).toBe(400);
    expect(all!.scales.forces.observations).toBe(600);
    expect(Number.isFinite(some!.heldOut.forces)).toBe(true);
  });
});
