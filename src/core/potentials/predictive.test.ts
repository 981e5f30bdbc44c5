import { beforeAll, describe, expect, it } from 'vitest';
import {
  alloyFrames,
  alloyPotential,
  fitOn,
  isolatedAtom,
  siliconFrames,
  TINY_FIT,
} from '../../../test/support/models.ts';
import { shape } from '../../../test/support/physics.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { AcePotential, type FormVariances } from './ace-potential.ts';
import { dimer, dimerScan } from './dimer-scan.ts';
import { coefficientsOf, distanceGates, elementIndices, isolatedAtomEnergies } from './linear-model.ts';
import { type PartSigmas, predictiveSigmas, uncalibrated } from './predictive.ts';

const EXACT = { rtol: 1e-14, why: 'the formula itself' };

let silicon: AcePotential;
let alloy: AcePotential;

beforeAll(async () => {
  const one = await fitOn(1, siliconFrames(12));
  silicon = new AcePotential(one.model, createAceProgram(one.basis));
  const frames = alloyFrames(14, alloyPotential(['C', 'Si'], [-3, -1]));
  const two = await fitOn(1, [...frames, isolatedAtom('C', -3), isolatedAtom('Si', -1)]);
  alloy = new AcePotential(two.model, createAceProgram(two.basis));
});

describe('predictiveSigmas', () => {
  const structure = shape('crystal', ['Si'], 2.35);

  const square = (x: number) => x * x;

  it('is the largest a·σ² + b·v of the forms for intervals, b·v of the posterior for triggers', () => {
    const { model } = silicon;
    const prediction = silicon.predict(structure);
    const { noise } = model.posterior.hyperparameters;
    const { scales, envelope } = model.uncertainty;
    const found = predictiveSigmas(model, prediction);
    const n = structure.species.length;
    const largest = (
      kind: 'energy' | 'forces' | 'virial',
      noiseVariance: number,
      of: (form: FormVariances) => number,
    ) =>
      Math.sqrt(
        Math.max(
          ...envelope![kind].map(({ form, scale }) => scale.a * noiseVariance + scale.b * of(prediction.forms[form]!)),
        ),
      );
    expect(envelope!.forces.map(({ form }) => form)).toEqual(['posterior', 'jackknife', 'pops']);
    expect(found.energy).toAgree(
      largest('energy', square(noise.energy) * n, (form) => form.energy),
      EXACT,
    );
    expect(found.epistemic.energy).toAgree(Math.sqrt(scales.energy.b * prediction.energyVariance), EXACT);
    prediction.forceVariances.forEach((v, i) => {
      expect(found.forces[i]).toAgree(
        largest('forces', square(noise.forces), (form) => form.forces[i]!),
        EXACT,
      );
      expect(found.epistemic.forces[i]).toAgree(Math.sqrt(scales.forces.b * v), EXACT);
    });
    prediction.virialVariances.forEach((v, c) => {
      expect(found.virial[c]).toAgree(
        largest('virial', square(noise.virial) * n, (form) => form.virial[c]!),
        EXACT,
      );
      expect(found.epistemic.virial[c]).toAgree(Math.sqrt(scales.virial.b * v), EXACT);
    });
  });

  it('has three parts that add up, and takes the noise of the labels off the constant', () => {
    const prediction = silicon.predict(structure);
    const { model } = silicon;
    const sum = ({ label, modelForm, epistemic }: PartSigmas<number>) =>
      square(label) + square(modelForm) + square(epistemic);
    const unknown = predictiveSigmas(model, prediction);
    const constant = Math.min(...model.uncertainty.envelope!.forces.map(({ scale }) => scale.a));
    const forceNoise = 0.5 * Math.sqrt(constant) * model.posterior.hyperparameters.noise.forces;
    const known = predictiveSigmas(
      {
        ...model,
        uncertainty: { ...model.uncertainty, labelNoise: { energy: 1e-5, forces: forceNoise, virial: 1e3 } },
      },
      prediction,
    );
    for (const sigmas of [unknown, known]) {
      expect(sum(sigmas.parts.energy)).toAgree(square(sigmas.energy), { rtol: 1e-12, why: 'a sum of squares' });
      for (const kind of ['forces', 'virial'] as const) {
        sigmas[kind].forEach((total, i) => {
          const { label, modelForm, epistemic } = sigmas.parts[kind];
          const parts = { label: label[i]!, modelForm: modelForm[i]!, epistemic: epistemic[i]! };
          expect(sum(parts)).toAgree(square(total), { rtol: 1e-12, why: 'a sum of squares' });
        });
      }
    }
    expect(unknown.parts.forces.label).toEqual(new Float64Array(structure.species.length));
    expect(known.parts.forces.label).toAgree(new Float64Array(structure.species.length).fill(forceNoise), EXACT);
    // Energies have no constant unless the noise of their labels is known to the fit.
    expect(known.parts.energy.label).toBe(0);
    expect(known.parts.energy.modelForm).toBe(0);
    expect(known.forces).toEqual(unknown.forces);
    // Labels said to be noisier than the whole constant leave nothing to the form of the model.
    expect([...known.parts.virial.modelForm]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('says which error bars are not calibrated, and why', async () => {
    expect(uncalibrated(silicon.model)).toEqual({ energy: null, forces: null, virial: null });
    const { model } = await fitOn(1, siliconFrames(7));
    const why = '7 structures are fewer than 10';
    expect(uncalibrated(model)).toEqual({ energy: why, forces: why, virial: why });
  });

  it('is a·σ² + b·v of the posterior in models without forms', () => {
    const { envelope: _, forms: __, labelNoise: ___, ...uncertainty } = silicon.model.uncertainty;
    const old = new AcePotential({ ...silicon.model, uncertainty }, silicon.program);
    const prediction = old.predict(structure);
    expect(Object.keys(prediction.forms)).toEqual(['posterior']);
    const { a, b } = uncertainty.scales.forces;
    const { forces } = old.model.posterior.hyperparameters.noise;
    expect(predictiveSigmas(old.model, prediction).forces).toAgree(
      prediction.forceVariances.map((v) => Math.sqrt(a * forces * forces + b * v)),
      EXACT,
    );
  });

  it('grows with N instead of √N when energies are said to be fully correlated', () => {
    const prediction = silicon.predict(structure);
    const none = { energy: 0, forces: prediction.forceVariances, virial: prediction.virialVariances };
    const certain = { ...prediction, forms: { posterior: none, jackknife: none, pops: none } };
    const { envelope: _, ...uncertainty } = silicon.model.uncertainty;
    const sqrt = predictiveSigmas({ ...silicon.model, uncertainty, energyNoise: 'sqrt' }, certain).energy;
    const atom = predictiveSigmas({ ...silicon.model, uncertainty, energyNoise: 'atom' }, certain).energy;
    expect(atom / sqrt).toAgree(Math.sqrt(structure.species.length), EXACT);
  });
});

describe('the linear model', () => {
  it('names coefficients and energies of isolated atoms', () => {
    const { layout, posterior, reference } = silicon.model;
    expect(coefficientsOf(silicon.model)).toEqual(posterior.mean.slice(0, layout.basis));
    expect(isolatedAtomEnergies(silicon.model)[0]).toBe(reference.values[0]! + posterior.mean[layout.basis]!);
    // Energies of isolated atoms are taken as they are: no correction is fitted.
    expect(alloy.model.layout.referenceEnergies).toBe(false);
    expect(isolatedAtomEnergies(alloy.model)).toEqual([-3, -1]);
    expect(alloy.evaluate(isolatedAtom('C', 0).structure).energy).toBe(-3);
  });

  it('indexes atoms by element', () => {
    const structure = shape('molecule', ['Si', 'C'], 2);
    expect([...elementIndices(structure, [6, 14])]).toEqual([1, 0, 1, 0, 1, 0]);
    expect([...elementIndices(structure, [6])]).toEqual([-1, 0, -1, 0, -1, 0]);
  });
});

describe('dimerScan', () => {
  it('goes from the start to the cutoff and calls everything below the gate broken', () => {
    const { specification } = alloy.model;
    const { cutoff } = specification.pairs[0]![1]!;
    const gate = distanceGates(specification)[0]![1]!;
    const scan = dimerScan(alloy, 0, 1);
    expect(scan[0]!.distance).toBe(0.5);
    expect(scan.at(-1)!.distance).toAgree(cutoff, {
      atol: 0.05 + 1e-9,
      why: 'the last step of 0.05 Å before the cutoff',
    });
    for (const { distance, state, reason } of scan) {
      if (distance >= gate) continue;
      expect(state).toBe('broken');
      expect(reason).toMatch(/of its gate below 1/);
    }
    // Trained on crystals only: a dimer is not to be trusted at any distance.
    expect(scan.filter(({ state }) => state === 'trusted')).toEqual([]);
  });

  it('has forces that are the derivative of its energy, repulsive at short distance', () => {
    const h = 1e-4;
    for (const { distance, energy, force } of dimerScan(silicon, 0, 0, 0.9, 0.8)) {
      const at = (r: number): number => silicon.evaluate(dimer(14, 14, r)).energy;
      expect(at(distance)).toAgree(energy, { rtol: 1e-12, atol: 1e-12, why: 'rounding of two orders of summation' });
      const slope = (at(distance + h) - at(distance - h)) / (2 * h);
      expect(force).toAgree(-slope, { rtol: 1e-5, atol: 1e-6, why: 'central difference, h = 1e-4 Å' });
    }
    expect(dimerScan(silicon, 0, 0, 0.6)[0]!.force).toBeGreaterThan(10);
  });

  it('puts two atoms along x', () => {
    const { positions, species, cell } = dimer(6, 14, 1.5);
    expect([...positions]).toEqual([0, 0, 0, 1.5, 0, 0]);
    expect([...species]).toEqual([6, 14]);
    expect(cell).toBeNull();
    expect(TINY_FIT.cutoff).toBe(4.6);
  });
});
