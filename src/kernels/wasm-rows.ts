import type { AceBasis, AceFunction } from '../core/descriptors/ace/basis.ts';
import { ElementIndex } from '../core/descriptors/ace/pair-list.ts';
import { compileProducts, componentLayout } from '../core/descriptors/ace/products.ts';
import type { AceProgram, Evaluation, StructureRows } from '../core/descriptors/descriptors.ts';
import { type NeighborList, neighborList } from '../core/structure/neighbor-list.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { DesignRows, keptAtoms } from './design-rows.ts';
import { extentOf, type ListExtent, RowNeighbors } from './row-neighbors.ts';
import {
  BLOCK_COLUMNS,
  COLUMN_BYTES,
  type FunctionTables,
  functionTables,
  layoutTables,
  NODE,
  OWN_COLUMNS,
} from './row-tables.ts';
import type { WasmMemory, WasmModule } from './wasm-module.ts';

/** What assembly/index.ts exports for design rows; addresses are byte offsets into its memory. */
interface RowExports {
  readonly CHUNK: { readonly value: number };
  readonly TILE_BYTES: { readonly value: number };
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

/** Addresses of the tables of one central element. */
interface PlacedFunctions {
  readonly tables: FunctionTables;
  readonly products: number;
  readonly leafLengths: number;
  readonly leaves: number;
  readonly entryLengths: number;
  readonly sources: number;
  readonly factors: number;
  /** By element of the neighbours; `first` is the first of its entries. */
  readonly contractions: readonly {
    readonly pairs: number;
    readonly places: number;
    readonly lengths: number;
    readonly components: number;
    readonly first: number;
  }[];
}

/** Sizes of the work memory. */
interface Room extends ListExtent {
  /** Blocks of columns of one atom. */
  readonly blocks: number;
  /** Atoms whose design rows fit. */
  readonly kept: number;
}

/** Columns of one atom by neighbours of one element, ready to be contracted. */
interface ColumnBlocks {
  readonly lane: number;
  readonly mu: number;
  readonly columns: number;
  readonly targets: number;
  readonly count: number;
}

class WasmRows {
  private readonly basis: AceBasis;
  private readonly kernels: RowExports & WasmMemory;
  private readonly elements: ElementIndex;
  private readonly nElements: number;
  private readonly longestCutoff: number;
  private readonly widest: number;
  private readonly perElement: number;
  private readonly nRadial: number;
  private readonly components: number;
  /** Rows of harmonics up to l = lmax + 2. */
  private readonly harmonics: number;
  private readonly functions: readonly PlacedFunctions[];
  /** Address of the words of `Surroundings` in assembly/rows.ts, and those of them that stay. */
  private readonly surroundings: number;
  private readonly constants: readonly number[];
  private readonly nodes: number;
  private readonly tile: number;
  private readonly values: number;
  private readonly derivatives: number;
  /** Bytes from lane to lane of the derivatives. */
  private readonly entryBytes: number;
  /** First address of the work memory. */
  private readonly work: number;
  private readonly neighbors: RowNeighbors;
  private readonly designRows: DesignRows;
  private room: Room = { neighbors: 0, images: 0, atoms: 0, blocks: 0, kept: 0 };
  private columns = 0;

  constructor(module: WasmModule, basis: AceBasis) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    const kernels = module.instantiate<RowExports>();
    this.kernels = kernels;
    this.elements = new ElementIndex(elements);
    this.nElements = elements.length;
    this.longestCutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
    this.widest = Math.max(...basis.functions.map((list) => list.length));
    const layout = componentLayout(elements.length, basis.functions);
    this.nRadial = Math.max(1, ...layout.counts);
    this.perElement = layout.perElement;
    this.harmonics = (layout.lmax + 3) * (layout.lmax + 3);
    const shared = layoutTables(layout, 16 * this.nRadial);
    this.components = shared.components;
    // Central elements with the same list of functions share its tables.
    const known = new Map<readonly AceFunction[], PlacedFunctions>();
    for (const list of basis.functions) {
      if (!known.has(list)) known.set(list, this.place(functionTables(compileProducts(list, layout), shared)));
    }
    this.functions = basis.functions.map((list) => known.get(list)!);
    const { recursion, counts, widths, gradientRows, gradientFactors } = shared;
    const { strainLengths, strainRows, strainFactors, nodes } = shared;
    this.constants = [
      layout.lmax,
      this.nRadial,
      shared.components,
      ...[recursion, counts, widths, gradientRows, gradientFactors].map((table) => this.put(table)),
      ...[strainLengths, strainRows, strainFactors, nodes].map((table) => this.put(table)),
    ];
    this.surroundings = kernels.allocate(4 * (this.constants.length + 5));
    const most = (of: (tables: FunctionTables) => number) =>
      Math.max(...this.functions.map(({ tables }) => of(tables)));
    const nodeBytes = NODE * most(({ nNodes }) => nNodes);
    this.nodes = kernels.allocate(nodeBytes);
    this.tile = kernels.allocate(kernels.TILE_BYTES.value);
    this.entryBytes = 8 * most(({ entries }) => entries);
    this.values = kernels.allocate(8 * LANES * this.widest);
    this.derivatives = kernels.allocate(LANES * this.entryBytes);
    this.work = kernels.allocate(0);
    const nodeView = new Float64Array(kernels.memory.buffer, this.nodes, nodeBytes / 8).fill(0);
    const one = (this.nElements * this.perElement * NODE) / 8;
    nodeView.fill(1, one, one + LANES);
    this.neighbors = new RowNeighbors(kernels, pairs, this.nRadial, this.components);
    this.designRows = new DesignRows(kernels);
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
    let first = 0;
    return {
      tables,
      products: this.put(tables.products),
      leafLengths: this.put(tables.leafLengths),
      leaves: this.put(tables.leaves),
      entryLengths: this.put(tables.entryLengths),
      sources: this.put(tables.sources),
      factors: this.put(tables.factors),
      contractions: tables.contractions.map(({ places, lengths, components }) => {
        const before = first;
        first += components.length;
        return {
          pairs: places.length,
          places: this.put(places),
          lengths: this.put(lengths),
          components: this.put(components),
          first: before,
        };
      }),
    };
  }

  /** Numbers of a design row of a central element: pairs of functions are whole. */
  private static width(nFunctions: number): number {
    return 2 * Math.ceil(nFunctions / 2);
  }

  /** Makes the work memory large enough for a list; with `derivatives` for columns and design rows, too. */
  private reserve(list: NeighborList, derivatives: boolean): void {
    const { room, kernels, components, nRadial } = this;
    const extent = extentOf(list);
    const n = list.offsets.length - 1;
    const width = WasmRows.width(this.widest);
    // Columns of each element begin a block of their own.
    const blocks = this.nElements * Math.ceil(1 + OWN_COLUMNS / BLOCK_COLUMNS) + (3 * extent.atoms) / BLOCK_COLUMNS;
    const kept = keptAtoms(n, width, LANES * (extent.atoms + 1));
    const wanted: Room = {
      neighbors: Math.max(room.neighbors, extent.neighbors + 2),
      images: Math.max(room.images, extent.images, kernels.CHUNK.value),
      atoms: Math.max(room.atoms, extent.atoms),
      blocks: derivatives ? Math.max(room.blocks, Math.ceil(blocks)) : room.blocks,
      kept: derivatives ? Math.max(room.kept, kept) : room.kept,
    };
    if ((Object.keys(wanted) as (keyof Room)[]).every((key) => wanted[key] === room[key])) return;
    this.room = wanted;
    kernels.releaseTo(this.work);
    const targets = BLOCK_COLUMNS * LANES * wanted.blocks;
    this.neighbors.reserve(wanted.neighbors, targets);
    const chunk = wanted.images + 2;
    const rows = kernels.allocate(8 * chunk * this.harmonics);
    const sums = kernels.allocate(16 * nRadial * (this.harmonics + 1));
    const pairs = kernels.allocate(48 * chunk);
    const central = kernels.allocate(24 * components);
    this.columns = kernels.allocate(LANES * wanted.blocks * components * COLUMN_BYTES);
    const designRows = kernels.allocate(DesignRows.bytes(wanted.kept, width));
    this.neighbors.view(targets);
    this.designRows.moveTo(designRows, wanted.kept, width);
    const words = [...this.constants, rows, 8 * chunk, sums, pairs, central];
    new Int32Array(kernels.memory.buffer, this.surroundings, words.length).set(words);
  }

  /** Atomic base of the atoms of a batch, one per lane; with `rows` its derivatives by columns, too. */
  private surround(
    list: NeighborList,
    batch: readonly number[],
    elementOf: Uint8Array,
    rows: DesignRows | null,
    core: Evaluation | null,
  ): ColumnBlocks[] {
    const { kernels, neighbors, room } = this;
    const blockBytes = this.components * COLUMN_BYTES;
    const found: ColumnBlocks[] = [];
    batch.forEach((i, lane) => {
      let block = lane * room.blocks;
      for (let mu = 0; mu < this.nElements; mu++) {
        const target = block * BLOCK_COLUMNS;
        neighbors.gather(list, i, mu, elementOf, rows, target, core);
        const wanted = rows !== null && neighbors.atoms > 0;
        const columns = wanted ? this.columns + block * blockBytes : 0;
        kernels.surround(
          this.surroundings,
          neighbors.geometry,
          neighbors.room,
          neighbors.radial,
          neighbors.segments,
          neighbors.atoms,
          this.nodes + mu * this.perElement * NODE + 8 * lane,
          columns,
          neighbors.columns,
        );
        if (!wanted) continue;
        found.push({ lane, mu, columns, targets: neighbors.targets + 4 * target, count: neighbors.columns });
        block += Math.ceil(neighbors.columns / BLOCK_COLUMNS);
      }
    });
    return found;
  }

  /** Products and values of a batch of central element mu0 whose atomic base is there, into `atoms`. */
  private evaluate(mu0: number, batch: readonly number[], derivatives: boolean, atoms: Float64Array): void {
    const { kernels, nodes, widest } = this;
    const { tables, products, leafLengths, leaves } = this.functions[mu0]!;
    const first = nodes + (this.nElements * this.perElement + 1) * NODE;
    kernels.multiplyNodes(products, derivatives ? tables.nProducts : tables.nLeafProducts, nodes, first);
    kernels.functionValues(leafLengths, leaves, tables.nFunctions, nodes, this.values, 8 * widest);
    const values = new Float64Array(kernels.memory.buffer, this.values, LANES * widest);
    batch.forEach((i, lane) => {
      atoms.set(values.subarray(lane * widest, lane * widest + tables.nFunctions), i * widest);
    });
  }

  /** Adds the design rows of a batch whose products are there. */
  private contract(mu0: number, blocks: readonly ColumnBlocks[]): void {
    const { kernels, entryBytes } = this;
    const { tables, entryLengths, sources, factors, contractions } = this.functions[mu0]!;
    kernels.derivatives(entryLengths, sources, factors, tables.entries, this.nodes, this.derivatives, entryBytes);
    for (const { lane, mu, columns, targets, count } of blocks) {
      const { pairs, places, lengths, components, first } = contractions[mu]!;
      const entries = this.derivatives + lane * entryBytes + 8 * first;
      const blockBytes = this.components * COLUMN_BYTES;
      kernels.contract(pairs, places, lengths, components, entries, columns, blockBytes, count, targets, this.tile);
    }
  }

  /** Atoms of a central element, four at a time. */
  private batchesOf(elementOf: Uint8Array, mu0: number): number[][] {
    const batches: number[][] = [];
    for (let i = 0; i < elementOf.length; i++) {
      if (elementOf[i] !== mu0) continue;
      const last = batches.at(-1);
      if (last === undefined || last.length === LANES) batches.push([i]);
      else last.push(i);
    }
    return batches;
  }

  descriptors(structure: Structure): Float64Array {
    const elementOf = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const atoms = new Float64Array(elementOf.length * this.widest);
    this.reserve(list, false);
    for (let mu0 = 0; mu0 < this.nElements; mu0++) {
      for (const batch of this.batchesOf(elementOf, mu0)) {
        this.surround(list, batch, elementOf, null, null);
        this.evaluate(mu0, batch, false, atoms);
      }
    }
    return atoms;
  }

  rows(structure: Structure): StructureRows {
    const { basis, widest, designRows } = this;
    const n = atomCount(structure);
    const size = basis.offsets.at(-1)!;
    const elementOf = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const energy = new Float64Array(size);
    const forces = new Float64Array(3 * n * size);
    const virial = new Float64Array(6 * size);
    const atoms = new Float64Array(n * widest);
    const core = {
      energy: 0,
      atomEnergies: new Float64Array(n),
      forces: new Float64Array(3 * n),
      virial: new Float64Array(6),
    };
    this.reserve(list, true);
    const touched = LANES * (this.room.atoms + 1);
    for (let mu0 = 0; mu0 < this.nElements; mu0++) {
      const { nFunctions } = this.functions[mu0]!.tables;
      const offset = basis.offsets[mu0]!;
      designRows.begin(n, WasmRows.width(nFunctions));
      for (const batch of this.batchesOf(elementOf, mu0)) {
        if (designRows.isFullFor(touched)) designRows.flush(nFunctions, offset, forces, virial);
        const blocks = this.surround(list, batch, elementOf, designRows, core);
        this.evaluate(mu0, batch, true, atoms);
        this.contract(mu0, blocks);
        for (const i of batch) {
          for (let v = 0, from = i * widest; v < nFunctions; v++, from++) {
            energy[offset + v] = energy[offset + v]! + atoms[from]!;
          }
        }
      }
      designRows.flush(nFunctions, offset, forces, virial);
    }
    core.energy = core.atomEnergies.reduce((sum, e) => sum + e, 0);
    return { energy, forces, virial, atoms, baseline: core };
  }
}

/**
 * Design rows and descriptors of a basis in WebAssembly, with the radial functions of the twin: nothing is tabulated. The
 * memory of its instance grows with the largest structure, up to 64 MiB of design rows at a time.
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
