/**
 * Potentials of two densities over one basis, E_i = ρ₁ + F(ρ₂) + core with ρ_p = Σ_v w_pv B_v: their embedding, the basis
 * that says where their rows are linearised, and the derivatives of F.
 */
import { InputError } from '../../errors.ts';
import { sha256Hex } from '../../hash.ts';
import type { AceBasis } from './basis.ts';

/**
 * A basis whose potentials have a second density: twice the columns, those of ρ₁ first. Rows of its program are
 * derivatives of the energy at this second density, so that rows·w + baseline is the potential itself at w₂ = second.
 *
 * @param second [d] w₂
 * @throws InputError `WRONG_LENGTH`
 */
export function withSecondDensity(basis: AceBasis, second: Float64Array): AceBasis {
  const d = basis.offsets.at(-1)!;
  if (second.length !== d) {
    throw new InputError('WRONG_LENGTH', `second density must have ${d} coefficients, got ${second.length}`);
  }
  const { specification, functions, offsets } = basis;
  const bytes = new Uint8Array(second.buffer, second.byteOffset, second.byteLength);
  return { specification, functions, offsets, second, id: sha256Hex(basis.id, 'second density', bytes) };
}

/** Number of columns of the potentials of a basis: its functions, twice with a second density. */
export function basisColumns(basis: AceBasis): number {
  return basis.offsets.at(-1)! * (basis.second === undefined ? 1 : 2);
}

/**
 * F(ρ; ½) of the shifted and scaled form (`embed`) with its first and second derivative, odd in ρ:
 *
 *   F = √(x₀ + ρ) − y₀ for ρ ≥ 0,   x₀ = e^{−ρ}/4,   y₀ = e^{−ρ}/2;   F′(0) = 5/4
 *
 * @param out [3] receives F, F′, F″ (of ρ ≥ 0 at ρ = 0, where F″ jumps)
 */
export function rootEmbedding(density: number, out: Float64Array): void {
  const size = Math.abs(density);
  const decay = Math.exp(-size);
  const x0 = 0.25 * decay;
  const y0 = 0.5 * decay;
  const u = x0 + size;
  const root = Math.sqrt(u);
  const sign = density < 0 ? -1 : 1;
  out[0] = sign * (root - y0);
  out[1] = (0.5 * (1 - x0)) / root + y0;
  out[2] = sign * ((-0.25 * (1 - x0) * (1 - x0)) / (u * root) + (0.5 * x0) / root - y0);
}
