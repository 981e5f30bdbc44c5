/** One spectrum with its weight: the eigenvalues at one k-point. */
export interface WeightedSpectrum {
  /** [n] eV, ascending. */
  readonly values: Float64Array;
  /** Fraction of the Brillouin zone that it stands for. */
  readonly weight: number;
}

/** Occupation 1/(1 + exp x) of a state at x = (ε − μ)/w, between 0 and 1. */
export function fermiDirac(x: number): number {
  return x > 700 ? 0 : 1 / (1 + Math.exp(x));
}

/** ln(1 + exp(−x)) without overflow. */
function softplus(x: number): number {
  return x < 0 ? -x + Math.log1p(Math.exp(x)) : Math.log1p(Math.exp(-x));
}

function electronCount(spectra: readonly WeightedSpectrum[], mu: number, width: number): number {
  let count = 0;
  for (const { values, weight } of spectra) {
    let sum = 0;
    for (let v = 0; v < values.length; v++) sum += fermiDirac((values[v]! - mu) / width);
    count += 2 * weight * sum;
  }
  return count;
}

/** Smallest μ between low and high, to rounding, at which at least `electrons` are bound. */
function bisect(
  spectra: readonly WeightedSpectrum[],
  electrons: number,
  width: number,
  low: number,
  high: number,
): number {
  let below = low;
  let above = high;
  for (let step = 0; step < 200; step++) {
    const mu = 0.5 * (below + above);
    if (mu <= below || mu >= above) break;
    if (electronCount(spectra, mu, width) < electrons) below = mu;
    else above = mu;
  }
  return 0.5 * (below + above);
}

/**
 * Chemical potential μ, eV, at which Σ_k w_k Σ_v 2 f((ε_v − μ)/width) = electrons. Where a wide gap leaves it open to
 * rounding, the middle of the range is taken. At most 2n electrons have room.
 */
export function fermiLevel(spectra: readonly WeightedSpectrum[], electrons: number, width: number): number {
  let lowest = Number.POSITIVE_INFINITY;
  let highest = Number.NEGATIVE_INFINITY;
  for (const { values } of spectra) {
    lowest = Math.min(lowest, values[0]!);
    highest = Math.max(highest, values[values.length - 1]!);
  }
  const margin = 50 * width;
  const slack = 1e-13 * electrons;
  const first = bisect(spectra, electrons - slack, width, lowest - margin, highest + margin);
  const last = bisect(spectra, electrons + slack, width, lowest - margin, highest + margin);
  return 0.5 * (first + last);
}

/**
 * Electronic free energy and entropy of spectra at chemical potential μ:
 *   F = μN − 2·width Σ_k w_k Σ_v ln(1 + e^{(μ − ε)/width}),  TS = Σ_kv 2 w_k f (ε − μ) − (F − μN).
 * F is stationary in μ, so an error of μ enters squared.
 * @returns `free` F = E − TS and `internal` E = Σ 2 w f ε, eV
 */
export function electronicEnergy(
  spectra: readonly WeightedSpectrum[],
  electrons: number,
  mu: number,
  width: number,
): { readonly free: number; readonly internal: number } {
  let free = mu * electrons;
  let internal = 0;
  for (const { values, weight } of spectra) {
    let grand = 0;
    let band = 0;
    for (let v = 0; v < values.length; v++) {
      const x = (values[v]! - mu) / width;
      grand += softplus(x);
      band += fermiDirac(x) * values[v]!;
    }
    free -= 2 * weight * width * grand;
    internal += 2 * weight * band;
  }
  return { free, internal };
}
