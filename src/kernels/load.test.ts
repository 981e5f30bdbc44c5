import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { InputError } from '../core/errors.ts';
import { type KernelSample, kernelConformance } from '../testing/kernels.ts';
import { KERNEL_VARIANTS, loadKernels } from './load.ts';
import { canRunWasm, compileWasm } from './wasm-module.ts';

/** Made by scripts/build-kernels.ts, which runs before the tests. */
const build = (name: string) => readFileSync(new URL(`./generated/${name}`, import.meta.url));
const binaries = { simd: build('kernels.wasm'), fma: build('kernels-fma.wasm') };
const none = { simd: null, fma: null };
/** A magic number and a version that no engine knows. */
const unknown = Uint8Array.of(0, 97, 115, 109, 9, 9);

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

for (const variant of KERNEL_VARIANTS) {
  kernelConformance({ describe, it, expect }, variant, () => loadKernels(binaries, variant), sample);
}

describe('loadKernels', () => {
  it('takes the fastest variant that runs', () => {
    expect(loadKernels(binaries).name).toBe('wasm-fma');
    expect(loadKernels({ ...binaries, fma: null }).name).toBe('wasm-simd');
    expect(loadKernels({ ...binaries, fma: unknown }).name).toBe('wasm-simd');
    expect(loadKernels(none).name).toBe('typescript');
    expect(loadKernels({ simd: unknown, fma: unknown }).name).toBe('typescript');
  });

  it('takes exactly the variant of a resumed run, or refuses', () => {
    for (const variant of KERNEL_VARIANTS) expect(loadKernels(binaries, variant).name).toBe(variant);
    expect(() => loadKernels(none, 'wasm-simd')).toThrow(
      'kernels must be "wasm-simd" as the run began, got no WebAssembly module',
    );
    expect(() => loadKernels({ ...binaries, fma: unknown }, 'wasm-fma')).toThrow(
      'kernels must be "wasm-fma" as the run began, got a module that this engine cannot run',
    );
    expect(() => loadKernels(binaries, 'fortran')).toThrow(InputError);
  });

  it('sees a truncated module', () => {
    const truncated = binaries.simd.subarray(0, binaries.simd.length - 10);
    expect(canRunWasm(truncated)).toBe(false);
    expect(() => compileWasm(truncated)).toThrow('must be valid for this engine');
  });
});
