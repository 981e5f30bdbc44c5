import { InputError } from '../errors.ts';
import { RandomStream } from '../random.ts';

/** One point of a learning curve. */
export interface LearningPoint {
  /** Training labels the model knew, ≥ 1. */
  readonly labels: number;
  /** An error of that model, > 0. */
  readonly error: number;
}

/** err(N) = a N^−b + c, the law that errors of models follow: a falling part and a floor. */
export interface LearningCurve {
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** Least number of points a curve is fitted to. */
export const LEAST_POINTS = 4;
/** Range of the exponent. */
const EXPONENT = { low: 0.05, high: 2 } as const;
/** A step that lowers the loss by less than this share is the last. */
const CONVERGED = 1e-10;
/** Starts of the search: exponents, each with several floors. */
const STARTS: readonly Shape[] = [0.1, 0.3, 0.5, 0.8, 1.2, 1.8].flatMap((b) => [0, 0.4, 2, 20].map((g) => ({ b, g })));
/** Starts for resampled points, beside the curve of the points themselves. */
const FEW_STARTS: readonly Shape[] = [
  { b: 0.5, g: 0 },
  { b: 1.5, g: 2 },
];

/** Error that a curve predicts at N labels. */
export function errorAt({ a, b, c }: LearningCurve, labels: number): number {
  return a * Math.exp(-b * Math.log(labels)) + c;
}

/** Labels at which a curve falls to an error; ∞ where its floor is not below that. */
export function labelsFor({ a, b, c }: LearningCurve, error: number): number {
  return error > c ? Math.exp(Math.log(a / (error - c)) / b) : Number.POSITIVE_INFINITY;
}

/** Share by which doubling the labels lowers the error. */
export function gainPerDoubling(curve: LearningCurve, labels: number): number {
  return 1 - errorAt(curve, 2 * labels) / errorAt(curve, labels);
}

/** The points in logarithms, N relative to the geometric mean. */
interface Logarithms {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly mean: number;
}

function logarithmsOf(points: readonly LearningPoint[]): Logarithms {
  if (points.length < LEAST_POINTS) {
    throw new InputError('LEARNING_CURVE', `points must be at least ${LEAST_POINTS}, got ${points.length}`);
  }
  for (const { labels, error } of points) {
    if (!(labels >= 1 && Number.isFinite(labels) && error > 0 && Number.isFinite(error))) {
      throw new InputError('LEARNING_CURVE', `labels and errors must be positive, got ${error} at ${labels} labels`);
    }
  }
  const x = Float64Array.from(points, ({ labels }) => Math.log(labels));
  if (x.every((value) => value === x[0])) {
    throw new InputError(
      'LEARNING_CURVE',
      `points must be at different numbers of labels, got ${points[0]!.labels} only`,
    );
  }
  const mean = x.reduce((sum, value) => sum + value, 0) / x.length;
  return { x: x.map((value) => value - mean), y: Float64Array.from(points, ({ error }) => Math.log(error)), mean };
}

/** ln(e^(−b x) + g) is the shape of ln err; its offset ln a is the mean difference from the data. */
interface Shape {
  readonly b: number;
  /** Floor over the falling part at the geometric mean of the labels. */
  readonly g: number;
}

interface Judged extends Shape {
  readonly offset: number;
  /** Σ of squared residuals of ln err. */
  readonly loss: number;
}

function judge({ x, y }: Logarithms, { b, g }: Shape): Judged {
  const n = x.length;
  let offset = 0;
  for (let k = 0; k < n; k++) offset += (y[k]! - Math.log(Math.exp(-b * x[k]!) + g)) / n;
  let loss = 0;
  for (let k = 0; k < n; k++) {
    const residual = y[k]! - offset - Math.log(Math.exp(-b * x[k]!) + g);
    loss += residual * residual;
  }
  return { b, g, offset, loss };
}

/** One damped Gauss–Newton step in (b, g) within their bounds. */
function stepOf({ x, y }: Logarithms, { b, g, offset }: Judged, damping: number): Shape {
  const n = x.length;
  // Derivatives of the shape, centred, since the offset follows.
  const db = new Float64Array(n);
  const dg = new Float64Array(n);
  let [meanB, meanG] = [0, 0];
  for (let k = 0; k < n; k++) {
    const falling = Math.exp(-b * x[k]!);
    db[k] = (-x[k]! * falling) / (falling + g);
    dg[k] = 1 / (falling + g);
    meanB += db[k]! / n;
    meanG += dg[k]! / n;
  }
  let [bb, bg, gg, rb, rg] = [0, 0, 0, 0, 0];
  for (let k = 0; k < n; k++) {
    const [u, v] = [db[k]! - meanB, dg[k]! - meanG];
    const residual = y[k]! - offset - Math.log(Math.exp(-b * x[k]!) + g);
    bb += u * u;
    bg += u * v;
    gg += v * v;
    rb += u * residual;
    rg += v * residual;
  }
  bb *= 1 + damping;
  gg *= 1 + damping;
  // At the bound g = 0 with a gradient that points outwards only b moves.
  const held = g === 0 && rg <= 0;
  const determinant = bb * gg - bg * bg;
  const moveB = held || !(determinant > 0) ? rb / bb : (gg * rb - bg * rg) / determinant;
  const moveG = held || !(determinant > 0) ? 0 : (bb * rg - bg * rb) / determinant;
  return { b: Math.min(EXPONENT.high, Math.max(EXPONENT.low, b + moveB)), g: Math.max(0, g + moveG) };
}

function descend(data: Logarithms, start: Shape): Judged {
  let best = judge(data, start);
  let damping = 1e-3;
  for (let step = 0; step < 200 && damping < 1e12; step++) {
    const next = judge(data, stepOf(data, best, damping));
    if (!(next.loss < best.loss)) {
      damping *= 4;
      continue;
    }
    const done = best.loss - next.loss <= CONVERGED * best.loss;
    best = next;
    if (done) break;
    damping = Math.max(1e-15, damping / 10);
  }
  return best;
}

/**
 * Fits a N^−b + c to a learning curve by least squares in ln err, b within [0.05, 2], c ≥ 0: Gauss–Newton from a grid of
 * starts.
 * @throws InputError `LEARNING_CURVE` below four points, for values that are not positive, or a single number of labels
 */
export function fitLearningCurve(points: readonly LearningPoint[]): LearningCurve {
  const data = logarithmsOf(points);
  return curveOf(data, bestOf(data, STARTS));
}

function bestOf(data: Logarithms, starts: readonly Shape[]): Judged {
  return starts.map((start) => descend(data, start)).reduce((best, found) => (found.loss < best.loss ? found : best));
}

function curveOf({ mean }: Logarithms, { b, g, offset }: Judged): LearningCurve {
  const scale = Math.exp(offset);
  return { a: scale * Math.exp(b * mean), b, c: scale * g };
}

/** What a learning curve says of a tolerance. */
export interface Forecast {
  readonly curve: LearningCurve;
  /** Labels at which the tolerance is reached, and the range of eight in ten resampled curves; ∞ where never. */
  readonly labels: { readonly expected: number; readonly low: number; readonly high: number };
  /** Error at the end of the budget, and the bound that nine in ten resampled curves stay above. */
  readonly atBudget: { readonly expected: number; readonly low: number };
  /** Share by which doubling the present labels lowers the error. */
  readonly gainPerDoubling: number;
}

/** Settings of a forecast. */
export interface ForecastOptions {
  readonly tolerance: number;
  /** Labels that may be spent at most. */
  readonly budget: number;
  readonly seed: number;
  readonly resamples?: number;
}

/**
 * Forecast from a learning curve: the fit, and its uncertainty by resampling the residuals of ln err, widened by
 * √(n/(n−3)) for the three constants they were fitted with.
 * @throws InputError as `fitLearningCurve`
 */
export function forecast(points: readonly LearningPoint[], options: ForecastOptions): Forecast {
  const { tolerance, budget, seed, resamples = 200 } = options;
  const data = logarithmsOf(points);
  const best = bestOf(data, STARTS);
  const curve = curveOf(data, best);
  const n = points.length;
  const fitted = points.map(({ labels }) => Math.log(errorAt(curve, labels)));
  const residuals = fitted.map((value, k) => (data.y[k]! - value) * Math.sqrt(n / (n - 3)));
  const labels = new Float64Array(resamples);
  const ends = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    const random = new RandomStream(seed, 'learning curve', r);
    const y = Float64Array.from(fitted, (value) => value + residuals[random.integer(n)]!);
    const resampled = { ...data, y };
    const drawn = curveOf(resampled, bestOf(resampled, [best, ...FEW_STARTS]));
    labels[r] = labelsFor(drawn, tolerance);
    ends[r] = errorAt(drawn, budget);
  }
  labels.sort();
  ends.sort();
  const at = (sorted: Float64Array, p: number): number => sorted[Math.floor(p * (resamples - 1))]!;
  return {
    curve,
    labels: { expected: labelsFor(curve, tolerance), low: at(labels, 0.1), high: at(labels, 0.9) },
    atBudget: { expected: errorAt(curve, budget), low: at(ends, 0.1) },
    gainPerDoubling: gainPerDoubling(curve, points.at(-1)!.labels),
  };
}
