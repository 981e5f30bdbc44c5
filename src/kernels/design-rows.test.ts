import { describe, expect, it } from 'vitest';
import { DesignRows, keptAtoms } from './design-rows.ts';

const WIDTH = 4;

/** Design rows of so many atoms in a memory of their own. */
function made(atoms: number) {
  const buffer = new ArrayBuffer(1 << 16);
  new Float64Array(buffer).fill(Number.NaN);
  const rows = new DesignRows({ memory: { buffer }, allocate: () => 0, release: () => {}, releaseTo: () => {} });
  rows.moveTo(64, atoms, WIDTH);
  const add = (address: number, values: readonly number[]): void => {
    const view = new Float64Array(buffer, address, values.length);
    values.forEach((value, k) => {
      view[k] = view[k]! + value;
    });
  };
  return { rows, add, buffer };
}

describe('design rows in the memory of a module', () => {
  it('stand in the order of first touch and come back at their atoms, in their columns', () => {
    const { rows, add } = made(3);
    rows.begin(3, WIDTH);
    expect([rows.of(2), rows.of(0), rows.of(2)]).toEqual([64, 64 + 3 * rows.rowBytes, 64]);
    add(rows.of(2) + rows.rowBytes, [1, 2, 3, 99]);
    add(rows.of(0), [4, 5, 6, 99]);
    add(rows.virial + 5 * rows.rowBytes, [7, 8, 9, 99]);
    const forces = new Float64Array(9 * 5);
    const virial = new Float64Array(6 * 5);
    rows.flush(3, 1, forces, virial);
    const expected = new Float64Array(9 * 5);
    expected.set([1, 2, 3], 7 * 5 + 1);
    expected.set([4, 5, 6], 0 * 5 + 1);
    expect(forces).toEqual(expected);
    expect([...virial.subarray(26, 29)]).toEqual([7, 8, 9]);
    expect(virial.reduce((sum, value) => sum + value, 0)).toBe(24);
  });

  it('add up over several flushes when not all atoms fit', () => {
    const { rows, add } = made(2);
    rows.begin(4, WIDTH);
    const forces = new Float64Array(12 * WIDTH);
    const virial = new Float64Array(6 * WIDTH);
    for (const [i, j] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 0],
    ] as const) {
      if (rows.isFullFor(2)) rows.flush(WIDTH, 0, forces, virial);
      add(rows.of(i), [1, 0, 0, 0]);
      add(rows.of(j), [0, 1, 0, 0]);
      add(rows.virial, [0, 0, 1, 0]);
    }
    rows.flush(WIDTH, 0, forces, virial);
    for (let atom = 0; atom < 4; atom++) expect([...forces.subarray(12 * atom, 12 * atom + 4)]).toEqual([1, 1, 0, 0]);
    expect([...virial.subarray(0, 4)]).toEqual([0, 0, 4, 0]);
  });

  it('forget what a call left that failed, also when they move', () => {
    const { rows, add } = made(2);
    rows.begin(2, WIDTH);
    add(rows.of(1), [5, 5, 5, 5]);
    rows.begin(2, 2);
    const forces = new Float64Array(6 * 2);
    const virial = new Float64Array(6 * 2);
    expect(rows.of(0)).toBe(64);
    rows.of(1);
    rows.flush(2, 0, forces, virial);
    expect(forces.every((value) => value === 0)).toBe(true);
    add(rows.of(1), [5, 5]);
    rows.moveTo(128, 2, WIDTH);
    rows.begin(2, WIDTH);
    expect(rows.of(1)).toBe(128);
  });

  it('are never full where every atom fits', () => {
    const { rows } = made(3);
    rows.begin(3, WIDTH);
    for (const atom of [0, 1, 2]) rows.of(atom);
    expect(rows.isFullFor(3)).toBe(false);
    rows.begin(4, WIDTH);
    for (const atom of [0, 1]) rows.of(atom);
    expect([rows.isFullFor(1), rows.isFullFor(2)]).toEqual([false, true]);
  });

  it('of large structures are bounded, but never less than a batch needs', () => {
    expect(keptAtoms(100, 1000, 50)).toBe(100);
    expect(keptAtoms(1e6, 1000, 50)).toBe(2796);
    expect(DesignRows.bytes(keptAtoms(1e6, 1000, 50), 1000)).toBeLessThan(2 ** 26 + 1e5);
    expect(keptAtoms(1e6, 3000, 5000)).toBe(5000);
  });
});
