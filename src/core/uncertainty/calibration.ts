import { InputError } from '../errors.ts';

/** Below this many structures factors are fitted but called uncalibrated. */
export const MINIMUM_STRUCTURES = 10;
/** No residual pulls at the factors more than one of this many standard deviations. */
export const RESIDUAL_LIMIT = 4;
/** Least factor of the noise variance: below it residuals of symmetric atoms have ruled the fit. */
export const SMALLEST_FACTOR = 0.1;

/** Leave-one-structure-out residuals of one kind of observation. Entries with NaN are left out. */
export interface ResidualSample {
  /** [n] residuals e of predictions made without the structure. */
  readonly residuals: Float64Array;
  /** [n] noise variances σ_t² s_r², in the square of the residuals' unit; null when they are all 1 (whitened residuals). */
  readonly noise: Float64Array | null;
  /** [n] epistemic variances v of the same predictions, made without the structure. */
  readonly epistemic: Float64Array;
  /** [n] index of the structure of each residual, ≥ 0. */
  readonly structures: Int32Array;
}

/**
 * Predictive variance of one kind: a·(noise variance) + b·(epistemic variance). b ≫ 1 says that the form of the model,
 * not the amount of data, limits its accuracy. Belongs to one fit: refit it with the model.
 */
export interface TwoFactorScale {
  readonly a: number;
  readonly b: number;
  /** Number of structures and residuals it was fitted to. */
  readonly structures: number;
  readonly observations: number;
  /** Nats per residual gained over the best constant multiple of the noise. */
  readonly gain: number;
  /** False when the factors are a stopgap; `reason` says why ('' when calibrated). */
  readonly calibrated: boolean;
  readonly reason: string;
}

/** Settings of the fit. */
export interface ScaleOptions {
  /** `two-factor` (default), or `temperature`: a = 0, one factor on the epistemic variance. */
  readonly form?: 'two-factor' | 'temperature';
  /** Whether each structure counts alike however many residuals it has (default false: each residual counts). */
  readonly structureEqual?: boolean;
  /** Least a and b. b = 0 would silence every trigger. */
  readonly smallestA?: number;
  readonly smallestB?: number;
}

/** The residuals that count, scaled so that both variances have mean 1. */
interface Prepared {
  readonly square: Float64Array;
  readonly noise: Float64Array;
  readonly epistemic: Float64Array;
  readonly weight: Float64Array;
  readonly noiseMean: number;
  readonly epistemicMean: number;
  readonly structures: number;
}

function prepare(sample: ResidualSample, structureEqual: boolean): Prepared {
  const { residuals, noise, epistemic, structures } = sample;
  const total = residuals.length;
  if (epistemic.length !== total || structures.length !== total || (noise !== null && noise.length !== total)) {
    throw new InputError('RESIDUAL_SAMPLE', `variances and structures must be as many as the residuals (${total})`, {
      total,
    });
  }
  const kept: number[] = [];
  const perStructure = new Map<number, number>();
  for (let i = 0; i < total; i++) {
    const s = noise === null ? 1 : noise[i]!;
    const v = epistemic[i]!;
    if (s < 0 || v < 0) {
      throw new InputError('RESIDUAL_SAMPLE', `variance of residual ${i} must be at least 0, got ${Math.min(s, v)}`, {
        index: i,
      });
    }
    if (!(Number.isFinite(residuals[i]!) && Number.isFinite(s) && Number.isFinite(v)) || s + v === 0) continue;
    kept.push(i);
    perStructure.set(structures[i]!, (perStructure.get(structures[i]!) ?? 0) + 1);
  }
  const n = kept.length;
  const prepared = {
    square: new Float64Array(n),
    noise: new Float64Array(n),
    epistemic: new Float64Array(n),
    weight: new Float64Array(n),
  };
  kept.forEach((i, k) => {
    prepared.square[k] = residuals[i]! * residuals[i]!;
    prepared.noise[k] = noise === null ? 1 : noise[i]!;
    prepared.epistemic[k] = epistemic[i]!;
    prepared.weight[k] = structureEqual ? 1 / (perStructure.size * perStructure.get(structures[i]!)!) : 1 / n;
  });
  const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / n;
  const noiseMean = mean(prepared.noise);
  const epistemicMean = mean(prepared.epistemic);
  if (noiseMean > 0) for (let k = 0; k < n; k++) prepared.noise[k]! /= noiseMean;
  if (epistemicMean > 0) for (let k = 0; k < n; k++) prepared.epistemic[k]! /= epistemicMean;
  return { ...prepared, noiseMean, epistemicMean, structures: perStructure.size };
}

/** z² up to the limit k², then k²(1 + ln z²/k²): normal within, power-law tails beyond, of the same value and slope. */
function penaltyOf(x: number): number {
  const limit = RESIDUAL_LIMIT * RESIDUAL_LIMIT;
  return x <= limit ? x : limit * (1 + Math.log(x / limit));
}

/** Best common scale c of given relative variances and its mean −2 ln likelihood. */
interface Profiled {
  readonly scale: number;
  readonly objective: number;
}

/**
 * For variances c·u: the c that minimizes Σ w (ln c u + ρ(e²/(c u))), no smaller than `smallest`. Where nothing exceeds
 * the limit that is c = Σ w e²/u, in general Σ w min(e²/(c u), k²) = 1; the objective has one minimum in c, so a clamped c is the constrained optimum.
 */
function profile(data: Prepared, noiseShare: number, epistemicShare: number, smallest: number): Profiled {
  const { square, noise, epistemic, weight } = data;
  const n = square.length;
  const relative = new Float64Array(n);
  let logarithm = 0;
  let scale = 0;
  for (let k = 0; k < n; k++) {
    const u = noiseShare * noise[k]! + epistemicShare * epistemic[k]!;
    logarithm += weight[k]! * Math.log(u);
    relative[k] = square[k]! / u;
    scale += weight[k]! * relative[k]!;
  }
  for (let step = 0; step < 60 && scale > 0; step++) {
    let sum = 0;
    for (let k = 0; k < n; k++) {
      sum += weight[k]! * Math.min(relative[k]! / scale, RESIDUAL_LIMIT * RESIDUAL_LIMIT);
    }
    scale *= sum;
    if (Math.abs(sum - 1) < 1e-12) break;
  }
  scale = Math.max(scale, smallest);
  let penalty = 0;
  for (let k = 0; k < n; k++) penalty += weight[k]! * penaltyOf(relative[k]! / scale);
  return { scale, objective: Math.log(scale) + logarithm + penalty };
}

/** Minimum of a function on [low, high] by golden-section search. */
function goldenMinimum(f: (x: number) => number, low: number, high: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  let [c, d] = [b - ratio * (b - a), a + ratio * (b - a)];
  let [fc, fd] = [f(c), f(d)];
  while (b - a > 1e-9) {
    if (fc < fd) {
      [b, d, fd] = [d, c, fc];
      c = b - ratio * (b - a);
      fc = f(c);
    } else {
      [a, c, fc] = [c, d, fd];
      d = a + ratio * (b - a);
      fd = f(d);
    }
  }
  return 0.5 * (a + b);
}

/** ln of the ratio b⟨v⟩/a⟨s⟩ is searched on this grid before it is refined. */
const LOG_RATIO = { low: -14, high: 23, points: 75 } as const;

/**
 * Two-factor scale by non-negative maximum likelihood over leave-one-out residuals: e ~ N(0, a·s + b·v), with power-law
 * tails beyond 4 standard deviations, so that a few atoms or one structure with a gross error cannot set the scale of all
 * others; for normal residuals that changes the factors by less than 10⁻³. The fit is an exact profile in the common
 * scale and a grid with golden-section refinement in the ratio, so it finds the global optimum and needs no start.
 *
 * Below 10 structures the factors are fitted but called uncalibrated; without residuals they are 1.
 *
 * @throws InputError `RESIDUAL_SAMPLE` for arrays of different length or a negative variance
 */
export function fitTwoFactorScale(sample: ResidualSample, options: ScaleOptions = {}): TwoFactorScale {
  const {
    form = 'two-factor',
    structureEqual = false,
    smallestA = SMALLEST_FACTOR,
    smallestB = SMALLEST_FACTOR,
  } = options;
  const data = prepare(sample, structureEqual);
  const { structures, noiseMean, epistemicMean } = data;
  const observations = data.square.length;
  if (observations === 0 || !data.square.some((value) => value > 0) || !(epistemicMean > 0)) {
    const reason =
      observations === 0 ? 'no residuals' : epistemicMean > 0 ? 'all residuals are 0' : 'all epistemic variances are 0';
    return { a: 1, b: 1, structures, observations, gain: 0, calibrated: false, reason };
  }
  const reason = structures < MINIMUM_STRUCTURES ? `${structures} structures are fewer than ${MINIMUM_STRUCTURES}` : '';
  const calibrated = reason === '';
  const constant = noiseMean > 0 ? profile(data, 1, 0, 0).objective : Number.NaN;
  const gainOf = (objective: number) => (Number.isFinite(constant) ? 0.5 * (constant - objective) : 0);
  if (form === 'temperature' || noiseMean === 0) {
    if (data.epistemic.some((value) => value === 0)) {
      throw new InputError('RESIDUAL_SAMPLE', 'epistemic variances must be positive where no noise is added, got 0');
    }
    const { scale, objective } = profile(data, 0, 1, smallestB * epistemicMean);
    return { a: 0, b: scale / epistemicMean, structures, observations, gain: gainOf(objective), calibrated, reason };
  }
  const smallest = (ratio: number) => Math.max(smallestA * noiseMean, (smallestB * epistemicMean) / ratio);
  const objectiveAt = (logRatio: number) => {
    const ratio = Math.exp(logRatio);
    return profile(data, 1, ratio, smallest(ratio)).objective;
  };
  const step = (LOG_RATIO.high - LOG_RATIO.low) / (LOG_RATIO.points - 1);
  let best = LOG_RATIO.low;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k < LOG_RATIO.points; k++) {
    const objective = objectiveAt(LOG_RATIO.low + k * step);
    if (objective < least) {
      least = objective;
      best = LOG_RATIO.low + k * step;
    }
  }
  const ratio = Math.exp(goldenMinimum(objectiveAt, best - step, best + step));
  const { scale, objective } = profile(data, 1, ratio, smallest(ratio));
  const a = scale / noiseMean;
  const b = (scale * ratio) / epistemicMean;
  return { a, b, structures, observations, gain: gainOf(objective), calibrated, reason };
}

/** Variance of an interval, a·noise + b·epistemic: for error bars and coverage. */
export function predictiveVariance(scale: TwoFactorScale, noise: number, epistemic: number): number {
  return scale.a * noise + scale.b * epistemic;
}

/** Calibrated epistemic variance b·epistemic: for triggers and rankings, which a constant would flatten. */
export function epistemicVariance(scale: TwoFactorScale, epistemic: number): number {
  return scale.b * epistemic;
}
