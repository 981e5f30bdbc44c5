/** Whether energy, force and stress labels go together: the three ratios of their units, each measured in its own way. */
import { cellVolume } from '../structure/cell.ts';
import type { Frame } from '../structure/structure.ts';
import { type FramePair, nearPairs, stressWork } from './check-pairs.ts';
import { cosine, type Ratio, robustRatio, trimmedFit } from './check-statistics.ts';
import { SHEAR_ORDERS } from './check-units.ts';
import { type EnergyRows, jointMisfit, type WitnessPrediction, type WitnessSystem } from './check-witness.ts';

/** Pairs along which an atom moves further say little: the trapezoid is no longer good, Å. */
const FAR = 0.5;
/** Strains within which the trapezoid of stresses is good, and below which there is none. */
const LARGE_STRAIN = 0.06;
const NO_STRAIN = 1e-5;
/** Pairs that a ratio needs. */
const FEW_PAIRS = 6;
/** Largest spread of a ratio that is believed, relative. */
const WIDE = 0.3;
/** Misfit of the pairs' energies up to which stress and energy are taken to go together. */
const MISFIT = 0.2;

/** Ratio of energy labels to the work of the force labels, from pairs of frames that are near each other. */
export interface EnergyForceRatio extends Ratio {
  readonly group: string;
}

/** The ratio in each group that has enough near pairs that agree. */
export function energyForceRatios(frames: readonly Frame[], pairs: readonly FramePair[]): EnergyForceRatio[] {
  const out: EnergyForceRatio[] = [];
  for (const [group, own] of pairsByGroup(frames, pairs)) {
    const near = own.filter(
      (pair) => pair.strain < NO_STRAIN && pair.displacement <= FAR && Number.isFinite(pair.forceWork),
    );
    const ratio = robustRatio(
      near.map((pair) => pair.forceWork),
      near.map((pair) => pair.energy),
    );
    if (ratio.count >= FEW_PAIRS && ratio.spread <= WIDE * Math.abs(ratio.value)) out.push({ group, ...ratio });
  }
  return out;
}

function pairsByGroup(frames: readonly Frame[], pairs: readonly FramePair[]): Map<string, FramePair[]> {
  const groups = new Map<string, FramePair[]>();
  for (const pair of pairs) {
    const { group } = frames[pair.a]!;
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [pair]);
    else list.push(pair);
  }
  return groups;
}

/** Near pairs within the groups of a data set. */
export function pairsWithinGroups(frames: readonly Frame[]): FramePair[] {
  return nearPairs(
    frames,
    frames.map((_, f) => f),
    true,
  );
}

/** How energies and stresses of one group go together, under the order of shear components that fits best. */
export interface EnergyStressRelation {
  readonly group: string;
  readonly pairs: number;
  /** dE over the work of the stress labels, an offset of the stress allowed for. */
  readonly slope: number;
  /** The same without an offset. */
  readonly plainSlope: number;
  /** Constant hydrostatic offset of the stress labels, eV/Å³ (in their unit). */
  readonly offset: number;
  /** Σ|dE − work| over Σ|dE|, with the offset and without. */
  readonly misfit: number;
  readonly plainMisfit: number;
  /** Index of the order in `SHEAR_ORDERS`; 0 is as it should be. */
  readonly order: number;
  /** Misfit of the pairs with shear if the order were as it should be, and under `order`. */
  readonly orderMisfit: readonly [number, number];
}

/** Virial [6] of labels whose shear components stand in another order. */
function reordered(virial: ArrayLike<number>, order: number): Float64Array {
  const { sources } = SHEAR_ORDERS[order]!;
  const out = Float64Array.from(virial);
  // Component c of what was read holds component sources[c − 3] of the truth.
  sources.forEach((source, k) => {
    out[source] = virial[3 + k]!;
  });
  return out;
}

const hydrostatic = (frame: Frame): ArrayLike<number> => {
  const v = -cellVolume(frame.structure.cell!);
  return [v, v, v, 0, 0, 0];
};

/** Σ|y − x| over Σ|y|. */
function misfitOf(y: readonly number[], fitted: readonly number[]): number {
  let [difference, size] = [0, 0];
  y.forEach((value, k) => {
    difference += Math.abs(value - fitted[k]!);
    size += Math.abs(value);
  });
  return size > 0 ? difference / size : Number.NaN;
}

/** Relation of energies and stresses in each group with enough pairs of strained cells. */
export function energyStressRelations(frames: readonly Frame[], pairs: readonly FramePair[]): EnergyStressRelation[] {
  const out: EnergyStressRelation[] = [];
  const labelled = (f: number): boolean => {
    const { labels, structure } = frames[f]!;
    return labels.virial !== null && !labels.virial.some((w) => Number.isNaN(w)) && structure.pbc.every(Boolean);
  };
  for (const [group, own] of pairsByGroup(frames, pairs)) {
    const strained = own.filter(
      ({ a, b, strain, displacement }) =>
        strain > NO_STRAIN && strain <= LARGE_STRAIN && displacement <= FAR && labelled(a) && labelled(b),
    );
    if (strained.length < FEW_PAIRS) continue;
    const energies = strained.map((pair) => pair.energy - (Number.isNaN(pair.forceWork) ? 0 : pair.forceWork));
    const pressure = strained.map((pair) => stressWork(pair, (f) => hydrostatic(frames[f]!)));
    const works = SHEAR_ORDERS.map((_, order) =>
      strained.map((pair) => stressWork(pair, (f) => reordered(frames[f]!.labels.virial!, order))),
    );
    const relation = bestRelation(group, strained, energies, pressure, works);
    if (relation !== null) out.push(relation);
  }
  return out;
}

/** Share of the strain that must be shear for a pair to tell the order of components. */
const SHEARED = 0.5;

function bestRelation(
  group: string,
  pairs: readonly FramePair[],
  energies: readonly number[],
  pressure: readonly number[],
  works: readonly (readonly number[])[],
): EnergyStressRelation | null {
  const size = (values: ArrayLike<number>, from: number, to: number): number => {
    let sum = 0;
    for (let c = from; c < to; c++) sum += values[c]! * values[c]!;
    return sum;
  };
  const sheared = pairs
    .map((_, k) => k)
    .filter((k) => size(pairs[k]!.strainA, 3, 6) > SHEARED * size(pairs[k]!.strainA, 0, 6));
  // Under a wrong order the sheared pairs are the outliers: the line is drawn through all pairs of the best order.
  let best: { order: number; slope: number; offset: number; misfit: number } | null = null;
  const shearMisfits: number[] = [];
  for (const [order, work] of works.entries()) {
    const rows = Float64Array.from(work.flatMap((w, k) => [w, pressure[k]!]));
    const fit = trimmedFit(rows, energies, 2);
    if (fit === null) return null;
    const [slope, coefficient] = [fit.coefficients[0]!, fit.coefficients[1]!];
    const fitted = work.map((w, k) => slope * w + coefficient * pressure[k]!);
    const misfit = misfitOf(energies, fitted);
    const own = (values: readonly number[]): number[] => sheared.map((k) => values[k]!);
    shearMisfits.push(sheared.length >= FEW_PAIRS ? misfitOf(own(energies), own(fitted)) : Number.NaN);
    const candidate = { order, slope, offset: -coefficient / slope, misfit };
    // The order as it should be stands first and is left only for one that is clearly better.
    if (best === null || misfit < 0.6 * best.misfit) best = candidate;
  }
  const { order, slope, offset, misfit } = best!;
  const plain = robustRatio(works[order]!, energies);
  return {
    group,
    pairs: pairs.length,
    slope,
    plainSlope: plain.value,
    offset,
    misfit,
    plainMisfit: misfitOf(
      energies,
      works[order]!.map((w) => plain.value * w),
    ),
    order,
    orderMisfit: [shearMisfits[0]!, shearMisfits[order]!],
  };
}

/** Whether a relation is good enough to conclude from. */
export function isConclusive(relation: EnergyStressRelation): boolean {
  return relation.misfit <= MISFIT && relation.pairs >= FEW_PAIRS;
}

/** Scale of energy labels that best goes with force labels, by the fit of one potential to both. */
export interface JointScale {
  /** By which energies must be multiplied. */
  readonly scale: number;
  /** Share of the variance of forces, and of energies, that remains there. */
  readonly forces: number;
  readonly energies: number;
  /** ln of the misfit of labels as they are over the best one. */
  readonly gain: number;
}

/** Scales are looked for up to this factor either way. */
const WIDEST = 3000;
const STEP = 1.6;

/** Looks for the scale of energies, either sign, at which forces and energies are met best together (product of misfits). */
export function bestEnergyScale(system: WitnessSystem, energies: EnergyRows): JointScale {
  const score = (scale: number): number => {
    const { forces, energies: rest } = jointMisfit(system, energies, scale);
    return Math.log(Math.max(forces, 1e-12)) + Math.log(Math.max(rest, 1e-12));
  };
  const asGiven = score(1);
  let [best, least] = [1, asGiven];
  for (const sign of [1, -1])
    for (let size = 1 / WIDEST; size <= WIDEST; size *= STEP) {
      const value = score(sign * size);
      if (value < least) [best, least] = [sign * size, value];
    }
  // Golden sections around the best point of the grid.
  const shrink = (Math.sqrt(5) - 1) / 2;
  const sign = Math.sign(best);
  let [low, high] = [Math.log(Math.abs(best) / STEP), Math.log(Math.abs(best) * STEP)];
  const at = (x: number): number => score(sign * Math.exp(x));
  let [x1, x2] = [high - shrink * (high - low), low + shrink * (high - low)];
  let [y1, y2] = [at(x1), at(x2)];
  for (let step = 0; step < 12; step++) {
    if (y1 < y2) {
      [high, x2, y2] = [x2, x1, y1];
      x1 = high - shrink * (high - low);
      y1 = at(x1);
    } else {
      [low, x1, y1] = [x1, x2, y2];
      x2 = low + shrink * (high - low);
      y2 = at(x2);
    }
  }
  const scale = sign * Math.exp(0.5 * (low + high));
  const misfit = jointMisfit(system, energies, scale);
  return { scale, ...misfit, gain: asGiven - Math.min(least, y1, y2) };
}

/** Energies that do not fit with the forces of the same frames, while those of the others do. */
export interface EnergyMisfits {
  readonly frames: readonly number[];
  /** Those of them that are so far off that no extrapolation of the witness explains it. */
  readonly beyond: readonly number[];
  /** Robust standard deviation of the others, eV/atom. */
  readonly deviation: number;
  /** The farthest, eV/atom. */
  readonly farthest: number;
}

/** Robust standard deviations, and eV/atom, beyond which an energy does not fit. */
const MISFIT_DEVIATIONS = 15;
const LEAST_MISFIT = 0.05;
/** The same for what is called wrong. */
const BEYOND_DEVIATIONS = 80;
/** Share of the frames that may be such; where there are more, it is the witness that does not fit. */
const FEW_MISFITS = 0.1;

/**
 * Energies per atom against those of a fit to the forces alone, scale and reference energies by a robust line: which lie
 * off it. Null where there are none, or too many to be exceptions.
 */
export function energyMisfits(frames: readonly Frame[], byForces: readonly WitnessPrediction[]): EnergyMisfits | null {
  const used = byForces.filter(({ frame }) => frames[frame]!.labels.energy !== null);
  const species = [...new Set(used.flatMap(({ frame }) => [...new Set(frames[frame]!.structure.species)]))];
  const width = 1 + species.length;
  if (used.length < 3 * width + 6) return null;
  const rows = new Float64Array(used.length * width);
  const labels = used.map(({ frame, energy }, k) => {
    const list = frames[frame]!.structure.species;
    rows[k * width] = energy / list.length;
    for (const z of list) rows[k * width + 1 + species.indexOf(z)]! += 1 / list.length;
    return frames[frame]!.labels.energy! / list.length;
  });
  const fit = trimmedFit(rows, labels, width);
  if (fit === null) return null;
  const limit = Math.max(MISFIT_DEVIATIONS * fit.deviation, LEAST_MISFIT * Math.abs(fit.coefficients[0]!));
  const far = used.map((_, k) => k).filter((k) => Math.abs(fit.residuals[k]!) > limit);
  if (far.length === 0 || far.length > FEW_MISFITS * used.length) return null;
  const farthest = far.reduce(
    (worst, k) => (Math.abs(fit.residuals[k]!) > Math.abs(worst) ? fit.residuals[k]! : worst),
    0,
  );
  const framesOf = (list: readonly number[]): number[] => list.map((k) => used[k]!.frame);
  const beyond = far.filter((k) => Math.abs(fit.residuals[k]!) > BEYOND_DEVIATIONS * fit.deviation);
  return { frames: framesOf(far), beyond: framesOf(beyond), deviation: fit.deviation, farthest };
}

/** How the stress labels of one group compare with those of the witness. */
export interface StressComparison {
  readonly group: string;
  readonly frames: number;
  /** Index of the order of shear components in `SHEAR_ORDERS` that compares best. */
  readonly order: number;
  /** Cosine of shear labels and predictions under that order, and as they stand. */
  readonly shear: number;
  readonly shearAsGiven: number;
  /** Cosine of deviatoric diagonal components. */
  readonly diagonal: number;
  /** Label over prediction, shear (in the best order) and deviatoric diagonal together. */
  readonly ratio: Ratio;
  /** Cosine of all of them. */
  readonly all: number;
}

/** Fewest frames of a group for a comparison. */
const FEW_FRAMES = 5;

/** Compares stress labels with the predictions of the witness, group by group. */
export function compareStresses(
  frames: readonly Frame[],
  predictions: readonly WitnessPrediction[],
): StressComparison[] {
  const groups = new Map<string, WitnessPrediction[]>();
  for (const prediction of predictions) {
    const { labels, structure, group } = frames[prediction.frame]!;
    if (labels.virial === null || !structure.pbc.every(Boolean) || labels.virial.some((w) => Number.isNaN(w))) continue;
    const list = groups.get(group);
    if (list === undefined) groups.set(group, [prediction]);
    else list.push(prediction);
  }
  const out: StressComparison[] = [];
  for (const [group, list] of groups) {
    if (list.length < FEW_FRAMES) continue;
    const stress = (virial: ArrayLike<number>, frame: number): number[] => {
      const volume = cellVolume(frames[frame]!.structure.cell!);
      return Array.from({ length: 6 }, (_, c) => -virial[c]! / volume);
    };
    const labels = list.map(({ frame }) => stress(frames[frame]!.labels.virial!, frame));
    const predicted = list.map(({ frame, virial }) => stress(virial, frame));
    const deviatoric = (s: readonly number[]): number[] => {
      const mean = (s[0]! + s[1]! + s[2]!) / 3;
      return [s[0]! - mean, s[1]! - mean, s[2]! - mean];
    };
    const diagonals = [labels.flatMap(deviatoric), predicted.flatMap(deviatoric)] as const;
    const shearOf = (order: number): number[] => labels.flatMap((s) => Array.from(reordered(s, order).subarray(3)));
    const shears = predicted.flatMap((s) => s.slice(3));
    const cosines = SHEAR_ORDERS.map((_, order) => cosine(shearOf(order), shears));
    let order = 0;
    cosines.forEach((value, k) => {
      if (Math.abs(value) > Math.abs(cosines[order]!) + 0.05) order = k;
    });
    const all = [
      [...diagonals[0], ...shearOf(order)],
      [...diagonals[1], ...shears],
    ] as const;
    out.push({
      group,
      frames: list.length,
      order,
      shear: cosines[order]!,
      shearAsGiven: cosines[0]!,
      diagonal: cosine(...diagonals),
      ratio: robustRatio(all[1], all[0]),
      all: cosine(...all),
    });
  }
  return out;
}

/** How the force labels of one group compare with those of a potential fitted to the other groups. */
export interface ForceComparison {
  readonly group: string;
  readonly cosine: number;
  /** Size of labels over predictions, with the sign of the cosine. */
  readonly ratio: number;
  /** Root mean square of the labels, eV/Å. */
  readonly size: number;
}

/** Compares force labels of each group with predictions of a fit that did not see it. */
export function compareForces(
  frames: readonly Frame[],
  byOthers: ReadonlyMap<string, readonly WitnessPrediction[]>,
): ForceComparison[] {
  return [...byOthers].map(([group, predictions]) => {
    const labels: number[] = [];
    const predicted: number[] = [];
    for (const { frame, forces } of predictions) {
      const own = frames[frame]!.labels.forces!;
      for (let k = 0; k < forces.length; k++) {
        labels.push(own[k]!);
        predicted.push(forces[k]!);
      }
    }
    const alike = cosine(labels, predicted);
    const size = (values: readonly number[]): number =>
      Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / Math.max(1, values.length));
    return { group, cosine: alike, ratio: (Math.sign(alike) * size(labels)) / size(predicted), size: size(labels) };
  });
}
