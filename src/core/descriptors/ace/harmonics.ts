import { InputError } from '../../errors.ts';

/** Position of (l, m), 0 ≤ m ≤ l, in packed arrays of harmonics. */
export function harmonicIndex(l: number, m: number): number {
  return (l * (l + 1)) / 2 + m;
}

/** Number of harmonics with 0 ≤ m ≤ l ≤ lmax. */
export function harmonicCount(lmax: number): number {
  return ((lmax + 1) * (lmax + 2)) / 2;
}

/** Numbers per (l, m) that `SphericalHarmonics` writes: Re Y, Im Y, ∇Re Y (x y z), ∇Im Y (x y z). */
export const HARMONIC_STRIDE = 8;

/**
 * Complex spherical harmonics of a unit vector, √(4π) times the Condon–Shortley ones (Y_00 = 1), for m ≥ 0;
 * Y_{l,−m} = (−1)^m conj Y_lm.
 *
 *   Y_lm = P_lm(z) (x + iy)^m,  P_00 = 1,  P_ll = −√(1 + 1/(2l)) P_{l−1,l−1},  P_{l,l−1} = √(2l+1) z P_{l−1,l−1},
 *   P_lm = a (z P_{l−1,m} + b P_{l−2,m}),  a² = (4l²−1)/(l²−m²),  b² = ((l−1)²−m²)/(4(l−1)²−1), b < 0
 *
 * sin^m θ sits in (x + iy)^m, so nothing is singular at the poles.
 */
export class SphericalHarmonics {
  readonly lmax: number;
  /** Number of (l, m), m ≥ 0. */
  readonly count: number;
  private readonly a: Float64Array;
  private readonly b: Float64Array;
  private readonly p: Float64Array;
  private readonly dp: Float64Array;

  /** @throws InputError `INVALID_LMAX` */
  constructor(lmax: number) {
    if (!(Number.isInteger(lmax) && lmax >= 0)) {
      throw new InputError('INVALID_LMAX', `lmax must be a non-negative integer, got ${lmax}`, { lmax });
    }
    this.lmax = lmax;
    this.count = harmonicCount(lmax);
    this.a = new Float64Array(this.count);
    this.b = new Float64Array(this.count);
    this.p = new Float64Array(this.count);
    this.dp = new Float64Array(this.count);
    for (let l = 1; l <= lmax; l++) {
      for (let m = 0; m <= l - 2; m++) {
        const i = harmonicIndex(l, m);
        this.a[i] = Math.sqrt((4 * l * l - 1) / (l * l - m * m));
        this.b[i] = -Math.sqrt(((l - 1) * (l - 1) - m * m) / (4 * (l - 1) * (l - 1) - 1));
      }
      this.a[harmonicIndex(l, l - 1)] = Math.sqrt(2 * l + 1);
      this.a[harmonicIndex(l, l)] = -Math.sqrt(1 + 1 / (2 * l));
    }
  }

  /**
   * Values and gradients at the unit vector (x, y, z), written to out[offset + 8·harmonicIndex(l, m) + …]. Gradients are
   * tangential to the sphere, so that ∇Y(r/|r|) = gradient/|r|.
   *
   * @param out [≥ offset + 8·count]
   */
  evaluate(x: number, y: number, z: number, out: Float64Array, offset: number): void {
    const { lmax, a, b, p, dp } = this;
    p[0] = 1;
    dp[0] = 0;
    for (let l = 1, row = 1; l <= lmax; row += ++l) {
      const above = row - l;
      for (let m = 0; m <= l - 2; m++) {
        const i = row + m;
        const twoAbove = above - l + 1 + m;
        p[i] = a[i]! * (z * p[above + m]! + b[i]! * p[twoAbove]!);
        dp[i] = a[i]! * (p[above + m]! + z * dp[above + m]! + b[i]! * dp[twoAbove]!);
      }
      const corner = p[above + l - 1]!;
      dp[row + l - 1] = a[row + l - 1]! * corner;
      p[row + l - 1] = a[row + l - 1]! * z * corner;
      p[row + l] = a[row + l]! * corner;
      dp[row + l] = 0;
    }
    // e = (x + iy)^m and its predecessor; the raw gradient (m P e', i m P e', P' e) is made tangential by g − u (u·g).
    let eRe = 1;
    let eIm = 0;
    let beforeRe = 0;
    let beforeIm = 0;
    for (let m = 0; m <= lmax; m++) {
      for (let l = m; l <= lmax; l++) {
        const i = (l * (l + 1)) / 2 + m;
        const o = offset + 8 * i;
        const value = p[i]!;
        const gxRe = m * value * beforeRe;
        const gxIm = m * value * beforeIm;
        const gzRe = dp[i]! * eRe;
        const gzIm = dp[i]! * eIm;
        const radialRe = x * gxRe - y * gxIm + z * gzRe;
        const radialIm = x * gxIm + y * gxRe + z * gzIm;
        out[o] = value * eRe;
        out[o + 1] = value * eIm;
        out[o + 2] = gxRe - x * radialRe;
        out[o + 3] = -gxIm - y * radialRe;
        out[o + 4] = gzRe - z * radialRe;
        out[o + 5] = gxIm - x * radialIm;
        out[o + 6] = gxRe - y * radialIm;
        out[o + 7] = gzIm - z * radialIm;
      }
      beforeRe = eRe;
      beforeIm = eIm;
      const next = eRe * x - eIm * y;
      eIm = eRe * y + eIm * x;
      eRe = next;
    }
  }
}
