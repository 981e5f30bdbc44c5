import type { AceBasis, AcePair, AceSpecification } from '../descriptors/ace/basis.ts';
import { suggestInnerWidth, zblCore } from '../descriptors/ace/presets.ts';
import type { AceProgram, Evaluation } from '../descriptors/descriptors.ts';
import type { CoreCurve } from './core-curves.ts';
import { crystalCurves, dimerCurves, pressed } from './core-curves.ts';

/** The core outweighs what the basis pulls by this factor. */
const MARGIN = 1.2;
/** Over ZBL: up to here no wider core is tried, and beyond here none is taken. */
const WEAK_ENOUGH = 3;
const STRONGEST = 100;
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
 * distance of the data, and the energies of crystals of elements that are bonded in the data rise while their bonds are made
 * shorter by a third.
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
  const curves = [
    ...dimerCurves(basis.specification, shortest),
    ...(request.periodic ? crystalCurves(basis.specification, shortest) : []),
  ];
  const judge = (specification: AceSpecification, of: readonly CoreCurve[]): Failing[] =>
    failingCurves(of, { ...basis, specification, id: JSON.stringify(specification.pairs) }, request, prepare);
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
      let best: { pair: AcePair; strength: number } | null = null;
      for (const range of candidates) {
        const found = weakestCore(
          (pair) => judge(withPair(specification, a, b, pair), own),
          range.innerCutoff === given.pairs[a]![b]!.innerCutoff
            ? given.pairs[a]![b]!
            : { ...range, core: zblCore(...names, range) },
        );
        if (found !== null && (best === null || found.strength < best.strength)) best = found;
        if (best !== null && best.strength <= WEAK_ENOUGH) break;
      }
      if (best === null) continue;
      moved ||= best.pair !== specification.pairs[a]![b]!;
      specification = withPair(specification, a, b, best.pair);
      const places = failing.filter(({ curve }) => curve.pair.join(' ') === key).map(({ attracted }) => attracted);
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

/** The core of a range that is as strong as need be, and its strength over that at first; null where none is enough. */
function weakestCore(
  judge: (pair: AcePair) => readonly Failing[],
  range: AcePair,
): { readonly pair: AcePair; readonly strength: number } | null {
  let pair = range;
  let strength = 1;
  for (let step = 0; step < MOST_STEPS; step++) {
    const failing = judge(pair);
    if (failing.length === 0) return { pair, strength };
    strength *= Math.max(...failing.map(({ factor }) => factor));
    if (!(strength <= STRONGEST)) return null;
    pair = { ...range, core: { ...range.core, prefactor: strength * range.core.prefactor } };
  }
  return null;
}

/** A curve that falls somewhere. */
interface Failing {
  readonly curve: CoreCurve;
  /** By how much its core must be stronger; infinite where no core acts. */
  readonly factor: number;
  /** First and last place, Å. */
  readonly attracted: readonly [number, number];
}

function failingCurves(
  curves: readonly CoreCurve[],
  basis: AceBasis,
  { weights, shortest }: CoreRequest,
  prepare: (basis: AceBasis) => AceProgram,
): Failing[] {
  const program = prepare(basis);
  try {
    return curves.flatMap((curve) => {
      const structures = curve.places.map(({ structure }) => structure);
      const slopes = slopesOf(curve, program.evaluate(structures, weights), shortest);
      const failing = slopes.filter(({ slope }) => !(slope > 0));
      if (failing.length === 0) return [];
      const cores = slopesOf(curve, program.evaluate(structures, new Float64Array(weights.length)), shortest, slopes);
      let factor = 1;
      slopes.forEach(({ slope }, k) => {
        const core = cores[k]!.slope;
        if (!(slope > 0)) factor = Math.max(factor, core > 0 ? MARGIN * (1 - slope / core) : Number.POSITIVE_INFINITY);
      });
      const places = failing.map(({ place }) => curve.places[place]!.at);
      return [{ curve, factor, attracted: [Math.min(...places), Math.max(...places)] as const }];
    });
  } finally {
    program.dispose();
  }
}

/** What must be positive at a place of a curve. */
interface Slope {
  readonly place: number;
  readonly kind: 'force' | 'step' | 'trace';
  readonly slope: number;
}

/**
 * Forces of a dimer; traces of the virial of a pressed crystal, and by how much its energy rises from one place to the next.
 *
 * @param like places and kinds that are wanted; those that belong to these energies when left out
 */
function slopesOf(
  curve: CoreCurve,
  found: readonly Evaluation[],
  shortest: readonly (readonly number[])[],
  like?: readonly Slope[],
): Slope[] {
  const value = ({ place, kind }: Omit<Slope, 'slope'>): number => {
    const { energy, forces, virial } = found[place]!;
    if (kind === 'force') return forces[3]!;
    return kind === 'step' ? energy - found[place - 1]!.energy : virial[0]! + virial[1]! + virial[2]!;
  };
  const wanted =
    like ??
    (curve.kind === 'dimer'
      ? found.map((_, place) => ({ place, kind: 'force' as const }))
      : pressed(
          curve,
          found.map(({ energy }) => energy),
          shortest[curve.pair[0]]![curve.pair[1]]!,
        ).flatMap((place) => (['step', 'trace'] as const).map((kind) => ({ place, kind }))));
  return wanted.map(({ place, kind }) => ({ place, kind, slope: value({ place, kind }) }));
}
