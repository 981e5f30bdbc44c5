import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { fitMondrianScales, type GroupedResiduals } from './mondrian.ts';

/** Residuals of structures of which each group has its own scale. */
function sample(structures: number, scales: readonly number[], components = 20, seed = 1): GroupedResiduals {
  const random = new RandomStream(seed, 'mondrian');
  const residuals: number[] = [];
  const owners: number[] = [];
  const groups: number[] = [];
  for (let s = 0; s < structures; s++) {
    for (let k = 0; k < components; k++) {
      const group = k % scales.length;
      residuals.push(scales[group]! * random.normal());
      owners.push(s);
      groups.push(group);
    }
  }
  return { residuals, structures: owners, groups };
}

describe('fitMondrianScales', () => {
  it('finds the scale of each group', () => {
    const { factors, structures } = fitMondrianScales(sample(400, [0.5, 1, 3]), [
      [1, 2],
      [0, 2],
      [1, 0],
    ]);
    expect(factors).toAgree([0.5, 1, 3], { rtol: 0.06, why: '2 700 residuals a group' });
    expect([...structures]).toEqual([400, 400, 400]);
  });

  it('covers a component of a new structure as often as it says, also of structures of many components', () => {
    // Half of the structures are large and quiet, half small and loud: components alone would say quiet.
    const random = new RandomStream(3, 'hierarchy');
    const draw = (): { sizes: number[] } => {
      const loud = random.uniform() < 0.5;
      return { sizes: Array.from({ length: loud ? 2 : 60 }, () => (loud ? 3 : 1) * random.normal()) };
    };
    let covered = 0;
    let total = 0;
    for (let repeat = 0; repeat < 200; repeat++) {
      const drawn = Array.from({ length: 40 }, draw);
      const { factors } = fitMondrianScales(
        {
          residuals: drawn.flatMap(({ sizes }) => sizes),
          structures: drawn.flatMap(({ sizes }, s) => sizes.map(() => s)),
          groups: drawn.flatMap(({ sizes }) => sizes.map(() => 0)),
        },
        [[]],
      );
      const limit = 1.6449 * factors[0]!;
      for (let k = 0; k < 20; k++) {
        const { sizes } = draw();
        covered += sizes.filter((z) => Math.abs(z) <= limit).length / sizes.length;
        total++;
      }
    }
    expect(covered / total).toAgree(0.9, {
      atol: 0.03,
      why: '4 000 structures; one more at infinity adds 0.02 at most',
    });
  });

  it('lets small groups borrow from the nearest', () => {
    const few = sample(4, [1, 5]);
    const many = sample(60, [1], 20, 2);
    const joined: GroupedResiduals = {
      residuals: [...Array.from(few.residuals), ...Array.from(many.residuals)],
      structures: [...Array.from(few.structures), ...Array.from(many.structures, (s) => s + 4)],
      groups: [...Array.from(few.groups), ...Array.from(many.residuals, () => 2)],
    };
    const { factors, structures } = fitMondrianScales(joined, [
      [2, 1],
      [0, 2],
      [0, 1],
    ]);
    expect(structures[0]).toBe(64);
    expect(factors[0]).toAgree(1, { rtol: 0.15, why: 'borrowed from a group of the same scale' });
    expect(structures[1]).toBeGreaterThanOrEqual(10);
  });

  it('is infinite without enough structures and refuses what is no group', () => {
    expect(fitMondrianScales(sample(3, [1]), [[]]).factors[0]).toBe(Number.POSITIVE_INFINITY);
    expect(() => fitMondrianScales(sample(3, [1, 1]), [[]])).toThrow('group must be below 1, got 1');
    expect(() => fitMondrianScales(sample(3, [1]), [[]], 1)).toThrow('level must lie between 0 and 1');
  });
});
