import { describe, expect, it } from 'vitest';
import { cellVolume } from './cell.ts';
import { neighborList } from './neighbor-list.ts';
import { PROTOTYPES, type PrototypeName, prototypeStructure } from './prototypes.ts';

/** First-neighbour distance in units of a, coordination, atoms per conventional and primitive cell, volume per atom / a³. */
const FACTS: Record<PrototypeName, [number, number, number, number, number]> = {
  sc: [1, 6, 1, 1, 1],
  bcc: [Math.sqrt(3) / 2, 8, 2, 1, 1 / 2],
  fcc: [Math.SQRT1_2, 12, 4, 1, 1 / 4],
  diamond: [Math.sqrt(3) / 4, 4, 8, 2, 1 / 8],
  hcp: [1, 12, 2, 2, Math.SQRT1_2],
};

describe('prototypeStructure', () => {
  it.each(PROTOTYPES)('builds %s', (prototype) => {
    const [distance, coordination, conventional, primitive, volume] = FACTS[prototype];
    const a = 4;
    for (const [cell, atoms] of [
      ['conventional', conventional],
      ['primitive', primitive],
    ] as const) {
      const structure = prototypeStructure({ prototype, element: 'Si', a, cell });
      expect(structure.species.length).toBe(atoms);
      expect(cellVolume(structure.cell!) / atoms).toAgree(volume * 64, {
        rtol: 1e-14,
        why: 'rounding of a determinant',
      });
      const list = neighborList(structure, 1.05 * distance * a);
      expect(list.indices.length).toBe(coordination * atoms);
      expect(Array.from(list.distances)).toAgree(new Array(coordination * atoms).fill(distance * a), {
        rtol: 1e-14,
        why: 'rounding of a distance',
      });
    }
  });

  it('repeats cells and takes c of hcp', () => {
    expect(prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] }).species.length).toBe(
      64,
    );
    const titanium = prototypeStructure({ prototype: 'hcp', element: 'Ti', a: 2.95, c: 4.68 });
    expect(titanium.cell![8]).toAgree(4.68, { rtol: 1e-15, why: 'divided and multiplied by a' });
    expect(titanium.species[0]).toBe(22);
  });

  it('refuses nonsense', () => {
    expect(() => prototypeStructure({ prototype: 'fcc', element: 'Cu', a: -1 })).toThrow(
      'a of a prototype must be positive, got -1 Å',
    );
    expect(() => prototypeStructure({ prototype: 'fcc', element: 'Cu', a: 3.6, c: 4 })).toThrow('c must be left out');
    expect(() => prototypeStructure({ prototype: 'hcp', element: 'Ti', a: 3, c: 0 })).toThrow(
      'c of a prototype must be positive',
    );
    expect(() => prototypeStructure({ prototype: 'fcc', element: 'Qu', a: 3.6 })).toThrow('chemical symbol');
    expect(() => prototypeStructure({ prototype: 'a15' as never, element: 'Ta', a: 3.6 })).toThrow(
      'one of sc, bcc, fcc, diamond, hcp',
    );
  });
});
