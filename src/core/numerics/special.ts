import { InputError, NumericalError } from '../errors.ts';

const SQRT_TWO_PI = Math.sqrt(2 * Math.PI);
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
const TINY = 1e-300;
const EPSILON = Number.EPSILON;
const MAX_TERMS = 200_000;

/** B_2k/(2k(2k−1)) for k = 1 … 8: the coefficients of Stirling's series. */
const STIRLING = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400];

function refuse(thing: string, rule: string, value: number): never {
  throw new InputError('SPECIAL_FUNCTION_ARGUMENT', `${thing} must ${rule}, got ${value}`, { value });
}

function notConverged(name: string, details: Record<string, number>): never {
  throw new NumericalError('SPECIAL_FUNCTION_NOT_CONVERGED', `${name} did not converge in ${MAX_TERMS} terms`, details);
}

/** exp(−x²) without the rounding of x²: x = h + l with h² exact. */
function gaussian(x: number): number {
  const high = Math.fround(x);
  return Math.exp(-high * high) * Math.exp(-(x - high) * (x + high));
}

/** Maclaurin series of erf in the form 2/√π · e^{−x²} Σ 2ⁿ x^{2n+1}/(2n+1)!!: all terms have one sign. */
function erfSeries(x: number): number {
  const square = x * x;
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > EPSILON * Math.abs(sum) * 0.1; n++) {
    term *= (2 * square) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * gaussian(x) * sum;
}

/** Continued fraction of erfc for x ≥ 2 (modified Lentz): erfc = e^{−x²}/√π · 1/(x + (1/2)/(x + 1/(x + (3/2)/(x + …)))). */
function erfcFraction(x: number): number {
  let f = x;
  let c = x;
  let d = 0;
  for (let n = 1; n < MAX_TERMS; n++) {
    d = 1 / (x + 0.5 * n * d);
    c = x + (0.5 * n) / c;
    const delta = c * d;
    f *= delta;
    if (Math.abs(delta - 1) < EPSILON) break;
  }
  return gaussian(x) / (Math.sqrt(Math.PI) * f);
}

/** Error function erf(x) = 2/√π ∫₀ˣ e^{−t²} dt, to a few units in the last place. */
export function erf(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 0) return -erf(-x);
  if (x < 2) return erfSeries(x);
  return x > 6 ? 1 : 1 - erfcFraction(x);
}

/** Complementary error function 1 − erf(x), accurate relative to its own size in the upper tail (0 above 27.3). */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return Number.NaN;
  if (x < 2) return 1 - erf(x);
  return x > 27.3 ? 0 : erfcFraction(x);
}

/** Standard normal density φ(x). */
export function normalDensity(x: number): number {
  return gaussian(x * Math.SQRT1_2) / SQRT_TWO_PI;
}

/** Standard normal distribution function Φ(x), accurate relative to its size in the lower tail. */
export function normalCdf(x: number): number {
  return 0.5 * erfc(-x * Math.SQRT1_2);
}

/**
 * Standard normal quantile Φ⁻¹(p): a rational start (Abramowitz & Stegun 26.2.23), then Halley steps on Φ.
 * ∓∞ at p = 0 and 1. @throws InputError when p is outside [0, 1].
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) refuse('probability', 'lie in [0, 1]', p);
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const central = Math.abs(p - 0.5) < 0.25;
  const tail = p < 0.5 ? p : 1 - p;
  const t = Math.sqrt(-2 * Math.log(tail));
  const top = 2.515517 + t * (0.802853 + t * 0.010328);
  const bottom = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  // x > 0 solves Φ(−x) = tail; near the centre erf(x/√2)/2 = 1/2 − tail keeps the relative accuracy of small x.
  let x = t - top / bottom;
  for (let step = 0; step < 4; step++) {
    const miss = central ? Math.abs(p - 0.5) - 0.5 * erf(x * Math.SQRT1_2) : normalCdf(-x) - tail;
    const newton = miss / normalDensity(x);
    x += newton / (1 - 0.5 * x * newton);
  }
  return p < 0.5 ? -x : x;
}

/** ln Γ(x+1) − [(x + ½) ln x − x + ½ ln 2π]: the remainder of Stirling's formula, x > 0. */
function stirlingRemainder(x: number): number {
  if (x < 12) return logGamma(x) + Math.log(x) - ((x + 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI);
  const inverseSquare = 1 / (x * x);
  let sum = 0;
  for (let k = STIRLING.length - 1; k >= 0; k--) sum = sum * inverseSquare + STIRLING[k]!;
  return sum / x;
}

/**
 * ln Γ(x) for x > 0: Stirling's series, below 12 carried up by the recurrence. Absolute error about 1e-14 (relative to
 * the larger of 1 and the value, so not relative near its zeros at 1 and 2). @throws InputError unless x > 0.
 */
export function logGamma(x: number): number {
  if (!(x > 0)) refuse('argument of ln Γ', 'be positive', x);
  if (x === 1 || x === 2) return 0;
  if (x === Number.POSITIVE_INFINITY) return x;
  let shifted = x;
  let product = 1;
  while (shifted < 12) product *= shifted++;
  return (
    (shifted - 0.5) * Math.log(shifted) - shifted + HALF_LOG_TWO_PI + stirlingRemainder(shifted) - Math.log(product)
  );
}

/** ln(1 + u) − u without cancellation; `ratio` is 1 + u without the rounding of a u close to −1. */
function logMinus(u: number, ratio: number): number {
  if (Math.abs(u) > 0.3) return Math.log(ratio) - u;
  // ln(1+u) = 2 artanh(r), r = u/(2+u), and 2r − u = −u·r.
  const r = u / (2 + u);
  const square = r * r;
  let power = 2 * r * square;
  let sum = 0;
  for (let k = 3; Math.abs(power) > EPSILON * EPSILON * Math.abs(u); k += 2) {
    sum += power / k;
    power *= square;
  }
  return sum - u * r;
}

/** x^a e^{−x}/Γ(a+1), by the deviance from x = a, so that large a keeps its digits. */
function gammaTerm(a: number, x: number): number {
  if (x === 0) return 0;
  if (a < 1) return Math.exp(a * Math.log(x) - x - logGamma(a + 1));
  return Math.exp(a * logMinus((x - a) / a, x / a) - stirlingRemainder(a)) / Math.sqrt(2 * Math.PI * a);
}

/** [P, Q] of the incomplete gamma function; the smaller one is computed directly. */
function gammaPair(a: number, x: number): [number, number] {
  if (!(a > 0)) refuse('shape of the gamma function', 'be positive', a);
  if (!(x >= 0)) refuse('argument of the gamma function', 'be at least 0', x);
  if (x === 0) return [0, 1];
  if (x === Number.POSITIVE_INFINITY) return [1, 0];
  if (x < a + 1) {
    let term = 1;
    let sum = 1;
    for (let n = 1; term > EPSILON * sum; n++) {
      if (n > MAX_TERMS) notConverged('incomplete gamma series', { a, x });
      term *= x / (a + n);
      sum += term;
    }
    const p = gammaTerm(a, x) * sum;
    return [p, 1 - p];
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let fraction = d;
  for (let n = 1; ; n++) {
    if (n > MAX_TERMS) notConverged('incomplete gamma fraction', { a, x });
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / nonZero(numerator * d + b);
    c = nonZero(b + numerator / c);
    const delta = c * d;
    fraction *= delta;
    if (Math.abs(delta - 1) < EPSILON) break;
  }
  const q = gammaTerm(a, x) * a * fraction;
  return [1 - q, q];
}

function nonZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** Regularised lower incomplete gamma function P(a, x), a > 0, x ≥ 0. @throws InputError outside of that. */
export function gammaP(a: number, x: number): number {
  return gammaPair(a, x)[0];
}

/** Regularised upper incomplete gamma function Q(a, x) = 1 − P(a, x), accurate in its own tail. */
export function gammaQ(a: number, x: number): number {
  return gammaPair(a, x)[1];
}

/**
 * Root u of ln F(u) = ln target for an increasing F by Newton steps inside a shrinking bracket. `evaluate` gives F (or
 * the complement, decreasing: sign −1) and |dF/du|.
 */
function solveQuantile(
  evaluate: (u: number) => readonly [value: number, slope: number],
  target: number,
  sign: 1 | -1,
  start: number,
  lowest: number,
  highest: number,
): number {
  let low = lowest;
  let high = highest;
  let u = Math.min(Math.max(start, low), high);
  for (let step = 0; step < 300; step++) {
    const [value, slope] = evaluate(u);
    const miss = sign * (value - target);
    if (miss > 0) high = u;
    else low = u;
    let next = u - (sign * (Math.log(value) - Math.log(target)) * value) / slope;
    if (Math.abs(next - u) <= 2 * EPSILON * Math.max(1e-3, Math.abs(u))) return next;
    if (!(next > low && next < high)) next = 0.5 * (low + high);
    u = next;
  }
  return u;
}

/** Quantile of the gamma distribution of shape a and scale 1: x with P(a, x) = p. @throws InputError for p outside [0, 1]. */
export function gammaQuantile(p: number, a: number): number {
  if (!(p >= 0 && p <= 1)) refuse('probability', 'lie in [0, 1]', p);
  if (!(a > 0)) refuse('shape of the gamma function', 'be positive', a);
  if (p === 0 || p === 1) return p === 0 ? 0 : Number.POSITIVE_INFINITY;
  const lower = p <= 0.5;
  // Wilson–Hilferty where it is positive, the leading power of P otherwise.
  const cube = 1 - 1 / (9 * a) + normalQuantile(p) / (3 * Math.sqrt(a));
  const start = cube > 0.3 ? Math.log(a * cube * cube * cube) : (Math.log(p) + logGamma(a + 1)) / a;
  const evaluate = (u: number): [number, number] => {
    const x = Math.exp(u);
    return [gammaPair(a, x)[lower ? 0 : 1], a * gammaTerm(a, x)];
  };
  return Math.exp(solveQuantile(evaluate, lower ? p : 1 - p, lower ? 1 : -1, start, -745 * Math.max(1, 1 / a), 700));
}

/** Quantile of the χ² distribution: x with P(freedom/2, x/2) = p. */
export function chiSquareQuantile(p: number, freedom: number): number {
  return 2 * gammaQuantile(p, freedom / 2);
}

/** x^a (1−x)^b / B(a, b) from x and its complement y = 1 − x, by deviances so that large a and b keep their digits. */
function betaTerm(a: number, b: number, x: number, y: number): number {
  if (x === 0 || y === 0) return 0;
  const n = a + b;
  const exponent =
    a * logMinus((b * x - a * y) / a, (n * x) / a) +
    b * logMinus((a * y - b * x) / b, (n * y) / b) +
    stirlingRemainder(n) -
    stirlingRemainder(a) -
    stirlingRemainder(b);
  return Math.exp(exponent) * Math.sqrt((a * b) / (2 * Math.PI * n));
}

/** Continued fraction of I_x(a, b) (DLMF 8.17.22), fit for x below (a+1)/(a+b+2). */
function betaFraction(a: number, b: number, x: number): number {
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let n = 1; ; n++) {
    if (n > MAX_TERMS) notConverged('incomplete beta fraction', { a, b, x });
    const even = (n * (b - n) * x) / ((a + 2 * n - 1) * (a + 2 * n));
    d = 1 / nonZero(1 + even * d);
    c = nonZero(1 + even / c);
    fraction *= c * d;
    const odd = (-(a + n) * (a + b + n) * x) / ((a + 2 * n) * (a + 2 * n + 1));
    d = 1 / nonZero(1 + odd * d);
    c = nonZero(1 + odd / c);
    const delta = c * d;
    fraction *= delta;
    if (Math.abs(delta - 1) < EPSILON) return fraction;
  }
}

/** [I_x(a, b), 1 − I_x(a, b)] from x and y = 1 − x. */
function betaPair(a: number, b: number, x: number, y: number): [number, number] {
  if (!(a > 0 && b > 0)) refuse('shape of the beta function', 'be positive', a > 0 ? b : a);
  if (!(x >= 0 && x <= 1)) refuse('argument of the beta function', 'lie in [0, 1]', x);
  if (x === 0) return [0, 1];
  if (y === 0) return [1, 0];
  const term = betaTerm(a, b, x, y);
  if (x < (a + 1) / (a + b + 2)) {
    const value = (term * betaFraction(a, b, x)) / a;
    return [value, 1 - value];
  }
  const value = (term * betaFraction(b, a, y)) / b;
  return [1 - value, value];
}

/** Regularised incomplete beta function I_x(a, b), a, b > 0, x in [0, 1]. @throws InputError outside of that. */
export function betaI(x: number, a: number, b: number): number {
  return betaPair(a, b, x, 1 - x)[0];
}

/** Quantile of the beta distribution: x with I_x(a, b) = p. @throws InputError for p outside [0, 1]. */
export function betaQuantile(p: number, a: number, b: number): number {
  if (!(p >= 0 && p <= 1)) refuse('probability', 'lie in [0, 1]', p);
  if (!(a > 0 && b > 0)) refuse('shape of the beta function', 'be positive', a > 0 ? b : a);
  if (p === 0 || p === 1) return p;
  const lower = p <= 0.5;
  // u = ln(x/(1−x)) keeps both x and its complement exact.
  const evaluate = (u: number): [number, number] => {
    const x = 1 / (1 + Math.exp(-u));
    const y = 1 / (1 + Math.exp(u));
    return [betaPair(a, b, x, y)[lower ? 0 : 1], betaTerm(a, b, x, y)];
  };
  const u = solveQuantile(evaluate, lower ? p : 1 - p, lower ? 1 : -1, Math.log(a / b), -700, 700);
  return 1 / (1 + Math.exp(-u));
}

/**
 * Clopper–Pearson interval of a probability after `successes` of `trials`: [B(α/2; k, n−k+1), B(1−α/2; k+1, n−k)] with
 * α = 1 − level. @throws InputError unless 0 ≤ successes ≤ trials and trials ≥ 1.
 */
export function clopperPearson(
  successes: number,
  trials: number,
  level = 0.95,
): readonly [lower: number, upper: number] {
  if (!(Number.isInteger(trials) && trials >= 1)) refuse('trials', 'be a positive integer', trials);
  if (!(Number.isInteger(successes) && successes >= 0 && successes <= trials)) {
    refuse('successes', `be an integer in [0, ${trials}]`, successes);
  }
  if (!(level > 0 && level < 1)) refuse('confidence level', 'lie between 0 and 1', level);
  const half = (1 - level) / 2;
  const lower = successes === 0 ? 0 : betaQuantile(half, successes, trials - successes + 1);
  const upper = successes === trials ? 1 : 1 - betaQuantile(half, trials - successes, successes + 1);
  return [lower, upper];
}
