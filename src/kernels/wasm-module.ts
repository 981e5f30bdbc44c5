import { InputError } from '../core/errors.ts';

/** The part of the WebAssembly interface that is used here; every engine has it, the language's own types do not. */
interface WebAssemblyInterface {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
  validate(bytes: Uint8Array): boolean;
}

function webAssembly(): WebAssemblyInterface | null {
  return (globalThis as { WebAssembly?: WebAssemblyInterface }).WebAssembly ?? null;
}

/** The builds of the module: plain 128-bit SIMD, and the same with the fused multiply-add of relaxed SIMD. */
export interface KernelBinaries {
  readonly simd: Uint8Array | null;
  readonly fma: Uint8Array | null;
}

/** Whether this engine can run a build: it has the instructions, and the bytes are whole. */
export function canRunWasm(bytes: Uint8Array): boolean {
  return webAssembly()?.validate(bytes) ?? false;
}

/** What every instance exports beside its kernels; addresses are byte offsets into its memory. */
export interface WasmMemory {
  readonly memory: { readonly buffer: ArrayBuffer };
  /** Address of a fresh buffer, 16-byte aligned. Growing the memory detaches views made before. */
  allocate(bytes: number): number;
  /** Gives up every buffer. */
  release(): void;
  /** Gives up the buffers from an address of `allocate` on. */
  releaseTo(address: number): void;
}

/** A compiled build, from which instances with memories of their own are made. */
export interface WasmModule {
  /** A new instance; `Exports` is what the caller uses of assembly/index.ts. */
  instantiate<Exports extends object>(): Exports & WasmMemory;
}

/** Compiles a build. @throws InputError `KERNELS_UNSUPPORTED` when this engine cannot run it */
export function compileWasm(bytes: Uint8Array): WasmModule {
  const engine = webAssembly();
  if (engine === null || !canRunWasm(bytes)) {
    throw new InputError(
      'KERNELS_UNSUPPORTED',
      `WebAssembly module must be valid for this engine (SIMD included), got ${bytes.length} bytes that are not`,
      { bytes: bytes.length },
    );
  }
  const module = new engine.Module(bytes);
  return {
    instantiate: <Exports extends object>() => new engine.Instance(module, {}).exports as Exports & WasmMemory,
  };
}
