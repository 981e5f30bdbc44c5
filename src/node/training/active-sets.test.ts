import { afterAll, describe, expect, it } from 'vitest';
import { siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import { extrapolationGrades } from '../../core/uncertainty/maxvol.ts';
import { createPool } from '../workers/pool.ts';
import { forceResiduals, outlierLimit, trainingActiveSets } from './active-sets.ts';
import { chunksOf } from './chunks.ts';
import { fitModel } from './fit.ts';

const empty = {
  fitted: new Float64Array(0),
  leftOut: new Float64Array(0),
  variances: new Float64Array(0),
  components: new Int32Array(0),
};

describe('outliers', () => {
  it('are beyond Q3 + 1.5 IQR of the force residuals', () => {
    expect(outlierLimit(Float64Array.of(1, 2, 3, 4, 5))).toBe(4 + 1.5 * 2);
    expect(outlierLimit(Float64Array.of(4, Number.NaN, 1, 3, 2))).toBe(3.25 + 1.5 * 1.5);
    expect(outlierLimit(Float64Array.of(1, 2, 3))).toBe(Number.POSITIVE_INFINITY);
  });

  it('are judged by the length of the residual of an atom', () => {
    const forces = { ...empty, fitted: Float64Array.of(3, 4, -2), components: Int32Array.of(0, 2, 3) };
    const leftOut: LeftOut = { atoms: 3, energy: empty, virial: empty, forces };
    expect([...forceResiduals(leftOut)]).toEqual([5, 2, 0]);
    expect([...forceResiduals({ ...leftOut, forces: empty })]).toEqual([Number.NaN, Number.NaN, Number.NaN]);
  });
});

describe('active sets of a fit', async () => {
  const pool = createPool(1, null);
  afterAll(() => pool.dispose());
  const frames = siliconFrames(40, { rattle: 0.15 });
  const fit = await fitModel(frames, TINY_FIT, pool);
  const { basis, model, leftOut } = fit;
  const size = basis.offsets.at(-1)!;

  it('grade training atoms up to 1, but for those that the fit does not describe', () => {
    const set = model.activeSets![0]!;
    expect(set.inverse.length).toBe(size * size);
    expect(set.pseudoRows).toBe(0);
    expect(set.atoms + set.excluded).toBe(40 * 8);
    const limit = outlierLimit(Float64Array.from(leftOut.flatMap((frame) => [...forceResiduals(frame)])));
    const potential = new AcePotential(model, createAceProgram(basis));
    let excluded = 0;
    frames.forEach(({ structure }, f) => {
      const residuals = forceResiduals(leftOut[f]!);
      potential.grades(structure)!.forEach((grade, i) => {
        if (residuals[i]! > limit) excluded++;
        else expect(grade).toBeLessThanOrEqual(1.001 + 1e-9);
      });
    });
    expect(set.excluded).toBe(excluded);
  });

  it('take in atoms outside the sample that extrapolate from it', async () => {
    const program = createAceProgram(basis);
    const rows = frames.map(({ structure }) => program.descriptors([structure])[0]!);
    // Every sixteenth atom: the first one of every second cell of a chunk.
    const chunks = chunksOf(frames);
    const stride = 16;
    const sampled: number[] = [];
    let first = 0;
    for (const chunk of chunks) {
      for (let f = 0; f < chunk.length; f += 2) sampled.push(...rows[first + f]!.subarray(0, size));
      first += chunk.length;
    }
    const sample = { chunks, stride, descriptors: [Float64Array.from(sampled)] };
    const [set] = await trainingActiveSets(pool, basis, sample, leftOut);
    const grades = rows.flatMap((own) => [...extrapolationGrades(set!.inverse, size, own, 8)]);
    const limit = outlierLimit(Float64Array.from(leftOut.flatMap((frame) => [...forceResiduals(frame)])));
    const kept = leftOut.flatMap((frame) => Array.from(forceResiduals(frame), (residual) => residual <= limit));
    expect(Math.max(...grades.filter((_, k) => kept[k]))).toBeLessThan(1.011);
    expect(set!.pseudoRows).toBe(0);
  });

  it('have none for an element without atoms', async () => {
    const sample = { chunks: [], stride: 1, descriptors: [new Float64Array(0)] };
    expect(await trainingActiveSets(pool, basis, sample, [])).toEqual([null]);
  });
});
