import { describe, expect, it } from 'vitest';
import { multiply } from '../numerics/dense.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { RandomStream } from '../random.ts';
import { leadingGrade, leadingGrades } from './leading-grade.ts';
import { extrapolationGrades } from './maxvol.ts';

const D = 30;
const normals = (length: number, seed: number): Float64Array => {
  const stream = new RandomStream(seed, 'leading grade');
  return Float64Array.from({ length }, () => stream.normal());
};

/** A matrix whose singular values fall as 10^(−k/4). */
function fallingInverse(): Float64Array {
  const left = normals(D * D, 1);
  const right = normals(D * D, 2);
  const scaled = right.map((x, at) => x * 10 ** (-Math.floor(at / D) / 4));
  return multiply(left, scaled, D, D, D);
}

const inverse = fallingInverse();
const rows = normals(40 * D, 3);

describe('leadingGrades', () => {
  it('are the grades themselves along all directions', () => {
    const all = leadingGrades(leadingGrade(inverse, D, D, plainKernels), rows, 40, plainKernels);
    const why = 'directions whose singular values are smallest are lost to rounding, and carry next to nothing';
    expect(all).toAgree(extrapolationGrades(inverse, D, rows, 40), { rtol: 1e-3, why });
  });

  it('come closer with every direction, and need few where the inverse is large in few', () => {
    const exact = extrapolationGrades(inverse, D, rows, 40);
    const errors = [2, 6, 12, 20].map((directions) => {
      const some = leadingGrades(leadingGrade(inverse, D, directions, plainKernels), rows, 40, plainKernels);
      return Math.max(...some.map((value, i) => Math.abs(value - exact[i]!) / exact[i]!));
    });
    for (let k = 1; k < errors.length; k++) expect(errors[k]!).toBeLessThan(errors[k - 1]!);
    expect(errors[2]!).toBeLessThan(0.05);
  });

  it('project onto orthonormal directions of the largest singular values', () => {
    const { projection } = leadingGrade(inverse, D, 4, plainKernels);
    for (let p = 0; p < 4; p++) {
      for (let q = 0; q < 4; q++) {
        let sum = 0;
        for (let v = 0; v < D; v++) sum += projection[v * 4 + p]! * projection[v * 4 + q]!;
        expect(sum).toAgree(p === q ? 1 : 0, { atol: 1e-10, why: 'orthonormal by construction' });
      }
    }
    // No other direction is longer after the inverse than what the leading ones leave.
    const lengths = [0, 1, 2, 3].map((q) => {
      const row = Float64Array.from({ length: D }, (_, v) => projection[v * 4 + q]!);
      return Math.hypot(...multiply(row, inverse, 1, D, D));
    });
    for (let q = 1; q < 4; q++) expect(lengths[q]!).toBeLessThanOrEqual(lengths[q - 1]! * (1 + 1e-6));
  });

  it('spread what is not a number, and refuse directions that there cannot be', () => {
    const grade = leadingGrade(inverse, D, 3, plainKernels);
    expect(leadingGrades(grade, new Float64Array(D).fill(Number.NaN), 1, plainKernels)[0]).toBeNaN();
    for (const directions of [0, D + 1, 1.5]) {
      expect(() => leadingGrade(inverse, D, directions, plainKernels)).toThrow(/leading directions must be from 1 to/);
    }
  });
});
