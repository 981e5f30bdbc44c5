import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NumericalError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { HermitianEigensolver } from './eigen-hermitian.ts';
import { SymmetricEigensolver } from './eigen-symmetric.ts';
import { ascendingOrder, tridiagonalEigen } from './eigen-tridiagonal.ts';

const ROUNDING = 'backward stable: some n·eps of the norm, which is about 1 to 10 here';

/** All values and vectors of a real symmetric matrix. */
function symmetricEigen(matrix: Float64Array, n: number) {
  const solver = new SymmetricEigensolver(n);
  const values = solver.decompose(matrix).slice();
  const vectors = new Float64Array(n * n);
  solver.vectors(n, vectors);
  return { values, vectors };
}

/** All values and vectors of the Hermitian matrix re + i·im. */
function hermitianEigen(re: Float64Array, im: Float64Array, n: number) {
  const solver = new HermitianEigensolver(n);
  const values = solver.decompose(re, im).slice();
  const [real, imaginary] = [new Float64Array(n * n), new Float64Array(n * n)];
  solver.vectors(n, real, imaginary);
  return { values, real, imaginary };
}

/** A Hermitian matrix of independent entries in [−1, 1). */
function randomHermitian(n: number, seed: number): { re: Float64Array; im: Float64Array } {
  const random = new RandomStream(seed, 'hermitian', n);
  const re = new Float64Array(n * n);
  const im = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const x = 2 * random.uniform() - 1;
      const y = i === j ? 0 : 2 * random.uniform() - 1;
      re[i * n + j] = x;
      re[j * n + i] = x;
      im[i * n + j] = y;
      im[j * n + i] = -y;
    }
  }
  return { re, im };
}

/** max |A x − λ x| over components of all eigenvectors, and max |x_u† x_v − δ_uv|. */
function defects(
  re: Float64Array,
  im: Float64Array,
  n: number,
  values: Float64Array,
  x: Float64Array,
  y: Float64Array,
) {
  let residual = 0;
  let orthonormality = 0;
  for (let v = 0; v < n; v++) {
    for (let i = 0; i < n; i++) {
      let p = -values[v]! * x[v * n + i]!;
      let q = -values[v]! * y[v * n + i]!;
      for (let j = 0; j < n; j++) {
        const [a, b] = [re[i * n + j]!, im[i * n + j]!];
        p += a * x[v * n + j]! - b * y[v * n + j]!;
        q += a * y[v * n + j]! + b * x[v * n + j]!;
      }
      residual = Math.max(residual, Math.abs(p), Math.abs(q));
    }
    for (let u = 0; u <= v; u++) {
      let p = u === v ? -1 : 0;
      let q = 0;
      for (let j = 0; j < n; j++) {
        p += x[u * n + j]! * x[v * n + j]! + y[u * n + j]! * y[v * n + j]!;
        q += x[u * n + j]! * y[v * n + j]! - y[u * n + j]! * x[v * n + j]!;
      }
      orthonormality = Math.max(orthonormality, Math.abs(p), Math.abs(q));
    }
  }
  return { residual, orthonormality };
}

/** U diag(values) U† for the eigenvectors U of a random Hermitian matrix. */
function withSpectrum(values: readonly number[], seed: number): { re: Float64Array; im: Float64Array } {
  const n = values.length;
  const { re, im } = randomHermitian(n, seed);
  const { real: x, imaginary: y } = hermitianEigen(re, im, n);
  re.fill(0);
  im.fill(0);
  for (let v = 0; v < n; v++) {
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        re[i * n + j]! += values[v]! * (x[v * n + i]! * x[v * n + j]! + y[v * n + i]! * y[v * n + j]!);
        im[i * n + j]! += values[v]! * (y[v * n + i]! * x[v * n + j]! - x[v * n + i]! * y[v * n + j]!);
      }
    }
  }
  return { re, im };
}

describe('Hermitian eigensolver', () => {
  it.each([1, 2, 3, 5, 17, 64, 130])('solves A x = λ x with orthonormal vectors, n = %i', (n) => {
    const { re, im } = randomHermitian(n, 1);
    const { values, real, imaginary } = hermitianEigen(re, im, n);
    const { residual, orthonormality } = defects(re, im, n, values, real, imaginary);
    expect(residual).toAgree(0, { atol: 1e-12, why: ROUNDING });
    expect(orthonormality).toAgree(0, { atol: 1e-12, why: ROUNDING });
    expect(values.every((value, v) => v === 0 || values[v - 1]! <= value)).toBe(true);
  });

  it('finds prescribed spectra, degenerate, clustered and spread over twelve decades alike', () => {
    const spectra = [
      [0, 0, 0, 0, 0],
      [1, 1, 1, 2, 2, 2, 2, 5],
      [-3, -3, 1 - 1e-13, 1, 1 + 1e-13, 1 + 2e-13, 7, 7, 7],
      Array.from({ length: 40 }, (_, v) => Math.floor(v / 4)),
      [1e-12, 1e-9, 1e-6, 1e-3, 1],
    ];
    spectra.forEach((spectrum, seed) => {
      const n = spectrum.length;
      const { re, im } = withSpectrum(spectrum, seed + 10);
      const { values, real, imaginary } = hermitianEigen(re, im, n);
      expect(values).toAgree(spectrum, { atol: 1e-12, why: ROUNDING });
      const { residual, orthonormality } = defects(re, im, n, values, real, imaginary);
      expect(residual).toAgree(0, { atol: 1e-12, why: ROUNDING });
      expect(orthonormality).toAgree(0, { atol: 1e-12, why: 'degenerate vectors are orthonormal too' });
    });
  });

  it('keeps trace and sum of squares for any matrix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), fc.nat(10_000), (n, seed) => {
        const { re, im } = randomHermitian(n, seed);
        const { values } = hermitianEigen(re, im, n);
        let trace = 0;
        for (let i = 0; i < n; i++) trace += re[i * n + i]!;
        const squares = re.reduce((s, a) => s + a * a, 0) + im.reduce((s, a) => s + a * a, 0);
        const sum = values.reduce((s, a) => s + a, 0);
        expect(sum).toAgree(trace, { atol: 1e-12, why: ROUNDING });
        expect(values.reduce((s, a) => s + a * a, 0)).toAgree(squares, { rtol: 1e-12, why: ROUNDING });
      }),
      { numRuns: 60 },
    );
  });

  it('agrees with the real solver on a real matrix and with the eigenvalues of the real 2n embedding', () => {
    const n = 12;
    const { re, im } = randomHermitian(n, 4);
    const zero = new Float64Array(n * n);
    const asReal = symmetricEigen(re, n).values;
    expect(hermitianEigen(re, zero, n).values).toAgree(asReal, { atol: 1e-13, why: ROUNDING });
    const twice = new Float64Array(4 * n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        twice[i * 2 * n + j] = re[i * n + j]!;
        twice[(i + n) * 2 * n + j + n] = re[i * n + j]!;
        twice[(i + n) * 2 * n + j] = im[i * n + j]!;
        twice[i * 2 * n + j + n] = -im[i * n + j]!;
      }
    }
    const doubled = symmetricEigen(twice, 2 * n).values.filter((_, v) => v % 2 === 0);
    expect(hermitianEigen(re, im, n).values).toAgree(doubled, { atol: 1e-13, why: ROUNDING });
  });

  it('gives the lowest vectors alone, reads the lower triangle only and is reusable', () => {
    const n = 20;
    const first = randomHermitian(n, 5);
    const solver = new HermitianEigensolver(n);
    const other = randomHermitian(n, 6);
    solver.decompose(other.re, other.im);
    for (let i = 0; i < n; i++) {
      for (let j = i + 1; j < n; j++) {
        first.re[i * n + j] = Number.NaN;
        first.im[i * n + j] = Number.NaN;
      }
    }
    solver.decompose(first.re, first.im);
    const x = new Float64Array(3 * n);
    const y = new Float64Array(3 * n);
    solver.vectors(3, x, y);
    const all = hermitianEigen(first.re, first.im, n);
    expect(Array.from(solver.values)).toEqual(Array.from(all.values));
    expect(Array.from(x)).toEqual(Array.from(all.real.subarray(0, 3 * n)));
    expect(Array.from(y)).toEqual(Array.from(all.imaginary.subarray(0, 3 * n)));
  });
});

describe('symmetric eigensolver', () => {
  it.each([1, 2, 4, 33, 128])('solves A x = λ x with orthonormal vectors, n = %i', (n) => {
    const { re } = randomHermitian(n, 2);
    const { values, vectors } = symmetricEigen(re, n);
    const zero = new Float64Array(n * n);
    const { residual, orthonormality } = defects(re, zero, n, values, vectors, zero);
    expect(residual).toAgree(0, { atol: 1e-12, why: ROUNDING });
    expect(orthonormality).toAgree(0, { atol: 1e-12, why: ROUNDING });
  });

  it('knows the chain of n equal couplings: 2 cos(πk/(n+1))', () => {
    const n = 50;
    const chain = new Float64Array(n * n);
    for (let i = 1; i < n; i++) {
      chain[i * n + i - 1] = 1;
      chain[(i - 1) * n + i] = 1;
    }
    const exact = Float64Array.from({ length: n }, (_, k) => -2 * Math.cos((Math.PI * (k + 1)) / (n + 1)));
    expect(symmetricEigen(chain, n).values).toAgree(exact, { atol: 1e-13, why: ROUNDING });
  });

  it('leaves diagonal matrices exact, zero included, and scales with the matrix', () => {
    const diagonal = Float64Array.of(3, 0, 0, 0, -1, 0, 0, 0, 2);
    expect(Array.from(symmetricEigen(diagonal, 3).values)).toEqual([-1, 2, 3]);
    expect(Array.from(symmetricEigen(new Float64Array(16), 4).values)).toEqual([0, 0, 0, 0]);
    const { re } = randomHermitian(9, 3);
    const values = symmetricEigen(re, 9).values;
    for (const scale of [1e-100, 1e100]) {
      const scaled = symmetricEigen(
        re.map((a) => a * scale),
        9,
      ).values;
      expect(scaled.map((a) => a / scale)).toAgree(values, { atol: 1e-13, why: 'no over- or underflow' });
    }
  });
});

describe('tridiagonal QL', () => {
  it('splits where a coupling vanishes and survives zero diagonals', () => {
    const d = Float64Array.of(0, 0, 5, 0, 0);
    const e = Float64Array.of(1, 0, 0, 2, 0);
    const z = new Float64Array(25);
    for (let i = 0; i < 5; i++) z[6 * i] = 1;
    tridiagonalEigen(d, e, z, new Float64Array(5), new Float64Array(5));
    const order = new Int32Array(5);
    ascendingOrder(d, order);
    expect(Array.from(order, (v) => d[v]!)).toAgree([-2, -1, 1, 2, 5], { atol: 1e-15, why: 'two by two blocks' });
  });

  it('orders ties by index', () => {
    const order = new Int32Array(4);
    ascendingOrder(Float64Array.of(2, 1, 2, 1), order);
    expect(Array.from(order)).toEqual([1, 3, 0, 2]);
  });
});

describe('refusals', () => {
  it('names sizes that do not fit', () => {
    expect(() => symmetricEigen(new Float64Array(3), 2)).toThrow('matrix must hold 4 numbers, got 3');
    expect(() => hermitianEigen(new Float64Array(4), new Float64Array(3), 2)).toThrow(
      'imaginary part must hold 4 numbers, got 3',
    );
    expect(() => new SymmetricEigensolver(0)).toThrow('matrix size must be a positive integer, got 0');
    expect(() => new HermitianEigensolver(1.5)).toThrow('matrix size must be a positive integer, got 1.5');
  });

  it('throws a NumericalError for entries that are not numbers', () => {
    const matrix = Float64Array.of(1, 0, 0, 0.5, 2, 0, 0.1, Number.NaN, 3);
    expect(() => symmetricEigen(matrix, 3)).toThrow(NumericalError);
    expect(() => hermitianEigen(matrix, new Float64Array(9), 3)).toThrow(NumericalError);
    for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => symmetricEigen(Float64Array.of(bad), 1)).toThrow('eigenvalue 0 of 1 must be finite');
      expect(() => symmetricEigen(Float64Array.of(bad, 0, 0, 1), 2)).toThrow(NumericalError);
      expect(() => symmetricEigen(Float64Array.of(1, 0, 0, bad), 2)).toThrow(NumericalError);
      expect(() => hermitianEigen(Float64Array.of(1, 0, 0, bad), new Float64Array(4), 2)).toThrow(NumericalError);
    }
  });
});
