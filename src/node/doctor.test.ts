import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dataFolders, ENGINES, probeEngine, probeEngines } from './doctor.ts';

let folder: string;
const path = process.env.PATH;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-doctor-test-'));
  process.env.PATH = folder;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true, force: true });
});

const program = (name: string, text: string) =>
  writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
const engine = (name: string) => ENGINES.find((probe) => probe.name === name)!;

describe('engines of this machine', () => {
  it('are found with the versions they print', async () => {
    program('pw.x', "echo; echo '     Program PWSCF v.6.7MaX starts on 24Nov2026 at 11:56:16'; exit 1");
    program('cp2k.psmp', '[ "$1" = --version ] && echo \' CP2K version 2023.1\'');
    program('abinit', 'echo 9.6.2');
    program('xtb', "echo '   * xtb version 6.5.1 (579679a) compiled by x' >&2");
    program('sbatch', 'echo slurm-wlm 22.05.8');
    program(
      'lmp',
      "echo 'Large-scale Atomic/Molecular Massively Parallel Simulator - 29 Sep 2021 - Update 2'; echo 'KSPACE MANYBODY'",
    );
    const found = await probeEngines(['Quantum ESPRESSO', 'CP2K', 'ABINIT', 'xtb', 'Slurm', 'LAMMPS'].map(engine));
    expect(found.map(({ version }) => version)).toEqual([
      '6.7MaX',
      '2023.1',
      '9.6.2',
      '6.5.1',
      '22.05.8',
      '29 Sep 2021 - Update 2',
    ]);
    expect(found.every(({ usable, install }) => usable && install === null)).toBe(true);
    expect(found[5]!.note).toBe('has no ML-PACE: cannot run .yace');
    program('lmp', "echo 'Parallel Simulator - 2 Aug 2023'; echo 'MANYBODY ML-PACE ML-SNAP'");
    expect((await probeEngine(engine('LAMMPS'))).note).toBe('has pair_style pace: runs .yace');
  });

  it('come with what to install where they are missing', async () => {
    const missing = await probeEngine(engine('Quantum ESPRESSO'));
    expect(missing).toMatchObject({ path: null, version: null, usable: false });
    expect(missing.install).toBe('apt-get install --no-install-recommends quantum-espresso quantum-espresso-data');
  });

  it('are not taken for usable when they say nothing, nor an interpreter for a library', async () => {
    program('xtb', 'echo rubbish; exit 3');
    expect(await probeEngine(engine('xtb'))).toMatchObject({
      usable: false,
      note: 'does not say its version (exit code 3)',
    });
    program('python3', 'exit 1');
    expect(await probeEngine({ ...engine('GPAW'), commands: ['python3'] })).toMatchObject({
      path: null,
      usable: false,
    });
  });

  it('leave no files behind where they are asked', async () => {
    program('pw.x', "echo 'Program PWSCF v.7.2'; : > CRASH");
    expect((await probeEngine(engine('Quantum ESPRESSO'))).version).toBe('7.2');
    expect(dataFolders({}).map((data) => data.path)).not.toContain(folder);
  });

  it('include the folders that the environment names', () => {
    mkdirSync(join(folder, 'pseudo'));
    writeFileSync(join(folder, 'pseudo', 'Si.upf'), '');
    writeFileSync(join(folder, 'pseudo', 'README'), '');
    const found = dataFolders({ ESPRESSO_PSEUDO: `${join(folder, 'pseudo')}:/nonexistent` });
    expect(found[0]).toEqual({ path: join(folder, 'pseudo'), use: 'pseudopotentials of Quantum ESPRESSO', files: 1 });
  });
});
