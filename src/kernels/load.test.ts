import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { InputError } from '../core/errors.ts';
import { type KernelSample, kernelConformance } from '../testing/kernels.ts';
import { KERNEL_VARIANTS, loadKernels } from './load.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { canRunWasm, wasmKernels } from './wasm-kernels.ts';

/** Made by scripts/build-kernels.ts, which runs before the tests. */
const bytes = readFileSync(new URL('./generated/kernels.wasm', import.meta.url));

const pair = { cutoff: 4.5, innerCutoff: 1.5, innerWidth: 0.3, core: { prefactor: 50, lambda: 0.8 } };
const sample: KernelSample = {
  basis: buildAceBasis({
    elements: ['C', 'Si'],
    radial: 'SBessel',
    nmax: [3, 2, 1],
    lmax: [0, 1, 1],
    pairs: [
      [pair, pair],
      [pair, pair],
    ],
  }),
  structures: [
    {
      positions: Float64Array.of(0, 0, 0, 1.9, 0.3, -0.2, 0.2, 2.1, 0.9),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(6, 14, 14),
    },
    {
      positions: Float64Array.of(0.1, 0, 0, 1.3, 1.4, 1.2),
      cell: Float64Array.of(0, 2.7, 2.7, 2.7, 0, 2.7, 2.7, 2.7, 0),
      pbc: [true, true, true],
      species: Uint8Array.of(14, 6),
    },
  ],
};

kernelConformance({ describe, it, expect }, 'typescript', typescriptKernels, sample);
kernelConformance({ describe, it, expect }, 'wasm-simd', () => wasmKernels(bytes), sample);

describe('loadKernels', () => {
  it('takes the fastest variant that runs', () => {
    expect(loadKernels(bytes).name).toBe(KERNEL_VARIANTS[0]);
    expect(loadKernels(null).name).toBe('typescript');
    expect(loadKernels(Uint8Array.of(0, 97, 115, 109, 9, 9)).name).toBe('typescript');
  });

  it('takes exactly the variant of a resumed run, or refuses', () => {
    expect(loadKernels(bytes, 'typescript').name).toBe('typescript');
    expect(loadKernels(bytes, 'wasm-simd').name).toBe('wasm-simd');
    expect(() => loadKernels(null, 'wasm-simd')).toThrow(
      'kernels must be "wasm-simd" as the run began, got no WebAssembly module',
    );
    expect(() => loadKernels(bytes, 'fortran')).toThrow(InputError);
  });

  it('sees a truncated module', () => {
    const truncated = bytes.subarray(0, bytes.length - 10);
    expect(canRunWasm(truncated)).toBe(false);
    expect(() => wasmKernels(truncated)).toThrow('must be valid for this engine');
  });
});
