import { transformRows } from './cell.ts';
import { grown, type PairSearch, type PairTable, pairSquare } from './pair-table.ts';

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

/**
 * Enumerates the images of every pair of atoms: O(n²) with next to no waste, since in a frame where the reduced basis is
 * triangular the range of each image number follows from the distance still left.
 */
export function searchImages(search: PairSearch): PairTable {
  const { structure, basis, transform, cutoff, reach, atoms } = search;
  const [periodicA, periodicB, periodicC] = structure.pbc;
  const n = structure.species.length;
  const frame = triangularFrame(basis);
  const turned = transformRows(structure.positions, frame);
  const lattice = transformRows(basis, frame);
  const [ax, ay, az] = [lattice[0]!, lattice[1]!, lattice[2]!];
  const [bx, by, cx] = [lattice[3]!, lattice[4]!, lattice[6]!];
  const [perA, perB, perC] = [1 / az, 1 / by, 1 / cx];
  const reach2 = reach * reach;
  const cutoff2 = cutoff * cutoff;
  const offsets = new Int32Array(n + 1);
  let indices = new Int32Array(64 * n);
  let images = new Int32Array(3 * indices.length);
  let count = 0;
  let candidates = 0;
  for (let i = 0; i < n; i++) {
    offsets[i] = count;
    if (i < atoms[0] || i >= atoms[1]) continue;
    const [tx, ty, tz] = [turned[3 * i]!, turned[3 * i + 1]!, turned[3 * i + 2]!];
    for (let j = 0; j < n; j++) {
      const dx = turned[3 * j]! - tx;
      const dy = turned[3 * j + 1]! - ty;
      const dz = turned[3 * j + 2]! - tz;
      const aLow = periodicA ? Math.ceil((-reach - dz) * perA) : 0;
      const aHigh = periodicA ? Math.floor((reach - dz) * perA) : 0;
      for (let ra = aLow; ra <= aHigh; ra++) {
        const z = dz + ra * az;
        const left2 = reach2 - z * z;
        if (left2 < 0) continue;
        const left = Math.sqrt(left2);
        const y0 = dy + ra * ay;
        const bLow = periodicB ? Math.ceil((-left - y0) * perB) : 0;
        const bHigh = periodicB ? Math.floor((left - y0) * perB) : 0;
        for (let rb = bLow; rb <= bHigh; rb++) {
          const y = y0 + rb * by;
          const rest2 = left2 - y * y;
          if (rest2 < 0) continue;
          const rest = Math.sqrt(rest2);
          const x0 = dx + ra * ax + rb * bx;
          const cLow = periodicC ? Math.ceil((-rest - x0) * perC) : 0;
          const cHigh = periodicC ? Math.floor((rest - x0) * perC) : 0;
          for (let rc = cLow; rc <= cHigh; rc++) {
            if (i === j && ra === 0 && rb === 0 && rc === 0) continue;
            candidates++;
            const a = ra * transform[0]! + rb * transform[3]! + rc * transform[6]!;
            const b = ra * transform[1]! + rb * transform[4]! + rc * transform[7]!;
            const c = ra * transform[2]! + rb * transform[5]! + rc * transform[8]!;
            if (!(pairSquare(search, i, j, a, b, c) < cutoff2)) continue;
            if (count === indices.length) {
              indices = grown(indices, count + 1);
              images = grown(images, 3 * indices.length);
            }
            indices[count] = j;
            images[3 * count] = a;
            images[3 * count + 1] = b;
            images[3 * count + 2] = c;
            count++;
          }
        }
      }
    }
  }
  offsets[n] = count;
  return { offsets, indices: indices.slice(0, count), images: images.slice(0, 3 * count), candidates };
}
