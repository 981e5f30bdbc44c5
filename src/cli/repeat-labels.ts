import type { LabelNoise, RepeatedLabel, Variation } from '../core/dataset/label-noise.ts';
import { labelNoise, repeatOf } from '../core/dataset/label-noise.ts';
import { InputError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import type { Frame } from '../core/structure/structure.ts';
import type { Labeller } from '../loop/ports.ts';
import { type BatchLabel, labelFrames, labelledFrame } from '../node/labeller-batch.ts';
import { cell, renderTable } from './table.ts';

/** What the repeats of some labels are computed with. */
export interface RepeatOptions {
  /** How many structures are computed again. */
  readonly count: number;
  /** Computes copies that are shifted or turned, as the labels were computed. */
  readonly labeller: Labeller;
  /** Computes them with better settings; null when none were given. */
  readonly better: Labeller | null;
  readonly signal: AbortSignal;
  onLabel(label: BatchLabel): void;
}

/** Some of a list, evenly spaced. */
function spread<T>(list: readonly T[], count: number): T[] {
  return Array.from({ length: count }, (_, k) => list[Math.floor(((k + 0.5) * list.length) / count)]!);
}

/**
 * Computes evenly spaced ones of some labels again, shifted, turned and with better settings, and finds the noise of labels
 * from how they differ. The motions are seeded by the place of the structure, so the same command finds finished ones again.
 * @throws InputError `BAD_OPTION` for more repeats than labels; `NO_REPEATS` when none of the repeats succeeds
 */
export async function repeatLabels(done: readonly BatchLabel[], options: RepeatOptions): Promise<LabelNoise> {
  const { count, labeller, better, signal, onLabel } = options;
  if (count > done.length)
    throw new InputError('BAD_OPTION', `--repeat must be at most the ${done.length} structures labelled, got ${count}`);
  const chosen = spread([...done.keys()], count);
  const compute = async (variation: Variation, by: Labeller): Promise<RepeatedLabel[]> => {
    const repeats = chosen.map((index) =>
      repeatOf(done[index]!.frame.structure, variation, new RandomStream(0, `repeat ${variation}`, index)),
    );
    const frames = repeats.map(({ structure }, k): Frame => ({ ...done[chosen[k]!]!.frame, structure, columns: {} }));
    const labels = await labelFrames(by, frames, signal, (label) => onLabel(label));
    return labels.flatMap((label) => {
      const k = frames.indexOf(label.frame);
      if (label.result.status !== 'done' || k < 0) return [];
      const first = labelledFrame(done[chosen[k]!]!).labels;
      return [{ repeat: repeats[k]!, first, second: labelledFrame(label).labels }];
    });
  };
  const repeated = [
    ...(await compute('shift', labeller)),
    ...(await compute('rotation', labeller)),
    ...(better === null ? [] : await compute('settings', better)),
  ];
  return labelNoise(
    repeated,
    done.map((label) => labelledFrame(label).labels),
  );
}

const NAMES: Readonly<Record<Variation, string>> = {
  shift: 'shifted rigidly',
  rotation: 'turned',
  settings: 'other settings',
};

/** Noise of labels as a table, in meV/√atom and meV/Å. */
export function noiseTable(noise: LabelNoise): string {
  const milli = (value: number): string => cell(1000 * value);
  const rows = noise.variations.map(({ variation, count, energy, forces, virial }) => [
    NAMES[variation],
    String(count),
    milli(energy),
    milli(forces),
    milli(virial),
  ]);
  rows.push(['sum of forces', '-', '-', milli(noise.netForce), '-']);
  rows.push(['noise of labels', '-', milli(noise.energy), milli(noise.forces), milli(noise.virial)]);
  return renderTable(
    [
      { header: 'computed again', align: 'left' },
      { header: 'structures' },
      { header: 'energy meV/√atom' },
      { header: 'forces meV/Å' },
      { header: 'virial meV/√atom' },
    ],
    rows,
  );
}
