import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { whitenRows } from '../numerics/triangular.ts';
import { formVariances, stackForms, type VarianceForm } from './variance-forms.ts';

const D = 4;
const random = new RandomStream(3, 'variance forms');
const rows = Float64Array.from({ length: 3 * D }, () => random.normal());
/** An upper-triangular factor. */
const r = Float64Array.from({ length: D * D }, (_, k) => {
  const [i, j] = [Math.floor(k / D), k % D];
  return j < i ? 0 : i === j ? 2 + i : random.normal();
});

/** R⁻¹ by back substitution of unit vectors. */
function inverse(): Float64Array {
  const out = new Float64Array(D * D);
  for (let c = 0; c < D; c++) {
    for (let i = D - 1; i >= 0; i--) {
      let sum = i === c ? 1 : 0;
      for (let j = i + 1; j < D; j++) sum -= r[i * D + j]! * out[j * D + c]!;
      out[i * D + c] = sum / r[i * D + i]!;
    }
  }
  return out;
}

describe('formVariances', () => {
  it('is one quadratic form whether the root is explicit or the factor of the precision', () => {
    const byFactor = formVariances({ name: 'posterior', r }, D, rows, 3);
    const byRoot = formVariances({ name: 'jackknife', root: inverse(), rank: D }, D, rows, 3);
    expect(byRoot).toAgree(byFactor, { rtol: 1e-12, why: 'rounding of four products' });
  });

  it('takes roots of low rank', () => {
    const root = Float64Array.from([1, 0, 2, 0]);
    const variances = formVariances({ name: 'pops', root, rank: 1 }, D, rows, 3);
    const expected = [0, 1, 2].map((i) => (rows[i * D]! + 2 * rows[i * D + 2]!) ** 2);
    expect(variances).toAgree(expected, { rtol: 1e-12, why: 'rounding of two products' });
  });

  it('refuses a root of another size', () => {
    expect(() => formVariances({ name: 'pops', root: new Float64Array(3), rank: 1 }, D, rows, 3)).toThrow(
      /root of the pops covariance/,
    );
  });
});

describe('stackForms', () => {
  const forms: VarianceForm[] = [
    { name: 'posterior', r },
    { name: 'jackknife', root: inverse(), rank: D },
    { name: 'pops', root: Float64Array.from({ length: D * 2 }, () => random.normal()), rank: 2 },
  ];
  const whiten = (x: Float64Array, m: number) => whitenRows(r, D, x, m);

  it('gives in one product what each form gives alone', () => {
    const stacked = stackForms(forms, D, whiten);
    expect(stacked.names).toEqual(['posterior', 'jackknife', 'pops']);
    stacked.variances(rows, 3).forEach((variances, k) => {
      expect(variances).toAgree(formVariances(forms[k]!, D, rows, 3), { rtol: 1e-12, why: 'the same sums' });
    });
    expect(stackForms([forms[0]!], D, whiten).variances(rows, 3)).toHaveLength(1);
    expect(stacked.variances(new Float64Array(0), 0).map((variances) => variances.length)).toEqual([0, 0, 0]);
  });

  it('takes a root of rank 0 as no variance, and refuses one of another size', () => {
    const none = stackForms([{ name: 'jackknife', root: new Float64Array(0), rank: 0 }], D, whiten);
    expect(none.variances(rows, 3)[0]).toEqual(new Float64Array(3));
    expect(() => stackForms([{ name: 'pops', root: new Float64Array(3), rank: 1 }], D, whiten)).toThrow(
      /root of the pops covariance/,
    );
  });
});
