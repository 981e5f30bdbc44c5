import { classifyTrust, type TrustState } from '../uncertainty/trust-region.ts';
import type { Structure } from '../structure/structure.ts';
import type { AcePotential } from './ace-potential.ts';

/** One distance of a dimer scan. */
export interface DimerPoint {
  /** Å */
  readonly distance: number;
  /** eV */
  readonly energy: number;
  /** −dE/dr, eV/Å: positive pushes the atoms apart. */
  readonly force: number;
  readonly state: TrustState;
  readonly reason: string;
}

/** Two atoms in vacuum, `distance` Å apart along x. */
export function dimer(a: number, b: number, distance: number): Structure {
  return {
    positions: Float64Array.of(0, 0, 0, distance, 0, 0),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.of(a, b),
  };
}

/**
 * Energy, force and trust of two atoms in vacuum, from `from` Å to the cutoff of their pair in steps of `step` Å. Below
 * the hard distance gate every point must be broken; where a potential is wrong it must not say that it can be trusted.
 *
 * @param a, b element indices of the model
 */
export function dimerScan(potential: AcePotential, a: number, b: number, from = 0.5, step = 0.05): DimerPoint[] {
  const { model } = potential;
  const { cutoff } = model.specification.pairs[a]![b]!;
  const [za, zb] = [model.layout.species[a]!, model.layout.species[b]!];
  const count = Math.floor((cutoff - from) / step + 1e-9) + 1;
  return Array.from({ length: count }, (_, k) => {
    const distance = from + k * step;
    const structure = dimer(za, zb, distance);
    const prediction = potential.predict(structure);
    const verdict = classifyTrust(potential.signals(structure, prediction), model.uncertainty.limits);
    return {
      distance,
      energy: prediction.energy,
      force: prediction.forces[3]!,
      state: verdict.state,
      reason: verdict.reason,
    };
  });
}

/** What the dimer scan of one pair of elements says. */
export interface DimerSummary {
  /** Chemical symbols. */
  readonly pair: readonly [string, string];
  /** Hard distance gate, Å. */
  readonly gate: number;
  /** Whether every distance below the gate is broken, as it must be. */
  readonly gateBroken: boolean;
  /** Whether the force pushes apart at every distance below the middle of the switch to the repulsive core. */
  readonly repulsive: boolean;
  /** Shortest distance of the pair in the data, Å; infinite (or unknown) where there is none. */
  readonly shortest: number;
  /** First and last distance below the shortest of the data at which the force does not push apart, Å; null when none does. */
  readonly attractive: readonly [number, number] | null;
  /** First and last distance that is trusted, Å; null when none is. */
  readonly trusted: readonly [number, number] | null;
}

/**
 * Dimer scans of every pair of elements of a model, judged from 0.5 Å to the shortest distance of the data: closer atoms must be
 * pushed apart, and nothing but the core says so to a fit.
 *
 * @param shortest [elements, elements] shortest distances of the data, Å; the gates where there are none
 */
export function dimerSummaries(
  potential: AcePotential,
  shortest: readonly (readonly number[])[] | null = null,
): DimerSummary[] {
  const { elements, pairs } = potential.model.specification;
  return elements.flatMap((first, a) =>
    elements.slice(a).map((second, k) => {
      const { innerCutoff: gate, innerWidth } = pairs[a]![a + k]!;
      const seen = shortest?.[a]?.[a + k] ?? Number.POSITIVE_INFINITY;
      const points = dimerScan(potential, a, a + k);
      const inside = points.filter(({ distance }) => distance < gate);
      const unseen = Number.isFinite(seen) ? Math.max(gate, seen) : gate;
      const pulled = points.filter(({ distance, force }) => distance < unseen && !(force > 0));
      const trusted = points.filter(({ state }) => state === 'trusted');
      return {
        pair: [first, second],
        gate,
        gateBroken: inside.every(({ state }) => state === 'broken'),
        repulsive: inside.every(({ distance, force }) => distance > gate - innerWidth / 2 || force > 0),
        shortest: seen,
        attractive: pulled.length === 0 ? null : [pulled[0]!.distance, pulled.at(-1)!.distance],
        trusted: trusted.length === 0 ? null : [trusted[0]!.distance, trusted.at(-1)!.distance],
      };
    }),
  );
}
