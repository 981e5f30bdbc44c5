import { atomBlocks, BLOCK_CUTOFFS } from '../../core/dataset/deletion-clusters.ts';
import type { JudgedErrors, WhitenedFrame } from '../../core/dataset/left-out.ts';
import { judgedByKind, whitenedFrame } from '../../core/dataset/left-out.ts';
import type { ObservedFrame } from '../../core/dataset/robust-weights.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import { mirrorUpper, squaredRowNorms } from '../../core/numerics/dense.ts';
import { packUpper, unpackUpper } from '../../core/regression/packed.ts';
import type { ObservationKind, PosteriorState } from '../../core/regression/regression.ts';
import { addFormMoments, deleteFromCoordinates, leftOutFormVariances } from '../../core/uncertainty/estimators.ts';
import type { FormMoments, FormRoots } from '../../core/uncertainty/estimators.ts';
import type { ShiftMoments } from '../../core/uncertainty/moments.ts';
import { emptyBox, type ShiftBox, widenBox } from '../../core/uncertainty/pops.ts';
import type { Machine } from '../workers/machine.ts';
import { sharedZeros } from '../workers/shared.ts';
import { onFrame } from './check-frames.ts';
import type { FitContext } from './passes.ts';

/** The frame's observations without their rows. */
export type FrameOutline = Omit<WhitenedFrame, 'rows'>;

/** A cluster of frames in the coordinates of the posterior; in memory that threads share where it is kept. */
export interface ClusterRows {
  /** [count, d] X R⁻¹ of all frames, one after the other. */
  readonly u: Float64Array;
  /** [count] */
  readonly residuals: Float64Array;
  readonly count: number;
  /** [count] blocks of a large cell; absent otherwise. */
  readonly blocks?: Int32Array;
  readonly frames: readonly FrameOutline[];
}

/** Where the frames of a fit and its posterior are. */
export interface PosteriorContext {
  readonly context: FitContext;
  readonly posterior: PosteriorState;
  /** Names this posterior and no other. */
  readonly posteriorId: string;
}

/** Sums of the forms in half the memory, shared by threads. */
export interface PackedMoments {
  readonly jackknife: ShiftMoments;
  readonly pops: ShiftMoments;
}

const packed = (moments: ShiftMoments): ShiftMoments => ({
  ...moments,
  square: packUpper(moments.square, moments.columns, sharedZeros),
});

const unpacked = (moments: ShiftMoments): ShiftMoments => {
  const square = unpackUpper(moments.square, moments.columns);
  mirrorUpper(square, moments.columns);
  return { ...moments, square };
};

/** Sums as they travel between threads. */
export function packMoments({ jackknife, pops }: FormMoments): PackedMoments {
  return { jackknife: packed(jackknife), pops: packed(pops) };
}

/** Sums as they were. */
export function unpackMoments({ jackknife, pops }: PackedMoments): FormMoments {
  return { jackknife: unpacked(jackknife), pops: unpacked(pops) };
}

/** Adds packed sums, which stay packed. */
export function addPacked(a: PackedMoments, b: PackedMoments): PackedMoments {
  return addFormMoments(a, b);
}

/** Blocks of the observations of a large cell: its force components by place, its energy and virial apart. */
function observationBlocks(frame: ObservedFrame, outline: FrameOutline, edge: number): Int32Array | null {
  const atoms = atomBlocks(frame.structure, edge);
  if (atoms === null) return null;
  const blocks = new Int32Array(outline.count).fill(-1);
  for (const { kind, first, components } of outline.parts) {
    if (kind !== 'forces') continue;
    components.forEach((component, r) => {
      blocks[first + r] = atoms[Math.floor(component / 3)]!;
    });
  }
  return blocks;
}

/** Rows of one cluster, made from its frames. @param onRows told of every frame's rows as they are made */
export function clusterRows(
  machine: Machine,
  { context, posterior, posteriorId }: PosteriorContext,
  frames: readonly ObservedFrame[],
  onRows?: (frame: number, rows: Parameters<Parameters<ReturnType<Machine['program']>['rows']>[1]>[1]) => void,
): ClusterRows & { readonly whitened: readonly WhitenedFrame[] } {
  const d = posterior.mean.length;
  const program = machine.program(context.basis);
  const whitener = machine.whitener(posteriorId, posterior.r, d);
  const weightsOf = frameWeights(context.weights);
  const whitened = frames.map((frame, f) => {
    let observed!: WhitenedFrame;
    program.rows([frame.structure], (_, rows) => {
      observed = onFrame(frame, () => whitenedFrame(frame, rows, context.observation, weightsOf(frame), posterior));
      onRows?.(f, rows);
    });
    return observed;
  });
  const count = whitened.reduce((sum, one) => sum + one.count, 0);
  const u = sharedZeros(count * d);
  const residuals = sharedZeros(count);
  let at = 0;
  for (const one of whitened) {
    if (one.count > 0) u.set(whitener.whiten(one.rows, one.count), at * d);
    residuals.set(one.residuals, at);
    at += one.count;
  }
  const outlines = whitened.map(({ rows: _, ...outline }) => outline);
  const edge = BLOCK_CUTOFFS * Math.max(...context.basis.specification.pairs.flat().map((pair) => pair.cutoff));
  const blocks = frames.length === 1 ? observationBlocks(frames[0]!, outlines[0]!, edge) : null;
  return { u, residuals, count, ...(blocks === null ? {} : { blocks }), frames: outlines, whitened };
}

/** Leverages of the observations of some frames: what the threshold of POPS is the median of. */
export function sampleLeverages(
  machine: Machine,
  argument: PosteriorContext & { readonly frames: readonly ObservedFrame[] },
): Float64Array {
  const { u, count } = clusterRows(machine, argument, argument.frames);
  return squaredRowNorms(u, count, argument.posterior.mean.length);
}

/** What the third pass is told of a chunk. */
export interface FormArgument extends PosteriorContext {
  /** Clusters whose rows are at hand, or the frames that they are made from again. */
  readonly clusters: readonly (ClusterRows | readonly ObservedFrame[])[];
  readonly threshold: number;
  readonly moments: PackedMoments;
  readonly roots: Pick<FormRoots, 'pops'>;
}

/** What it finds: errors of each frame's observations by kind, and the box of the pointwise shifts. */
export interface FormChunk {
  readonly frames: readonly Partial<Readonly<Record<ObservationKind, JudgedErrors>>>[];
  readonly box: ShiftBox;
}

/** Third pass: what each form says of every cluster without itself. */
export function formErrorsOf(machine: Machine, argument: FormArgument): FormChunk {
  const { clusters, posterior, threshold, roots } = argument;
  const d = posterior.mean.length;
  const moments = unpackMoments(argument.moments);
  const frames: FormChunk['frames'][number][] = [];
  let box = emptyBox(roots.pops.rank);
  for (const cluster of clusters) {
    const own = 'u' in cluster ? cluster : clusterRows(machine, argument, cluster);
    const deleted = deleteFromCoordinates(own.u, own, d, threshold, machine.kernels);
    const judged = leftOutFormVariances(moments, deleted, machine.kernels);
    box = widenBox(box, roots.pops, d, deleted.pops.shifts, deleted.pops.count, machine.kernels);
    let first = 0;
    for (const outline of own.frames) {
      const of = (values: Float64Array): Float64Array => values.subarray(first, first + outline.count);
      const part = {
        residuals: of(judged.residuals),
        posterior: of(judged.posterior),
        jackknife: of(judged.jackknife),
        pops: of(judged.pops),
      };
      frames.push(judgedByKind(outline, part));
      first += outline.count;
    }
  }
  return { frames, box };
}
