import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  cartesianPositions,
  cellDeterminant,
  cellVolume,
  completedCell,
  fractionalPositions,
  inverseCell,
  isSingularCell,
  planeHeights,
  reducedCell,
  strained,
  strainTensor,
  transformRows,
  wrapped,
  volumeStrain,
} from './cell.ts';
import type { Structure } from './structure.ts';

const ROUNDING = { atol: 1e-10, rtol: 1e-10, why: 'a few dozen roundings of numbers of order 10' };
const IDENTITY = [1, 0, 0, 0, 1, 0, 0, 0, 1];

/** Cells that are not close to singular. */
const cells = fc
  .array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 9, maxLength: 9 })
  .map((rows) => Float64Array.from(rows))
  .filter((cell) => cellVolume(cell) > 1);

function bulk(
  cell: Float64Array,
  positions: number[],
  pbc: [boolean, boolean, boolean] = [true, true, true],
): Structure {
  return { positions: Float64Array.from(positions), cell, pbc, species: new Uint8Array(positions.length / 3).fill(14) };
}

describe('cells', () => {
  it('inverts and measures a known cell', () => {
    const hexagonal = Float64Array.of(3, 0, 0, -1.5, 1.5 * Math.sqrt(3), 0, 0, 0, 5);
    expect(cellVolume(hexagonal)).toAgree(45 * Math.sin(Math.PI / 3), { rtol: 1e-14, why: 'closed form' });
    expect(planeHeights(hexagonal)).toAgree([1.5 * Math.sqrt(3), 1.5 * Math.sqrt(3), 5], {
      rtol: 1e-14,
      why: 'closed form',
    });
    expect(cellDeterminant(Float64Array.of(0, 1, 0, 1, 0, 0, 0, 0, 1))).toBe(-1);
  });

  it('undoes itself', () => {
    fc.assert(
      fc.property(
        cells,
        fc.array(fc.double({ min: -20, max: 20, noNaN: true }), { minLength: 6, maxLength: 6 }),
        (cell, r) => {
          expect(transformRows(cell, inverseCell(cell))).toAgree(IDENTITY, ROUNDING);
          const fractional = fractionalPositions(Float64Array.from(r), cell);
          const scale = { atol: 1e-8, why: 'rounding times the condition of the cell, up to about 1e3 squared' };
          expect(cartesianPositions(fractional, cell)).toAgree(r, scale);
        },
      ),
    );
  });

  it('refuses singular cells', () => {
    for (const cell of [
      [1, 0, 0, 2, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0, 0, 0, 0],
      [1, 0, 0, 0, 1, 0, 0, 0, Number.NaN],
    ]) {
      expect(isSingularCell(cell)).toBe(true);
      expect(() => inverseCell(cell)).toThrow(expect.objectContaining({ code: 'SINGULAR_CELL' }));
    }
    expect(isSingularCell([1, 0, 0, 1000, 1, 0, 0, 0, 1])).toBe(false);
  });
});

describe('completedCell', () => {
  it('keeps periodic vectors and puts unit vectors at right angles to them', () => {
    fc.assert(
      fc.property(cells, fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()), (cell, pbc) => {
        const basis = completedCell({ ...bulk(cell, [0, 0, 0]), pbc });
        for (let d = 0; d < 3; d++) {
          const row = basis.subarray(3 * d, 3 * d + 3);
          if (pbc[d]) {
            expect(Array.from(row)).toEqual(Array.from(cell.subarray(3 * d, 3 * d + 3)));
            continue;
          }
          for (let e = 0; e < 3; e++) {
            const product = row[0]! * basis[3 * e]! + row[1]! * basis[3 * e + 1]! + row[2]! * basis[3 * e + 2]!;
            expect(product).toAgree(e === d ? 1 : 0, ROUNDING);
          }
        }
      }),
    );
  });

  it('asks for the vectors of periodic directions only', () => {
    const slab = Float64Array.of(3, 0, 0, 0, 3, 0, 0, 0, 0);
    expect(completedCell(bulk(slab, [0, 0, 0], [true, true, false]))[8]).toBe(1);
    expect(() => completedCell(bulk(slab, [0, 0, 0]))).toThrow(/periodic direction c/);
    const parallel = Float64Array.of(3, 0, 0, 6, 0, 0, 0, 0, 0);
    expect(() => completedCell(bulk(parallel, [0, 0, 0], [true, true, false]))).toThrow(/independent/);
    const molecule: Structure = { ...bulk(slab, [0, 0, 0]), cell: null, pbc: [false, false, false] };
    expect(Array.from(completedCell(molecule))).toEqual(IDENTITY);
  });
});

describe('wrapped', () => {
  it('moves atoms by whole lattice vectors into the cell, along periodic directions only', () => {
    const positions = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(cells, positions, fc.boolean(), (cell, r, open) => {
        const structure = bulk(cell, r, [true, true, !open]);
        const basis = completedCell(structure);
        const before = fractionalPositions(structure.positions, basis);
        const after = fractionalPositions(wrapped(structure).positions, basis);
        for (let d = 0; d < 3; d++) {
          const shift = after[d]! - before[d]!;
          const rounding = { atol: 1e-7, why: 'rounding times the condition of the cell' };
          expect(shift).toAgree(structure.pbc[d] ? Math.round(shift) : 0, rounding);
          if (structure.pbc[d]) expect(after[d]! > -1e-7 && after[d]! < 1 + 1e-7).toBe(true);
        }
      }),
    );
  });
});

describe('strained', () => {
  it('multiplies rows by 1 + ε and leaves the original alone', () => {
    const structure = bulk(Float64Array.of(2, 0, 0, 0, 3, 0, 0, 0, 4), [1, 2, 3]);
    const shear = strained(structure, [0.1, 0, 0, 0.2, 0, 0, 0, 0, -0.5]);
    expect(shear.positions).toAgree([1.1 + 0.4, 2, 1.5], { rtol: 1e-15, why: 'one product per component' });
    expect(shear.cell).toAgree([2.2, 0, 0, 0.6, 3, 0, 0, 0, 2], { rtol: 1e-15, why: 'one product per component' });
    expect(Array.from(structure.positions)).toEqual([1, 2, 3]);
    expect(
      strained({ ...structure, cell: null, pbc: [false, false, false] }, shear.positions.map(() => 0) as never).cell,
    ).toBeNull();
  });

  it('keeps fractional coordinates', () => {
    const strain = fc.array(fc.double({ min: -0.1, max: 0.1, noNaN: true }), { minLength: 9, maxLength: 9 });
    fc.assert(
      fc.property(cells, strain, (cell, epsilon) => {
        const structure = bulk(cell, [1, 2, 3]);
        const deformed = strained(structure, epsilon);
        const rounding = { atol: 1e-8, why: 'rounding times the condition of the cell' };
        const expected = fractionalPositions(structure.positions, cell);
        expect(fractionalPositions(deformed.positions, deformed.cell!)).toAgree(expected, rounding);
      }),
    );
  });
});

describe('reducedCell', () => {
  it('finds a short basis of the same lattice', () => {
    const skewed = Float64Array.of(4, 0, 0, 402, 5, 0, -77, 1003, 6);
    const { basis, transform } = reducedCell(skewed, [true, true, true]);
    expect(Math.abs(cellDeterminant(transform))).toBe(1);
    expect(basis).toAgree(transformRows(transform, skewed), { why: 'the basis is worked out from the integers' });
    expect(Math.min(...planeHeights(basis))).toBeGreaterThan(3);
  });

  it('leaves open directions and good cells alone', () => {
    const cubic = Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4);
    expect(Array.from(reducedCell(cubic, [true, true, true]).transform)).toEqual(IDENTITY);
    const { transform } = reducedCell(Float64Array.of(4, 0, 0, 40, 4, 0, 0, 0, 4), [true, false, true]);
    expect(Array.from(transform)).toEqual(IDENTITY);
  });
});

describe('strains', () => {
  const cell = Float64Array.of(2, 0.1, 0, 0, 3, 0.2, 0.3, 0, 4);
  const structure: Structure = {
    positions: new Float64Array(3),
    cell,
    pbc: [true, true, true],
    species: Uint8Array.of(1),
  };

  it('of a volume change it by what they say', () => {
    for (const change of [-0.3, -0.06, 0, 0.1]) {
      const volume = cellVolume(strained(structure, volumeStrain(change)).cell!);
      expect(volume).toAgree(cellVolume(cell) * (1 + change), { rtol: 1e-14, why: 'rounding' });
    }
  });

  it('in Voigt order become symmetric tensors, shears in halves', () => {
    expect([...strainTensor([1, 2, 3, 4, 6, 8])]).toEqual([1, 4, 3, 4, 2, 2, 3, 2, 3]);
  });
});
