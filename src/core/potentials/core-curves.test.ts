import { describe, expect, it } from 'vitest';
import type { AceSpecification } from '../descriptors/ace/basis.ts';
import { suggestPair } from '../descriptors/ace/presets.ts';
import { minimumDistance } from '../structure/checks.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import { atomCount } from '../structure/structure.ts';
import type { CoreCurve } from './core-curves.ts';
import { crystalCurves, dimerCurves, groundStates } from './core-curves.ts';

const pairOf = (a: string, b: string) => suggestPair(...([a, b].sort() as [string, string]), 5.5);
const specification: AceSpecification = {
  elements: ['In', 'P'],
  radial: 'SBessel',
  nmax: [4],
  lmax: [0],
  pairs: ['In', 'P'].map((a) => ['In', 'P'].map((b) => pairOf(a, b))),
};
const NONE = Number.POSITIVE_INFINITY;
/** In–In and P–P far from each other, In–P bonded. */
const SHORTEST = [
  [3.9, 2.4],
  [2.4, NONE],
];

describe('dimerCurves', () => {
  const curves = dimerCurves(specification, SHORTEST);

  it('are of every pair once, from 0.5 Å', () => {
    expect(curves.map(({ name }) => name)).toEqual(['In-In', 'In-P', 'P-P']);
    expect(curves.map(({ pair }) => pair)).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
    ]);
    for (const { kind, places } of curves) {
      expect(kind).toBe('dimer');
      expect(places[0]!.at).toBe(0.5);
    }
  });

  it('end before the shortest distance of the data, or at the gate where there is none', () => {
    expect(curves.map(({ places }) => places.at(-1)!.at)).toAgree([3.875, 2.375, 0], {
      atol: 2,
      why: 'only the pairs with data are looked at here',
    });
    expect(curves[1]!.places.at(-1)!.at).toAgree(2.375, { atol: 1e-9, why: 'steps of 0.025 Å, rounding' });
    const gate = specification.pairs[1]![1]!.innerCutoff;
    const last = curves[2]!.places.at(-1)!.at;
    expect(last).toBeLessThan(gate);
    expect(last).toBeGreaterThan(gate - 0.026);
  });

  it('hold two atoms of the pair at that distance', () => {
    for (const { at, structure } of curves[1]!.places) {
      expect([...structure.species]).toEqual([49, 15]);
      expect(structure.positions[3]).toBe(at);
    }
  });

  it('reach up to the gate where data are closer than it', () => {
    const gate = specification.pairs[0]![0]!.innerCutoff;
    const [near] = dimerCurves(specification, [
      [gate / 2, NONE],
      [NONE, NONE],
    ]);
    expect(near!.places.at(-1)!.at).toBeGreaterThan(gate - 0.026);
  });
});

describe('crystalCurves', () => {
  it('are of the pairs that are bonded in the data', () => {
    expect(crystalCurves(specification, SHORTEST).map(({ name }) => name)).toEqual([
      'InP caesium chloride',
      'InP rock salt',
      'InP zinc blende',
    ]);
    const bonded = crystalCurves(specification, [
      [3, NONE],
      [NONE, NONE],
    ]);
    expect(bonded.map(({ name }) => name)).toEqual(['In sc', 'In bcc', 'In fcc', 'In diamond']);
    expect(
      crystalCurves(specification, [
        [NONE, NONE],
        [NONE, NONE],
      ]),
    ).toEqual([]);
  });

  it('have the bonds they say, each shorter by 2 %, down to 0.68 of 0.95 of the shortest distance', () => {
    const shortest = [
      [3, 2.4],
      [2.4, 2.2],
    ];
    for (const { places, pair } of crystalCurves(specification, shortest)) {
      for (const { at, structure } of places) {
        expect(minimumDistance(structure, 1.05 * at)!.distance).toAgree(at, { rtol: 1e-9, why: 'rounding' });
      }
      const ratios = places.slice(1).map(({ at }, p) => at / places[p]!.at);
      expect(ratios).toAgree(
        ratios.map(() => 0.98),
        { rtol: 1e-9, why: 'rounding' },
      );
      const least = 0.68 * 0.95 * shortest[pair[0]]![pair[1]]!;
      expect(places.at(-1)!.at).toBeLessThan(least / 0.98 / 0.98);
    }
  });

  it('have as many nearest neighbours as they should, of the other element where there are two', () => {
    const shortest = [
      [3, 2.4],
      [2.4, NONE],
    ];
    const counts = crystalCurves(specification, shortest).map(({ places }) => {
      const { at, structure } = places[0]!;
      const list = neighborList(structure, 1.05 * at);
      if (new Set(structure.species).size === 2)
        for (let i = 0; i < atomCount(structure); i++)
          for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++)
            expect(structure.species[list.indices[p]!]).not.toBe(structure.species[i]);
      return list.offsets[1]! - list.offsets[0]!;
    });
    expect(counts).toEqual([6, 8, 12, 4, 8, 6, 4]);
  });
});

describe('groundStates', () => {
  const shortest = [
    [NONE, 2.4],
    [2.4, NONE],
  ];
  const curves = crystalCurves(specification, shortest);
  /** A well at some bond length. */
  const well = (curve: CoreCurve, bond: number, depth: number): number[] =>
    curve.places.map(({ at }) => (at - bond) * (at - bond) - depth);

  it('are the crystals with the lowest minimum, from there to 0.68 of its bond', () => {
    const energies = [well(curves[0]!, 2.8, 3), well(curves[1]!, 2.7, 5), well(curves[2]!, 2.6, 4)];
    const [found, ...others] = groundStates(curves, energies, shortest);
    expect(others).toEqual([]);
    expect(found!.name).toBe('InP rock salt');
    expect(found!.places[0]!.at).toAgree(2.7, { rtol: 0.01, why: 'half a step of 2 %' });
    const ratio = found!.places.at(-1)!.at / found!.places[0]!.at;
    expect(ratio).toBeGreaterThanOrEqual(0.68);
    expect(ratio).toBeLessThan(0.7);
  });

  it('have their minimum among bonds that the data have, and are none without one', () => {
    const short = [well(curves[0]!, 2, 9), well(curves[1]!, 2.7, 1), well(curves[2]!, 2, 9)];
    expect(groundStates(curves, short, shortest).map(({ name }) => name)).toEqual(['InP rock salt']);
    const falling = curves.map(({ places }) => places.map(({ at }) => at));
    expect(groundStates(curves, falling, shortest)).toEqual([]);
  });
});
