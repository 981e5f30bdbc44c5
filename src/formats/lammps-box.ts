/** Boxes of LAMMPS: lattice vectors with a along x and b in the xy plane, and the bounding boxes of dumps. */
import { InputError } from '../core/errors.ts';
import {
  cellDeterminant,
  completedCell,
  fractionalPositions,
  isSingularCell,
  transformRows,
} from '../core/structure/cell.ts';
import type { Structure } from '../core/structure/structure.ts';

/** A cell in the orientation that LAMMPS and CIF ask for. */
export interface TurnedCell {
  /** [9] rows, Å: a = (lx, 0, 0), b = (xy, ly, 0), c = (xz, yz, lz) with lx, ly, lz > 0. */
  readonly cell: Float64Array;
  /** [9] row-major proper rotation R: a row vector v of the structure is v·R in the turned frame. */
  readonly rotation: Float64Array;
  /** Whether R is more than the identity. */
  readonly turned: boolean;
  /** Whether the lattice vectors were taken with the opposite sign: the cell was left-handed. Same lattice, same crystal. */
  readonly inverted: boolean;
}

function unit(x: number, y: number, z: number): [number, number, number] {
  const norm = Math.sqrt(x * x + y * y + z * z);
  return [x / norm, y / norm, z / norm];
}

/**
 * The cell turned so that a lies along x and b in the xy plane. A left-handed cell is first replaced by −a, −b, −c, which
 * spans the same lattice. A cell that already stands so comes back as it is, with R = 1 exactly.
 * @throws InputError `SINGULAR_CELL`
 */
export function turnedCell(given: Float64Array): TurnedCell {
  if (isSingularCell(given)) {
    throw new InputError(
      'SINGULAR_CELL',
      `cell must have three independent vectors, got ${Array.from(given).join(' ')} Å`,
      { cell: Array.from(given) },
    );
  }
  const inverted = cellDeterminant(given) < 0;
  const cell = inverted ? given.map((x) => -x + 0) : given;
  const rotation = Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1);
  if (cell[1] === 0 && cell[2] === 0 && cell[5] === 0 && cell[0]! > 0 && cell[4]! > 0) {
    return { cell: cell.slice(), rotation, turned: false, inverted };
  }
  const [ax, ay, az] = unit(cell[0]!, cell[1]!, cell[2]!);
  const [bx, by, bz] = [cell[3]!, cell[4]!, cell[5]!];
  const [nx, ny, nz] = unit(ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx);
  const [tx, ty, tz] = [ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax];
  rotation.set([ax, tx, nx, ay, ty, ny, az, tz, nz]);
  const lower = transformRows(cell, rotation);
  lower[1] = 0;
  lower[2] = 0;
  lower[5] = 0;
  return { cell: lower, rotation, turned: true, inverted };
}

/** A structure in a box that a file can hold. */
export interface BoxedStructure {
  /** The structure turned, its cell filled up where there was none. */
  readonly structure: Structure & { readonly cell: Float64Array };
  /** Corner of the box, Å. */
  readonly origin: readonly [number, number, number];
  readonly rotation: Float64Array;
  readonly turned: boolean;
  readonly inverted: boolean;
  /** Directions a, b, c that had no lattice vector and got one around the atoms. */
  readonly invented: readonly number[];
}

/** Empty space on either side of the atoms where a box must be made up, Å. */
const MARGIN = 5;

/**
 * The structure as LAMMPS wants it: turned (`turnedCell`), with a lattice vector along every direction. Directions without
 * one (they are not periodic) get a box around the atoms with 5 Å of space on each side.
 * @throws InputError `SINGULAR_CELL`, `MISSING_LATTICE_VECTOR`
 */
export function boxedStructure(structure: Structure): BoxedStructure {
  const basis = completedCell(structure);
  const invented: number[] = [];
  for (let d = 0; d < 3; d++) {
    const given = structure.cell?.subarray(3 * d, 3 * d + 3);
    if (given?.some((x) => x !== 0)) basis.set(given, 3 * d);
    else invented.push(d);
  }
  const shift = [0, 0, 0];
  if (invented.length > 0) {
    const fractional = fractionalPositions(structure.positions, basis);
    for (const d of invented) {
      let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (let k = d; k < fractional.length; k += 3) {
        low = Math.min(low, fractional[k]!);
        high = Math.max(high, fractional[k]!);
      }
      // The vector that stands for an open direction has the length 1 Å.
      for (let k = 0; k < 3; k++) {
        shift[k] = shift[k]! + (low - MARGIN) * basis[3 * d + k]!;
        basis[3 * d + k] = basis[3 * d + k]! * (high - low + 2 * MARGIN);
      }
    }
  }
  const { cell, rotation, turned, inverted } = turnedCell(basis);
  const origin = turned ? transformRows(shift, rotation) : shift;
  if (inverted && invented.length > 0) {
    // The box now runs the other way from its corner.
    for (const d of invented) for (let k = 0; k < 3; k++) origin[k] = origin[k]! - cell[3 * d + k]!;
  }
  return {
    structure: {
      ...structure,
      cell,
      positions: turned ? transformRows(structure.positions, rotation) : structure.positions,
    },
    origin: [origin[0]!, origin[1]!, origin[2]!],
    rotation,
    turned,
    inverted,
    invented,
  };
}

/** Bounds [xlo, xhi, ylo, yhi, zlo, zhi] of the box that a dump states for a tilted cell: it contains all eight corners. */
export function boundingBox(cell: ArrayLike<number>, origin: readonly [number, number, number]): number[] {
  const [xy, xz, yz] = [cell[3]!, cell[6]!, cell[7]!];
  const [x, y, z] = origin;
  return [
    x + Math.min(0, xy, xz, xy + xz),
    x + cell[0]! + Math.max(0, xy, xz, xy + xz),
    y + Math.min(0, yz),
    y + cell[4]! + Math.max(0, yz),
    z,
    z + cell[8]!,
  ];
}

/** Cell [9] and corner of the box whose bounding box and tilt factors a dump states: the reverse of `boundingBox`. */
export function boxFromBounds(
  bounds: readonly number[],
  tilt: readonly [number, number, number],
): { readonly cell: Float64Array; readonly origin: readonly [number, number, number] } {
  const [xy, xz, yz] = tilt;
  const xlo = bounds[0]! - Math.min(0, xy, xz, xy + xz);
  const xhi = bounds[1]! - Math.max(0, xy, xz, xy + xz);
  const ylo = bounds[2]! - Math.min(0, yz);
  const yhi = bounds[3]! - Math.max(0, yz);
  const [zlo, zhi] = [bounds[4]!, bounds[5]!];
  return {
    cell: Float64Array.of(xhi - xlo, 0, 0, xy, yhi - ylo, 0, xz, yz, zhi - zlo),
    origin: [xlo, ylo, zlo],
  };
}

/** Tilt factors that are more than half of the edge they lean along, as `xy`; older LAMMPS refuses them without `box tilt large`. */
export function largeTilts(cell: ArrayLike<number>): string[] {
  const tilts: [string, number, number][] = [
    ['xy', cell[3]!, cell[0]!],
    ['xz', cell[6]!, cell[0]!],
    ['yz', cell[7]!, cell[4]!],
  ];
  return tilts.filter(([, tilt, edge]) => Math.abs(tilt) > 0.5 * edge * (1 + 1e-9)).map(([name]) => name);
}
