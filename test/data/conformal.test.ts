import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/core/random.ts';
import { conformalBand, conformalQuantile, structureScores } from '../../src/core/uncertainty/conformal.ts';
import { standardizedResiduals } from '../../src/core/validation/calibration.ts';
import { writeModel } from '../../src/formats/model-file.ts';
import { readFrames } from '../../src/node/frames.ts';
import { evaluateModel } from '../../src/node/training/evaluate.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { openModel } from '../../src/node/training/open-model.ts';
import { DEFAULT_FIT } from '../../src/node/training/settings.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { dataFile, skipReason } from '../support/data.ts';

const FILE = 'mlearn/Si_train.xyz.gz';
const ALPHA = 0.1;
const SPLITS = 24;

describe('conformal intervals of forces of whole structures', () => {
  const path = dataFile(FILE);
  const absent = path === null && !process.env.CI;
  it.skipIf(absent)(
    `cover new structures within the beta-binomial band on random splits${skipReason(FILE)}`,
    async () => {
      const { frames } = await readFrames([path!]);
      const order = new RandomStream(1, 'conformal data').permutation(frames.length);
      const [learned, judged] = [order.subarray(0, 70), order.subarray(70)];
      const pool = createPool(1, null);
      const pick = (indices: Int32Array) => Array.from(indices, (k) => frames[k]!);
      const { model, basis } = await fitModel(pick(learned), { ...DEFAULT_FIT, preset: 'small' }, pool);
      const evaluated = await evaluateModel(openModel(writeModel(model, basis)), pick(judged), pool);
      await pool.dispose();
      // Structures in which symmetry fixes every force say nothing.
      const scores = evaluated.flatMap(({ forceErrors, forceSigmas }) => {
        const z = standardizedResiduals(forceErrors, forceSigmas);
        return [...structureScores(z, new Int32Array(z.length))];
      });
      const n = Math.floor(scores.length / 2);
      const coverages: number[] = [];
      for (let split = 0; split < SPLITS; split++) {
        const shuffled = new RandomStream(split, 'conformal split').permutation(scores.length);
        const of = (indices: Int32Array) => Float64Array.from(indices, (k) => scores[k]!);
        const q = conformalQuantile(of(shuffled.subarray(0, n)), ALPHA);
        const fresh = of(shuffled.subarray(n));
        coverages.push(fresh.filter((score) => score <= q).length / fresh.length);
      }
      // One split in a thousand is outside the band of a single one; there are 24 of them.
      const [low, high] = conformalBand(n, scores.length - n, ALPHA, 0.999);
      for (const coverage of coverages) {
        expect(coverage).toBeGreaterThanOrEqual(low);
        expect(coverage).toBeLessThanOrEqual(high);
      }
      const mean = coverages.reduce((sum, c) => sum + c, 0) / SPLITS;
      expect(mean).toAgree(1 - ALPHA, { atol: 0.03, why: 'splits of one set of structures, each uncertain by 0.05' });
    },
  );
});
