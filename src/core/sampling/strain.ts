import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';

/** Ranges of random strains, dimensionless. */
export interface StrainRange {
  /** Diagonal components ε_xx, ε_yy, ε_zz are uniform in ±diagonal. */
  readonly diagonal: number;
  /** Off-diagonal components ε_yz = ε_zy, … are uniform in ±shear. */
  readonly shear: number;
  /**
   * [low, high] of an isotropic change of volume V/V₀ − 1 on top (pressure sampling: compression is negative), uniform in
   * volume. Default none.
   */
  readonly volume?: readonly [number, number];
}

/** Throws InputError `STRAIN_RANGE` unless the ranges leave every cell a positive volume. */
export function requireStrainRange(range: StrainRange): void {
  const { diagonal, shear, volume = [0, 0] } = range;
  // Diagonally dominant 1 + ε: no draw can collapse or invert the cell.
  if (!(diagonal >= 0 && shear >= 0 && diagonal + 2 * shear < 1)) {
    const message = `strain must have 0 ≤ diagonal, 0 ≤ shear and diagonal + 2·shear < 1, got ${diagonal} and ${shear}`;
    throw new InputError('STRAIN_RANGE', message, { diagonal, shear });
  }
  if (!(volume[0] > -1 && volume[1] >= volume[0] && volume[1] < Number.POSITIVE_INFINITY)) {
    const message = `volume strain must be −1 < low ≤ high, got ${volume[0]} to ${volume[1]}`;
    throw new InputError('STRAIN_RANGE', message, { volume });
  }
}

/**
 * A random symmetric strain. Seven uniform numbers are taken whatever the range is, so that ranges can be changed without
 * shifting what is drawn afterwards.
 *
 * @returns [9] ε, row-major: row vectors become r(1 + ε)
 * @throws InputError `STRAIN_RANGE`, see `requireStrainRange`
 */
export function randomStrain(range: StrainRange, stream: RandomStream): Float64Array {
  requireStrainRange(range);
  const { diagonal, shear, volume = [0, 0] } = range;
  const strain = new Float64Array(9);
  for (let d = 0; d < 3; d++) strain[4 * d] = diagonal * (2 * stream.uniform() - 1);
  for (const [row, column] of [
    [1, 2],
    [0, 2],
    [0, 1],
  ] as const) {
    const e = shear * (2 * stream.uniform() - 1);
    strain[3 * row + column] = e;
    strain[3 * column + row] = e;
  }
  const scale = Math.cbrt(1 + volume[0] + (volume[1] - volume[0]) * stream.uniform());
  // (1 + ε)·s = 1 + (s·(1 + ε) − 1)
  for (let k = 0; k < 9; k++) strain[k] = k % 4 === 0 ? scale * (1 + strain[k]!) - 1 : scale * strain[k]!;
  return strain;
}

/** Largest absolute component of a strain, for a reader: 0.03 = 3 %. */
export function strainSize(strain: Float64Array): number {
  return strain.reduce((largest, e) => Math.max(largest, Math.abs(e)), 0);
}
