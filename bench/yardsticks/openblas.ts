/** OpenBLAS on one thread, from the library that the numpy of the throw-away environment carries. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { paceEnvironment } from '../../test/support/python-ace.ts';

/** Routines on row-major arrays. */
export interface OpenBlas {
  /** Version and kernel in use. */
  readonly configuration: string;
  /** Upper triangle of XᵀX. @param rows [m, n]  @param out [n, n] */
  syrk(rows: Float64Array, m: number, n: number, out: Float64Array): void;
  /** Triangle of A in place, upper as columns, that is lower as rows. @param a [n, n] */
  potrf(a: Float64Array, n: number): void;
  /** QR of a column-major matrix in place. @param columns [n, m] */
  geqrf(columns: Float64Array, m: number, n: number): void;
}

const ROW_MAJOR = 101;
const COLUMN_MAJOR = 102;
const UPPER = 121;
const TRANSPOSED = 112;

function libraryOf(python: string): string {
  const folder = spawnSync(python, ['-c', 'import numpy; print(numpy.__path__[0])'], {
    encoding: 'utf8',
  }).stdout.trim();
  const libraries = join(dirname(folder), 'numpy.libs');
  const name = readdirSync(libraries).find((file) => file.startsWith('libscipy_openblas64_'));
  if (name === undefined) throw new Error(`${libraries} holds no libscipy_openblas64_`);
  return join(libraries, name);
}

/** Opens the library, or says why it is not to be had. */
export async function openOpenBlas(): Promise<OpenBlas | { readonly reason: string }> {
  process.env.OPENBLAS_NUM_THREADS = '1';
  delete process.env.OPENBLAS_CORETYPE;
  const environment = paceEnvironment();
  if ('reason' in environment) return environment;
  try {
    const { default: koffi } = await import('koffi');
    const library = koffi.load(libraryOf(environment.python));
    library.func('void scipy_openblas_set_num_threads64_(int count)')(1);
    const configuration = library.func('const char *scipy_openblas_get_config64_()')() as string;
    const syrk = library.func(
      'void scipy_cblas_dsyrk64_(int order, int triangle, int transpose, int64 n, int64 k, double alpha, double *a, int64 lda, double beta, double *c, int64 ldc)',
    );
    const potrf = library.func(
      'int64 scipy_LAPACKE_dpotrf_work64_(int order, char triangle, int64 n, double *a, int64 lda)',
    );
    const geqrf = library.func(
      'int64 scipy_LAPACKE_dgeqrf_work64_(int order, int64 m, int64 n, double *a, int64 lda, double *tau, double *work, int64 size)',
    );
    let work = new Float64Array(0);
    return {
      configuration: configuration.trim(),
      syrk: (rows, m, n, out) => void syrk(ROW_MAJOR, UPPER, TRANSPOSED, n, m, 1, rows, n, 0, out, n),
      potrf(a, n) {
        const info = Number(potrf(COLUMN_MAJOR, 'U'.charCodeAt(0), n, a, n));
        if (info !== 0) throw new Error(`dpotrf returned ${info}`);
      },
      geqrf(columns, m, n) {
        const size = 64 * n;
        if (work.length < size + n) work = new Float64Array(size + n);
        const info = Number(geqrf(COLUMN_MAJOR, m, n, columns, m, work.subarray(size), work, size));
        if (info !== 0) throw new Error(`dgeqrf returned ${info}`);
      },
    };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}
