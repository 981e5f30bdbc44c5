// The surroundings of one atom as far as one element of neighbours goes: its part of the atomic base A, and the derivatives
// of that part by columns: three for each neighbouring atom, three for the central one, six for strain.
//
// Memory of the host, addresses in words of 32 bits behind one another as in `Surroundings`:
//
//   tables    constant: recursion of harmonics, n in use at each l, operators on harmonics (gradient D, strain)
//   scratch   rows of harmonics, sums over neighbours, pairs of one row, sums over atoms
//
// Neighbours come by atom, images of one atom next to each other, and are worked on in chunks of whole atoms.

import { madd } from './madd';
import { addColumns, COMPONENT, GRADIENT_TERMS, gradientPairs, SEGMENT } from './rows-columns';
import { harmonicRows } from './rows-harmonics';
import { addSums } from './rows-sums';

/** A chunk takes whole atoms up to this many neighbours, or a single atom with more images. */
export const CHUNK: i32 = 48;

/** Tables and scratch memory of a basis. */
@unmanaged
class Surroundings {
  /** Largest l of the base, and number of radial functions of a neighbour. */
  lmax: i32;
  radialCount: i32;
  /** Real components of one element. */
  components: i32;
  recursion: usize;
  /** [lmax + 1] radial functions in use at each l, and [lmax + 3] those whose sums are wanted with the strain. */
  counts: usize;
  widths: usize;
  /** [(lmax+1)², 10] rows and factors of D. */
  gradientRows: usize;
  gradientFactors: usize;
  /** [(lmax+1)², 6] number of terms; rows of sums (byte offsets) and pairs of factors for (R, r R'). */
  strainLengths: usize;
  strainRows: usize;
  strainFactors: usize;
  /** [components] byte offset of each among the nodes of its element. */
  nodes: usize;
  /** [(lmax+3)²] rows `stride` bytes long. */
  rows: usize;
  stride: usize;
  sums: usize;
  pairs: usize;
  central: usize;
}

/** Sums of a chunk for l = 0 … top; runs of l with the same width are one call. */
function sumChunk(s: Surroundings, top: i32, widths: usize, radial: usize, count: i32): void {
  const sumStride = (<usize>s.radialCount) << 4;
  const spare = s.sums + <usize>((s.lmax + 3) * (s.lmax + 3)) * sumStride;
  let l = 0;
  while (l <= top) {
    const width = load<i32>(widths + ((<usize>l) << 2));
    const from = l * l;
    while (l <= top && load<i32>(widths + ((<usize>l) << 2)) === width) l++;
    if (width === 0) continue;
    const rows = s.rows + <usize>from * s.stride;
    const sums = s.sums + <usize>from * sumStride;
    addSums(rows, s.stride, l * l - from, radial, sumStride, count, width, sums, sumStride, spare);
  }
}

/** Writes the components of A to their nodes. */
function storeBase(s: Surroundings, nodes: usize): void {
  const sumStride = (<usize>s.radialCount) << 4;
  let place = s.nodes;
  for (let l = 0, q: usize = 0; l <= s.lmax; l++) {
    const count = load<i32>(s.counts + ((<usize>l) << 2));
    for (let m = 0; m < 2 * l + 1; m++, q++) {
      let sum = s.sums + q * sumStride;
      for (let n = 0; n < count; n++) {
        store<f64>(nodes + <usize>load<u32>(place), load<f64>(sum));
        sum += 16;
        place += 4;
      }
    }
  }
}

/** One strain of the `count` components of a row: terms of sums with pairs of factors, two components at a time. */
function strainColumn(sums: usize, terms: usize, factors: usize, length: i32, count: i32, to: usize): void {
  for (let n = 0; n < count; n += 2) {
    let first = f64x2.splat(0);
    let second = first;
    for (let t = 0; t < length; t++) {
      const from = sums + <usize>load<u32>(terms + ((<usize>t) << 2));
      const factor = v128.load(factors + ((<usize>t) << 4));
      first = madd(factor, v128.load(from), first);
      second = madd(factor, v128.load(from, 16), second);
    }
    const both = f64x2.add(v128.shuffle<f64>(first, second, 0, 2), v128.shuffle<f64>(first, second, 1, 3));
    v128.store64_lane(to, both, 0);
    // The partner of an odd last component belongs to another row.
    if (n + 1 < count) v128.store64_lane(to + COMPONENT, both, 1);
    to += 2 * COMPONENT;
    sums += 32;
  }
}

/** Columns of the central atom and of strain. */
function storeCentral(s: Surroundings, columns: usize, frame: usize): void {
  let x = columns + <usize>load<u32>(frame);
  let y = columns + <usize>load<u32>(frame, 4);
  let z = columns + <usize>load<u32>(frame, 8);
  let strain = columns + <usize>load<u32>(frame, 12);
  let lengths = s.strainLengths;
  let terms = s.strainRows;
  let factors = s.strainFactors;
  let central = s.central;
  for (let l = 0; l <= s.lmax; l++) {
    const count = load<i32>(s.counts + ((<usize>l) << 2));
    for (let m = 0; m < 2 * l + 1; m++) {
      for (let n = 0; n < count; n++) {
        store<f64>(x, load<f64>(central));
        store<f64>(y, load<f64>(central, 8));
        store<f64>(z, load<f64>(central, 16));
        central += 24;
        x += COMPONENT;
        y += COMPONENT;
        z += COMPONENT;
      }
      for (let v: usize = 0; v < 48; v += 8) {
        const length = load<i32>(lengths);
        strainColumn(s.sums, terms, factors, length, count, strain + v);
        terms += (<usize>length) << 2;
        factors += (<usize>length) << 4;
        lengths += 4;
      }
      strain += <usize>count * COMPONENT;
    }
  }
}

/** Columns of the atoms of a chunk, row by row of the harmonics. */
function columnsOfChunk(
  s: Surroundings,
  x: usize,
  y: usize,
  z: usize,
  inverse: usize,
  radial: usize,
  origin: i32,
  count: i32,
  segments: usize,
  atoms: i32,
  columns: usize,
): void {
  const radialStride = (<usize>s.radialCount) << 4;
  let terms = s.gradientRows;
  let factors = s.gradientFactors;
  let central = s.central;
  for (let l = 0, q: usize = 0; l <= s.lmax; l++) {
    const width = load<i32>(s.counts + ((<usize>l) << 2));
    for (let m = 0; m < 2 * l + 1; m++, q++) {
      if (width > 0) {
        gradientPairs(s.rows + q * s.stride, s.rows, s.stride, terms, factors, x, y, z, inverse, count, s.pairs);
        addColumns(s.pairs, origin, segments, atoms, radial, radialStride, width, columns, central);
      }
      terms += GRADIENT_TERMS << 2;
      factors += GRADIENT_TERMS << 3;
      central += <usize>width * 24;
      columns += <usize>width * COMPONENT;
    }
  }
}

/**
 * Surroundings of one atom by neighbours of one element: A to `nodes`, and with `columns` ≠ 0 its derivatives to blocks of
 * columns.
 *
 * @param geometry  x, y, z and −1/r of the neighbours, four arrays `room` numbers long
 * @param radial    [neighbours, n, 2] (R_n, r R'_n)
 * @param segments  [atoms, 5] neighbouring atoms
 * @param frame     byte offsets within the columns: of the three of the central atom, of the first of strain, and of the
 *                  columns to be cleared beforehand with their number of bytes
 */
export function surround(
  tables: usize,
  geometry: usize,
  room: i32,
  radial: usize,
  segments: usize,
  atoms: i32,
  nodes: usize,
  columns: usize,
  frame: usize,
): void {
  const s = changetype<Surroundings>(tables);
  const row = (<usize>room) << 3;
  const radialStride = (<usize>s.radialCount) << 4;
  const top = columns === 0 ? s.lmax : s.lmax + 2;
  memory.fill(s.sums, 0, <usize>((top + 1) * (top + 1)) * radialStride);
  if (columns !== 0) {
    memory.fill(s.central, 0, <usize>s.components * 24);
    memory.fill(columns + <usize>load<u32>(frame, 16), 0, <usize>load<u32>(frame, 20));
  }
  for (let first = 0; first < atoms; ) {
    const chunk = segments + <usize>((first * SEGMENT) << 2);
    const origin = load<i32>(chunk);
    let neighbors = load<i32>(chunk, 4);
    let some = 1;
    while (first + some < atoms) {
      const more = load<i32>(chunk + <usize>((some * SEGMENT) << 2), 4);
      if (neighbors + more > CHUNK) break;
      neighbors += more;
      some++;
    }
    const x = geometry + ((<usize>origin) << 3);
    const g = radial + <usize>origin * radialStride;
    harmonicRows(x, x + row, x + 2 * row, neighbors, top, s.recursion, s.lmax + 2, s.rows, s.stride);
    sumChunk(s, top, columns === 0 ? s.counts : s.widths, g, neighbors);
    if (columns !== 0) {
      columnsOfChunk(s, x, x + row, x + 2 * row, x + 3 * row, g, origin, neighbors, chunk, some, columns);
    }
    first += some;
  }
  storeBase(s, nodes);
  if (columns !== 0) storeCentral(s, columns, frame);
}
