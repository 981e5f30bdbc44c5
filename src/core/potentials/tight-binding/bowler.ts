/**
 * Orthogonal sp tight binding of silicon with the parameters of Bowler, Fearn, Goringe, Horsfield and Pettifor (1997) in
 * the radial form of Goodwin, Skinner and Pettifor (1989):
 *   f(r) = (r₀/r)ⁿ exp(n [−(r/r_c)^{n_c} + (r₀/r_c)^{n_c}])
 * for all hopping integrals alike and, with exponents of its own, for the pair repulsion. Both are taken to zero by a
 * quintic switch between 2.6 and 3.7 Å (see docs/theory/references.md for why there).
 */

/** Distance beyond which neither hopping nor repulsion acts, Å. */
export const CUTOFF = 3.7;
/** Distance at which the switch begins, Å. */
export const SWITCH_START = 2.6;
/** On-site energy of the s orbital, eV. */
export const ONSITE_S = -12.2;
/** On-site energy of the p orbitals, eV. */
export const ONSITE_P = -5.75;
/** Hopping integral ssσ at r₀, eV. */
export const SS_SIGMA = -1.938;
/** Hopping integral spσ at r₀, eV. */
export const SP_SIGMA = 1.745;
/** Hopping integral ppσ at r₀, eV. */
export const PP_SIGMA = 3.05;
/** Hopping integral ppπ at r₀, eV. */
export const PP_PI = -1.075;
/** Valence electrons of an atom. */
export const VALENCE = 4;

/** A radial function of the form above, of height `scale` at r₀. */
interface GoodwinSkinnerPettifor {
  readonly scale: number;
  readonly r0: number;
  readonly n: number;
  readonly rc: number;
  readonly nc: number;
}

const HOPPING: GoodwinSkinnerPettifor = { scale: 1, r0: 2.35, n: 1.9771, rc: 3.8661, nc: 6.8702 };
const REPULSION: GoodwinSkinnerPettifor = { scale: 3.44566, r0: 2.35, n: 4.7104, rc: 3.8521, nc: 7.0531 };

/** Writes f(r)·S(r) and its derivative to out[0], out[1], S being the switch. */
function switched(p: GoodwinSkinnerPettifor, r: number, out: Float64Array): void {
  if (r >= CUTOFF) {
    out[0] = 0;
    out[1] = 0;
    return;
  }
  const decay = Math.exp(p.nc * Math.log(r / p.rc));
  const atR0 = Math.exp(p.nc * Math.log(p.r0 / p.rc));
  const value = p.scale * Math.exp(p.n * (Math.log(p.r0 / r) - decay + atR0));
  const slope = (-value * p.n * (1 + p.nc * decay)) / r;
  if (r <= SWITCH_START) {
    out[0] = value;
    out[1] = slope;
    return;
  }
  const width = CUTOFF - SWITCH_START;
  const x = (r - SWITCH_START) / width;
  const s = 1 - x * x * x * (10 - x * (15 - 6 * x));
  const ds = (-30 * x * x * (1 - x) * (1 - x)) / width;
  out[0] = value * s;
  out[1] = slope * s + value * ds;
}

/** Writes the factor of all hopping integrals at distance r (1 at r₀) and its derivative, 1/Å, to out[0], out[1]. */
export function hopping(r: number, out: Float64Array): void {
  switched(HOPPING, r, out);
}

/** Writes the pair repulsion at distance r, eV, and its derivative, eV/Å, to out[0], out[1]. */
export function repulsion(r: number, out: Float64Array): void {
  switched(REPULSION, r, out);
}
