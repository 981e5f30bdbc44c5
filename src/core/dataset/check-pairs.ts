/**
 * Pairs of frames that are near each other: between them the energy must change by the work of forces and stress. In
 * fractional coordinates f and Green strain η of one frame against the other,
 *
 *   E_b − E_a ≈ −½ Σ_i (F_a,i h_a + F_b,i h_b)·Δf_i + ½ (V_a σ_a : η + V_b σ_b : e),   η = ½(D Dᵀ − 1), e = ½(1 − (DᵀD)⁻¹)
 *
 * with h_b = h_a D (rows) and e the Almansi strain: the trapezoid, exact for a harmonic energy, and free of rotations.
 */
import { completedCell, inverseCell, transformRows } from '../structure/cell.ts';
import type { Frame } from '../structure/structure.ts';

/** Two frames and what the labels say of the way between them. */
export interface FramePair {
  readonly a: number;
  readonly b: number;
  /** E_b − E_a of the labels, eV. */
  readonly energy: number;
  /** Work of the force labels, eV; NaN where one of the two has none. */
  readonly forceWork: number;
  /** [6] Voigt: the work of the stresses is Σ_c straina_c·Wa_c + strainb_c·Wb_c with the virials W: −½η, −½e, shear twice. */
  readonly strainA: Float64Array;
  /** See `strainA`. */
  readonly strainB: Float64Array;
  /** Largest displacement of an atom beyond the strain, Å. */
  readonly displacement: number;
  /** Frobenius norm of η. */
  readonly strain: number;
}

/** Neighbours of each frame that pairs are made of. */
const NEAREST = 3;
/** Frames of one kind among which neighbours are looked for: others are left out evenly. */
const MOST_FRAMES = 300;
/** A strain counts like a displacement of this length times it, Å. */
const STRAIN_LENGTH = 3;
/** Cost of the search, coordinates compared. */
const MOST_WORK = 3e7;

/** What comparing frames needs of one: fractional coordinates in the completed cell, or Cartesian ones about the centre. */
interface Prepared {
  readonly frame: number;
  readonly cell: Float64Array | null;
  readonly coordinates: Float64Array;
  /** The same, molecules turned onto the first of their kind: for the search only. */
  readonly aligned: Float64Array;
}

function prepared(frames: readonly Frame[], f: number, first: Float64Array | null): Prepared {
  const { structure } = frames[f]!;
  const periodic = structure.pbc.includes(true);
  const cell = periodic ? completedCell(structure) : null;
  const coordinates =
    cell === null ? structure.positions.slice() : transformRows(structure.positions, inverseCell(cell));
  if (cell === null) {
    const n = structure.species.length;
    const center = [0, 0, 0];
    for (let k = 0; k < 3 * n; k++) center[k % 3]! += coordinates[k]! / n;
    for (let k = 0; k < 3 * n; k++) coordinates[k] = coordinates[k]! - center[k % 3]!;
  }
  const rotation = cell === null && first !== null ? alignment(first, coordinates) : null;
  return {
    frame: f,
    cell,
    coordinates,
    aligned: rotation === null ? coordinates : transformRows(coordinates, rotation),
  };
}

function transposed(m: ArrayLike<number>): Float64Array {
  return Float64Array.of(m[0]!, m[3]!, m[6]!, m[1]!, m[4]!, m[7]!, m[2]!, m[5]!, m[8]!);
}

/**
 * The rotation R that turns the rows of b onto those of a best: the orthogonal polar factor of Σ bᵀa, by Newton's iteration
 * X ← ½(X + X⁻ᵀ). Null where the atoms lie in a plane or line.
 */
function alignment(a: Float64Array, b: Float64Array): Float64Array | null {
  let x: Float64Array = new Float64Array(9);
  for (let i = 0; i < a.length; i += 3)
    for (let p = 0; p < 3; p++) for (let q = 0; q < 3; q++) x[3 * p + q]! += b[i + p]! * a[i + q]!;
  for (let step = 0; step < 60; step++) {
    let inverse: Float64Array;
    try {
      inverse = transposed(inverseCell(x));
    } catch {
      return null;
    }
    const norm = Math.sqrt(Math.hypot(...inverse) / Math.hypot(...x));
    let change = 0;
    const next = x.map((value, k) => 0.5 * (norm * value + inverse[k]! / norm));
    for (let k = 0; k < 9; k++) change = Math.max(change, Math.abs(next[k]! - x[k]!));
    x = next;
    if (change < 1e-12) break;
  }
  const determinant =
    x[0]! * (x[4]! * x[8]! - x[5]! * x[7]!) +
    x[1]! * (x[5]! * x[6]! - x[3]! * x[8]!) +
    x[2]! * (x[3]! * x[7]! - x[4]! * x[6]!);
  return determinant > 0 ? x : null;
}

/** Fractional displacements b − a, nearest images along periodic directions, without their mean. */
function fractionalStep(a: Float64Array, b: Float64Array, pbc: Frame['structure']['pbc']): Float64Array {
  const n = a.length / 3;
  const step = new Float64Array(3 * n);
  const mean = [0, 0, 0];
  // Against the first atom, so that a translation of all does not break the nearest image.
  for (let k = 0; k < 3 * n; k++) {
    const raw = b[k]! - b[k % 3]! - (a[k]! - a[k % 3]!);
    step[k] = pbc[k % 3] ? raw - Math.round(raw) : raw;
    mean[k % 3]! += step[k]! / n;
  }
  for (let k = 0; k < 3 * n; k++) step[k] = step[k]! - mean[k % 3]!;
  return step;
}

/** [6] −½ of a symmetric matrix in Voigt order, shear twice. */
function workStrain(m: Float64Array): Float64Array {
  return Float64Array.of(-0.5 * m[0]!, -0.5 * m[4]!, -0.5 * m[8]!, -m[5]!, -m[2]!, -m[1]!);
}

/** Green strain η and Almansi strain e of the way from cell a to cell b. */
function strainsOf(a: Float64Array, b: Float64Array): { green: Float64Array; almansi: Float64Array } {
  const d = transformRows(inverseCell(a), b);
  const dt = transposed(d);
  const inverse = inverseCell(transformRows(dt, d));
  const ddt = transformRows(d, dt);
  const unit = (k: number): number => (k % 4 === 0 ? 1 : 0);
  return { green: ddt.map((x, k) => 0.5 * (x - unit(k))), almansi: inverse.map((x, k) => 0.5 * (unit(k) - x)) };
}

const NO_STRAIN = new Float64Array(6);

/** Distance² of two prepared frames per atom, Å², strain included; Infinity as soon as it exceeds `limit`. */
function distance2(a: Prepared, b: Prepared, pbc: Frame['structure']['pbc'], limit: number): number {
  const n = a.coordinates.length / 3;
  let sum = 0;
  if (a.cell === null || b.cell === null) {
    for (let k = 0; k < 3 * n && sum <= limit * n; k++)
      sum += (b.aligned[k]! - a.aligned[k]!) * (b.aligned[k]! - a.aligned[k]!);
    return sum / n;
  }
  const { green } = strainsOf(a.cell, b.cell);
  let strain = 0;
  for (let k = 0; k < 9; k++) strain += green[k]! * green[k]!;
  sum = STRAIN_LENGTH * STRAIN_LENGTH * strain * n;
  if (sum > limit * n) return Number.POSITIVE_INFINITY;
  const step = fractionalStep(a.coordinates, b.coordinates, pbc);
  const h = a.cell;
  for (let i = 0; i < 3 * n; i += 3) {
    for (let d = 0; d < 3; d++) {
      const x = step[i]! * h[d]! + step[i + 1]! * h[3 + d]! + step[i + 2]! * h[6 + d]!;
      sum += x * x;
    }
    if (sum > limit * n) return Number.POSITIVE_INFINITY;
  }
  return sum / n;
}

function sumOfProducts(forces: Float64Array | null, steps: Float64Array): number {
  if (forces === null) return Number.NaN;
  let sum = 0;
  for (let k = 0; k < steps.length; k++) sum += forces[k]! * steps[k]!;
  return sum;
}

/** Length of the longest row vector. */
function largestRow(rows: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < rows.length; i += 3)
    largest = Math.max(largest, rows[i]! * rows[i]! + rows[i + 1]! * rows[i + 1]! + rows[i + 2]! * rows[i + 2]!);
  return Math.sqrt(largest);
}

/** What the labels of two frames of the same atoms say of the way from a to b. */
function pairOf(frames: readonly Frame[], a: Prepared, b: Prepared): FramePair {
  const [frameA, frameB] = [frames[a.frame]!, frames[b.frame]!];
  const [fa, fb] = [frameA.labels.forces, frameB.labels.forces];
  const energy = frameB.labels.energy! - frameA.labels.energy!;
  if (a.cell === null || b.cell === null) {
    const rotation = alignment(a.coordinates, b.coordinates) ?? Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
    const step = transformRows(b.coordinates, rotation).map((x, k) => x - a.coordinates[k]!);
    const turned = fb === null ? null : transformRows(fb, rotation);
    const forceWork = -0.5 * (sumOfProducts(fa, step) + sumOfProducts(turned, step));
    const displacement = largestRow(step);
    return {
      a: a.frame,
      b: b.frame,
      energy,
      forceWork,
      strainA: NO_STRAIN,
      strainB: NO_STRAIN,
      displacement,
      strain: 0,
    };
  }
  const step = fractionalStep(a.coordinates, b.coordinates, frameA.structure.pbc);
  const [stepA, stepB] = [transformRows(step, a.cell), transformRows(step, b.cell)];
  const { green, almansi } = strainsOf(a.cell, b.cell);
  return {
    a: a.frame,
    b: b.frame,
    energy,
    forceWork: -0.5 * (sumOfProducts(fa, stepA) + sumOfProducts(fb, stepB)),
    strainA: workStrain(green),
    strainB: workStrain(almansi),
    displacement: largestRow(stepA),
    strain: Math.hypot(...green),
  };
}

/** Every k-th of some items, so that at most `most` are left. */
function thinned<T>(items: readonly T[], most: number): T[] {
  const stride = Math.max(1, Math.ceil(items.length / most));
  return items.filter((_, k) => k % stride === 0);
}

/**
 * Pairs of each frame with its nearest neighbours among frames with an energy, of the same atoms in the same order and the
 * same periodicity; with `within`, of the same group.
 * @param indices frames to look among
 */
export function nearPairs(frames: readonly Frame[], indices: readonly number[], within: boolean): FramePair[] {
  const kinds = new Map<string, number[]>();
  for (const f of indices) {
    const { structure, labels, group } = frames[f]!;
    if (labels.energy === null || structure.species.length < 1) continue;
    const key = `${structure.pbc.join()};${structure.species.join()};${within ? group : ''}`;
    const list = kinds.get(key);
    if (list === undefined) kinds.set(key, [f]);
    else list.push(f);
  }
  const pairs: FramePair[] = [];
  for (const list of kinds.values()) {
    if (list.length < 2) continue;
    const n = frames[list[0]!]!.structure.species.length;
    const affordable = Math.max(20, Math.floor(Math.sqrt(MOST_WORK / (3 * n))));
    const chosen = thinned(list, Math.min(MOST_FRAMES, affordable));
    const first = prepared(frames, chosen[0]!, null).coordinates;
    const kept = chosen.map((f) => prepared(frames, f, first));
    const { pbc } = frames[list[0]!]!.structure;
    const seen = new Set<number>();
    kept.forEach((a, i) => {
      // Nearest others, closest first.
      const best: { j: number; distance: number }[] = [];
      kept.forEach((b, j) => {
        if (i === j) return;
        const limit = best.length < NEAREST ? Number.POSITIVE_INFINITY : best.at(-1)!.distance;
        const distance = distance2(a, b, pbc, limit);
        if (distance >= limit) return;
        best.push({ j, distance });
        best.sort((x, y) => x.distance - y.distance);
        if (best.length > NEAREST) best.pop();
      });
      for (const { j } of best) {
        const key = Math.min(i, j) * kept.length + Math.max(i, j);
        if (seen.has(key)) continue;
        seen.add(key);
        pairs.push(pairOf(frames, kept[Math.min(i, j)]!, kept[Math.max(i, j)]!));
      }
    });
  }
  return pairs;
}

/** Work of the stress labels along a pair, eV; `virialOf` gives the virials [6] of a frame. */
export function stressWork(pair: FramePair, virialOf: (frame: number) => ArrayLike<number>): number {
  const [wa, wb] = [virialOf(pair.a), virialOf(pair.b)];
  let sum = 0;
  for (let c = 0; c < 6; c++) sum += pair.strainA[c]! * wa[c]! + pair.strainB[c]! * wb[c]!;
  return sum;
}
