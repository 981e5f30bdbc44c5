import { cellVolume, strained, strainTensor } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';
import { atomCount } from '../core/structure/structure.ts';
import type { CodecReference, ComputeReference, EngineOutcome, LabelSuccess } from '../reference/reference.ts';
import type { TestRunner } from './runner.ts';

/** Central differences over this change, Å or strain. */
const STEP = 1e-3;
/** Largest difference of a force and of a stress from the differences of energies, eV/Å and eV/Å³. */
const FORCE_AGREEMENT = 1e-3;
const STRESS_AGREEMENT = 1e-4;

/** Symmetric strain of `size` in one Voigt component. */
function strainOf(component: number, size: number): Float64Array {
  return strainTensor([0, 1, 2, 3, 4, 5].map((k) => (k === component ? size : 0)));
}

function copyOf(structure: Structure): Structure {
  return {
    ...structure,
    positions: structure.positions.slice(),
    cell: structure.cell?.slice() ?? null,
    species: structure.species.slice(),
  };
}

/**
 * What every reference must do with the sample structure. One that computes: label it with an energy whose derivatives its
 * forces and virial are, the same bits twice, in the units and signs of this project. One that drives a code: prepare the same
 * files twice, under names that stay inside the directory, and never throw at what a code may leave behind.
 *
 * @param reference  a fresh instance
 * @param sample     a structure that it can label, distorted so that no force vanishes by symmetry
 */
export function referenceConformance(
  runner: TestRunner,
  name: string,
  reference: () => ComputeReference | CodecReference,
  sample: Structure,
): void {
  runner.describe(`reference: ${name}`, () => {
    const made = reference();
    runner.it('carries a name', () => runner.expect(made.name.length > 0).toBe(true));
    if (made.kind === 'compute') computeConformance(runner, made, sample);
    else codecConformance(runner, made, sample);
  });
}

function computeConformance({ it, expect }: TestRunner, reference: ComputeReference, sample: Structure): void {
  const label = (structure: Structure): LabelSuccess => {
    const result = reference.label(structure);
    if (result.status !== 'done')
      throw new Error(`the sample must be labelled, got ${result.reason}: ${result.message}`);
    return result;
  };
  const n = atomCount(sample);

  it('labels the sample with finite numbers, as many as it has, and leaves it alone', () => {
    const before = copyOf(sample);
    const { energy, forces, virial, cost, fingerprint } = label(sample);
    expect(Number.isFinite(energy) && Number.isFinite(cost) && cost >= 0).toBe(true);
    expect(forces.length).toBe(3 * n);
    expect(forces.every((f) => Number.isFinite(f))).toBe(true);
    if (virial !== null) expect(virial.length).toBe(6);
    expect(fingerprint.code.length > 0).toBe(true);
    expect(JSON.stringify([...sample.positions, ...(sample.cell ?? [])])).toBe(
      JSON.stringify([...before.positions, ...(before.cell ?? [])]),
    );
  });

  it('gives the same bits twice, in arrays of its own', () => {
    const first = label(sample);
    const kept = [first.energy, ...first.forces, ...(first.virial ?? [])];
    first.forces.fill(0);
    const second = label(sample);
    expect([second.energy, ...second.forces, ...(second.virial ?? [])].every((x, k) => Object.is(x, kept[k]))).toBe(
      true,
    );
    expect(JSON.stringify(second.fingerprint)).toBe(JSON.stringify(first.fingerprint));
  });

  it('has forces that are derivatives of its energy and sum to nothing', () => {
    const { forces, netForce } = label(sample);
    for (const k of [0, 1, 2, 3 * n - 1]) {
      const energyAt = (shift: number): number => {
        const moved = copyOf(sample);
        moved.positions[k]! += shift;
        return label(moved).energy;
      };
      const difference = -(energyAt(STEP) - energyAt(-STEP)) / (2 * STEP);
      expect(Math.abs(difference - forces[k]!), `force component ${k}`).toBeLessThanOrEqual(FORCE_AGREEMENT);
    }
    expect(netForce).toBeLessThanOrEqual(FORCE_AGREEMENT * Math.sqrt(n));
  });

  it('has a virial W = −∂E/∂ε, when it has one', () => {
    const { virial } = label(sample);
    if (virial === null || sample.cell === null) return;
    const volume = cellVolume(sample.cell);
    for (let c = 0; c < 6; c++) {
      const energyAt = (size: number): number => label(strained(sample, strainOf(c, size))).energy;
      const difference = -(energyAt(STEP) - energyAt(-STEP)) / (2 * STEP);
      expect(Math.abs(difference - virial[c]!) / volume, `virial component ${c}`).toBeLessThanOrEqual(STRESS_AGREEMENT);
    }
  });
}

function codecConformance({ it, expect }: TestRunner, reference: CodecReference, sample: Structure): void {
  const ended: EngineOutcome = { exitCode: 0, signal: null, timedOut: false, seconds: 1 };

  it('prepares the same files and command twice', () => {
    const [first, second] = [reference.prepare(sample, 0), reference.prepare(sample, 0)];
    expect(first.files.size > 0).toBe(true);
    expect(JSON.stringify([...first.files])).toBe(JSON.stringify([...second.files]));
    expect(JSON.stringify(first.run)).toBe(JSON.stringify(second.run));
    expect(first.run.command.length > 0).toBe(true);
  });

  it('names files inside the directory only', () => {
    const { files, run } = reference.prepare(sample, 0);
    const inside = [...files.keys(), ...run.outputs, ...run.scratch].every(
      (path) => path !== '' && !path.startsWith('/') && !path.split('/').includes('..'),
    );
    expect(inside).toBe(true);
  });

  it('calls nothing done of which nothing is left, whatever the exit code says', () => {
    for (const outcome of [ended, { ...ended, exitCode: 1 }, { ...ended, exitCode: null, signal: 'SIGSEGV' }]) {
      expect(reference.parse(new Map(), sample, outcome).status).toBe('failed');
    }
    const late = reference.parse(new Map(), sample, { ...ended, exitCode: null, signal: 'SIGTERM', timedOut: true });
    expect(late.status === 'failed' && late.reason).toBe('timeout');
  });

  it('does not throw at files that are cut or senseless', () => {
    const { run } = reference.prepare(sample, 0);
    for (const text of ['', '<', '\u0000\u0001', '{"energy": 1', 'JOB DONE.']) {
      const files = new Map(run.outputs.map((path) => [path, text]));
      expect(reference.parse(files, sample, ended).status, JSON.stringify(text)).toBe('failed');
    }
  });
}
