import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createYacePotential } from '../../src/formats/yace-potential.ts';
import { readYace } from '../../src/formats/yace-reader.ts';
import { freshFolder } from '../support/command.ts';
import { paceEnvironment } from '../support/python-ace.ts';

const environment = paceEnvironment();
const python = 'python' in environment ? environment.python : '';
const why = 'reason' in environment ? ` (skipped: ${environment.reason})` : '';
const script = fileURLToPath(new URL('python-ace.py', import.meta.url));

interface Result {
  readonly potential: string;
  readonly species: number[];
  readonly positions: number[][];
  readonly energy: number;
  readonly forces: number[][];
}

/** What is left of the largest force: splines of 0.001 Å of radial functions are ours too, those of cores are not. */
const POTENTIALS = [
  ['chebyshev', 1e-8],
  ['zbl', 2e-7],
  ['linear', 1e-8],
] as const;

describe('potentials that python-ace makes', () => {
  const folder = freshFolder('python-ace');
  afterAll(() => rmSync(folder, { recursive: true }));
  let results: Result[];
  beforeAll(() => {
    if (python === '') return;
    const output = execFileSync(python, [script, folder], { encoding: 'utf8', cwd: folder, maxBuffer: 1e8 });
    results = JSON.parse(output.trim().split('\n').at(-1)!) as Result[];
  });

  it.skipIf(python === '').each(POTENTIALS)(`%s: its energies and forces${why}`, (name, tolerance) => {
    const potential = createYacePotential(
      readYace(readFileSync(join(folder, `${name}.yace`), 'utf8'), name),
      'splines',
    );
    const own = results.filter((result) => result.potential === name);
    expect(own.length).toBe(2);
    for (const { species, positions, energy, forces } of own) {
      const got = potential.evaluate({
        positions: Float64Array.from(positions.flat()),
        cell: null,
        pbc: [false, false, false],
        species: Uint8Array.from(species),
      });
      const largest = Math.max(...forces.flat().map(Math.abs));
      expect(got.energy).toAgree(energy, { rtol: 1e-11, atol: 1e-11, why: 'h⁴ of splines of cores' });
      expect(got.forces).toAgree(forces.flat(), { atol: tolerance * largest, why: 'h³ of splines of cores' });
    }
  });
});
