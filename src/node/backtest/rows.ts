import type { PoolRows } from '../../core/backtest/pool-rows.ts';
import { zblReference } from '../../core/backtest/zbl-reference.ts';
import type { ColumnLayout, ReferenceEnergies } from '../../core/dataset/dataset.ts';
import { columnCount } from '../../core/dataset/dataset.ts';
import { labelledBlocks, structureBlocks } from '../../core/dataset/observations.ts';
import { referenceEnergies } from '../../core/dataset/reference-energies.ts';
import { frameWeights } from '../../core/dataset/weights.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { basisSmoothness } from '../../core/descriptors/ace/smoothness.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import { EnvironmentError } from '../../core/errors.ts';
import { smoothnessPrior } from '../../core/regression/prior.ts';
import type { PerKind } from '../../core/regression/regression.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { standardizedColumns } from '../../core/sampling/farthest-point.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { chunksOf } from '../training/chunks.ts';
import { DEFAULT_FIT } from '../training/settings.ts';
import { resolveBasis, resolveSpecification } from '../training/specification.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { sharedCopy } from '../workers/shared.ts';
import type { BacktestFrames } from './frames.ts';
import type { ModelSettings } from './settings.ts';

/** Structures whose rows set the scale for recognising components fixed by symmetry. */
const SCALE_SAMPLE = 16;

/** What turns frames into rows. */
interface RowContext {
  readonly basis: AceBasis;
  readonly layout: ColumnLayout;
  readonly reference: ReferenceEnergies;
  readonly maskScale: Float64Array;
  readonly settings: Pick<ModelSettings, 'energyRatio' | 'virialRatio' | 'repulsion'>;
}

/** A frame with the weight of each kind on the precision. */
interface WeightedFrame {
  readonly structure: Frame['structure'];
  readonly frame: Frame;
  readonly weights: PerKind<number>;
}

/** Rows of some frames, not yet over the scale of their columns. */
export interface RowChunk {
  readonly rows: Float64Array;
  readonly targets: Float64Array;
  readonly owners: Int32Array;
  /** [frames, 3] numbers of rows by kind. */
  readonly counts: Int32Array;
  /** [frames, 2] units of energy and force residuals. */
  readonly units: Float64Array;
  /** [frames, basis] mean descriptors. */
  readonly features: Float64Array;
  /** [frames, basis] Σ of squares of the derivatives of each mean descriptor. */
  readonly slopes: Float64Array;
  /** [basis] Σ of squares over the force rows, and their number. */
  readonly squares: Float64Array;
  readonly forceRows: number;
}

/** The worker's task: rows of a chunk of frames over their relative noise. */
export function backtestRows(
  machine: Machine,
  { context, frames }: { context: RowContext; frames: readonly WeightedFrame[] },
): RowChunk {
  const { basis, layout, reference, maskScale, settings } = context;
  const d = columnCount(layout);
  const size = layout.basis;
  const rows: Float64Array[] = [];
  const targets: number[] = [];
  const owners: number[] = [];
  const counts = new Int32Array(3 * frames.length);
  const units = new Float64Array(2 * frames.length);
  const features = new Float64Array(frames.length * size);
  const slopes = new Float64Array(frames.length * size);
  const squares = new Float64Array(size);
  let forceRows = 0;
  const structures = frames.map(({ structure }) => structure);
  machine.program(basis).rows(structures, (f, made) => {
    const { frame, weights } = frames[f]!;
    const n = atomCount(frame.structure);
    if (settings.repulsion !== null) {
      const zbl = zblReference(frame.structure, settings.repulsion);
      zbl.forces.forEach((force, c) => {
        made.baseline.forces[c]! += force;
      });
      zbl.virial.forEach((w, c) => {
        made.baseline.virial[c]! += w;
      });
      Object.assign(made.baseline, { energy: made.baseline.energy + zbl.energy });
    }
    for (let v = 0; v < size; v++) features[f * size + v] = made.energy[v]! / n;
    for (let at = 0; at < made.forces.length; at += size)
      for (let v = 0; v < size; v++) slopes[f * size + v]! += (made.forces[at + v]! / n) * (made.forces[at + v]! / n);
    const blocks = structureBlocks(frame.structure, made, layout, {
      energyNoise: 'sqrt',
      mask: { scale: maskScale },
      offsetGroup: '',
    });
    const observed = labelledBlocks(frame, made, blocks, layout, reference);
    const ratios = {
      energy: settings.energyRatio,
      forces: 1,
      virial: settings.virialRatio ?? Number.POSITIVE_INFINITY,
    };
    for (const [k, kind] of OBSERVATION_KINDS.entries()) {
      const block = observed[kind];
      const factor = Math.sqrt(weights[kind]) / ratios[kind];
      if (block.count === 0 || factor === 0) continue;
      if (kind === 'forces') {
        forceRows += block.count;
        for (let i = 0; i < block.count; i++)
          for (let v = 0; v < size; v++) squares[v]! += block.rows[i * d + v]! * block.rows[i * d + v]!;
      }
      rows.push(factor === 1 ? block.rows : block.rows.map((x) => factor * x));
      for (const target of block.targets) targets.push(factor * target);
      for (const component of block.components) owners.push(kind === 'forces' ? Math.floor(component / 3) : -1);
      counts[3 * f + k] = block.count;
      if (kind === 'energy') units[2 * f] = 1 / (factor * Math.sqrt(n));
      else if (kind === 'forces') units[2 * f + 1] = 1 / factor;
    }
  });
  const shared = new Float64Array(new SharedArrayBuffer(8 * d * targets.length));
  let at = 0;
  for (const block of rows) {
    shared.set(block, at);
    at += block.length;
  }
  return {
    rows: shared,
    targets: sharedCopy(Float64Array.from(targets)),
    owners: Int32Array.from(owners),
    counts,
    units,
    features,
    slopes,
    squares,
    forceRows,
  };
}

/** Weights of each frame: those of its group and file, less for energies and virials far above the lowest energy. */
function weightedFrames(frames: readonly Frame[], settings: ModelSettings): WeightedFrame[] {
  const weightsOf = frameWeights(settings.weights);
  const { energyWindow } = settings;
  const perAtom = ({ labels, structure }: Frame): number => (labels.energy ?? Number.NaN) / atomCount(structure);
  const lowest = frames.reduce((least, frame) => Math.min(least, perAtom(frame) || 0), Number.POSITIVE_INFINITY);
  return frames.map((frame) => {
    const weights = weightsOf(frame);
    if (energyWindow === null || frame.labels.energy === null) return { structure: frame.structure, frame, weights };
    const share = 1 / (1 + (perAtom(frame) - lowest) / energyWindow);
    const factor = share * share;
    return {
      structure: frame.structure,
      frame,
      weights: { energy: factor * weights.energy, forces: weights.forces, virial: factor * weights.virial },
    };
  });
}

/**
 * Least slope of a mean descriptor as a share of their root mean square: symmetry makes slopes vanish, and what is left then, curvature
 * times displacement, must be recognised as the same structure too.
 */
const LEAST_SLOPE = 0.01;
/** Share of the memory that this process may have which rows may take; a worker's copies of what it works on need the rest. */
const MEMORY_SHARE = 0.7;

/** Bytes of the rows of some frames in d columns at most: components that symmetry fixes are counted. */
export function bytesOfRows(frames: readonly Frame[], columns: number): number {
  const rows = frames.reduce((sum, { labels }) => {
    return sum + (labels.energy === null ? 0 : 1) + (labels.forces?.length ?? 0) + (labels.virial === null ? 0 : 6);
  }, 0);
  return 8 * rows * columns;
}

/**
 * Refuses rows that do not fit: better than being killed half-way.
 * @param available bytes that this process may have
 * @throws EnvironmentError `NOT_ENOUGH_MEMORY`
 */
export function requireRowMemory(bytes: number, available: number): void {
  const limit = MEMORY_SHARE * available;
  if (bytes <= limit) return;
  const [rows, most] = [bytes, limit].map((value) => (value / 1e9).toPrecision(2));
  throw new EnvironmentError(
    'NOT_ENOUGH_MEMORY',
    `rows of a back-test must fit into ${most} GB here, got about ${rows} GB; take a smaller basis (--preset small) or fewer structures (--sample)`,
    { bytes, available },
  );
}

/**
 * Rows of all frames of a back-test, made once on the workers and kept in memory that they share. Columns are divided by
 * their root mean square over all force rows and multiplied by the smoothness of the prior, which thus becomes λ·1.
 */
export async function poolRows(
  data: BacktestFrames,
  settings: ModelSettings,
  pool: TaskPool,
  progress: (done: number, total: number) => void = () => undefined,
): Promise<{ readonly rows: PoolRows; readonly basis: AceBasis }> {
  const { frames } = data;
  const structures = frames.map(({ structure }) => structure);
  const fit = {
    ...DEFAULT_FIT,
    preset: settings.preset,
    nmax: settings.nmax,
    lmax: settings.lmax,
    cutoff: settings.cutoff,
  } as const;
  const basis = resolveBasis(resolveSpecification(structures, fit), fit);
  const species = basis.specification.elements.map(atomicNumberOf);
  const layout: ColumnLayout = {
    basis: basis.offsets.at(-1)!,
    species,
    referenceEnergies: true,
    stressOffset: false,
    offsetGroups: [],
  };
  requireRowMemory(bytesOfRows(frames, columnCount(layout)), process.availableMemory());
  const stride = Math.max(1, Math.floor(structures.length / SCALE_SAMPLE));
  const maskScale = await pool.run('columnScale', {
    basis,
    structures: structures.filter((_, f) => f % stride === 0).slice(0, SCALE_SAMPLE),
  });
  const context: RowContext = {
    basis,
    layout,
    reference: referenceEnergies(frames, species),
    maskScale,
    settings,
  };
  const chunks = chunksOf(weightedFrames(frames, settings));
  const made = await pool.map(
    'backtestRows',
    chunks.map((chunk) => ({ context, frames: chunk })),
    (done) => progress(done, chunks.length),
  );
  return { rows: assemble(data, made, layout, basis), basis };
}

function assemble(data: BacktestFrames, chunks: readonly RowChunk[], layout: ColumnLayout, basis: AceBasis): PoolRows {
  const d = columnCount(layout);
  const size = layout.basis;
  const squares = new Float64Array(size);
  const forceRows = chunks.reduce((sum, chunk) => sum + chunk.forceRows, 0);
  for (const chunk of chunks) for (let v = 0; v < size; v++) squares[v]! += chunk.squares[v]!;
  const scales = squares.map((sum) => Math.sqrt(sum / Math.max(1, forceRows)));
  const { gamma } = smoothnessPrior(scales, basisSmoothness(basis));
  for (const { rows } of chunks) {
    for (let at = 0; at < rows.length; at += d) for (let v = 0; v < size; v++) rows[at + v] = rows[at + v]! / gamma[v]!;
  }
  const n = data.frames.length;
  const index = {
    block: new Int32Array(n),
    first: new Int32Array(n),
    energies: new Int32Array(n),
    forces: new Int32Array(n),
    virials: new Int32Array(n),
    energyUnit: new Float64Array(n),
    forceUnit: new Float64Array(n),
  };
  const features = new Float64Array(n * size);
  const slopes = new Float64Array(n * size);
  let f = 0;
  for (const [block, chunk] of chunks.entries()) {
    features.set(chunk.features, f * size);
    slopes.set(chunk.slopes, f * size);
    let first = 0;
    for (let k = 0; 3 * k < chunk.counts.length; k++, f++) {
      index.block[f] = block;
      index.first[f] = first;
      index.energies[f] = chunk.counts[3 * k]!;
      index.forces[f] = chunk.counts[3 * k + 1]!;
      index.virials[f] = chunk.counts[3 * k + 2]!;
      index.energyUnit[f] = chunk.units[2 * k]!;
      index.forceUnit[f] = chunk.units[2 * k + 1]!;
      first += index.energies[f]! + index.forces[f]! + index.virials[f]!;
    }
  }
  return {
    columns: d,
    governed: size,
    blocks: chunks.map(({ rows }) => rows),
    targets: chunks.map(({ targets }) => targets),
    owners: chunks.map(({ owners }) => owners),
    ...index,
    atoms: Int32Array.from(data.frames, ({ structure }) => atomCount(structure)),
    features: sharedCopy(standardizedColumns({ rows: features, count: n, columns: size }).rows),
    featureColumns: size,
    displacementNorms: displacementNorms(features, slopes, n, size),
    ground: groundState(data.frames, index.energies),
    groups: data.groups,
    ids: data.frames.map(
      ({ source }, k) => `${source.file}@${source.index}${data.originals[k] === k ? '' : ` copy ${k}`}`,
    ),
    originals: data.originals,
  };
}

/** Index of the frame of lowest energy per atom among those whose energy counts; 0 without any. */
function groundState(frames: readonly Frame[], energies: Int32Array): number {
  const perAtom = frames.map(({ labels, structure }, f) =>
    energies[f]! > 0 ? labels.energy! / atomCount(structure) : Number.POSITIVE_INFINITY,
  );
  return Math.max(0, perAtom.indexOf(Math.min(...perAtom)));
}

/** [n] norms of the slopes of mean descriptors whose columns are over their standard deviation (constant ones left out). */
function displacementNorms(features: Float64Array, slopes: Float64Array, n: number, size: number): Float64Array {
  const norms = new Float64Array(n);
  for (let v = 0; v < size; v++) {
    let mean = 0;
    for (let f = 0; f < n; f++) mean += features[f * size + v]! / n;
    let variance = 0;
    for (let f = 0; f < n; f++) variance += ((features[f * size + v]! - mean) * (features[f * size + v]! - mean)) / n;
    if (!(Math.sqrt(variance) > 1e-12 * Math.abs(mean))) continue;
    for (let f = 0; f < n; f++) norms[f]! += slopes[f * size + v]! / variance;
  }
  const roots = norms.map(Math.sqrt);
  const least = LEAST_SLOPE * Math.sqrt(norms.reduce((sum, square) => sum + square / n, 0));
  return roots.map((norm) => Math.max(norm, least));
}
