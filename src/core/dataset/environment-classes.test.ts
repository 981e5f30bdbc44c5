import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import {
  ENVIRONMENT_CLASSES,
  environmentClasses,
  environmentStandard,
  NEIGHBORING_CLASSES,
} from './environment-classes.ts';

const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] });

function rattled(sigma: number): Structure {
  const random = new RandomStream(1, 'environments', Math.round(1000 * sigma));
  return { ...crystal, positions: crystal.positions.map((x) => x + sigma * random.normal()) };
}

/** The crystal without its first atom. */
const vacancy: Structure = {
  ...crystal,
  positions: crystal.positions.slice(3),
  species: crystal.species.slice(1),
};

describe('environment classes', () => {
  const standard = environmentStandard([0.02, 0.05, 0.1].map(rattled), [14]);

  it('know what is usual', () => {
    expect(standard.bonds[0]).toAgree((5.43 * Math.sqrt(3)) / 4, { rtol: 0.05, why: 'nearest of four rattled bonds' });
    expect(standard.coordination).toEqual([4]);
    expect(standard.edges[0]).toBeLessThan(standard.edges[1]);
  });

  it('sort atoms by distortion and by coordination', () => {
    const most = (structure: Structure): number => {
      const counts = new Int32Array(ENVIRONMENT_CLASSES);
      for (const own of environmentClasses(structure, standard)) counts[own]!++;
      return counts.indexOf(Math.max(...counts));
    };
    expect(most(rattled(0.02))).toBe(0);
    expect(most(rattled(0.1))).toBe(2);
    const classes = environmentClasses(vacancy, standard);
    // Its four neighbours have lost a bond.
    expect([...classes].filter((own) => own >= 3)).toHaveLength(4);
  });

  it('have neighbours of the same coordination first', () => {
    expect(NEIGHBORING_CLASSES[0]).toEqual([1, 2, 3, 4, 5]);
    expect(NEIGHBORING_CLASSES[4]!.slice(0, 2)).toEqual([3, 5]);
  });

  it('are not to be had of atoms without neighbours', () => {
    const lonely = { ...crystal, cell: null, pbc: [false, false, false] as const, positions: new Float64Array(3) };
    expect(() => environmentStandard([{ ...lonely, species: Uint8Array.of(14) }], [14])).toThrow(
      'must have neighbours',
    );
  });
});
