import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { zblCore } from '../../core/descriptors/ace/presets.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { createPool } from '../workers/pool.ts';
import { chooseCutoff, withCutoff } from './choose-cutoff.ts';
import { DEFAULT_FIT } from './settings.ts';
import { resolveSpecification } from './specification.ts';

/** Silicon of a potential that ends at 3.77 Å, every other atom of it called germanium. */
const frames: Frame[] = siliconFrames(24, { rattle: 0.15 }).map((frame) => ({
  ...frame,
  structure: { ...frame.structure, species: frame.structure.species.map((z, i) => (i % 2 === 0 ? 32 : z)) },
}));
const specificationOf = (of: readonly Frame[]) =>
  resolveSpecification(
    of.map(({ structure }) => structure),
    DEFAULT_FIT,
  );
const reference = { values: [-4, -4], origin: 'least-squares', degenerate: true } as const;

describe('withCutoff', () => {
  it('moves the cutoff and the end of the core of every pair, and nothing else', () => {
    const specification = specificationOf(frames);
    const shorter = withCutoff(specification, 4.5);
    expect({ ...shorter, pairs: [] }).toEqual({ ...specification, pairs: [] });
    shorter.pairs.flat().forEach((pair, k) => {
      const { innerCutoff, innerWidth } = specification.pairs.flat()[k]!;
      expect(pair).toMatchObject({ cutoff: 4.5, innerCutoff, innerWidth });
    });
    expect(shorter.pairs[0]![1]).toEqual(shorter.pairs[1]![0]);
    const own = shorter.pairs[0]![0]!;
    expect(own.core).toEqual(zblCore('Ge', 'Ge', own));
  });

  it('is what the cutoff given by the user makes', () => {
    const structures = frames.map(({ structure }) => structure);
    expect(withCutoff(specificationOf(frames), 5)).toEqual(
      resolveSpecification(structures, { ...DEFAULT_FIT, cutoff: 5 }),
    );
  });
});

describe('chooseCutoff', () => {
  it('finds that bonds beyond the second shell say nothing', { timeout: 120_000 }, async () => {
    const pool = createPool(1, null);
    const specification = specificationOf(frames);
    const chosen = await chooseCutoff(frames, specification, reference, DEFAULT_FIT, pool);
    await pool.dispose();
    const { cutoff, rule, trials, structures } = chosen!;
    expect(structures).toBe(frames.length);
    expect(rule).toBe(specification.pairs[0]![0]!.cutoff);
    expect(cutoff).toBeLessThan(rule);
    const of = (wanted: number) => trials.find((trial) => trial.cutoff === wanted)!.score;
    expect(of(cutoff)).toBe(Math.min(...trials.map(({ score }) => score)));
    expect(of(cutoff)).toBeLessThan(0.95 * of(rule));
    expect(trials.length).toBeLessThanOrEqual(3);
    expect(trials.map((trial) => trial.cutoff)).toEqual(trials.map((trial) => trial.cutoff).sort((a, b) => a - b));
  });

  it('leaves the rule to elements alone, and to data that cannot judge or of which it would take too many', async () => {
    const pool = createPool(1, null);
    const silicon = siliconFrames(40);
    const none = await chooseCutoff(silicon, specificationOf(silicon), reference, DEFAULT_FIT, pool);
    const bare = frames.map((frame) => ({ ...frame, labels: { ...frame.labels, forces: null } }));
    const many = Array.from({ length: 75 }, () => frames).flat();
    const rich = await chooseCutoff(many, specificationOf(frames), reference, DEFAULT_FIT, pool);
    const blind = await chooseCutoff(bare, specificationOf(frames), reference, DEFAULT_FIT, pool);
    await pool.dispose();
    expect([none, rich, blind]).toEqual([null, null, null]);
  });
});
