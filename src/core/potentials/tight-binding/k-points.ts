import { type BrillouinZoneSampling, meshOf } from '../../structure/brillouin-zone.ts';
import { completedCell, planeHeights } from '../../structure/cell.ts';
import type { Structure } from '../../structure/structure.ts';

/** Inequivalent points of a mesh. */
export interface KPoints {
  /** [3k] fractional coordinates in the reciprocal lattice, so that the phase of lattice vector R is 2π k·R. */
  readonly points: Float64Array;
  /** [k] weights, Σ = 1. */
  readonly weights: Float64Array;
}

/**
 * The k-points (i + s/2)/n of a structure, s being 1 on a shifted mesh, with k and −k (equal by time reversal) merged.
 * A direction that is not periodic has the one point 0, so a molecule has Γ only.
 * @throws InputError `K_POINTS`, `MISSING_LATTICE_VECTOR` or `SINGULAR_CELL`
 */
export function kPoints(structure: Structure, sampling: BrillouinZoneSampling): KPoints {
  const { pbc } = structure;
  const heights = pbc.includes(true) ? planeHeights(completedCell(structure)) : [1, 1, 1];
  const { divisions, shift } = meshOf(heights, pbc, sampling);
  const [n0, n1, n2] = divisions;
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
        points.push((a + shift[0] / 2) / n0, (b + shift[1] / 2) / n1, (c + shift[2] / 2) / n2);
        weights.push((other === own ? 1 : 2) / total);
      }
    }
  }
  return { points: Float64Array.from(points), weights: Float64Array.from(weights) };
}
