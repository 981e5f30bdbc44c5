/**
 * Neighbour lists. Small systems enumerate the images of every pair directly: in a frame where the cell is triangular the
 * range of each image number follows from the distance still left, so hardly any pair out of reach is looked at, however
 * skewed the cell. Large ones use linked cells of a reduced basis and are linear in the number of atoms. Both give the
 * same list, bit for bit.
 */
import { InputError } from '../errors.ts';
import { completedCell, inverseCell, planeHeights, reducedCell, transformRows } from './cell.ts';
import type { Structure } from './structure.ts';

/**
 * All pairs (i, j, image) with |r_j + image·cell − r_i| < cutoff, both directions, an atom and its own images included.
 * The neighbours of atom i are the entries offsets[i] … offsets[i+1]−1, sorted by (j, image).
 */
export interface NeighborList {
  /** Å. */
  readonly cutoff: number;
  /** [n+1] first entry of each atom. */
  readonly offsets: Int32Array;
  /** [p] index j of the neighbour. */
  readonly indices: Int32Array;
  /** [3p] r_j + image·cell − r_i, Å; exactly opposite for the two directions of a pair. */
  readonly vectors: Float64Array;
  /** [p] lengths of `vectors`, Å. */
  readonly distances: Float64Array;
  /** [3p] number of lattice vectors by which the neighbour is moved; positions are taken as they stand, not wrapped. */
  readonly images: Int32Array;
  /** Number of candidate pairs whose distance was computed to find the list: a measure of work without a clock. */
  readonly candidates: number;
}

/** Relative head-room of the search radius against rounding of rotated and fractional coordinates. */
const HEADROOM = 1e-10;

/** Central atoms from ≤ i < to whose neighbours are wanted. */
type AtomRange = readonly [from: number, to: number];

/** Pairs found so far, five integers each: i, j, image. */
class PairBuffer {
  data: Int32Array;
  length = 0;
  candidates = 0;

  constructor(pairs: number) {
    this.data = new Int32Array(5 * pairs);
  }

  push(i: number, j: number, a: number, b: number, c: number): void {
    const at = this.length;
    if (at + 5 > this.data.length) {
      const larger = new Int32Array(2 * this.data.length);
      larger.set(this.data);
      this.data = larger;
    }
    const data = this.data;
    data[at] = i;
    data[at + 1] = j;
    data[at + 2] = a;
    data[at + 3] = b;
    data[at + 4] = c;
    this.length = at + 5;
  }
}

/** Atoms farther from the origin than this, Å, are lost: differences of their positions keep no more than eight digits. */
const LARGEST_COORDINATE = 1e8;
/** No list is made of more pairs than this in cells so small that each atom meets more than a thousand images of another. */
const MOST_PAIRS = 2e7;
const MANY_IMAGES = 1000;

/** Largest |component| of the positions. @throws InputError `NOT_FINITE_POSITION`, `FAR_POSITION` */
function largestCoordinate(positions: Float64Array): number {
  let largest = 0;
  for (let k = 0; k < positions.length; k++) {
    const size = Math.abs(positions[k]!);
    if (!(size < Number.POSITIVE_INFINITY)) {
      const atom = Math.floor(k / 3);
      throw new InputError('NOT_FINITE_POSITION', `position of atom ${atom} must be finite, got ${positions[k]} Å`, {
        atom,
      });
    }
    if (size > LARGEST_COORDINATE) {
      const atom = Math.floor(k / 3);
      const message = `position of atom ${atom} must lie within 1e8 Å of the origin, got ${positions[k]} Å`;
      throw new InputError('FAR_POSITION', message, { atom });
    }
    if (size > largest) largest = size;
  }
  return largest;
}

/**
 * Orthonormal frame as the columns of a [9] matrix, in which the rows of `basis` are c = (cx, 0, 0), b = (bx, by, 0) and
 * a = (ax, ay, az) with positive diagonal.
 */
function triangularFrame(basis: Float64Array): Float64Array {
  const [b0, b1, b2] = [basis[3]!, basis[4]!, basis[5]!];
  const [c0, c1, c2] = [basis[6]!, basis[7]!, basis[8]!];
  const c = Math.sqrt(c0 * c0 + c1 * c1 + c2 * c2);
  const [x0, x1, x2] = [c0 / c, c1 / c, c2 / c];
  // The normal of the b-c plane, turned towards a; y completes the frame.
  let [z0, z1, z2] = [b1 * c2 - b2 * c1, b2 * c0 - b0 * c2, b0 * c1 - b1 * c0];
  const side = basis[0]! * z0 + basis[1]! * z1 + basis[2]! * z2 < 0 ? -1 : 1;
  const norm = side * Math.sqrt(z0 * z0 + z1 * z1 + z2 * z2);
  z0 /= norm;
  z1 /= norm;
  z2 /= norm;
  let [y0, y1, y2] = [z1 * x2 - z2 * x1, z2 * x0 - z0 * x2, z0 * x1 - z1 * x0];
  const turn = b0 * y0 + b1 * y1 + b2 * y2 < 0 ? -1 : 1;
  y0 *= turn;
  y1 *= turn;
  y2 *= turn;
  return Float64Array.of(x0, y0, z0, x1, y1, z1, x2, y2, z2);
}

/** Enumerates the images of every pair of atoms: O(n²) with next to no waste. Pairs come sorted by (i, j, image). */
function findDirectly(
  structure: Structure,
  basis: Float64Array,
  cutoff: number,
  reach: number,
  atoms: AtomRange,
  pairs: PairBuffer,
): void {
  const { positions, pbc } = structure;
  const [periodicA, periodicB, periodicC] = pbc;
  const n = structure.species.length;
  const frame = triangularFrame(basis);
  const turned = transformRows(positions, frame);
  const lattice = transformRows(basis, frame);
  const [ax, ay, az] = [lattice[0]!, lattice[1]!, lattice[2]!];
  const [bx, by, cx] = [lattice[3]!, lattice[4]!, lattice[6]!];
  const reach2 = reach * reach;
  const cutoff2 = cutoff * cutoff;
  const [a0, a1, a2] = [basis[0]!, basis[1]!, basis[2]!];
  const [b0, b1, b2] = [basis[3]!, basis[4]!, basis[5]!];
  const [c0, c1, c2] = [basis[6]!, basis[7]!, basis[8]!];
  const [perA, perB, perC] = [1 / az, 1 / by, 1 / cx];
  let candidates = 0;
  for (let i = atoms[0]; i < atoms[1]; i++) {
    const [px, py, pz] = [positions[3 * i]!, positions[3 * i + 1]!, positions[3 * i + 2]!];
    const [tx, ty, tz] = [turned[3 * i]!, turned[3 * i + 1]!, turned[3 * i + 2]!];
    for (let j = 0; j < n; j++) {
      const dx = turned[3 * j]! - tx;
      const dy = turned[3 * j + 1]! - ty;
      const dz = turned[3 * j + 2]! - tz;
      const aLow = periodicA ? Math.ceil((-reach - dz) * perA) : 0;
      const aHigh = periodicA ? Math.floor((reach - dz) * perA) : 0;
      for (let a = aLow; a <= aHigh; a++) {
        const z = dz + a * az;
        const left2 = reach2 - z * z;
        if (left2 < 0) continue;
        const left = Math.sqrt(left2);
        const y0 = dy + a * ay;
        const bLow = periodicB ? Math.ceil((-left - y0) * perB) : 0;
        const bHigh = periodicB ? Math.floor((left - y0) * perB) : 0;
        for (let b = bLow; b <= bHigh; b++) {
          const y = y0 + b * by;
          const rest2 = left2 - y * y;
          if (rest2 < 0) continue;
          const rest = Math.sqrt(rest2);
          const x0 = dx + a * ax + b * bx;
          const cLow = periodicC ? Math.ceil((-rest - x0) * perC) : 0;
          const cHigh = periodicC ? Math.floor((rest - x0) * perC) : 0;
          for (let c = cLow; c <= cHigh; c++) {
            if (i === j && a === 0 && b === 0 && c === 0) continue;
            candidates++;
            const vx = positions[3 * j]! - px + (a * a0 + b * b0 + c * c0);
            const vy = positions[3 * j + 1]! - py + (a * a1 + b * b1 + c * c1);
            const vz = positions[3 * j + 2]! - pz + (a * a2 + b * b2 + c * c2);
            if (vx * vx + vy * vy + vz * vz < cutoff2) pairs.push(i, j, a, b, c);
          }
        }
      }
    }
  }
  pairs.candidates += candidates;
}

/** A grid of linked cells over a reduced basis. */
interface Grid {
  /** [9] reduced basis and the integers [9] that make it of the lattice vectors. */
  readonly basis: Float64Array;
  readonly transform: Int32Array;
  /** [3n] fractional coordinates in that basis. */
  readonly fractional: Float64Array;
  /** [3] number of bins, and of bins to look at on each side. */
  readonly bins: readonly [number, number, number];
  readonly stencil: readonly [number, number, number];
  /** [3] lowest coordinate and extent along open directions (0 and 1 along periodic ones). */
  readonly origin: readonly number[];
  readonly extent: readonly number[];
}

/** Lays a grid with bins no narrower than `reach` where the cell allows, at most about eight per atom. */
function layGrid(structure: Structure, completed: Float64Array, reach: number): Grid {
  const n = structure.species.length;
  const { basis, transform } = reducedCell(completed, structure.pbc);
  const heights = planeHeights(basis);
  const fractional = transformRows(structure.positions, inverseCell(basis));
  const bins: [number, number, number] = [1, 1, 1];
  const stencil: [number, number, number] = [0, 0, 0];
  const origin = [0, 0, 0];
  const extent = [1, 1, 1];
  for (let d = 0; d < 3; d++) {
    if (structure.pbc[d]) {
      bins[d] = Math.max(1, Math.floor(heights[d]! / reach));
      continue;
    }
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let k = d; k < fractional.length; k += 3) {
      low = Math.min(low, fractional[k]!);
      high = Math.max(high, fractional[k]!);
    }
    origin[d] = low;
    extent[d] = Math.max(high - low, reach);
    bins[d] = Math.max(1, Math.floor(extent[d]! / reach));
  }
  while (bins[0] * bins[1] * bins[2] > 8 * n + 64) {
    const widest = bins.indexOf(Math.max(...bins)) as 0 | 1 | 2;
    bins[widest] = Math.ceil(bins[widest] / 2);
  }
  for (let d = 0; d < 3; d++) {
    const length = structure.pbc[d] ? heights[d]! : extent[d]!;
    stencil[d] = structure.pbc[d]
      ? Math.ceil((reach * bins[d]!) / length)
      : Math.min(bins[d]! - 1, Math.ceil((reach * bins[d]!) / length));
  }
  return { basis, transform, fractional, bins, stencil, origin, extent };
}

/** Refuses cells so small for the cutoff that the pairs would not fit into memory. @throws InputError `CELL_TOO_SMALL` */
function requireFewPairs(n: number, basis: Float64Array, pbc: Structure['pbc'], reach: number): void {
  const heights = planeHeights(basis);
  let images = 1;
  for (let d = 0; d < 3; d++) if (pbc[d]) images *= (2 * reach) / heights[d]! + 1;
  if (images <= MANY_IMAGES || n * n * images <= MOST_PAIRS) return;
  throw new InputError(
    'CELL_TOO_SMALL',
    `cell must hold fewer than ${MOST_PAIRS} pairs within ${reach.toPrecision(3)} Å, got about ${(n * n * images).toPrecision(2)} of ${n} atoms`,
    { atoms: n, images, cutoff: reach },
  );
}

/** Whether the stencil of one atom covers the whole grid, so that linked cells save nothing. */
function coversAll(grid: Grid): boolean {
  const seen = (2 * grid.stencil[0] + 1) * (2 * grid.stencil[1] + 1) * (2 * grid.stencil[2] + 1);
  return grid.bins[0] * grid.bins[1] * grid.bins[2] <= seen;
}

/** Finds pairs with linked cells: O(n). Pairs come sorted by j only. */
function findInCells(
  structure: Structure,
  cell: Float64Array,
  grid: Grid,
  cutoff: number,
  atoms: AtomRange,
  pairs: PairBuffer,
): void {
  const { positions, pbc } = structure;
  const [from, to] = atoms;
  const { transform, fractional, bins, stencil } = grid;
  const n = structure.species.length;
  const turns = new Int32Array(3 * n);
  const places = new Int32Array(3 * n);
  const first = new Int32Array(bins[0] * bins[1] * bins[2] + 1);
  const binOf = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < 3; d++) {
      const raw = (fractional[3 * i + d]! - grid.origin[d]!) / grid.extent[d]!;
      const turn = pbc[d] ? Math.floor(raw) : 0;
      turns[3 * i + d] = turn;
      places[3 * i + d] = Math.min(bins[d]! - 1, Math.floor((raw - turn) * bins[d]!));
    }
    const bin = (places[3 * i]! * bins[1] + places[3 * i + 1]!) * bins[2] + places[3 * i + 2]!;
    binOf[i] = bin;
    first[bin + 1] = first[bin + 1]! + 1;
  }
  for (let b = 1; b < first.length; b++) first[b] = first[b]! + first[b - 1]!;
  const next = first.slice(0, -1);
  const members = new Int32Array(n);
  for (let i = 0; i < n; i++) {
    const bin = binOf[i]!;
    members[next[bin]!] = i;
    next[bin] = next[bin]! + 1;
  }
  const cutoff2 = cutoff * cutoff;
  let candidates = 0;
  for (let j = 0; j < n; j++) {
    for (let s = -stencil[0]; s <= stencil[0]; s++) {
      const u = places[3 * j]! + s;
      const qa = Math.floor(u / bins[0]);
      if (qa !== 0 && !pbc[0]) continue;
      for (let t = -stencil[1]; t <= stencil[1]; t++) {
        const v = places[3 * j + 1]! + t;
        const qb = Math.floor(v / bins[1]);
        if (qb !== 0 && !pbc[1]) continue;
        for (let r = -stencil[2]; r <= stencil[2]; r++) {
          const w = places[3 * j + 2]! + r;
          const qc = Math.floor(w / bins[2]);
          if (qc !== 0 && !pbc[2]) continue;
          const bin = ((u - qa * bins[0]) * bins[1] + v - qb * bins[1]) * bins[2] + w - qc * bins[2];
          for (let m = first[bin]!; m < first[bin + 1]!; m++) {
            const i = members[m]!;
            if (i < from || i >= to) continue;
            // Image of j seen from i, in the reduced basis and then in the given one.
            const ra = turns[3 * i]! - turns[3 * j]! - qa;
            const rb = turns[3 * i + 1]! - turns[3 * j + 1]! - qb;
            const rc = turns[3 * i + 2]! - turns[3 * j + 2]! - qc;
            if (i === j && ra === 0 && rb === 0 && rc === 0) continue;
            candidates++;
            const a = ra * transform[0]! + rb * transform[3]! + rc * transform[6]!;
            const b = ra * transform[1]! + rb * transform[4]! + rc * transform[7]!;
            const c = ra * transform[2]! + rb * transform[5]! + rc * transform[8]!;
            const vx = positions[3 * j]! - positions[3 * i]! + (a * cell[0]! + b * cell[3]! + c * cell[6]!);
            const vy = positions[3 * j + 1]! - positions[3 * i + 1]! + (a * cell[1]! + b * cell[4]! + c * cell[7]!);
            const vz = positions[3 * j + 2]! - positions[3 * i + 2]! + (a * cell[2]! + b * cell[5]! + c * cell[8]!);
            if (vx * vx + vy * vy + vz * vz < cutoff2) pairs.push(i, j, a, b, c);
          }
        }
      }
    }
  }
  pairs.candidates += candidates;
}

/** Whether entry p−1 of (index, image) stands after entry p. */
function outOfOrder(indices: Int32Array, images: Int32Array, p: number): boolean {
  if (indices[p - 1] !== indices[p]) return indices[p - 1]! > indices[p]!;
  for (let d = 0; d < 3; d++) {
    if (images[3 * p - 3 + d] !== images[3 * p + d]) return images[3 * p - 3 + d]! > images[3 * p + d]!;
  }
  return false;
}

/** Puts pairs in order of (i, j, image) and works out their vectors; pairs come sorted by (i, j) or by j. */
function assemble(structure: Structure, cell: Float64Array, cutoff: number, pairs: PairBuffer): NeighborList {
  const { positions } = structure;
  const n = structure.species.length;
  const count = pairs.length / 5;
  const data = pairs.data;
  const offsets = new Int32Array(n + 1);
  for (let k = 0; k < pairs.length; k += 5) offsets[data[k]! + 1] = offsets[data[k]! + 1]! + 1;
  for (let i = 0; i < n; i++) offsets[i + 1] = offsets[i + 1]! + offsets[i]!;
  const indices = new Int32Array(count);
  const images = new Int32Array(3 * count);
  // A counting sort by i keeps the order of j; only images of one pair may still be out of order.
  const next = offsets.slice(0, n);
  for (let k = 0; k < pairs.length; k += 5) {
    const i = data[k]!;
    const p = next[i]!;
    next[i] = p + 1;
    indices[p] = data[k + 1]!;
    images[3 * p] = data[k + 2]!;
    images[3 * p + 1] = data[k + 3]!;
    images[3 * p + 2] = data[k + 4]!;
    for (let q = p; q > offsets[i]! && outOfOrder(indices, images, q); q--) {
      for (let d = 0; d < 3; d++) {
        const held = images[3 * q + d]!;
        images[3 * q + d] = images[3 * q - 3 + d]!;
        images[3 * q - 3 + d] = held;
      }
    }
  }
  const vectors = new Float64Array(3 * count);
  const distances = new Float64Array(count);
  for (let i = 0; i < n; i++) {
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      const j = indices[p]!;
      const [a, b, c] = [images[3 * p]!, images[3 * p + 1]!, images[3 * p + 2]!];
      const x = positions[3 * j]! - positions[3 * i]! + (a * cell[0]! + b * cell[3]! + c * cell[6]!);
      const y = positions[3 * j + 1]! - positions[3 * i + 1]! + (a * cell[1]! + b * cell[4]! + c * cell[7]!);
      const z = positions[3 * j + 2]! - positions[3 * i + 2]! + (a * cell[2]! + b * cell[5]! + c * cell[8]!);
      vectors[3 * p] = x;
      vectors[3 * p + 1] = y;
      vectors[3 * p + 2] = z;
      distances[p] = Math.sqrt(x * x + y * y + z * z);
    }
  }
  return { cutoff, offsets, indices, vectors, distances, images, candidates: pairs.candidates };
}

/**
 * The full neighbour list of a structure: right for cells smaller than the cutoff, any periodicity, skewed and
 * left-handed cells, and atoms outside the cell. Lattice vectors of open directions are not used and may be zero.
 * @param cutoff Å, > 0; pairs at exactly the cutoff are left out
 * @param atoms  list only the neighbours of atoms from ≤ i < to; the others get none
 * @throws InputError `BAD_CUTOFF`, `NOT_FINITE_POSITION`, `FAR_POSITION`, `MISSING_LATTICE_VECTOR`, `SINGULAR_CELL`,
 *   `CELL_TOO_SMALL`
 */
export function neighborList(structure: Structure, cutoff: number, atoms?: AtomRange): NeighborList {
  if (!(cutoff > 0) || cutoff === Number.POSITIVE_INFINITY) {
    throw new InputError('BAD_CUTOFF', `cutoff must be positive and finite, got ${cutoff} Å`, { cutoff });
  }
  const n = structure.species.length;
  const basis = completedCell(structure);
  const reach = cutoff + HEADROOM * (cutoff + largestCoordinate(structure.positions));
  const pairs = new PairBuffer(Math.max(16, 64 * n));
  if (n === 0) return assemble(structure, basis, cutoff, pairs);
  const grid = layGrid(structure, basis, reach);
  requireFewPairs(n, grid.basis, structure.pbc, reach);
  const range = atoms ?? [0, n];
  if (coversAll(grid)) findDirectly(structure, basis, cutoff, reach, range, pairs);
  else findInCells(structure, basis, grid, cutoff, range, pairs);
  return assemble(structure, basis, cutoff, pairs);
}
