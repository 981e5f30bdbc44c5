/**
 * Programs of others that do the same work in processes of their own: a fit by ace-jax, dynamics by LAMMPS. Not in turns
 * and not in one process, so these are times, not quotients to rely on.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import type { Frame, Structure } from '../../src/core/structure/structure.ts';
import { parseExtxyzText } from '../../src/formats/extxyz.ts';
import { writeExtxyz } from '../../src/formats/extxyz-writer.ts';
import { writeLammpsData } from '../../src/formats/lammps-data.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { allowedThreads, createPool } from '../../src/node/workers/pool.ts';
import { dataFile } from '../../test/support/data.ts';
import { environmentFolder, virtualEnvironment } from '../../test/support/python-ace.ts';
import { madeCase, type PotentialCase, publishedCases, SILICON_216 } from '../cases.ts';
import { siliconFit, siliconTask } from '../silicon.ts';
import { threeDigits } from '../statistics.ts';
import type { Workbench } from '../workbench.ts';

const ACE_JAX = ['ace-jax==0.4.1'];
const PYTHONS = ['python3.13', 'python3.12', 'python3.11', 'python3'];
const LAMMPS_STEPS = 50;

function frameOf(structure: Structure): Frame {
  const labels = { energy: null, forces: null, virial: null };
  return { structure, labels, group: '', info: {}, columns: {}, source: { file: '', index: 0, line: 1 } };
}

/** Structures to learn from and to be judged on: silicon of the public benchmark where it is, otherwise made here. */
function siliconSets(bench: Workbench): { readonly of: string; readonly train: Frame[]; readonly test: Frame[] } {
  const [train, test] = ['Si_train', 'Si_test'].map((name) => {
    const path = dataFile(`mlearn/${name}.xyz.gz`);
    if (path === null) return null;
    return parseExtxyzText(gunzipSync(readFileSync(path)).toString(), name).map(({ frame }) => frame);
  });
  if (train && test) return { of: 'silicon of the public benchmark', train, test };
  const { frames } = siliconTask('medium', 80, [2, 1, 1], bench.kernels[0]!);
  return { of: 'made silicon', train: frames.slice(0, 60), test: frames.slice(60) };
}

/** Root mean square errors on a test set, in the units of their table. */
function errorsOf(potential: AcePotential, test: readonly Frame[]): string {
  let [energy, force, components] = [0, 0, 0];
  for (const { structure, labels } of test) {
    const result = potential.evaluate(structure);
    const off = (result.energy - labels.energy!) / structure.species.length;
    energy += off * off;
    labels.forces!.forEach((f, k) => {
      force += (f - result.forces[k]!) ** 2;
      components++;
    });
  }
  const milli = 1000 * Math.sqrt(energy / test.length);
  return `${milli.toFixed(2)} meV/atom, ${Math.sqrt(force / components).toFixed(4)} eV/Å`;
}

/** A fit of the same structures by ace-jax, and ours. */
async function aceJax(bench: Workbench, folder: string): Promise<void> {
  const place = environmentFolder('querent-ace-jax-0.4.1');
  const environment = virtualEnvironment(place, ACE_JAX, 'import ace_jax', PYTHONS);
  if ('reason' in environment) {
    bench.reporter.note(`ace-jax is left out: ${environment.reason}`);
    return;
  }
  const { of, train, test } = siliconSets(bench);
  const [trainFile, testFile] = [join(folder, 'train.xyz'), join(folder, 'test.xyz')];
  writeFileSync(trainFile, train.map((frame) => writeExtxyz(frame)).join(''));
  writeFileSync(testFile, test.map((frame) => writeExtxyz(frame)).join(''));
  const start = performance.now();
  const basis = ['--order', '3', '--max-degree', '13', '--e0', 'lsq', '--opt', 'lbfgs'];
  const keys = ['--energy-key', 'energy', '--force-key', 'forces'];
  const files = ['--train', trainFile, '--test', testFile, '--out', join(folder, 'ace-jax')];
  const program = join(dirname(environment.python), 'aj');
  const { status, stderr, stdout } = spawnSync(program, ['fit', ...files, ...basis, ...keys], { encoding: 'utf8' });
  const theirs = (performance.now() - start) / 1000;
  const table = /^all +\d+ +\d+ +([\d.]+) +([\d.]+)/m.exec(stdout);
  if (status !== 0 || table === null) {
    bench.reporter.note(`ace-jax is left out: ${`${stdout}${stderr}`.trim().split('\n').at(-1)}`);
    return;
  }
  const kernels = bench.kernels[0]!;
  const pool = createPool(allowedThreads(), kernels.name);
  const begin = performance.now();
  const { model, basis: own } = await fitModel(train, siliconFit('medium'), pool);
  const ours = (performance.now() - begin) / 1000;
  const potential = new AcePotential(model, kernels.prepare(own));
  const errors = errorsOf(potential, test);
  potential.program.dispose();
  await pool.dispose();
  const functions = model.layout.basis;
  bench.reporter.note(
    [
      `fit of ${train.length} structures (${of}), wall clock and errors on ${test.length} others, each with all its threads:`,
      `ace-jax 0.4.1, order 3 and degree 13, ${threeDigits(theirs)} s, ${table[1]} meV/atom, ${Number(table[2]).toFixed(4)} eV/Å;`,
      `ours, ${functions} functions, error bars included, ${threeDigits(ours)} s, ${errors}`,
    ].join(' '),
  );
}

/** Time per atom-step of `pair_style pace` in the user's own LAMMPS. */
function lammps(bench: Workbench, folder: string, { name, yace, structure, potential }: PotentialCase): void {
  const written = writeLammpsData(frameOf(structure), { elements: potential.elements });
  writeFileSync(join(folder, 'potential.yace'), yace());
  writeFileSync(join(folder, 'structure.data'), written.text);
  const input = [
    'units metal',
    'atom_style atomic',
    'read_data structure.data',
    'pair_style pace',
    `pair_coeff * * potential.yace ${potential.elements.join(' ')}`,
    'velocity all create 300 1',
    'fix 1 all nve',
    'timestep 0.001',
    `run ${LAMMPS_STEPS}`,
  ].join('\n');
  writeFileSync(join(folder, 'in.pace'), `${input}\n`);
  const env = { ...process.env, OMP_NUM_THREADS: '1' };
  const { error, status, stdout } = spawnSync('lmp', ['-in', 'in.pace'], { cwd: folder, encoding: 'utf8', env });
  const loop = /Loop time of ([\d.e+-]+)/.exec(stdout ?? '')?.[1];
  if (error !== undefined || status !== 0 || loop === undefined) {
    const why = error?.message ?? /ERROR: .*/.exec(stdout)?.[0] ?? `ended with ${status}`;
    bench.reporter.note(`LAMMPS is left out: ${why}`);
    return;
  }
  const microseconds = (1e6 * Number(loop)) / (LAMMPS_STEPS * structure.species.length);
  bench.reporter.note(
    `lmp on the path, pair_style pace, ${name}, cutoff ${potential.bonds[0]![0]!.radial.cutoff} Å: ${threeDigits(microseconds)} µs per atom and step`,
  );
}

/** Measures other programs. */
export async function peers(bench: Workbench): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'querent-peers-'));
  try {
    await aceJax(bench, folder);
    lammps(bench, folder, publishedCases()[0] ?? madeCase('medium', ['Si'], 6, SILICON_216));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
