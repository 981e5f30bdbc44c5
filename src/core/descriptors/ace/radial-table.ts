/**
 * Radial functions as piecewise polynomials on bins of equal width within each segment of the distance, segments ending
 * where a function is not smooth. Values and slopes come from one Horner pass over monomials of
 *
 *   w = 2 (r − r_bin)/h − 1,  −1 ≤ w ≤ 1
 *
 * Tables are linear in the functions, so that sums of functions are tabulated by summing tables.
 */
import { NumericalError } from '../../errors.ts';
import { BondFunctions } from './bond-functions.ts';
import type { ProductPotential } from './product-basis.ts';
import type { RadialFunctions } from './radial.ts';
import { SlopeInterpolant } from './slope-interpolant.ts';

/** Bins of equal width from `start` to `end`, Å; the first is bin `first` of the table. */
export interface TableSegment {
  readonly start: number;
  readonly end: number;
  readonly first: number;
  readonly bins: number;
}

/** Piecewise polynomials of several functions of the distance. */
export interface RadialTable {
  /** Å; zero from there on. */
  readonly cutoff: number;
  readonly degree: number;
  readonly segments: readonly TableSegment[];
  readonly bins: number;
  readonly rows: number;
  /** [bins, rows, degree + 1] coefficients of w⁰, w¹, … */
  readonly coefficients: Float64Array;
}

/**
 * Error allowed for a row at some distance, of its largest value and of its largest slope at that distance or farther: well
 * within what is promised of tabulated functions, so that sums over many neighbours keep the promise.
 */
const VALUE_TOLERANCE = 2e-14;
const SLOPE_TOLERANCE = 1e-13;

/** Å; atoms that are closer are refused. */
const SHORTEST_DISTANCE = 1e-3;
const MAX_BINS = 4096;
const MAX_DEPTH = 3;
/**
 * Powers of the distance to the cutoff that are no polynomials (`ChebPow` with a broken exponent) want ever narrower bins
 * towards it: beyond this many, an eighth of the range at its end is followed apart, down to this share of the cutoff.
 */
const MAX_BINS_AT_CUTOFF = 256;
const NARROWEST = 1e-9;
/** Distances at which the largest value and slope are looked for, and the share of the largest of all that is enough. */
const SAMPLES = 256;
const NEGLIGIBLE = 1e-2;
/** Where errors are looked at: they are largest at the ends of a bin. */
const PROBES = [-1, -0.7, -0.2, 0.35, 0.8, 1];
/** Rounding of a slope over half a bin, and of formulas that divide by the distance, relative to the value. */
const ROUNDING = 4e-15;
/** Rounding of slopes in the recursions of polynomials, relative to the slope. */
const SLOPE_ROUNDING = 1e-13;
/** Errors up to this many times what is allowed are rounding of the functions where narrower bins do not lessen them. */
const ROUNDING_EXCESS = 50;

/** Replaces samples [SAMPLES, rows] by the largest of their magnitudes there and farther out. */
function farthest(samples: Float64Array, rows: number): void {
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let s = SAMPLES - 1; s >= 0; s--) {
      most = Math.max(most, Math.abs(samples[s * rows + row]!));
      samples[s * rows + row] = most;
    }
    for (let s = 0; s < SAMPLES; s++) samples[s * rows + row] = Math.max(samples[s * rows + row]!, NEGLIGIBLE * most);
  }
}

/** Bins of some width that follow the functions over a range. */
interface FittedSegment {
  readonly start: number;
  readonly end: number;
  readonly bins: number;
}

/** Finds bins for one set of functions. */
class Tabulation {
  private readonly functions: RadialFunctions;
  private readonly interpolant: SlopeInterpolant;
  /** [samples, rows] largest value and slope at this distance and farther. */
  private readonly largest: Float64Array;
  private readonly steepest: Float64Array;
  private readonly values: Float64Array;
  private readonly slopes: Float64Array;
  private readonly bin: Float64Array;

  constructor(functions: RadialFunctions, degree: number) {
    const { count, cutoff } = functions;
    this.functions = functions;
    this.interpolant = new SlopeInterpolant(degree);
    this.largest = new Float64Array(SAMPLES * count);
    this.steepest = new Float64Array(SAMPLES * count);
    this.values = new Float64Array(count * degree);
    this.slopes = new Float64Array(count * degree);
    this.bin = new Float64Array(count * (degree + 1));
    for (let s = 0; s < SAMPLES; s++) {
      functions.evaluate(((s + 0.5) * cutoff) / SAMPLES, this.largest, this.steepest, s * count);
    }
    farthest(this.largest, count);
    farthest(this.steepest, count);
    // The core, last of all, is by far largest at short distance, but to be followed everywhere: to 1 eV and 1 eV/Å.
    for (let s = 0; s < SAMPLES; s++) {
      this.largest[(s + 1) * count - 1] = Math.min(this.largest[(s + 1) * count - 1]!, 1);
      this.steepest[(s + 1) * count - 1] = Math.min(this.steepest[(s + 1) * count - 1]!, 1);
    }
  }

  /** Writes the coefficients of one bin, [rows, degree + 1]. */
  fit(start: number, width: number, out: Float64Array, offset: number): void {
    const { functions, interpolant, values, slopes } = this;
    for (let k = 0; k < interpolant.degree; k++) {
      functions.evaluate(start + (0.5 * interpolant.nodes[k]! + 0.5) * width, values, slopes, k * functions.count);
    }
    interpolant.fit(values, slopes, 0.5 * width, functions.count, out, offset);
  }

  /** Largest error of one bin over what is allowed. */
  private excessOfBin(start: number, width: number): number {
    const { functions, interpolant, values, slopes, bin, largest, steepest } = this;
    const { count, cutoff } = functions;
    const terms = interpolant.degree + 1;
    this.fit(start, width, bin, 0);
    let excess = 0;
    for (const w of PROBES) {
      const r = start + (0.5 * w + 0.5) * width;
      functions.evaluate(r, values, slopes, 0);
      const sample = Math.min(SAMPLES - 1, Math.floor((r / cutoff) * SAMPLES)) * count;
      for (let row = 0; row < count; row++) {
        let value = 0;
        let slope = 0;
        for (let i = terms - 1; i >= 0; i--) {
          slope = slope * w + value;
          value = value * w + bin[row * terms + i]!;
        }
        slope *= 2 / width;
        const [exact, steep] = [values[row]!, slopes[row]!];
        // A large core is followed relative to what it is at that distance.
        const size = Math.max(largest[sample + row]!, Math.abs(exact));
        const steepness = Math.max(steepest[sample + row]!, Math.abs(steep), row === count - 1 ? size : 0);
        if (size === 0 && steepness === 0) continue;
        const rounding = ROUNDING * Math.abs(exact) * (2 / width + 1 / r) + SLOPE_ROUNDING * Math.abs(steep);
        const valueExcess = Math.abs(value - exact) / (VALUE_TOLERANCE * size);
        const slopeExcess = Math.abs(slope - steep) / (SLOPE_TOLERANCE * steepness + rounding);
        excess = Math.max(excess, valueExcess, slopeExcess);
      }
    }
    return excess;
  }

  /** Largest error over what is allowed; only the first of them where it is far too large. */
  private excess(start: number, end: number, bins: number): number {
    const width = (end - start) / bins;
    let excess = 0;
    for (let q = 0; q < bins && excess <= ROUNDING_EXCESS; q++) {
      excess = Math.max(excess, this.excessOfBin(start + q * width, width));
    }
    return excess;
  }

  /** The fewest bins, a power of two or three quarters of one, that follow the functions from start to end; 0 for none. */
  private binsFor(start: number, end: number): number {
    const most = end === this.functions.cutoff ? MAX_BINS_AT_CUTOFF : MAX_BINS;
    let before = Number.POSITIVE_INFINITY;
    for (let bins = 1; bins <= most; bins *= 2) {
      const excess = this.excess(start, end, bins);
      if (excess <= 1) {
        const fewer = 0.75 * bins;
        return bins >= 8 && this.excess(start, end, fewer) <= 1 ? fewer : bins;
      }
      if (before <= ROUNDING_EXCESS && excess > 0.25 * before) return bins / 2;
      before = excess;
    }
    return 0;
  }

  /** Segments from start to end: cut in halves where that saves bins. */
  divide(start: number, end: number, depth: number): FittedSegment[] {
    const { cutoff } = this.functions;
    if (end === cutoff && end - start < NARROWEST * cutoff) return [{ start, end, bins: 1 }];
    const bins = this.binsFor(start, end);
    if (bins === 0 && end === cutoff) {
      const near = end - (end - start) / 8;
      return [...this.divide(start, near, depth), ...this.divide(near, end, 0)];
    }
    if (bins === 0) {
      const message = `radial functions must be smooth between ${start} and ${end} Å, got none that ${MAX_BINS} bins follow`;
      throw new NumericalError('TABLE_NOT_CONVERGED', message, { start, end });
    }
    const whole = [{ start, end, bins }];
    if (bins < 8 || depth === 0) return whole;
    const middle = 0.5 * (start + end);
    const halves = [...this.divide(start, middle, depth - 1), ...this.divide(middle, end, depth - 1)];
    return halves.reduce((sum, half) => sum + half.bins, 0) <= 0.8 * bins ? halves : whole;
  }
}

/**
 * Tabulates functions, of which the last is a core.
 *
 * @param breaks   distances at which a function is not smooth, Å, in any order
 * @param degree   of the polynomials; fewer bins for a higher one
 * @throws NumericalError `TABLE_NOT_CONVERGED` where functions are not smooth between breaks
 */
export function tabulate(functions: RadialFunctions, breaks: readonly number[], degree: number): RadialTable {
  const { cutoff, count } = functions;
  const inside = breaks.filter((r) => r > SHORTEST_DISTANCE && r < cutoff).sort((a, b) => a - b);
  const ends = [SHORTEST_DISTANCE, ...inside, cutoff].filter((r, k, all) => k === 0 || r > all[k - 1]!);
  const tabulation = new Tabulation(functions, degree);
  const segments: TableSegment[] = [];
  let bins = 0;
  for (let k = 0; k + 1 < ends.length; k++) {
    for (const segment of tabulation.divide(ends[k]!, ends[k + 1]!, MAX_DEPTH)) {
      segments.push({ ...segment, first: bins });
      bins += segment.bins;
    }
  }
  const stride = count * (degree + 1);
  const coefficients = new Float64Array(bins * stride);
  for (const { start, end, first, bins: own } of segments) {
    const width = (end - start) / own;
    for (let q = 0; q < own; q++) tabulation.fit(start + q * width, width, coefficients, (first + q) * stride);
  }
  return { cutoff, degree, segments, bins, rows: count, coefficients };
}

/**
 * Sums of tabulated functions.
 *
 * @param mixing [rows of the result, rows of the table]
 */
export function combine(table: RadialTable, mixing: Float64Array): RadialTable {
  const { bins, rows: from, degree, coefficients } = table;
  const terms = degree + 1;
  const rows = mixing.length / from;
  const out = new Float64Array(bins * rows * terms);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < from; k++) {
      const c = mixing[row * from + k]!;
      if (c === 0) continue;
      for (let q = 0; q < bins; q++) {
        const a = (q * from + k) * terms;
        const b = (q * rows + row) * terms;
        for (let i = 0; i < terms; i++) out[b + i] = out[b + i]! + c * coefficients[a + i]!;
      }
    }
  }
  return { ...table, rows, coefficients: out };
}

/** Evaluates a table: what a neighbour brings with its distance, without the functions themselves. */
export class TabulatedRadialFunctions implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly table: RadialTable;

  constructor(table: RadialTable) {
    this.table = table;
    this.cutoff = table.cutoff;
    this.count = table.rows;
  }

  /** Values and slopes at r ≥ 1e-3 Å (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { segments, rows, degree, coefficients, cutoff } = this.table;
    if (r >= cutoff) {
      values.fill(0, offset, offset + rows);
      slopes.fill(0, offset, offset + rows);
      return;
    }
    let k = segments.length - 1;
    while (k > 0 && r < segments[k]!.start) k--;
    const { start, end, bins, first } = segments[k]!;
    const scale = bins / (end - start);
    const x = (r - start) * scale;
    const bin = Math.min(Math.floor(x), bins - 1);
    const w = 2 * (x - bin) - 1;
    const terms = degree + 1;
    for (let row = 0, at = (first + bin) * rows * terms; row < rows; row++, at += terms) {
      let value = 0;
      let slope = 0;
      for (let i = at + degree; i >= at; i--) {
        slope = slope * w + value;
        value = value * w + coefficients[i]!;
      }
      values[offset + row] = value;
      slopes[offset + row] = 2 * scale * slope;
    }
  }
}

/** g_k of one bond, inner switch included, and behind them r times the core, which is finite at every distance. */
class BondPrimitives implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  readonly breaks: readonly number[];
  private readonly exact: BondFunctions;
  private readonly densities: number;
  private readonly rowValues: Float64Array;
  private readonly rowSlopes: Float64Array;

  constructor(potential: ProductPotential, mu0: number, mu: number) {
    const bond = potential.bonds[mu0]![mu]!;
    const count = bond.radial.count;
    const identity = new Float64Array(count * count);
    for (let k = 0; k < count; k++) identity[k * count + k] = 1;
    const bonds = potential.bonds.map((row) => [...row]);
    bonds[mu0]![mu] = { ...bond, nmax: count, lmax: 0, coefficients: identity };
    const pairs = Array.from({ length: count }, (_, k) => ({
      mus: [mu, mu],
      ns: [k + 1, k + 1],
      ls: [0, 0],
      ms: new Int8Array(2),
      coefficients: new Float64Array(0),
    }));
    this.exact = new BondFunctions({ ...potential, bonds, functions: potential.functions.map(() => pairs) }, mu0, mu);
    this.densities = this.exact.count - count - 1;
    this.rowValues = new Float64Array(this.exact.count);
    this.rowSlopes = new Float64Array(this.exact.count);
    this.cutoff = this.exact.cutoff;
    this.count = count + 1;
    const { type, cutoff, width } = bond.inner;
    const edges = type === 'distance' ? [cutoff - width, cutoff] : [];
    this.breaks = [...edges, this.cutoff - bond.cutoffWidth];
  }

  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { exact, count, densities, rowValues, rowSlopes } = this;
    const last = offset + count - 1;
    exact.evaluate(r, rowValues, rowSlopes, 0);
    for (let k = 0; k < count - 1; k++) {
      values[offset + k] = rowValues[k]!;
      slopes[offset + k] = rowSlopes[k]!;
    }
    const core = rowValues[count - 1 + densities]!;
    values[last] = r * core;
    slopes[last] = core + r * rowSlopes[count - 1 + densities]!;
  }
}

/**
 * Table of the g_k of one bond, inner switch included, and behind them of r·φ(r), φ its core (0 where there is none).
 *
 * @throws NumericalError `TABLE_NOT_CONVERGED`
 */
export function tabulateBond(potential: ProductPotential, mu0: number, mu: number, degree: number): RadialTable {
  const primitives = new BondPrimitives(potential, mu0, mu);
  return tabulate(primitives, primitives.breaks, degree);
}
