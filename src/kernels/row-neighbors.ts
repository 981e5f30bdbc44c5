import type { AcePair } from '../core/descriptors/ace/basis.ts';
import { PairFunctions } from '../core/descriptors/ace/environment.ts';
import type { Evaluation } from '../core/descriptors/descriptors.ts';
import { addBondForce } from '../core/structure/bond-force.ts';
import { requireDistance } from '../core/structure/checks.ts';
import type { NeighborList } from '../core/structure/neighbor-list.ts';
import type { CellTiles } from './cell-tiles.ts';
import type { DesignRows } from './design-rows.ts';
import { BLOCK_COLUMNS, COLUMN_BYTES, OWN_COLUMNS } from './row-tables.ts';
import type { WasmMemory } from './wasm-module.ts';

/** Largest counts over the central atoms of a list, and the number of neighbouring pairs. */
export interface ListExtent {
  readonly neighbors: number;
  /** Images of one atom around another. */
  readonly images: number;
  /** Atoms, however many images of them there are. */
  readonly atoms: number;
  /** Pairs of different atoms, in both directions. */
  readonly links: number;
}

/** Finds the largest counts of a list. */
export function extentOf({ offsets, indices }: NeighborList): ListExtent {
  let [neighbors, images, atoms, links] = [0, 0, 0, 0];
  for (let i = 0; i + 1 < offsets.length; i++) {
    let run = 0;
    let distinct = 0;
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      run = run > 0 && indices[p] === indices[p - 1] ? run + 1 : 1;
      if (run === 1) distinct++;
      if (run === 1 && indices[p] !== i) links++;
      if (run > images) images = run;
    }
    neighbors = Math.max(neighbors, offsets[i + 1]! - offsets[i]!);
    atoms = Math.max(atoms, distinct);
  }
  return { neighbors, images, atoms, links };
}

/**
 * The neighbours of one central atom that are of one element, as assembly/rows.ts wants them: geometry, radial functions
 * and a segment for each atom, with the columns that its derivatives go to and the design rows that these are added to.
 */
export class RowNeighbors {
  /** What the last `gather` found: atoms, and columns with those in front of the atoms. */
  atoms = 0;
  columns = 0;
  /** Addresses in the memory of the module. */
  geometry = 0;
  radial = 0;
  segments = 0;
  targets = 0;
  frameWords = 0;
  /** Neighbours for which there is room. */
  room = 0;
  /** Atoms that got columns. */
  private placed = 0;
  private readonly kernels: WasmMemory;
  private readonly pairs: readonly (readonly AcePair[])[];
  private readonly functions: PairFunctions;
  private readonly blockBytes: number;
  private readonly values: Float64Array;
  private readonly slopes: Float64Array;
  private geometryView = new Float64Array(0);
  private radialView = new Float64Array(0);
  private segmentView = new Int32Array(0);
  private targetView = new Uint32Array(0);
  private frameView = new Uint32Array(0);

  /** @param count of radial functions  @param components of one element in a block of columns */
  constructor(kernels: WasmMemory, pairs: readonly (readonly AcePair[])[], count: number, components: number) {
    this.kernels = kernels;
    this.pairs = pairs;
    this.functions = new PairFunctions(pairs, count);
    this.blockBytes = components * COLUMN_BYTES;
    this.values = new Float64Array(count);
    this.slopes = new Float64Array(count);
  }

  /** Takes memory for so many neighbours and targets of columns; `view` once nothing more is allocated. */
  reserve(room: number, targets: number): void {
    this.room = room;
    this.geometry = this.kernels.allocate(32 * room);
    this.radial = this.kernels.allocate(16 * room * this.functions.count);
    this.segments = this.kernels.allocate(20 * room);
    this.targets = this.kernels.allocate(4 * targets);
    this.frameWords = this.kernels.allocate(24);
  }

  /** Makes the views of the memory that was taken. */
  view(targets: number): void {
    const { buffer } = this.kernels.memory;
    this.geometryView = new Float64Array(buffer, this.geometry, 4 * this.room).fill(0);
    this.radialView = new Float64Array(buffer, this.radial, 2 * this.room * this.functions.count);
    this.segmentView = new Int32Array(buffer, this.segments, 5 * this.room);
    this.targetView = new Uint32Array(buffer, this.targets, targets);
    this.frameView = new Uint32Array(buffer, this.frameWords, 6);
  }

  /**
   * Gathers the neighbours of atom i of element mu. With `rows` they get columns, and their core repulsion is added to
   * `core`; with `cell` these stand at fixed places, otherwise one behind the other with targets from `target` on.
   *
   * @throws InputError `ATOMS_COINCIDE`
   */
  gather(
    list: NeighborList,
    i: number,
    mu: number,
    elementOf: Uint8Array,
    rows: DesignRows | null,
    cell: CellTiles | null,
    target: number,
    core: Evaluation | null,
  ): void {
    const { geometryView, radialView, segmentView, functions, values, slopes, room } = this;
    const { offsets, indices, distances, vectors } = list;
    const mu0 = elementOf[i]!;
    const { cutoff } = this.pairs[mu0]![mu]!;
    const count = functions.count;
    let size = 0;
    let previous = -1;
    let to = 0;
    this.atoms = 0;
    this.placed = 0;
    this.columns = cell === null ? OWN_COLUMNS : cell.first + 3 * cell.countOf(mu);
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      const j = indices[p]!;
      const r = distances[p]!;
      if (elementOf[j] !== mu || r >= cutoff) continue;
      requireDistance(r, i, j);
      const inverse = 1 / r;
      const x = vectors[3 * p]!;
      const y = vectors[3 * p + 1]!;
      const z = vectors[3 * p + 2]!;
      geometryView[size] = x * inverse;
      geometryView[room + size] = y * inverse;
      geometryView[2 * room + size] = z * inverse;
      geometryView[3 * room + size] = -inverse;
      functions.evaluate(mu0, mu, r, values, slopes, 0);
      for (let k = 0; k < count; k++, to += 2) {
        radialView[to] = values[k]!;
        radialView[to + 1] = r * slopes[k]!;
      }
      if (core !== null && functions.core[1] !== 0) {
        const slope = functions.core[1]! * inverse;
        core.atomEnergies[i] = core.atomEnergies[i]! + functions.core[0]!;
        addBondForce(core.forces, core.virial, i, j, slope * x, slope * y, slope * z, x, y, z);
      }
      if (j === previous) {
        const images = 5 * this.atoms - 4;
        segmentView[images] = segmentView[images]! + 1;
      } else {
        segmentView[5 * this.atoms] = size;
        segmentView[5 * this.atoms + 1] = 1;
        if (rows === null || j === i) segmentView[5 * this.atoms + 2] = -1;
        else this.placeColumns(rows, j, cell, target);
        this.atoms++;
      }
      previous = j;
      size++;
    }
    if (rows === null) return;
    if (cell === null) this.frameAlone(rows, i, target);
    else this.frameCell(cell, i, mu, mu === mu0);
  }

  /** Byte offset of a column of the first component. */
  private offsetOf(column: number): number {
    return Math.floor(column / BLOCK_COLUMNS) * this.blockBytes + (column % BLOCK_COLUMNS) * 8;
  }

  /** Columns of a neighbour, for the segment at hand. */
  private placeColumns(rows: DesignRows, atom: number, cell: CellTiles | null, target: number): void {
    let column = this.columns;
    this.placed++;
    if (cell === null) {
      this.columns += 3;
      const address = rows.of(atom);
      for (let c = 0; c < 3; c++) this.targetView[target + column + c] = address + c * rows.rowBytes;
    } else column = cell.first + 3 * cell.places[atom]!;
    for (let c = 0; c < 3; c++) this.segmentView[5 * this.atoms + 2 + c] = this.offsetOf(column + c);
  }

  private frame(central: number, strain: number, cleared: number, blocks: number): void {
    for (let c = 0; c < 3; c++) this.frameView[c] = this.offsetOf(central + c);
    this.frameView[3] = this.offsetOf(strain);
    this.frameView[4] = this.offsetOf(cleared);
    this.frameView[5] = blocks * this.blockBytes;
  }

  /** Frame and targets of columns that stand one behind the other: central atom, strain, neighbours. */
  private frameAlone(rows: DesignRows, i: number, target: number): void {
    const { targetView, columns } = this;
    const { rowBytes, virial } = rows;
    const whole = columns - (columns % BLOCK_COLUMNS);
    this.frame(0, 3, whole, whole < columns ? 1 : 0);
    const central = rows.of(i);
    for (let c = 0; c < 3; c++) targetView[target + c] = central + c * rowBytes;
    for (let v = 0; v < 6; v++) targetView[target + 3 + v] = virial + v * rowBytes;
    targetView.fill(virial + 6 * rowBytes, target + columns, target + whole + BLOCK_COLUMNS);
  }

  /** Frame of columns at the fixed places of a cell: strain, central atom where its element differs, atoms. */
  private frameCell(cell: CellTiles, i: number, mu: number, alike: boolean): void {
    const central = alike ? cell.first + 3 * cell.places[i]! : BLOCK_COLUMNS;
    const whole = this.columns - (this.columns % BLOCK_COLUMNS);
    // Columns of atoms out of reach would keep what another atom left.
    const complete = this.placed === cell.countOf(mu) - (alike ? 1 : 0);
    const first = complete ? whole : cell.first;
    this.frame(central, 0, first, Math.ceil((this.columns - first) / BLOCK_COLUMNS));
  }
}
