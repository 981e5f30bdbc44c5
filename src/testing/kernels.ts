import type { AceBasis } from '../core/descriptors/ace/basis.ts';
import { RandomStream } from '../core/random.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { Kernels } from '../kernels/kernels.ts';
import { typescriptKernels } from '../kernels/typescript-kernels.ts';
import { difference } from './difference.ts';
import { linearConformance } from './linear-kernels.ts';
import type { TestRunner } from './runner.ts';

/** A basis and structures of its species, for the part of the suite that runs descriptors. */
export interface KernelSample {
  readonly basis: AceBasis;
  readonly structures: readonly Structure[];
}

/** Largest difference from the twin, relative to the largest number of the twin's result. */
const AGREEMENT = 1e-12;

/** Shapes with odd sizes, single rows and columns, whole and partial panels and cache blocks. */
const SHAPES: readonly (readonly [number, number])[] = [
  [1, 1],
  [1, 7],
  [7, 1],
  [3, 5],
  [64, 4],
  [256, 12],
  [257, 13],
  [513, 31],
  [100, 98],
  [300, 103],
  [37, 197],
];

/**
 * What every variant of the kernels must do: agree with the plain TypeScript twin to 1e-12 of the largest number, own
 * nothing of its results, survive the growth of its memory, and give the same bits twice.
 *
 * @param runner   `describe`, `it` and `expect` of the test runner
 * @param name     name of the variant, as it calls itself
 * @param make     a fresh instance
 * @param sample   lets the suite run descriptors, too
 */
export function kernelConformance(runner: TestRunner, name: string, make: () => Kernels, sample?: KernelSample): void {
  const { describe, it, expect } = runner;
  const random = (m: number, n: number, seed = 1): Float64Array => {
    const stream = new RandomStream(seed, 'kernel-conformance', m, n);
    return Float64Array.from({ length: m * n }, () => stream.normal());
  };
  const twin = typescriptKernels();

  describe(`kernels: ${name}`, () => {
    it('carries its name', () => {
      const kernels = make();
      expect(kernels.name).toBe(name);
      kernels.dispose();
    });

    it('gram agrees with plain sums for every shape', () => {
      const kernels = make();
      for (const [m, n] of SHAPES) {
        const rows = random(m, n);
        const plain = new Float64Array(n * n);
        for (let k = 0; k < m; k++)
          for (let i = 0; i < n; i++)
            for (let j = 0; j < n; j++) plain[i * n + j] = plain[i * n + j]! + rows[k * n + i]! * rows[k * n + j]!;
        expect(difference(kernels.gram(rows, m, n), plain), `gram of ${m} × ${n}`).toBeLessThanOrEqual(AGREEMENT);
      }
      kernels.dispose();
    });

    it('gram is symmetric to the last bit, ignores what follows the rows, and is zero without rows', () => {
      const kernels = make();
      const [m, n] = [50, 11];
      const rows = random(m + 1, n);
      const c = kernels.gram(rows, m, n);
      expect(difference(c, twin.gram(rows.slice(0, m * n), m, n))).toBeLessThanOrEqual(AGREEMENT);
      for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) expect(c[i * n + j]).toBe(c[j * n + i]);
      expect(kernels.gram(rows, 0, n).every((value) => value === 0)).toBe(true);
      kernels.dispose();
    });

    it('keeps its results and its answers when its memory grows', () => {
      const kernels = make();
      const small = random(40, 9);
      const first = kernels.gram(small, 40, 9);
      const kept = first.slice();
      const large = random(300, 420, 2);
      expect(difference(kernels.gram(large, 300, 420), twin.gram(large, 300, 420))).toBeLessThanOrEqual(AGREEMENT);
      expect(difference(first, kept)).toBe(0);
      expect(difference(kernels.gram(small, 40, 9), kept)).toBe(0);
      kernels.dispose();
    });

    it('leaves its input alone and spreads a NaN instead of hiding it', () => {
      const kernels = make();
      const rows = random(20, 6);
      const before = rows.slice();
      kernels.gram(rows, 20, 6);
      expect(difference(rows, before)).toBe(0);
      rows[17] = Number.NaN;
      expect(Number.isNaN(kernels.gram(rows, 20, 6)[5 * 6 + 5]!)).toBe(true);
      kernels.dispose();
    });

    it('factor agrees with the twin, merged and in one piece', () => {
      const kernels = make();
      const [m, n] = [700, 45];
      const rows = random(m, n);
      const targets = random(m, 1, 3);
      const factor = kernels.factor(n);
      const plain = twin.factor(n);
      for (const one of [factor, plain]) {
        one.append(rows, targets, 300, 2);
        one.append(rows.slice(300 * n), targets.slice(300), m - 300, 3);
      }
      const [a, b] = [factor.state(), plain.state()];
      expect(difference(a.r, b.r)).toBeLessThanOrEqual(AGREEMENT);
      expect(difference(a.z, b.z)).toBeLessThanOrEqual(AGREEMENT);
      expect(Math.abs(a.residual - b.residual) / b.residual).toBeLessThanOrEqual(AGREEMENT);
      expect(a.count).toBe(m);
      expect(a.logScale).toBe(5);
      factor.merge(b);
      plain.merge(b);
      expect(difference(factor.state().r, plain.state().r)).toBeLessThanOrEqual(AGREEMENT);
      kernels.dispose();
    });

    it('factor agrees for every number of columns, with columns of zeros, and refuses what is not finite', () => {
      const kernels = make();
      for (const n of [1, 3, 8, 32, 33, 66]) {
        const m = 2 * n + 3;
        const rows = random(m, n);
        for (let i = 0; i < m; i++) rows[i * n + (n >> 1)] = n > 1 ? 0 : rows[i]!;
        const targets = random(m, 1, 4);
        const [factor, plain] = [kernels.factor(n), twin.factor(n)];
        for (const one of [factor, plain]) one.append(rows, targets, m);
        const [a, b] = [factor.state(), plain.state()];
        expect(difference(a.r, b.r), `factor of ${n} columns`).toBeLessThanOrEqual(AGREEMENT);
        expect(difference(a.z, b.z), `factor of ${n} columns`).toBeLessThanOrEqual(AGREEMENT);
        let refused = false;
        try {
          factor.append(new Float64Array(n).fill(Number.NaN), new Float64Array(1), 1);
        } catch {
          refused = true;
        }
        expect(refused).toBe(true);
        expect(difference(factor.state().r, a.r)).toBe(0);
      }
      kernels.dispose();
    });

    linearConformance(runner, make);
    if (sample !== undefined) descriptorConformance(runner, make, sample);
  });
}

function descriptorConformance(
  { it, expect }: TestRunner,
  make: () => Kernels,
  { basis, structures }: KernelSample,
): void {
  const twin = typescriptKernels();

  it('evaluates a potential like the twin', () => {
    const kernels = make();
    const program = kernels.prepare(basis);
    const plain = twin.prepare(basis);
    expect(program.size).toBe(plain.size);
    const stream = new RandomStream(5, 'kernel-conformance');
    const weights = Float64Array.from({ length: plain.size }, () => stream.normal());
    const expected = plain.evaluate(structures, weights);
    program.evaluate(structures, weights).forEach((evaluation, s) => {
      expect(difference([evaluation.energy], [expected[s]!.energy])).toBeLessThanOrEqual(AGREEMENT);
      for (const part of ['atomEnergies', 'forces', 'virial'] as const) {
        expect(difference(evaluation[part], expected[s]![part]), part).toBeLessThanOrEqual(AGREEMENT);
      }
    });
    program.dispose();
    plain.dispose();
    kernels.dispose();
  });

  it('makes the design rows of the twin, the same bits twice', () => {
    const kernels = make();
    const program = kernels.prepare(basis);
    const plain = twin.prepare(basis);
    const collect = (from: typeof program) => {
      const all: Float64Array[] = [];
      from.rows(structures, (_, { energy, forces, virial, atoms }) => all.push(energy, forces, virial, atoms));
      return all;
    };
    const expected = collect(plain);
    const again = collect(program);
    collect(program).forEach((rows, k) => {
      expect(difference(rows, expected[k]!)).toBeLessThanOrEqual(AGREEMENT);
      expect(difference(rows, again[k]!)).toBe(0);
    });
    program.descriptors(structures).forEach((atoms, s) => {
      expect(difference(atoms, plain.descriptors(structures)[s]!)).toBeLessThanOrEqual(AGREEMENT);
    });
    program.dispose();
    plain.dispose();
    kernels.dispose();
  });
}
