import { atomicNumberOf, covalentRadiusOf } from '../../elements.ts';
import { InputError } from '../../errors.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { type BasisLimits, DEFAULT_BASIS_LIMITS } from './enumerate.ts';
import { requireCutoff } from './radial.ts';
import { zblHalfPair } from './zbl.ts';

/** Names of the presets, by rising size. */
export const PRESET_NAMES = ['small', 'medium', 'large', 'xlarge'] as const;
/** Name of a preset. */
export type PresetName = (typeof PRESET_NAMES)[number];

/** Largest n and l by order. */
export interface BasisSize {
  readonly nmax: readonly number[];
  readonly lmax: readonly number[];
}

/** Sizes of each preset for 1, 2, 3 and 4 or more elements: functions grow as (elements·n)^order, so n is cut. */
export const PRESET_SIZES: Readonly<Record<PresetName, readonly [BasisSize, BasisSize, BasisSize, BasisSize]>> = {
  // 122, 260, 161 and 192 functions per element (for 4 elements; more beyond)
  small: [
    { nmax: [8, 4, 3], lmax: [0, 3, 2] },
    { nmax: [8, 3, 2], lmax: [0, 3, 2] },
    { nmax: [8, 2, 1], lmax: [0, 2, 2] },
    { nmax: [6, 2, 1], lmax: [0, 2, 1] },
  ],
  // 391, 654, 577 and 336
  medium: [
    { nmax: [12, 5, 4], lmax: [0, 4, 3] },
    { nmax: [10, 4, 3], lmax: [0, 3, 2] },
    { nmax: [8, 2, 2], lmax: [0, 2, 2] },
    { nmax: [8, 2, 1], lmax: [0, 3, 2] },
  ],
  // 989, 765, 817 and 526
  large: [
    { nmax: [15, 6, 4, 3], lmax: [0, 5, 4, 2] },
    { nmax: [10, 4, 3, 1], lmax: [0, 4, 2, 2] },
    { nmax: [10, 3, 2, 1], lmax: [0, 4, 2, 1] },
    { nmax: [8, 2, 1, 1], lmax: [0, 3, 2, 1] },
  ],
  // 1628, 1237, 1045 (total beyond the default limit) and 648
  xlarge: [
    { nmax: [15, 6, 4, 3], lmax: [0, 5, 4, 3] },
    { nmax: [12, 4, 3, 1], lmax: [0, 4, 3, 2] },
    { nmax: [10, 3, 2, 1], lmax: [0, 4, 2, 2] },
    { nmax: [8, 3, 1], lmax: [0, 3, 3] },
  ],
};

/** The size of a preset for a number of elements, at least one. @throws InputError `INVALID_PRESET` */
export function presetSize(preset: PresetName, nElements: number): BasisSize {
  const sizes = PRESET_SIZES[preset];
  if (sizes === undefined) {
    throw new InputError('INVALID_PRESET', `preset must be one of ${PRESET_NAMES.join(', ')}, got "${preset}"`, {
      preset,
    });
  }
  if (!(Number.isInteger(nElements) && nElements >= 1)) {
    throw new InputError('INVALID_PRESET', `number of elements must be a positive integer, got ${nElements}`, {
      nElements,
    });
  }
  return sizes[Math.min(nElements, 4) - 1]!;
}

/** Limits under which a preset is built: the default ones, raised for `xlarge`, which is asked for by name. */
export function presetLimits(preset: PresetName): BasisLimits {
  return preset === 'xlarge' ? { perElement: 2000, total: 4000 } : DEFAULT_BASIS_LIMITS;
}

/** Cutoff in bond lengths. */
export const CUTOFF_IN_BOND_LENGTHS = 2.6;
/** Bonds shorter than this are those of hydrogen, Å. */
const HYDROGEN_BOND_LENGTH = 1.3;
/** Least cutoff where typical bonds are those of hydrogen, Å. */
const MOLECULAR_CUTOFF = 5;

/**
 * Cutoff for a nearest-neighbour distance (both Å): 2.6 bond lengths, rounded to 0.1 Å; at least 5 Å where the bond is
 * shorter than 1.3 Å, since bonds to hydrogen say little of the distances between molecules and heavier atoms.
 * @throws InputError `INVALID_CUTOFF`
 */
export function suggestCutoff(bondLength: number): number {
  const cutoff = Math.round(requireCutoff(CUTOFF_IN_BOND_LENGTHS * bondLength) * 10) / 10;
  return bondLength < HYDROGEN_BOND_LENGTH ? Math.max(MOLECULAR_CUTOFF, cutoff) : cutoff;
}

/**
 * Inner cutoff of a pair, Å: 0.7 of the sum of covalent radii, but at most 0.95 of the shortest distance in the data, so
 * that no labelled bond is masked.
 *
 * @param shortest shortest distance of this pair in the data, Å; leave out (or Infinity) where there is none
 */
export function suggestInnerCutoff(a: string, b: string, shortest = Number.POSITIVE_INFINITY): number {
  const radii = covalentRadiusOf(atomicNumberOf(a)) + covalentRadiusOf(atomicNumberOf(b));
  if (!(shortest > 0)) {
    throw new InputError('INVALID_CUTOFF', `shortest distance of ${a}-${b} must be positive, got ${shortest} Å`, {
      shortest,
    });
  }
  return Math.min(0.7 * radii, 0.95 * shortest);
}

/** Width of the inner switch, Å: 0.3, or half the inner cutoff where that is less, so that it ends above 0. */
export function suggestInnerWidth(innerCutoff: number): number {
  return Math.min(0.3, 0.5 * innerCutoff);
}

/**
 * Core repulsion whose φ has the value V and slope V′ of half the ZBL repulsion at x = r_in − δ/2, mid-switch:
 *
 *   |λ| = (−V′/V − 1/x − (π/r_c) tan(πx/(2r_c)))/(2x),  prefactor = V x exp(|λ| x²)/(½(1 + cos(πx/r_c)))
 *
 * Where the cosine alone is steeper than ZBL (x near r_c) λ is 0 and only the value agrees. φ is positive and falls
 * monotonically for every λ ≥ 0, and so does its product with the switch.
 *
 * @throws InputError `INVALID_CUTOFF` when the inner cutoff is not between 0 and the cutoff
 */
export function zblCore(a: string, b: string, pair: Omit<AcePair, 'core'>): AcePair['core'] {
  const { cutoff, innerCutoff, innerWidth } = pair;
  const r = innerCutoff - innerWidth / 2;
  if (!(r > 0 && innerCutoff < cutoff)) {
    throw new InputError(
      'INVALID_CUTOFF',
      `inner cutoff of ${a}-${b} must lie between its width and ${cutoff} Å, got ${innerCutoff} Å`,
      {
        innerCutoff,
        innerWidth,
        cutoff,
      },
    );
  }
  const { energy, slope } = zblHalfPair(a, b, r);
  const angle = (Math.PI * r) / cutoff;
  const rate = (-slope / energy - 1 / r - (Math.PI / cutoff) * Math.tan(angle / 2)) / (2 * r);
  const lambda = Math.max(0, rate);
  return { prefactor: (energy * r * Math.exp(lambda * r * r)) / (0.5 * (1 + Math.cos(angle))), lambda };
}

/** Parameters of a pair from its cutoff and the shortest distance in the data (both Å). */
export function suggestPair(a: string, b: string, cutoff: number, shortest?: number): AcePair {
  const innerCutoff = suggestInnerCutoff(a, b, shortest);
  const range = { cutoff: requireCutoff(cutoff), innerCutoff, innerWidth: suggestInnerWidth(innerCutoff) };
  return { ...range, core: zblCore(a, b, range) };
}

/**
 * Specification of a preset.
 *
 * @param elements  chemical symbols, any order
 * @param cutoff    Å, of every pair
 * @param shortest  shortest distance of a pair in the data, Å; undefined or Infinity where there is none
 * @throws InputError `INVALID_PRESET`, `INVALID_CUTOFF`, `UNKNOWN_ELEMENT`
 */
export function presetSpecification(
  preset: PresetName,
  elements: readonly string[],
  cutoff: number,
  shortest?: (a: string, b: string) => number | undefined,
): AceSpecification {
  const sorted = [...new Set(elements)].sort();
  return {
    elements: sorted,
    radial: 'SBessel',
    ...presetSize(preset, sorted.length),
    pairs: sorted.map((a) =>
      sorted.map((b) => {
        // One order of each pair, so that both have the same bits.
        const [first, second] = a <= b ? [a, b] : [b, a];
        return suggestPair(first, second, cutoff, shortest?.(first, second));
      }),
    ),
  };
}
