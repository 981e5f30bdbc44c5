import type { Structure } from '../structure/structure.ts';
import type { NeighborList } from '../structure/neighbor-list.ts';
import type { AceBasis } from './ace/basis.ts';
import type { ProductPotential } from './ace/product-basis.ts';

/** What a potential linear in its descriptors says of one structure, without the energies of isolated atoms. */
export interface Evaluation {
  /** Σ of `atomEnergies`, eV. */
  readonly energy: number;
  /** [n] energy of each atom, eV (a partition, not an observable). */
  readonly atomEnergies: Float64Array;
  /** [3n] −∂E/∂r, eV/Å. */
  readonly forces: Float64Array;
  /** [6] W = −∂E/∂ε, Voigt xx yy zz yz xz xy, eV. */
  readonly virial: Float64Array;
}

/**
 * Design rows of one structure: the value of every basis function summed over atoms and its derivatives, so that
 * energy = energy·w + baseline.energy, and the same for forces and virial.
 */
export interface StructureRows {
  /** [d] Σ_i B_iv, in the column block of the central atom's species. */
  readonly energy: Float64Array;
  /** [3n, d] −∂/∂r, row-major. */
  readonly forces: Float64Array;
  /** [6, d] −∂/∂ε, row-major, Voigt. */
  readonly virial: Float64Array;
  /** [n, max over species of block size] B of each atom, row-major; entries beyond its species' block are 0. */
  readonly atoms: Float64Array;
  /** The fixed core repulsion, which carries no coefficient. */
  readonly baseline: Evaluation;
}

/** Receives the rows of structure `index` of a batch; the arrays are the receiver's to keep. */
export type RowSink = (index: number, rows: StructureRows) => void;

/** How a batch is to be evaluated; nothing of it changes what an energy is. */
export interface EvaluationOptions {
  /**
   * One list per structure, made for the cutoff and a skin at positions that moved by less than half the skin since; the
   * pairs are taken from it, vectors and distances anew from the positions and the cell. Made afresh when left out.
   */
  readonly lists?: readonly NeighborList[];
  /**
   * Only the central atoms from ≤ i < to of every structure: the energy is theirs, other `atomEnergies` are 0, forces and
   * virial are their share, so that the parts of a structure add up to the whole.
   */
  readonly atoms?: readonly [from: number, to: number];
}

/** A potential of the PACE family made ready to run; errors as of `AceProgram`. */
export interface PotentialProgram {
  readonly potential: ProductPotential;
  /** Largest cutoff of a pair, Å: what lists must reach. */
  readonly cutoff: number;
  /** Energy (isolated atoms included), forces and virial of each structure. */
  evaluate(batch: readonly Structure[], options?: EvaluationOptions): Evaluation[];
  dispose(): void;
}

/**
 * A basis made ready to run: tables, scratch memory and row programs live here. Structures hold only species of the
 * basis, otherwise InputError `SPECIES_NOT_IN_BASIS`. A pair closer than 1e-3 Å throws InputError `ATOMS_COINCIDE`.
 */
export interface AceProgram {
  readonly basis: AceBasis;
  /** Number of columns d: one block of functions per central species, in the order of `basis.elements`. */
  readonly size: number;
  /**
   * Energy, forces and virial of each structure for the coefficients `weights` [d], core repulsion included. Fast when the
   * same weights are used again and again.
   */
  evaluate(batch: readonly Structure[], weights: Float64Array, options?: EvaluationOptions): Evaluation[];
  /** Streams the design rows of each structure to `sink`, in order. */
  rows(batch: readonly Structure[], sink: RowSink): void;
  /**
   * B of each atom of each structure, [n, max block] as `StructureRows.atoms`, without derivatives; of the atoms in the
   * range of the options alone where there is one.
   */
  descriptors(batch: readonly Structure[], options?: EvaluationOptions): Float64Array[];
  dispose(): void;
}
