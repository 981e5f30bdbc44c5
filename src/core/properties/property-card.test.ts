import { describe, expect, it } from 'vitest';
import { NumericalError } from '../errors.ts';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import type { Potential } from '../potentials/potential.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { formulaOf, propertyCard } from './property-card.ts';
import { vacancyEnergy, withoutAtom } from './vacancy.ts';

const silicon = stillingerWeberSilicon();
const request = { name: 'sw', elements: [{ symbol: 'Si', bonds: [1.8, 3.4] }], reach: 5 } as const;

describe('propertyCard', () => {
  const card = propertyCard(silicon, request);

  it('finds diamond as the ground state of silicon, with its lattice constant and cohesive energy', () => {
    expect(card.prototypes.map(({ prototype }) => prototype)).toEqual(['sc', 'bcc', 'fcc', 'diamond', 'hcp']);
    const [crystal] = card.crystals;
    expect(crystal).toMatchObject({ name: 'Si diamond', atoms: 8, trust: null });
    for (const length of crystal!.lengths)
      expect(length).toAgree(5.431, { atol: 5e-4, why: 'published to three decimals' });
    for (const angle of crystal!.angles) expect(angle).toAgree(90, { atol: 1e-6, why: 'a cube' });
    expect(crystal!.cohesiveEnergy!).toAgree(4.3366, { atol: 1e-4, why: 'published to four decimals' });
  });

  it('gives the vacancy its unrelaxed energy: four bonds of half an atom each are cut', () => {
    const { vacancy } = card.crystals[0]!;
    if ('missing' in vacancy) throw new Error(vacancy.missing);
    expect(vacancy.value.atoms).toBe(64);
    expect(vacancy.value.unrelaxed).toAgree(4.3366, {
      atol: 1e-4,
      why: 'E_f = cohesive energy for bonds at their minimum',
    });
    expect(vacancy.value.relaxed).toBeLessThanOrEqual(vacancy.value.unrelaxed + 1e-3);
    expect(vacancy.value.structure.species).toHaveLength(63);
  });

  it('shows the dimer repulsive below its bond', () => {
    const [curve] = card.pairs;
    expect(curve!.pair).toEqual(['Si', 'Si']);
    expect(curve!.repulsiveBelow).toBeGreaterThan(2.3);
    expect(curve!.repulsiveBelow).toBeLessThan(2.45);
    expect(curve!.points[0]!.distance).toBe(0.5);
    expect(curve!.points.at(-1)!.energy).toBe(0);
    expect(curve!.points.every(({ state }) => state === null)).toBe(true);
  });

  it('carries what a judge says, and takes crystals that are named', () => {
    const judge = (structure: Structure) => ({ state: 'trusted', reason: `${structure.species.length} atoms` });
    const cell = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.5, cell: 'primitive' });
    const { crystals, pairs } = propertyCard(silicon, {
      ...request,
      reach: 3,
      judge,
      structures: [{ name: 'mine', structure: cell }],
    });
    expect(crystals.map(({ name }) => name)).toEqual(['Si diamond', 'mine']);
    expect(crystals[1]!.trust).toEqual({ state: 'trusted', reason: '2 atoms' });
    expect(crystals[1]!.volume).toAgree(crystals[0]!.volume, {
      rtol: 1e-5,
      why: 'stress tolerance over the bulk modulus',
    });
    expect(pairs[0]!.points[0]!.state).toBe('trusted');
  });

  it('scans the bonds of the most stable prototype where trust is known', () => {
    const signals = () => ({ forceSigma: 0.1, novelty: 0.5, leverage: 1, distance: 2, atom: 0 });
    const trust = { signals, limits: { forceSigma: 0.2, novelty: 1 } };
    const { bondScans } = propertyCard(silicon, { ...request, reach: 5, trust });
    expect(bondScans).toMatchObject([{ element: 'Si', scan: { value: { equilibrium: 0.5, stretched: 1 } } }]);
    const short = propertyCard(silicon, { ...request, reach: 3, trust }).bondScans[0]!.scan;
    expect(short).toMatchObject({ missing: expect.stringContaining('shorter than cutoff/1.4') });
    expect(propertyCard(silicon, request).bondScans).toEqual([]);
  });

  it('gives no cohesive energy where isolated atoms are not known', () => {
    expect(propertyCard(silicon, { ...request, isolatedAtoms: false }).crystals[0]!.cohesiveEnergy).toBeNull();
  });

  it('says why a property is missing and goes on', () => {
    const refusing: Potential = {
      name: 'refusing',
      evaluate(structure) {
        if (structure.species.length === 63)
          throw new NumericalError('NOT_FINITE', 'energy must be finite, got NaN eV');
        return silicon.evaluate(structure);
      },
    };
    const [crystal] = propertyCard(refusing, request).crystals;
    expect(crystal!.vacancy).toEqual({ missing: 'energy must be finite, got NaN eV' });
    expect('value' in crystal!.elastic).toBe(true);
  });

  it('finds no crystal where nothing binds', () => {
    const nothing: Potential = {
      name: 'nothing',
      evaluate: ({ species }) => ({
        energy: 0,
        atomEnergies: null,
        forces: new Float64Array(3 * species.length),
        virial: new Float64Array(6),
      }),
    };
    const empty = propertyCard(nothing, request);
    expect(empty.crystals).toEqual([]);
    for (const { crystal } of empty.prototypes)
      expect(crystal).toMatchObject({ missing: expect.stringMatching(/^no minimum/) });
    expect(empty.pairs[0]!.repulsiveBelow).toBe(0.5);
  });
});

describe('parts of a card', () => {
  it('takes an atom out', () => {
    const cell = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const rest = withoutAtom(cell, 2);
    expect(rest.species).toHaveLength(7);
    expect([...rest.positions.slice(6, 9)]).toEqual([...cell.positions.slice(9, 12)]);
  });

  it('has no single vacancy energy for a compound', () => {
    const cell = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const compound = { ...cell, species: cell.species.map((z, i) => (i < 4 ? z : 6)) };
    expect(() => vacancyEnergy(compound, silicon)).toThrow(/needs a crystal of one element/);
    expect(formulaOf(compound)).toBe('Si4C4');
    expect(formulaOf({ ...cell, species: Uint8Array.of(14, 6, 6) })).toBe('SiC2');
  });
});
