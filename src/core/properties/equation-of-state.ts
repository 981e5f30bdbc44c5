import { minimise } from '../dynamics/minimise.ts';
import { NumericalError } from '../errors.ts';
import { solveUpper } from '../numerics/triangular.ts';
import { appendRows } from '../numerics/qr.ts';
import type { Potential } from '../potentials/potential.ts';
import { cellVolume, strained, volumeStrain } from '../structure/cell.ts';
import { atomCount, type Structure } from '../structure/structure.ts';

/** One volume of an equation of state. */
export interface VolumePoint {
  /** Å³/atom */
  readonly volume: number;
  /** eV/atom */
  readonly energy: number;
}

/** Energy against volume about the minimum, and the Birch–Murnaghan curve through it. */
export interface EquationOfState {
  /** Å³/atom */
  readonly volume: number;
  /** eV/atom */
  readonly energy: number;
  /** eV/Å³ */
  readonly bulkModulus: number;
  /** B′ = dB/dP, dimensionless. */
  readonly bulkModulusDerivative: number;
  /** Root mean square of energies about the curve, eV/atom. */
  readonly residual: number;
  readonly points: readonly VolumePoint[];
}

/** Volumes on each side of the minimum, and how far they reach. */
const HALF_POINTS = 4;
const VOLUME_RANGE = 0.06;

/**
 * Birch–Murnaghan equation of third order through energies at some volumes, by least squares. It is a cubic in
 * x = V^(−2/3); at its minimum
 *
 *   B₀ = (4/9) x² E″(x)/V,  B₀′ = 4 + (2/3) x E‴(x)/E″(x)
 *
 * @throws NumericalError `NO_MINIMUM` when the curve has no minimum within the volumes given
 * @see Birch, Phys. Rev. 71 (1947) 809
 */
export function birchMurnaghan(points: readonly VolumePoint[]): EquationOfState {
  // In u = (V_m/V)^(2/3) − 1 about the middle volume, for digits.
  const middle = points[Math.floor(points.length / 2)]!.volume;
  const inverseTwoThirds = (volume: number): number => 1 / Math.cbrt((volume / middle) * (volume / middle));
  const lowest = Math.min(...points.map(({ energy }) => energy));
  const rows = Float64Array.from(
    points.flatMap(({ volume }) => {
      const u = inverseTwoThirds(volume) - 1;
      return [1, u, u * u, u * u * u];
    }),
  );
  const targets = Float64Array.from(points, ({ energy }) => energy - lowest);
  const r = new Float64Array(16);
  const z = new Float64Array(4);
  const squares = appendRows(r, z, 4, rows, targets, points.length);
  const [a, b, c, d] = solveUpper(r, 4, z) as unknown as [number, number, number, number];
  // E′(u) = b + 2cu + 3du² = 0, the root with E″ > 0.
  const discriminant = c * c - 3 * b * d;
  const u = discriminant >= 0 ? -b / (c + Math.sqrt(discriminant)) : Number.NaN;
  const volume = middle / ((1 + u) * Math.sqrt(1 + u));
  const volumes = points.map((point) => point.volume);
  if (!(volume >= Math.min(...volumes) && volume <= Math.max(...volumes))) {
    throw new NumericalError(
      'NO_MINIMUM',
      `energy must have a minimum within the volumes, got one at ${volume} Å³/atom`,
      {
        volume,
        volumes,
      },
    );
  }
  const second = 2 * c + 6 * d * u;
  const third = 6 * d;
  const x = 1 + u;
  return {
    volume,
    energy: lowest + a + b * u + c * u * u + d * u * u * u,
    bulkModulus: ((4 / 9) * x * x * second) / volume,
    bulkModulusDerivative: 4 + ((2 / 3) * x * third) / second,
    residual: Math.sqrt(squares / points.length),
    points,
  };
}

/**
 * Equation of state of a crystal about its relaxed volume: 9 volumes within ±6 % at constant shape, positions relaxed.
 *
 * @param structure  at zero pressure (relaxed), periodic in three directions
 * @throws           as `birchMurnaghan` and `minimise`
 */
export function equationOfState(structure: Structure, potential: Potential): EquationOfState {
  const n = atomCount(structure);
  const points = Array.from({ length: 2 * HALF_POINTS + 1 }, (_, k) => {
    const change = (VOLUME_RANGE * (k - HALF_POINTS)) / HALF_POINTS;
    const minimum = minimise(strained(structure, volumeStrain(change)), potential, { forceTolerance: 1e-4 });
    return { volume: cellVolume(minimum.structure.cell!) / n, energy: minimum.energy / n };
  });
  return birchMurnaghan(points);
}
