import { describe, expect, it } from 'vitest';
import {
  alloyFrames,
  alloyPotential,
  fitOn,
  isolatedAtom,
  labelled,
  siliconFrames,
  TINY_FIT,
} from '../../../test/support/models.ts';
import { columnOffsets } from '../../core/dataset/dataset.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { InputError } from '../../core/errors.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import { isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { stillingerWeberSilicon } from '../../core/potentials/stillinger-weber.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { writeModel } from '../../formats/model-file.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { Machine } from '../workers/machine.ts';
import { createPool } from '../workers/pool.ts';
import { evaluateModel } from './evaluate.ts';
import { exportYace } from './export-yace.ts';
import type { Fit } from './fit.ts';
import { OFFSET_GAIN } from './fit.ts';
import { openModel } from './open-model.ts';
import { predictStructures } from './predict.ts';
import { allowingForOffset, meanOffsetStress, offsetStress } from './stress-offset.ts';
import { evaluationTable, gigapascal, trainingTables } from './tables.ts';

const silicon = siliconFrames(16);
const alloy = alloyPotential(['C', 'Si'], [-3, -1]);

const rms = (values: ArrayLike<number>): number =>
  Math.sqrt(Array.from(values).reduce((sum, x) => sum + x * x, 0) / values.length);

/** Root mean square force error of a fit on frames it has not seen. */
function forceError(fit: Fit, frames: readonly Frame[]): number {
  const potential = new AcePotential(fit.model, createAceProgram(fit.basis));
  return rms(
    frames.flatMap(({ structure, labels }) => {
      const { forces } = potential.evaluate(structure);
      return [...forces].map((f, k) => f - labels.forces![k]!);
    }),
  );
}

/** Labels changed frame by frame. */
function relabelled(
  frames: readonly Frame[],
  change: (frame: Frame, index: number) => Partial<Frame['labels']>,
): Frame[] {
  return frames.map((frame, f) => ({ ...frame, labels: { ...frame.labels, ...change(frame, f) } }));
}

describe('fitModel', () => {
  it.each([
    ['fixed balance', TINY_FIT],
    ['cross-validated balance', { ...TINY_FIT, balance: 'cv', folds: 3 }],
  ] as const)('gives the same bytes on 1, 2 and 3 threads (%s)', async (_, settings) => {
    // Enough atoms for several chunks.
    const frames = siliconFrames(18, { repeat: [2, 2, 1], rattle: 0.12 });
    const files = await Promise.all(
      [1, 2, 3].map(async (threads) => {
        const fit = await fitOn(threads, frames, settings);
        return writeModel(fit.model, fit.basis);
      }),
    );
    expect(files[1]).toEqual(files[0]);
    expect(files[2]).toEqual(files[0]);
  });

  it('recovers a potential of the form of its basis', async () => {
    const settings = { ...TINY_FIT, nmax: [3, 2], lmax: [0, 1] };
    const train = alloyFrames(24, alloy);
    const fit = await fitOn(1, [...train, isolatedAtom('C', -3), isolatedAtom('Si', -1)], {
      ...settings,
      innerCutoff: 1.2,
    });
    const test = alloyFrames(6, alloy, null, 9);
    // Cutoff, sizes and core differ from those of the labels in the inner cutoff only.
    expect(forceError(fit, test)).toBeLessThan(0.02 * rms(test.flatMap(({ labels }) => [...labels.forces!])));
    expect(isolatedAtomEnergies(fit.model)).toEqual([-3, -1]);
    expect(fit.model.reference.origin).toBe('isolated-atoms');
    // Isolated atoms set the energies and are no structures of the fit.
    expect(fit.model.training.structures).toBe(24);
    expect(fit.frames).toHaveLength(24);
    expect(fit.leftOut).toHaveLength(24);
    expect(fit.warnings).toEqual([]);
  });

  it('counts what it was made of', async () => {
    const frames = silicon.map((frame, f) => ({ ...frame, group: f < 4 ? 'cold' : 'hot' }));
    const { training, layout, uncertainty } = (await fitOn(1, frames)).model;
    expect(training.structures).toBe(16);
    expect(training.atoms).toBe(128);
    expect(training.rows).toEqual({ energy: 16, forces: 384, virial: 96 });
    expect(training.groups).toEqual({ cold: 4, hot: 12 });
    expect(training.settings).toEqual(TINY_FIT);
    expect(training.evidenceConverged).toBe(true);
    expect(training.balance).toMatchObject({ mode: 'fixed', curve: [] });
    expect(training.balance.ratio).toAgree(TINY_FIT.ratio, { rtol: 1e-12, why: 'the ratio that was asked for' });
    expect(layout.species).toEqual([14]);
    expect(uncertainty.scales.forces.calibrated).toBe(true);
    expect(uncertainty.novelty[0]).not.toBeNull();
    expect(uncertainty.leverageMedian[0]).toBeGreaterThan(0);
  });

  it('has a data hash of labels, structures and order', async () => {
    const hash = async (frames: readonly Frame[]): Promise<string> => (await fitOn(1, frames)).model.training.dataHash;
    const first = await hash(silicon);
    expect(await hash(silicon)).toBe(first);
    expect(await hash([...silicon].reverse())).not.toBe(first);
    expect(
      await hash(relabelled(silicon, ({ labels }, f) => (f === 3 ? { energy: labels.energy! + 1e-12 } : {}))),
    ).not.toBe(first);
    expect(await hash(silicon.map((frame, f) => (f === 3 ? { ...frame, group: 'other' } : frame)))).not.toBe(first);
  });

  it('finds a constant offset of the stress labels and keeps it out of the potential', async () => {
    const offset = 0.19;
    const shifted = relabelled(silicon, ({ labels, structure }) => ({
      virial: labels.virial!.map((w, c) => w + (c < 3 ? offset * structure.species.length : 0)),
    }));
    const clean = await fitOn(1, silicon);
    const found = await fitOn(1, shifted);
    expect(clean.model.training.stressOffset).toBe(0);
    expect(found.model.training.stressOffset).toAgree(offset, {
      atol: 0.05,
      why: 'the fitted offset takes up part of what the small basis cannot describe',
    });
    const column = columnOffsets(found.model.layout).stressOffset;
    expect(found.model.posterior.mean[column]).toBe(found.model.training.stressOffset);
    // Errors of energies and forces hardly feel the offset; without a column for it they would.
    const test = siliconFrames(5, { seed: 7 });
    expect(forceError(found, test)).toBeLessThan(1.1 * forceError(clean, test));
    expect(OFFSET_GAIN).toBe(15);
  });

  it('gives energies of another kind of label an offset of their own', async () => {
    const shift = 0.37;
    const mixed = relabelled(silicon, ({ labels, structure }, f) =>
      f % 3 === 0 ? { energy: labels.energy! + shift * structure.species.length } : {},
    ).map((frame, f) => ({ ...frame, info: { functional: f % 3 === 0 ? 'other' : 'usual' } }));
    const fit = await fitOn(1, mixed, { ...TINY_FIT, offsetKey: 'functional' });
    expect(fit.model.layout.offsetGroups).toEqual(['other']);
    const { groups } = columnOffsets(fit.model.layout);
    const plain = await fitOn(1, silicon);
    const energyError = plain.model.uncertainty.leaveOneOut.energy;
    expect(fit.model.posterior.mean[groups]).toAgree(shift, {
      atol: 3 * energyError,
      why: 'as well as energies are known at all',
    });
    expect(fit.model.uncertainty.leaveOneOut.energy).toBeLessThan(1.5 * energyError);
    const blind = await fitOn(1, mixed);
    expect(blind.model.uncertainty.leaveOneOut.energy).toBeGreaterThan(3 * energyError);
    await expect(fitOn(1, silicon, { ...TINY_FIT, offsetKey: 'nope' })).rejects.toThrow(
      /offset key must be in at least one structure, got "nope" in none/,
    );
  });

  it('takes weights by group: 0 as if the labels were not there', async () => {
    const grouped = silicon.map((frame, f) => ({ ...frame, group: f % 2 === 0 ? 'even' : 'odd' }));
    const zero = { energy: 0, forces: 0, virial: 0 };
    const muted = await fitOn(1, grouped, { ...TINY_FIT, weights: { odd: zero } });
    const half = await fitOn(
      1,
      grouped.filter((_, f) => f % 2 === 0),
    );
    expect(muted.model.training.rows).toEqual(half.model.training.rows);
    expect(muted.model.training.logEvidence).toAgree(half.model.training.logEvidence, {
      atol: 2,
      why: 'the reference energy and the mask of symmetry are found with all structures in the one case',
    });
    const equal = await fitOn(1, grouped, { ...TINY_FIT, weights: { odd: { forces: 1 } } });
    const none = await fitOn(1, grouped);
    expect(equal.model.posterior.mean).toEqual(none.model.posterior.mean);
  });

  it('lets weights move the fit towards what they favour', async () => {
    const other = siliconFrames(10, { seed: 5, rattle: 0.35 }).map((frame) => ({ ...frame, group: 'hot' }));
    const frames = [...silicon, ...other];
    // Some bonds of the test are shorter than any of the data: the core is as the basis has it.
    const even = await fitOn(1, frames, { ...TINY_FIT, mendCores: false });
    const weighted = await fitOn(1, frames, {
      ...TINY_FIT,
      mendCores: false,
      weights: { hot: { forces: 100, energy: 100, virial: 100 } },
    });
    const test = siliconFrames(6, { seed: 8, rattle: 0.35 });
    expect(forceError(weighted, test)).toBeLessThan(forceError(even, test));
  });

  it.each([
    ['energies only', { forces: null, virial: null }, { energy: 16, forces: 0, virial: 0 }],
    ['forces only', { energy: null, virial: null }, { energy: 0, forces: 384, virial: 0 }],
    ['energies and stresses', { forces: null }, { energy: 16, forces: 0, virial: 96 }],
  ] as const)('takes %s', async (_, missing, rows) => {
    const fit = await fitOn(
      1,
      relabelled(silicon, () => missing),
    );
    const { training, uncertainty } = fit.model;
    expect(training.rows).toEqual(rows);
    expect(fit.warnings).toEqual(
      rows.energy === 0
        ? ['reference energies: no structure has an energy, so energies are counted from an arbitrary zero']
        : [],
    );
    for (const kind of ['energy', 'forces', 'virial'] as const)
      expect(Number.isNaN(uncertainty.leaveOneOut[kind])).toBe(rows[kind] === 0);
    if (rows.forces === 0) return;
    const test = siliconFrames(4, { seed: 9 });
    expect(forceError(fit, test)).toBeLessThan(0.5 * rms(test.flatMap(({ labels }) => [...labels.forces!])));
  });

  it('leaves stresses out when told so', async () => {
    const fit = await fitOn(1, silicon, { ...TINY_FIT, stress: false });
    expect(fit.model.training.rows.virial).toBe(0);
    expect(fit.model.layout.stressOffset).toBe(false);
    expect(fit.leftOut.every(({ virial }) => virial.leftOut.length === 0)).toBe(true);
  });

  it('warns of labels that are missing here and there, with the first place', async () => {
    const gaps = relabelled(silicon, ({ labels }, f) => {
      if (f === 2 || f === 5) return { energy: null };
      if (f !== 3) return {};
      const forces = labels.forces!.slice();
      forces[4] = Number.NaN;
      return { forces };
    });
    const fit = await fitOn(1, gaps);
    expect(fit.warnings).toEqual([
      'labels: 2 of 16 structures have no energy (first: made.xyz:21: structure 2)',
      'labels: 1 component of forces or stress is not a number and left out (first: made.xyz:31: structure 3)',
    ]);
    expect(fit.model.training.rows).toEqual({ energy: 14, forces: 383, virial: 96 });
  });

  it('leaves out force components that symmetry fixes', async () => {
    const perfect = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const frame = labelled(perfect, stillingerWeberSilicon(), 16);
    const fit = await fitOn(1, [...silicon, frame]);
    expect(fit.model.training.rows.forces).toBe(384);
    expect(fit.leftOut.at(-1)!.forces.leftOut).toHaveLength(0);
  });
});

describe('reference energies of a fit', () => {
  it('come from least squares where there are no isolated atoms, corrected by the posterior', async () => {
    const fit = await fitOn(1, alloyFrames(20, alloy));
    expect(fit.model.reference.origin).toBe('least-squares');
    expect(fit.model.reference.degenerate).toBe(false);
    expect(fit.model.layout.referenceEnergies).toBe(true);
    expect(fit.warnings).toEqual([]);
    const { mean } = fit.model.posterior;
    const at = columnOffsets(fit.model.layout).referenceEnergies;
    const values = fit.model.reference.values.map((e, k) => e + mean[at + k]!);
    expect(isolatedAtomEnergies(fit.model)).toEqual(values);
  });

  it('are split evenly and said to be arbitrary when all compositions are alike', async () => {
    const fit = await fitOn(1, alloyFrames(10, alloy, 0.5));
    expect(fit.model.reference.degenerate).toBe(true);
    expect(fit.model.reference.values[0]).toAgree(fit.model.reference.values[1]!, {
      rtol: 1e-9,
      why: 'the minimum-norm split of equal shares',
    });
    expect(fit.warnings).toEqual([
      'reference energies: there are fewer independent compositions than elements, so the split among elements is arbitrary (minimum norm)',
    ]);
  });

  it('may be given, and must then be of all elements and of no other', async () => {
    const frames = alloyFrames(10, alloy);
    const fit = await fitOn(1, frames, { ...TINY_FIT, isolatedAtoms: { Si: -1.5, C: -2.5 } });
    expect(isolatedAtomEnergies(fit.model)).toEqual([-2.5, -1.5]);
    expect(fit.model.reference.origin).toBe('given');
    const partly = fitOn(1, frames, { ...TINY_FIT, isolatedAtoms: { Si: -1.5 } });
    await expect(partly).rejects.toThrow(/for every element or for none, got none for C/);
    const foreign = fitOn(1, frames, { ...TINY_FIT, isolatedAtoms: { Si: -1.5, C: -2.5, Ge: -1 } });
    await expect(foreign).rejects.toThrow(/must be of elements of the data \(C, Si\), got Ge/);
  });

  it('are not taken from isolated atoms of some elements only, and that is said', async () => {
    const fit = await fitOn(1, [...alloyFrames(10, alloy), isolatedAtom('C', -3)]);
    expect(fit.model.reference.origin).toBe('least-squares');
    expect(fit.warnings).toEqual([
      'reference energies: there are isolated atoms, but not with an energy for every element; they are not used',
    ]);
  });
});

describe('the balance of energies and forces', () => {
  it('is found by cross-validation over whole structures', async () => {
    const settings = { ...TINY_FIT, balance: 'cv' as const, folds: 4, seed: 3 };
    const fit = await fitOn(1, silicon, settings);
    const { balance } = fit.model.training;
    expect(balance.mode).toBe('cv');
    expect(balance.curve.length).toBeGreaterThan(3);
    const nearest = Math.min(...balance.curve.map(({ ratio }) => Math.abs(Math.log(ratio / balance.ratio))));
    expect(nearest).toAgree(0, { atol: 1e-9, why: 'the ratio is one of the curve' });
    for (const { energy, forces } of balance.curve) {
      expect(energy).toBeGreaterThan(0);
      expect(forces).toBeGreaterThan(0);
    }
    const again = await fitOn(1, silicon, settings);
    expect(again.model.training.balance).toEqual(balance);
  });

  it('may be left to the evidence, which is then higher', async () => {
    const fixed = await fitOn(1, silicon);
    const free = await fitOn(1, silicon, { ...TINY_FIT, balance: 'evidence' });
    expect(free.model.training.balance.mode).toBe('evidence');
    expect(free.model.training.logEvidence).toBeGreaterThan(fixed.model.training.logEvidence);
  });
});

describe('what a fit refuses', () => {
  const refused = async (frames: readonly Frame[]): Promise<InputError> => {
    const error = await fitOn(1, frames).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    return error as InputError;
  };

  it('no data, isolated atoms only, structures without labels', async () => {
    expect((await refused([])).message).toBe('data must hold at least one labelled structure, got none');
    expect((await refused([isolatedAtom('Si', -1)])).code).toBe('NO_STRUCTURES');
    const bare = relabelled(silicon, (_, f) => (f === 5 ? { energy: null, forces: null, virial: null } : {}));
    expect((await refused(bare)).message).toMatch(
      /^made\.xyz:51: structure 5 must carry an energy, forces or a stress/,
    );
  });

  it('atoms on top of each other, by file and line', async () => {
    const frames = silicon.map((frame, f) => {
      if (f !== 4) return frame;
      const positions = frame.structure.positions.slice();
      positions.set(positions.subarray(0, 3), 3);
      return { ...frame, structure: { ...frame.structure, positions } };
    });
    expect((await refused(frames)).message).toBe(
      'atoms 0 (Si) and 1 (Si) of made.xyz:41: structure 4 must be at least 0.444 Å apart, got 0.000 Å',
    );
  });

  it('a cutoff to be guessed from atoms without neighbours', async () => {
    const far = silicon.slice(0, 1).map((frame) => ({
      ...frame,
      structure: {
        ...frame.structure,
        cell: null,
        pbc: [false, false, false] as const,
        positions: frame.structure.positions.map((x) => 20 * x),
      },
    }));
    const error = await fitOn(1, far, { ...TINY_FIT, cutoff: null }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NO_NEIGHBOURS' });
  });
});

describe('a model at work', () => {
  it('evaluates its training set with the errors that the fit reports, and left-out ones are larger', async () => {
    const fit = await fitOn(1, silicon);
    const model = openModel(writeModel(fit.model, fit.basis));
    for (const threads of [1, 2]) {
      const pool = createPool(threads, null);
      const evaluated = await evaluateModel(model, [...silicon, isolatedAtom('Si', 0)], pool);
      await pool.dispose();
      expect(evaluated).toHaveLength(16);
      evaluated.forEach((found, f) => {
        const { energy, forces } = fit.leftOut[f]!;
        const why = 'the same residuals, from rows and from the potential';
        expect(found.energyError).toAgree(energy.fitted[0], { atol: 1e-9, why });
        const free = Array.from(forces.components, (component) => found.forceErrors[component]!);
        expect(free).toAgree(forces.fitted, { atol: 1e-10, why });
        expect(found.symbols).toEqual(new Array(8).fill('Si'));
      });
    }
    const all = (which: 'fitted' | 'leftOut'): number => rms(fit.leftOut.flatMap(({ forces }) => [...forces[which]]));
    expect(all('leftOut')).toBeGreaterThan(all('fitted'));
    expect(fit.model.uncertainty.leaveOneOut.forces).toAgree(all('leftOut'), { rtol: 1e-12, why: 'the same numbers' });
  });

  it('predicts with standard deviations and verdicts', async () => {
    const fit = await fitOn(1, silicon);
    const model = openModel(writeModel(fit.model, fit.basis));
    const machine = new Machine(null);
    const cluster = {
      ...silicon[0]!,
      structure: { ...silicon[0]!.structure, cell: null, pbc: [false, false, false] as const },
    };
    const [inside, free] = predictStructures(machine, { model, frames: [silicon[0]!, cluster] });
    machine.dispose();
    expect(inside!.stress).toHaveLength(6);
    expect(inside!.stressStd).toHaveLength(6);
    expect(free!.stress).toBeNull();
    expect(free!.stressStd).toBeNull();
    expect(inside!.forces).toHaveLength(8);
    expect(inside!.energyStd).toBeGreaterThanOrEqual(inside!.energyEpistemicStd);
    expect(inside!.trust.state).toBe('trusted');
    expect(free!.trust.state).not.toBe('trusted');
    expect(Math.max(...inside!.grade!)).toBeLessThanOrEqual(1.001);
    expect(Math.max(...free!.grade!)).toBeGreaterThan(2);
    const { labels, structure } = silicon[0]!;
    const volume = structure.cell![0]! ** 3;
    const error = inside!.stress!.map((s, c) => s - -labels.virial![c]! / volume);
    expect(rms(error)).toBeLessThan((0.1 * rms(labels.virial!)) / volume + 0.01);
  });

  it('exports to a file that another evaluator reads alike', async () => {
    const fit = await fitOn(1, alloyFrames(12, alloy));
    const { text, energyDifference, forceDifference } = exportYace(fit.model, fit.basis, 'alloy.yace');
    expect(energyDifference).toBeLessThan(1e-9);
    expect(forceDifference).toBeLessThan(1e-9);
    const written = createYacePotential(readYace(text, 'alloy.yace'));
    const own = new AcePotential(fit.model, createAceProgram(fit.basis));
    for (const { structure } of alloyFrames(3, alloy, null, 4)) {
      const why = 'rounding of two orders of summation';
      expect(written.evaluate(structure).energy).toAgree(own.evaluate(structure).energy, { atol: 1e-9, why });
      expect(written.evaluate(structure).forces).toAgree(own.evaluate(structure).forces, { atol: 1e-9, why });
    }
    const nan = {
      ...fit.model,
      posterior: { ...fit.model.posterior, mean: fit.model.posterior.mean.map(() => Number.NaN) },
    };
    expect(() => exportYace(nan, fit.basis, 'x.yace')).toThrow();
  });
});

describe('a stress offset', () => {
  it('is no part of the potential, so that errors of labels that carry it are told with and without', async () => {
    const offset = 0.3;
    const shifted = relabelled(silicon, ({ labels, structure }) => ({
      virial: labels.virial!.map((w, c) => w + (c < 3 ? offset * structure.species.length : 0)),
    }));
    const fit = await fitOn(1, shifted);
    const pool = createPool(1, null);
    const evaluated = await evaluateModel(openModel(writeModel(fit.model, fit.basis)), shifted, pool);
    await pool.dispose();
    const { structure } = shifted[0]!;
    const volume = structure.cell![0]! ** 3;
    expect(offsetStress(structure, offset)).toAgree((-offset * 8) / volume, { rtol: 1e-12, why: 'the formula itself' });
    expect(offsetStress({ ...structure, cell: null, pbc: [false, false, false] }, offset)).toBe(0);
    const allowed = allowingForOffset(shifted, evaluated, fit.model.training.stressOffset);
    const mae = (list: typeof evaluated): number => evaluationTable(list).rows[0]!.sets[0]!.stressMae;
    expect(mae(allowed)).toBeLessThan(0.5 * mae(evaluated));
    // What is allowed for is exactly what the fit itself had as residuals.
    const fitted = trainingTables(fit, allowed).rows[0]!.sets;
    expect(fitted[2]!.stressMae).toAgree(fitted[0]!.stressMae, { rtol: 1e-6, why: 'the same residuals' });
    expect(allowingForOffset(shifted, evaluated, 0)).toEqual(evaluated);
    const structures = shifted.map((frame) => frame.structure);
    expect(meanOffsetStress(structures, offset)).toAgree(-offset / 20, { rtol: 0.05, why: '20 Å³ per silicon atom' });
  });
});

describe('tables of errors', () => {
  it('count every labelled force component, also those that symmetry fixes', async () => {
    const perfect = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const frame = { ...labelled(perfect, stillingerWeberSilicon(), 16), group: 'perfect' };
    const noisy = {
      ...frame,
      labels: { ...frame.labels, forces: frame.labels.forces!.map((_, k) => (k === 0 ? 0.24 : 0)) },
    };
    const fit = await fitOn(1, [...silicon.map((other) => ({ ...other, group: 'rattled' })), noisy]);
    const [train, leftOut] = trainingTables(fit, null).rows.find(({ name }) => name === 'perfect')!.sets;
    expect(train!.forceMae).toAgree(0.01, { rtol: 1e-9, why: '0.24 eV/Å on one of 24 components' });
    expect(leftOut!.forceMae).toBe(train!.forceMae);
  });

  it('set training, left-out and test errors side by side, by group and by element', async () => {
    const frames = alloyFrames(12, alloy).map((frame, f) => ({ ...frame, group: f < 5 ? 'a' : 'b' }));
    const fit = await fitOn(1, frames);
    const pool = createPool(1, null);
    const test = await evaluateModel(openModel(writeModel(fit.model, fit.basis)), frames.slice(0, 5), pool);
    await pool.dispose();
    const { columns, rows } = trainingTables(fit, test);
    expect(columns).toEqual(['train', 'left out', 'test']);
    expect(rows.map(({ name, structures }) => [name, structures])).toEqual([
      ['all', 12],
      ['a', 5],
      ['b', 7],
      ['on C', 12],
      ['on Si', 12],
    ]);
    const a = rows[1]!.sets;
    const why = 'the same structures, by the fit and by its file';
    expect(a[2]!.energyMae).toAgree(a[0]!.energyMae, { rtol: 1e-6, why });
    expect(a[2]!.forceRmse).toAgree(a[0]!.forceRmse, { rtol: 1e-6, why });
    expect(a[2]!.stressMae).toAgree(a[0]!.stressMae, { rtol: 1e-6, why });
    // No test structure is of group b; an element has force errors, but no energy of its own.
    expect(rows[2]!.sets[2]).toBeNull();
    expect(rows[3]!.sets[0]!.energyMae).toBeNaN();
    expect(rows[3]!.sets[0]!.forceMae).toBeGreaterThan(0);
    expect(trainingTables(fit, null).columns).toEqual(['train', 'left out']);
    expect(evaluationTable(test).columns).toEqual(['test']);
    expect(gigapascal(1)).toAgree(160.2176634, { rtol: 1e-12, why: '1 eV/Å³ in GPa, CODATA 2018' });
  });
});
