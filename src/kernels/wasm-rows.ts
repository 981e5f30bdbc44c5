import type { AceBasis, AceFunction } from '../core/descriptors/ace/basis.ts';
import { PairFunctions } from '../core/descriptors/ace/environment.ts';
import { ElementIndex } from '../core/descriptors/ace/pair-list.ts';
import { componentLayout, compileProducts } from '../core/descriptors/ace/products.ts';
import type { AceProgram, Evaluation, StructureRows } from '../core/descriptors/descriptors.ts';
import { addBondForce } from '../core/structure/bond-force.ts';
import { requireDistance } from '../core/structure/checks.ts';
import { type NeighborList, neighborList } from '../core/structure/neighbor-list.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { type FunctionTables, functionTables, layoutTables, NODE } from './row-tables.ts';
import type { WasmMemory, WasmModule } from './wasm-module.ts';

/** What assembly/index.ts exports for design rows; addresses are byte offsets into its memory. */
interface RowExports {
  readonly CHUNK: { readonly value: number };
  surround(
    tables: number,
    geometry: number,
    room: number,
    radial: number,
    segments: number,
    atoms: number,
    nodes: number,
    columns: number,
    count: number,
  ): void;
  multiplyNodes(products: number, count: number, nodes: number, to: number): void;
  functionValues(lengths: number, leaves: number, count: number, nodes: number, out: number, stride: number): void;
  derivatives(
    lengths: number,
    sources: number,
    factors: number,
    count: number,
    nodes: number,
    out: number,
    stride: number,
  ): void;
  contract(
    pairs: number,
    places: number,
    lengths: number,
    components: number,
    derivatives: number,
    columns: number,
    blockBytes: number,
    count: number,
    targets: number,
    tile: number,
  ): void;
}

/** Atoms of one element that go through the products together. */
const LANES = 4;
/** Columns of the central atom and of strain, in front of those of the neighbours. */
const OWN_COLUMNS = 9;
const BLOCK_COLUMNS = 16;
const COLUMN_BYTES = 128;
const TILE_BYTES = 32 * COLUMN_BYTES;
/** Design rows that stay in the memory of the module before they are added to the result, bytes. */
const MOST_ROW_BYTES = 1 << 26;

/** Addresses of the tables of one central element. */
interface PlacedFunctions {
  readonly tables: FunctionTables;
  readonly products: number;
  readonly leafLengths: number;
  readonly leaves: number;
  readonly entryLengths: number;
  readonly sources: number;
  readonly factors: number;
  readonly contractions: readonly { places: number; lengths: number; components: number }[];
}

/** Sizes of the work memory. */
interface Room {
  /** Neighbours of an atom, images of one neighbour, and columns of an atom in blocks. */
  readonly neighbors: number;
  readonly images: number;
  readonly blocks: number;
  /** Atoms whose design rows fit, with numbers per row. */
  readonly atoms: number;
  readonly rowNumbers: number;
}

/** Design rows and descriptors of a basis in WebAssembly; radial functions are exact and come from the host. */
class WasmRows {
  private readonly basis: AceBasis;
  private readonly kernels: RowExports & WasmMemory;
  private readonly elements: ElementIndex;
  private readonly radial: PairFunctions;
  private readonly longestCutoff: number;
  private readonly widest: number;
  private readonly perElement: number;
  private readonly nElements: number;
  private readonly components: number;
  private readonly harmonicRows: number;
  private readonly functions: readonly PlacedFunctions[];
  /** Address of the words of `Surroundings`, and the constant ones among them. */
  private readonly surroundings: number;
  private readonly constants: readonly number[];
  private readonly nodes: number;
  private readonly tile: number;
  private readonly values: number;
  private readonly derivatives: number;
  /** Numbers from lane to lane of `values` and `derivatives`. */
  private readonly valueStride: number;
  private readonly entryStride: number;
  /** First address of the work memory. */
  private readonly work: number;
  private room: Room = { neighbors: 0, images: 0, blocks: 0, atoms: 0, rowNumbers: 0 };
  private geometry = 0;
  private radialPairs = 0;
  private segments = 0;
  private targets = 0;
  private columns = 0;
  private designRows = 0;
  private geometryView = new Float64Array(0);
  private radialView = new Float64Array(0);
  private segmentView = new Int32Array(0);
  private targetView = new Uint32Array(0);
  private readonly g: Float64Array;
  private readonly dg: Float64Array;
  /** What the last `gather` found: neighbours, atoms and columns. */
  private neighbors = 0;
  private atoms = 0;
  private columnCount = 0;
  /** Place of each atom's design rows in the work memory, −1 for none, and the atoms that have one. */
  private places = new Int32Array(0);
  private placed: number[] = [];

  constructor(module: WasmModule, basis: AceBasis) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    this.kernels = module.instantiate<RowExports>();
    this.elements = new ElementIndex(elements);
    this.nElements = elements.length;
    this.longestCutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
    this.widest = Math.max(...basis.functions.map((list) => list.length));
    const layout = componentLayout(elements.length, basis.functions);
    const nRadial = Math.max(1, ...layout.counts);
    this.radial = new PairFunctions(pairs, nRadial);
    this.g = new Float64Array(nRadial);
    this.dg = new Float64Array(nRadial);
    const shared = layoutTables(layout, 16 * nRadial);
    this.perElement = layout.perElement;
    this.components = shared.components;
    this.harmonicRows = (layout.lmax + 3) * (layout.lmax + 3);
    // Central elements with the same list of functions share its tables.
    const known = new Map<readonly AceFunction[], PlacedFunctions>();
    this.functions = basis.functions.map((list) => {
      let found = known.get(list);
      if (found === undefined) {
        found = this.place(functionTables(compileProducts(list, layout), shared));
        known.set(list, found);
      }
      return found;
    });
    const { kernels } = this;
    this.surroundings = kernels.allocate(4 * 17);
    this.constants = [
      layout.lmax,
      nRadial,
      shared.components,
      this.put(shared.recursion),
      this.put(shared.counts),
      this.put(shared.widths),
      this.put(shared.gradientRows),
      this.put(shared.gradientFactors),
      this.put(shared.strainLengths),
      this.put(shared.strainRows),
      this.put(shared.strainFactors),
      this.put(shared.nodes),
    ];
    const most = (of: (tables: FunctionTables) => number) =>
      Math.max(...this.functions.map(({ tables }) => of(tables)));
    const nodeBytes = NODE * most(({ nNodes }) => nNodes);
    this.nodes = kernels.allocate(nodeBytes);
    this.tile = kernels.allocate(TILE_BYTES);
    this.valueStride = most(({ nFunctions }) => nFunctions);
    this.entryStride = most(({ entries }) => entries);
    this.values = kernels.allocate(8 * LANES * this.valueStride);
    this.derivatives = kernels.allocate(8 * LANES * this.entryStride);
    this.work = kernels.allocate(0);
    const nodes = new Float64Array(kernels.memory.buffer, this.nodes, nodeBytes / 8).fill(0);
    const one = (this.nElements * this.perElement * NODE) / 8;
    nodes.fill(1, one, one + LANES);
  }

  /** Copies a table into the memory of the module. */
  private put(table: Float64Array | Int32Array | Uint32Array | DataView): number {
    const { kernels } = this;
    const address = kernels.allocate(table.byteLength);
    const bytes = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
    new Uint8Array(kernels.memory.buffer, address, table.byteLength).set(bytes);
    return address;
  }

  private place(tables: FunctionTables): PlacedFunctions {
    return {
      tables,
      products: this.put(tables.products),
      leafLengths: this.put(tables.leafLengths),
      leaves: this.put(tables.leaves),
      entryLengths: this.put(tables.entryLengths),
      sources: this.put(tables.sources),
      factors: this.put(tables.factors),
      contractions: tables.contractions.map(({ places, lengths, components }) => ({
        places: this.put(places),
        lengths: this.put(lengths),
        components: this.put(components),
      })),
    };
  }

  /** Makes the work memory large enough for the atoms of a list. @param rowNumbers of a design row, 0 for none */
  private reserve(list: NeighborList, rowNumbers: number): void {
    const n = list.offsets.length - 1;
    let neighbors = 0;
    let images = 0;
    let distinct = 0;
    for (let i = 0; i < n; i++) {
      let run = 0;
      let atoms = 0;
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        run = p > list.offsets[i]! && list.indices[p] === list.indices[p - 1] ? run + 1 : 1;
        if (run === 1) atoms++;
        images = Math.max(images, run);
      }
      neighbors = Math.max(neighbors, list.offsets[i + 1]! - list.offsets[i]!);
      distinct = Math.max(distinct, atoms);
    }
    const { room, components, kernels, radial } = this;
    const own = this.nElements * (1 + Math.ceil(OWN_COLUMNS / BLOCK_COLUMNS));
    const rows = Math.max(1, Math.floor(MOST_ROW_BYTES / (24 * Math.max(1, rowNumbers))));
    const wanted: Room = {
      neighbors: Math.max(room.neighbors, neighbors + 2),
      images: Math.max(room.images, images, kernels.CHUNK.value),
      blocks: rowNumbers === 0 ? room.blocks : Math.max(room.blocks, Math.ceil((3 * distinct) / BLOCK_COLUMNS) + own),
      atoms: rowNumbers === 0 ? room.atoms : Math.max(room.atoms, Math.min(n, Math.max(rows, LANES * (distinct + 1)))),
      rowNumbers: Math.max(room.rowNumbers, rowNumbers),
    };
    const keys = Object.keys(wanted) as (keyof Room)[];
    if (keys.every((key) => wanted[key] === room[key])) return;
    this.room = wanted;
    kernels.releaseTo(this.work);
    this.geometry = kernels.allocate(8 * 4 * wanted.neighbors);
    this.radialPairs = kernels.allocate(16 * radial.count * wanted.neighbors);
    this.segments = kernels.allocate(4 * 5 * wanted.neighbors);
    const stride = 8 * (wanted.images + 2);
    const harmonics = kernels.allocate(this.harmonicRows * stride);
    const sums = kernels.allocate(16 * radial.count * (this.harmonicRows + 1));
    const pairs = kernels.allocate(48 * (wanted.images + 2));
    const central = kernels.allocate(24 * components);
    this.targets = kernels.allocate(4 * BLOCK_COLUMNS * LANES * wanted.blocks);
    this.columns = kernels.allocate(LANES * wanted.blocks * components * COLUMN_BYTES);
    this.designRows = kernels.allocate(8 * (3 * wanted.atoms + 7) * wanted.rowNumbers);
    const { buffer } = kernels.memory;
    this.geometryView = new Float64Array(buffer, this.geometry, 4 * wanted.neighbors).fill(0);
    this.radialView = new Float64Array(buffer, this.radialPairs, 2 * radial.count * wanted.neighbors);
    this.segmentView = new Int32Array(buffer, this.segments, 5 * wanted.neighbors);
    this.targetView = new Uint32Array(buffer, this.targets, BLOCK_COLUMNS * LANES * wanted.blocks);
    const words = [...this.constants, harmonics, stride, sums, pairs, central];
    new Int32Array(buffer, this.surroundings, words.length).set(words);
  }

  /**
   * Gathers the neighbours of atom i that are of element mu, and adds their core repulsion to `core`.
   *
   * @param target  first place among the targets of their columns; −1 when no derivatives are wanted
   */
  private gather(
    list: NeighborList,
    i: number,
    mu: number,
    elementOf: Uint8Array,
    target: number,
    rowBytes: number,
    core: Evaluation | null,
  ): void {
    const { geometryView, radialView, segmentView, radial, g, dg } = this;
    const mu0 = elementOf[i]!;
    const { cutoff } = this.basis.specification.pairs[mu0]![mu]!;
    const room = this.room.neighbors;
    const count = radial.count;
    const blockBytes = this.components * COLUMN_BYTES;
    let size = 0;
    let atoms = 0;
    let columns = OWN_COLUMNS;
    let previous = -1;
    let to = 0;
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const j = list.indices[p]!;
      const r = list.distances[p]!;
      if (elementOf[j] !== mu || r >= cutoff) continue;
      requireDistance(r, i, j);
      const inverse = 1 / r;
      const x = list.vectors[3 * p]!;
      const y = list.vectors[3 * p + 1]!;
      const z = list.vectors[3 * p + 2]!;
      geometryView[size] = x * inverse;
      geometryView[room + size] = y * inverse;
      geometryView[2 * room + size] = z * inverse;
      geometryView[3 * room + size] = inverse;
      radial.evaluate(mu0, mu, r, g, dg, 0);
      for (let k = 0; k < count; k++, to += 2) {
        radialView[to] = g[k]!;
        radialView[to + 1] = r * dg[k]!;
      }
      if (core !== null && radial.core[1] !== 0) {
        const slope = radial.core[1]! * inverse;
        core.atomEnergies[i] = core.atomEnergies[i]! + radial.core[0]!;
        addBondForce(core.forces, core.virial, i, j, slope * x, slope * y, slope * z, x, y, z);
      }
      if (j === previous) {
        segmentView[5 * atoms - 4] = segmentView[5 * atoms - 4]! + 1;
      } else {
        segmentView[5 * atoms] = size;
        segmentView[5 * atoms + 1] = 1;
        if (target < 0 || j === i) segmentView.fill(-1, 5 * atoms + 2, 5 * atoms + 5);
        else {
          const address = this.rowAddress(j, rowBytes);
          for (let c = 0; c < 3; c++, columns++) {
            segmentView[5 * atoms + 2 + c] = (columns >> 4) * blockBytes + (columns & 15) * 8;
            this.targetView[target + columns] = address + c * rowBytes;
          }
        }
        atoms++;
        previous = j;
      }
      size++;
    }
    this.neighbors = size;
    this.atoms = atoms;
    this.columnCount = columns;
    if (target < 0) return;
    const central = this.rowAddress(i, rowBytes);
    const virial = this.designRows + 3 * this.room.atoms * rowBytes;
    for (let c = 0; c < 3; c++) this.targetView[target + c] = central + c * rowBytes;
    for (let v = 0; v < 6; v++) this.targetView[target + 3 + v] = virial + v * rowBytes;
    const end = Math.ceil(columns / BLOCK_COLUMNS) * BLOCK_COLUMNS;
    this.targetView.fill(virial + 6 * rowBytes, target + columns, target + end);
  }

  /** Address of the first of an atom's three design rows. */
  private rowAddress(atom: number, rowBytes: number): number {
    let place = this.places[atom]!;
    if (place < 0) {
      place = this.placed.length;
      this.places[atom] = place;
      this.placed.push(atom);
    }
    return this.designRows + 3 * place * rowBytes;
  }

  /** Values of the functions of up to four atoms, and with `rowBytes` > 0 their design rows into the work memory. */
  private runBatch(
    list: NeighborList,
    batch: readonly number[],
    elementOf: Uint8Array,
    rowBytes: number,
    core: Evaluation | null,
  ): void {
    const { kernels, nElements, room, components } = this;
    const { tables, ...at } = this.functions[elementOf[batch[0]!]!]!;
    const blockBytes = components * COLUMN_BYTES;
    const blocks: { columns: number; targets: number; count: number; lane: number; mu: number }[] = [];
    batch.forEach((i, lane) => {
      let block = lane * room.blocks;
      for (let mu = 0; mu < nElements; mu++) {
        const target = rowBytes > 0 ? block * BLOCK_COLUMNS : -1;
        this.gather(list, i, mu, elementOf, target, rowBytes, core);
        const columns = rowBytes > 0 && this.neighbors > 0 ? this.columns + block * blockBytes : 0;
        const nodes = this.nodes + mu * this.perElement * NODE + 8 * lane;
        kernels.surround(
          this.surroundings,
          this.geometry,
          room.neighbors,
          this.radialPairs,
          this.segments,
          this.atoms,
          nodes,
          columns,
          this.columnCount,
        );
        if (columns === 0) continue;
        blocks.push({ columns, targets: this.targets + 4 * target, count: this.columnCount, lane, mu });
        block += Math.ceil(this.columnCount / BLOCK_COLUMNS);
      }
    });
    const first = this.nodes + (nElements * this.perElement + 1) * NODE;
    const nProducts = rowBytes > 0 ? tables.nProducts : tables.nLeafProducts;
    kernels.multiplyNodes(at.products, nProducts, this.nodes, first);
    kernels.functionValues(at.leafLengths, at.leaves, tables.nFunctions, this.nodes, this.values, 8 * this.valueStride);
    if (rowBytes === 0) return;
    const entryBytes = 8 * this.entryStride;
    const { entryLengths, sources, factors } = at;
    kernels.derivatives(entryLengths, sources, factors, tables.entries, this.nodes, this.derivatives, entryBytes);
    for (const { columns, targets, count, lane, mu } of blocks) {
      const { places, lengths, components: entries } = at.contractions[mu]!;
      let before = 0;
      for (let k = 0; k < mu; k++) before += tables.contractions[k]!.components.length;
      kernels.contract(
        tables.contractions[mu]!.places.length,
        places,
        lengths,
        entries,
        this.derivatives + lane * entryBytes + 8 * before,
        columns,
        blockBytes,
        count,
        targets,
        this.tile,
      );
    }
  }

  /** Atoms of each central element, four at a time. */
  private batchesOf(elementOf: Uint8Array, mu0: number): number[][] {
    const batches: number[][] = [];
    for (let i = 0; i < elementOf.length; i++) {
      if (elementOf[i] !== mu0) continue;
      if (batches.length === 0 || batches.at(-1)!.length === LANES) batches.push([]);
      batches.at(-1)!.push(i);
    }
    return batches;
  }

  /** Copies the values of a batch to the rows of its atoms. */
  private storeValues(batch: readonly number[], nFunctions: number, atoms: Float64Array): void {
    const values = new Float64Array(this.kernels.memory.buffer, this.values, LANES * this.valueStride);
    batch.forEach((i, lane) => {
      const from = lane * this.valueStride;
      atoms.set(values.subarray(from, from + nFunctions), i * this.widest);
    });
  }

  /** Most atoms whose design rows a batch may add to. */
  private mostNew(list: NeighborList, batch: readonly number[]): number {
    let most = 0;
    for (const i of batch) {
      let previous = -1;
      most++;
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        if (list.indices[p] !== previous) most++;
        previous = list.indices[p]!;
      }
    }
    return most;
  }

  /** Adds the design rows in the work memory, `width` numbers each, to the result and clears them. */
  private flush(width: number, nFunctions: number, offset: number, forces: Float64Array, virial: Float64Array): void {
    const size = this.basis.offsets.at(-1)!;
    const rows = new Float64Array(this.kernels.memory.buffer, this.designRows, (3 * this.room.atoms + 7) * width);
    const add = (row: number, out: Float64Array, to: number): void => {
      for (let v = 0, from = row * width; v < nFunctions; v++, from++) out[to + v] = out[to + v]! + rows[from]!;
    };
    this.placed.forEach((atom, place) => {
      for (let c = 0; c < 3; c++) add(3 * place + c, forces, (3 * atom + c) * size + offset);
      this.places[atom] = -1;
    });
    for (let v = 0; v < 6; v++) add(3 * this.room.atoms + v, virial, v * size + offset);
    rows.fill(0, 0, 3 * this.placed.length * width);
    rows.fill(0, 3 * this.room.atoms * width);
    this.placed.length = 0;
  }

  descriptors(structure: Structure): Float64Array {
    const elementOf = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const atoms = new Float64Array(elementOf.length * this.widest);
    this.reserve(list, 0);
    this.functions.forEach(({ tables }, mu0) => {
      for (const batch of this.batchesOf(elementOf, mu0)) {
        this.runBatch(list, batch, elementOf, 0, null);
        this.storeValues(batch, tables.nFunctions, atoms);
      }
    });
    return atoms;
  }

  rows(structure: Structure): StructureRows {
    const { basis, widest } = this;
    const n = atomCount(structure);
    const size = basis.offsets.at(-1)!;
    const elementOf = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const energy = new Float64Array(size);
    const forces = new Float64Array(3 * n * size);
    const virial = new Float64Array(6 * size);
    const atoms = new Float64Array(n * widest);
    const core: Evaluation = {
      energy: 0,
      atomEnergies: new Float64Array(n),
      forces: new Float64Array(3 * n),
      virial: new Float64Array(6),
    };
    this.reserve(list, 2 * Math.ceil(widest / 2));
    // A call that failed may have left some behind.
    for (const atom of this.placed) this.places[atom] = -1;
    this.placed.length = 0;
    if (this.places.length < n) this.places = new Int32Array(n).fill(-1);
    this.functions.forEach(({ tables: { nFunctions } }, mu0) => {
      const width = 2 * Math.ceil(nFunctions / 2);
      const offset = basis.offsets[mu0]!;
      const designRows = (3 * this.room.atoms + 7) * width;
      new Float64Array(this.kernels.memory.buffer, this.designRows, designRows).fill(0);
      for (const batch of this.batchesOf(elementOf, mu0)) {
        if (this.placed.length + this.mostNew(list, batch) > this.room.atoms) {
          this.flush(width, nFunctions, offset, forces, virial);
        }
        this.runBatch(list, batch, elementOf, 8 * width, core);
        this.storeValues(batch, nFunctions, atoms);
        for (const i of batch) {
          for (let v = 0; v < nFunctions; v++) {
            energy[offset + v] = energy[offset + v]! + atoms[i * widest + v]!;
          }
        }
      }
      this.flush(width, nFunctions, offset, forces, virial);
    });
    const baseline = { ...core, energy: core.atomEnergies.reduce((sum, e) => sum + e, 0) };
    return { energy, forces, virial, atoms, baseline };
  }
}

/**
 * Design rows and descriptors of a basis in WebAssembly, with the radial functions of the twin: nothing is tabulated.
 */
export function wasmRows(module: WasmModule, basis: AceBasis): Pick<AceProgram, 'rows' | 'descriptors' | 'dispose'> {
  const program = new WasmRows(module, basis);
  return {
    rows: (batch, sink) => {
      batch.forEach((structure, index) => {
        sink(index, program.rows(structure));
      });
    },
    descriptors: (batch) => batch.map((structure) => program.descriptors(structure)),
    dispose: () => {},
  };
}
