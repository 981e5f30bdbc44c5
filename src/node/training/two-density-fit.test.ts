import { beforeAll, describe, expect, it } from 'vitest';
import { labelled, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../../core/descriptors/ace/presets.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { withSecondDensity } from '../../core/descriptors/ace/two-density.ts';
import { InputError } from '../../core/errors.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import { coefficientsOf, isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { MotionScreen } from '../../core/potentials/motion-screen.ts';
import type { Potential } from '../../core/potentials/potential.ts';
import { RandomStream } from '../../core/random.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { readModel, writeModel } from '../../formats/model-file.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { typescriptKernels } from '../../kernels/typescript-kernels.ts';
import { candidateRows } from '../learning/candidate-rows.ts';
import { Machine } from '../workers/machine.ts';
import { createPool } from '../workers/pool.ts';
import { exportBBasis } from './export-bbasis.ts';
import { exportYace } from './export-yace.ts';
import type { Fit, FitProgress } from './fit.ts';
import { fitModel } from './fit.ts';
import { openModel } from './open-model.ts';
import type { FitSettings } from './settings.ts';

const TWO: FitSettings = { ...TINY_FIT, nmax: [3, 1], lmax: [0, 1], innerCutoff: 1.2, embedding: 'two-density' };

/** A potential of two densities whose second one is well inside the root. */
function twoDensityPotential(): Potential {
  const single = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.6), nmax: [3, 1], lmax: [0, 1] });
  const random = new RandomStream(8, 'two-density silicon');
  const d = single.offsets.at(-1)!;
  const first = Float64Array.from({ length: d }, () => 0.15 * random.normal());
  const second = Float64Array.from({ length: d }, (_, v) => (v === 0 ? 2 : 0.3 * random.normal()));
  const basis = withSecondDensity(single, second);
  const program = createAceProgram(basis);
  const weights = Float64Array.of(...first, ...second);
  return { name: 'made', evaluate: (structure) => program.evaluate([structure], weights)[0]! };
}

const made = twoDensityPotential();
const framesOf = (count: number, seed: number): Frame[] =>
  siliconFrames(count, { seed, rattle: 0.12 }).map(({ structure }, k) => labelled(structure, made, k));

function forceError(fit: Fit, frames: readonly Frame[]): number {
  const potential = new AcePotential(fit.model, createAceProgram(fit.basis));
  let sum = 0;
  let count = 0;
  for (const { structure, labels } of frames) {
    potential.evaluate(structure).forces.forEach((f, c) => {
      sum += (f - labels.forces![c]!) ** 2;
      count++;
    });
  }
  return Math.sqrt(sum / count);
}

/** Fits with plain kernels, which have no tables to make for each trial of weights. */
async function fitOn(
  threads: number,
  frames: readonly Frame[],
  settings: FitSettings,
  progress?: FitProgress,
): Promise<Fit> {
  const pool = createPool(threads, 'typescript');
  try {
    return await fitModel(frames, settings, pool, progress === undefined ? {} : { progress });
  } finally {
    await pool.dispose();
  }
}

describe('fit of two densities', () => {
  const train = framesOf(25, 1);
  const unseen = framesOf(8, 5);
  let linear: Fit;
  let fit: Fit;
  const phases: string[] = [];
  beforeAll(async () => {
    linear = await fitOn(1, train, { ...TWO, embedding: 'linear' });
    fit = await fitOn(1, train, TWO, (phase, done, total) => {
      if (done === total) phases.push(phase);
    });
  }, 60_000);

  it('learns a potential of two densities better than one density does', () => {
    expect(fit.twoDensities!.accepted).toBe(true);
    const { best, linear: alone, passes, frames } = fit.twoDensities!;
    expect(frames).toEqual({ fitted: 20, heldOut: 5 });
    expect(best.loss).toBeLessThan(0.6 * alone.loss);
    expect(best.loss).toBe(Math.min(...passes.map(({ loss }) => loss)));
    expect(forceError(fit, unseen)).toBeLessThan(0.6 * forceError(linear, unseen));
    expect(fit.model.embedding).toBe('two-density');
    expect(fit.model.layout.basis).toBe(2 * linear.model.layout.basis);
    expect(fit.model.training.settings.twoDensities).toEqual(fit.twoDensities);
    expect(phases).toEqual(['rows', 'evidence', 'two densities', 'leave-one-out']);
    expect(linear.twoDensities).toBeNull();
    expect(linear.model.embedding).toBeUndefined();
  });

  it('has rows and error bars at its weights', () => {
    const program = createAceProgram(fit.basis);
    const potential = new AcePotential(fit.model, program);
    for (const { structure } of unseen) {
      const evaluated = potential.evaluate(structure);
      const predicted = potential.predict(structure);
      const why = 'rounding of rows against the adjoint';
      expect(predicted.energy).toAgree(evaluated.energy, { rtol: 1e-10, why });
      expect(predicted.forces).toAgree(evaluated.forces, { rtol: 1e-9, atol: 1e-9, why });
      expect(predicted.virial).toAgree(evaluated.virial, { rtol: 1e-9, atol: 1e-9, why });
      expect(predicted.atomEnergies!).toAgree(evaluated.atomEnergies!, { rtol: 1e-9, atol: 1e-9, why });
      expect(predicted.energyVariance).toBeGreaterThan(0);
      for (const v of predicted.forceVariances) expect(v).toBeGreaterThan(0);
      expect(Math.max(...potential.grades(structure)!)).toBeGreaterThan(0);
    }
    expect(fit.model.uncertainty.scales.forces.calibrated).toBe(true);
    // Left-out errors are those of the linearisation: their fitted part is that of the potential itself.
    const [first] = fit.frames;
    const { energy } = potential.evaluate(first!.structure);
    expect(fit.leftOut[0]!.energy.fitted[0]!).toAgree(energy - first!.labels.energy!, {
      atol: 1e-8,
      why: 'rounding of energies of some eV',
    });
    expect(() => new MotionScreen(potential, () => program, typescriptKernels())).toThrow(InputError);
    const model = openModel(writeModel(fit.model, fit.basis));
    const refused = new Machine('typescript');
    expect(() => candidateRows(refused, { model, candidates: [] })).toThrow(
      'model of candidates must be linear, got one of two densities',
    );
    refused.dispose();
  });

  it('is a model file, and its exports evaluate to the same', () => {
    const bytes = writeModel(fit.model, fit.basis);
    expect(new TextDecoder().decode(bytes)).toContain('"version": 3');
    const opened = readModel(bytes, 'two.model');
    expect(opened.model.embedding).toBe('two-density');
    expect(opened.basis.id).toBe(fit.basis.id);
    expect(writeModel(opened.model, opened.basis)).toEqual(bytes);
    expect(openModel(bytes).id).toBe(openModel(bytes).id);

    const { text, energyDifference, forceDifference } = exportYace(fit.model, fit.basis, 'two.yace');
    expect(energyDifference).toBeLessThan(1e-9);
    expect(forceDifference).toBeLessThan(1e-9);
    expect(text).toContain('FS_parameters: [1, 1, 1, 0.5]');
    const written = createYacePotential(readYace(text, 'two.yace'));
    const potential = new AcePotential(fit.model, createAceProgram(fit.basis));
    const { structure } = unseen[0]!;
    expect(written.evaluate(structure).energy).toAgree(potential.evaluate(structure).energy, {
      rtol: 1e-11,
      why: 'rounding of two orders of summation',
    });
    expect(coefficientsOf(fit.model)).toHaveLength(2 * linear.model.layout.basis);
    expect(isolatedAtomEnergies(fit.model)).toHaveLength(1);
    // Grades of the active set are those of B, whatever the densities.
    const { text: yaml, gradeDifference } = exportBBasis(fit.model, fit.basis, 'two.yaml');
    expect(yaml).toContain('ndensityi: 2');
    expect(gradeDifference).toBeLessThan(1e-7);
  });

  it('gives the same bytes on 1 and 2 threads', async () => {
    const few = framesOf(11, 3);
    const files = await Promise.all(
      [1, 2].map(async (threads) => {
        const own = await fitOn(threads, few, { ...TWO, loss: 'huber' });
        expect(own.twoDensities).not.toBeNull();
        return writeModel(own.model, own.basis);
      }),
    );
    expect(files[1]).toEqual(files[0]);
  });

  it('needs frames to hold out', async () => {
    await expect(fitOn(1, train.slice(0, 9), TWO)).rejects.toThrow(
      'structures for two densities must be at least 10, a part of which is held out, got 9',
    );
  });

  it('keeps one density where a second gains nothing', async () => {
    const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.6), nmax: [3, 1], lmax: [0, 1] });
    const program = createAceProgram(basis);
    const random = new RandomStream(11, 'linear silicon');
    const weights = Float64Array.from({ length: program.size }, () => 0.3 * random.normal());
    const noisy: Potential = {
      name: 'linear with noise',
      evaluate(structure) {
        const result = program.evaluate([structure], weights)[0]!;
        return { ...result, forces: result.forces.map((f) => f + 0.1 * random.normal()) };
      },
    };
    const frames = siliconFrames(20).map(({ structure }, k) => labelled(structure, noisy, k));
    const kept = await fitOn(1, frames, TWO);
    expect(kept.twoDensities!.accepted).toBe(false);
    expect(kept.model.embedding).toBeUndefined();
    expect(kept.model.layout.basis).toBe(program.size);
    const alone = await fitOn(1, frames, { ...TWO, embedding: 'linear' });
    expect(kept.model.posterior.mean).toEqual(alone.model.posterior.mean);
  });
});
