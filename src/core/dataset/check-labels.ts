/** Findings about units, signs and order of labels, from the relations between energies, forces and stresses. */
import type { Frame } from '../structure/structure.ts';
import type { Finding } from './check-findings.ts';
import {
  type EnergyForceRatio,
  type EnergyMisfits,
  type EnergyStressRelation,
  type ForceComparison,
  isConclusive,
  type JointScale,
  type StressComparison,
} from './check-relations.ts';
import { weightedQuantile } from './check-statistics.ts';
import { explainRatios, explanationText, type LabelRatios, SHEAR_ORDERS } from './check-units.ts';
import { gigapascal } from '../units.ts';

/** What was measured of the relations between labels. */
export interface LabelRelations {
  readonly energyForce: readonly EnergyForceRatio[];
  readonly joint: JointScale | null;
  readonly energyStress: readonly EnergyStressRelation[];
  /** Stress labels against a witness fitted to forces, and to energies in the unit that goes with the forces. */
  readonly stress: readonly StressComparison[];
  /** Force labels of each group against a potential fitted to those of the others. */
  readonly forces: readonly ForceComparison[];
  /** Energies that do not go with the forces of the same structure. */
  readonly misfits: EnergyMisfits | null;
}

/** A ratio is as it should be within this |ln|. */
const CLOSE = 0.25;
/** Two measurements of one ratio agree within this |ln|. */
const AGREE = 0.35;
/** Share of the force variance that the witness may leave unexplained. */
const WEAK_WITNESS = 0.2;
/** Energy misfit of the joint fit up to which its scale is believed. */
const WEAK_ENERGIES = 0.5;
/** A scale must be this much better than 1, nats, before anything is said. */
const GAIN = 1;
/** Cosine of stresses and predictions that makes a comparison believable. */
const STRONG = 0.85;
/** By how much the cosine of another order must be better. */
const BETTER = 0.3;
/** Prediction and label of a believable comparison differ by no more than this factor, once units are right. */
const SAME_SIZE = 3;
/** A ratio is explained by units within this |ln|. */
const MATCH = 0.35;
/** A group's ratio is another than that of the others beyond this |ln|. */
const ODD = 0.6;
/** |Cosine| of a group's forces and those that the others predict, from which it means something. */
const GROUP_FORCES = 0.6;
/** Forces of a group below this size, eV/Å, have a sign of no meaning; so have units where less than that is predicted. */
const FAINT_FORCES = 0.05;
const PREDICTED_FORCES = 0.3;
/** |Cosine| from which the size of a group's forces can be compared. */
const SURE = 0.95;
/** A constant offset below this is no news, GPa. */
const SMALL_OFFSET = 0.5;

const isRight = (ratio: number): boolean => ratio > 0 && Math.abs(Math.log(ratio)) <= CLOSE;
const agree = (a: number, b: number): boolean => a / b > 0 && Math.abs(Math.log(a / b)) <= AGREE;

/** Median of ratios, weighted by their number of observations. */
function medianRatio(ratios: readonly { readonly value: number; readonly count: number }[]): number | null {
  if (ratios.length === 0) return null;
  return weightedQuantile(
    ratios.map(({ value }) => value),
    ratios.map(({ count }) => count),
    0.5,
  );
}

/** Energy labels over what force labels add up to: from near pairs where there are, else from the joint fit. */
export function energyToForce({ energyForce, joint }: LabelRelations): { ratio: number; how: string } | null {
  const pairs = medianRatio(energyForce);
  const fitted =
    joint !== null && joint.forces <= WEAK_WITNESS && joint.energies <= WEAK_ENERGIES
      ? joint.gain > GAIN || isRight(1 / joint.scale)
        ? 1 / joint.scale
        : 1
      : null;
  if (pairs !== null) {
    // Two independent measurements that contradict each other prove nothing.
    if (fitted !== null && !agree(pairs, fitted) && isRight(fitted))
      return { ratio: 1, how: 'the fit of one potential' };
    return { ratio: pairs, how: 'neighbouring structures' };
  }
  return fitted === null ? null : { ratio: fitted, how: 'the fit of one potential' };
}

const believable = (comparison: StressComparison): boolean => Math.abs(comparison.all) >= STRONG;

/** Stress labels over what forces (and energies in their unit) say they are. */
function stressToForce(stress: readonly StressComparison[]): number | null {
  return medianRatio(stress.filter(believable).map(({ ratio, frames }) => ({ value: ratio.value, count: frames })));
}

/** Energy labels over the work of the stress labels. */
function energyToStress(relations: readonly EnergyStressRelation[]): number | null {
  return medianRatio(relations.filter(isConclusive).map(({ slope, pairs }) => ({ value: slope, count: pairs })));
}

function framesWith(
  frames: readonly Frame[],
  kind: keyof Frame['labels'],
  groups: ReadonlySet<string> | null = null,
): number[] {
  return frames.flatMap(({ labels, group }, f) =>
    labels[kind] !== null && (groups === null || groups.has(group)) ? [f] : [],
  );
}

const round = (x: number): number => Number(x.toPrecision(4));

/** `"AIMD", "Elastic"`, or the whole data set where there is one group. */
export function groupNames(groups: readonly string[]): string {
  const shown = groups.slice(0, 6).map((group) => (group === '' ? 'without a group' : `"${group}"`));
  return shown.join(', ') + (groups.length > 6 ? ` and ${groups.length - 6} more` : '');
}

/** The ratios as measured over all groups. */
function measuredRatios(relations: LabelRelations): LabelRatios {
  const energyForce = energyToForce(relations)?.ratio ?? null;
  const energyStress = energyToStress(relations.energyStress);
  const stressForce = stressToForce(relations.stress);
  return { energyForce, energyStress, stressForce };
}

/** Whether every ratio that was measured is as it should be. */
function allRight({ energyForce, energyStress, stressForce }: LabelRatios): boolean {
  return [energyForce, energyStress, stressForce].every((ratio) => ratio === null || isRight(ratio));
}

/** Ratios that concern all groups: where strained cells and the witness disagree about stresses, that is a matter of groups. */
function commonRatios(ratios: LabelRatios): LabelRatios {
  const { energyForce, energyStress, stressForce } = ratios;
  if (energyForce === null || energyStress === null || stressForce === null) return ratios;
  // r = a k holds for labels that are wrong in all groups alike.
  if (agree(energyForce, energyStress * stressForce)) return ratios;
  if (isRight(energyForce) && isRight(stressForce)) return { ...ratios, energyStress: null };
  return { ...ratios, stressForce: null };
}

const CODES = {
  energy: 'ENERGY_UNIT',
  forces: 'FORCE_UNIT',
  gradients: 'FORCE_SIGN',
  stress: 'STRESS_UNIT',
  compression: 'STRESS_SIGN',
} as const;

/** What the units of energies, forces and stresses look like. */
function unitFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  const measured = measuredRatios(relations);
  const ratios = commonRatios(measured);
  if (allRight(ratios)) return [];
  const names = {
    energyForce: 'energyOverForceWork',
    energyStress: 'energyOverStressWork',
    stressForce: 'stressOverForces',
  } as const;
  const evidence: Record<string, number> = {};
  for (const key of ['energyForce', 'energyStress', 'stressForce'] as const)
    if (ratios[key] !== null) evidence[names[key]] = round(ratios[key]);
  const said = [
    ratios.energyForce === null ? '' : `energies change by ${round(ratios.energyForce)} of what the forces add up to`,
    ratios.energyStress === null ? '' : `by ${round(ratios.energyStress)} of the work of the stresses`,
    ratios.stressForce === null
      ? ''
      : `stresses are ${round(ratios.stressForce)} times what a potential of these forces gives`,
  ].filter((text) => text !== '');
  const explanations = explainRatios(ratios, MATCH);
  const [best] = explanations;
  const texts = explanations.map(explanationText).filter((text) => text !== '');
  const kinds: (keyof typeof CODES)[] =
    best === undefined
      ? []
      : [
          ...(best.energy.factor === 1 ? [] : (['energy'] as const)),
          ...(best.forces.factor === 1 ? (best.gradients ? (['gradients'] as const) : []) : (['forces'] as const)),
          ...(best.stress.factor === 1 ? (best.compression ? (['compression'] as const) : []) : (['stress'] as const)),
        ];
  const label = {
    energy: 'energy',
    forces: 'forces',
    gradients: 'forces',
    stress: 'virial',
    compression: 'virial',
  } as const;
  const concerned = new Set(kinds.flatMap((kind) => framesWith(frames, label[kind])));
  if (best !== undefined && kinds.length === 0) return [];
  return [
    {
      code: kinds.length === 0 ? 'LABELS_DISAGREE' : kinds.map((kind) => CODES[kind]).join('+'),
      severity: 'error',
      message: `${said.join(', ')}${said.length > 1 ? ' (each should be 1)' : ' (it should be 1)'}${texts.length > 0 ? `: ${texts.join('; or ')}` : ''}`,
      evidence,
      frames: kinds.length === 0 ? framesWith(frames, 'energy') : [...concerned].sort((a, b) => a - b),
      advice:
        'convert energies to eV, forces to eV/Å (minus the gradient) and stresses to eV/Å³, positive under tension (VASP writes kbar, positive under compression: divide by −1602.1766)',
    },
  ];
}

/** Groups in which shear components stand in another order. */
function orderFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  const byGroup = new Map<string, { order: number; evidence: Record<string, number | string> }>();
  const scale = stressToForce(relations.stress) ?? 1;
  for (const { group, order, shear, shearAsGiven, ratio, frames: count } of relations.stress) {
    const sized = Math.abs(Math.log(Math.abs(ratio.value / scale))) <= Math.log(SAME_SIZE);
    // Signs of shear and of the whole must be the same, or it is no order that is wrong.
    const sameSign = shear * ratio.value > 0;
    if (
      order === 0 ||
      !sized ||
      !sameSign ||
      Math.abs(shear) < STRONG ||
      Math.abs(shear) - Math.abs(shearAsGiven) < BETTER
    )
      continue;
    byGroup.set(group, {
      order,
      evidence: { cosineAsGiven: round(shearAsGiven), cosineReordered: round(shear), structures: count },
    });
  }
  for (const relation of relations.energyStress) {
    const { group, order, orderMisfit, pairs } = relation;
    if (!isConclusive(relation)) continue;
    if (order === 0) {
      // Strained cells say that the order is right: that is better evidence than a fit.
      if (orderMisfit[0] <= 0.2) byGroup.delete(group);
      continue;
    }
    if (!(orderMisfit[0] > 0.4 && orderMisfit[1] < 0.5 * orderMisfit[0])) continue;
    byGroup.set(group, {
      order,
      evidence: { misfitAsGiven: round(orderMisfit[0]), misfitReordered: round(orderMisfit[1]), pairs },
    });
  }
  const orders = new Map<number, string[]>();
  for (const [group, { order }] of byGroup) orders.set(order, [...(orders.get(order) ?? []), group]);
  return [...orders].map(([order, groups]): Finding => {
    const { name } = SHEAR_ORDERS[order]!;
    const evidence = Object.fromEntries(
      groups.flatMap((group) =>
        Object.entries(byGroup.get(group)!.evidence).map(([key, value]) => [
          group === '' ? key : `${group}.${key}`,
          value,
        ]),
      ),
    );
    return {
      code: 'STRESS_ORDER',
      severity: 'error',
      message: `shear stresses of group ${groupNames(groups)} stand in the order ${name}, but were read as xx yy zz yz xz xy`,
      evidence,
      frames: framesWith(frames, 'virial', new Set(groups)),
      advice: `write the stress as a 3×3 matrix, or its six numbers as xx yy zz yz xz xy (the source has ${name})`,
    };
  });
}

/** What a ratio of one group to the others may come from. */
function groupGuess(ratios: LabelRatios, only: 'forces' | 'stress'): string {
  const texts = explainRatios(ratios, MATCH, only).map(explanationText);
  return texts.length > 0 && texts[0] !== '' ? `: ${texts.filter((text) => text !== '').join('; or ')}` : '';
}

/** Groups whose labels stand in another unit or sign than those of the others. */
function oddGroupFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  const findings: Finding[] = [];
  const odd = (code: string, kind: 'forces' | 'virial', group: string, ratio: number, ratios: LabelRatios): void => {
    const guess = groupGuess(ratios, kind === 'forces' ? 'forces' : 'stress');
    findings.push({
      code,
      severity: guess === '' ? 'warning' : 'error',
      message: `${kind === 'forces' ? 'forces' : 'stresses'} of group ${groupNames([group])} are ${round(ratio)} times what they should be, unlike those of the others${guess}`,
      evidence: { ratio: round(ratio) },
      frames: framesWith(frames, kind, new Set([group])),
      advice: `convert the ${kind === 'forces' ? 'forces' : 'stresses'} of this group like those of the others, or leave it out`,
    });
  };
  const none: LabelRatios = { energyForce: null, energyStress: null, stressForce: null };
  const overall = measuredRatios(relations);
  if (!allRight(commonRatios(overall))) return findings;
  if (overall.energyForce === null || isRight(overall.energyForce)) {
    const pairs = new Map(relations.energyForce.map(({ group, value }) => [group, value]));
    const wrong = new Map<string, number>();
    for (const [group, value] of pairs)
      if (pairs.size > 1 && !(value > 0 && Math.abs(Math.log(value)) <= ODD)) wrong.set(group, 1 / value);
    for (const { group, cosine, ratio, size } of relations.forces) {
      // Neighbouring structures are the better witness where they speak.
      if (pairs.has(group)) continue;
      const opposite = cosine <= -GROUP_FORCES && size >= FAINT_FORCES;
      const scaled =
        Math.abs(cosine) >= SURE &&
        size / Math.abs(ratio) >= PREDICTED_FORCES &&
        Math.abs(Math.log(Math.abs(ratio))) > Math.log(SAME_SIZE);
      if (opposite || scaled) wrong.set(group, ratio);
    }
    for (const [group, ratio] of wrong)
      odd('GROUP_FORCES', 'forces', group, ratio, { ...none, stressForce: 1 / ratio });
  }
  // Groups by strained cells, others by the witness; each against what the majority says.
  const slopes = new Map(relations.energyStress.filter(isConclusive).map(({ group, slope }) => [group, 1 / slope]));
  const { stressForce, energyStress } = overall;
  const reference =
    stressForce !== null && isRight(stressForce)
      ? stressForce
      : energyStress !== null && isRight(energyStress)
        ? 1 / energyStress
        : null;
  if (reference === null) return findings;
  for (const [group, scale] of slopes)
    if (!(scale > 0 && Math.abs(Math.log(scale)) <= ODD))
      odd('GROUP_STRESS', 'virial', group, scale, { ...none, stressForce: scale });
  for (const comparison of relations.stress) {
    const { group, ratio } = comparison;
    if (!believable(comparison) || slopes.has(group)) continue;
    const relative = ratio.value / (stressForce !== null && isRight(stressForce) ? stressForce : 1);
    if (!(relative > 0 && Math.abs(Math.log(relative)) <= Math.log(SAME_SIZE)))
      odd('GROUP_STRESS', 'virial', group, relative, { ...none, stressForce: relative });
  }
  return findings;
}

/** Constant offsets between stresses and the energies of strained cells. */
function offsetFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  const found = relations.energyStress.filter((relation) => {
    const { slope, misfit, plainMisfit, offset } = relation;
    return (
      isConclusive(relation) &&
      isRight(slope) &&
      plainMisfit > 1.3 * misfit &&
      Math.abs(gigapascal(offset)) >= SMALL_OFFSET &&
      plainMisfit > 0.05
    );
  });
  if (found.length === 0) return [];
  const evidence: Record<string, number> = {};
  for (const { group, offset, plainSlope, slope } of found) {
    const name = (key: string): string => (group === '' ? key : `${group}.${key}`);
    evidence[name('offsetGPa')] = round(gigapascal(offset));
    evidence[name('slopeWithout')] = round(plainSlope);
    evidence[name('slopeWith')] = round(slope);
  }
  const largest = found.reduce((x, y) => (Math.abs(y.offset) > Math.abs(x.offset) ? y : x));
  const groups = found.map(({ group }) => group);
  const plural = found.length > 1 ? 'up to ' : '';
  return [
    {
      code: 'STRESS_OFFSET',
      severity: 'warning',
      message: `energies of strained cells of group ${groupNames(groups)} do not go with their stresses: a constant hydrostatic stress of ${plural}${round(gigapascal(largest.offset))} GPa lies between them (slope of dE against V σ:ε ${round(largest.plainSlope)}, with the offset ${round(largest.slope)})`,
      evidence,
      frames: framesWith(frames, 'virial', new Set(groups)),
      advice:
        'plane-wave codes leave such a Pulay stress; the fit takes up one offset for all labels: where it is that of one group only, give its energies or stresses a small weight',
    },
  ];
}

/** Groups whose energies and stresses go together in no way. */
function unrelatedFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  const good = relations.energyStress.filter(isConclusive);
  // One group alone may be beyond the trapezoid; many pairs at small strain with a mess are worth a word.
  if (!allRight(measuredRatios(relations))) return [];
  return relations.energyStress
    .filter((relation) => !isConclusive(relation) && relation.pairs >= 30 && relation.misfit > 0.8 && good.length > 0)
    .map(
      ({ group, misfit, pairs, slope }): Finding => ({
        code: 'ENERGY_STRESS',
        severity: 'warning',
        message: `energies of strained cells of group ${groupNames([group])} do not follow their stresses: ${Math.round(100 * misfit)} % of the differences remain`,
        evidence: { misfit: round(misfit), slope: round(slope), pairs },
        frames: framesWith(frames, 'virial', new Set([group])),
        advice: 'look at k-points and cutoff of this group, or give its energies a small weight',
      }),
    );
}

/** Single energies that a potential of the forces does not give. */
function misfitFindings(relations: LabelRelations): Finding[] {
  const { misfits } = relations;
  if (misfits === null || relations.joint === null || relations.joint.forces > WEAK_WITNESS) return [];
  const { beyond: frames, deviation, farthest } = misfits;
  if (frames.length === 0) return [];
  return [
    {
      code: 'ENERGY_MISFIT',
      severity: 'warning',
      message: `energies of ${frames.length} ${frames.length === 1 ? 'structure does' : 'structures do'} not go with their forces: up to ${farthest.toPrecision(3)} eV/atom from what a potential of the forces gives, where the others scatter by ${(1000 * deviation).toPrecision(2)} meV/atom`,
      evidence: { farthest: round(farthest), deviation: round(deviation), structures: frames.length },
      frames,
      advice: 'look at these calculations: an SCF that did not converge, another cell, another unit',
    },
  ];
}

/** Everything that the relations between labels say. */
export function labelFindings(frames: readonly Frame[], relations: LabelRelations): Finding[] {
  return [
    ...unitFindings(frames, relations),
    ...orderFindings(frames, relations),
    ...oddGroupFindings(frames, relations),
    ...offsetFindings(frames, relations),
    ...unrelatedFindings(frames, relations),
    ...misfitFindings(relations),
  ];
}
