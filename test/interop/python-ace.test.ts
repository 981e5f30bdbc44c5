/** Potentials of this project in the public C++ evaluator, and files of its own tools in our readers. */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AceSpecification } from '../../src/core/descriptors/ace/basis.ts';
import { createAceProgram } from '../../src/core/descriptors/ace/program.ts';
import { unionOf } from '../../src/core/descriptors/ace/specification.ts';
import { symbolOf } from '../../src/core/elements.ts';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import { isolatedAtomEnergies } from '../../src/core/potentials/linear-model.ts';
import type { Frame, Structure } from '../../src/core/structure/structure.ts';
import { readAsi } from '../../src/formats/asi.ts';
import { bbasisPotential } from '../../src/formats/bbasis.ts';
import { readBBasis } from '../../src/formats/bbasis-reader.ts';
import { gradesOf } from '../../src/formats/extrapolation.ts';
import { createYacePotential } from '../../src/formats/yace-potential.ts';
import { readYace } from '../../src/formats/yace-reader.ts';
import { exportBBasis } from '../../src/node/training/export-bbasis.ts';
import { exportYace } from '../../src/node/training/export-yace.ts';
import { type Fit, fitModel } from '../../src/node/training/fit.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { freshFolder } from '../support/command.ts';
import { alloyFrames, alloyPotential, siliconFrames, TINY_FIT } from '../support/models.ts';
import { paceEnvironment } from '../support/python-ace.ts';

const environment = paceEnvironment();
const python = 'python' in environment ? environment.python : '';
const why = 'reason' in environment ? ` (skipped: ${environment.reason})` : '';
const SCRIPT = fileURLToPath(new URL('python-ace.py', import.meta.url));

interface Evaluated {
  readonly energy: number;
  readonly forces: readonly (readonly number[])[];
  readonly gamma: readonly number[];
}
type Results = Readonly<Record<string, { readonly yace: readonly Evaluated[]; readonly yaml: readonly Evaluated[] }>>;

/** The evaluator's answers for files in a folder. */
function ask(folder: string, structures: readonly Structure[], given: readonly string[], made: boolean): Results {
  const job = {
    folder,
    given,
    made,
    structures: structures.map(({ species, positions, cell }) => ({
      symbols: Array.from(species, symbolOf),
      positions: Array.from(species, (_, i) => [...positions.subarray(3 * i, 3 * i + 3)]),
      cell: cell === null ? null : [0, 1, 2].map((k) => [...cell.subarray(3 * k, 3 * k + 3)]),
    })),
  };
  const name = join(folder, 'job.json');
  writeFileSync(name, JSON.stringify(job));
  const output = execFileSync(python, [SCRIPT, name], { encoding: 'utf8', cwd: folder, maxBuffer: 1e8 });
  return JSON.parse(output.trim().split('\n').at(-1)!) as Results;
}

const largest = (values: Iterable<number>): number => Math.max(...[...values].map(Math.abs));

/** Structures beside the training set: some of the same kind, one far from it, one cluster. */
function probes(frames: readonly Frame[]): Structure[] {
  const own = frames.slice(0, 3).map(({ structure }) => structure);
  const far = { ...own[0]!, positions: own[0]!.positions.map((x, k) => x + 0.25 * Math.sin(5 * k + x)) };
  const cluster = { ...own[1]!, cell: null, pbc: [false, false, false] as const };
  return [...own, far, cluster];
}

describe('the environment', () => {
  it('is there wherever tests are taken seriously, unless there is no Python for it or no network', () => {
    const excuse = /no Python among|connection|network|resolve|timed? ?out|No matching distribution|retries/i;
    const missing = 'reason' in environment ? environment.reason : '';
    expect(missing === '' || !process.env.CI || excuse.test(missing), missing).toBe(true);
  });
});

describe('exported potentials in the public evaluator', () => {
  const folder = freshFolder('interop');
  afterAll(() => rmSync(folder, { recursive: true }));
  const alloy = alloyPotential(['C', 'Si'], [-150, -107]);
  const union: AceSpecification = {
    elements: ['Si'],
    radial: 'SBessel',
    ...unionOf([
      { nmax: [6, 3, 2], lmax: [0, 3, 1] },
      { order: 4, degree: 7, weight: 1 },
      { order: 2, degree: 9, weight: 1.5 },
    ]),
    pairs: [[{ cutoff: 4.8, innerCutoff: 1.6, innerWidth: 0.3, core: { prefactor: 40, lambda: 0.5 } }]],
  };
  const cases = {
    silicon: {
      frames: siliconFrames(40),
      test: siliconFrames(5, { seed: 9, rattle: 0.2 }),
      specification: undefined,
      settings: TINY_FIT,
    },
    alloy: {
      frames: alloyFrames(40, alloy),
      test: alloyFrames(5, alloy, null, 9),
      specification: undefined,
      settings: TINY_FIT,
    },
    union: {
      frames: siliconFrames(60),
      test: siliconFrames(5, { seed: 9, rattle: 0.2 }),
      specification: union,
      settings: TINY_FIT,
    },
    twoDensities: {
      frames: siliconFrames(40),
      test: siliconFrames(5, { seed: 9, rattle: 0.2 }),
      specification: undefined,
      settings: { ...TINY_FIT, embedding: 'two-density' as const },
    },
  };
  const fits = new Map<string, Fit>();
  const results = new Map<string, Results[string]>();

  beforeAll(async () => {
    if (python === '') return;
    const pool = createPool(1, null);
    for (const [name, { frames, test, specification, settings }] of Object.entries(cases)) {
      const fit = await fitModel(frames, settings, pool, specification === undefined ? {} : { specification });
      fits.set(name, fit);
      writeFileSync(join(folder, `${name}.yace`), exportYace(fit.model, fit.basis, `${name}.yace`).text);
      const exported = exportBBasis(fit.model, fit.basis, `${name}.yaml`);
      writeFileSync(join(folder, `${name}.yaml`), exported.text);
      writeFileSync(join(folder, `${name}.asi`), exported.activeSet);
      results.set(name, ask(folder, probes(test), [name], false)[name]!);
    }
    await pool.dispose();
  });

  it.skipIf(python === '').each(Object.keys(cases) as (keyof typeof cases)[])(
    `%s: energies, forces and grades${why}`,
    (name) => {
      const { model, basis } = fits.get(name)!;
      const { yace, yaml } = results.get(name)!;
      const potential = new AcePotential(model, createAceProgram(basis));
      const isolated = isolatedAtomEnergies(model);
      probes(cases[name].test).forEach((structure, k) => {
        const own = potential.evaluate(structure);
        const shift = structure.species.reduce((sum, z) => sum + isolated[model.layout.species.indexOf(z)]!, 0);
        expect(yace[k]!.energy).toAgree(own.energy, { rtol: 1e-9, why: 'splines of 0.001 Å of radial functions' });
        expect(yaml[k]!.energy).toAgree(own.energy - shift, {
          rtol: 1e-9,
          atol: 1e-9,
          why: 'the same; the format has no isolated atoms',
        });
        for (const found of [yace[k]!, yaml[k]!]) {
          expect(found.forces.flat()).toAgree(own.forces, { atol: 1e-6, why: 'slopes of splines of 0.001 Å' });
        }
        const grades = potential.grades(structure)!;
        expect(yaml[k]!.gamma).toAgree(grades, {
          rtol: 1e-8,
          atol: 1e-8,
          why: 'splines, times the condition of the active set',
        });
        expect(largest(grades)).toBeGreaterThan(k === 4 ? 2 : 0.1);
      });
    },
  );

  it.skipIf(python === '')(`the second density is there and bends${why}`, () => {
    const { model, twoDensities } = fits.get('twoDensities')!;
    expect(twoDensities!.accepted).toBe(true);
    const second = model.posterior.mean.slice(model.layout.basis / 2, model.layout.basis);
    expect(largest(second)).toBeGreaterThan(0.01);
  });

  it.skipIf(python === '')(`the union has order 4 and no rectangle${why}`, () => {
    const { basis } = fits.get('union')!;
    expect(basis.functions[0]!.some(({ order }) => order === 4)).toBe(true);
    expect(basis.specification.sets).toHaveLength(3);
  });
});

describe('files of the tools of the public evaluator', () => {
  const folder = freshFolder('interop-made');
  afterAll(() => rmSync(folder, { recursive: true }));
  const cell = Float64Array.of(5, 0, 0, 0, 5.2, 0, 0.3, 0, 5.1);
  const positions = [0, 0, 0, 2.4, 0.3, 0, 0.1, 2.5, 0.2, 0.3, 0.2, 2.6];
  const structure = (...species: number[]): Structure => ({
    species: Uint8Array.from(species),
    cell,
    pbc: [true, true, true],
    positions: Float64Array.from(positions, (x, k) => x + 0.1 * Math.sin(3 * k + species.reduce((a, b) => a + b, 0))),
  });
  const structures = [structure(13, 13, 13, 13), structure(13, 28, 13, 28), structure(28, 28, 28, 13)];
  let results: Results;
  beforeAll(() => {
    if (python !== '') results = ask(folder, structures, [], true);
  });

  it.skipIf(python === '').each(['one', 'two'])(`%s: equal energies, forces and grades${why}`, (name) => {
    const text = (ending: string): string => readFileSync(join(folder, `${name}.${ending}`), 'utf8');
    const document = readBBasis(text('yaml'), `${name}.yaml`);
    const sizes = document.functions.map((functions) => functions.length);
    const inverses = readAsi(readFileSync(join(folder, `${name}.asi`)), `${name}.asi`, document.elements, sizes);
    const grades = gradesOf(document, inverses);
    const potentials = {
      yaml: createYacePotential({
        potential: bbasisPotential(document),
        deltaSplineBins: document.deltaSplineBins,
      }),
      yace: createYacePotential(readYace(text('yace'), `${name}.yace`)),
    };
    const own = structures.filter(({ species }) => name === 'two' || species.every((z) => z === 13));
    expect(results[name]!.yaml).toHaveLength(own.length);
    own.forEach((probe, k) => {
      for (const kind of ['yaml', 'yace'] as const) {
        const expected = results[name]![kind][k]!;
        const { energy, forces } = potentials[kind].evaluate(probe);
        const force = largest(expected.forces.flat());
        expect(energy).toAgree(expected.energy, { rtol: 1e-9, why: 'its splines of 0.001 Å' });
        expect(forces).toAgree(expected.forces.flat(), { atol: 1e-6 * force, why: 'its splines of 0.001 Å' });
      }
      expect(grades(probe)).toAgree(results[name]!.yaml[k]!.gamma, {
        rtol: 1e-7,
        atol: 1e-8,
        why: 'its splines, times the condition of its active set',
      });
    });
    expect(largest(own.flatMap((probe) => [...grades(probe)]))).toBeGreaterThan(0.5);
  });
});
