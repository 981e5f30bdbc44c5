import { minimise } from '../dynamics/minimise.ts';
import { SymmetricEigensolver } from '../numerics/eigen-symmetric.ts';
import type { Potential } from '../potentials/potential.ts';
import { cellVolume, strained, strainTensor } from '../structure/cell.ts';
import type { Structure } from '../structure/structure.ts';

/** Elastic constants at zero stress, Voigt xx yy zz yz xz xy. */
export interface ElasticConstants {
  /** [6, 6] row-major, symmetric, eV/Å³: atoms follow the strain to their new equilibrium. */
  readonly relaxed: Float64Array;
  /** The same with atoms at fixed fractional coordinates. */
  readonly clamped: Float64Array;
  /** Largest |C_ij − C_ji| before symmetrising over the largest constant: how linear the strains were. */
  readonly asymmetry: number;
  /** Whether every eigenvalue of `relaxed` is positive: the crystal resists every small strain. */
  readonly stable: boolean;
}

/** Strain on each side of zero. */
const STRAIN = 2e-3;
const FORCE_TOLERANCE = 1e-4;

/** [6] stress (1/V) ∂E/∂ε, eV/Å³. */
function stressOf(structure: Structure, potential: Potential): Float64Array {
  const volume = cellVolume(structure.cell!);
  return potential.evaluate(structure).virial.map((w) => -w / volume);
}

function symmetrised(matrix: Float64Array): { matrix: Float64Array; asymmetry: number } {
  const out = new Float64Array(36);
  let most = 0;
  let gap = 0;
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 6; j++) {
      const [a, b] = [matrix[6 * i + j]!, matrix[6 * j + i]!];
      out[6 * i + j] = 0.5 * (a + b);
      most = Math.max(most, Math.abs(a));
      gap = Math.max(gap, Math.abs(a - b));
    }
  }
  return { matrix: out, asymmetry: most > 0 ? gap / most : 0 };
}

/**
 * Elastic constants from stresses at small strains, C_ij = ∂σ_i/∂ε_j by central differences of ±0.002.
 *
 * @param structure  at zero stress (relaxed), periodic in three directions
 */
export function elasticConstants(structure: Structure, potential: Potential): ElasticConstants {
  const clamped = new Float64Array(36);
  const relaxed = new Float64Array(36);
  for (let j = 0; j < 6; j++) {
    const [plus, minus] = [STRAIN, -STRAIN].map((size) => {
      const fixed = strained(structure, strainTensor([0, 1, 2, 3, 4, 5].map((k) => (k === j ? size : 0))));
      const free = minimise(fixed, potential, { forceTolerance: FORCE_TOLERANCE }).structure;
      return { clamped: stressOf(fixed, potential), relaxed: stressOf(free, potential) };
    }) as [Record<'clamped' | 'relaxed', Float64Array>, Record<'clamped' | 'relaxed', Float64Array>];
    for (let i = 0; i < 6; i++) {
      clamped[6 * i + j] = (plus.clamped[i]! - minus.clamped[i]!) / (2 * STRAIN);
      relaxed[6 * i + j] = (plus.relaxed[i]! - minus.relaxed[i]!) / (2 * STRAIN);
    }
  }
  const { matrix, asymmetry } = symmetrised(relaxed);
  return {
    relaxed: matrix,
    clamped: symmetrised(clamped).matrix,
    asymmetry,
    stable: new SymmetricEigensolver(6).decompose(matrix).every((value) => value > 0),
  };
}

/** Bulk and shear modulus of an aggregate of random grains, and Young's modulus and Poisson's ratio of it. */
export interface PolycrystalModuli {
  /** eV/Å³ */
  readonly bulk: number;
  readonly shear: number;
  readonly young: number;
  readonly poisson: number;
}

/** Voigt's averages: grains of equal strain. @param constants [6, 6] */
export function voigtAverages(constants: Float64Array): PolycrystalModuli {
  const c = (i: number, j: number): number => constants[6 * (i - 1) + j - 1]!;
  const diagonal = c(1, 1) + c(2, 2) + c(3, 3);
  const mixed = c(1, 2) + c(1, 3) + c(2, 3);
  const bulk = (diagonal + 2 * mixed) / 9;
  const shear = (diagonal - mixed + 3 * (c(4, 4) + c(5, 5) + c(6, 6))) / 15;
  return {
    bulk,
    shear,
    young: (9 * bulk * shear) / (3 * bulk + shear),
    poisson: (3 * bulk - 2 * shear) / (2 * (3 * bulk + shear)),
  };
}
