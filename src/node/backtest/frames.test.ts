import { describe, expect, it } from 'vitest';
import { isolatedAtom, siliconFrames } from '../../../test/support/models.ts';
import { OTHER_GROUPS } from '../../core/backtest/split.ts';
import { backtestFrames, structureClass } from './frames.ts';
import { DEFAULT_BACKTEST } from './settings.ts';

const { data } = DEFAULT_BACKTEST;
const silicon = siliconFrames(24).map((frame, f) => ({
  ...frame,
  group: f < 12 ? 'cold' : f < 22 ? 'hot' : 'rare',
  info: { source: f % 2 === 0 ? 'even' : 'odd' },
}));
const largest = (f: number): number => Math.max(...silicon[f]!.labels.forces!.map(Math.abs));
const perAtom = (f: number): number => silicon[f]!.labels.energy! / 8;

describe('backtestFrames', () => {
  it('leaves isolated atoms out and keeps the rest as it is', () => {
    const { frames, groups, originals, notes } = backtestFrames([isolatedAtom('Si', -1), ...silicon], data, 1);
    expect(frames).toEqual(silicon);
    expect(groups.slice(0, 22)).toEqual(silicon.slice(0, 22).map(({ group }) => group));
    expect(groups.slice(22)).toEqual([OTHER_GROUPS, OTHER_GROUPS]);
    expect([...originals]).toEqual([...silicon.keys()]);
    expect(notes).toEqual([]);
  });

  it('leaves out what is beyond the limits, and says so', () => {
    const force = [...silicon.keys()].map(largest).sort((a, b) => a - b)[20]!;
    const energy = [...silicon.keys()].map(perAtom).sort((a, b) => a - b)[16]!;
    const limited = backtestFrames(silicon, { ...data, maxForce: force, maxEnergy: energy }, 1);
    const within = [...silicon.keys()].filter((f) => largest(f) <= force && perAtom(f) <= energy);
    expect(limited.frames).toEqual(within.map((f) => silicon[f]));
    expect(limited.notes.join('; ')).toMatch(
      /structures with a force above .* eV\/Å; \d+ structures above .* eV\/atom/,
    );
  });

  it('takes some groups only, and groups by another key', () => {
    const { frames, groups } = backtestFrames(silicon, { ...data, groupKey: 'source', only: ['odd'] }, 1);
    expect(frames).toHaveLength(12);
    expect(new Set(groups)).toEqual(new Set(['odd']));
    expect(() => backtestFrames(silicon, { ...data, only: ['warm'] }, 1)).toThrow(
      'group must be in the data, got "warm"',
    );
    expect(() => backtestFrames(silicon, { ...data, groupKey: 'x' }, 1)).toThrow(
      'group key must be in at least one structure, got "x" in none',
    );
  });

  it('draws a sample by the seed', () => {
    const sample = (seed: number) => backtestFrames(silicon, { ...data, sample: 10 }, seed).frames;
    expect(sample(1)).toHaveLength(10);
    expect(sample(1)).toEqual(sample(1));
    expect(sample(2)).not.toEqual(sample(1));
    const order = sample(1).map((frame) => frame.source.index);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('makes copies that are displaced a little and know their originals', () => {
    const { frames, groups, originals } = backtestFrames(silicon, { ...data, copies: 3, jitter: 1e-3 }, 1);
    expect([frames.length, groups.length]).toEqual([72, 72]);
    expect([originals[25], originals[50], originals[3]]).toEqual([1, 2, 3]);
    const moved = frames[25]!.structure.positions.map((x, k) => x - silicon[1]!.structure.positions[k]!);
    expect(Math.sqrt(moved.reduce((sum, x) => sum + x * x, 0) / 24)).toAgree(1e-3, {
      rtol: 0.5,
      why: '24 normal deviates',
    });
    expect(frames[25]!.labels).toBe(silicon[1]!.labels);
  });

  it('falls back to classes where groups tell little', () => {
    const lone = silicon.map((frame, f) => ({ ...frame, group: `frame ${f}` }));
    const one = silicon.map((frame) => ({ ...frame, group: 'all' }));
    for (const frames of [lone, one])
      expect(
        backtestFrames(frames, { ...data, leastGroup: 3 }, 1).groups.every((group) => /atoms|other/.test(group)),
      ).toBe(true);
  });

  it('refuses data with nothing to compare', () => {
    expect(() => backtestFrames(silicon.slice(0, 1), data, 1)).toThrow('at least two structures, got 1');
  });
});

describe('structureClass', () => {
  it('goes by size and force', () => {
    const still = { ...silicon[0]!, labels: { ...silicon[0]!.labels, forces: new Float64Array(24) } };
    expect(structureClass(still)).toBe('up to 8 atoms, forces below 0.2 eV/Å');
    expect(structureClass({ ...still, labels: { ...still.labels, forces: new Float64Array(24).fill(3) } })).toBe(
      'up to 8 atoms, forces from 1 eV/Å',
    );
    expect(structureClass({ ...still, labels: { ...still.labels, forces: null } })).toBe('up to 8 atoms');
    expect(structureClass(siliconFrames(1, { repeat: [3, 3, 3] })[0]!)).toMatch(/^more than 64 atoms/);
  });
});
