import { InputError } from '../../errors.ts';
import { completedCell, planeHeights } from '../../structure/cell.ts';
import type { Structure } from '../../structure/structure.ts';

/** How the Brillouin zone is sampled: exactly one of `mesh` and `spacing`. */
export interface BrillouinZoneSampling {
  /** Divisions along the three reciprocal lattice vectors. */
  readonly mesh?: readonly [number, number, number];
  /** Largest distance of neighbouring points, 1/Å: n_i = ⌈2π/(h_i·spacing)⌉, h_i the distance of opposite cell faces. */
  readonly spacing?: number;
  /** Whether the mesh is moved by half a step along every periodic direction; otherwise it contains Γ. */
  readonly shifted: boolean;
}

/** Inequivalent points of a mesh. */
export interface KPoints {
  /** [3k] fractional coordinates in the reciprocal lattice, so that the phase of lattice vector R is 2π k·R. */
  readonly points: Float64Array;
  /** [k] weights, Σ = 1. */
  readonly weights: Float64Array;
}

/** Refuses a sampling unless exactly one of mesh and spacing is given, and positive. @throws InputError `K_POINTS` */
export function checkSampling(sampling: BrillouinZoneSampling): void {
  const { mesh, spacing } = sampling;
  if ((mesh === undefined) === (spacing === undefined)) {
    throw new InputError('K_POINTS', 'k-points must be given either as a mesh or as a spacing', { mesh, spacing });
  }
  if (mesh !== undefined && !(mesh.length === 3 && mesh.every((n) => Number.isInteger(n) && n >= 1))) {
    throw new InputError('K_POINTS', `k-point mesh must be three positive integers, got ${mesh.join(' ')}`, { mesh });
  }
  if (spacing !== undefined && !(spacing > 0 && Number.isFinite(spacing))) {
    throw new InputError('K_POINTS', `k-point spacing must be positive, got ${spacing} 1/Å`, { spacing });
  }
}

/**
 * The k-points (i + s/2)/n of a structure, s being 1 on a shifted mesh, with k and −k (equal by time reversal) merged.
 * A direction that is not periodic has the one point 0, so a molecule has Γ only.
 * @throws InputError `K_POINTS`, `MISSING_LATTICE_VECTOR` or `SINGULAR_CELL`
 */
export function kPoints(structure: Structure, sampling: BrillouinZoneSampling): KPoints {
  checkSampling(sampling);
  const { pbc } = structure;
  const divisions = [1, 1, 1];
  const shift = [0, 0, 0];
  if (pbc[0] || pbc[1] || pbc[2]) {
    const heights = planeHeights(completedCell(structure));
    for (let d = 0; d < 3; d++) {
      if (!pbc[d]) continue;
      const bySpacing = (2 * Math.PI) / (heights[d]! * (sampling.spacing ?? 1));
      divisions[d] = sampling.mesh?.[d] ?? Math.max(1, Math.ceil(bySpacing - 1e-9));
      shift[d] = sampling.shifted ? 1 : 0;
    }
  }
  const [n0, n1, n2] = divisions as [number, number, number];
  // In units of 1/(2n) a point is the integer 2i + s and its mirror image the remainder of −(2i + s).
  const mirror = (i: number, d: number): number => {
    const turned = (2 * divisions[d]! - (2 * i + shift[d]!)) % (2 * divisions[d]!);
    return (turned - shift[d]!) / 2;
  };
  const points: number[] = [];
  const weights: number[] = [];
  const total = n0 * n1 * n2;
  for (let a = 0; a < n0; a++) {
    for (let b = 0; b < n1; b++) {
      for (let c = 0; c < n2; c++) {
        const own = (a * n1 + b) * n2 + c;
        const other = (mirror(a, 0) * n1 + mirror(b, 1)) * n2 + mirror(c, 2);
        if (other < own) continue;
        points.push((a + shift[0]! / 2) / n0, (b + shift[1]! / 2) / n1, (c + shift[2]! / 2) / n2);
        weights.push((other === own ? 1 : 2) / total);
      }
    }
  }
  return { points: Float64Array.from(points), weights: Float64Array.from(weights) };
}
