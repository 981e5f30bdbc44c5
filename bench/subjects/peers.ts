/**
 * Programs of others that do the same work in processes of their own: a fit by ace-jax, dynamics by LAMMPS. Not in turns
 * and not in one process, so these are times, not quotients to rely on.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame, Structure } from '../../src/core/structure/structure.ts';
import { writeExtxyz } from '../../src/formats/extxyz-writer.ts';
import { writeLammpsData } from '../../src/formats/lammps-data.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { createPool } from '../../src/node/workers/pool.ts';
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

/** A fit of the same structures with about as many functions by ace-jax, and ours. */
async function aceJax(bench: Workbench, folder: string): Promise<void> {
  const environment = virtualEnvironment(
    environmentFolder('querent-ace-jax-0.4.1'),
    ACE_JAX,
    'import ace_jax',
    PYTHONS,
  );
  if ('reason' in environment) {
    bench.reporter.note(`ace-jax is left out: ${environment.reason}`);
    return;
  }
  const kernels = bench.kernels[0]!;
  const { frames } = siliconTask('medium', 60, [2, 1, 1], kernels);
  const file = join(folder, 'train.xyz');
  writeFileSync(file, frames.map((frame) => writeExtxyz(frame)).join(''));
  const start = performance.now();
  const args = ['fit', file, '-o', join(folder, 'model'), '--order', '3', '--max-degree', '13', '--e0', 'lsq'];
  const { status, stderr, stdout } = spawnSync(join(environment.python, '../aj'), args, { encoding: 'utf8' });
  const theirs = (performance.now() - start) / 1000;
  if (status !== 0) {
    bench.reporter.note(`ace-jax is left out: ${`${stderr}${stdout}`.trim().split('\n').at(-1)}`);
    return;
  }
  const pool = createPool(1, kernels.name);
  const begin = performance.now();
  const { model } = await fitModel(frames, siliconFit('medium'), pool);
  const ours = (performance.now() - begin) / 1000;
  await pool.dispose();
  bench.reporter.note(
    `fit of ${frames.length} structures of 16 silicon atoms, wall clock: ace-jax 0.4.1 (order 3, degree 13, 286 functions, all its threads) ${threeDigits(theirs)} s; ours (${model.layout.basis} functions, error bars included, one thread) ${threeDigits(ours)} s`,
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
