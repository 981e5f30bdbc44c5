import { inverseCell, planeHeights, transformRows } from './cell.ts';
import { grown, type PairSearch, type PairTable, pairSquare } from './pair-table.ts';

/** Bins per reach: with two, hardly more than half as many candidates as with one, in rows that are still long. */
const BINS_PER_REACH = 2;

/** A grid of bins over the reduced basis. */
export interface Grid {
  /** [3] number of bins, and of bins to look at on each side. */
  readonly bins: readonly [number, number, number];
  readonly stencil: readonly [number, number, number];
  /** [3n] bins of the atoms, and numbers of reduced vectors by which the atoms are moved to get there. */
  readonly places: Int32Array;
  readonly turns: Int32Array;
}

/** Lays a grid with bins no narrower than half the reach where the cell allows, at most about eight per atom. */
export function layGrid({ structure, basis, reach }: PairSearch): Grid {
  const { pbc, positions } = structure;
  const n = structure.species.length;
  const heights = planeHeights(basis);
  const fractional = transformRows(positions, inverseCell(basis));
  const bins: [number, number, number] = [1, 1, 1];
  const stencil: [number, number, number] = [0, 0, 0];
  // Lowest coordinate and extent: 0 and 1 along periodic directions, in Å along open ones.
  const origin = [0, 0, 0];
  const extent = [1, 1, 1];
  const lengths = [0, 1, 2].map((d) => {
    if (pbc[d]) return heights[d]!;
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let k = d; k < fractional.length; k += 3) {
      low = Math.min(low, fractional[k]!);
      high = Math.max(high, fractional[k]!);
    }
    origin[d] = low;
    extent[d] = Math.max(high - low, reach);
    return extent[d]!;
  });
  for (let d = 0; d < 3; d++) bins[d] = Math.max(1, Math.floor((BINS_PER_REACH * lengths[d]!) / reach));
  while (bins[0] * bins[1] * bins[2] > 8 * n + 64) {
    const widest = bins.indexOf(Math.max(...bins)) as 0 | 1 | 2;
    bins[widest] = Math.ceil(bins[widest] / 2);
  }
  for (let d = 0; d < 3; d++) {
    const wanted = Math.ceil((reach * bins[d]!) / lengths[d]!);
    stencil[d] = pbc[d] ? wanted : Math.min(bins[d]! - 1, wanted);
  }
  const places = new Int32Array(3 * n);
  const turns = new Int32Array(3 * n);
  for (let k = 0; k < 3 * n; k += 3) {
    for (let d = 0; d < 3; d++) {
      const raw = (fractional[k + d]! - origin[d]!) / extent[d]!;
      const turn = pbc[d] ? -Math.floor(raw) : 0;
      turns[k + d] = turn;
      places[k + d] = Math.min(bins[d]! - 1, Math.floor((raw + turn) * bins[d]!));
    }
  }
  return { bins, stencil, places, turns };
}

/** Whether the stencil of one atom covers the whole grid, so that linked cells save nothing. */
export function coversAll({ bins, stencil }: Grid): boolean {
  const seen = (2 * stencil[0] + 1) * (2 * stencil[1] + 1) * (2 * stencil[2] + 1);
  return bins[0] * bins[1] * bins[2] <= seen;
}

/** Atoms and their images, moved by whole lattice vectors to where they are met. */
interface Images {
  /** Index of the atom. */
  readonly atoms: Int32Array;
  /** Å. */
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly z: Float64Array;
  /** Numbers of vectors of the given cell, three each. */
  readonly moves: Int32Array;
}

function allocateImages(count: number): Images {
  return {
    atoms: new Int32Array(count),
    x: new Float64Array(count),
    y: new Float64Array(count),
    z: new Float64Array(count),
    moves: new Int32Array(3 * count),
  };
}

/** Entry m becomes atom i, moved by ra, rb and rc vectors of the reduced basis. */
function setImage(images: Images, m: number, search: PairSearch, i: number, ra: number, rb: number, rc: number): void {
  const { basis, transform } = search;
  const { positions } = search.structure;
  images.atoms[m] = i;
  images.x[m] = positions[3 * i]! + (ra * basis[0]! + rb * basis[3]! + rc * basis[6]!);
  images.y[m] = positions[3 * i + 1]! + (ra * basis[1]! + rb * basis[4]! + rc * basis[7]!);
  images.z[m] = positions[3 * i + 2]! + (ra * basis[2]! + rb * basis[5]! + rc * basis[8]!);
  for (let d = 0; d < 3; d++) {
    images.moves[3 * m + d] = ra * transform[d]! + rb * transform[3 + d]! + rc * transform[6 + d]!;
  }
}

/** Bins of a grid widened by the stencil on every side, so that no search has to look across a face of the cell. */
interface Bins {
  /** Number of bins along the second and third direction. */
  readonly columns: number;
  readonly depth: number;
  /** [bins + 1] first image of each bin; those of adjacent bins of the third direction are adjacent. */
  readonly first: Int32Array;
  readonly members: Images;
}

/** Puts the wanted central atoms, and all images of them that the stencil of an atom may reach, into bins. */
function fillBins(search: PairSearch, { bins, stencil, places, turns }: Grid): Bins {
  const { pbc } = search.structure;
  const [from, to] = search.atoms;
  const columns = bins[1] + 2 * stencil[1];
  const depth = bins[2] + 2 * stencil[2];
  const forEachImage = (visit: (bin: number, i: number, qa: number, qb: number, qc: number) => void): void => {
    const low = [0, 0, 0];
    const high = [0, 0, 0];
    for (let i = from; i < to; i++) {
      for (let d = 0; d < 3; d++) {
        if (!pbc[d]) continue;
        low[d] = Math.ceil((-stencil[d]! - places[3 * i + d]!) / bins[d]!);
        high[d] = Math.floor((bins[d]! + stencil[d]! - 1 - places[3 * i + d]!) / bins[d]!);
      }
      for (let qa = low[0]!; qa <= high[0]!; qa++) {
        const u = places[3 * i]! + qa * bins[0] + stencil[0];
        for (let qb = low[1]!; qb <= high[1]!; qb++) {
          const v = places[3 * i + 1]! + qb * bins[1] + stencil[1];
          for (let qc = low[2]!; qc <= high[2]!; qc++) {
            visit((u * columns + v) * depth + places[3 * i + 2]! + qc * bins[2] + stencil[2], i, qa, qb, qc);
          }
        }
      }
    }
  };
  const first = new Int32Array((bins[0] + 2 * stencil[0]) * columns * depth + 1);
  forEachImage((bin) => {
    first[bin + 1]!++;
  });
  for (let b = 1; b < first.length; b++) first[b]! += first[b - 1]!;
  const members = allocateImages(first[first.length - 1]!);
  const next = first.slice();
  forEachImage((bin, i, qa, qb, qc) => {
    setImage(members, next[bin]!, search, i, qa + turns[3 * i]!, qb + turns[3 * i + 1]!, qc + turns[3 * i + 2]!);
    next[bin]!++;
  });
  return { columns, depth, first, members };
}

/**
 * Linked cells: O(n). The atoms j are taken in order and each looks up the central atoms i around it, so that sorting by i
 * leaves the neighbours of each in order.
 */
export function searchCells(search: PairSearch, grid: Grid): PairTable {
  const { cutoff, reach } = search;
  const { places, turns, stencil } = grid;
  const { columns, depth, first, members } = fillBins(search, grid);
  const { atoms, x, y, z, moves } = members;
  const n = search.structure.species.length;
  const own = allocateImages(n);
  for (let j = 0; j < n; j++) setImage(own, j, search, j, turns[3 * j]!, turns[3 * j + 1]!, turns[3 * j + 2]!);
  const reach2 = reach * reach;
  // Pairs nearer than this are within the cutoff whatever the rounding.
  const sure = Math.max(0, 2 * cutoff - reach);
  const sure2 = sure * sure;
  const offsets = new Int32Array(n + 1);
  let found = new Int32Array(64 * n);
  const ends = new Int32Array(n);
  let count = 0;
  let candidates = 0;
  const run = 2 * stencil[2] + 1;
  for (let j = 0; j < n; j++) {
    const xj = own.x[j]!;
    const yj = own.y[j]!;
    const zj = own.z[j]!;
    const aj = own.moves[3 * j]!;
    const bj = own.moves[3 * j + 1]!;
    const cj = own.moves[3 * j + 2]!;
    for (let u = places[3 * j]!, uLast = u + 2 * stencil[0]; u <= uLast; u++) {
      for (let v = places[3 * j + 1]!, vLast = v + 2 * stencil[1]; v <= vLast; v++) {
        const bin = (u * columns + v) * depth + places[3 * j + 2]!;
        const end = first[bin + run]!;
        let m = first[bin]!;
        candidates += end - m;
        if (count + end - m > found.length) found = grown(found, count + end - m);
        for (; m < end; m++) {
          const dx = x[m]! - xj;
          const dy = y[m]! - yj;
          const dz = z[m]! - zj;
          const square = dx * dx + dy * dy + dz * dz;
          if (square > reach2) continue;
          const i = atoms[m]!;
          const a = aj - moves[3 * m]!;
          const b = bj - moves[3 * m + 1]!;
          const c = cj - moves[3 * m + 2]!;
          if (i === j && a === 0 && b === 0 && c === 0) continue;
          if (square >= sure2 && !(pairSquare(search, i, j, a, b, c) < cutoff * cutoff)) continue;
          found[count++] = m;
          offsets[i + 1]!++;
        }
      }
    }
    ends[j] = count;
  }
  for (let i = 0; i < n; i++) offsets[i + 1]! += offsets[i]!;
  const next = offsets.slice();
  const indices = new Int32Array(count);
  const images = new Int32Array(3 * count);
  for (let j = 0, k = 0; j < n; j++) {
    for (; k < ends[j]!; k++) {
      const m = found[k]!;
      const i = atoms[m]!;
      const p = next[i]!;
      next[i] = p + 1;
      indices[p] = j;
      images[3 * p] = own.moves[3 * j]! - moves[3 * m]!;
      images[3 * p + 1] = own.moves[3 * j + 1]! - moves[3 * m + 1]!;
      images[3 * p + 2] = own.moves[3 * j + 2]! - moves[3 * m + 2]!;
    }
  }
  return { offsets, indices, images, candidates };
}
