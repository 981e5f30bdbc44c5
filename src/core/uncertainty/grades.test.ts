import { describe, expect, it } from 'vitest';
import { gradesByElement } from './grades.ts';

describe('grades by element', () => {
  const inverses = [Float64Array.of(2), Float64Array.of(1, 0, 0, -3)];
  const sizes = [1, 2];

  it('come from the active set of the own element, whatever the order of atoms', () => {
    const rows = Float64Array.of(1, 1, 0.5, 9, -2, 0.5, -3, 9);
    expect([...gradesByElement(Int32Array.of(1, 0, 1, 0), rows, 2, sizes, inverses)]).toEqual([3, 1, 2, 6]);
  });

  it('are infinite for an element without an active set, and NaN for a row that is none', () => {
    const rows = Float64Array.of(1, 1, Number.NaN, 1);
    expect([...gradesByElement(Int32Array.of(1, 0), rows, 2, sizes, [inverses[0]!, null])]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.NaN,
    ]);
    expect(gradesByElement(new Int32Array(0), new Float64Array(0), 2, sizes, inverses)).toEqual(new Float64Array(0));
  });
});
