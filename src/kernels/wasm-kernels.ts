import { InputError, NumericalError } from '../core/errors.ts';
import { requireLength } from '../core/numerics/dense.ts';
import type { Elimination } from '../core/numerics/qr.ts';
import { createFactor } from '../core/regression/factor.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';

/** What assembly/index.ts exports; addresses are byte offsets into its memory. */
interface KernelExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly PANEL_ROWS: { readonly value: number };
  allocate(bytes: number): number;
  release(): void;
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

/** The part of the WebAssembly interface that is used here; every engine has it, the language's own types do not. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}

function webAssembly(): WebAssemblyInterface | null {
  return (globalThis as { WebAssembly?: WebAssemblyInterface }).WebAssembly ?? null;
}

/** Whether this engine can run the module: it exists, has SIMD, and the bytes are whole. */
export function canRunWasm(bytes: Uint8Array): boolean {
  return webAssembly()?.validate(bytes) ?? false;
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
 * Kernels in WebAssembly with 128-bit SIMD; what the module does not hold comes from the TypeScript twin. Rows are
 * copied in by panels of a few hundred, so its memory holds one matrix of the columns and one panel, however many rows
 * there are.
 *
 * @param bytes  the module that scripts/build-kernels.ts makes
 * @throws       InputError `KERNELS_UNSUPPORTED` when this engine cannot run it
 */
export function wasmKernels(bytes: Uint8Array): Kernels {
  const engine = webAssembly();
  if (engine === null || !canRunWasm(bytes)) {
    throw new InputError(
      'KERNELS_UNSUPPORTED',
      `WebAssembly module must be valid for this engine (SIMD included), got ${bytes.length} bytes that are not`,
      {
        bytes: bytes.length,
      },
    );
  }
  const kernels = new engine.Instance(new engine.Module(bytes), {}).exports as KernelExports;
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

  return { ...typescriptKernels(), name: 'wasm-simd', gram, factor: (columns) => createFactor(columns, eliminate) };
}
