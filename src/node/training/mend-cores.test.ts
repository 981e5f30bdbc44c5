import { describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { dimer, dimerSummaries } from '../../core/potentials/dimer-scan.ts';
import { potentialOf } from '../../core/potentials/neural/neural-potential.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { readPotentialFile } from '../../formats/potential-file.ts';
import { nodeKernels } from '../kernels.ts';
import { createPool } from '../workers/pool.ts';
import { exportYace } from './export-yace.ts';
import { fitModel } from './fit.ts';
import { mendCores } from './mend-cores.ts';

const frames = siliconFrames(12);

describe('cores of a fit', async () => {
  const [plain, mended] = [await fitOn(1, frames, { ...TINY_FIT, mendCores: false }), await fitOn(1, frames)];
  const kernels = nodeKernels(null);

  it('are mended without a word of the user, which the model remembers', () => {
    expect(plain.cores).toBeNull();
    expect(plain.model.training).not.toHaveProperty('cores');
    expect(mended.cores!.failing).toEqual([]);
    expect(mended.cores!.cores.map(({ pair }) => pair)).toEqual([['Si', 'Si']]);
    expect(mended.model.training.cores).toEqual(mended.cores);
  });

  it('leave coefficients, errors and error bars as they are, to the bit', () => {
    expect(mended.model.posterior).toEqual(plain.model.posterior);
    expect(mended.model.uncertainty).toEqual(plain.model.uncertainty);
    expect(mended.model.activeSets).toEqual(plain.model.activeSets);
    expect(mended.leftOut).toEqual(plain.leftOut);
    expect(mended.evidence).toEqual(plain.evidence);
  });

  it('are those of a basis that the model file knows again', () => {
    expect(mended.basis.id).not.toBe(plain.basis.id);
    expect(mended.basis.functions).toEqual(plain.basis.functions);
    expect(buildAceBasis(mended.model.specification).id).toBe(mended.model.basisId);
    const { model, basis } = readModel(writeModel(mended.model, mended.basis), 'mended.model');
    expect(model.training.cores).toEqual(mended.cores);
    expect(basis.id).toBe(mended.basis.id);
  });

  it('repel in the scan that judges them', () => {
    const scanned = [plain, mended].map((fit) => {
      const { bytes, shortest } = { bytes: writeModel(fit.model, fit.basis), shortest: [[1.97]] };
      const read = readModel(bytes, 'scanned.model');
      const potential = potentialOf(read.model, kernels.prepare(read.basis));
      return dimerSummaries(potential, shortest)[0]!;
    });
    expect(scanned[0]!.attractive).not.toBeNull();
    expect(scanned[1]!.attractive).toBeNull();
    expect(scanned[1]!.gateBroken).toBe(true);
    expect(scanned[1]!.trusted).toEqual(scanned[0]!.trusted);
  });

  it('do not depend on the number of threads', async () => {
    const two = await fitOn(2, frames);
    expect(two.basis.id).toBe(mended.basis.id);
    expect(two.cores).toEqual(mended.cores);
    expect(two.model.posterior.mean).toEqual(mended.model.posterior.mean);
  });

  it('stay as they are where the basis is given', async () => {
    const pool = createPool(1, null);
    try {
      const given = await fitModel(frames, TINY_FIT, pool, { specification: plain.model.specification });
      expect(given.cores).toBeNull();
      expect(given.basis.id).toBe(plain.basis.id);
    } finally {
      await pool.dispose();
    }
  });

  it('are sound in what was mended', () => {
    const { posterior, layout } = mended.model;
    const structures = frames.map(({ structure }) => structure);
    const weights = posterior.mean.subarray(0, layout.basis);
    expect(mendCores(mended.basis, weights, structures, TINY_FIT, kernels)).toBeNull();
  });

  it('are in the exported potential, which repels as well', () => {
    const { model, basis } = mended;
    const { text } = exportYace(model, basis, 'mended.yace');
    const program = kernels.compile(readPotentialFile(text, 'mended.yace').potential, 'exact');
    const own = potentialOf(model, kernels.prepare(basis));
    for (let r = 0.525; r < 1.95; r += 0.05) {
      const pair = dimer(14, 14, r);
      const force = program.evaluate([pair])[0]!.forces[3]!;
      expect(force, `${r} Å`).toBeGreaterThan(0);
      expect(force).toAgree(own.evaluate(pair).forces[3]!, {
        rtol: 1e-6,
        atol: 1e-6,
        why: 'radial functions of the engine are tabulated, those of the file are not',
      });
    }
  });
});

describe('cores of an alloy', () => {
  it('are mended pair by pair', async () => {
    const potential = alloyPotential(['C', 'Si'], [-1, -2]);
    const { cores, basis } = await fitOn(1, alloyFrames(14, potential));
    expect(cores?.failing.filter((name) => name.includes('-')) ?? []).toEqual([]);
    const { pairs } = basis.specification;
    expect(pairs[0]![1]).toEqual(pairs[1]![0]);
  });
});
