import { symbolOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';
import { strained } from '../structure/cell.ts';
import type { Structure } from '../structure/structure.ts';
import { type DistanceGate, gateRatio, requireDistances } from './distances.ts';
import { type FeatureMatrix, farthestPoints, standardizedColumns } from './farthest-point.ts';
import { type Conditions, requireConditions } from './plans.ts';
import { rattle } from './rattle.ts';
import { type Candidate, candidateOf, type Origin, requireCount, requireStructures } from './sampling.ts';
import { shortDistance } from './short-distance.ts';
import { randomStrain, strainSize } from './strain.ts';

/** What goes into a pool without a model. */
export interface ColdStartOptions {
  /** Hard distance gate: no candidate has a pair inside it. */
  readonly gate: DistanceGate;
  /** Number of rattled and strained copies of each structure. Default 16. */
  readonly rattled?: number;
  /** Range of the rattle amplitude, Å. Default 0.03 to 0.10. */
  readonly rattle?: readonly [number, number];
  /** Number of rattled copies of each structure in which a pair is pushed together. Default 2; needs two atoms. */
  readonly shortDistance?: number;
  /** Whether the structures themselves are candidates. Default true. */
  readonly starts?: boolean;
}

const ATTEMPTS = 100;

/** A rattled, strained copy outside the gates; draws with a pair inside are repeated. */
function distorted(
  structure: Structure,
  conditions: Conditions,
  options: Required<ColdStartOptions>,
  stream: RandomStream,
) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const strain = randomStrain(conditions.strain, stream);
    const { structure: copy, sigma } = rattle(strained(structure, strain), options.rattle, stream);
    if (gateRatio(copy, options.gate) >= 1) {
      return {
        copy,
        text: `rattled ${sigma.toFixed(3)} Å and strained up to ${(100 * strainSize(strain)).toFixed(1)} %`,
      };
    }
  }
  const [low, high] = options.rattle;
  const message = `rattle and strain must leave all pairs outside their gates, got none in ${ATTEMPTS} draws of ${low} to ${high} Å`;
  throw new InputError('COLD_START_TOO_CLOSE', message, { low, high });
}

/**
 * Candidates for a first batch, before there is a model: the structures themselves, rattled and strained copies over the
 * range of `conditions`, and copies with one short pair. Copies with equal content are left out. Each candidate has its
 * own random stream: adding structures or copies does not change the others.
 *
 * @throws InputError `ATOMS_TOO_CLOSE` when a given structure breaks the gate, `COLD_START_TOO_CLOSE` when all draws do
 */
export function coldStartPool(
  structures: readonly Structure[],
  conditions: Conditions,
  options: ColdStartOptions,
  seed: number,
): Candidate[] {
  const settings: Required<ColdStartOptions> = {
    rattled: 16,
    rattle: [0.03, 0.1],
    shortDistance: 2,
    starts: true,
    ...options,
  };
  requireStructures(structures);
  requireConditions(conditions);
  requireCount('number of rattled copies', settings.rattled, 0);
  requireCount('number of short-distance copies', settings.shortDistance, 0);
  for (const [index, structure] of structures.entries()) requireDistances(structure, settings.gate, index);

  const pool = new Map<string, Candidate>();
  const add = (structure: Structure, reason: string): void => {
    const origin: Origin = {
      kind: 'seed',
      round: 0,
      walker: pool.size,
      step: 0,
      reason,
      temperature: 0,
      signals: {},
      censored: false,
    };
    const candidate = candidateOf(structure, origin);
    if (!pool.has(candidate.id)) pool.set(candidate.id, candidate);
  };
  structures.forEach((structure, index) => {
    if (settings.starts) add(structure, `starting structure ${index}`);
    for (let copy = 0; copy < settings.rattled; copy++) {
      const made = distorted(
        structure,
        conditions,
        settings,
        new RandomStream(seed, 'cold-start-rattled', index, copy),
      );
      add(made.copy, `starting structure ${index}, ${made.text}`);
    }
    for (let copy = 0; structure.species.length > 1 && copy < settings.shortDistance; copy++) {
      const stream = new RandomStream(seed, 'cold-start-short', index, copy);
      const made = distorted(structure, conditions, settings, stream);
      const pair = shortDistance(made.copy, settings.gate, stream);
      const [a, b] = pair.atoms.map((i) => symbolOf(structure.species[i]!));
      add(
        pair.structure,
        `starting structure ${index}, ${made.text}, a pair ${a}–${b} pushed to ${pair.distance.toFixed(2)} Å`,
      );
    }
  });
  return [...pool.values()];
}

/** Features of structures, a row each: averages of descriptors, for instance. */
export type FeaturesOf = (structures: readonly Structure[]) => FeatureMatrix;

/**
 * The first batch: farthest-point sampling of a pool over standardised features, the most central candidate first.
 *
 * @throws InputError `COUNT_RANGE` when the pool has fewer than `count`, `FEATURES_SHAPE` for another number of rows
 */
export function coldStartBatch(pool: readonly Candidate[], count: number, featuresOf: FeaturesOf): Candidate[] {
  const features = featuresOf(pool.map(({ structure }) => structure));
  if (features.count !== pool.length) {
    const message = `features must have a row for each of ${pool.length} candidates, got ${features.count}`;
    throw new InputError('FEATURES_SHAPE', message, { rows: features.count, candidates: pool.length });
  }
  const { order } = farthestPoints(standardizedColumns(features), count);
  return Array.from(order, (index) => pool[index]!);
}
