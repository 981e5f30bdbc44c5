import { InputError } from '../errors.ts';
import { dimer } from '../potentials/dimer-scan.ts';
import type { TrustSignals } from '../potentials/potential.ts';
import { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';

/** Displacement of atoms as a share of the bond: in a perfect lattice every force, and its sigma, vanishes by symmetry. */
const RATTLE = 0.01;
/** Bonds that are looked at, as shares of the equilibrium bond, up to the cutoff. */
const FIRST = 0.5;
const STEP = 0.05;
/** Below and beyond these shares a potential that was trained on bulk must say that it does not know. */
const COMPRESSED = 0.8;
const STRETCHED = 1.4;

/** What a potential says of its trust at one bond length. */
export interface BondPoint {
  /** Bond length over that of equilibrium. */
  readonly ratio: number;
  /** Å */
  readonly distance: number;
  readonly forceSigma: number;
  readonly novelty: number;
  /** The larger of force sigma and novelty, each over its limit. */
  readonly trigger: number;
}

/**
 * How the trust of a potential changes as a crystal is pressed together and pulled apart. A potential that reads as certain
 * at a stretched bond walks into wrong physics unnoticed.
 */
export interface BondScan {
  /** Equilibrium bond, Å. */
  readonly bond: number;
  readonly points: readonly BondPoint[];
  /** Two atoms alone, just within the cutoff of their pair and just beyond it. */
  readonly lonely: readonly BondPoint[];
  /** Trigger at equilibrium. */
  readonly equilibrium: number;
  /** Smallest trigger below 0.8 and beyond 1.4 equilibrium bonds (alone included), over that at equilibrium. */
  readonly compressed: number;
  readonly stretched: number;
}

/** Limits beyond which a frame extrapolates. */
export interface BondLimits {
  readonly forceSigma: number;
  readonly novelty: number;
}

function largerOf(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b);
}

/**
 * Scales a crystal so that its bond runs from half of equilibrium to the cutoff (GRACE's bond-scan test), every atom displaced
 * by 1 % of the bond, and asks how far each is trusted.
 *
 * @param crystal at its equilibrium, of one element
 * @param bond    its nearest-neighbour distance, Å
 * @param cutoff  of its pair, Å
 * @param trust   signals of a structure
 * @throws InputError `BOND_SCAN` unless 0 < 1.4 bonds < cutoff, and for a crystal without a cell
 */
export function bondScan(
  crystal: Structure,
  bond: number,
  cutoff: number,
  trust: (structure: Structure) => TrustSignals,
  limits: BondLimits,
): BondScan {
  if (!(bond > 0 && STRETCHED * bond < cutoff)) {
    throw new InputError(
      'BOND_SCAN',
      `bond must be positive and shorter than cutoff/1.4, got ${bond} Å of ${cutoff} Å`,
    );
  }
  if (crystal.cell === null) throw new InputError('BOND_SCAN', 'crystal of a bond scan must have a cell, got none');
  const random = new RandomStream(1, 'bond scan');
  const rattle = crystal.positions.map(() => RATTLE * bond * random.normal());
  const judged = (structure: Structure, distance: number): BondPoint => {
    const { forceSigma, novelty } = trust(structure);
    const trigger = largerOf(forceSigma / limits.forceSigma, novelty / limits.novelty);
    return { ratio: distance / bond, distance, forceSigma, novelty, trigger };
  };
  const at = (ratio: number): BondPoint =>
    judged(
      {
        ...crystal,
        cell: crystal.cell!.map((x) => ratio * x),
        positions: crystal.positions.map((x, k) => ratio * (x + rattle[k]!)),
      },
      ratio * bond,
    );
  const count = Math.ceil((cutoff / bond - FIRST) / STEP - 1e-9);
  const points = Array.from({ length: count }, (_, k) => at(FIRST + k * STEP));
  const z = crystal.species[0]!;
  const lonely = [0.98 * cutoff, 1.02 * cutoff].map((distance) => judged(dimer(z, z, distance), distance));
  const equilibrium = at(1).trigger;
  const least = (list: readonly BondPoint[]): number =>
    list.reduce((smallest, { trigger }) => Math.min(smallest, trigger), Number.POSITIVE_INFINITY) / equilibrium;
  return {
    bond,
    points,
    lonely,
    equilibrium,
    compressed: least(points.filter(({ ratio }) => ratio < COMPRESSED - 1e-9)),
    stretched: least([...points.filter(({ ratio }) => ratio > STRETCHED + 1e-9), ...lonely]),
  };
}
