import { InputError } from '../errors.ts';
import { structureId } from '../structure/identity.ts';
import type { Structure } from '../structure/structure.ts';

/** Where a structure came from and why it was proposed; plain data, kept with its label. */
export interface Origin {
  readonly kind: 'seed' | 'file' | 'exploration' | 'assessment';
  /** Round in which it was proposed (0 = cold start). */
  readonly round: number;
  /** Index of the walker or generator that made it. */
  readonly walker: number;
  /** Step of the walker, 0 for static structures. */
  readonly step: number;
  /** A sentence: what makes it worth a label. */
  readonly reason: string;
  /** Target temperature, K; 0 for static structures. */
  readonly temperature: number;
  /** Trust signals of the frame when it was proposed, by name; only those that are finite. */
  readonly signals: Readonly<Record<string, number>>;
  /** Whether this is the last trusted frame of a walker that broke, instead of the frame that was due. */
  readonly censored: boolean;
}

/** A structure that may be labelled. `id` is the content hash of the structure. */
export interface Candidate {
  readonly id: string;
  readonly structure: Structure;
  readonly origin: Origin;
}

/** What became of one walker. */
export interface WalkerReport {
  readonly walker: number;
  /** K */
  readonly temperature: number;
  /** Steps of the trajectory at its end (after rollbacks: not the number of force evaluations). */
  readonly steps: number;
  readonly plannedSteps: number;
  /** The worst state on the way: finished = trusted throughout. */
  readonly outcome: 'finished' | 'extrapolating' | 'broken';
  /** Why it ended or was flagged. */
  readonly reason: string;
  /** Largest force sigma seen on the way, eV/Å. */
  readonly maxForceSigma: number;
}

/** A candidate of a structure and its origin. */
export function candidateOf(structure: Structure, origin: Origin): Candidate {
  return { id: structureId(structure), structure, origin };
}

/** Throws InputError `COUNT_RANGE` unless `count` is an integer of at least `least`. */
export function requireCount(thing: string, count: number, least: number): void {
  if (!Number.isInteger(count) || count < least) {
    throw new InputError('COUNT_RANGE', `${thing} must be an integer of at least ${least}, got ${count}`, {
      thing,
      count,
    });
  }
}

/** Throws InputError `NO_STRUCTURES` for an empty list of starting structures. */
export function requireStructures(structures: readonly Structure[]): void {
  if (structures.length === 0) throw new InputError('NO_STRUCTURES', 'structures must hold at least one, got none');
}
