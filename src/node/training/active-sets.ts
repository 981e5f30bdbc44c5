import type { LeftOut } from '../../core/dataset/left-out.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { atomicNumberOf } from '../../core/elements.ts';
import type { ElementActiveSet } from '../../core/potentials/linear-model.ts';
import type { Frame, Structure } from '../../core/structure/structure.ts';
import { gradesByElement } from '../../core/uncertainty/grades.ts';
import { activeSet, type GrowingSet } from '../../core/uncertainty/maxvol.ts';
import type { Machine } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { onFrame } from './check-frames.ts';
import { sharedCopy } from '../workers/shared.ts';

/** Atoms outside the sample with a grade above this are taken in. */
const EXTRAPOLATING = 1.01;
/** Most of them in one pass, by element, and most passes. */
const MOST_TAKEN_IN = 6000;
const MOST_PASSES = 3;

/** Every `stride`-th atom of each chunk, and what is known of it. */
export interface DescriptorSample {
  readonly chunks: readonly (readonly Frame[])[];
  readonly stride: number;
  /** [elements] rows [atoms, functions] of the sampled atoms, in order. */
  readonly descriptors: readonly Float64Array[];
}

/** |F − F_label| of each atom of a frame, eV/Å; NaN for atoms without labels. */
export function forceResiduals({ atoms, forces }: LeftOut): Float64Array {
  const squares = new Float64Array(atoms).fill(forces.components.length === 0 ? Number.NaN : 0);
  forces.components.forEach((component, r) => {
    const i = Math.floor(component / 3);
    squares[i] = squares[i]! + forces.fitted[r]! * forces.fitted[r]!;
  });
  return squares.map(Math.sqrt);
}

function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

/** Q3 + 1.5 (Q3 − Q1) of some residuals: beyond it a value is an outlier. Infinite for fewer than four. */
export function outlierLimit(residuals: Float64Array): number {
  const sorted = residuals.filter((value) => !Number.isNaN(value)).sort();
  if (sorted.length < 4) return Number.POSITIVE_INFINITY;
  const [first, third] = [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  return third + 1.5 * (third - first);
}

/** Descriptor rows of the atoms of a chunk that extrapolate, by element, and their grades. */
export interface ExtrapolatingAtoms {
  readonly rows: readonly Float64Array[];
  readonly grades: readonly Float64Array[];
}

/** Atoms of some structures with a grade above 1.01, `kept` of each telling which may be taken. */
export function extrapolatingAtoms(
  machine: Machine,
  argument: {
    readonly basis: AceBasis;
    readonly inverses: readonly (Float64Array | null)[];
    readonly frames: readonly Frame[];
    readonly kept: readonly Uint8Array[];
  },
): ExtrapolatingAtoms {
  const { basis, inverses, frames, kept } = argument;
  const program = machine.program(basis);
  const species = basis.specification.elements.map(atomicNumberOf);
  const sizes = species.map((_, e) => basis.offsets[e + 1]! - basis.offsets[e]!);
  const width = Math.max(...sizes);
  const rows: number[][] = species.map(() => []);
  const grades: number[][] = species.map(() => []);
  frames.forEach((frame, f) => {
    const values = onFrame(frame, () => program.descriptors([frame.structure])[0]!);
    const elements = elementsOf(frame.structure, species);
    gradesByElement(elements, values, width, sizes, inverses, machine.kernels).forEach((grade, i) => {
      if (kept[f]![i] === 0 || !(grade > EXTRAPOLATING)) return;
      const e = elements[i]!;
      grades[e]!.push(grade);
      for (let v = 0; v < sizes[e]!; v++) rows[e]!.push(values[i * width + v]!);
    });
  });
  return {
    rows: rows.map((list) => Float64Array.from(list)),
    grades: grades.map((list) => Float64Array.from(list)),
  };
}

function elementsOf(structure: Structure, species: readonly number[]): Int32Array {
  return Int32Array.from(structure.species, (z) => species.indexOf(z));
}

/** Rows of the largest grades, `most` of them, in the order they came. */
function largestRows(parts: readonly ExtrapolatingAtoms[], e: number, size: number, most: number): Float64Array {
  const all = parts.flatMap(({ grades }, part) => Array.from(grades[e]!, (grade, k) => ({ grade, part, k })));
  const taken = [...all.keys()].sort((a, b) => all[b]!.grade - all[a]!.grade || a - b).slice(0, most);
  const out = new Float64Array(taken.length * size);
  taken
    .sort((a, b) => a - b)
    .forEach((index, r) => {
      const { part, k } = all[index]!;
      out.set(parts[part]!.rows[e]!.subarray(k * size, (k + 1) * size), r * size);
    });
  return out;
}

/**
 * The active set of each element: from the sampled atoms that the fit describes (force residual up to Q3 + 1.5 IQR), and
 * from those of the other atoms that extrapolate from these, in up to three passes over them. It does not depend on the number of workers.
 *
 * @param leftOut of every frame, in order
 */
export async function trainingActiveSets(
  pool: TaskPool,
  basis: AceBasis,
  sample: DescriptorSample,
  leftOut: readonly LeftOut[],
): Promise<(ElementActiveSet | null)[]> {
  const { chunks, stride, descriptors } = sample;
  const species = basis.specification.elements.map(atomicNumberOf);
  const sizes = species.map((_, e) => basis.offsets[e + 1]! - basis.offsets[e]!);
  const residuals = leftOut.map(forceResiduals);
  const limit = outlierLimit(Float64Array.from(residuals.flatMap((list) => [...list])));
  const kept = residuals.map((list) => Uint8Array.from(list, (value) => (value > limit ? 0 : 1)));

  // What became of each sampled atom, in the order of the descriptors; and of all.
  const sampled: number[][] = species.map(() => []);
  const atoms = species.map(() => 0);
  const excluded = species.map(() => 0);
  let frameIndex = 0;
  for (const chunk of chunks) {
    let counter = 0;
    for (const { structure } of chunk) {
      const own = kept[frameIndex++]!;
      elementsOf(structure, species).forEach((e, i) => {
        if (own[i] === 1) atoms[e]!++;
        else excluded[e]!++;
        if (counter++ % stride === 0) sampled[e]!.push(own[i]!);
      });
    }
  }
  const rows = descriptors.map((all, e) => {
    const own = keptRows(all, sampled[e]!, sizes[e]!);
    // Where the fit describes no atom of an element, all of them are better than none.
    const some = own.length === 0 ? all : own;
    return some.some((value) => value !== 0) ? some : new Float64Array(0);
  });
  const { kernels } = pool;
  const setOf = (own: Float64Array, e: number, start: GrowingSet | null): GrowingSet =>
    activeSet(own, own.length / sizes[e]!, sizes[e]!, start === null ? { kernels } : { kernels, start });
  let sets = rows.map((own, e) => (own.length === 0 ? null : setOf(own, e, null)));
  for (let pass = 0; stride > 1 && pass < MOST_PASSES; pass++) {
    const inverses = sets.map((set) => (set === null ? null : sharedCopy(set.inverse)));
    let first = 0;
    const parts = await pool.map(
      'extrapolatingAtoms',
      chunks.map((frames) => {
        const from = first;
        first += frames.length;
        return { basis, inverses, frames, kept: kept.slice(from, first) };
      }),
    );
    const more = species.map((_, e) => largestRows(parts, e, sizes[e]!, MOST_TAKEN_IN));
    if (more.every((own) => own.length === 0)) break;
    sets = sets.map((set, e) => {
      if (more[e]!.length === 0) return set;
      const stacked = new Float64Array(rows[e]!.length + more[e]!.length);
      stacked.set(rows[e]!);
      stacked.set(more[e]!, rows[e]!.length);
      rows[e] = stacked;
      return setOf(stacked, e, set);
    });
  }
  return sets.map((set, e) =>
    set === null
      ? null
      : { inverse: set.inverse, pseudoRows: set.pseudoRows, atoms: atoms[e]!, excluded: excluded[e]! },
  );
}

function keptRows(all: Float64Array, kept: readonly number[], size: number): Float64Array {
  if (all.length !== kept.length * size)
    throw new RangeError(`${all.length} numbers for ${kept.length} rows of ${size}`);
  const out = new Float64Array(kept.reduce((sum, one) => sum + one, 0) * size);
  let at = 0;
  kept.forEach((one, r) => {
    if (one === 0) return;
    out.set(all.subarray(r * size, (r + 1) * size), at);
    at += size;
  });
  return out;
}
