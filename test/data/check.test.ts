/** Every fault that real data sets are known for, put into copies of clean ones, and what their own notes say of them. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkDataset, type DatasetCheck } from '../../src/core/dataset/check-dataset.ts';
import type { Finding } from '../../src/core/dataset/check-findings.ts';
import { BOHR, EV_PER_CUBIC_ANGSTROM_IN_GPA, HARTREE, RYDBERG } from '../../src/core/units.ts';
import type { Frame } from '../../src/core/structure/structure.ts';
import type { Kernels } from '../../src/kernels/kernels.ts';
import { readFrames } from '../../src/node/frames.ts';
import { nodeKernels } from '../../src/node/kernels.ts';
import { DATA, dataFile, skipReason } from '../support/data.ts';

const MUST_BE_THERE = Boolean(process.env.CI) && existsSync(DATA);
const missing = (name: string): boolean => !MUST_BE_THERE && dataFile(name) === null;

let kernels: Kernels;
beforeAll(() => {
  kernels = nodeKernels(null);
});
afterAll(() => kernels.dispose());

const check = (frames: readonly Frame[]): DatasetCheck =>
  checkDataset(frames, { prepare: (basis) => kernels.prepare(basis) });
const read = async (...names: string[]): Promise<Frame[]> =>
  (await readFrames(names.map((name) => dataFile(name) ?? join(DATA, name)))).frames;
const codes = ({ findings }: DatasetCheck, severity: Finding['severity']): string[] =>
  findings.filter((finding) => finding.severity === severity).map(({ code }) => code);
const found = ({ findings }: DatasetCheck, code: string): Finding => {
  const finding = findings.find((candidate) => candidate.code === code);
  expect(finding, `${code} among ${findings.map((f) => f.code).join(', ')}`).toBeDefined();
  return finding!;
};

type Change = (frame: Frame) => Frame;
const labelsOf =
  (change: (labels: Frame['labels'], frame: Frame) => Partial<Frame['labels']>): Change =>
  (frame) => ({
    ...frame,
    labels: { ...frame.labels, ...change(frame.labels, frame) },
  });
const energiesTimes = (factor: number): Change =>
  labelsOf(({ energy }) => ({ energy: energy === null ? null : energy * factor }));
const forcesTimes = (factor: number): Change =>
  labelsOf(({ forces }) => ({ forces: forces?.map((f) => f * factor) ?? null }));
const stressesTimes = (factor: number): Change =>
  labelsOf(({ virial }) => ({ virial: virial?.map((w) => w * factor) ?? null }));
/** Shear stresses as a file has them that lists its six numbers in another order: sources of yz xz xy. */
const shearFrom = (a: number, b: number, c: number): Change =>
  labelsOf(({ virial }) => ({
    virial:
      virial === null ? null : Float64Array.of(virial[0]!, virial[1]!, virial[2]!, virial[a]!, virial[b]!, virial[c]!),
  }));
const inGroup =
  (group: string, change: Change): Change =>
  (frame) =>
    frame.group === group ? change(frame) : frame;

describe.each([
  ['mlearn/Si_train.xyz.gz', []],
  ['mlearn/Ge_train.xyz.gz', []],
  ['mlearn/Cu_train.xyz.gz', ['STRESS_OFFSET']],
  ['mlearn/Ni_train.xyz.gz', ['STRESS_OFFSET']],
  ['fitsnap_InP/InP.xyz.gz', ['DUPLICATES']],
  ['nbmotaw/NbTaW_train.xyz.gz', ['ENERGY_OUTLIERS']],
  ['3bpa/train_300K.xyz.gz', []],
  ['ethanol/train.xyz.gz', []],
] as const)('clean data: %s', (name, warnings) => {
  it.skipIf(missing(name))(`have nothing wrong${skipReason(name)}`, async () => {
    const result = check(await read(name));
    expect(codes(result, 'error')).toEqual([]);
    expect(codes(result, 'warning')).toEqual(warnings);
  });
});

describe('faults that the notes of the sets name', () => {
  it.skipIf(missing('mlearn/Cu_train.xyz.gz'))('copper: 2.5 GPa between energies and stresses', async () => {
    const { evidence } = found(check(await read('mlearn/Cu_train.xyz.gz')), 'STRESS_OFFSET');
    expect(evidence['Elastic.offsetGPa']).toAgree(2.5, {
      atol: 0.1,
      why: 'printed digits of VASP energies of 108 atoms',
    });
  });

  it.skipIf(missing('fitsnap_Ta/Ta.xyz.gz'))('tantalum: energies of Elastic do not go with the stresses', async () => {
    const frames = await read('fitsnap_Ta/Ta.xyz.gz');
    const result = check(frames);
    const finding = found(result, 'STRESS_OFFSET');
    expect(new Set(finding.frames.map((f) => frames[f]!.group))).toEqual(new Set(['Elastic_BCC', 'Elastic_FCC']));
    expect(finding.evidence['Elastic_BCC.slopeWithout']).toBeLessThan(0.6);
    expect(finding.evidence['Elastic_FCC.slopeWithout']).toAgree(1.26, {
      atol: 0.05,
      why: 'the slope of the set’s notes',
    });
    // What the notes do not say: an offset of the stress explains it.
    expect(finding.evidence['Elastic_BCC.slopeWith']).toAgree(1, {
      atol: 0.05,
      why: 'the trapezoid at strains below 0.01',
    });
    expect(found(result, 'ENERGY_OUTLIERS').frames.every((f) => frames[f]!.group.startsWith('Volume'))).toBe(true);
  });

  it.skipIf(missing('fitsnap_InP/InP.xyz.gz'))('indium phosphide: repeated geometries', async () => {
    const { frames, evidence } = found(check(await read('fitsnap_InP/InP.xyz.gz')), 'DUPLICATES');
    // 92 exactly; the notes count 94 by rounded coordinates.
    expect(evidence.exact).toBe(92);
    expect(frames.length).toBeGreaterThanOrEqual(94);
  });

  it.skipIf(missing('cu_ace21/Cu_df2_1k.xyz.gz'))(
    'copper of ACE-21: repeated geometries, two of them unlike',
    async () => {
      const result = check(await read('cu_ace21/Cu_df2_1k.xyz.gz'));
      const { frames } = found(result, 'DUPLICATES');
      expect(frames).toEqual(expect.arrayContaining([18, 101, 168]));
      expect(found(result, 'CONTRADICTING_DUPLICATES').frames).toEqual([145]);
    },
  );

  it.skipIf(missing('water_deepmd/data_0_set000.xyz.gz'))('water: forces that do not add up to zero', async () => {
    const { evidence } = found(check(await read('water_deepmd/data_0_set000.xyz.gz')), 'NET_FORCE');
    expect(evidence.largest).toAgree(0.33, { atol: 0.01, why: 'the largest sum of the set’s notes' });
  });

  it.skipIf(missing('w_uq/W_dev.xyz.gz'))('tungsten: wild forces and energies', async () => {
    const result = check(await read('w_uq/W_dev.xyz.gz'));
    expect(found(result, 'FORCE_OUTLIERS').evidence.largest).toAgree(671.68, { atol: 0.01, why: 'the notes' });
    found(result, 'ENERGY_OUTLIERS');
    expect(codes(result, 'error')).toEqual([]);
  });

  const kmesh = [
    'si_defects_kmesh/vacancy_enhanced_training_set.xyz.gz',
    'si_defects_kmesh/vacancy_re_testing_set.xyz.gz',
  ];
  it.skipIf(kmesh.some(missing))('silicon: 57 of 100 test structures are in the training set', async () => {
    expect(found(check(await read(...kmesh)), 'DUPLICATES_ACROSS_FILES').frames).toHaveLength(57);
  });

  const ethanol = ['ethanol/train.xyz.gz', 'ethanol/isolated_atoms.xyz.gz'];
  it.skipIf(ethanol.some(missing))('ethanol: an isolated atom that no molecule has', async () => {
    const result = check(await read(...ethanol));
    expect(found(result, 'FOREIGN_ISOLATED_ATOMS').evidence.elements).toBe('N');
    expect(result.findings.map(({ code }) => code)).not.toContain('NO_ISOLATED_ATOMS');
  });
});

const GPA = EV_PER_CUBIC_ANGSTROM_IN_GPA;
/** [what, change, code, words of the message] */
const UNITS: readonly (readonly [string, Change, string, RegExp])[] = [
  ['kbar', stressesTimes(10 * GPA), 'STRESS_UNIT', /stresses look like kbar$/],
  [
    'kbar as VASP has it',
    stressesTimes(-10 * GPA),
    'STRESS_UNIT',
    /stresses look like kbar and have the opposite sign/,
  ],
  ['GPa', stressesTimes(GPA), 'STRESS_UNIT', /stresses look like GPa$/],
  ['stresses of the opposite sign', stressesTimes(-1), 'STRESS_SIGN', /stresses have the opposite sign/],
  ['Ry', energiesTimes(1 / RYDBERG), 'ENERGY_UNIT', /energies look like Ry/],
  ['hartree', energiesTimes(1 / HARTREE), 'ENERGY_UNIT', /energies look like hartree/],
  ['kcal/mol', energiesTimes(23.0605), 'ENERGY_UNIT', /energies look like kcal\/mol/],
  ['Ry/bohr', forcesTimes(BOHR / RYDBERG), 'FORCE_UNIT', /forces look like Ry\/bohr/],
  ['gradients', forcesTimes(-1), 'FORCE_SIGN', /forces have the opposite sign/],
  [
    'atomic units',
    (frame) => energiesTimes(1 / HARTREE)(forcesTimes(BOHR / HARTREE)(frame)),
    'ENERGY_UNIT+FORCE_UNIT',
    /energies look like hartree, forces look like hartree\/bohr/,
  ],
];

const SOME = UNITS.filter(([what]) => ['kbar as VASP has it', 'Ry', 'Ry/bohr'].includes(what));
describe.each([
  ['mlearn/Si_train.xyz.gz', UNITS],
  ['mlearn/Ge_train.xyz.gz', SOME],
  ['mlearn/Cu_train.xyz.gz', SOME],
  ['mlearn/Ni_train.xyz.gz', SOME],
] as const)('labels of %s in other units', (name, units) => {
  it.skipIf(missing(name)).each(units)(`%s${skipReason(name)}`, async (_, change, code, words) => {
    const result = check((await read(name)).map(change));
    expect(codes(result, 'error')).toEqual([code]);
    expect(found(result, code).message).toMatch(words);
  });
});

describe.each(['3bpa/train_300K.xyz.gz', 'ethanol/train.xyz.gz', 'water_deepmd/data_0_set000.xyz.gz'])(
  'labels of %s, without stresses, in other units',
  (name) => {
    const molecular = UNITS.filter(([, , code]) => !code.startsWith('STRESS') && !code.includes('+'));
    it.skipIf(missing(name)).each(molecular)(`%s${skipReason(name)}`, async (_, change, _code, words) => {
      const result = check((await read(name)).map(change));
      expect(codes(result, 'error')).toHaveLength(1);
      // Ry/bohr and kcal/mol, hartree and kcal/mol/Å lie so close together that either may be named first.
      expect(result.findings[0]!.message).toMatch(words);
    });
  },
);

describe('orders of shear stresses', () => {
  const ORDERS = [
    ['xx yy zz xy yz xz', shearFrom(5, 3, 4)],
    ['xx yy zz xy xz yz', shearFrom(5, 4, 3)],
  ] as const;
  for (const name of ['mlearn/Si_train.xyz.gz', 'mlearn/Ge_train.xyz.gz', 'mlearn/Cu_train.xyz.gz']) {
    it.skipIf(missing(name)).each(ORDERS)(`${name}: all groups in the order %s`, async (order, change) => {
      const frames = await read(name);
      const finding = found(check(frames.map(change)), 'STRESS_ORDER');
      expect(finding.message).toContain(`stand in the order ${order}`);
      expect(new Set(finding.frames.map((f) => frames[f]!.group))).toEqual(new Set(['Vacancy', 'AIMD-NVT', 'Elastic']));
    });

    it.skipIf(missing(name)).each(['Elastic', 'AIMD-NVT', 'Vacancy'])(
      `${name}: only %s in another order`,
      async (group) => {
        const frames = await read(name);
        const result = check(frames.map(inGroup(group, shearFrom(5, 3, 4))));
        expect(codes(result, 'error')).toEqual(['STRESS_ORDER']);
        const finding = found(result, 'STRESS_ORDER');
        expect(finding.message).toContain('xx yy zz xy yz xz');
        expect(new Set(finding.frames.map((f) => frames[f]!.group))).toEqual(new Set([group]));
      },
    );
  }

  for (const [name, group] of [
    ['fitsnap_InP/InP.xyz.gz', 'Shear'],
    ['fitsnap_Ta/Ta.xyz.gz', 'Elastic_FCC'],
    ['nbmotaw/NbTaW_train.xyz.gz', 'W_Elastic'],
  ] as const) {
    it.skipIf(missing(name))(`${name}: ${group}, by energies of sheared cells`, async () => {
      const finding = found(check((await read(name)).map(inGroup(group, shearFrom(5, 3, 4)))), 'STRESS_ORDER');
      expect(finding.message).toContain(`"${group}" stand in the order xx yy zz xy yz xz`);
    });
  }
});

describe('one group unlike the others', () => {
  const name = 'mlearn/Si_train.xyz.gz';
  it.skipIf(missing(name)).each([
    ['Elastic', stressesTimes(-10 * GPA), 'GROUP_STRESS', /kbar and have the opposite sign/],
    ['AIMD-NVT', stressesTimes(-1), 'GROUP_STRESS', /have the opposite sign/],
    ['Vacancy', forcesTimes(-1), 'GROUP_FORCES', /forces have the opposite sign/],
  ] as const)('%s', async (group, change, code, words) => {
    const frames = await read(name);
    const finding = found(check(frames.map(inGroup(group, change))), code);
    expect(finding.severity).toBe('error');
    expect(finding.message).toMatch(words);
    expect(new Set(finding.frames.map((f) => frames[f]!.group))).toEqual(new Set([group]));
  });
});

describe('single labels', () => {
  const name = 'mlearn/Si_test.xyz.gz';
  it.skipIf(missing(name))(
    'an absent stress read as zero, a frame twice with another energy, a wrong energy',
    async () => {
      const frames = await read(name);
      const zero = frames.map((frame, f) => (f < 5 ? labelsOf(() => ({ virial: new Float64Array(6) }))(frame) : frame));
      expect(found(check(zero), 'ZERO_STRESS').frames).toEqual([0, 1, 2, 3, 4]);
      const twice = [...frames, labelsOf(({ energy }) => ({ energy: energy! + 1 }))(frames[3]!)];
      expect(found(check(twice), 'CONTRADICTING_DUPLICATES').frames).toEqual([frames.length]);
      const wrong = frames.map((frame, f) => (f === 7 ? energiesTimes(0.5)(frame) : frame));
      const result = check(wrong);
      expect(found(result, 'ENERGY_MISFIT').frames).toEqual([7]);
      expect(codes(result, 'error')).toEqual([]);
    },
  );

  it.skipIf(missing(name))('a virial of the sign of the stress', async () => {
    const frames = (await read(name)).map((frame) => ({
      ...frame,
      info: { ...frame.info, virial: [0, 5, 4, 5, 1, 3, 4, 3, 2].map((c) => -frame.labels.virial![c]!) },
    }));
    expect(found(check(frames), 'VIRIAL_AGAINST_STRESS').evidence.ratio).toAgree(-1, {
      atol: 1e-3,
      why: 'rounded to 4 digits',
    });
  });
});
