import type { WasmMemory } from './wasm-module.ts';

/** Design rows that stay in the memory of a module before they are added to the result, bytes. */
const MOST_BYTES = 1 << 26;

/** How many atoms' rows of `width` numbers are kept for a structure of n atoms, of which a batch touches `batch`. */
export function keptAtoms(n: number, width: number, batch: number): number {
  return Math.min(n, Math.max(batch, Math.floor(MOST_BYTES / (24 * width))));
}

/**
 * Design rows of one central element in the memory of a module: three of each atom that has been touched, in the order of
 * first touch, then six of the virial and one that nobody reads. `flush` adds them to the result. All of them are 0 between
 * two flushes of a call that came to its end.
 */
export class DesignRows {
  private readonly kernels: WasmMemory;
  private address = 0;
  private room = 0;
  private width = 0;
  /** Place of each atom, −1 for none, and the atoms by place. */
  private places = new Int32Array(0);
  private atoms = new Int32Array(0);
  private count = 0;
  /** Atoms of the structure. */
  private total = 0;
  /** Whether the columns at hand have been flushed before. */
  private added = false;

  constructor(kernels: WasmMemory) {
    this.kernels = kernels;
  }

  /** Bytes that rows of up to `width` numbers of `atoms` atoms need. */
  static bytes(atoms: number, width: number): number {
    return 8 * (3 * atoms + 7) * width;
  }

  /** Takes over fresh memory for so many atoms. */
  moveTo(address: number, atoms: number, width: number): void {
    this.address = address;
    this.room = atoms;
    this.atoms = new Int32Array(atoms);
    this.places = new Int32Array(0);
    this.count = 0;
    new Uint8Array(this.kernels.memory.buffer, address, DesignRows.bytes(atoms, width)).fill(0);
  }

  /** Begins the rows of a central element in a structure of n atoms. */
  begin(n: number, width: number): void {
    if (this.count > 0) this.clear(this.view());
    if (this.places.length < n) this.places = new Int32Array(n).fill(-1);
    this.total = n;
    this.width = width;
    this.added = false;
  }

  /** Bytes of a row. */
  get rowBytes(): number {
    return 8 * this.width;
  }

  /** Address of the first of an atom's rows. */
  of(atom: number): number {
    let place = this.places[atom]!;
    if (place < 0) {
      place = this.count++;
      this.places[atom] = place;
      this.atoms[place] = atom;
    }
    return this.address + 24 * place * this.width;
  }

  /** Address of the first row of the virial; the spare row is the seventh. */
  get virial(): number {
    return this.address + 24 * this.room * this.width;
  }

  /** Whether so many more atoms may not fit. */
  isFullFor(more: number): boolean {
    return this.room < this.total && this.count + more > this.room;
  }

  private view(): Float64Array {
    return new Float64Array(this.kernels.memory.buffer, this.address, (3 * this.room + 7) * this.width);
  }

  private clear(rows: Float64Array): void {
    for (let place = 0; place < this.count; place++) this.places[this.atoms[place]!] = -1;
    rows.fill(0, 0, 3 * this.count * this.width);
    rows.fill(0, 3 * this.room * this.width);
    this.count = 0;
  }

  /**
   * Adds the first `n` numbers of each row to the columns from `offset` on and clears the rows.
   *
   * @param forces [3·atoms, columns]  @param virial [6, columns]
   */
  flush(n: number, offset: number, forces: Float64Array, virial: Float64Array): void {
    const { width, room } = this;
    const rows = this.view();
    const columns = virial.length / 6;
    const move = (row: number, out: Float64Array, to: number): void => {
      if (!this.added) {
        out.set(rows.subarray(row * width, row * width + n), to);
        return;
      }
      for (let v = 0, from = row * width; v < n; v++, from++) out[to + v] = out[to + v]! + rows[from]!;
    };
    for (let place = 0; place < this.count; place++) {
      const row = 3 * this.atoms[place]!;
      for (let c = 0; c < 3; c++) move(3 * place + c, forces, (row + c) * columns + offset);
    }
    for (let v = 0; v < 6; v++) move(3 * room + v, virial, v * columns + offset);
    this.clear(rows);
    this.added = true;
  }
}
