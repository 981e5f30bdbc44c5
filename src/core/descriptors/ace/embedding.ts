/** How the energy of an atom follows from its densities, its core repulsion and its nearest neighbour. */
import type { Embedding } from './product-basis.ts';
import { innerSwitch } from './radial.ts';

/** Exponents this close to 1 are linear. */
const LINEAR_WITHIN = 1e-10;

/** Density below which the Finnis–Sinclair form goes over into a straight line. */
const STRAIGHT_BELOW = 1e-6;

/** |ρ|^m with a straight start: F and dF/d|ρ| into out. */
function finnisSinclair(size: number, exponent: number, out: Float64Array): void {
  const x = size / STRAIGHT_BELOW;
  const straight = Math.exp(-x * x * x);
  const dStraight = (-3 * x * x * straight) / STRAIGHT_BELOW;
  const steepness = Math.exp((exponent - 1) * Math.log(STRAIGHT_BELOW));
  const power = size === 0 ? 0 : Math.exp(exponent * Math.log(size));
  const dPower = size === 0 ? 0 : (exponent * power) / size;
  out[0] = (1 - straight) * power + straight * steepness * size;
  out[1] = (1 - straight) * dPower - dStraight * power + steepness * (straight + dStraight * size);
}

/** (x₀ + |ρ|)^m − y₀ with x₀ and y₀ falling as e^{−|ρ|}: F and dF/d|ρ| into out. */
function shiftedScaled(size: number, exponent: number, out: Float64Array): void {
  const inverse = 1 / exponent;
  const logarithm = Math.log(inverse) / (1 - inverse);
  const decay = Math.exp(-size);
  const x0 = Math.exp(inverse * logarithm) * decay;
  const y0 = Math.exp(logarithm) * decay;
  const power = Math.exp(exponent * Math.log(x0 + size));
  out[0] = power - y0;
  out[1] = ((exponent * power) / (x0 + size)) * (1 - x0) + y0;
}

const one = new Float64Array(2);

/**
 * Σ_p w_p F(ρ_p; m_p), F odd in ρ and linear for m = 1, otherwise, for ρ ≥ 0,
 *
 *   FinnisSinclair               F = (1 − e^{−(10⁶ρ)³}) ρ^m + 10^{−6(m−1)} e^{−(10⁶ρ)³} ρ
 *   FinnisSinclairShiftedScaled  F = (x₀ + ρ)^m − y₀,  x₀ = μ^{μ/(1−μ)} e^{−ρ},  y₀ = μ^{1/(1−μ)} e^{−ρ},  μ = 1/m
 *
 * @param densities [densities] ρ
 * @param slopes    [densities] receives w_p dF/dρ
 * @returns         eV
 * @see M. W. Finnis, J. E. Sinclair, Philos. Mag. A 50, 45 (1984)
 */
export function embed(embedding: Embedding, densities: Float64Array, slopes: Float64Array): number {
  let energy = 0;
  for (let p = 0; p < embedding.densities.length; p++) {
    const { weight, exponent } = embedding.densities[p]!;
    const density = densities[p]!;
    if (Math.abs(exponent - 1) < LINEAR_WITHIN) {
      energy += weight * density;
      slopes[p] = weight;
      continue;
    }
    const size = Math.abs(density);
    if (embedding.kind === 'FinnisSinclair') finnisSinclair(size, exponent, one);
    else shiftedScaled(size, exponent, one);
    energy += density < 0 ? -weight * one[0]! : weight * one[0]!;
    slopes[p] = weight * one[1]!;
  }
  return energy;
}

/** An atom's products and core made one energy; the derivatives are by the embedded energy, the core and the gap. */
export class AtomEnergy {
  /** eV, without the isolated atom. */
  energy = 0;
  /** ∂/∂(embedded energy). */
  byProducts = 1;
  /** ∂/∂(core). */
  byCore = 1;
  /** ∂/∂(gap of the nearest neighbour), eV/Å; 0 where the nearest neighbour does not matter. */
  byGap = 0;
  private readonly switched = new Float64Array(2);

  /**
   * The core switches the products off where it is large: E = F·f(core) + core, with f the inner switch of the limits of
   * the embedding.
   */
  joinByCore(embedding: Embedding, products: number, core: number): void {
    innerSwitch(core, embedding.coreCutoff, embedding.coreWidth, this.switched);
    this.energy = products * this.switched[0]! + core;
    this.byProducts = this.switched[0]!;
    this.byCore = 1 + products * this.switched[1]!;
    this.byGap = 0;
  }

  /**
   * The nearest neighbour switches from products to core: E = F·(1 − f) + core·f, with f the inner switch of the gap
   * between nearest neighbour and inner cutoff: all core for gaps up to 0, all products from `width` on.
   *
   * @param gap   smallest r − (r_in − δ) among the neighbours, Å; infinite without neighbours
   * @param width δ of that neighbour, Å
   */
  joinByGap(products: number, core: number, gap: number, width: number): void {
    innerSwitch(gap, width, width, this.switched);
    const f = this.switched[0]!;
    this.energy = products * (1 - f) + core * f;
    this.byProducts = 1 - f;
    this.byCore = f;
    this.byGap = (core - products) * this.switched[1]!;
  }
}
