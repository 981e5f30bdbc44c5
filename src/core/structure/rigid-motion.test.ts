import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { cellDeterminant, transformRows } from './cell.ts';
import { inverseRotation, randomRotation, rotated, rotatedTensor, shifted } from './rigid-motion.ts';
import type { Structure } from './structure.ts';

const ROUNDING = { rtol: 1e-12, atol: 1e-12, why: 'a dozen roundings' };
const dimer: Structure = {
  positions: Float64Array.of(0, 0, 0, 1, 2, 3),
  cell: Float64Array.of(4, 0, 0, 1, 5, 0, 0, 0, 6),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
};

describe('rigid motions', () => {
  const rotation = randomRotation(new RandomStream(1, 'rotation'));

  it('shift atoms and not the cell', () => {
    const moved = shifted(dimer, [0.5, -1, 0]);
    expect([...moved.positions]).toEqual([0.5, -1, 0, 1.5, 1, 3]);
    expect(moved.cell).toBe(dimer.cell);
  });

  it('keep distances and volume, and are undone by the inverse', () => {
    expect(cellDeterminant(rotation)).toAgree(1, ROUNDING);
    const turned = rotated(dimer, rotation);
    expect(Math.hypot(...turned.positions.subarray(3))).toAgree(Math.sqrt(14), ROUNDING);
    expect(cellDeterminant(turned.cell!)).toAgree(120, ROUNDING);
    const back = rotated(turned, inverseRotation(rotation));
    expect(back.positions).toAgree(dimer.positions, ROUNDING);
    expect(rotated({ ...dimer, cell: null, pbc: [false, false, false] }, rotation).cell).toBeNull();
  });

  it('turn a virial Σ r ⊗ F as they turn r and F', () => {
    const random = new RandomStream(2, 'tensor');
    const r = Float64Array.from({ length: 3 }, () => random.normal());
    const virial = (v: ArrayLike<number>): number[] => [
      v[0]! * v[0]!,
      v[1]! * v[1]!,
      v[2]! * v[2]!,
      v[1]! * v[2]!,
      v[0]! * v[2]!,
      v[0]! * v[1]!,
    ];
    expect(rotatedTensor(virial(r), rotation)).toAgree(virial(transformRows(r, rotation)), ROUNDING);
  });
});
