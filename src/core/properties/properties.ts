import type { PrototypeName } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import type { TrustSignals } from '../potentials/potential.ts';
import type { BondLimits, BondScan } from './bond-scan.ts';
import type { Compression } from './compression.ts';
import type { ElasticConstants, PolycrystalModuli } from './elastic-constants.ts';
import type { EquationOfState } from './equation-of-state.ts';
import type { VacancyEnergy } from './vacancy.ts';

/** A property, or why there is none. */
export type Found<T> = { readonly value: T } | { readonly missing: string };

/** How far a potential trusts itself on a structure. */
export type Judge = (structure: Structure) => { readonly state: string; readonly reason: string };

/** Properties of one crystal at zero stress. */
export interface CrystalProperties {
  readonly name: string;
  /** The relaxed cell. */
  readonly structure: Structure;
  readonly atoms: number;
  /** eV/atom */
  readonly energy: number;
  /** Energy of separated atoms above it, eV/atom; null where the potential does not know isolated atoms. */
  readonly cohesiveEnergy: number | null;
  /** Å³/atom */
  readonly volume: number;
  /** Lengths (Å) and angles (°) of the cell vectors. */
  readonly lengths: readonly [number, number, number];
  readonly angles: readonly [number, number, number];
  readonly equationOfState: Found<EquationOfState>;
  /** Energies of shorter bonds, down to 0.7. */
  readonly compression: Found<Compression>;
  readonly elastic: Found<ElasticConstants & { readonly averages: PolycrystalModuli }>;
  readonly vacancy: Found<VacancyEnergy>;
  /** Null where the potential does not know. */
  readonly trust: { readonly state: string; readonly reason: string } | null;
}

/** Energy of one element in a simple crystal structure. */
export interface PrototypeEnergy {
  readonly element: string;
  readonly prototype: PrototypeName;
  readonly crystal: Found<{
    /** Lattice parameters, Å; c of hcp only. */
    readonly a: number;
    readonly c: number | null;
    /** eV/atom */
    readonly energy: number;
    /** Å³/atom */
    readonly volume: number;
    readonly equationOfState: EquationOfState;
    readonly trust: { readonly state: string; readonly reason: string } | null;
  }>;
}

/** Energy of two atoms in vacuum against their distance. */
export interface PairCurve {
  readonly pair: readonly [string, string];
  readonly points: readonly {
    /** Å */
    readonly distance: number;
    /** Above separated atoms, eV. */
    readonly energy: number;
    /** −dE/dr, eV/Å. */
    readonly force: number;
    /** Null where the potential does not know. */
    readonly state: string | null;
  }[];
  /** Below this distance every force pushes apart, Å. */
  readonly repulsiveBelow: number;
}

/**
 * The property card: what a potential says of crystals and pairs that everyone knows, so that a glance shows whether it
 * can be used. Computed with the potential alone; nothing is compared with a reference.
 */
export interface PropertyCard {
  readonly potential: string;
  readonly prototypes: readonly PrototypeEnergy[];
  /** The most stable prototype of each element, then the structures that were named. */
  readonly crystals: readonly CrystalProperties[];
  readonly pairs: readonly PairCurve[];
  /** Trust in the most stable prototype of each element as its bonds are pressed and stretched; none without signals. */
  readonly bondScans: readonly { readonly element: string; readonly scan: Found<BondScan> }[];
}

/** How far a potential trusts a structure, and beyond which limits it extrapolates. */
export interface TrustProbe {
  readonly signals: (structure: Structure) => TrustSignals;
  readonly limits: BondLimits;
}

/** An element and the bond lengths, Å, between which its crystals are looked for. */
export interface PropertyElement {
  readonly symbol: string;
  readonly bonds: readonly [shortest: number, longest: number];
}

/** What a card is made of. */
export interface PropertyRequest {
  readonly name: string;
  readonly elements: readonly PropertyElement[];
  /** Distance up to which a pair is shown, Å. */
  readonly reach: number;
  /** Crystals that the user names. */
  readonly structures?: readonly { readonly name: string; readonly structure: Structure }[];
  readonly judge?: Judge;
  readonly trust?: TrustProbe;
  /** Whether energies of isolated atoms are known (default), or were made up to fit others. */
  readonly isolatedAtoms?: boolean;
}
