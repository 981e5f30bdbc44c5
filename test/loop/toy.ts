/**
 * A complete active-learning problem small enough to run thousands of times: a diatomic molecule on a line whose reference
 * is a Morse curve and whose model is a Bayesian polynomial in the bond length. Everything is really computed.
 */
import { RandomStream } from '../../src/core/random.ts';
import { cholesky } from '../../src/core/numerics/cholesky.ts';
import { solveUpper, solveUpperTransposed, whitenRows } from '../../src/core/numerics/triangular.ts';
import { structureId } from '../../src/core/structure/identity.ts';
import type { Frame, Structure } from '../../src/core/structure/structure.ts';
import type { Candidate, Compute, FrameAssessment, Labeller, LabelRequest, Origin } from '../../src/loop/ports.ts';
import type { RunFile } from '../../src/protocol/run-file.ts';
import { runFileSchema } from '../../src/protocol/run-file.ts';
import type { LabelResult } from '../../src/reference/reference.ts';

const DEPTH = 1.3;
const STEEPNESS = 1.4;
const LENGTH = 1.5;
const SHORTEST = 1.15;
const LONGEST = 2.4;
const DEGREE = 7;
const ENERGY_NOISE = 2e-3;
const FORCE_NOISE = 2e-2;

/** Settings of the toy run; `change` is merged over single sections. */
export function toyRunFile(change: Record<string, Record<string, unknown> | number | string> = {}): RunFile {
  const base: Record<string, unknown> = {
    name: 'toy',
    seed: 3,
    structures: [{ file: 'toy.xyz' }],
    conditions: { temperatures: [300, 900] },
    reference: { kind: 'sw-si' },
    start: { count: 3 },
    acquisition: { batch: 2 },
    assessment: { size: 16, perRound: 8 },
    stopping: { energyMae: 0.01, forceRmse: 0.08, forceEce: 0.4, energyEce: 0.4 },
    budget: { labels: 20, rounds: 9 },
  };
  for (const [section, value] of Object.entries(change)) {
    const before = base[section];
    base[section] =
      typeof value === 'object' && typeof before === 'object'
        ? { ...(before as Record<string, unknown>), ...value }
        : value;
  }
  return runFileSchema.parse(base);
}

export function bond(length: number): Structure {
  return {
    positions: Float64Array.of(0, 0, 0, length, 0, 0),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.of(14, 14),
  };
}

const lengthOf = (structure: Structure): number => structure.positions[3]! - structure.positions[0]!;

/** Energy, eV, and its slope, eV/Å, of the reference. */
export function morse(length: number): { energy: number; slope: number } {
  const decay = Math.exp(-STEEPNESS * (length - LENGTH));
  return { energy: DEPTH * (1 - decay) * (1 - decay), slope: 2 * DEPTH * STEEPNESS * (1 - decay) * decay };
}

/** The label of a bond, as the reference gives it: the curve with the noise that the model assumes, fixed per structure. */
export function morseLabel(structure: Structure): LabelResult {
  const noise = new RandomStream(0, structureId(structure));
  const exact = morse(lengthOf(structure));
  const energy = exact.energy + ENERGY_NOISE * noise.normal();
  const slope = exact.slope + FORCE_NOISE * noise.normal();
  return {
    status: 'done',
    internalEnergy: null,
    energy,
    forces: Float64Array.of(slope, 0, 0, -slope, 0, 0),
    virial: null,
    netForce: 0,
    cost: 2,
    fingerprint: { code: 'morse 1', settings: '{}', files: {} },
  };
}

function rows(length: number): { energy: Float64Array; slope: Float64Array } {
  const x = length - LENGTH;
  const energy = new Float64Array(DEGREE + 1);
  const slope = new Float64Array(DEGREE + 1);
  let power = 1;
  for (let k = 0; k <= DEGREE; k++) {
    energy[k] = power;
    if (k > 0) slope[k] = k * energy[k - 1]!;
    power *= x;
  }
  return { energy, slope };
}

interface Model {
  readonly factor: Float64Array;
  readonly weights: Float64Array;
}

const SIZE = DEGREE + 1;

function fitModel(lengths: readonly number[], energies: readonly number[], slopes: readonly number[]): Model {
  const precision = new Float64Array(SIZE * SIZE);
  const right = new Float64Array(SIZE);
  for (let k = 0; k < SIZE; k++) precision[k * SIZE + k] = 0.01;
  const add = (row: Float64Array, target: number, noise: number): void => {
    for (let i = 0; i < SIZE; i++) {
      right[i] = right[i]! + (row[i]! * target) / (noise * noise);
      for (let j = 0; j < SIZE; j++)
        precision[i * SIZE + j] = precision[i * SIZE + j]! + (row[i]! * row[j]!) / (noise * noise);
    }
  };
  lengths.forEach((length, n) => {
    const row = rows(length);
    add(row.energy, energies[n]!, ENERGY_NOISE);
    add(row.slope, slopes[n]!, FORCE_NOISE);
  });
  const factor = cholesky(precision, SIZE);
  return { factor, weights: solveUpper(factor, SIZE, solveUpperTransposed(factor, SIZE, right)) };
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);
const variance = (model: Model, row: Float64Array): number => {
  const white = whitenRows(model.factor, SIZE, row, 1);
  return dot(white, white);
};

const encode = (model: Model): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ factor: [...model.factor], weights: [...model.weights] }));
const decode = (bytes: Uint8Array): Model => {
  const data = JSON.parse(new TextDecoder().decode(bytes)) as { factor: number[]; weights: number[] };
  return { factor: Float64Array.from(data.factor), weights: Float64Array.from(data.weights) };
};

function candidate(length: number, origin: Omit<Origin, 'signals' | 'censored'>, sigma: number | null): Candidate {
  const structure = bond(length);
  return {
    id: structureId(structure),
    structure,
    origin: { ...origin, signals: sigma === null ? {} : { forceSigma: sigma, leverage: Number.NaN }, censored: false },
  };
}

/** The heavy steps of the toy run, each a pure function of its arguments and the seed. */
export function toyCompute(runFile: RunFile): Compute {
  const { seed } = runFile;
  const uniform = (random: RandomStream): number => SHORTEST + (LONGEST - SHORTEST) * random.uniform();
  return {
    async coldStart(count) {
      const random = new RandomStream(seed, 'start');
      return Array.from({ length: count }, (_, walker) =>
        candidate(
          LENGTH + 0.3 * (random.uniform() - 0.5),
          { kind: 'seed', round: 0, walker, step: 0, reason: 'a short or long bond', temperature: 0 },
          null,
        ),
      );
    },
    async fit(training) {
      const slopes = training.map(({ labels }) => labels.forces![0]!);
      const energies = training.map(({ labels }) => labels.energy!);
      const model = fitModel(
        training.map(({ structure }) => lengthOf(structure)),
        energies,
        slopes,
      );
      return { model: encode(model), summary: { structures: training.length, functions: SIZE, condition: Number.NaN } };
    },
    async explore(bytes, round) {
      const model = decode(bytes);
      const candidates: Candidate[] = [];
      const walkers = Array.from({ length: runFile.exploration.walkers }, (_, walker) => {
        const random = new RandomStream(seed, 'explore', round, walker);
        let length = LENGTH;
        let largest = 0;
        for (let step = 1; step <= 20; step++) {
          length = Math.min(LONGEST + 0.1, Math.max(SHORTEST - 0.02, length + 0.15 * random.normal()));
          const sigma = Math.sqrt(variance(model, rows(length).slope));
          largest = Math.max(largest, sigma);
          const reason = `walker ${walker} at ${length.toFixed(3)} Å: force sigma ${sigma.toFixed(3)} eV/Å`;
          candidates.push(
            candidate(length, { kind: 'exploration', round, walker, step, reason, temperature: 600 }, sigma),
          );
          if (sigma > 5) {
            const outcome = 'broken' as const;
            return { walker, temperature: 600, steps: step, plannedSteps: 20, outcome, reason, maxForceSigma: largest };
          }
        }
        const outcome = 'finished' as const;
        return { walker, temperature: 600, steps: 20, plannedSteps: 20, outcome, reason: '', maxForceSigma: largest };
      });
      return { candidates, walkers };
    },
    async assess(_, round, count) {
      return Array.from({ length: count }, (_unused, walker) => {
        const length = uniform(new RandomStream(seed, 'assess', round, walker));
        return candidate(
          length,
          { kind: 'assessment', round, walker, step: 20, reason: 'drawn at random', temperature: 600 },
          null,
        );
      });
    },
    async select(bytes, candidates, batch) {
      const model = decode(bytes);
      const gains = candidates.map(({ id, structure }) => {
        const row = rows(lengthOf(structure));
        const gain = 0.5 * Math.log1p(variance(model, row.slope) / (FORCE_NOISE * FORCE_NOISE));
        return { id, gain, reason: `expects ${gain.toFixed(3)} nats` };
      });
      const selected = gains
        .filter(({ gain }) => gain > runFile.acquisition.minNats)
        .sort((a, b) => b.gain - a.gain || (a.id < b.id ? -1 : 1))
        .slice(0, batch);
      return { selected, certificate: 0.9, poolSize: candidates.length };
    },
    async evaluate(bytes, frames: readonly Frame[]) {
      const model = decode(bytes);
      return frames.map((frame): FrameAssessment => {
        const row = rows(lengthOf(frame.structure));
        const energySigma = Math.sqrt(ENERGY_NOISE * ENERGY_NOISE + variance(model, row.energy));
        const sigma = Math.sqrt(FORCE_NOISE * FORCE_NOISE + variance(model, row.slope));
        const slopeError = dot(model.weights, row.slope) - frame.labels.forces![0]!;
        return {
          id: String(frame.info.querent_id),
          atoms: 2,
          energyError: dot(model.weights, row.energy) - frame.labels.energy!,
          energySigma,
          forceErrors: [slopeError, 0, 0, -slopeError, 0, 0],
          forceSigmas: [sigma, Number.NaN, Number.NaN, sigma, Number.NaN, Number.NaN],
        };
      });
    },
    async dispose() {},
  };
}

/** How a toy labeller behaves. */
export interface ToyLabellerOptions {
  readonly concurrency?: number;
  /** Seed of the random delays that shuffle the order of arrival; none when absent. */
  readonly shuffle?: number;
  /** Result of a request instead of the reference's, or null. */
  readonly instead?: (request: LabelRequest) => LabelResult | null;
}

/** A labeller with a disk that survives the crashes of those who use it: finished results are adopted, never recomputed. */
export class ToyLabeller implements Labeller {
  readonly concurrency: number;
  /** Ids and attempts in the order in which they were really computed. */
  readonly computed: string[] = [];
  private readonly disk: Map<string, LabelResult>;
  private readonly options: ToyLabellerOptions;
  private readonly delays: RandomStream | null;

  constructor(disk: Map<string, LabelResult> = new Map(), options: ToyLabellerOptions = {}) {
    this.disk = disk;
    this.options = options;
    this.concurrency = options.concurrency ?? 1;
    this.delays = options.shuffle === undefined ? null : new RandomStream(options.shuffle, 'delays');
  }

  async label(request: LabelRequest, signal: AbortSignal): Promise<{ result: LabelResult; directory: string | null }> {
    const key = `${request.id}/${request.attempt}`;
    const turns = this.delays === null ? 0 : this.delays.integer(6);
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    const known = this.disk.get(key);
    if (known !== undefined) return { result: known, directory: `labels/${key}` };
    const result = this.options.instead?.(request) ?? morseLabel(request.structure);
    this.computed.push(key);
    this.disk.set(key, result);
    return { result, directory: `labels/${key}` };
  }

  async adopt(request: LabelRequest): Promise<{ result: LabelResult; directory: string | null } | null> {
    const result = this.disk.get(`${request.id}/${request.attempt}`);
    return result === undefined ? null : { result, directory: `labels/${request.id}/${request.attempt}` };
  }

  async dispose(): Promise<void> {}
}
