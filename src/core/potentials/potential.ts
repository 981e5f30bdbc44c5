import type { Structure } from '../structure/structure.ts';

/** Energy, forces and virial of one structure in canonical units. */
export interface PotentialResult {
  /** Total energy, eV. */
  readonly energy: number;
  /** [n] energy of each atom, eV; null when the potential has no such partition. */
  readonly atomEnergies: Float64Array | null;
  /** [3n] forces, eV/Å. */
  readonly forces: Float64Array;
  /** [6] W = −∂E/∂ε, Voigt xx yy zz yz xz xy, eV. */
  readonly virial: Float64Array;
}

/** A model of the energy of atoms. Pure: the same structure gives the same bits. */
export interface Potential {
  readonly name: string;
  /** @throws InputError when the structure holds a species it does not know or atoms that coincide. */
  evaluate(structure: Structure): PotentialResult;
}

/** How far a frame can be trusted; every signal is compared so that NaN is untrusted. */
export interface TrustSignals {
  /** Largest calibrated epistemic force standard deviation per component over atoms, √(b·trace/3), eV/Å. */
  readonly forceSigma: number;
  /** Largest leverage of an atom over the median of the training set. */
  readonly leverage: number;
  /** Largest novelty distance of an atom over its threshold (1 = at the edge of the training set). */
  readonly novelty: number;
  /** Smallest distance between two atoms over the hard distance gate of its pair; below 1 is broken. */
  readonly distance: number;
  /** Index of the atom with the largest force sigma or novelty. */
  readonly atom: number;
}

/** A potential that knows where it cannot be trusted. */
export interface TrustedPotential extends Potential {
  /** Signals of one frame; costs several energy evaluations. */
  trust(structure: Structure): TrustSignals;
}
