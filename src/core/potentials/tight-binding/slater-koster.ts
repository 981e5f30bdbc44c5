import { PP_PI, PP_SIGMA, SP_SIGMA, SS_SIGMA } from './bowler.ts';

/** Orbitals of an atom: s, p_x, p_y, p_z. */
export const ORBITALS = 4;

/**
 * Two-centre block of Slater and Koster (1954) at unit radial factor: block[4a + b] = ⟨a on atom i| H |b on atom j⟩ for
 * the unit bond vector u from i to j,
 *   ss = V_ssσ,  s p_b = u_b V_spσ,  p_a s = −u_a V_spσ,  p_a p_b = u_a u_b (V_ppσ − V_ppπ) + δ_ab V_ppπ.
 * @param out [16] eV
 */
export function angularBlock(ux: number, uy: number, uz: number, out: Float64Array): void {
  const difference = PP_SIGMA - PP_PI;
  out[0] = SS_SIGMA;
  out[1] = ux * SP_SIGMA;
  out[2] = uy * SP_SIGMA;
  out[3] = uz * SP_SIGMA;
  out[4] = -ux * SP_SIGMA;
  out[5] = ux * ux * difference + PP_PI;
  out[6] = ux * uy * difference;
  out[7] = ux * uz * difference;
  out[8] = -uy * SP_SIGMA;
  out[9] = uy * ux * difference;
  out[10] = uy * uy * difference + PP_PI;
  out[11] = uy * uz * difference;
  out[12] = -uz * SP_SIGMA;
  out[13] = uz * ux * difference;
  out[14] = uz * uy * difference;
  out[15] = uz * uz * difference + PP_PI;
}

/**
 * Gradient of h(r)·Σ_ab D_ab block_ab(u) with respect to the bond vector d = r·u: the derivative of a bond's energy for
 * the density-matrix block D.
 * @param density D_ab begins at density[at], 16 entries
 * @param h radial factor, @param slope its derivative, 1/Å
 * @param out [3] eV/Å
 */
export function bondGradient(
  density: Float64Array,
  at: number,
  ux: number,
  uy: number,
  uz: number,
  r: number,
  h: number,
  slope: number,
  out: Float64Array,
): void {
  const difference = PP_SIGMA - PP_PI;
  const sx = density[at + 1]! - density[at + 4]!;
  const sy = density[at + 2]! - density[at + 8]!;
  const sz = density[at + 3]! - density[at + 12]!;
  const xx = density[at + 5]!;
  const yy = density[at + 10]!;
  const zz = density[at + 15]!;
  const xy = density[at + 6]! + density[at + 9]!;
  const xz = density[at + 7]! + density[at + 13]!;
  const yz = density[at + 11]! + density[at + 14]!;
  // Angular sum: constant + linear (s·u) + quadratic (uᵀQu) form in u, so that its gradient in u is s + 2Qu.
  const linear = SP_SIGMA * (sx * ux + sy * uy + sz * uz);
  const quadratic =
    difference * (xx * ux * ux + yy * uy * uy + zz * uz * uz + xy * ux * uy + xz * ux * uz + yz * uy * uz);
  const total = SS_SIGMA * density[at]! + linear + quadratic + PP_PI * (xx + yy + zz);
  const gx = SP_SIGMA * sx + difference * (2 * xx * ux + xy * uy + xz * uz);
  const gy = SP_SIGMA * sy + difference * (2 * yy * uy + xy * ux + yz * uz);
  const gz = SP_SIGMA * sz + difference * (2 * zz * uz + xz * ux + yz * uy);
  // du/dd = (1 − u uᵀ)/r takes away the part along the bond, where only the radial factor changes.
  const along = gx * ux + gy * uy + gz * uz;
  const across = h / r;
  const radial = slope * total - across * along;
  out[0] = radial * ux + across * gx;
  out[1] = radial * uy + across * gy;
  out[2] = radial * uz + across * gz;
}
