import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Structure } from '../core/structure/structure.ts';
import type { LabelFailure, LabelResult, LabelSuccess } from './reference.ts';
import { checkLabel, checkRequest, type Gates, NET_FORCE_REJECTED, OUTLIER_SIGMAS } from './verdict.ts';

const GATES: Gates = { minimumDistance: 1.6, maximumForce: 30, netForce: 0.02 };

function molecule(...x: number[]): Structure {
  return {
    positions: Float64Array.from(x.flatMap((at) => [at, 0, 0])),
    cell: null,
    pbc: [false, false, false],
    species: new Uint8Array(x.length).fill(14),
  };
}

function label(forces: readonly number[], more: Partial<LabelSuccess> = {}): LabelSuccess {
  return {
    status: 'done',
    internalEnergy: null,
    energy: -10,
    forces: Float64Array.from(forces),
    virial: new Float64Array(6),
    netForce: 0,
    cost: 7,
    fingerprint: { code: 'test 1', settings: '{}', files: {} },
    ...more,
  };
}

const pair = molecule(0, 2.3);
const good = label([1, 0, 0, -1, 0, 0]);

describe('checkRequest', () => {
  it('lets sound structures pass and names the pair that is closest for its gate', () => {
    expect(checkRequest(pair, GATES)).toBeNull();
    expect(checkRequest(molecule(0), GATES)).toBeNull();
    expect(checkRequest(molecule(0, 1.6), GATES)).toBeNull();
    expect(checkRequest(molecule(0, 1.5, 2.9, 6), GATES)).toEqual({
      status: 'rejected',
      reason: 'overlap',
      message: 'atoms 1 (Si) and 2 (Si) must be at least 1.600 Å apart, got 1.400 Å',
      cost: 0,
    });
  });

  it('sees images of a small cell', () => {
    const cell = Float64Array.of(1.5, 0, 0, 0, 4, 0, 0, 0, 4);
    const periodic: Structure = { ...molecule(0), cell, pbc: [true, true, true] };
    expect(checkRequest(periodic, GATES)).toMatchObject({ reason: 'overlap' });
    expect(checkRequest({ ...periodic, pbc: [false, true, true] }, GATES)).toBeNull();
  });

  it('measures in covalent radii, so that short bonds of light atoms pass', () => {
    const gates: Gates = { ...GATES, minimumDistance: { covalentRadii: 0.7 } };
    const hydrogen: Structure = { ...molecule(0, 0.74), species: Uint8Array.of(1, 1) };
    expect(checkRequest(hydrogen, gates)).toBeNull();
    expect(checkRequest(molecule(0, 1.56), gates)).toBeNull();
    expect(checkRequest(molecule(0, 1.5), gates)).toMatchObject({ status: 'rejected', reason: 'overlap' });
    const mixed: Structure = { ...molecule(0, 1.0, 2.5), species: Uint8Array.of(1, 14, 14) };
    expect(checkRequest(mixed, gates)).toMatchObject({ message: expect.stringContaining('atoms 1 (Si) and 2 (Si)') });
  });

  it('asks nothing of distances where the gate is 0', () => {
    expect(checkRequest(molecule(0, 0.2), { ...GATES, minimumDistance: 0 })).toBeNull();
    expect(checkRequest(molecule(0, 0.2), { ...GATES, minimumDistance: { covalentRadii: 0 } })).toBeNull();
    expect(checkRequest(molecule(), { ...GATES, minimumDistance: 0 })).toMatchObject({
      status: 'failed',
      reason: 'input',
    });
  });

  it('names the worst pair of any structure, by an independent count', () => {
    const places = fc.array(fc.double({ min: 0, max: 12, noNaN: true }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(places, fc.double({ min: 0.1, max: 4, noNaN: true }), (x, gate) => {
        const gaps = [...x]
          .sort((a, b) => a - b)
          .map((at, k, all) => (k === 0 ? Number.POSITIVE_INFINITY : at - all[k - 1]!));
        const closest = Math.min(...gaps);
        const verdict = checkRequest(molecule(...x), { ...GATES, minimumDistance: gate });
        if (closest >= gate) expect(verdict).toBeNull();
        else expect(verdict!.message).toContain(`at least ${gate.toFixed(3)} Å apart, got ${closest.toFixed(3)} Å`);
      }),
    );
  });

  it('fails what cannot be an input at all', () => {
    const reasons = [
      molecule(),
      molecule(0, Number.NaN),
      { ...molecule(0, 2), pbc: [true, false, false] } satisfies Structure,
    ].map((structure) => checkRequest(structure, GATES));
    for (const reason of reasons) expect(reason).toMatchObject({ status: 'failed', reason: 'input', cost: 0 });
    expect(reasons[0]!.message).toBe('structure must have at least one atom, got none');
  });
});

describe('checkLabel', () => {
  it('returns good labels as they are, and earlier verdicts unchanged', () => {
    expect(checkLabel(good, pair, GATES)).toBe(good);
    const noVirial = label([1, 0, 0, -1, 0, 0], { virial: null, internalEnergy: -9 });
    expect(checkLabel(noVirial, pair, GATES)).toBe(noVirial);
    const failed: LabelFailure = { status: 'failed', reason: 'scf', message: 'did not converge', cost: 3 };
    expect(checkLabel(failed, pair, GATES)).toBe(failed);
  });

  it.each<[string, LabelSuccess, string]>([
    ['energy', label([0, 0, 0, 0, 0, 0], { energy: Number.NaN }), 'energy must be finite, got NaN eV'],
    ['internal energy', label([0, 0, 0, 0, 0, 0], { internalEnergy: Number.POSITIVE_INFINITY }), 'internal energy'],
    ['net force', label([0, 0, 0, 0, 0, 0], { netForce: Number.NaN }), 'net force must be finite'],
    ['force', label([0, 0, 0, 0, Number.NaN, 0]), 'force on atom 1 must be finite, got NaN eV/Å'],
    ['virial', label([0, 0, 0, 0, 0, 0], { virial: Float64Array.of(0, 0, 0, Number.NaN, 0, 0) }), 'virial component 3'],
    ['count of forces', label([1, 0, 0]), 'forces must have 6 components, got 3'],
    ['count of virial', label([0, 0, 0, 0, 0, 0], { virial: new Float64Array(9) }), 'virial must have 6'],
  ])('rejects a label whose %s does not hold', (_, broken, message) => {
    const verdict = checkLabel(broken, pair, GATES);
    expect(verdict).toMatchObject({ status: 'rejected', reason: 'inconsistent', cost: 7 });
    expect((verdict as { message: string }).message).toContain(message);
  });

  it('rejects forces above the gate by their norm', () => {
    expect(checkLabel(label([0, 30, 0, 0, -30, 0]), pair, GATES)).toMatchObject({ status: 'done' });
    expect(checkLabel(label([20, 20, 20, -20, -20, -20]), pair, GATES)).toEqual({
      status: 'rejected',
      reason: 'force',
      message: 'force on atom 0 must be at most 30 eV/Å, got 34.64 eV/Å',
      cost: 7,
    });
  });

  it('takes a moderate net force off and says so in netForce', () => {
    const noisy = label([1.05, 0, 0, -0.95, 0, 0], { netForce: 0.1 });
    const verdict = checkLabel(noisy, pair, GATES) as LabelSuccess;
    expect(verdict.forces).toAgree([1, 0, 0, -1, 0, 0], { atol: 1e-14, why: 'half of 0.1 eV/Å for each atom' });
    expect(verdict.netForce).toAgree(0.1, { atol: 1e-14, why: 'what it was' });
    expect(noisy.forces[0]).toBe(1.05);
    const quiet = label([1.02, 0, 0, -1, 0, 0], { netForce: 0.02 });
    expect(checkLabel(quiet, pair, GATES)).toBe(quiet);
  });

  it('rejects a net force that is no noise, also one that the code took off itself', () => {
    const limit = NET_FORCE_REJECTED * 0.02 * Math.sqrt(2);
    expect(checkLabel(label([1 + limit * 1.01, 0, 0, -1, 0, 0]), pair, GATES)).toMatchObject({ reason: 'net-force' });
    const reported = label([1, 0, 0, -1, 0, 0], { netForce: 0.5 });
    expect(checkLabel(reported, pair, GATES)).toEqual({
      status: 'rejected',
      reason: 'net-force',
      message: 'net force must be at most 0.283 eV/Å, got 0.5000 eV/Å',
      cost: 7,
    });
  });

  it('rejects energies far from their prediction unless the structure is novel', () => {
    const near = { energy: -10 + 0.99 * OUTLIER_SIGMAS * 0.2, sigma: 0.2, novel: false };
    expect(checkLabel(good, pair, GATES, near)).toBe(good);
    const far = { ...near, energy: -10 + 1.01 * OUTLIER_SIGMAS * 0.2 };
    expect(checkLabel(good, pair, GATES, far)).toMatchObject({ reason: 'outlier' });
    expect(checkLabel(good, pair, GATES, { ...far, novel: true })).toBe(good);
    expect(checkLabel(good, pair, GATES, { ...near, energy: Number.NaN })).toMatchObject({ reason: 'outlier' });
  });

  it('leaves no accepted label with a net force above the gate, whatever the forces', () => {
    const force = fc.double({ min: -0.2, max: 0.2, noNaN: true });
    fc.assert(
      fc.property(fc.array(force, { minLength: 6, maxLength: 6 }), (forces) => {
        const verdict: LabelResult = checkLabel(label(forces), pair, GATES);
        if (verdict.status !== 'done') return verdict.status === 'rejected' && verdict.reason === 'net-force';
        const sum = [0, 1, 2].map((d) => verdict.forces[d]! + verdict.forces[d + 3]!);
        return Math.hypot(...sum) <= 0.02 * Math.sqrt(2) + 1e-15;
      }),
      { numRuns: 200 },
    );
  });
});
