import type { PotentialResult } from './potential.ts';

/** Structures below this many atoms are evaluated in one piece: sharing them costs more than it saves. */
export const SHARED_ABOVE = 512;
/** Shares of a large structure; fixed, so that sums do not depend on how many threads work on them. */
const SHARES = 16;

/**
 * Ranges of central atoms [from, to) that together make a structure of n atoms: one for a small structure, otherwise
 * always the same number of nearly equal ones.
 */
export function atomShares(n: number): readonly (readonly [from: number, to: number])[] {
  const count = n < SHARED_ABOVE ? 1 : SHARES;
  return Array.from({ length: count }, (_, s) => [Math.floor((s * n) / count), Math.floor(((s + 1) * n) / count)]);
}

/** What the shares of one structure add up to, summed in their order. */
export function sumOfShares(shares: readonly PotentialResult[]): PotentialResult {
  const [first, ...others] = shares;
  if (first === undefined || others.length === 0) return first!;
  const atomEnergies = first.atomEnergies?.slice() ?? null;
  const forces = first.forces.slice();
  const virial = first.virial.slice();
  let energy = first.energy;
  const add = (to: Float64Array, from: Float64Array): void => {
    for (let k = 0; k < to.length; k++) to[k] = to[k]! + from[k]!;
  };
  for (const share of others) {
    energy += share.energy;
    add(forces, share.forces);
    add(virial, share.virial);
    if (atomEnergies !== null && share.atomEnergies !== null) add(atomEnergies, share.atomEnergies);
  }
  return { energy, atomEnergies, forces, virial };
}

/** A share of one of several structures. */
export interface Share {
  /** Index of the structure. */
  readonly index: number;
  readonly atoms: readonly [from: number, to: number];
}

/** The shares of structures of so many atoms, structure by structure. */
export function sharesOf(atoms: readonly number[]): Share[] {
  return atoms.flatMap((n, index) => atomShares(n).map((range) => ({ index, atoms: range })));
}

/** What the results of `sharesOf` add up to for each structure. */
export function sumsOfShares(shares: readonly Share[], results: readonly PotentialResult[]): PotentialResult[] {
  const parts: PotentialResult[][] = [];
  shares.forEach(({ index }, k) => {
    parts[index] ??= [];
    parts[index].push(results[k]!);
  });
  return parts.map(sumOfShares);
}
