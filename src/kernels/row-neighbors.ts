import type { AcePair } from '../core/descriptors/ace/basis.ts';
import { PairFunctions } from '../core/descriptors/ace/environment.ts';
import type { Evaluation } from '../core/descriptors/descriptors.ts';
import { addBondForce } from '../core/structure/bond-force.ts';
import { requireDistance } from '../core/structure/checks.ts';
import type { NeighborList } from '../core/structure/neighbor-list.ts';
import type { DesignRows } from './design-rows.ts';
import { BLOCK_COLUMNS, COLUMN_BYTES, OWN_COLUMNS } from './row-tables.ts';
import type { WasmMemory } from './wasm-module.ts';

/** Largest counts over the central atoms of a list. */
export interface ListExtent {
  readonly neighbors: number;
  /** Images of one atom around another. */
  readonly images: number;
  /** Atoms, however many images of them there are. */
  readonly atoms: number;
}

/** Finds the largest counts of a list. */
export function extentOf({ offsets, indices }: NeighborList): ListExtent {
  let [neighbors, images, atoms] = [0, 0, 0];
  for (let i = 0; i + 1 < offsets.length; i++) {
    let run = 0;
    let distinct = 0;
    for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
      run = run > 0 && indices[p] === indices[p - 1] ? run + 1 : 1;
      if (run === 1) distinct++;
      if (run > images) images = run;
    }
    neighbors = Math.max(neighbors, offsets[i + 1]! - offsets[i]!);
    atoms = Math.max(atoms, distinct);
  }
  return { neighbors, images, atoms };
}

/**
 * The neighbours of one central atom that are of one element, as assembly/rows.ts wants them: geometry, radial functions
 * and a segment for each atom, with the columns that its derivatives go to and the design rows that these are added to.
 */
export class RowNeighbors {
  /** What the last `gather` found: atoms, and columns with those of the central atom and of strain. */
  atoms = 0;
  columns = 0;
  /** Addresses in the memory of the module. */
  geometry = 0;
  radial = 0;
  segments = 0;
  targets = 0;
  /** Neighbours for which there is room. */
  room = 0;
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
  }

  /** Makes the views of the memory that was taken. */
  view(targets: number): void {
    const { buffer } = this.kernels.memory;
    this.geometryView = new Float64Array(buffer, this.geometry, 4 * this.room).fill(0);
    this.radialView = new Float64Array(buffer, this.radial, 2 * this.room * this.functions.count);
    this.segmentView = new Int32Array(buffer, this.segments, 5 * this.room);
    this.targetView = new Uint32Array(buffer, this.targets, targets);
  }

  /**
   * Gathers the neighbours of atom i of element mu. With `rows` they get columns, whose targets stand from place `target`
   * on, and their core repulsion is added to `core`.
   *
   * @throws InputError `ATOMS_COINCIDE`
   */
  gather(
    list: NeighborList,
    i: number,
    mu: number,
    elementOf: Uint8Array,
    rows: DesignRows | null,
    target: number,
    core: Evaluation | null,
  ): void {
    const { geometryView, radialView, functions, values, slopes, room } = this;
    const { offsets, indices, distances, vectors } = list;
    const mu0 = elementOf[i]!;
    const { cutoff } = this.pairs[mu0]![mu]!;
    const count = functions.count;
    let size = 0;
    let previous = -1;
    let to = 0;
    this.atoms = 0;
    this.columns = OWN_COLUMNS;
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
      geometryView[3 * room + size] = inverse;
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
      if (j === previous) this.segmentView[5 * this.atoms - 4] = this.segmentView[5 * this.atoms - 4]! + 1;
      else this.beginAtom(size, j === i ? null : rows, j, target);
      previous = j;
      size++;
    }
    if (rows !== null) this.addTargets(rows, i, target);
  }

  /** Begins the segment of an atom; without rows it gets no columns. */
  private beginAtom(first: number, rows: DesignRows | null, atom: number, target: number): void {
    const { segmentView, targetView, blockBytes } = this;
    const at = 5 * this.atoms++;
    segmentView[at] = first;
    segmentView[at + 1] = 1;
    if (rows === null) {
      segmentView[at + 2] = -1;
      return;
    }
    const address = rows.of(atom);
    for (let c = 0; c < 3; c++) {
      const column = this.columns++;
      segmentView[at + 2 + c] =
        Math.floor(column / BLOCK_COLUMNS) * blockBytes + (column % BLOCK_COLUMNS) * (COLUMN_BYTES / BLOCK_COLUMNS);
      targetView[target + column] = address + c * rows.rowBytes;
    }
  }

  /** Targets of the columns of the central atom and of strain, and of those that fill up the last block. */
  private addTargets(rows: DesignRows, i: number, target: number): void {
    const { targetView, columns } = this;
    const { rowBytes, virial } = rows;
    const central = rows.of(i);
    for (let c = 0; c < 3; c++) targetView[target + c] = central + c * rowBytes;
    for (let v = 0; v < 6; v++) targetView[target + 3 + v] = virial + v * rowBytes;
    const end = Math.ceil(columns / BLOCK_COLUMNS) * BLOCK_COLUMNS;
    targetView.fill(virial + 6 * rowBytes, target + columns, target + end);
  }
}
