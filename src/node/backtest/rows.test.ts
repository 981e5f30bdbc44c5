import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { rowBytes, rowCount, rowsOf, targetsOf } from '../../core/backtest/pool-rows.ts';
import { EvidenceRidge } from '../../core/backtest/ridge.ts';
import { setErrors } from '../../core/backtest/errors.ts';
import { zblReference } from '../../core/backtest/zbl-reference.ts';
import { plainKernels } from '../../core/numerics/plain-kernels.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import { createPool } from '../workers/pool.ts';
import { backtestFrames } from './frames.ts';
import { bytesOfRows, poolRows, requireRowMemory } from './rows.ts';
import type { ModelSettings } from './settings.ts';
import { DEFAULT_BACKTEST } from './settings.ts';

const silicon = siliconFrames(40).map((frame, f) => ({ ...frame, group: f < 20 ? 'a' : 'b' }));
const model: ModelSettings = { ...DEFAULT_BACKTEST.model, nmax: [4, 2], lmax: [0, 2], cutoff: 4.6 };

async function rowsOn(threads: number, settings: ModelSettings, frames = silicon) {
  const pool = createPool(threads, null);
  try {
    return (await poolRows(backtestFrames(frames, DEFAULT_BACKTEST.data, 1), settings, pool)).rows;
  } finally {
    await pool.dispose();
  }
}

describe('poolRows', () => {
  it('makes rows from which a potential is learnt', async () => {
    const pool = await rowsOn(1, model);
    const ridge = new EvidenceRidge(pool.columns, pool.governed, plainKernels);
    for (let f = 0; f < 30; f++) ridge.add(rowsOf(pool, f), targetsOf(pool, f), rowCount(pool, f));
    const test = [30, 31, 32, 33, 34, 35, 36, 37, 38, 39];
    const spread = setErrors(pool, test, new Float64Array(pool.columns)).forces.rmse;
    const { forces, energy } = setErrors(pool, test, ridge.fit().weights);
    const labels = test.flatMap((f) => [...silicon[f]!.labels.forces!]);
    const rms = Math.sqrt(labels.reduce((sum, x) => sum + x * x, 0) / labels.length);
    expect(spread).toAgree(rms, {
      rtol: 0.02,
      why: 'without weights the error is the label, but for the core repulsion',
    });
    expect(forces.rmse).toBeLessThan(0.2 * rms);
    expect(energy.mae).toBeLessThan(0.02);
  });

  it('are the same on any number of threads, on shared memory', async () => {
    const [one, two] = [await rowsOn(1, model), await rowsOn(2, model)];
    expect(two).toEqual(one);
    expect(two.blocks.every(({ buffer }) => buffer instanceof SharedArrayBuffer)).toBe(true);
    expect(rowBytes(one)).toBe(8 * one.columns * silicon.reduce((sum, _, f) => sum + rowCount(one, f), 0));
  });

  it('have columns of unit size over the force rows, times their smoothness', async () => {
    const pool = await rowsOn(1, model);
    const squares = new Float64Array(pool.columns);
    let count = 0;
    for (const f of silicon.keys()) {
      const rows = rowsOf(pool, f);
      for (let i = pool.energies[f]!; i < pool.energies[f]! + pool.forces[f]!; i++, count++)
        for (let v = 0; v < pool.columns; v++) squares[v]! += rows[i * pool.columns + v]! ** 2;
    }
    const sizes = squares.map((sum) => Math.sqrt(sum / count));
    expect(Math.max(...sizes)).toAgree(1, { rtol: 1e-10, why: 'the smoothest function has the prior 1' });
    expect(sizes.every((size, v) => v >= pool.governed || (size > 0 && size < 1 + 1e-9))).toBe(true);
  });

  it('leave out forces that symmetry fixes, and kinds of weight 0', async () => {
    const still = { ...silicon[0]!, structure: prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.4 }) };
    const frames = [...silicon, { ...still, labels: { ...still.labels, forces: new Float64Array(24) } }];
    const pool = await rowsOn(1, { ...model, weights: { a: { energy: 0 } } }, frames);
    expect([pool.energies[1], pool.energies[30]]).toEqual([0, 1]);
    expect([pool.forces[40], pool.forces[30]]).toEqual([0, 24]);
    expect([pool.virials[0], (await rowsOn(1, { ...model, virialRatio: null })).virials[0]]).toEqual([6, 0]);
  });

  it('give energies less weight the higher they are', async () => {
    const [plain, windowed] = [await rowsOn(1, model), await rowsOn(1, { ...model, energyWindow: 0.1 })];
    const lowest = Math.min(...silicon.map(({ labels }) => labels.energy! / 8));
    for (const f of [0, 7, 23]) {
      const share = 1 / (1 + (silicon[f]!.labels.energy! / 8 - lowest) / 0.1);
      expect(targetsOf(windowed, f)[0]! / targetsOf(plain, f)[0]!).toAgree(share, {
        rtol: 1e-12,
        why: 'its definition',
      });
      expect(windowed.energyUnit[f]!).toAgree(plain.energyUnit[f]! / share, {
        rtol: 1e-12,
        why: 'errors are unweighted',
      });
    }
  });

  it('count labels from a repulsion', async () => {
    const repulsion = { inner: 2, outer: 3 };
    const [plain, from] = [await rowsOn(1, model), await rowsOn(1, { ...model, repulsion })];
    const zbl = zblReference(silicon[4]!.structure, repulsion);
    const difference = targetsOf(plain, 4).map((y, i) => y - targetsOf(from, 4)[i]!);
    expect(difference[0]! * plain.energyUnit[4]! * 8).toAgree(zbl.energy, { rtol: 1e-9, why: 'eV' });
    expect(difference.subarray(1, 25)).toAgree(zbl.forces, { atol: 1e-9, why: 'eV/Å' });
  });

  it('know the ground state, and only where its energy counts', async () => {
    const energies = silicon.map(({ labels }) => labels.energy! / 8);
    const lowest = energies.indexOf(Math.min(...energies));
    expect((await rowsOn(1, model)).ground).toBe(lowest);
    const other = lowest < 20 ? 'a' : 'b';
    const without = await rowsOn(1, { ...model, weights: { [other]: { energy: 0 } } });
    expect(silicon[without.ground]!.group).not.toBe(other);
  });

  it('know how far a descriptor moves with the atoms', async () => {
    const pool = await rowsOn(1, model);
    expect(pool.displacementNorms.every((norm) => norm > 0 && Number.isFinite(norm))).toBe(true);
    const jitter = 1e-4;
    const data = backtestFrames(silicon, { ...DEFAULT_BACKTEST.data, copies: 2, jitter }, 1);
    const workers = createPool(1, null);
    const { rows } = await poolRows(data, model, workers);
    await workers.dispose();
    const q = rows.featureColumns;
    let square = 0;
    for (let f = 0; f < 40; f++) {
      let distance = 0;
      for (let v = 0; v < q; v++) distance += (rows.features[f * q + v]! - rows.features[(40 + f) * q + v]!) ** 2;
      square += distance / (jitter * rows.displacementNorms[f]!) ** 2 / 40;
    }
    expect(square).toAgree(1, { rtol: 0.35, why: 'mean square over 40 structures of few effective directions' });
  });
});

describe('memory of the rows', () => {
  it('is known before they are made', async () => {
    const pool = await rowsOn(1, model);
    expect(bytesOfRows(silicon, pool.columns)).toBe(rowBytes(pool));
    const bare = silicon.map((frame) => ({ ...frame, labels: { energy: null, forces: null, virial: null } }));
    expect(bytesOfRows(bare, pool.columns)).toBe(0);
  });

  it('is refused where there is less', () => {
    expect(() => requireRowMemory(7e9, 10e9)).not.toThrow();
    expect(() => requireRowMemory(12e9, 10e9)).toThrow(
      'rows of a back-test must fit into 7.0 GB here, got about 12 GB; take a smaller basis (--preset small) or fewer structures (--sample)',
    );
  });
});
