/** pw.x of Quantum ESPRESSO for tests: whether it is here, run files for it, and what is left of it. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findExecutable } from '../../src/node/execution/local.ts';
import { DEBIAN_PSEUDOPOTENTIALS } from '../../src/node/labeller-reference.ts';

const HERE = findExecutable('pw.x') !== null && existsSync(join(DEBIAN_PSEUDOPOTENTIALS, 'Si.pz-vbc.UPF'));
// Where the documented set-up installs the engine, its absence is a failure and not a reason to skip.
const REQUIRED = Boolean(process.env.CI) && existsSync('/etc/debian_version');
const REASON = HERE
  ? ''
  : ' (skipped: no pw.x with Si.pz-vbc.UPF here; apt-get install quantum-espresso quantum-espresso-data)';

/** Tests that need pw.x: skipped with the reason in their title where it is missing, failed where it must be there. */
export function describeWithPw(title: string, tests: () => void): void {
  it('pw.x is installed where the documented set-up installs it', () => {
    expect(HERE || !REQUIRED, 'pw.x and Si.pz-vbc.UPF').toBe(true);
  });
  describe.runIf(HERE)(`${title}${REASON}`, tests);
}

/**
 * A run file for silicon in cells of two atoms, whose labels take a few tenths of a second; `sections` replace whole
 * sections by name, `command` is how pw.x is started.
 */
export function smallRunFile(sections: Readonly<Record<string, string>> = {}, command = '[pw.x]'): string {
  const all: Record<string, string> = {
    name: 'small',
    seed: '1',
    structures: '[{prototype: diamond, element: Si, a: 5.40, cell: primitive}]',
    conditions: '{temperatures: [300, 900], strain: {diagonal: 0.03, shear: 0.015}}',
    reference: `{kind: quantum-espresso, pseudoDir: ${DEBIAN_PSEUDOPOTENTIALS}, pseudopotentials: {Si: Si.pz-vbc.UPF}, ecutwfc: 12, mesh: [2, 2, 2], shifted: false, command: ${command}}`,
    execution: '{concurrency: 2, timeout: 120}',
    basis: '{nmax: [6, 3], lmax: [0, 2], cutoff: 4.5}',
    fit: '{stress: false}',
    start: '{count: 4}',
    exploration: '{walkers: 3, steps: 100}',
    acquisition: '{batch: 3}',
    assessment: '{size: 8, perRound: 4, steps: 30}',
    stopping: '{energyMae: 0.02, forceRmse: 0.2, forceEce: 0.4, energyEce: 0.5, brokenWalkers: 0.5}',
    budget: '{labels: 10, rounds: 3}',
    ...sections,
  };
  return Object.entries(all)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join('');
}

/** Directories of all attempts of a run. */
export function attemptsIn(directory: string): string[] {
  const labels = join(directory, 'labels');
  if (!existsSync(labels)) return [];
  return readdirSync(labels).flatMap((id) => readdirSync(join(labels, id)).map((name) => join(labels, id, name)));
}
