/**
 * A set of atoms, perhaps periodic. Plain data that may cross a worker or store boundary; never mutated once made.
 * Rows of `cell` are lattice vectors, so a fractional row vector f sits at r = f · cell.
 */
export interface Structure {
  /** [3n] Cartesian positions, Å, atom by atom. */
  readonly positions: Float64Array;
  /** [9] lattice vectors as rows, Å; null without a lattice. */
  readonly cell: Float64Array | null;
  /** Periodicity along each lattice vector; all false when `cell` is null. */
  readonly pbc: readonly [boolean, boolean, boolean];
  /** [n] atomic numbers. */
  readonly species: Uint8Array;
}

/** Reference values of a structure in canonical units. Absent labels are null; single absent components are NaN. */
export interface Labels {
  /** Total energy, eV (the free energy where electrons are smeared: the one the forces belong to). */
  readonly energy: number | null;
  /** [3n] forces, eV/Å. */
  readonly forces: Float64Array | null;
  /** [6] virial W = −V·stress in Voigt order xx yy zz yz xz xy, eV. */
  readonly virial: Float64Array | null;
}

/** A value of an extended-XYZ comment line or column that this project does not interpret but keeps. */
export type InfoValue = string | number | boolean | readonly InfoValue[] | { readonly [key: string]: InfoValue };

/** A per-atom column that is kept on round trip: `width` values per atom, atom by atom. */
export interface Column {
  readonly kind: 'R' | 'I' | 'L' | 'S';
  readonly width: number;
  readonly values: readonly (number | boolean | string)[];
}

/** A structure with its labels and whatever else its file said of it. */
export interface Frame {
  readonly structure: Structure;
  readonly labels: Labels;
  /** Group of the frame (`config_type`), '' when it has none. */
  readonly group: string;
  /** Other keys of the comment line, in file order, kept on round trip. */
  readonly info: Readonly<Record<string, InfoValue>>;
  /** Other per-atom columns, kept on round trip. */
  readonly columns: Readonly<Record<string, Column>>;
  /** Where the frame came from: file and 0-based index in it. */
  readonly source: { readonly file: string; readonly index: number; readonly line: number };
}

/** Number of atoms. */
export function atomCount(structure: Structure): number {
  return structure.species.length;
}
