import { describe, expect, it } from 'vitest';
import { syntheticPool } from '../../../test/support/backtest-pools.ts';
import { averagedOverOwners, formationRow, residualsOf, setErrors, targetErrors } from './errors.ts';
import { rowBytes, rowCount, rowsOf, targetsOf } from './pool-rows.ts';

const { pool, truth } = syntheticPool({ groups: { a: 6, b: 2 }, noise: 0.1, virials: 2 });
const all = [...pool.groups.keys()];

describe('rows of a pool', () => {
  it('are views of the block that a frame is in', () => {
    expect(rowCount(pool, 3)).toBe(9);
    expect(rowsOf(pool, 3).buffer).toBe(pool.blocks[0]!.buffer);
    expect(rowsOf(pool, 3)).toEqual(pool.blocks[0]!.slice(27 * pool.columns, 36 * pool.columns));
    expect(targetsOf(pool, 3)).toEqual(pool.targets[0]!.slice(27, 36));
    expect(rowBytes(pool)).toBe(8 * 8 * 9 * pool.columns);
  });
});

describe('setErrors', () => {
  it('counts energies per atom and force components, not virials, in their units', () => {
    const errors = setErrors(pool, all, truth);
    let square = 0;
    let absolute = 0;
    for (const f of all) {
      const residuals = residualsOf(pool, f, truth);
      absolute += Math.abs(residuals[0]! * pool.energyUnit[f]!) / all.length;
      for (let i = 1; i < 7; i++) square += residuals[i]! ** 2 / (6 * all.length);
    }
    expect(errors.energy.mae).toAgree(absolute, { rtol: 1e-12, why: 'the same sum' });
    expect(errors.forces.rmse).toAgree(Math.sqrt(square), { rtol: 1e-12, why: 'the same sum' });
    expect(errors.forces.rmse).toAgree(0.1, { rtol: 0.3, why: 'the noise of the targets, from 48 of them' });
  });

  it('gives every group the same weight in the balanced mean', () => {
    const errors = setErrors(pool, all, new Float64Array(pool.columns));
    const of = (frames: number[]) => setErrors(pool, frames, new Float64Array(pool.columns));
    const [a, b] = [of([0, 1, 2, 3, 4, 5]), of([6, 7])];
    expect(errors.balanced.forces.rmse).toAgree((a.forces.rmse + b.forces.rmse) / 2, {
      rtol: 1e-12,
      why: 'its definition',
    });
    expect(errors.balanced.energy.mae).toAgree((a.energy.mae + b.energy.mae) / 2, {
      rtol: 1e-12,
      why: 'its definition',
    });
    expect(errors.groups.b).toEqual({ energy: b.energy, forces: b.forces });
  });

  it('leaves groups without forces worth the name out of the mean of forces', () => {
    const calm = { ...pool, forceUnit: pool.forceUnit.map((unit, f) => (f >= 6 ? 1e-4 * unit : unit)) };
    const errors = setErrors(calm, all, new Float64Array(pool.columns));
    expect(errors.balanced.forces).toEqual(errors.groups.a!.forces);
  });

  it('is NaN where there are no labels', () => {
    expect(setErrors(pool, [], truth).energy.mae).toBeNaN();
  });
});

describe('averagedOverOwners', () => {
  it('shares variances over the rows of an atom and leaves others alone', () => {
    const values = averagedOverOwners(Float64Array.of(1, 3, 5, 7), Int32Array.of(0, 0, 1, -1));
    expect([...values]).toEqual([2, 2, 5, 7]);
  });
});

describe('targetErrors', () => {
  it('counts energies from the ground state: a common shift of the energy per atom is no error', () => {
    const shifted = new Float64Array(pool.columns).fill(0.3);
    const { energy, forces } = targetErrors(pool, [1, 2, 6], shifted);
    const of = (f: number): number => -residualsOf(pool, f, shifted)[0]! * pool.energyUnit[f]!;
    const errors = [1, 2, 6].map((f) => of(f) - of(0));
    expect(energy.mae).toAgree(
      errors.reduce((sum, e) => sum + Math.abs(e) / 3, 0),
      { rtol: 1e-10, why: 'differences' },
    );
    expect(energy.rmse).toAgree(Math.hypot(...errors) / Math.sqrt(3), { rtol: 1e-10, why: 'differences' });
    expect(forces).toEqual(setErrors(pool, [1, 2, 6], shifted).forces);
    expect(formationRow(pool, 0).every((x) => x === 0)).toBe(true);
    expect(targetErrors(pool, [0], shifted).energy.mae).toBe(0);
  });
});
