import { describe, expect, it } from 'vitest';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { bondLengths } from './bond-lengths.ts';

const EXACT = { rtol: 1e-12, why: 'a distance of the ideal crystal' };

const molecule = (species: number[], xs: number[]): Structure => ({
  positions: Float64Array.from(xs.flatMap((x) => [x, 0, 0])),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.from(species),
});

describe('bondLengths', () => {
  it('finds the bond of crystals, however small the cell', () => {
    const silicon = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, cell: 'primitive' });
    const found = bondLengths([silicon], [14]);
    expect(found.typical).toAgree((5.43 * Math.sqrt(3)) / 4, EXACT);
    expect(found.shortest[0]![0]).toAgree((5.43 * Math.sqrt(3)) / 4, EXACT);
    const copper = prototypeStructure({ prototype: 'fcc', element: 'Cu', a: 3.6, cell: 'primitive' });
    expect(bondLengths([copper], [29]).typical).toAgree(3.6 / Math.sqrt(2), EXACT);
  });

  it('takes the median over atoms, so that one close pair does not set the cutoff', () => {
    const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const close = molecule([14, 14], [0, 1.5]);
    const found = bondLengths([crystal, close], [14]);
    expect(found.typical).toAgree((5.43 * Math.sqrt(3)) / 4, EXACT);
    expect(found.shortest[0]![0]).toBe(1.5);
  });

  it('tells pairs of elements apart, in both orders, and leaves unseen ones open', () => {
    const found = bondLengths([molecule([6, 14, 14], [0, 1.9, 4.2])], [6, 14]);
    expect(found.shortest[0]![1]).toBe(1.9);
    expect(found.shortest[1]![0]).toBe(1.9);
    expect(found.shortest[1]![1]).toAgree(2.3, EXACT);
    expect(found.shortest[0]![0]).toBe(Number.POSITIVE_INFINITY);
    // Nearest neighbours 1.9, 1.9 and 2.3 Å.
    expect(found.typical).toBe(1.9);
  });

  it('has no typical length without neighbours', () => {
    expect(bondLengths([molecule([14], [0]), molecule([14, 14], [0, 30])], [14]).typical).toBeNull();
    expect(bondLengths([], [14])).toEqual({ typical: null, shortest: [[Number.POSITIVE_INFINITY]] });
  });
});
