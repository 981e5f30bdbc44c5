import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fitPosterior } from '../core/regression/posterior.ts';
import { isotropicPrior } from '../core/regression/prior.ts';
import { maximizeEvidence } from '../core/regression/maximize-evidence.ts';
import { RandomStream } from '../core/random.ts';
import type { Kernels } from './kernels.ts';
import { typescriptKernels } from './typescript-kernels.ts';
import { wasmKernels } from './wasm-kernels.ts';
import { compileWasm } from './wasm-module.ts';

/** The builds by the name of their variant. */
const BUILDS = [
  ['wasm-simd', 'kernels.wasm'],
  ['wasm-fma', 'kernels-fma.wasm'],
] as const;

function random(m: number, n: number, seed = 0): Float64Array {
  const stream = new RandomStream(seed, 'wasm-kernels-test', m, n);
  return Float64Array.from({ length: m * n }, () => stream.normal());
}

/** Factors of the three kinds of a problem of d columns. */
function factors(kernels: Kernels, d: number) {
  const make = (m: number, seed: number) => {
    const factor = kernels.factor(d);
    const rows = random(m, d, seed);
    factor.append(
      rows,
      random(m, 1, seed + 100).map((e, i) => 0.1 * e + rows[i * d]! - rows[i * d + d - 1]!),
      m,
    );
    return factor.state();
  };
  return { energy: make(20, 1), forces: make(900, 2), virial: make(60, 3) };
}

describe.each(BUILDS)('wasmKernels: %s', (variant, file) => {
  const module = compileWasm(readFileSync(new URL(`./generated/${file}`, import.meta.url)));

  it('takes part in a whole fit with the numbers of the twin', () => {
    const d = 37;
    const [wasm, twin] = [wasmKernels(module, variant), typescriptKernels()];
    const prior = isotropicPrior(new Float64Array(d).fill(1));
    const fits = [wasm, twin].map((kernels) => {
      const made = factors(kernels, d);
      const optimum = maximizeEvidence(made, prior, {}, kernels);
      return { optimum, state: fitPosterior(made, prior, optimum.hyperparameters) };
    });
    expect(fits[0]!.optimum.logEvidence).toAgree(fits[1]!.optimum.logEvidence, {
      rtol: 1e-10,
      why: 'kernels agree to 1e-12',
    });
    expect(fits[0]!.state.mean).toAgree(fits[1]!.state.mean, {
      atol: 1e-8,
      why: 'hyperparameters follow the flat optimum',
    });
  });

  it.each([
    [1, 1],
    [3, 2],
    [4, 4],
    [5, 9],
    [31, 33],
    [257, 12],
    [700, 37],
    [0, 6],
  ])('has the numbers of the twin for %i rows of %i columns, in any order of appends', (m, d) => {
    const [wasm, twin] = [wasmKernels(module, variant), typescriptKernels()];
    const rows = random(m, d, 4);
    const targets = random(m, 1, 5);
    const CONFORMANCE = { rtol: 1e-11, atol: 1e-11, why: 'another order of summation' };
    expect(wasm.gram(rows, m, d)).toAgree(twin.gram(rows, m, d), CONFORMANCE);
    const states = [wasm, twin].map((kernels) => {
      const factor = kernels.factor(d);
      for (let first = 0; first < m; first += 100) {
        const count = Math.min(100, m - first);
        factor.append(rows.slice(first * d, (first + count) * d), targets.slice(first, first + count), count, 0.5);
      }
      factor.merge(factor.state());
      return factor.state();
    });
    expect(states[0]!.r).toAgree(states[1]!.r, CONFORMANCE);
    expect(states[0]!.z).toAgree(states[1]!.z, CONFORMANCE);
    expect(states[0]!.residual).toAgree(states[1]!.residual, CONFORMANCE);
    expect([states[0]!.count, states[0]!.logScale]).toEqual([2 * m, Math.ceil(m / 100)]);
  });

  it('does not keep memory from call to call', () => {
    const kernels = wasmKernels(module, variant);
    const rows = random(2000, 60);
    const first = kernels.gram(rows, 2000, 60);
    // Each call holds 3 MB; fifteen hundred of them kept would not fit in the 4 GiB of the module.
    const wide = random(1, 600);
    for (let k = 0; k < 1500; k++) kernels.gram(wide, 0, 600);
    expect(kernels.gram(rows, 2000, 60)).toEqual(first);
  });

  it('releases its memory when a call fails', () => {
    const kernels = wasmKernels(module, variant);
    for (let k = 0; k < 5; k++) {
      expect(() => kernels.gram(new Float64Array(3), 2, 2)).toThrow('rows must hold 4 numbers, got 3');
      expect(() =>
        kernels.factor(3).append(Float64Array.of(1, Number.POSITIVE_INFINITY, 0), Float64Array.of(1), 1),
      ).toThrow('must be finite');
    }
    const rows = random(9, 5);
    expect(kernels.gram(rows, 9, 5)).toAgree(typescriptKernels().gram(rows, 9, 5), {
      rtol: 1e-12,
      atol: 1e-14,
      why: 'conformance',
    });
  });

  it('instances do not share memory', () => {
    const [a, b] = [wasmKernels(module, variant), wasmKernels(module, variant)];
    const rows = random(30, 8);
    const expected = a.gram(rows, 30, 8);
    b.gram(random(300, 90), 300, 90);
    expect(a.gram(rows, 30, 8)).toEqual(expected);
  });
});
