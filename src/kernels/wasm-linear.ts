import { InputError, NumericalError } from '../core/errors.ts';
import { notPositiveDefinite } from '../core/numerics/cholesky.ts';
import { requireLength } from '../core/numerics/dense.ts';
import type { LinearKernels, Whitener } from '../core/numerics/kernels.ts';
import type { Elimination } from '../core/numerics/qr.ts';
import { requireInvertible } from '../core/numerics/triangular.ts';
import { StripMemory } from './strip-memory.ts';
import type { WasmModule } from './wasm-module.ts';

const UPPER = { upper: true } as const;
const TRANSPOSED = { transposed: true } as const;

/** Strips of an upper-triangular factor that is about to be divided by. */
function writeFactor(memory: StripMemory, r: Float64Array, n: number, panel: number): number {
  const address = memory.matrix(n, n);
  memory.write(address, panel, r, n, n, UPPER);
  memory.padDiagonal(address, n);
  return address;
}

/** X R⁻¹ for m rows, solved as RᵀY = Xᵀ. @param r strips of R */
function whitened(memory: StripMemory, r: number, n: number, rows: Float64Array, m: number): Float64Array {
  const y = memory.matrix(n, m);
  const panel = memory.panel(m, n);
  memory.write(y, panel, rows, m, n, TRANSPOSED);
  memory.kernels.solveTransposed(r, n, y, m, false);
  return memory.read(y, panel, m, n, TRANSPOSED);
}

/** A factor kept in the memory of an instance of its own. */
function wasmWhitener(module: WasmModule, r: Float64Array, n: number): Whitener {
  requireInvertible(r, n);
  let memory: StripMemory | null = new StripMemory(module);
  const factor = writeFactor(memory, r, n, memory.panel(n, n));
  return {
    columns: n,
    whiten(rows, m) {
      requireLength('rows', rows, m * n);
      if (memory === null)
        throw new InputError('KERNEL_DISPOSED', 'whitener must be open to whiten, but was disposed of');
      if (m === 0) return new Float64Array(0);
      const mark = memory.kernels.allocate(0);
      try {
        return whitened(memory, factor, n, rows, m);
      } finally {
        memory.kernels.releaseTo(mark);
      }
    },
    dispose() {
      memory = null;
    },
  };
}

/**
 * Dense linear algebra in WebAssembly. Matrices come and go by panels of a few hundred rows, and streams of rows are
 * reduced as they come, so its memory holds the square matrices of a call and one panel, however many rows there are.
 */
export function wasmLinear(module: WasmModule): Omit<LinearKernels, 'name'> {
  const memory = new StripMemory(module);
  const { kernels } = memory;

  function gram(rows: Float64Array, m: number, n: number): Float64Array {
    requireLength('rows', rows, m * n);
    return memory.call(() => {
      const sum = memory.matrix(n, n);
      const most = Math.min(m, memory.panelRows);
      const packed = kernels.allocate(32 * most * Math.ceil(n / 4));
      const panel = memory.panel(Math.max(m, n), n);
      const buffer = memory.view(panel, most * n);
      for (let first = 0; first < m; first += most) {
        const count = Math.min(most, m - first);
        buffer.set(rows.subarray(first * n, (first + count) * n));
        kernels.accumulateGram(panel, count, n, packed, sum);
      }
      kernels.mirrorAbove(sum, n);
      return memory.read(sum, panel, n, n);
    });
  }

  function rowGram(rows: Float64Array, m: number, n: number): Float64Array {
    requireLength('rows', rows, m * n);
    return memory.call(() => {
      const x = memory.matrix(n, m);
      const c = memory.matrix(m, m);
      const panel = memory.panel(m, Math.max(m, n));
      memory.write(x, panel, rows, m, n, TRANSPOSED);
      kernels.gramAll(x, n, m, c);
      kernels.mirrorAbove(c, m);
      return memory.read(c, panel, m, m);
    });
  }

  function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
    requireLength('left factor', a, m * k);
    requireLength('right factor', b, k * n);
    return memory.call(() => {
      const left = memory.matrix(k, m);
      const right = memory.matrix(k, n);
      const c = memory.matrix(m, n);
      const panel = memory.panel(Math.max(m, k), Math.max(k, n));
      memory.write(left, panel, a, m, k, TRANSPOSED);
      memory.write(right, panel, b, k, n);
      kernels.product(left, right, k, m, n, c);
      return memory.read(c, panel, m, n);
    });
  }

  function cholesky(a: Float64Array, n: number): Float64Array {
    requireLength('matrix', a, n * n);
    return memory.call(() => {
      const c = memory.matrix(n, n);
      const panel = memory.panel(n, n);
      memory.write(c, panel, a, n, n, UPPER);
      memory.padDiagonal(c, n);
      const failed = kernels.factorCholesky(c, n);
      if (failed >= 0) throw notPositiveDefinite(failed, memory.read(c, panel, n, n)[failed * n + failed]!, n);
      return memory.read(c, panel, n, n, UPPER);
    });
  }

  function whitenRows(r: Float64Array, n: number, rows: Float64Array, m: number): Float64Array {
    requireInvertible(r, n);
    requireLength('rows', rows, m * n);
    if (m === 0) return new Float64Array(0);
    return memory.call(() => whitened(memory, writeFactor(memory, r, n, memory.panel(n, n)), n, rows, m));
  }

  /** Strips of (F R⁻¹)ᵀ, of R⁻ᵀ when F is null. */
  function whitenedTriangle(r: Float64Array, n: number, f: Float64Array | null, panel: number): number {
    const y = memory.matrix(n, n);
    const factor = writeFactor(memory, r, n, panel);
    if (f === null) {
      const strips = memory.view(y, kernels.stripsLength(n, n));
      const width = Math.ceil(n / 4) * 4;
      for (let i = 0; i < n; i++) strips[4 * width * Math.floor(i / 4) + 4 * i + (i % 4)] = 1;
    } else memory.write(y, panel, f, n, n, { transposed: true, upper: true });
    kernels.solveTransposed(factor, n, y, n, true);
    return y;
  }

  function whitenUpper(r: Float64Array, n: number, f: Float64Array): Float64Array {
    requireInvertible(r, n);
    requireLength('upper triangle', f, n * n);
    return memory.call(() => {
      const panel = memory.panel(n, n);
      const y = whitenedTriangle(r, n, f, panel);
      return memory.read(y, panel, n, n, { transposed: true, upper: true });
    });
  }

  function invertUpper(r: Float64Array, n: number): Float64Array {
    requireInvertible(r, n);
    return memory.call(() => {
      const panel = memory.panel(n, n);
      const y = whitenedTriangle(r, n, null, panel);
      return memory.read(y, panel, n, n, { transposed: true, upper: true });
    });
  }

  function covarianceOf(r: Float64Array, n: number): Float64Array {
    requireInvertible(r, n);
    return memory.call(() => {
      const panel = memory.panel(n, n);
      const y = whitenedTriangle(r, n, null, panel);
      const c = memory.matrix(n, n);
      kernels.gramLower(y, n, c);
      kernels.mirrorAbove(c, n);
      return memory.read(c, panel, n, n);
    });
  }

  function gramUpper(a: Float64Array, n: number): Float64Array {
    requireLength('factor', a, n * n);
    return memory.call(() => {
      const x = memory.matrix(n, n);
      const c = memory.matrix(n, n);
      const panel = memory.panel(n, n);
      memory.write(x, panel, a, n, n, UPPER);
      kernels.gramUpper(x, n, c);
      kernels.mirrorAbove(c, n);
      return memory.read(c, panel, n, n);
    });
  }

  function whitenedGram(r: Float64Array, n: number, f: Float64Array): Float64Array {
    requireInvertible(r, n);
    requireLength('upper triangle', f, n * n);
    return memory.call(() => {
      const panel = memory.panel(n, n);
      const y = whitenedTriangle(r, n, f, panel);
      const scratch = kernels.allocate(128);
      const c = memory.matrix(n, n);
      kernels.transposeInPlace(y, n, scratch);
      kernels.gramUpper(y, n, c);
      kernels.mirrorAbove(c, n);
      return memory.read(c, panel, n, n);
    });
  }

  const eliminate: Elimination = (r, z, n, columns, stride, targets, m, triangular = false) => {
    const width = Math.ceil(n / 4) * 4;
    const rows = Math.ceil(m / 8) * 8;
    // Not a multiple of a power of two, so that neighbouring columns fall into different cache sets.
    const column = rows + 2;
    return memory.call(() => {
      const addresses = [n * width, n, width * column, rows].map((length) => kernels.allocate(8 * length));
      const scratch = kernels.allocate(kernels.scratchBytes(rows));
      const [rAt, zAt, columnsAt, targetsAt] = addresses as [number, number, number, number];
      const rView = memory.view(rAt, n * width).fill(0);
      const zView = memory.view(zAt, n);
      const columnsView = memory.view(columnsAt, width * column).fill(0);
      const targetsView = memory.view(targetsAt, rows).fill(0);
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
    });
  };

  return {
    gram,
    rowGram,
    multiply,
    cholesky,
    whitenRows,
    whitenUpper,
    invertUpper,
    covarianceOf,
    gramUpper,
    whitenedGram,
    eliminate,
    whitener: (r, n) => wasmWhitener(module, r, n),
    dispose: () => {},
  };
}
