import type { WasmMemory, WasmModule } from './wasm-module.ts';

/** What assembly/index.ts exports for linear algebra; addresses are byte offsets into its memory. */
export interface LinearExports {
  readonly PANEL_ROWS: { readonly value: number };
  stripsLength(m: number, n: number): number;
  packRows(rows: number, m: number, n: number, strips: number, strip: number, first: number): void;
  unpackRows(strips: number, strip: number, first: number, rows: number, m: number, n: number): void;
  packTransposed(rows: number, m: number, n: number, strips: number, strip: number, first: number): void;
  unpackTransposed(strips: number, strip: number, first: number, rows: number, m: number, n: number): void;
  mirrorAbove(c: number, n: number): void;
  transposeInPlace(c: number, n: number, scratch: number): void;
  accumulateGram(rows: number, m: number, n: number, packed: number, c: number): void;
  gramAll(a: number, k: number, n: number, c: number): void;
  gramUpper(a: number, n: number, c: number): void;
  gramLower(a: number, n: number, c: number): void;
  product(a: number, b: number, k: number, m: number, n: number, c: number): void;
  factorCholesky(a: number, n: number): number;
  solveTransposed(r: number, n: number, y: number, columns: number, lower: boolean): void;
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

/** How a row-major array lies in strips. */
export interface StripForm {
  /** The strips hold the transposed matrix. */
  readonly transposed?: boolean;
  /** The array is an upper triangle; what it holds below is neither read nor written. */
  readonly upper?: boolean;
}

const roundedUp = (n: number): number => Math.ceil(n / 4) * 4;

/** An instance of the module, and the traffic between row-major arrays and matrices in the strips of its memory. */
export class StripMemory {
  readonly kernels: LinearExports & WasmMemory;
  readonly panelRows: number;

  constructor(module: WasmModule) {
    this.kernels = module.instantiate<LinearExports>();
    this.panelRows = this.kernels.PANEL_ROWS.value;
  }

  /** `length` numbers at an address; valid until the next `allocate`. */
  view(address: number, length: number): Float64Array {
    return new Float64Array(this.kernels.memory.buffer, address, length);
  }

  /** Address of the strips of a matrix [m, n], all zero. */
  matrix(m: number, n: number): number {
    const length = this.kernels.stripsLength(m, n);
    const address = this.kernels.allocate(8 * length);
    this.view(address, length).fill(0);
    return address;
  }

  /** Address of a panel of rows of n columns, through which arrays of m rows come and go. */
  panel(m: number, n: number): number {
    return this.kernels.allocate(8 * Math.min(m, this.panelRows) * n);
  }

  /** Copies [m, n], row-major, into strips. */
  write(address: number, panel: number, data: Float64Array, m: number, n: number, form: StripForm = {}): void {
    const strip = 32 * roundedUp(form.transposed === true ? n : m);
    const most = Math.min(m, this.panelRows);
    const buffer = this.view(panel, most * n);
    for (let first = 0; first < m; first += most) {
      const count = Math.min(most, m - first);
      buffer.set(data.subarray(first * n, (first + count) * n));
      if (form.upper === true) for (let i = 0; i < count; i++) buffer.fill(0, i * n, i * n + first + i);
      if (form.transposed === true) this.kernels.packTransposed(panel, count, n, address, strip, first);
      else this.kernels.packRows(panel, count, n, address, strip, first);
    }
  }

  /** Sets the diagonal of the padding of a square matrix to 1, so that it can be divided by. */
  padDiagonal(address: number, n: number): void {
    const width = roundedUp(n);
    const last = this.view(address + 8 * width * (width - 4), 4 * width);
    for (let i = n; i < width; i++) last[4 * i + (i % 4)] = 1;
  }

  /** Copies strips into a new array [m, n], row-major. */
  read(address: number, panel: number, m: number, n: number, form: StripForm = {}): Float64Array {
    const out = new Float64Array(m * n);
    const strip = 32 * roundedUp(form.transposed === true ? n : m);
    const most = Math.min(m, this.panelRows);
    const buffer = this.view(panel, most * n);
    for (let first = 0; first < m; first += most) {
      const count = Math.min(most, m - first);
      if (form.transposed === true) this.kernels.unpackTransposed(address, strip, first, panel, count, n);
      else this.kernels.unpackRows(address, strip, first, panel, count, n);
      if (form.upper === true) {
        for (let i = 0; i < count; i++) {
          const row = first + i;
          out.set(buffer.subarray(i * n + row, (i + 1) * n), row * n + row);
        }
      } else out.set(buffer.subarray(0, count * n), first * n);
    }
    return out;
  }

  /** Runs a call and gives up its buffers. */
  call<T>(work: () => T): T {
    try {
      return work();
    } finally {
      this.kernels.release();
    }
  }
}
