import { describe, expect, it } from 'vitest';
import { isolatedAtom, siliconFrames } from '../../../test/support/models.ts';
import { FormatError, InputError, NumericalError } from '../../core/errors.ts';
import type { Frame } from '../../core/structure/structure.ts';
import {
  checkFrames,
  checkJudgeable,
  checkSpecies,
  frameName,
  judgedFrames,
  labelWarnings,
  onFrame,
} from './check-frames.ts';

const frames = siliconFrames(4);
const changed = (index: number, change: Partial<Frame>): Frame[] =>
  frames.map((frame, f) => (f === index ? { ...frame, ...change } : frame));
const labels = (index: number, change: Partial<Frame['labels']>): Frame[] =>
  changed(index, { labels: { ...frames[index]!.labels, ...change } });

/** Two atoms at some distance, Å. */
function pair(distance: number): Frame {
  const frame = frames[0]!;
  const structure = {
    positions: Float64Array.of(0, 0, 0, distance, 0, 0),
    cell: null,
    pbc: [false, false, false] as const,
    species: Uint8Array.of(14, 14),
  };
  return { ...frame, structure, source: { file: 'pair.xyz', index: 0, line: 1 } };
}

describe('onFrame', () => {
  it('adds file, line and index to errors of input and of numbers', () => {
    expect(frameName(frames[2]!)).toBe('made.xyz:21: structure 2');
    for (const make of [InputError, NumericalError]) {
      const thrown = new make('X', 'x must be 1, got 2', { x: 2 });
      try {
        onFrame(frames[2]!, () => {
          throw thrown;
        });
        expect.unreachable();
      } catch (error) {
        expect(error).toBeInstanceOf(make);
        expect(error).toMatchObject({
          code: 'X',
          message: 'made.xyz:21: structure 2: x must be 1, got 2',
          details: { x: 2, file: 'made.xyz', line: 21, index: 2 },
        });
        expect((error as Error).cause).toBe(thrown);
      }
    }
  });

  it('leaves results and all other errors alone', () => {
    expect(onFrame(frames[0]!, () => 7)).toBe(7);
    const placed = new FormatError('Y', { file: 'a.model' }, 'archive is damaged');
    expect(() =>
      onFrame(frames[0]!, () => {
        throw placed;
      }),
    ).toThrow(placed);
  });
});

describe('checkFrames', () => {
  it('passes good frames and isolated atoms', () => {
    expect(() => checkFrames([...frames, isolatedAtom('Si', -1)])).not.toThrow();
  });

  it('refuses what no fit can use, by file and line', () => {
    expect(() => checkFrames([])).toThrow('data must hold at least one labelled structure, got none');
    expect(() => checkFrames(labels(1, { energy: null, forces: null, virial: null }))).toThrow(
      /^made\.xyz:11: structure 1 must carry an energy, forces or a stress, got none/,
    );
    const nan = frames[3]!.structure.positions.map((x, k) => (k === 4 ? Number.NaN : x));
    expect(() => checkFrames(changed(3, { structure: { ...frames[3]!.structure, positions: nan } }))).toThrow(
      /position of atom 1 of made\.xyz:31: structure 3 must be finite/,
    );
  });

  it('tells overlapping atoms from short bonds', () => {
    expect(() => checkFrames([pair(0.3)])).toThrow(/must be at least 0\.444 Å apart, got 0\.300 Å/);
    expect(() => checkFrames([pair(0.6)])).not.toThrow();
    expect(labelWarnings([pair(0.6)])).toEqual([
      'structures: atoms 0 (Si) and 1 (Si) of pair.xyz:1: structure 0 are only 0.60 Å apart; the repulsive core begins below the shortest distance of the data',
    ]);
    // 1.11 Å is half the sum of the covalent radii of silicon.
    expect(labelWarnings([pair(1.2)])).toEqual([]);
    // Of several the closest is named, once.
    const named = labelWarnings([pair(0.9), { ...pair(0.7), source: { file: 'b.xyz', index: 5, line: 9 } }, pair(0.8)]);
    expect(named).toHaveLength(1);
    expect(named[0]).toMatch(/b\.xyz:9: structure 5 are only 0\.70 Å apart/);
  });
});

describe('labelWarnings', () => {
  it('says nothing of complete labels, nor of a kind that is nowhere', () => {
    expect(labelWarnings(frames)).toEqual([]);
    expect(labelWarnings(frames.map((frame) => ({ ...frame, labels: { ...frame.labels, virial: null } })))).toEqual([]);
  });

  it('counts labels that are missing, and components that are no numbers', () => {
    expect(labelWarnings(labels(1, { energy: null }))).toEqual([
      'labels: 1 of 4 structures has no energy (first: made.xyz:11: structure 1)',
    ]);
    const forces = frames[2]!.labels.forces!.map((f, k) => (k < 2 ? Number.NaN : f));
    expect(labelWarnings(labels(2, { forces, virial: null }))).toEqual([
      'labels: 1 of 4 structures has no stress (first: made.xyz:21: structure 2)',
      'labels: 2 components of forces or stress are not a number and left out (first: made.xyz:21: structure 2)',
    ]);
  });
});

describe('frames to judge a model by', () => {
  it('are all but isolated atoms, and must carry some label', () => {
    const atom = isolatedAtom('Si', -1);
    expect(judgedFrames([atom, ...frames])).toEqual(frames);
    expect(() => checkJudgeable([atom])).toThrow(/got isolated atoms only/);
    const bare = frames.map((frame) => ({ ...frame, labels: { energy: null, forces: null, virial: null } }));
    expect(() => checkJudgeable([atom, ...bare])).toThrow(/^made\.xyz:1: structure 0 and all others must carry/);
    expect(() => checkJudgeable([...bare, frames[0]!])).not.toThrow();
  });

  it('hold species of the model only', () => {
    expect(() => checkSpecies(frames, [6, 14])).not.toThrow();
    expect(() => checkSpecies(frames, [6])).toThrow('made.xyz:1: structure 0: species must be one of C, got Si');
  });
});
