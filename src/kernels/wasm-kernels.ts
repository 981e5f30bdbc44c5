import { InputError } from '../core/errors.ts';
import { requireLength } from '../core/numerics/dense.ts';
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
 * copied in by panels of a few hundred, so its memory holds one Gram matrix and one panel, however many rows there are.
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

  return { ...typescriptKernels(), name: 'wasm-simd', gram };
}
