import type { AceBasis, AcePair, AceSpecification } from '../descriptors/ace/basis.ts';
import { suggestInnerWidth, zblCore } from '../descriptors/ace/presets.ts';
import type { AceProgram, Evaluation } from '../descriptors/descriptors.ts';
import type { Structure } from '../structure/structure.ts';
import type { CoreCurve } from './core-curves.ts';
import { crystalCurves, dimerCurves, groundStates } from './core-curves.ts';

/** The core outweighs what the basis pulls by this factor. */
const MARGIN = 1.2;
/** Over ZBL: up to here no wider core is tried, and beyond here none is taken. */
const WEAK_ENOUGH = 3;
const STRONGEST = 30;
/** Share of the shortest distance of the data up to which the core may take over, and shares of the way there. */
const NEAREST = 0.95;
const WIDENINGS = [0.5, 1] as const;
/** A core is made wider by no less, Å. */
const WORTHWHILE = 0.02;
/** Steps in which a strength is found, and passes over the pairs: crystals of two elements feel the cores of three pairs. */
const MOST_STEPS = 8;
const MOST_PASSES = 3;

/** The core of one pair of elements that was made stronger or wider. */
export interface MendedCore {
  /** Chemical symbols. */
  readonly pair: readonly [string, string];
  /** Over the ZBL repulsion, in the middle of the switch. */
  readonly strength: number;
  /** Inner cutoff before and after, Å. */
  readonly innerCutoff: readonly [before: number, after: number];
  /** First and last distance or bond at which the fit attracted, Å. */
  readonly attracted: readonly [number, number];
}

/** What became of the cores of a fit. */
export interface CoreMending {
  readonly cores: readonly MendedCore[];
  /** Curves that fall all the same, as `Si-Si` or `Si diamond`. */
  readonly failing: readonly string[];
}

/** A fit whose cores are looked at. */
export interface CoreRequest {
  readonly basis: AceBasis;
  /** [basis] coefficients. */
  readonly weights: Float64Array;
  /** [elements, elements] shortest distances of the data, Å; infinite where a pair has none. */
  readonly shortest: readonly (readonly number[])[];
  /** Whether the data hold crystals: without any, none is pressed. */
  readonly periodic: boolean;
  /** Whether inner cutoffs may be raised. */
  readonly widen: boolean;
}

/**
 * Pair parameters with which a fit repels where nothing was learned: dimers of all pairs push apart from 0.5 Å to the shortest
 * distance of the data, and the energy of the ground state of elements that are bonded in the data rises while its bonds are
 * made shorter by a third.
 *
 * The core φf and the switch 1 − f of the basis act at distances that no data have. So both can be chosen after the fit: no row
 * changes, and with it no coefficient, no error and no error bar. With slopes T of the fit and C of its core at a place that
 * attracts, a core of κ = 1.2 (1 − T/C) times the strength repels there. Where that is more than three times ZBL, or the basis
 * attracts above the switch, wider cores are tried too, up to 0.95 of the shortest distance of the data, and the one that is
 * nearest to ZBL is taken.
 *
 * @param prepare makes a basis ready to run; what it makes is disposed of here
 * @returns       null where nothing was wrong; the specification with the mended pairs otherwise
 * @cost          for each trial one program and a few hundred energies of dimers and small cells
 */
export function repulsiveCores(
  request: CoreRequest,
  prepare: (basis: AceBasis) => AceProgram,
): { readonly specification: AceSpecification; readonly mending: CoreMending } | null {
  const { basis, shortest } = request;
  const curves = [...dimerCurves(basis.specification, shortest), ...pressedCrystals(request, prepare)];
  const judge = (specification: AceSpecification, of: readonly CoreCurve[]): Failing[] =>
    failingCurves(of, { ...basis, specification, id: JSON.stringify(specification.pairs) }, request.weights, prepare);
  const cores = new Map<string, MendedCore>();
  const given = basis.specification;
  let specification = given;
  let failing = judge(specification, curves);
  if (failing.length === 0) return null;
  for (let pass = 0; pass < MOST_PASSES && failing.length > 0; pass++) {
    let moved = false;
    for (const key of new Set(failing.map(({ curve }) => curve.pair.join(' ')))) {
      const own = curves.filter(({ pair }) => pair.join(' ') === key);
      const [a, b] = own[0]!.pair;
      const names = [given.elements[a]!, given.elements[b]!] as const;
      const candidates = candidateRanges(
        given.pairs[a]![b]!,
        request.widen ? shortest[a]![b]! : Number.POSITIVE_INFINITY,
      );
      let best: Mended | null = null;
      for (const range of candidates) {
        const found = weakestCore(
          (pair) => judge(withPair(specification, a, b, pair), own),
          range.innerCutoff === given.pairs[a]![b]!.innerCutoff
            ? given.pairs[a]![b]!
            : { ...range, core: zblCore(...names, range) },
        );
        if (best === null || isBetter(found, best)) best = found;
        if (best.left.length === 0 && best.strength <= WEAK_ENOUGH) break;
      }
      const now = failing.filter(({ curve }) => curve.pair.join(' ') === key);
      if (best === null || !(weightOf(best.left) < weightOf(now))) continue;
      const still = new Set(best.left.map(({ curve }) => curve.name));
      moved ||= best.pair !== specification.pairs[a]![b]!;
      specification = withPair(specification, a, b, best.pair);
      const places = now.filter(({ curve }) => !still.has(curve.name)).map(({ attracted }) => attracted);
      const before = cores.get(key)?.attracted ?? places[0]!;
      cores.set(key, {
        pair: names,
        strength: best.strength,
        innerCutoff: [given.pairs[a]![b]!.innerCutoff, best.pair.innerCutoff],
        attracted: [
          Math.min(before[0], ...places.map(([from]) => from)),
          Math.max(before[1], ...places.map(([, to]) => to)),
        ],
      });
    }
    if (!moved) break;
    failing = judge(specification, curves);
  }
  return { specification, mending: { cores: [...cores.values()], failing: failing.map(({ curve }) => curve.name) } };
}

/** The range of a pair as given, and wider ones. */
function candidateRanges({ cutoff, innerCutoff, innerWidth }: AcePair, shortest: number): Omit<AcePair, 'core'>[] {
  const ranges = [{ cutoff, innerCutoff, innerWidth }];
  const room = NEAREST * shortest - innerCutoff;
  if (!Number.isFinite(room) || room < WORTHWHILE) return ranges;
  for (const share of WIDENINGS) {
    const wider = innerCutoff + share * room;
    ranges.push({ cutoff, innerCutoff: wider, innerWidth: suggestInnerWidth(wider) });
  }
  return ranges;
}

function withPair(specification: AceSpecification, a: number, b: number, pair: AcePair): AceSpecification {
  const pairs = specification.pairs.map((row, i) =>
    row.map((old, j) => ((i === a && j === b) || (i === b && j === a) ? pair : old)),
  );
  return { ...specification, pairs };
}

/** A core, its strength over ZBL, and the curves that it leaves attractive. */
interface Mended {
  readonly pair: AcePair;
  readonly strength: number;
  readonly left: readonly Failing[];
}

/** A dimer outweighs any number of crystals. */
function weightOf(failing: readonly Failing[]): number {
  return failing.reduce((sum, { curve }) => sum + (curve.kind === 'dimer' ? 1000 : 1), 0);
}

function isBetter(one: Mended, other: Mended): boolean {
  const more = weightOf(one.left) - weightOf(other.left);
  return more === 0 ? one.strength < other.strength : more < 0;
}

/** The core of a range that is as strong as need be for every curve for which that can be. */
function weakestCore(judge: (pair: AcePair) => readonly Failing[], range: AcePair): Mended {
  let pair = range;
  let strength = 1;
  for (let step = 0; ; step++) {
    const failing = judge(pair);
    const curable = failing.filter(({ factor }) => factor * strength <= STRONGEST);
    if (curable.length === 0 || step === MOST_STEPS) return { pair, strength, left: failing };
    strength *= Math.max(...curable.map(({ factor }) => factor));
    pair = { ...range, core: { ...range.core, prefactor: strength * range.core.prefactor } };
  }
}

/** A curve that falls somewhere. */
interface Failing {
  readonly curve: CoreCurve;
  /** By how much its core must be stronger; infinite where no core acts. */
  readonly factor: number;
  /** First and last place, Å. */
  readonly attracted: readonly [number, number];
}

/** The ground states of the fit, from their minima on. */
function pressedCrystals(
  { basis, weights, shortest, periodic }: CoreRequest,
  prepare: (basis: AceBasis) => AceProgram,
): CoreCurve[] {
  const crystals = periodic ? crystalCurves(basis.specification, shortest) : [];
  if (crystals.length === 0) return [];
  const program = prepare(basis);
  try {
    const energies = crystals.map(({ places }) =>
      program.evaluate(structuresOf(places), weights).map(({ energy, atomEnergies }) => energy / atomEnergies.length),
    );
    return groundStates(crystals, energies, shortest);
  } finally {
    program.dispose();
  }
}

function structuresOf(places: CoreCurve['places']): Structure[] {
  return places.map(({ structure }) => structure);
}

function failingCurves(
  curves: readonly CoreCurve[],
  basis: AceBasis,
  weights: Float64Array,
  prepare: (basis: AceBasis) => AceProgram,
): Failing[] {
  const program = prepare(basis);
  const nothing = new Float64Array(weights.length);
  try {
    return curves.flatMap((curve): Failing[] => {
      const structures = structuresOf(curve.places);
      const slopes = slopesOf(curve, program.evaluate(structures, weights));
      if (slopes.every(({ slope }) => slope > 0)) return [];
      const cores = slopesOf(curve, program.evaluate(structures, nothing));
      let factor = 1;
      const places: number[] = [];
      slopes.forEach(({ at, slope }, k) => {
        if (slope > 0) return;
        const core = cores[k]!.slope;
        factor = Math.max(factor, core > 0 ? MARGIN * (1 - slope / core) : Number.POSITIVE_INFINITY);
        places.push(at);
      });
      return [{ curve, factor, attracted: [Math.min(...places), Math.max(...places)] }];
    });
  } finally {
    program.dispose();
  }
}

/**
 * What must be positive along a curve: forces of a dimer; traces of the virial of a pressed crystal below its minimum, and by
 * how much its energy rises from one bond length to the next.
 */
function slopesOf(curve: CoreCurve, found: readonly Evaluation[]): { readonly at: number; readonly slope: number }[] {
  return found.flatMap(({ energy, forces, virial }, p) => {
    const { at } = curve.places[p]!;
    if (curve.kind === 'dimer') return [{ at, slope: forces[3]! }];
    if (p === 0) return [];
    return [
      { at, slope: energy - found[p - 1]!.energy },
      { at, slope: virial[0]! + virial[1]! + virial[2]! },
    ];
  });
}
