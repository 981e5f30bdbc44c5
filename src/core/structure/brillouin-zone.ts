import { InputError } from '../errors.ts';
import type { Structure } from './structure.ts';

/**
 * How the Brillouin zone is sampled: exactly one of `mesh` and `spacing`. Codes disagree about what "2 2 2" means (centred
 * on Γ in one, shifted off it in another, with forces that differ by a quarter), so the shift is always said.
 */
export interface BrillouinZoneSampling {
  /** Divisions along the three reciprocal lattice vectors. */
  readonly mesh?: readonly [number, number, number];
  /** Largest distance of neighbouring points, 1/Å, with the 2π: n_i = ⌈2π/(h_i·spacing)⌉, h_i the distance of opposite cell faces. */
  readonly spacing?: number;
  /** Whether the mesh is moved by half a step along every periodic direction; otherwise it contains Γ. */
  readonly shifted: boolean;
}

/** A mesh of k-points for one cell. */
export interface KPointMesh {
  readonly divisions: readonly [number, number, number];
  /** 1 where the mesh is moved by half a step. */
  readonly shift: readonly [0 | 1, 0 | 1, 0 | 1];
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
 * The mesh of a cell. A direction that is not periodic has one point and no shift: its cell vector only makes room.
 * Divisions are rounded up with a tolerance of 1e-9, so that equal cells written by different programs agree.
 * @param heights [3] distances of opposite cell faces, Å; looked at along periodic directions only
 * @throws InputError `K_POINTS`
 */
export function meshOf(heights: ArrayLike<number>, pbc: Structure['pbc'], sampling: BrillouinZoneSampling): KPointMesh {
  checkSampling(sampling);
  const { mesh, spacing, shifted } = sampling;
  const along = (i: 0 | 1 | 2): number => {
    if (!pbc[i]) return 1;
    return mesh ? mesh[i] : Math.max(1, Math.ceil((2 * Math.PI) / (heights[i]! * spacing!) - 1e-9));
  };
  const move = (i: 0 | 1 | 2): 0 | 1 => (shifted && pbc[i] ? 1 : 0);
  return { divisions: [along(0), along(1), along(2)], shift: [move(0), move(1), move(2)] };
}
