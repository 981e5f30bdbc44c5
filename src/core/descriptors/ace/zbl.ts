import { atomicNumberOf } from '../../elements.ts';
import { COULOMB } from '../../units.ts';

// Universal screening function Φ(x) = Σ c e^{−b x}.
const SCREENING: readonly (readonly [number, number])[] = [
  [0.18175, 3.1998],
  [0.50986, 0.94229],
  [0.28022, 0.4029],
  [0.02817, 0.20162],
];

/**
 * Share of one atom, one half, of the Ziegler–Biersack–Littmark repulsion of two nuclei.
 *
 *   ½ e²/(4πε₀) Z_a Z_b/r · Φ(r/a),  a = 0.4685 Å/(Z_a^0.23 + Z_b^0.23)
 *
 * @param a  chemical symbol  @param b chemical symbol  @param r distance, Å
 * @returns  energy (eV) and its derivative (eV/Å)
 * @see J. F. Ziegler, J. P. Biersack, U. Littmark, The Stopping and Range of Ions in Solids (1985)
 */
export function zblHalfPair(a: string, b: string, r: number): { readonly energy: number; readonly slope: number } {
  const za = atomicNumberOf(a);
  const zb = atomicNumberOf(b);
  const length = 0.4685 / (Math.exp(0.23 * Math.log(za)) + Math.exp(0.23 * Math.log(zb)));
  let screening = 0;
  let dScreening = 0;
  for (const [c, decay] of SCREENING) {
    const term = c * Math.exp((-decay * r) / length);
    screening += term;
    dScreening -= (decay / length) * term;
  }
  const bare = (0.5 * COULOMB * za * zb) / r;
  return { energy: bare * screening, slope: bare * (dScreening - screening / r) };
}
