/** The Quantum ESPRESSO reference against the real pw.x: numbers, failures, time limits, kills and resumption. */
import { spawn } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cellVolume } from '../../src/core/structure/cell.ts';
import { structureId } from '../../src/core/structure/identity.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { EV_PER_CUBIC_ANGSTROM_IN_GPA } from '../../src/core/units.ts';
import type { LabelRequest } from '../../src/loop/ports.ts';
import { checkReference, trialCell } from '../../src/node/doctor-reference.ts';
import { markedProcesses } from '../../src/node/execution/processes.ts';
import { createReference, DEBIAN_PSEUDOPOTENTIALS, gatesOf } from '../../src/node/labeller-reference.ts';
import { createLabeller } from '../../src/node/labeller.ts';
import { referenceSchema } from '../../src/protocol/run-file-reference.ts';
import type { CodecReference, LabelSuccess, Reference } from '../../src/reference/reference.ts';
import { golden } from '../support/golden.ts';
import { attemptsIn, describeWithPw } from './pw.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'querent-qe-'));
});
afterEach(() => {
  const left = attempts().flatMap((path) => markedProcesses(path));
  for (const pid of left) process.kill(pid, 'SIGKILL');
  rmSync(directory, { recursive: true, force: true });
  expect(left, 'processes left over').toEqual([]);
});

const attempts = (): string[] => attemptsIn(directory);

const section = (change: Record<string, unknown> = {}) =>
  referenceSchema.parse({
    kind: 'quantum-espresso',
    pseudopotentials: { Si: 'Si.pz-vbc.UPF' },
    pseudoDir: DEBIAN_PSEUDOPOTENTIALS,
    ecutwfc: 12,
    mesh: [2, 2, 2],
    ...change,
  });
const referenceOf = (change: Record<string, unknown> = {}) => createReference(section(change), directory);
const GATES = gatesOf(section().gates);
const labellerOf = (reference: Reference, timeout: number | null = 120, gates = GATES) =>
  createLabeller({ reference, directory, concurrency: 1, timeout, gates });

const h = 2.715;
const si2: Structure = {
  positions: Float64Array.of(0.03, -0.02, 0.01, 1.3575, 1.3775, 1.3575),
  cell: Float64Array.of(0, h, h, h, 0, h, h, h, 0),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
};
const requestOf = (structure: Structure, attempt = 0): LabelRequest => ({
  id: structureId(structure),
  structure,
  attempt,
});
const request = requestOf(si2);
const never = new AbortController().signal;
/** Settings that keep pw.x busy for several seconds. */
const slow = { ecutwfc: 60, mesh: [4, 4, 4] };

describeWithPw('pw.x', () => {
  it('labels Si2 as it did when its output was saved', async () => {
    const { result } = await labellerOf(await referenceOf()).label(request, never);
    expect(result).toMatchObject({ status: 'done' });
    const saved = readFileSync(new URL('../golden/qe/converged/stdout.txt', import.meta.url), 'utf8');
    const energy = Number(/^!\s+total energy\s+=\s+(\S+) Ry/m.exec(saved)![1]) * 13.605693122994;
    expect((result as LabelSuccess).energy).toAgree(energy, {
      atol: 1e-5,
      why: 'conv_thr 1e-9 Ry and another machine',
    });
    expect(readdirSync(attempts()[0]!)).toEqual(expect.arrayContaining(['pw.in', 'stdout.txt', 'result.json', 'out']));
    expect(readdirSync(join(attempts()[0]!, 'out')), 'densities and wave functions are removed').toEqual(['pw.xml']);
  });

  it('labels a strained, rattled Si8 as an independent run of pw.x did', async () => {
    const [frame] = golden<{ cell: number[]; pos: number[]; E: number; F: number[]; P: number[] }[]>('si8-qe-lda');
    const si8: Structure = {
      positions: Float64Array.from(frame!.pos),
      cell: Float64Array.from(frame!.cell),
      pbc: [true, true, true],
      species: new Uint8Array(8).fill(14),
    };
    // The settings of that run: Fermi-Dirac smearing of 0.007 Ry.
    const smearing = { type: 'fermi-dirac', width: 0.007 * 13.605693122994 };
    const reference = await referenceOf({ ecutwfc: 20, mesh: [2, 2, 2], shifted: true, smearing });
    const label = (await labellerOf(reference).label(requestOf(si8), never)).result as LabelSuccess;
    expect(label.status).toBe('done');
    expect(label.energy).toAgree(frame!.E, { atol: 1e-5, why: 'self-consistency of the earlier run, 1e-8 Ry' });
    expect(label.forces).toAgree(frame!.F, { atol: 2e-3, why: 'self-consistency of the earlier run' });
    const pressure = label.virial!.map((w) => (w / cellVolume(si8.cell!)) * EV_PER_CUBIC_ANGSTROM_IN_GPA);
    const earlier = [0, 4, 8, 5, 2, 1].map((k) => frame!.P[k]!);
    expect(pressure).toAgree(earlier, { atol: 0.01, why: 'printed to 0.01 kbar; W/V = P, compression positive' });
  });

  it('has forces and stress that are derivatives of its energy', async () => {
    const labeller = labellerOf(await referenceOf({ ecutwfc: 30 }));
    const check = await checkReference(labeller, trialCell([14]), never);
    expect(check.checks.map(({ quantity }) => quantity)).toEqual(['force', 'force', 'stress', 'stress', 'stress']);
    expect(check.checks.filter(({ agrees }) => !agrees)).toEqual([]);
    expect(check.code).toMatch(/^quantum-espresso \d/);
  });

  it('says that self-consistency was not reached, and reaches it in the next attempt', async () => {
    const reference = (await referenceOf()) as CodecReference;
    const impatient: CodecReference = {
      ...reference,
      prepare(structure, attempt) {
        const { files, run } = reference.prepare(structure, attempt);
        const text = files
          .get('pw.in')!
          .replace(/electron_maxstep = \d+/, attempt === 0 ? 'electron_maxstep = 3' : '$&');
        return { files: new Map([['pw.in', text]]), run };
      },
    };
    const labeller = labellerOf(impatient);
    const first = await labeller.label(request, never);
    expect(first.result).toMatchObject({ status: 'failed', reason: 'scf', message: /not reached in 3 iterations/ });
    const second = await labeller.label(requestOf(si2, 1), never);
    expect(second).toMatchObject({ result: { status: 'done' }, directory: /attempt-1$/ });
    expect(readFileSync(join(directory, second.directory!, 'pw.in'), 'utf8')).toMatch(
      /electron_maxstep = 300\n {2}mixing_beta = 0.35/,
    );
  });

  it('rejects overlapping atoms before pw.x sees them', async () => {
    const overlapping: Structure = { ...si2, positions: Float64Array.of(0, 0, 0, 0.5, 0, 0) };
    const reference = await referenceOf();
    expect(await labellerOf(reference).label(requestOf(overlapping), never)).toMatchObject({
      result: { status: 'rejected', reason: 'overlap' },
      directory: null,
    });
  });

  it('says which pseudopotential is missing, before and after it has started', async () => {
    await expect(referenceOf({ pseudopotentials: { Si: 'Si.absent.UPF' } })).rejects.toThrow(
      /of Si must exist, got "Si.absent.UPF"/,
    );
    const pseudo = join(directory, 'pseudo');
    mkdirSync(pseudo);
    // Under a name that is in no folder that pw.x would fall back to.
    copyFileSync(join(DEBIAN_PSEUDOPOTENTIALS, 'Si.pz-vbc.UPF'), join(pseudo, 'Si.mine.UPF'));
    const reference = await referenceOf({ pseudoDir: pseudo, pseudopotentials: { Si: 'Si.mine.UPF' } });
    expect((await labellerOf(reference).label(request, never)).result).toMatchObject({ status: 'done' });
    rmSync(pseudo, { recursive: true });
    const other = requestOf({ ...si2, positions: si2.positions.map((x) => x + 0.01) });
    expect((await labellerOf(reference).label(other, never)).result).toMatchObject({
      status: 'failed',
      reason: 'input',
      message: /Si\.mine\.UPF not found/,
    });
  });

  it('does not take a misspelt card for Γ alone', async () => {
    const reference = (await referenceOf()) as CodecReference;
    const misspelt: CodecReference = {
      ...reference,
      prepare(structure, attempt) {
        const { files, run } = reference.prepare(structure, attempt);
        return { files: new Map([['pw.in', files.get('pw.in')!.replace('K_POINTS', 'K_POINT')]]), run };
      },
    };
    expect((await labellerOf(misspelt).label(request, never)).result).toMatchObject({
      status: 'failed',
      reason: 'input',
      message: /ignored the card/,
    });
  });

  it('is stopped at the time limit', async () => {
    const start = performance.now();
    const { result } = await labellerOf(await referenceOf(slow), 1).label(request, never);
    expect(result).toMatchObject({ status: 'failed', reason: 'timeout' });
    expect(performance.now() - start).toBeLessThan(8000);
  });

  it('is a crash when somebody kills it', async () => {
    const running = labellerOf(await referenceOf(slow)).label(request, never);
    const pid = await engineOf();
    process.kill(pid, 'SIGKILL');
    expect((await running).result).toMatchObject({ status: 'failed', reason: 'crash', message: /SIGKILL/ });
  });

  it('is gone after an abort', async () => {
    const controller = new AbortController();
    const running = labellerOf(await referenceOf(slow)).label(request, controller.signal);
    running.catch(() => {});
    await engineOf();
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    expect(attempts()).toEqual([]);
  });

  it('goes on when the run is killed, and its label is adopted by the next one', async () => {
    await killedRun();
    const labeller = labellerOf(await referenceOf(ADOPTED));
    const { result, directory: place } = (await labeller.adopt(request)) ?? (await labeller.label(request, never));
    expect(result).toMatchObject({ status: 'done' });
    expect(place).toMatch(/attempt-0$/);
    expect(attempts()).toHaveLength(1);
    expect(await labeller.adopt(request)).toMatchObject({ result: { status: 'done' } });
  });
});

/** Long enough to be killed in the middle, short enough to wait for. */
const ADOPTED = { ecutwfc: 30, mesh: [3, 3, 3] };

/** Number of the pw.x process of the only attempt, once it runs. */
async function engineOf(): Promise<number> {
  for (;;) {
    for (const pid of attempts().flatMap((path) => markedProcesses(path))) {
      try {
        if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === 'pw.x') return pid;
      } catch {
        // ended in between
      }
    }
    await sleep(20);
  }
}

/** Labels Si2 in another process and kills that with SIGKILL as soon as pw.x runs. */
async function killedRun(): Promise<void> {
  const source = (name: string) => JSON.stringify(new URL(`../../src/${name}`, import.meta.url).href);
  const program = `
    import { createLabeller } from ${source('node/labeller.ts')};
    import { createReference } from ${source('node/labeller-reference.ts')};
    const reference = await createReference(${JSON.stringify(section(ADOPTED))}, '/');
    const labeller = createLabeller({ reference, directory: ${JSON.stringify(directory)}, concurrency: 1, timeout: null, gates: ${JSON.stringify(GATES)} });
    const structure = { positions: Float64Array.from(${JSON.stringify([...si2.positions])}), cell: Float64Array.from(${JSON.stringify([...si2.cell!])}), pbc: [true, true, true], species: Uint8Array.of(14, 14) };
    await labeller.label({ id: ${JSON.stringify(request.id)}, structure, attempt: 0 }, new AbortController().signal);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'ignore' });
  const gone = new Promise((settle) => child.once('exit', settle));
  await engineOf();
  child.kill('SIGKILL');
  await gone;
}
