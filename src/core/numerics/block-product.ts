/**
 * A rectangular part of a dense matrix: element (i, j) is data[offset + i·rowStride + j·columnStride].
 * Swapped strides are the transpose, so one product serves every orientation.
 */
export interface Block {
  readonly data: Float64Array;
  readonly offset: number;
  readonly rowStride: number;
  readonly columnStride: number;
}

/** The block of a row-major matrix with `width` columns that begins at (row, column). */
export function blockOf(data: Float64Array, width: number, row = 0, column = 0): Block {
  return { data, offset: row * width + column, rowStride: width, columnStride: 1 };
}

/** The transpose of a block; nothing is moved. */
export function transposedBlock(block: Block): Block {
  return { data: block.data, offset: block.offset, rowStride: block.columnStride, columnStride: block.rowStride };
}

/** Side of a register tile. */
const TILE = 4;
/** Length of the inner dimension that is packed at once: two strips of 4 × 256 numbers stay in the first-level cache. */
const DEPTH = 256;

/**
 * Packs `count` rows of a block (columns k0 … k0+kc−1) into strips of four rows, [strip][k][4]; missing rows are zero.
 */
function packRows(block: Block, first: number, count: number, k0: number, kc: number, packed: Float64Array): void {
  const { data, rowStride, columnStride } = block;
  for (let strip = 0; strip < count; strip += TILE) {
    const base = strip * kc;
    const rows = Math.min(TILE, count - strip);
    const origin = block.offset + (first + strip) * rowStride + k0 * columnStride;
    if (rows === TILE) {
      let from = origin;
      for (let k = 0, to = base; k < kc; k++, to += TILE, from += columnStride) {
        packed[to] = data[from]!;
        packed[to + 1] = data[from + rowStride]!;
        packed[to + 2] = data[from + 2 * rowStride]!;
        packed[to + 3] = data[from + 3 * rowStride]!;
      }
    } else {
      packed.fill(0, base, base + TILE * kc);
      for (let r = 0; r < rows; r++) {
        for (let k = 0; k < kc; k++) packed[base + TILE * k + r] = data[origin + r * rowStride + k * columnStride]!;
      }
    }
  }
}

/** tile[4i+j] = Σ_k a[4k+i]·b[4k+j]: sixteen sums held in registers. */
function multiplyStrips(
  a: Float64Array,
  a0: number,
  b: Float64Array,
  b0: number,
  kc: number,
  tile: Float64Array,
): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  let c20 = 0;
  let c21 = 0;
  let c22 = 0;
  let c23 = 0;
  let c30 = 0;
  let c31 = 0;
  let c32 = 0;
  let c33 = 0;
  for (let k = 0, i = a0, j = b0; k < kc; k++, i += TILE, j += TILE) {
    const v0 = b[j]!;
    const v1 = b[j + 1]!;
    const v2 = b[j + 2]!;
    const v3 = b[j + 3]!;
    let u = a[i]!;
    c00 += u * v0;
    c01 += u * v1;
    c02 += u * v2;
    c03 += u * v3;
    u = a[i + 1]!;
    c10 += u * v0;
    c11 += u * v1;
    c12 += u * v2;
    c13 += u * v3;
    u = a[i + 2]!;
    c20 += u * v0;
    c21 += u * v1;
    c22 += u * v2;
    c23 += u * v3;
    u = a[i + 3]!;
    c30 += u * v0;
    c31 += u * v1;
    c32 += u * v2;
    c33 += u * v3;
  }
  tile[0] = c00;
  tile[1] = c01;
  tile[2] = c02;
  tile[3] = c03;
  tile[4] = c10;
  tile[5] = c11;
  tile[6] = c12;
  tile[7] = c13;
  tile[8] = c20;
  tile[9] = c21;
  tile[10] = c22;
  tile[11] = c23;
  tile[12] = c30;
  tile[13] = c31;
  tile[14] = c32;
  tile[15] = c33;
}

/**
 * C += scale · A·B, cache-blocked with packed strips and 4 × 4 register tiles.
 *
 * @param a      [m, k]
 * @param b      [k, n]
 * @param c      [m, n], must not overlap a or b
 * @param upper  only tiles that touch the upper triangle of C (j ≥ i) are computed; what they hold below it is partial
 * @cost         2mnk flops, O(k·n) scratch memory
 */
export function addProduct(
  scale: number,
  a: Block,
  b: Block,
  c: Block,
  m: number,
  n: number,
  k: number,
  upper = false,
): void {
  if (m <= 0 || n <= 0 || k <= 0) return;
  const depth = Math.min(DEPTH, k);
  const columns = transposedBlock(b);
  const packedB = new Float64Array(Math.ceil(n / TILE) * TILE * depth);
  const packedA = new Float64Array(TILE * depth);
  const tile = new Float64Array(TILE * TILE);
  const { data, rowStride, columnStride } = c;
  for (let k0 = 0; k0 < k; k0 += depth) {
    const kc = Math.min(depth, k - k0);
    packRows(columns, 0, n, k0, kc, packedB);
    for (let i = 0; i < m; i += TILE) {
      packRows(a, i, Math.min(TILE, m - i), k0, kc, packedA);
      const rows = Math.min(TILE, m - i);
      for (let j = upper ? i - (i % TILE) : 0; j < n; j += TILE) {
        multiplyStrips(packedA, 0, packedB, j * kc, kc, tile);
        const width = Math.min(TILE, n - j);
        const corner = c.offset + i * rowStride + j * columnStride;
        for (let r = 0; r < rows; r++) {
          let to = corner + r * rowStride;
          for (let q = 0; q < width; q++, to += columnStride) data[to] = data[to]! + scale * tile[TILE * r + q]!;
        }
      }
    }
  }
}
