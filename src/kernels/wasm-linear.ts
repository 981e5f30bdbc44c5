import { NumericalError } from '../core/errors.ts';
import { requireLength } from '../core/numerics/dense.ts';
import type { LinearKernels } from '../core/numerics/kernels.ts';
import type { Elimination } from '../core/numerics/qr.ts';
import type { WasmModule } from './wasm-module.ts';

/** What assembly/index.ts exports for linear algebra; addresses are byte offsets into its memory. */
interface LinearExports {
  readonly PANEL_ROWS: { readonly value: number };
  packedLength(m: number, n: number): number;
  accumulateGram(rows: number, m: number, n: number, packed: number, gram: number): void;
  scratchBytes(rows: number): number;
  eliminate(
    r: number,
    z: number,
    n: number,
    columns: number,
    stride: number,
    targets: number,
    m: number,
    triangular: boolean,
    scratch: number,
  ): number;
}

/** Copies of the tiles on and above the diagonal to both triangles of an [n, n] matrix. */
function unpackSymmetric(tiles: Float64Array, width: number, n: number): Float64Array {
  const c = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = i; j < n; j++) {
      const value = tiles[i * width + j]!;
      c[i * n + j] = value;
      c[j * n + i] = value;
    }
  }
  return c;
}

/**
 * Dense linear algebra in WebAssembly. Rows are copied in by panels of a few hundred, so its memory holds one matrix of
 * the columns and one panel, however many rows there are.
 */
export function wasmLinear(module: WasmModule): Omit<LinearKernels, 'name'> & { readonly eliminate: Elimination } {
  const kernels = module.instantiate<LinearExports>();
  const panelRows = kernels.PANEL_ROWS.value;
  const view = (address: number, length: number) => new Float64Array(kernels.memory.buffer, address, length);

  function gram(rows: Float64Array, m: number, n: number): Float64Array {
    requireLength('rows', rows, m * n);
    const width = Math.ceil(n / 4) * 4;
    const panel = Math.min(m, panelRows);
    const sum = kernels.allocate(8 * width * width);
    const input = kernels.allocate(8 * panel * n);
    const packed = kernels.allocate(8 * kernels.packedLength(panel, n));
    try {
      const tiles = view(sum, width * width).fill(0);
      const inputView = view(input, panel * n);
      for (let first = 0; first < m; first += panelRows) {
        const count = Math.min(panelRows, m - first);
        inputView.set(rows.subarray(first * n, (first + count) * n));
        kernels.accumulateGram(input, count, n, packed, sum);
      }
      return unpackSymmetric(tiles, width, n);
    } finally {
      kernels.release();
    }
  }

  const eliminate: Elimination = (r, z, n, columns, stride, targets, m, triangular = false) => {
    const width = Math.ceil(n / 4) * 4;
    const rows = Math.ceil(m / 8) * 8;
    // Not a multiple of a power of two, so that neighbouring columns fall into different cache sets.
    const column = rows + 2;
    const addresses = [n * width, n, width * column, rows].map((length) => kernels.allocate(8 * length));
    const scratch = kernels.allocate(kernels.scratchBytes(rows));
    const [rAt, zAt, columnsAt, targetsAt] = addresses as [number, number, number, number];
    try {
      const rView = view(rAt, n * width).fill(0);
      const zView = view(zAt, n);
      const columnsView = view(columnsAt, width * column).fill(0);
      const targetsView = view(targetsAt, rows).fill(0);
      for (let i = 0; i < n; i++) rView.set(r.subarray(i * n + i, (i + 1) * n), i * width + i);
      zView.set(z.subarray(0, n));
      for (let c = 0; c < n; c++) columnsView.set(columns.subarray(c * stride, c * stride + m), c * column);
      targetsView.set(targets.subarray(0, m));
      const left = kernels.eliminate(rAt, zAt, n, columnsAt, column, targetsAt, m, triangular, scratch);
      if (!Number.isFinite(left)) {
        throw new NumericalError(
          'NOT_FINITE',
          `rows and targets to be factored must be finite, got a norm of ${left}`,
          { norm: left },
        );
      }
      for (let i = 0; i < n; i++) r.set(rView.subarray(i * width + i, i * width + n), i * n + i);
      z.set(zView);
      return left;
    } finally {
      kernels.release();
    }
  };

  return { gram, eliminate, dispose: () => {} };
}
