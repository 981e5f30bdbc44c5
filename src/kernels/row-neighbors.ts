import type { AcePair } from '../core/descriptors/ace/basis.ts';
import { innerSwitch, SphericalBessel, switchedCoreRepulsion } from '../core/descriptors/ace/radial.ts';
import type { Evaluation } from '../core/descriptors/descriptors.ts';
import { addBondForce } from '../core/structure/bond-force.ts';
import { requireDistance } from '../core/structure/checks.ts';
import type { NeighborList } from '../core/structure/neighbor-list.ts';
import type { CellTiles } from './cell-tiles.ts';
import type { DesignRows } from './design-rows.ts';
import { BLOCK_COLUMNS, COLUMN_BYTES, OWN_COLUMNS } from './row-tables.ts';
import type { WasmMemory } from './wasm-module.ts';

/** What fills rows of radial functions, as assembly/index.ts exports it. */
export interface RadialExports {
  radialRows(distances: number, count: number, frequency: number, factors: number, n: number, out: number): void;
}

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
  private readonly kernels: RadialExports & WasmMemory;
  private readonly pairs: readonly (readonly AcePair[])[];
  /** Number of radial functions, and addresses of their factors by pair. */
  private readonly count: number;
  private readonly factors: readonly (readonly number[])[];
  private readonly blockBytes: number;
  /** Neighbours within the inner cutoff. */
  private close = new Int32Array(0);
  private readonly inner = new Float64Array(2);
  private geometryView = new Float64Array(0);
  private radialView = new Float64Array(0);
  private segmentView = new Int32Array(0);
  private targetView = new Uint32Array(0);
  private frameView = new Uint32Array(0);

  /** @param count of radial functions  @param components of one element in a block of columns */
  constructor(
    kernels: RadialExports & WasmMemory,
    pairs: readonly (readonly AcePair[])[],
    count: number,
    components: number,
  ) {
    this.kernels = kernels;
    this.pairs = pairs;
    this.count = count;
    this.blockBytes = components * COLUMN_BYTES;
    this.factors = pairs.map((row) =>
      row.map(({ cutoff }) => {
        const { scale, carry } = new SphericalBessel(cutoff, count);
        const address = kernels.allocate(24 * count);
        const table = new Float64Array(kernels.memory.buffer, address, 3 * count);
        for (let k = 0; k < count; k++) table.set([scale[k]!, carry[k]!, 1 / (k + 2)], 3 * k);
        return address;
      }),
    );
  }

  /** Takes memory for so many neighbours and targets of columns; `view` once nothing more is allocated. */
  reserve(room: number, targets: number): void {
    this.room = room;
    this.geometry = this.kernels.allocate(40 * room);
    this.radial = this.kernels.allocate(16 * room * this.count);
    this.segments = this.kernels.allocate(20 * room);
    this.targets = this.kernels.allocate(4 * targets);
    this.frameWords = this.kernels.allocate(24);
  }

  /** Makes the views of the memory that was taken. */
  view(targets: number): void {
    const { buffer } = this.kernels.memory;
    this.geometryView = new Float64Array(buffer, this.geometry, 5 * this.room).fill(0);
    this.radialView = new Float64Array(buffer, this.radial, 2 * this.room * this.count);
    this.close = new Int32Array(this.room);
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
    const { geometryView, segmentView, room } = this;
    const { offsets, indices, distances, vectors } = list;
    const mu0 = elementOf[i]!;
    const pair = this.pairs[mu0]![mu]!;
    let size = 0;
    let close = 0;
    let previous = -1;
    this.atoms = 0;
    this.placed = 0;
    this.columns = cell === null ? OWN_COLUMNS : cell.first + 3 * cell.countOf(mu);
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      const j = indices[p]!;
      const r = distances[p]!;
      if (elementOf[j] !== mu || r >= pair.cutoff) continue;
      requireDistance(r, i, j);
      const inverse = 1 / r;
      const x = vectors[3 * p]!;
      const y = vectors[3 * p + 1]!;
      const z = vectors[3 * p + 2]!;
      geometryView[size] = x * inverse;
      geometryView[room + size] = y * inverse;
      geometryView[2 * room + size] = z * inverse;
      geometryView[3 * room + size] = -inverse;
      geometryView[4 * room + size] = r;
      if (r < pair.innerCutoff) {
        this.close[close++] = size;
        if (core !== null) this.addCore(core, pair, i, j, r, x, y, z);
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
    const { count, radial, kernels } = this;
    kernels.radialRows(this.geometry + 32 * room, size, Math.PI / pair.cutoff, this.factors[mu0]![mu]!, count, radial);
    for (let k = 0; k < close; k++) this.switchOff(this.close[k]!, pair);
    if (rows === null) return;
    if (cell === null) this.frameAlone(rows, i, target);
    else this.frameCell(cell, i, mu, mu === mu0);
  }

  /** Adds the core repulsion of a neighbour at (x, y, z). */
  private addCore(
    core: Evaluation,
    pair: AcePair,
    i: number,
    j: number,
    r: number,
    x: number,
    y: number,
    z: number,
  ): void {
    switchedCoreRepulsion(r, pair, this.inner);
    core.atomEnergies[i] = core.atomEnergies[i]! + this.inner[0]!;
    const slope = this.inner[1]! / r;
    addBondForce(core.forces, core.virial, i, j, slope * x, slope * y, slope * z, x, y, z);
  }

  /** Applies the inner switch to the radial functions of neighbour k: R (1−f) and r d/dr of it. */
  private switchOff(k: number, pair: AcePair): void {
    const { radialView, count, inner } = this;
    const r = this.geometryView[4 * this.room + k]!;
    innerSwitch(r, pair.innerCutoff, pair.innerWidth, inner);
    const keep = 1 - inner[0]!;
    const change = -inner[1]! * r;
    for (let at = 2 * count * k; at < 2 * count * (k + 1); at += 2) {
      radialView[at + 1] = radialView[at + 1]! * keep + radialView[at]! * change;
      radialView[at] = radialView[at]! * keep;
    }
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
