import { atomicNumberOf } from '../../elements.ts';
import { COULOMB } from '../../units.ts';
import { innerSwitch } from './radial.ts';

// Universal screening function Φ(x) = Σ c e^{−b x}.
const SCREENING: readonly (readonly [number, number])[] = [
  [0.18175, 3.1998],
  [0.50986, 0.94229],
  [0.28022, 0.4029],
  [0.02817, 0.20162],
];

/** ZBL repulsion of two elements: half of it, the share of one atom. */
export class ZblRepulsion {
  /** ½ e²/(4πε₀) Z_a Z_b, eV·Å. */
  private readonly strength: number;
  /** [4] decay of each exponential, Å⁻¹. */
  private readonly decays: Float64Array;

  /** @param a chemical symbol  @param b chemical symbol  @throws InputError for unknown symbols */
  constructor(a: string, b: string) {
    const za = atomicNumberOf(a);
    const zb = atomicNumberOf(b);
    const length = 0.4685 / (Math.exp(0.23 * Math.log(za)) + Math.exp(0.23 * Math.log(zb)));
    this.strength = 0.5 * COULOMB * za * zb;
    this.decays = Float64Array.from(SCREENING, ([, decay]) => decay / length);
  }

  /** Energy (eV), its first and its second derivative at r (Å). @param out [3] */
  evaluate(r: number, out: Float64Array): void {
    let screening = 0;
    let slope = 0;
    let curvature = 0;
    for (let k = 0; k < SCREENING.length; k++) {
      const decay = this.decays[k]!;
      const term = SCREENING[k]![0] * Math.exp(-decay * r);
      screening += term;
      slope -= decay * term;
      curvature += decay * decay * term;
    }
    const bare = this.strength / r;
    out[0] = bare * screening;
    out[1] = bare * (slope - screening / r);
    out[2] = bare * (curvature + (2 * (screening / r - slope)) / r);
  }
}

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
  const out = new Float64Array(3);
  new ZblRepulsion(a, b).evaluate(r, out);
  return { energy: out[0]!, slope: out[1]! };
}

/**
 * Half the ZBL repulsion φ brought to zero at the cutoff r_c as potential files mean it: a polynomial takes its value,
 * slope and curvature to zero over the width d, and the inner switch f acts over the same range.
 *
 *   (φ(r) + S(r)) f(r; r_c, d),  t = max(0, r − r_c + d),  S = ⅓A t³ + ¼B t⁴ + C
 *   A = (−3φ' + dφ'')/d²,  B = (2φ' − dφ'')/d³,  C = −φ + ½dφ' − d²φ''/12,  all at r_c
 */
export class SmoothedZbl {
  private readonly zbl: ZblRepulsion;
  private readonly cutoff: number;
  private readonly width: number;
  private readonly cubic: number;
  private readonly quartic: number;
  private readonly shift: number;
  private readonly bare = new Float64Array(3);

  /** @param width d > 0, Å */
  constructor(a: string, b: string, cutoff: number, width: number) {
    this.zbl = new ZblRepulsion(a, b);
    this.cutoff = cutoff;
    this.width = width;
    this.zbl.evaluate(cutoff, this.bare);
    const [value, slope, curvature] = [this.bare[0]!, this.bare[1]!, this.bare[2]!];
    this.cubic = (-3 * slope + width * curvature) / (width * width);
    this.quartic = (2 * slope - width * curvature) / (width * width * width);
    this.shift = -value + 0.5 * width * slope - (width * width * curvature) / 12;
  }

  /** Energy (eV) and slope (eV/Å) at r; 0 from the cutoff on. @param out [2] */
  evaluate(r: number, out: Float64Array): void {
    innerSwitch(r, this.cutoff, this.width, out);
    if (r >= this.cutoff) return;
    this.zbl.evaluate(r, this.bare);
    const t = Math.max(0, r - this.cutoff + this.width);
    const tt = t * t;
    const value = this.bare[0]! + this.shift + tt * t * (this.cubic / 3 + (this.quartic / 4) * t);
    const slope = this.bare[1]! + tt * (this.cubic + this.quartic * t);
    out[1] = slope * out[0]! + value * out[1]!;
    out[0] = value * out[0]!;
  }
}
