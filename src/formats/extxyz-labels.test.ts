import { describe, expect, it } from 'vitest';
import { parseExtxyzText } from './extxyz.ts';
import type { LabelKeyOptions } from './extxyz-labels.ts';

const CUBE = 'Lattice="2 0 0 0 2 0 0 0 2"';
const read = (comment: string, options: LabelKeyOptions = {}, atom = 'H 0 0 0') =>
  parseExtxyzText(`1\n${comment}\n${atom}\n`, 'a.xyz', options)[0]!;

describe('energy keys', () => {
  it('prefers the free energy, to which the forces belong, and keeps the other', () => {
    const { frame, keys } = read('energy=-1 free_energy=-1.5');
    expect([frame.labels.energy, keys.energy, frame.info]).toEqual([-1.5, 'free_energy', { energy: -1 }]);
  });

  it.each(['energy', 'free_energy', 'REF_energy', 'ref_energy', 'dft_energy', 'DFT_energy', 'Energy', 'total_energy'])(
    'finds %s',
    (key) => {
      const { frame, keys } = read(`${key}=-2.5d0`);
      expect([frame.labels.energy, keys.energy, frame.info]).toEqual([-2.5, key, {}]);
    },
  );

  it('takes NaN as absent', () => {
    const { frame, keys } = read('energy=nan REF_energy=-3');
    expect([frame.labels.energy, keys.energy, frame.info]).toEqual([-3, 'REF_energy', { energy: Number.NaN }]);
    expect(read('energy=NaN').frame.labels.energy).toBeNull();
  });

  it('does not choose between keys that disagree', () => {
    expect(read('energy=-1 REF_energy=-1.0').keys.energy).toBe('energy');
    expect(() => read('energy=-1 REF_energy=-2')).toThrow(
      'a.xyz:2: energy and REF_energy must agree where both are given; say which to use with --energy-key',
    );
    expect(read('energy=-1 REF_energy=-2', { energyKey: 'REF_energy' }).frame).toMatchObject({
      labels: { energy: -2 },
      info: { energy: -1 },
    });
  });

  it('looks only at the key that was asked for', () => {
    const { frame, keys } = read('energy=-1 energy_xtb=-2', { energyKey: 'energy_xtb' });
    expect([frame.labels.energy, keys.energy, frame.info]).toEqual([-2, 'energy_xtb', { energy: -1 }]);
    expect(read('energy=-1', { energyKey: 'energy_xtb' }).frame.labels.energy).toBeNull();
    expect(() => read('energy=low')).toThrow('a.xyz:2:8: energy must be a number, got "low"');
    expect(() => read('energy=inf')).toThrow('a.xyz:2:8: energy must be finite, got "inf"');
  });
});

describe('forces columns', () => {
  const P = 'Properties=species:S:1:pos:R:3';
  it.each(['forces', 'force', 'REF_forces', 'dft_forces', 'DFT_forces'])('finds %s', (name) => {
    const { frame, keys } = read(`${P}:${name}:R:3`, {}, 'H 0 0 0 1 -2 3');
    expect([Array.from(frame.labels.forces!), keys.forces, frame.columns]).toEqual([[1, -2, 3], name, {}]);
  });

  it('keeps single absent components and drops what is absent as a whole', () => {
    expect(Array.from(read(`${P}:forces:R:3`, {}, 'H 0 0 0 1 nan 3').frame.labels.forces!)).toEqual([1, Number.NaN, 3]);
    const { frame, keys } = read(`${P}:forces:R:3`, {}, 'H 0 0 0 nan nan nan');
    expect([frame.labels.forces, keys.forces, Object.keys(frame.columns)]).toEqual([null, null, ['forces']]);
  });

  it('takes the column that was asked for and does not choose between others', () => {
    const both = `${P}:forces:R:3:REF_forces:R:3`;
    expect(() => read(both, {}, 'H 0 0 0 1 2 3 4 5 6')).toThrow('forces and REF_forces must agree');
    expect(read(both, {}, 'H 0 0 0 1 2 3 1 2 3').keys.forces).toBe('forces');
    const { frame } = read(both, { forcesKey: 'REF_forces' }, 'H 0 0 0 1 2 3 4 5 6');
    expect(Array.from(frame.labels.forces!)).toEqual([4, 5, 6]);
    expect(frame.columns).toEqual({ forces: { kind: 'R', width: 3, values: [1, 2, 3] } });
    expect(() => read(`${P}:forces:R:1`, {}, 'H 0 0 0 1')).toThrow('column forces must be forces:R:3, got forces:R:1');
  });
});

describe('stress and virial', () => {
  // σ with all six components different; V = 8 Å³.
  const NINE = '1 6 5 6 2 4 5 4 3';
  const VIRIAL = [-8, -16, -24, -32, -40, -48];

  it('turns a stress of 9 or 6 numbers into the virial −V·stress in the order xx yy zz yz xz xy', () => {
    expect(Array.from(read(`${CUBE} stress="${NINE}"`).frame.labels.virial!)).toEqual(VIRIAL);
    expect(Array.from(read(`${CUBE} stress="1 2 3 4 5 6"`).frame.labels.virial!)).toEqual(VIRIAL);
    expect(Array.from(read(`${CUBE} REF_stress="_JSON [[1,6,5],[6,2,4],[5,4,3]]"`).frame.labels.virial!)).toEqual(
      VIRIAL,
    );
    // The volume is that of the cell, whatever its handedness and periodicity.
    expect(Array.from(read(`Lattice="0 2 0 2 0 0 0 0 2" pbc="T T F" stress="${NINE}"`).frame.labels.virial!)).toEqual(
      VIRIAL,
    );
  });

  it('takes a virial as it is; a stress beside it wins', () => {
    const { frame, keys } = read(`${CUBE} virial="${NINE}"`);
    expect([Array.from(frame.labels.virial!), keys.virial, frame.info]).toEqual([[1, 2, 3, 4, 5, 6], 'virial', {}]);
    const both = read(`${CUBE} virial="${NINE}" stress="${NINE}"`);
    expect([Array.from(both.frame.labels.virial!), both.keys.virial, Object.keys(both.frame.info)]).toEqual([
      VIRIAL,
      'stress',
      ['virial'],
    ]);
    const asked = read(`${CUBE} virial="${NINE}" stress="${NINE}"`, { virialKey: 'virial' });
    expect([asked.frame.labels.virial![0], asked.keys.virial, Object.keys(asked.frame.info)]).toEqual([
      1,
      'virial',
      ['stress'],
    ]);
    expect(read(`${CUBE} stress="${NINE}" stress_sw="0 0 0 0 0 0"`, { stressKey: 'stress_sw' }).keys.virial).toBe(
      'stress_sw',
    );
  });

  it('needs a volume for a stress, but lets a molecule carry zeros', () => {
    expect(() => read(`stress="${NINE}"`)).toThrow('a.xyz:2:8: stress must come with a Lattice');
    expect(read('stress="0 0 0 0 0 0"')).toMatchObject({
      frame: { labels: { virial: null }, info: { stress: [0, 0, 0, 0, 0, 0] } },
      keys: { virial: null },
    });
  });

  it('refuses other shapes, and takes NaN as absent', () => {
    expect(() => read(`${CUBE} stress="1 2 3"`)).toThrow(
      'stress must be 9 numbers (3×3) or 6 (xx yy zz yz xz xy), got 3',
    );
    expect(() => read(`${CUBE} stress="1 6 5 7 2 4 5 4 3"`)).toThrow(
      'stress must be symmetric, got 6 and 7 across its diagonal',
    );
    expect(() => read(`${CUBE} stress="1 2 3 4 5 x"`)).toThrow('stress must be a number, got "x"');
    expect(Array.from(read(`${CUBE} stress="1 6.0000001 5 6 2 4 5 4 3"`).frame.labels.virial!)[5]).toAgree(-48, {
      atol: 1e-6,
      why: 'mean of both sides',
    });
    expect(read(`${CUBE} stress="${new Array(9).fill('nan').join(' ')}"`).frame.labels.virial).toBeNull();
    expect(Array.from(read(`${CUBE} stress="1 2 3 nan nan nan"`).frame.labels.virial!)).toEqual([
      -8,
      -16,
      -24,
      Number.NaN,
      Number.NaN,
      Number.NaN,
    ]);
  });
});
