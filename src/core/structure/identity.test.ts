import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { structureId } from './identity.ts';
import type { Structure } from './structure.ts';

const structure: Structure = {
  positions: Float64Array.of(0, 0, 0, 1, 0.5, 0.25),
  cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
  pbc: [true, true, false],
  species: Uint8Array.of(14, 8),
};

describe('structureId', () => {
  it('is the same on every machine', () => {
    expect(structureId(structure)).toBe('6798d3f18a5f69f867b73d6f9c798741');
  });

  it('does not tell −0 from 0', () => {
    const negative = structure.positions.map((x) => (x === 0 ? -0 : x));
    expect(structureId({ ...structure, positions: negative })).toBe(structureId(structure));
  });

  it('changes with everything that makes a structure', () => {
    const moved = structure.positions.slice();
    moved[5] = moved[5]! + 1e-15;
    const ids = [
      structure,
      { ...structure, positions: moved },
      { ...structure, pbc: [true, true, true] as const },
      { ...structure, cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 5) },
      { ...structure, cell: null, pbc: [false, false, false] as const },
      { ...structure, species: Uint8Array.of(8, 14) },
      { ...structure, positions: Float64Array.of(1, 0.5, 0.25, 0, 0, 0) },
    ].map((s) => structureId(s));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });

  it('survives a copy and tells any two structures apart', () => {
    const number = fc.double({ noNaN: true, noDefaultInfinity: true });
    const structures = fc
      .record({
        atoms: fc.array(fc.tuple(fc.integer({ min: 1, max: 96 }), number, number, number), {
          minLength: 1,
          maxLength: 4,
        }),
        cell: fc.option(fc.array(number, { minLength: 9, maxLength: 9 })),
        pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
      })
      .map(
        ({ atoms, cell, pbc }): Structure => ({
          positions: Float64Array.from(atoms.flatMap(([, ...r]) => r)),
          cell: cell && Float64Array.from(cell),
          pbc,
          species: Uint8Array.from(atoms, ([z]) => z),
        }),
      );
    const plain = (s: Structure): string =>
      JSON.stringify([[...s.positions], s.cell && [...s.cell], s.pbc, [...s.species]]);
    fc.assert(
      fc.property(structures, structures, (a, b) => {
        expect(structureId(structuredClone(a))).toBe(structureId(a));
        expect(structureId(a) === structureId(b)).toBe(plain(a) === plain(b));
      }),
    );
  });
});
