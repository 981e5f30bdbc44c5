import type { ReferenceEnergies } from '../../core/dataset/dataset.ts';
import type { AceSpecification } from '../../core/descriptors/ace/basis.ts';
import { zblCore } from '../../core/descriptors/ace/presets.ts';
import { NumericalError } from '../../core/errors.ts';
import { unpackFactors } from '../../core/regression/packed.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { TaskPool } from '../workers/pool.ts';
import { candidatesFor, USUAL_FUNCTIONS } from './candidates.ts';
import type { CutoffChoice, CutoffTrial, NaturalSetting } from './choose-basis.ts';
import { chooseBasis } from './choose-basis.ts';
import { firstPass } from './first-pass.ts';
import { priorOfColumns } from './fit-prior.ts';
import { mergedFolds } from './merge-tree.ts';
import { observationOf } from './observation.ts';
import type { FitSettings } from './settings.ts';
import { trainingFolds } from './training-folds.ts';

/** Shorter cutoffs that are tried one after the other, relative to that of the rule, as long as they lower the loss. */
const SHORTER = [0.9, 0.8];
/** Another cutoff than that of the rule must lower the left-out loss by this share: coarse bases prefer shorter ones. */
const WORTH = 0.05;
/** Functions of the basis that judges, least atoms of its sample, about, and folds. */
const FUNCTIONS = 800;
const ATOMS = 3000;
const FOLDS = 3;
/** Where the sample would have to be larger the rule stands: on so many data it was not measured. */
const MOST_ATOMS = 4500;
/** The rule was measured on elements; and with more than four there is no small basis. */
const ELEMENTS = { least: 2, most: 4 };

/** The specification with another cutoff for every pair: cores follow, since they end there. */
export function withCutoff(specification: AceSpecification, cutoff: number): AceSpecification {
  const { elements } = specification;
  return {
    ...specification,
    pairs: specification.pairs.map((row, i) =>
      row.map(({ innerCutoff, innerWidth }, j) => {
        const range = { cutoff, innerCutoff, innerWidth };
        const [a, b] = i <= j ? [elements[i]!, elements[j]!] : [elements[j]!, elements[i]!];
        return { ...range, core: zblCore(a, b, range) };
      }),
    ),
  };
}

/** Every so manieth frame, so that there are about so many atoms, but at least four times as many frames as folds. */
function sampleOf(frames: readonly Frame[], atoms: number, folds: number): readonly Frame[] {
  const all = frames.reduce((sum, { structure }) => sum + atomCount(structure), 0);
  const wanted = Math.max(Math.ceil((frames.length * atoms) / all), 4 * folds);
  if (wanted >= frames.length) return frames;
  return Array.from({ length: wanted }, (_, k) => frames[Math.floor(((k + 0.5) * frames.length) / wanted)]!);
}

/** Whether every fold of a sample can have energies and forces. */
function judges(sample: readonly Frame[], folds: number): boolean {
  return (['energy', 'forces'] as const).every(
    (kind) => sample.filter(({ labels }) => labels[kind] !== null).length >= 2 * folds,
  );
}

/** What a score is made from. */
interface Scoring {
  readonly sample: readonly Frame[];
  readonly specification: AceSpecification;
  readonly reference: ReferenceEnergies;
  readonly settings: FitSettings;
  /** Where strengths of the prior are tried: known after the first cutoff. */
  readonly natural: NaturalSetting | undefined;
}

/** Root of the left-out loss of the sample at a cutoff, at the better of the strengths of the prior, eV/Å. */
async function scoreAt(
  cutoff: number,
  { sample, settings, ...scoring }: Scoring,
  pool: TaskPool,
): Promise<{ score: number; natural?: NaturalSetting }> {
  const observations = sample.reduce((sum, { labels }) => sum + (labels.forces?.length ?? 0), 0);
  const structures = sample.map(({ structure }) => structure);
  const specification = withCutoff(scoring.specification, cutoff);
  const { basis, ...largest } = candidatesFor(specification, structures, observations, {
    functions: FUNCTIONS,
  }).list.at(-1)!;
  const observation = await observationOf(basis, sample, scoring.reference, settings, pool);
  const context = { basis, observation, weights: settings.weights, keepEnergies: true };
  const folded = await firstPass(pool, context, sample, trainingFolds(sample, FOLDS, settings.seed), FOLDS);
  const { layout } = observation;
  try {
    const { strengths, natural } = await chooseBasis(
      {
        candidates: { union: basis, list: [{ basis, ...largest }] },
        folds: folded,
        total: unpackFactors(mergedFolds(folded, pool.kernels)),
        priorOf: (own, factors) => priorOfColumns(own, layout, factors, settings, layout.stressOffset),
        ratio: settings.ratio,
        scanRatio: false,
        ...(scoring.natural === undefined ? {} : { natural: scoring.natural }),
      },
      pool,
      pool.kernels,
    );
    const scores = strengths.map(({ score }) => (Number.isNaN(score) ? Number.POSITIVE_INFINITY : score));
    return { score: Math.min(...scores), natural };
  } catch (error) {
    if (!(error instanceof NumericalError)) throw error;
    return { score: Number.POSITIVE_INFINITY };
  }
}

const toTenths = (cutoff: number): number => Math.round(10 * cutoff) / 10;

/**
 * Chooses the cutoff of all pairs among that of the rule and up to two shorter ones, by the left-out loss of a small basis
 * on a sample of the frames. The first shorter one that is no better ends the search.
 *
 * @param specification with the cutoff of the rule
 * @returns null for an element alone, on which the rule was measured, and where no basis is small enough to judge, the sample
 *          has too few labels or would have to be too large
 */
export async function chooseCutoff(
  frames: readonly Frame[],
  specification: AceSpecification,
  reference: ReferenceEnergies,
  settings: FitSettings,
  pool: TaskPool,
): Promise<CutoffChoice | null> {
  const elements = specification.elements.length;
  if (elements < ELEMENTS.least || elements > ELEMENTS.most) return null;
  // With fewer observations for each function than the fit will have, shorter cutoffs look better than they are.
  const components = frames.reduce((sum, { labels }) => sum + (labels.forces?.length ?? 0), 0);
  const atoms = Math.max(ATOMS, (FUNCTIONS * components) / USUAL_FUNCTIONS / 3);
  if (atoms > MOST_ATOMS) return null;
  const sample = sampleOf(frames, atoms, FOLDS);
  if (!judges(sample, FOLDS)) return null;
  const all = specification.pairs.flat();
  const rule = Math.max(...all.map(({ cutoff }) => cutoff));
  const longestInner = Math.max(...all.map(({ innerCutoff }) => innerCutoff));
  const scoring = { sample, specification, reference, settings };
  const { score: ofRule, natural } = await scoreAt(rule, { ...scoring, natural: undefined }, pool);
  const trials: CutoffTrial[] = [{ cutoff: rule, score: ofRule }];
  for (const multiple of SHORTER) {
    const cutoff = toTenths(multiple * rule);
    if (cutoff <= longestInner) break;
    const { score } = await scoreAt(cutoff, { ...scoring, natural }, pool);
    const least = trials[0]!.score;
    trials.unshift({ cutoff, score });
    if (!(score < least)) break;
  }
  const best = trials.reduce((a, b) => (b.score < a.score ? b : a));
  const cutoff = best.score < (1 - WORTH) * ofRule ? best.cutoff : rule;
  return { cutoff, rule, trials, structures: sample.length };
}
