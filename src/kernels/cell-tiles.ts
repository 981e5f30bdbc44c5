import type { DesignRows } from './design-rows.ts';
import { BLOCK_COLUMNS } from './row-tables.ts';
import type { WasmMemory } from './wasm-module.ts';

/** Share of all pairs of atoms that are neighbours from which on a cell is dense. */
const DENSE = 0.85;
/** Tiles beyond this many bytes would not stay in a cache. */
const MOST_BYTES = 1 << 24;
/** Columns of strain, with two that fill up. */
export const STRAIN_WIDTH = 8;
/** Columns of a central atom, with one that fills up. */
export const CENTRAL_WIDTH = 4;

/** What brings a tile to the design rows, as assembly/index.ts exports it. */
export interface TileExports {
  addTransposed(tile: number, pairs: number, places: number, targets: number, columns: number): void;
}

/** Columns of the last block of so many: eight suffice for few. */
function widthOf(left: number): number {
  return left <= BLOCK_COLUMNS / 2 ? BLOCK_COLUMNS / 2 : BLOCK_COLUMNS;
}

/**
 * Design rows of a dense cell on their way: where most atoms are neighbours of each other every atom has its columns at a
 * fixed place, and what the functions of one central element have for them is summed over central atoms before it is
 * transposed into rows, once. Tiles are [functions, 16] for each block of columns of the atoms of an element, [functions,
 * 8] for strain, and [functions, 4] for each central atom as far as neighbours of other elements go.
 */
export class CellTiles {
  /** Columns in front of those of the atoms: strain, and a block for the central atom. */
  readonly first: number;
  /** [atoms] place of each atom among those of its element. */
  places = new Int32Array(0);
  /** Address of the tile of strain, and by element of the first tile of its atoms. */
  strain = 0;
  atoms: number[] = [];
  private readonly kernels: TileExports & WasmMemory;
  private readonly nElements: number;
  private members: number[][] = [];
  private central = 0;
  private address = 0;
  private functions = 0;

  constructor(kernels: TileExports & WasmMemory, nElements: number) {
    this.kernels = kernels;
    this.nElements = nElements;
    this.first = nElements > 1 ? 2 * BLOCK_COLUMNS : BLOCK_COLUMNS;
  }

  /**
   * Bytes of the tiles of a cell; 0 where it is not dense.
   *
   * @param links      pairs of different atoms, in both directions, that are neighbours
   * @param functions  of a central element, even
   */
  bytesFor(elementOf: Uint8Array, links: number, functions: number): number {
    const n = elementOf.length;
    const columns = STRAIN_WIDTH + 3 * n + BLOCK_COLUMNS * this.nElements + CENTRAL_WIDTH * n;
    const bytes = 8 * functions * columns;
    return links < DENSE * n * (n - 1) || bytes > MOST_BYTES ? 0 : bytes;
  }

  /** Takes over memory for the tiles of a cell. */
  layOut(elementOf: Uint8Array, address: number): void {
    this.address = address;
    this.members = Array.from({ length: this.nElements }, () => []);
    this.places = Int32Array.from(elementOf, (mu, atom) => this.members[mu]!.push(atom) - 1);
  }

  /** Number of atoms of an element. */
  countOf(mu: number): number {
    return this.members[mu]!.length;
  }

  /** Begins the rows of central element mu0 with so many functions, an even number: clears their tiles. */
  begin(mu0: number, functions: number): void {
    this.functions = functions;
    this.strain = this.address;
    let next = this.address + 8 * functions * STRAIN_WIDTH;
    this.atoms = this.members.map(({ length }) => {
      const at = next;
      next += 8 * functions * BLOCK_COLUMNS * Math.ceil((3 * length) / BLOCK_COLUMNS);
      return at;
    });
    this.central = next;
    if (this.nElements > 1) next += 8 * functions * CENTRAL_WIDTH * this.members[mu0]!.length;
    new Uint8Array(this.kernels.memory.buffer, this.address, next - this.address).fill(0);
  }

  /** Address of the tile of a central atom for neighbours of other elements. */
  centralOf(atom: number): number {
    return this.central + 8 * this.functions * CENTRAL_WIDTH * this.places[atom]!;
  }

  /**
   * Adds the tiles of central element mu0 to the design rows.
   *
   * @param places   address of 16 p for each pair of functions
   * @param targets  address of room for sixteen targets
   */
  flush(mu0: number, rows: DesignRows, places: number, targets: number): void {
    const { kernels, functions } = this;
    const view = new Uint32Array(kernels.memory.buffer, targets, BLOCK_COLUMNS);
    const move = (tile: number, columns: number): void =>
      kernels.addTransposed(tile, functions / 2, places, targets, columns);
    const spare = rows.virial + 6 * rows.rowBytes;
    view.fill(spare);
    for (let v = 0; v < 6; v++) view[v] = rows.virial + v * rows.rowBytes;
    move(this.strain, STRAIN_WIDTH);
    this.members.forEach((atoms, mu) => {
      const columns = atoms.flatMap((atom) => [0, 1, 2].map((c) => rows.of(atom) + c * rows.rowBytes));
      for (let k = 0; k < columns.length; k += BLOCK_COLUMNS) {
        view.fill(spare);
        view.set(columns.slice(k, k + BLOCK_COLUMNS));
        move(this.atoms[mu]! + 8 * functions * k, widthOf(columns.length - k));
      }
    });
    if (this.nElements > 1) {
      for (const atom of this.members[mu0]!) {
        for (let c = 0; c < 3; c++) view[c] = rows.of(atom) + c * rows.rowBytes;
        view[3] = spare;
        move(this.centralOf(atom), CENTRAL_WIDTH);
      }
    }
  }
}
