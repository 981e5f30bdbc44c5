/** Dense linear algebra of the fit against OpenBLAS on one thread. */
import { gram as plainGram } from '../../src/core/numerics/dense.ts';
import { normals } from '../cases.ts';
import { type Contender, contender, type RatioRequest } from '../contest.ts';
import { byVariant, type Workbench } from '../workbench.ts';

const SYRK_TARGET = { 'wasm-simd': 0.3, 'wasm-fma': 0.45 } as const;
/** Rows of the tall matrices: enough that panels are a small part of the work. */
const ROWS = 4096;
/** The twin is given fewer rows, so that a turn stays short; its units are fewer too. */
const ROWS_OF_TWIN = 512;

function ratiosOver(bench: Workbench, over: string, targets: Readonly<Record<string, number>> = {}): RatioRequest[] {
  const wasm = bench.kernels.filter(({ name }) => name !== 'typescript');
  return [
    ...bench.kernels.map(({ name }) => ({
      name,
      over,
      ...(targets[name] === undefined ? {} : { target: { atLeast: targets[name] } }),
    })),
    ...wasm.map(({ name }) => ({ name, over: 'typescript' })),
  ];
}

/** Gram matrices XᵀX, counted as m·n² multiply-adds (as if symmetry gave nothing). */
async function gram(bench: Workbench, n: number): Promise<void> {
  const blas = await bench.openBlas();
  const rows = normals(ROWS * n, 'gram');
  const units = (m: number): number => (m * n * n) / 2;
  const own = bench.kernels.map((kernels) => {
    const m = kernels.name === 'typescript' ? ROWS_OF_TWIN : ROWS;
    const part = rows.subarray(0, m * n);
    return contender(kernels.name, units(m), () => kernels.gram(part, m, n));
  });
  const out = new Float64Array(n * n);
  const native: Contender[] =
    blas === null ? [] : [contender('OpenBLAS', units(ROWS), () => blas.syrk(rows, ROWS, n, out))];
  const notes: string[] = [];
  if (blas !== null) {
    blas.syrk(rows, ROWS_OF_TWIN, n, out);
    const expected = plainGram(rows.subarray(0, ROWS_OF_TWIN * n), ROWS_OF_TWIN, n);
    let worst = 0;
    for (let i = 0; i < n; i++)
      for (let j = i; j < n; j++) worst = Math.max(worst, Math.abs(out[i * n + j]! - expected[i * n + j]!));
    notes.push(`${blas.configuration}; agrees to ${(worst / ROWS_OF_TWIN).toExponential(0)} of the diagonal`);
  }
  await bench.hold({
    subject: 'linear',
    title: `Gram matrix of ${ROWS} × ${n} (dsyrk)`,
    unit: 'multiply-add',
    contenders: [...native, ...own, ...bench.probes.map((probe) => probe.contender)],
    ratios: [
      ...ratiosOver(bench, 'OpenBLAS', SYRK_TARGET),
      ...bench.probes.map(({ variant, contender }) => ({
        name: variant,
        over: contender.name,
        label: `${variant} / peak`,
      })),
    ],
    notes,
  });
}

/** Cholesky factors, n³/6 multiply-adds. */
async function cholesky(bench: Workbench, n: number): Promise<void> {
  const blas = await bench.openBlas();
  const a = bench.kernels[0]!.gram(normals(2 * n * n, 'cholesky'), 2 * n, n);
  const units = (n * n * n) / 6;
  const own = byVariant(bench, units, (kernels) => () => kernels.cholesky(a, n));
  const copy = new Float64Array(n * n);
  const native = (): void => {
    copy.set(a);
    blas!.potrf(copy, n);
  };
  await bench.hold({
    subject: 'linear',
    title: `Cholesky factor of ${n} × ${n} (dpotrf)`,
    unit: 'multiply-add',
    contenders: [...(blas === null ? [] : [contender('OpenBLAS', units, native)]), ...own],
    ratios: ratiosOver(bench, 'OpenBLAS'),
  });
}

/** Triangular factors by Householder reflections, m·n² − n³/3 multiply-adds. */
async function orthogonal(bench: Workbench, n: number): Promise<void> {
  const blas = await bench.openBlas();
  const m = ROWS;
  const rows = normals(m * n, 'qr');
  const targets = normals(m, 'qr targets');
  const units = (rows: number): number => rows * n * n - (n * n * n) / 3;
  const own = bench.kernels.map((kernels) => {
    const few = kernels.name === 'typescript' ? ROWS_OF_TWIN : m;
    return contender(kernels.name, units(few), () => {
      const factor = kernels.factor(n);
      factor.append(rows.subarray(0, few * n), targets.subarray(0, few), few);
      return factor.state();
    });
  });
  const columns = new Float64Array(m * n);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) columns[j * m + i] = rows[i * n + j]!;
  const scratch = new Float64Array(m * n);
  const native = (): void => {
    scratch.set(columns);
    blas!.geqrf(scratch, m, n);
  };
  await bench.hold({
    subject: 'linear',
    title: `triangular factor of ${m} × ${n} (dgeqrf)`,
    unit: 'multiply-add',
    contenders: [...(blas === null ? [] : [contender('OpenBLAS', units(m), native)]), ...own],
    ratios: ratiosOver(bench, 'OpenBLAS'),
    notes: ['ours streams blocks of rows and keeps only the triangle; OpenBLAS factors the whole matrix in place'],
  });
}

/** Measures linear algebra. */
export async function linear(bench: Workbench): Promise<void> {
  for (const n of [391, 500, 1500]) await gram(bench, n);
  for (const n of [391, 989]) await cholesky(bench, n);
  await orthogonal(bench, 391);
}
