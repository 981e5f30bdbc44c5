import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';
import type { ObservationKind, PerKind } from '../regression/regression.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import { transformRows } from '../structure/cell.ts';
import { inverseRotation, randomRotation, rotated, rotatedTensor, shifted } from '../structure/rigid-motion.ts';
import type { Labels, Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';

/** How a label is computed a second time. `settings`: as it is, with other settings of the reference (a denser mesh). */
export const VARIATIONS = ['shift', 'rotation', 'settings'] as const;
/** Name of such a way. */
export type Variation = (typeof VARIATIONS)[number];

/** A structure to compute again, and how to turn its labels back. */
export interface Repeat {
  readonly variation: Variation;
  readonly structure: Structure;
  /** [9] the rotation that was applied; null where none was. */
  readonly rotation: Float64Array | null;
}

/** The structure moved rigidly by up to 0.5 Å along each axis, or turned at random; unchanged for `settings`. */
export function repeatOf(structure: Structure, variation: Variation, random: RandomStream): Repeat {
  if (variation === 'settings') return { variation, structure, rotation: null };
  if (variation === 'shift') {
    const vector = [0, 1, 2].map(() => random.uniform() - 0.5);
    return { variation, structure: shifted(structure, vector), rotation: null };
  }
  const rotation = randomRotation(random);
  return { variation, structure: rotated(structure, rotation), rotation };
}

/** A label computed twice; the second one belongs to the repeat. */
export interface RepeatedLabel {
  readonly repeat: Repeat;
  readonly first: Labels;
  readonly second: Labels;
}

/** Disagreement of labels computed twice, root mean square. */
export interface VariationNoise extends PerKind<number> {
  readonly variation: Variation;
  /** How many structures. */
  readonly count: number;
}

/**
 * Noise of labels: standard deviation of energies eV/√atom, of force components eV/Å, of virials eV/√atom, as the noise of a
 * fit counts them. NaN where there are no such labels.
 */
export interface LabelNoise extends PerKind<number> {
  /** √(⟨|Σ F|²⟩/3N), eV/Å: forces of a potential add up to nothing, independent errors do not. 0 where the code removes the sum. */
  readonly netForce: number;
  readonly variations: readonly VariationNoise[];
}

const meanSquare = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, x) => sum + x * x, 0) / values.length;

/** Differences second − first of one pair, by kind, energies and virials over √N; the labels of the repeat turned back. */
function differencesOf({ repeat, first, second }: RepeatedLabel): PerKind<number[]> {
  const root = Math.sqrt(atomCount(repeat.structure));
  const back = repeat.rotation === null ? null : inverseRotation(repeat.rotation);
  const forces = second.forces === null || back === null ? second.forces : transformRows(second.forces, back);
  const virial = second.virial === null || back === null ? second.virial : rotatedTensor(second.virial, back);
  return {
    energy: first.energy === null || second.energy === null ? [] : [(second.energy - first.energy) / root],
    forces: first.forces === null || forces === null ? [] : Array.from(forces, (f, k) => f - first.forces![k]!),
    virial:
      first.virial === null || virial === null ? [] : Array.from(virial, (w, c) => (w - first.virial![c]!) / root),
  };
}

/**
 * Noise of one variation. A label and its copy that was shifted or turned are equally noisy, so each has half of the
 * variance of their difference. Other settings are taken to be better ones: the whole difference is the noise of the
 * labels, but for an energy per atom that is common to all, which a fit takes up in its reference energies.
 */
function noiseOf(variation: Variation, labels: readonly RepeatedLabel[]): VariationNoise {
  const differences = labels.map(differencesOf);
  const pooled = (kind: ObservationKind): number[] => differences.flatMap((one) => one[kind]);
  if (variation !== 'settings') {
    const of = (kind: ObservationKind): number => Math.sqrt(meanSquare(pooled(kind)) / 2);
    return { variation, count: labels.length, energy: of('energy'), forces: of('forces'), virial: of('virial') };
  }
  const energies = labels.flatMap(({ repeat }, k) => {
    const root = Math.sqrt(atomCount(repeat.structure));
    return differences[k]!.energy.map((value) => ({ value, root }));
  });
  const weight = energies.reduce((sum, { root }) => sum + root * root, 0);
  const common = energies.length < 2 ? 0 : energies.reduce((sum, { value, root }) => sum + value * root, 0) / weight;
  const freedom = energies.length < 2 ? 1 : energies.length / (energies.length - 1);
  const left = energies.map(({ value, root }) => value - common * root);
  return {
    variation,
    count: labels.length,
    energy: Math.sqrt(meanSquare(left) * freedom),
    forces: Math.sqrt(meanSquare(pooled('forces'))),
    virial: Math.sqrt(meanSquare(pooled('virial'))),
  };
}

const squareOrZero = (value: number): number => (Number.isNaN(value) ? 0 : value * value);

/**
 * Noise of labels from some that were computed twice. Shift, rotation and net force see the same errors (the grid in space),
 * so the largest counts; other settings see different ones, which add to it in squares.
 *
 * @param first labels whose net force counts; all that were computed, also those that were not repeated
 * @throws InputError `NO_REPEATS` without any repeat
 */
export function labelNoise(repeats: readonly RepeatedLabel[], first: readonly Labels[]): LabelNoise {
  if (repeats.length === 0)
    throw new InputError('NO_REPEATS', 'repeated labels must be at least one, got none to find noise from');
  const variations = VARIATIONS.flatMap((variation) => {
    const own = repeats.filter(({ repeat }) => repeat.variation === variation);
    return own.length === 0 ? [] : [noiseOf(variation, own)];
  });
  const sums = first.flatMap(({ forces }) => {
    if (forces === null) return [];
    const sum = [0, 0, 0];
    forces.forEach((f, k) => {
      sum[k % 3]! += f;
    });
    return sum.map((s) => s / Math.sqrt(forces.length / 3));
  });
  const netForce = Math.sqrt(meanSquare(sums));
  const total = (kind: ObservationKind): number => {
    const of = (variation: Variation): number =>
      variations.find((one) => one.variation === variation)?.[kind] ?? Number.NaN;
    const known = [of('shift'), of('rotation'), of('settings')];
    if (known.every((value) => Number.isNaN(value))) return Number.NaN;
    const grid = Math.max(
      squareOrZero(of('shift')),
      squareOrZero(of('rotation')),
      kind === 'forces' ? squareOrZero(netForce) : 0,
    );
    return Math.sqrt(grid + squareOrZero(of('settings')));
  };
  const noise = Object.fromEntries(OBSERVATION_KINDS.map((kind) => [kind, total(kind)])) as PerKind<number>;
  return { ...noise, netForce, variations };
}
