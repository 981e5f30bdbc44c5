import { InputError } from '../errors.ts';
import type { Structure } from './structure.ts';

/** A cell whose volume is below this fraction of the product of its edges is taken as singular. */
const SINGULAR = 1e-9;

function dot(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number): number {
  return a[i]! * b[j]! + a[i + 1]! * b[j + 1]! + a[i + 2]! * b[j + 2]!;
}

/** out[k…k+2] = scale · a[i…] × b[j…]. */
function setCross(
  out: Float64Array,
  k: number,
  a: Float64Array,
  i: number,
  b: Float64Array,
  j: number,
  scale: number,
): void {
  out[k] = (a[i + 1]! * b[j + 2]! - a[i + 2]! * b[j + 1]!) * scale;
  out[k + 1] = (a[i + 2]! * b[j]! - a[i]! * b[j + 2]!) * scale;
  out[k + 2] = (a[i]! * b[j + 1]! - a[i + 1]! * b[j]!) * scale;
}

function normalize(a: Float64Array, i: number): void {
  const norm = Math.sqrt(dot(a, i, a, i));
  a[i] = a[i]! / norm;
  a[i + 1] = a[i + 1]! / norm;
  a[i + 2] = a[i + 2]! / norm;
}

/** a · (b × c) of the rows of `cell`, Å³: negative for a left-handed cell. */
export function cellDeterminant(cell: ArrayLike<number>): number {
  return (
    cell[0]! * (cell[4]! * cell[8]! - cell[5]! * cell[7]!) +
    cell[1]! * (cell[5]! * cell[6]! - cell[3]! * cell[8]!) +
    cell[2]! * (cell[3]! * cell[7]! - cell[4]! * cell[6]!)
  );
}

/** Volume |a · (b × c)| of a cell, Å³. */
export function cellVolume(cell: ArrayLike<number>): number {
  return Math.abs(cellDeterminant(cell));
}

/** Whether the volume is below 1e-9 of the product of the edges (or a vector is zero, or a component is not finite). */
export function isSingularCell(cell: ArrayLike<number>): boolean {
  const edges = Math.sqrt(dot(cell, 0, cell, 0) * dot(cell, 3, cell, 3) * dot(cell, 6, cell, 6));
  return !(cellVolume(cell) > SINGULAR * edges) || !Number.isFinite(edges);
}

/**
 * Inverse [9] of a cell, so that the fractional row vector is f = r · inverse; its columns are the reciprocal vectors
 * (without 2π). @throws InputError `SINGULAR_CELL`
 */
export function inverseCell(cell: ArrayLike<number>): Float64Array {
  if (isSingularCell(cell)) {
    throw new InputError(
      'SINGULAR_CELL',
      `cell must have three independent vectors, got ${Array.from(cell).join(' ')} Å`,
      {
        cell: Array.from(cell),
      },
    );
  }
  const scale = 1 / cellDeterminant(cell);
  const inverse = new Float64Array(9);
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      const [i, j] = [(column + 1) % 3, (column + 2) % 3];
      const [k, l] = [(row + 1) % 3, (row + 2) % 3];
      inverse[3 * row + column] = (cell[3 * i + k]! * cell[3 * j + l]! - cell[3 * i + l]! * cell[3 * j + k]!) * scale;
    }
  }
  return inverse;
}

/** Distances [3] between opposite faces of a cell, Å: h_d = 1/|reciprocal vector d|. @throws InputError `SINGULAR_CELL` */
export function planeHeights(cell: ArrayLike<number>): Float64Array {
  const inverse = inverseCell(cell);
  const heights = new Float64Array(3);
  for (let d = 0; d < 3; d++) {
    heights[d] =
      1 / Math.sqrt(inverse[d]! * inverse[d]! + inverse[3 + d]! * inverse[3 + d]! + inverse[6 + d]! * inverse[6 + d]!);
  }
  return heights;
}

/** Row vectors times a 3×3 matrix: out_i = rows_i · matrix. @param rows [3n]  @param matrix [9] row-major  @returns [3n] */
export function transformRows(rows: ArrayLike<number>, matrix: ArrayLike<number>): Float64Array {
  const out = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i += 3) {
    for (let d = 0; d < 3; d++) {
      out[i + d] = rows[i]! * matrix[d]! + rows[i + 1]! * matrix[3 + d]! + rows[i + 2]! * matrix[6 + d]!;
    }
  }
  return out;
}

/** Fractional positions [3n] in a cell: f = r · cell⁻¹. @throws InputError `SINGULAR_CELL` */
export function fractionalPositions(positions: Float64Array, cell: Float64Array): Float64Array {
  return transformRows(positions, inverseCell(cell));
}

/** Cartesian positions [3n], Å, of fractional ones: r = f · cell. */
export function cartesianPositions(fractional: ArrayLike<number>, cell: ArrayLike<number>): Float64Array {
  return transformRows(fractional, cell);
}

/**
 * The lattice vectors of the periodic directions, completed to a basis: each direction without periodicity gets a unit
 * vector at right angles to all the others, whatever `cell` says there. Along such a direction the "fractional"
 * coordinate is in Å. @returns [9] rows  @throws InputError `MISSING_LATTICE_VECTOR` or `SINGULAR_CELL`
 */
export function completedCell(structure: Structure): Float64Array {
  const { cell, pbc } = structure;
  const basis = new Float64Array(9);
  const open: number[] = [];
  const closed: number[] = [];
  for (let d = 0; d < 3; d++) {
    if (!pbc[d]) {
      open.push(3 * d);
      continue;
    }
    if (cell === null || !(dot(cell, 3 * d, cell, 3 * d) > 0)) {
      throw new InputError(
        'MISSING_LATTICE_VECTOR',
        `cell must have a vector along the periodic direction ${'abc'[d]}, got none`,
        {
          direction: d,
        },
      );
    }
    closed.push(3 * d);
    for (let k = 0; k < 3; k++) basis[3 * d + k] = cell[3 * d + k]!;
  }
  if (open.length === 3) {
    basis[0] = 1;
    basis[4] = 1;
    basis[8] = 1;
  } else if (open.length === 2) {
    const [a] = closed as [number];
    const [first, second] = open as [number, number];
    const axis = new Float64Array(3);
    let smallest = 0;
    for (let k = 1; k < 3; k++) if (Math.abs(basis[a + k]!) < Math.abs(basis[a + smallest]!)) smallest = k;
    axis[smallest] = 1;
    setCross(basis, first, basis, a, axis, 0, 1);
    normalize(basis, first);
    setCross(basis, second, basis, a, basis, first, 1);
    normalize(basis, second);
  } else if (open.length === 1) {
    const [a, b] = closed as [number, number];
    const [normal] = open as [number];
    setCross(basis, normal, basis, a, basis, b, 1);
    if (dot(basis, normal, basis, normal) > 0) normalize(basis, normal);
  }
  if (isSingularCell(basis)) {
    const given = Array.from(cell!);
    throw new InputError('SINGULAR_CELL', `cell must have independent periodic vectors, got ${given.join(' ')} Å`, {
      cell: given,
    });
  }
  return basis;
}

/** The structure with each atom moved by lattice vectors to 0 ≤ f < 1 (up to rounding) along the periodic directions. */
export function wrapped(structure: Structure): Structure {
  const basis = completedCell(structure);
  const inverse = inverseCell(basis);
  const positions = structure.positions.slice();
  for (let i = 0; i < positions.length; i += 3) {
    const [x, y, z] = [positions[i]!, positions[i + 1]!, positions[i + 2]!];
    for (let d = 0; d < 3; d++) {
      const image = structure.pbc[d] ? Math.floor(x * inverse[d]! + y * inverse[3 + d]! + z * inverse[6 + d]!) : 0;
      if (image === 0) continue;
      for (let k = 0; k < 3; k++) positions[i + k] = positions[i + k]! - image * basis[3 * d + k]!;
    }
  }
  return { ...structure, positions };
}

/** Axes of the components of a symmetric tensor in Voigt order: xx yy zz yz xz xy. */
export const VOIGT_AXES = [
  [0, 0],
  [1, 1],
  [2, 2],
  [1, 2],
  [0, 2],
  [0, 1],
] as const;

/**
 * The structure under a homogeneous deformation: every row vector r, lattice vectors included, becomes r(1 + ε).
 * @param strain [9] ε, row-major, dimensionless
 */
export function strained(structure: Structure, strain: ArrayLike<number>): Structure {
  const deformation = Float64Array.from(strain);
  for (let d = 0; d < 3; d++) deformation[4 * d] = deformation[4 * d]! + 1;
  return {
    ...structure,
    positions: transformRows(structure.positions, deformation),
    cell: structure.cell === null ? null : transformRows(structure.cell, deformation),
  };
}

/**
 * Strain of a change of volume alone: ε = ((1 + v)^⅓ − 1)·1.
 *
 * @param change v = V/V₀ − 1
 * @returns      [9] row-major
 */
export function volumeStrain(change: number): Float64Array {
  const e = Math.cbrt(1 + change) - 1;
  return Float64Array.of(e, 0, 0, 0, e, 0, 0, 0, e);
}

/**
 * Tensor [9] of six strains in Voigt order xx yy zz yz xz xy, shears as engineers count them: γ_yz = 2 ε_yz.
 *
 * @param voigt [6] dimensionless
 */
export function strainTensor(voigt: ArrayLike<number>): Float64Array {
  const tensor = new Float64Array(9);
  VOIGT_AXES.forEach(([a, b], k) => {
    const part = a === b ? voigt[k]! : voigt[k]! / 2;
    tensor[3 * a + b] = part;
    tensor[3 * b + a] = part;
  });
  return tensor;
}

/**
 * A short basis of the same lattice, found by subtracting from each vector the nearest multiple of another while that
 * shortens it: distances between faces get large, so linked cells work for any skewed cell.
 * @param movable which rows are lattice vectors; the others are left alone
 * @returns `basis` [9] and the integer `transform` [9] with basis = transform · cell
 */
export function reducedCell(
  cell: Float64Array,
  movable: readonly boolean[],
): { readonly basis: Float64Array; readonly transform: Int32Array } {
  let basis: Float64Array = cell.slice();
  const transform = Int32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  for (let changed = true, sweep = 0; changed && sweep < 1000; sweep++) {
    changed = false;
    for (let p = 0; p < 3; p++) {
      for (let q = 0; q < 3; q++) {
        if (p === q || !movable[p] || !movable[q]) continue;
        const projection = dot(basis, 3 * p, basis, 3 * q) / dot(basis, 3 * q, basis, 3 * q);
        // A little more than one half, so that ties do not go round in circles.
        if (Math.abs(projection) < 0.5 + 1e-9) continue;
        const multiple = Math.round(projection);
        for (let k = 0; k < 3; k++) transform[3 * p + k] = transform[3 * p + k]! - multiple * transform[3 * q + k]!;
        basis = transformRows(transform, cell);
        changed = true;
      }
    }
  }
  return { basis, transform };
}
