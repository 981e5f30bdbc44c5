import { randomUUID } from 'node:crypto';
import { deletionClusters } from '../../core/dataset/deletion-clusters.ts';
import type { LeftOut } from '../../core/dataset/left-out.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import type { ElementActiveSet, ModelUncertainty } from '../../core/potentials/linear-model.ts';
import type { ObservationKind, PerKind, PosteriorState } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { formRoots, formsOf } from '../../core/uncertainty/estimators.ts';
import type { ShiftBox } from '../../core/uncertainty/pops.ts';
import { leverageThreshold } from '../../core/uncertainty/pops.ts';
import type { TaskPool } from '../workers/pool.ts';
import { sharedCopy } from '../workers/shared.ts';
import { trainingActiveSets } from './active-sets.ts';
import { chunksOf } from './chunks.ts';
import { errorBars } from './error-bars.ts';
import type { ClusterRows, PackedMoments, PosteriorContext } from './form-passes.ts';
import { addPacked, unpackMoments } from './form-passes.ts';
import type { FitContext, LeftOutChunk } from './passes.ts';
import type { FitSettings } from './settings.ts';

/** Atoms whose descriptors are kept for leverage and novelty. */
const DESCRIPTOR_SAMPLE = 6000;
/** Frames whose median leverage is that of all. */
const THRESHOLD_SAMPLE = 32;
/** Rows that are kept between the passes, bytes; beyond them rows are made again. */
const KEPT_BYTES = 32 * 1024 * 1024;

/** What the passes over the posterior find. */
export interface SecondPass {
  /** Every frame with and without itself, in order. */
  readonly leftOut: readonly LeftOut[];
  readonly uncertainty: ModelUncertainty;
  readonly activeSets: readonly (ElementActiveSet | null)[];
}

/**
 * Second and third pass over the frames of a fit: left-out errors and the sums of the variance forms, then what each form
 * says of every cluster of frames without itself; error bars, novelty and active sets follow. Memory: two matrices of
 * d × d a worker, and rows of up to 32 MB that the third pass need not make again.
 *
 * @param frames the labelled frames, as the fit saw them
 */
export async function secondPass(
  pool: TaskPool,
  context: FitContext,
  frames: readonly ObservedFrame[],
  given: PosteriorState,
  settings: Pick<FitSettings, 'energyNoise' | 'miscoverage' | 'labelNoise'>,
  progress?: (done: number, total: number) => void,
): Promise<SecondPass> {
  const { basis } = context;
  const { kernels } = pool;
  const posterior = { ...given, r: sharedCopy(given.r) };
  const shared: PosteriorContext = { context, posterior, posteriorId: randomUUID() };
  const elements = basis.functions.length;
  const atoms = frames.reduce((sum, { structure }) => sum + atomCount(structure), 0);
  const stride = Math.max(1, Math.ceil(atoms / DESCRIPTOR_SAMPLE));
  // Frames of a cluster stand together from here on.
  const clusters = deletionClusters(frames);
  const order = clusters.flat();
  const chunks = clusterChunks(clusters.map((cluster) => cluster.map((f) => frames[f]!)));
  const keep = keptClusters(chunks, posterior.mean.length);
  const threshold = await thresholdOf(pool, shared, frames);

  const total = 2 * chunks.length;
  const passes: Omit<LeftOutChunk, 'moments'>[] = [];
  const sums = new OrderedSum();
  await pool.each(
    'leftOut',
    chunks.map((own, c) => ({ ...shared, clusters: own, keep: keep[c]!, threshold, stride })),
    ({ moments, ...rest }, c, done) => {
      passes[c] = rest;
      sums.add(c, moments);
      progress?.(done, total);
    },
  );
  const ordered = passes.flatMap((pass) => pass.frames);
  const moments = sharedMoments(sums.total!);
  const { jackknife, pops } = formRoots(unpackMoments(moments), kernels);
  const roots = { jackknife, pops: { ...pops, rows: sharedCopy(pops.rows) } };
  const found = await pool.map(
    'formErrors',
    chunks.map((own, c) => ({
      ...shared,
      clusters: own.map((cluster, k): ClusterRows | readonly ObservedFrame[] => passes[c]!.kept[k] ?? cluster),
      threshold,
      moments,
      roots: { pops: roots.pops },
    })),
    (done) => progress?.(chunks.length + done, total),
  );
  const judged = found.flatMap((chunk) => chunk.frames);
  const leftOut = new Array<LeftOut>(frames.length);
  order.forEach((f, position) => {
    leftOut[f] = withJudged(ordered[position]!, judged[position]!);
  });

  const descriptors = Array.from({ length: elements }, (_, e) =>
    concatenated(passes.map((pass) => pass.descriptors[e]!)),
  );
  let first = 0;
  const owners = Array.from({ length: elements }, () => [] as number[]);
  for (const pass of passes) {
    for (let e = 0; e < elements; e++) for (const index of pass.owners[e]!) owners[e]!.push(order[first + index]!);
    first += pass.frames.length;
  }
  const frameChunks = chunks.map((own) => own.flat());
  const activeSets = await trainingActiveSets(pool, basis, { chunks: frameChunks, stride, descriptors }, ordered);
  const forms = formsOf({ posterior, moments: unpackMoments(moments) }, kernels, roots);
  const uncertainty = errorBars(basis, posterior, leftOut, {
    descriptors,
    owners: owners.map((list) => Int32Array.from(list)),
    forms: { jackknife: forms.jackknife, pops: forms.pops },
    box: found.map((chunk) => chunk.box).reduce(joinedBox),
    energyNoise: settings.energyNoise,
    labelNoise: settings.labelNoise,
    miscoverage: settings.miscoverage,
    kernels,
  });
  return { leftOut, uncertainty, activeSets };
}

/** Clusters in chunks of about as many atoms as those of frames. */
function clusterChunks(clusters: readonly (readonly ObservedFrame[])[]): (readonly ObservedFrame[])[][] {
  const units = clusters.map((frames) => ({
    frames,
    // A structure with as many atoms as the cluster has.
    structure: {
      ...frames[0]!.structure,
      species: new Uint8Array(frames.reduce((sum, { structure }) => sum + atomCount(structure), 0)),
    },
  }));
  return chunksOf(units).map((chunk) => chunk.map((unit) => unit.frames));
}

/** Which clusters of each chunk keep their rows: as many of the first as there is room for. */
function keptClusters(chunks: readonly (readonly (readonly ObservedFrame[])[])[], columns: number): boolean[][] {
  let left = KEPT_BYTES;
  return chunks.map((chunk) =>
    chunk.map((frames) => {
      const rows = frames.reduce((sum, { structure }) => sum + 3 * atomCount(structure) + 7, 0);
      left -= rows * columns * Float64Array.BYTES_PER_ELEMENT;
      return left >= 0;
    }),
  );
}

/** Median leverage of the rows of evenly spaced frames. */
async function thresholdOf(
  pool: TaskPool,
  shared: PosteriorContext,
  frames: readonly ObservedFrame[],
): Promise<number> {
  const every = Math.ceil(frames.length / THRESHOLD_SAMPLE);
  const sample = frames.filter((_, f) => f % every === 0);
  return leverageThreshold(
    await pool.map(
      'leverages',
      chunksOf(sample).map((chunk) => ({ ...shared, frames: chunk })),
    ),
  );
}

/** Adds up sums of chunks in the order of their index, whenever they come: the bits do not depend on the workers. */
class OrderedSum {
  private readonly waiting = new Map<number, PackedMoments>();
  private next = 0;
  total: PackedMoments | null = null;

  add(index: number, moments: PackedMoments): void {
    this.waiting.set(index, moments);
    for (let own = this.waiting.get(this.next); own !== undefined; own = this.waiting.get(this.next)) {
      this.waiting.delete(this.next++);
      this.total = this.total === null ? own : addPacked(this.total, own);
    }
  }
}

function sharedMoments({ jackknife, pops }: PackedMoments): PackedMoments {
  return {
    jackknife: { ...jackknife, square: sharedCopy(jackknife.square) },
    pops: { ...pops, square: sharedCopy(pops.square) },
  };
}

function withJudged(
  errors: LeftOut,
  judged: Partial<Readonly<Record<ObservationKind, LeftOut['energy']['judged']>>>,
): LeftOut {
  const kinds = Object.fromEntries(
    OBSERVATION_KINDS.map((kind) => [
      kind,
      judged[kind] === undefined ? errors[kind] : { ...errors[kind], judged: judged[kind] },
    ]),
  );
  return { ...errors, ...(kinds as unknown as PerKind<LeftOut['energy']>) };
}

function joinedBox(a: ShiftBox, b: ShiftBox): ShiftBox {
  return {
    lower: a.lower.map((value, k) => Math.min(value, b.lower[k]!)),
    upper: a.upper.map((value, k) => Math.max(value, b.upper[k]!)),
  };
}

function concatenated(arrays: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(arrays.reduce((sum, array) => sum + array.length, 0));
  let at = 0;
  for (const array of arrays) {
    out.set(array, at);
    at += array.length;
  }
  return out;
}
