import { InputError } from '../core/errors.ts';
import { planeHeights } from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';

/**
 * How the Brillouin zone is sampled: either `mesh` or `spacing`. Codes disagree about what "2 2 2" means (centred on Γ
 * in one, shifted off it in another, with forces that differ by a quarter), so the shift is always said.
 */
export interface KPointSettings {
  /** Divisions along the three reciprocal lattice vectors. */
  readonly mesh?: readonly [number, number, number];
  /** Largest distance of neighbouring points, 1/Å, with the 2π: n_i = ⌈|b_i|/spacing⌉, b_i = 2π × reciprocal vector. */
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

/** Lengths |b_i| = 2π/h_i of the reciprocal lattice vectors, h_i the distance of lattice planes, 1/Å. @throws InputError `SINGULAR_CELL` */
export function reciprocalLengths(cell: Float64Array): [number, number, number] {
  const [a, b, c] = planeHeights(cell);
  return [(2 * Math.PI) / a!, (2 * Math.PI) / b!, (2 * Math.PI) / c!];
}

/**
 * The mesh of a structure. A direction that is not periodic has one point and no shift: its cell vector only makes room.
 * Divisions are rounded up with a tolerance of 1e-9, so that equal cells written by different programs agree.
 * @throws InputError `K_POINTS` unless exactly one of mesh and spacing is given and positive; `CELL_MISSING` without a cell
 */
export function kPointMesh(structure: Structure, settings: KPointSettings): KPointMesh {
  const { mesh, spacing, shifted } = settings;
  if ((mesh === undefined) === (spacing === undefined)) {
    throw new InputError('K_POINTS', 'k-points must be given either as a mesh or as a spacing', { mesh, spacing });
  }
  const { cell, pbc } = structure;
  if (cell === null) {
    throw new InputError('CELL_MISSING', 'structure must have a cell to sample k-points in, got none');
  }
  if (mesh?.some((n) => !(Number.isInteger(n) && n >= 1))) {
    throw new InputError('K_POINTS', `k-point mesh must be three positive integers, got ${mesh.join(' ')}`, { mesh });
  }
  if (spacing !== undefined && !(spacing > 0 && Number.isFinite(spacing))) {
    throw new InputError('K_POINTS', `k-point spacing must be positive, got ${spacing} 1/Å`, { spacing });
  }
  const lengths = reciprocalLengths(cell);
  const along = (i: 0 | 1 | 2): number => {
    if (!pbc[i]) return 1;
    return mesh ? mesh[i] : Math.max(1, Math.ceil(lengths[i] / spacing! - 1e-9));
  };
  const move = (i: 0 | 1 | 2): 0 | 1 => (shifted && pbc[i] ? 1 : 0);
  return { divisions: [along(0), along(1), along(2)], shift: [move(0), move(1), move(2)] };
}
