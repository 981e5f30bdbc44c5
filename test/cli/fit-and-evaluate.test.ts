import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationSummary } from '../../src/core/validation/summary.ts';
import type { Ended } from '../support/command.ts';
import { freshFolder, querent } from '../support/command.ts';
import { alloyFrames, alloyPotential, extxyzOf, isolatedAtom, siliconFrames } from '../support/models.ts';

/** A basis of 13 functions: commands take a second. */
const TINY = ['--nmax', '4,2', '--lmax', '0,2', '--cutoff', '4.6', '--threads', '1'];
const cwd = freshFolder('fit');
const train = siliconFrames(20).map((frame, f) => ({ ...frame, group: f % 2 === 0 ? 'cold' : 'hot' }));
const test = siliconFrames(8, { seed: 9 }).map((frame, f) => ({ ...frame, group: f % 2 === 0 ? 'cold' : 'hot' }));

const run = (argv: readonly string[], stdin?: string | Uint8Array): Promise<Ended> =>
  querent(argv, stdin === undefined ? { cwd } : { cwd, stdin });

async function json<T>(argv: readonly string[], stdin?: string | Uint8Array): Promise<T> {
  const { code, stdout, stderr } = await run([...argv, '--json'], stdin);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return JSON.parse(stdout) as T;
}

interface FitJson {
  readonly nStructures: number;
  readonly nRows: number;
  readonly nFunctions: number;
  readonly balance: { mode: string; ratio: number; curve: unknown[] };
  readonly e0: Record<string, number>;
  readonly noise: Record<string, number>;
  readonly logEvidence: number;
  readonly warnings: string[];
  readonly stressOffset: number;
  readonly test?: EvaluationSummary;
}

interface PredictionJson {
  readonly energy: number;
  readonly energyStd: number;
  readonly energyEpistemicStd: number;
  readonly forces: number[][];
  readonly forcesStd: number[];
  readonly stress: number[] | null;
  readonly leverage: number[];
  readonly grade: number[] | null;
}

beforeAll(async () => {
  writeFileSync(join(cwd, 'train.xyz'), extxyzOf(train));
  writeFileSync(join(cwd, 'test.xyz'), extxyzOf(test));
  writeFileSync(join(cwd, 'train.xyz.gz'), gzipSync(extxyzOf(train)));
  const { code, stderr } = await run(['fit', 'train.xyz', '-o', 'si.model', ...TINY]);
  expect(stderr).toBe('rows done\nevidence done\nleave-one-out done\n');
  expect(code).toBe(0);
});
afterAll(() => rmSync(cwd, { recursive: true }));

describe('querent fit', () => {
  it('--json has the fields of its contract, units without suffixes', async () => {
    const result = await json<FitJson>(['fit', 'train.xyz', '-o', 'json.model', ...TINY]);
    expect(Object.keys(result)).toEqual([
      'model',
      'nStructures',
      'nRows',
      'nFunctions',
      'logEvidence',
      'evidenceConverged',
      'noise',
      'balance',
      'choices',
      'curve',
      'robust',
      'twoDensities',
      'e0',
      'seconds',
      'leaveOneOut',
      'stressOffset',
      'cores',
      'dimers',
      'warnings',
      'properties',
    ]);
    expect(result).toMatchObject({
      model: 'json.model',
      nStructures: 20,
      nRows: 20 + 480 + 120,
      nFunctions: 13,
      evidenceConverged: true,
      balance: { mode: 'fixed', curve: [] },
      stressOffset: 0,
      warnings: [],
    });
    expect(Object.keys(result.noise)).toEqual(['energy', 'forces', 'virial']);
    expect(Object.keys(result.e0)).toEqual(['Si']);
    expect(result.noise.energy! / result.noise.forces!).toAgree(0.05, { rtol: 1e-9, why: 'the default balance, Å' });
    // Equal input, equal file.
    expect(readFileSync(join(cwd, 'json.model'))).toEqual(readFileSync(join(cwd, 'si.model')));
  });

  it('prints tables for people: units in headers, errors of training, left out and test side by side', async () => {
    const { code, stdout } = await run(['fit', 'train.xyz', '-o', 'table.model', '--test', 'test.xyz', ...TINY]);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('20 structures, 160 atoms; labels from energy, forces, stress');
    expect(lines[1]).toBe('observations: 20 energies, 480 force components, 120 stress components');
    expect(lines[2]).toBe('basis: 13 functions of Si, cutoff 4.60 Å, repulsive core below 1.55 Å');
    expect(lines[3]).toMatch(/^reference energies, by least squares: Si -?\d+\.\d+ eV$/);
    expect(lines[4]).toMatch(
      /^noise: energies [\d.]+ meV\/√atom, forces [\d.]+ meV\/Å, virials [\d.]+ eV\/√atom; balance fixed/,
    );
    expect(stdout).toMatch(/\n +E MAE meV\/atom +F MAE meV\/Å +F RMSE meV\/Å +stress MAE GPa\n/);
    expect(stdout).toMatch(/\n +structures( +train +left out +test){4}\n/);
    for (const group of ['all', 'cold', 'hot']) expect(stdout).toMatch(new RegExp(`\n${group} +\\d+( +[\\d.]+){12}\n`));
    expect(stdout).toMatch(
      /\nwritten to table\.model in [\d.]+ s\n[\s\S]*\nproperty card: table\.card\.svg\nnext: querent evaluate table\.model TEST\.xyz, /,
    );
    expect(Math.max(...lines.slice(7).map((line) => line.length))).toBeLessThan(130);
  });

  it('--test adds its evaluation to the JSON, equal to that of evaluate', async () => {
    const result = await json<FitJson>(['fit', 'train.xyz', '-o', 'test.model', '--test', 'test.xyz', ...TINY]);
    const evaluated = await json<EvaluationSummary>(['evaluate', 'test.model', 'test.xyz', '--threads', '1']);
    expect(result.test!.energy).toEqual(evaluated.energy);
    expect(result.test!.forces).toEqual(evaluated.forces);
    expect(result.test!.calibration).toEqual(evaluated.calibration);
  });

  it('reads gzip, standard input, several files and slices of them alike', async () => {
    const model = readFileSync(join(cwd, 'si.model'));
    const alike = async (data: readonly string[], stdin?: string | Uint8Array): Promise<void> => {
      await json(['fit', ...data, '-o', 'alike.model', ...TINY], stdin);
      expect(readFileSync(join(cwd, 'alike.model'))).toEqual(model);
    };
    await alike(['train.xyz.gz']);
    await alike(['-'], extxyzOf(train));
    await alike(['-'], gzipSync(extxyzOf(train)));
    await alike(['train.xyz@:7', 'train.xyz.gz@7:']);
    const half = await json<FitJson>(['fit', 'train.xyz@::2', '-o', 'half.model', ...TINY]);
    expect(half.nStructures).toBe(10);
    const last = await json<FitJson>(['fit', 'train.xyz@-3:', '-o', 'half.model', ...TINY]);
    expect(last.nStructures).toBe(3);
  });

  it('finds labels under other names, and takes those that are asked for', async () => {
    const renamed = extxyzOf(train)
      .replaceAll('forces:R:3', 'REF_forces:R:3')
      .replaceAll(' energy=', ' REF_energy=')
      .replaceAll('stress=', 'REF_stress=');
    const found = await run(['fit', '-', '-o', 'renamed.model', ...TINY], renamed);
    expect(found.stdout).toMatch(/labels from REF_energy, REF_forces, REF_stress\n/);
    const own = renamed.replaceAll('REF_energy', 'myE').replaceAll('REF_forces', 'myF').replaceAll('REF_stress', 'myS');
    const keys = ['--energy-key', 'myE', '--forces-key', 'myF', '--stress-key', 'myS'];
    const asked = await run(['fit', '-', '-o', 'own.model', ...keys, ...TINY], own);
    expect(asked.stdout).toMatch(/labels from myE, myF, myS\n/);
    for (const name of ['renamed.model', 'own.model'])
      expect(readFileSync(join(cwd, name))).toEqual(readFileSync(join(cwd, 'si.model')));
  });

  it('takes weights, offsets, isolated atoms and the balance from its options', async () => {
    writeFileSync(join(cwd, 'w.yaml'), 'hot: {energy: 0, forces: 0, virial: 0}\n');
    const weighted = await json<FitJson>(['fit', 'train.xyz', '-o', 'o.model', '--weights', 'w.yaml', ...TINY]);
    expect(weighted.nRows).toBe(310);
    const cv = await json<FitJson>(['fit', 'train.xyz', '-o', 'o.model', '--balance', 'cv', '--seed', '4', ...TINY]);
    expect(cv.balance.mode).toBe('cv');
    expect(cv.balance.curve.length).toBeGreaterThan(3);
    const given = await json<FitJson>(['fit', 'train.xyz', '-o', 'o.model', '--e0', 'Si=-1.5', ...TINY]);
    expect(given.e0).toEqual({ Si: -1.5 });
    const shifted = extxyzOf(
      train.map((frame, f) => ({
        ...frame,
        info: { functional: f % 3 === 0 ? 'other' : 'usual' },
        labels: { ...frame.labels, energy: frame.labels.energy! + (f % 3 === 0 ? 4 : 0) },
      })),
    );
    const offset = await json<FitJson>(['fit', '-', '-o', 'o.model', '--offset-by', 'functional', ...TINY], shifted);
    const blind = await json<FitJson>(['fit', '-', '-o', 'o.model', ...TINY], shifted);
    expect(offset.logEvidence).toBeGreaterThan(blind.logEvidence + 20);
    const noStress = await json<FitJson>(['fit', 'train.xyz', '-o', 'o.model', '--no-stress', ...TINY]);
    expect(noStress.nRows).toBe(500);
  });

  it('tells of an offset of the stress labels in GPa, and evaluate does so again', async () => {
    const shifted = extxyzOf(
      train.map((frame) => ({
        ...frame,
        labels: { ...frame.labels, virial: frame.labels.virial!.map((w, c) => w + (c < 3 ? 8 * 0.25 : 0)) },
      })),
    );
    const { stdout } = await run(['fit', '-', '-o', 'offset.model', ...TINY], shifted);
    // 0.25 eV/atom in the virial over 20 Å³ an atom: −2 GPa of stress.
    expect(stdout).toMatch(
      /warning: stress labels carry a constant hydrostatic offset of about -[12]\.\d+ GPa \(0\.2\d* eV\/atom/,
    );
    const evaluated = await run(['evaluate', 'offset.model', '-', '--threads', '1'], shifted);
    expect(evaluated.stdout).toMatch(
      /\nstress: the labels that the model was fitted to carry a constant offset, here about -[12]\.\d+ GPa/,
    );
    const both = await json<EvaluationSummary & { stressWithOffset: { mae: number } }>(
      ['evaluate', 'offset.model', '-', '--threads', '1'],
      shifted,
    );
    expect(both.stressWithOffset.mae).toBeLessThan(0.5 * both.stress!.mae);
  });

  it('fits two species with isolated atoms, which set their energies', async () => {
    const potential = alloyPotential(['C', 'Si'], [-3, -1]);
    const data = extxyzOf([...alloyFrames(12, potential), isolatedAtom('C', -3), isolatedAtom('Si', -1)]);
    const result = await json<FitJson>(
      ['fit', '-', '-o', 'sic.model', '--nmax', '3,2', '--lmax', '0,1', '--threads', '1'],
      data,
    );
    expect(result.e0).toEqual({ C: -3, Si: -1 });
    expect(result.nStructures).toBe(12);
    const { stdout } = await run(['evaluate', 'sic.model', '-', '--threads', '1'], data);
    expect(stdout).toMatch(/^12 structures, 96 atoms\n/);
    expect(stdout).toMatch(/\non C +\d+ +- +[\d.]+ +[\d.]+ +-\n/);
    expect(stdout).toMatch(/\non Si /);
  });
});

describe('querent evaluate', () => {
  it('--json has the fields of its contract', async () => {
    const result = await json<EvaluationSummary & { groups: Record<string, EvaluationSummary> }>([
      'evaluate',
      'si.model',
      'test.xyz',
      '--threads',
      '1',
    ]);
    expect(Object.keys(result)).toEqual([
      'n',
      'energy',
      'forces',
      'stress',
      'calibration',
      'parts',
      'worstResidual',
      'stressWithOffset',
      'calibrated',
      'groups',
      'elements',
    ]);
    expect(result.n).toEqual({ structures: 8, atoms: 64 });
    for (const kind of ['energy', 'forces', 'stress'] as const)
      expect(Object.keys(result[kind]!)).toEqual(['mae', 'rmse']);
    const documented = [
      'ece',
      'ence',
      'nll',
      'crps',
      'coverage90',
      'coverage95',
      'rmsResidual',
      'reliability',
      'floor',
    ];
    expect(Object.keys(result.calibration.energy!)).toEqual(expect.arrayContaining(documented));
    expect(Object.keys(result.calibration.forces!)).toEqual(
      expect.arrayContaining([...documented, 'coverage95Structure', 'ranking']),
    );
    expect(Object.keys(result.worstResidual)).toEqual(['energy', 'forces', 'stress']);
    expect(Object.keys(result.groups)).toEqual(['cold', 'hot']);
    expect(result.groups.cold!.n.structures + result.groups.hot!.n.structures).toBe(8);
    // eV/Å per component: of the size of the noise of the fit, far below 1.
    expect(result.forces!.mae).toBeGreaterThan(1e-4);
    expect(result.forces!.mae).toBeLessThan(0.5);
  });

  it('prints errors and calibration for people', async () => {
    const { code, stdout, stderr } = await run(['evaluate', 'si.model', 'test.xyz', '--threads', '1']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^8 structures, 64 atoms\n\n/);
    expect(stdout).toMatch(/structures +E MAE meV\/atom +F MAE meV\/Å +F RMSE meV\/Å +stress MAE GPa\n/);
    expect(stdout).toMatch(/\nerror bars +rms z +in 90 % +in 95 % +ECE +ENCE +NLL +CRPS +worst \|z\|\n/);
    expect(stdout).toMatch(/\nenergy +[-\d. e%()]+meV\/cell +[\d.]+ \([\d.]+\)\n/);
    expect(stdout).toMatch(/\nforces +[-\d. e%()]+meV\/Å +[\d.]+ \([\d.]+\)\n/);
    expect(stdout).toMatch(/\nenergies: the true share inside is [\d.]+ % to [\d.]+ % at 95 % confidence/);
    expect(stdout).toMatch(
      /\nforces: [\d.]+ % of the structures lie wholly inside the conformal interval \(nominal 95 %\)\n/,
    );
    expect(stdout).toMatch(/\nranking of \d+ atoms by their bars: rank correlation with \|ΔF\| [\d.]+, [\d.]+ if/);
    expect(stdout).toMatch(/\ncold +\d+( +[\d.]+( +[\d.]+ %){2}){2}\n/);
  });

  it('says null of labels that are not there', async () => {
    const bare = extxyzOf(test.map((frame) => ({ ...frame, labels: { ...frame.labels, forces: null, virial: null } })));
    const result = await json<EvaluationSummary>(['evaluate', 'si.model', '-', '--threads', '1'], bare);
    expect(result.energy).not.toBeNull();
    expect(result.forces).toBeNull();
    expect(result.stress).toBeNull();
    expect(result.calibration.forces).toBeNull();
  });

  it('gives the same figures on 1 and 2 threads', async () => {
    const one = await json<EvaluationSummary>(['evaluate', 'si.model', 'train.xyz', '--threads', '1']);
    expect(await json<EvaluationSummary>(['evaluate', 'si.model', 'train.xyz', '--threads', '2'])).toEqual(one);
  });
});

describe('querent calibrate', () => {
  it('puts error bars of a regime beside the general ones, which evaluate and predict use when asked', async () => {
    const argv = ['calibrate', 'si.model', 'test.xyz', '--name', 'hot cells', '-o', 'regime.model', '--threads', '1'];
    const shown = await run(argv);
    expect([shown.code, shown.stderr]).toEqual([0, 'warning: not calibrated: 8 structures are fewer than 10\n']);
    expect(shown.stdout).toMatch(/^regime hot cells, 8 structures\n\ngeneral error bars on it:\nerror bars +rms z/);
    expect(shown.stdout).toContain('use them with --regime hot cells\n');
    const outcome = await json<{ structures: number; envelope: Record<string, unknown[]> }>(argv);
    expect(outcome.structures).toBe(8);
    expect(Object.keys(outcome.envelope)).toEqual(['energy', 'forces', 'virial']);
    const of = async (...options: string[]): Promise<number> =>
      (await json<EvaluationSummary>(['evaluate', 'regime.model', 'test.xyz', '--threads', '1', ...options]))
        .calibration.forces!.rmsResidual;
    expect(await of()).not.toBe(await of('--regime', 'hot cells'));
    expect(await of('--regime', 'hot cells')).toAgree(1, { atol: 0.3, why: 'calibrated on eight structures' });
    const unknown = await run(['predict', 'regime.model', 'test.xyz', '--regime', 'cold']);
    expect([unknown.code, unknown.stderr]).toEqual([
      2,
      'error: regime must be one the model was calibrated for (hot cells), got "cold"\n',
    ]);
  });
});

describe('querent predict', () => {
  it('--json has one object per structure with the fields of its contract', async () => {
    const result = await json<PredictionJson[]>(['predict', 'si.model', 'test.xyz@:2', '--threads', '1']);
    expect(result).toHaveLength(2);
    for (const name of [
      'energy',
      'energyStd',
      'energyEpistemicStd',
      'forces',
      'forcesStd',
      'stress',
      'energyParts',
      'forcesParts',
      'stressParts',
      'forms',
      'labelNoiseKnown',
      'calibrated',
      'grade',
      'leverage',
    ])
      expect(Object.keys(result[0]!)).toContain(name);
    const [first] = result;
    expect(first!.forces).toHaveLength(8);
    expect(first!.forces.every((f) => f.length === 3)).toBe(true);
    expect(first!.forcesStd).toHaveLength(8);
    expect(first!.leverage).toHaveLength(8);
    expect(first!.stress).toHaveLength(6);
    expect(first!.grade).toHaveLength(8);
    expect(first!.energy).toAgree(test[0]!.labels.energy!, {
      atol: 1,
      why: 'a fit of 13 functions, whole cell of 8 atoms',
    });
  });

  it('needs no labels, reads POSCAR, and says what cannot be trusted', async () => {
    const poscar = 'silicon\n5.43\n1 0 0\n0 1 0\n0 0 1\nSi\n8\nDirect\n'.concat(
      '0 0 0\n0 .5 .5\n.5 0 .5\n.5 .5 0\n.25 .25 .25\n.25 .75 .75\n.75 .25 .75\n.75 .75 .25\n',
    );
    writeFileSync(join(cwd, 'POSCAR'), poscar);
    const crystal = await run(['predict', 'si.model', 'POSCAR', '--threads', '1']);
    expect(crystal.code).toBe(0);
    expect(crystal.stdout).toMatch(
      /^# +atoms +E eV +± meV\/atom +max \|F\| eV\/Å +± eV\/Å +P GPa +leverage +novelty +grade +trust\n/,
    );
    expect(crystal.stdout).toMatch(/\n0 +8 +-?\d+\.\d{4} .* trusted\n$/);
    expect(crystal.stderr).toMatch(/^isolated atoms: Si /);
    const molecule = '2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nSi 0 0 1.2\n';
    const { stdout } = await run(['predict', 'si.model', '-', '--threads', '1'], molecule);
    expect(stdout).toMatch(/broken: /);
    const [free] = await json<PredictionJson[]>(['predict', 'si.model', '-', '--threads', '1'], molecule);
    expect(free!.stress).toBeNull();
  });
});

describe('querent export', () => {
  it('writes a .yace that it has read back, with the lines for LAMMPS', async () => {
    const { code, stdout } = await run(['export', 'si.model', '-o', 'si.yace']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^si\.yace: 13 functions of Si, read back and compared on 5 structures: energies within [\de.-]+ eV/,
    );
    expect(stdout).toMatch(/\n {2}pair_style pace\n {2}pair_coeff \* \* si\.yace Si\n/);
    const result = await json<Record<string, unknown>>(['export', 'si.model', '-o', 'si.yace']);
    expect(Object.keys(result)).toEqual([
      'file',
      'activeSet',
      'input',
      'functions',
      'energyDifference',
      'forceDifference',
      'gradeDifference',
      'pseudoRows',
      'lammps',
    ]);
    expect(result).toMatchObject({ file: 'si.yace', functions: 13 });
  });

  it('gives a file that predict reads alike, means only', async () => {
    await run(['export', 'si.model', '-o', 'again.yace']);
    const [own] = await json<PredictionJson[]>(['predict', 'si.model', 'test.xyz@3', '--threads', '1']);
    const [written] = await json<PredictionJson[]>(['predict', 'again.yace', 'test.xyz@3']);
    const why = 'rounding of two orders of summation';
    expect(written!.energy).toAgree(own!.energy, { rtol: 1e-10, why });
    expect(written!.forces).toAgree(own!.forces, { atol: 1e-9, why });
    expect(written!.stress).toAgree(own!.stress, { atol: 1e-10, why });
    expect(written!.energyStd).toBeUndefined();
    const table = await run(['predict', 'again.yace', 'test.xyz@3']);
    expect(table.code).toBe(0);
  });
});

describe('help', () => {
  it.each(['fit', 'evaluate', 'predict', 'export'])('of %s shows arguments, options and an example', async (verb) => {
    const help = await run([verb, '--help']);
    expect(help.code).toBe(0);
    expect(help.stderr).toBe('');
    expect(help.stdout).toMatch(new RegExp(`^Usage: querent ${verb} \\[options\\] <`));
    expect(help.stdout).toMatch(/\nArguments:\n/);
    expect(help.stdout).toMatch(/ --json /);
    expect(help.stdout).toMatch(new RegExp(`\nExamples?:\n {2}querent ${verb} `));
    expect((await run(['help', verb])).stdout).toBe(help.stdout);
  });

  it('of the whole lists the verbs and the exit codes', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const verb of ['fit', 'evaluate', 'predict', 'export']) expect(stdout).toMatch(new RegExp(`\n {2}${verb} `));
    expect(stdout).toMatch(/Exit codes: 0 done · 1 error · 2 usage or configuration/);
    // gzip of the training file is what it seems to be.
    expect(gunzipSync(readFileSync(join(cwd, 'train.xyz.gz'))).toString()).toBe(extxyzOf(train));
  });
});
