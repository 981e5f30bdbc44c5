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

/** Cutoffs that are tried first, relative to that of the rule: 2.2, 2.6 and 3 bond lengths. */
const MULTIPLES = [0.85, 1, 1.15];
/** Where the shortest or longest of them is best, the next one beyond it is tried too, so often at most. */
const STEP = 0.15;
const FURTHER = 2;
/** Another cutoff than that of the rule must lower the left-out loss by this share. */
const WORTH = 0.02;
/** Functions of the bases that judge first, and least atoms of their sample, about; and of those that have the last word. */
const FIRST = { functions: 800, atoms: 3000 };
const LAST = { functions: 1800, atoms: 5000 };
/** A sample that would have to be larger costs as much as the fit: the rule then stands. */
const MOST_ATOMS = 10000;
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
  /** Where strengths of the prior are tried: known after the first cutoff. */
  readonly natural?: NaturalSetting | undefined;
  readonly sample: readonly Frame[];
  readonly specification: AceSpecification;
  readonly reference: ReferenceEnergies;
  readonly settings: FitSettings;
  readonly functions: number;
}

/** Root of the left-out loss of the sample at a cutoff, at the better of the bases and strengths of the prior, eV/Å. */
async function scoreAt(
  cutoff: number,
  scoring: Scoring,
  pool: TaskPool,
): Promise<{ score: number; natural?: NaturalSetting }> {
  const { sample, settings, functions } = scoring;
  const observations = sample.reduce((sum, { labels }) => sum + (labels.forces?.length ?? 0), 0);
  const structures = sample.map(({ structure }) => structure);
  const specification = withCutoff(scoring.specification, cutoff);
  const candidates = candidatesFor(specification, structures, observations, { functions });
  const observation = await observationOf(candidates.union, sample, scoring.reference, settings, pool);
  const context = { basis: candidates.union, observation, weights: settings.weights, keepEnergies: true };
  const folds = trainingFolds(sample, settings.folds, settings.seed);
  const folded = await firstPass(pool, context, sample, folds, settings.folds);
  const { layout } = observation;
  try {
    const { strengths, natural } = await chooseBasis(
      {
        candidates,
        folds: folded,
        total: unpackFactors(mergedFolds(folded, pool.kernels)),
        priorOf: (basis, own) => priorOfColumns(basis, layout, own, settings, layout.stressOffset),
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
 * Chooses the cutoff of all pairs among a few around that of the rule, by the left-out loss on samples of the frames.
 * Small bases look first. Coarse bases prefer shorter cutoffs than fine ones, so where another than that of the rule is
 * clearly better, larger bases decide between it, the rule and what is half-way.
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
  const enough = ({ functions, atoms }: typeof FIRST): number =>
    Math.max(atoms, (functions * components) / USUAL_FUNCTIONS / 3);
  if (enough(LAST) > MOST_ATOMS) return null;
  const sample = sampleOf(frames, enough(FIRST), settings.folds);
  if (!judges(sample, settings.folds)) return null;
  const all = specification.pairs.flat();
  const rule = Math.max(...all.map(({ cutoff }) => cutoff));
  const longestInner = Math.max(...all.map(({ innerCutoff }) => innerCutoff));
  let natural: NaturalSetting | undefined;
  const trialsOf = async (cutoffs: readonly number[], scoring: Scoring, known: readonly CutoffTrial[]) => {
    const trials = [...known];
    for (const cutoff of cutoffs) {
      if (cutoff <= longestInner || trials.some((trial) => trial.cutoff === cutoff)) continue;
      const { score, natural: own } = await scoreAt(cutoff, { ...scoring, natural }, pool);
      natural ??= own;
      trials.push({ cutoff, score });
    }
    return trials.sort((a, b) => a.cutoff - b.cutoff);
  };
  const bestOf = (trials: readonly CutoffTrial[]): number => {
    const best = trials.reduce((a, b) => (b.score < a.score ? b : a));
    const ofRule = trials.find(({ cutoff }) => cutoff === rule)!;
    return best.score < (1 - WORTH) * ofRule.score ? best.cutoff : rule;
  };

  const small = { sample, specification, reference, settings, functions: FIRST.functions };
  let first = await trialsOf(MULTIPLES.map((multiple) => toTenths(multiple * rule)).concat(rule), small, []);
  for (let k = 1; k <= FURTHER; k++) {
    const best = bestOf(first);
    if (best === first[0]!.cutoff) first = await trialsOf([toTenths((MULTIPLES[0]! - k * STEP) * rule)], small, first);
    else if (best === first.at(-1)!.cutoff)
      first = await trialsOf([toTenths((MULTIPLES.at(-1)! + k * STEP) * rule)], small, first);
    else break;
  }
  const suggested = bestOf(first);
  if (suggested === rule) return { cutoff: rule, rule, trials: first, structures: sample.length };
  const larger = sampleOf(frames, enough(LAST), settings.folds);
  const trials = await trialsOf(
    [suggested, toTenths((suggested + rule) / 2), rule],
    { ...small, sample: larger, functions: LAST.functions },
    [],
  );
  return { cutoff: bestOf(trials), rule, trials, structures: larger.length };
}
