import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAceProgram } from '../../src/core/descriptors/ace/program.ts';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import { dimer, dimerScan } from '../../src/core/potentials/dimer-scan.ts';
import type { LinearModel } from '../../src/core/potentials/linear-model.ts';
import { RandomStream } from '../../src/core/random.ts';
import { explorationPlans } from '../../src/core/sampling/plans.ts';
import { runWalker } from '../../src/core/sampling/walker.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import { classifyTrust } from '../../src/core/uncertainty/trust-region.ts';
import type { EvaluationSummary } from '../../src/core/validation/summary.ts';
import { summarizeEvaluation } from '../../src/core/validation/summary.ts';
import { readModel } from '../../src/formats/model-file.ts';
import { walkerLimits } from '../../src/node/learning/walkers.ts';
import { evaluateModel } from '../../src/node/training/evaluate.ts';
import { openModel } from '../../src/node/training/open-model.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { SILICON_64, TIGHT_BINDING, tightBindingFrames } from '../support/silicon.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN_FILE = join(ROOT, 'examples/silicon/run.yaml');
/** Nearest-neighbour distance of diamond silicon, Å. */
const BOND = (5.43 * Math.sqrt(3)) / 4;

interface Status {
  readonly stopped: boolean;
  readonly reason: string;
  readonly labels: { readonly training: { readonly done: number }; readonly assessment: { readonly done: number } };
  readonly criteria: readonly {
    readonly name: string;
    readonly value: number;
    readonly upper: number;
    readonly tolerance: number;
    readonly met: boolean;
  }[];
  readonly preconditions: readonly { readonly name: string; readonly met: boolean }[];
}

const directory = mkdtempSync(join(tmpdir(), 'querent-quickstart-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function querent(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(ROOT, 'src/cli/main.ts'), ...args], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

describe('the quickstart', () => {
  let status: Status;
  let model: LinearModel;
  let potential: AcePotential;
  let summary: EvaluationSummary;
  const run = join(directory, 'run');

  beforeAll(async () => {
    const result = querent('run', RUN_FILE, '--directory', run, '--json');
    expect(result.status, result.stderr).toBe(0);
    status = JSON.parse(result.stdout) as Status;
    const written = JSON.parse(readFileSync(join(run, 'provenance.json'), 'utf8')) as Record<string, unknown>;
    expect(written).toBeTypeOf('object');
    const listing = querent('status', run);
    const path = /latest model: (.*)$/m.exec(listing.stdout)![1]!.trim();
    const bytes = readFileSync(path);
    const read = readModel(bytes, path);
    model = read.model;
    potential = new AcePotential(model, createAceProgram(read.basis));
    const pool = createPool(2, null);
    summary = summarizeEvaluation(
      await evaluateModel(openModel(bytes), tightBindingFrames(120, 90125), pool),
      model.uncertainty.conformal.forces,
    );
    await pool.dispose();
  });

  it('ends with every criterion met, at most 60 training labels, assessment labels apart', () => {
    expect(status.criteria.map(({ name, met }) => [name, met])).toEqual([
      ['energyMae', true],
      ['forceRmse', true],
      ['forceEce', true],
      ['energyEce', true],
      ['forceWorst', true],
      ['energyWorst', true],
    ]);
    const tolerances = {
      energyMae: 0.002,
      forceRmse: 0.09,
      forceEce: 0.08,
      energyEce: 0.15,
      forceWorst: 10,
      energyWorst: 6,
    };
    expect(Object.fromEntries(status.criteria.map(({ name, tolerance }) => [name, tolerance]))).toEqual(tolerances);
    for (const { upper, value, tolerance } of status.criteria) {
      expect(upper).toBeLessThanOrEqual(tolerance);
      expect(upper).toBeGreaterThanOrEqual(value);
    }
    expect(status.preconditions.every(({ met }) => met)).toBe(true);
    expect(status.labels.training.done).toBeLessThanOrEqual(60);
    expect(status.labels.assessment.done).toBeGreaterThanOrEqual(80);
  });

  it('leaves the model, the labelled structures and the exported potential', () => {
    for (const file of ['run.yaml', 'store.sqlite', 'labelled.extxyz', 'provenance.json'])
      expect(existsSync(join(run, file)), file).toBe(true);
    expect(existsSync(join(run, 'potential.yace'))).toBe(true);
  });

  it('is good on tight-binding dynamics that it never saw', () => {
    expect(summary.n.structures).toBe(120);
    expect(summary.forces!.rmse).toBeLessThanOrEqual(0.085);
    expect(summary.energy!.mae).toBeLessThanOrEqual(0.002);
    expect(summary.calibration.forces!.coverage95).toBeGreaterThanOrEqual(0.9);
    expect(summary.calibration.forces!.coverage95).toBeLessThanOrEqual(0.99);
  });

  it('runs 64 atoms for 2 ps at 1500 K without leaving its trust region', () => {
    const conditions = { temperatures: { values: [1500] }, strain: { diagonal: 0, shear: 0 } };
    const plan = explorationPlans([SILICON_64], conditions, 1, 0, 7, { steps: 2000, timeStep: 1 })[0]!;
    const { report } = runWalker(plan, potential, walkerLimits(model.uncertainty.limits), 7, { trustInterval: 10 });
    expect(report.outcome, report.reason).not.toBe('broken');
    expect(report.steps).toBe(2000);
  });

  it('is never both wrong and trusted along a dimer, and broken below the hard distance gate', () => {
    const gate = model.specification.pairs[0]![0]!.innerCutoff;
    for (const point of dimerScan(potential, 0, 0)) {
      const reference = TIGHT_BINDING.evaluate(dimer(14, 14, point.distance)).forces[3]!;
      if (point.distance < gate) expect(point.state, `${point.distance} Å`).toBe('broken');
      if (Math.abs(reference - point.force) > 1)
        expect(point.state, `${point.distance} Å: ${point.reason}`).not.toBe('trusted');
    }
  });

  it('distrusts a compressed and a stretched diamond crystal, and trusts the crystal itself', () => {
    const random = new RandomStream(3, 'bond scan');
    const noise = Float64Array.from({ length: 24 }, () => random.normal());
    const stateAt = (distance: number): string => {
      const crystal = prototypeStructure({
        prototype: 'diamond',
        element: 'Si',
        a: (4 * distance) / Math.sqrt(3),
        cell: 'conventional',
      });
      // In a perfect lattice symmetry fixes every force: rattled by 1 % of the bond.
      const structure = {
        ...crystal,
        positions: crystal.positions.map((x, k) => x + (0.01 * distance * noise[k]!) / Math.sqrt(3)),
      };
      return classifyTrust(potential.trust(structure), model.uncertainty.limits).state;
    };
    expect(stateAt(BOND)).toBe('trusted');
    const { cutoff } = model.specification.pairs[0]![0]!;
    for (let share = 0.5; share < 0.8; share += 0.05)
      expect(stateAt(share * BOND), `${share} bonds`).not.toBe('trusted');
    for (let distance = 1.41 * BOND; distance < cutoff; distance += 0.1)
      expect(stateAt(distance), `${distance} Å`).not.toBe('trusted');
  });
});
