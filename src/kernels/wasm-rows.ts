import type { AceBasis, AceFunction } from '../core/descriptors/ace/basis.ts';
import { ElementIndex, pairList } from '../core/descriptors/ace/pair-list.ts';
import { compileProducts, componentLayout } from '../core/descriptors/ace/products.ts';
import type { AceProgram, Evaluation, EvaluationOptions, StructureRows } from '../core/descriptors/descriptors.ts';
import { type NeighborList, neighborList } from '../core/structure/neighbor-list.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { CENTRAL_WIDTH, CellTiles, STRAIN_WIDTH } from './cell-tiles.ts';
import { DesignRows, keptAtoms } from './design-rows.ts';
import { type PlacedFunctions, placeFunctions, putTable, type RowExports } from './row-exports.ts';
import { extentOf, type ListExtent, RowNeighbors } from './row-neighbors.ts';
import { BLOCK_COLUMNS, COLUMN_BYTES, type FunctionTables, functionTables, layoutTables, NODE } from './row-tables.ts';
import type { WasmMemory, WasmModule } from './wasm-module.ts';

/** Atoms of one element that go through the products together. */
const LANES = 4;

/** Sizes of the work memory. */
interface Room {
  /** Neighbours of an atom, and images of one of them. */
  readonly neighbors: number;
  readonly images: number;
  /** Blocks of columns of one atom. */
  readonly blocks: number;
  /** Atoms whose design rows fit. */
  readonly kept: number;
  /** Bytes of the tiles of a dense cell. */
  readonly tiles: number;
}

/** Columns of one atom by neighbours of one element, ready to be contracted. */
interface ColumnBlocks {
  readonly lane: number;
  readonly atom: number;
  readonly mu: number;
  readonly columns: number;
  readonly targets: number;
  readonly count: number;
}

/** Instance of a basis: its tables and work memory, and what runs one structure after the other. */
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
  /** Neighbours of a chunk. */
  private readonly chunk: number;
  /** Bytes from lane to lane of the derivatives. */
  private readonly entryBytes: number;
  /** First address of the work memory. */
  private readonly work: number;
  private readonly neighbors: RowNeighbors;
  private readonly designRows: DesignRows;
  private readonly cell: CellTiles;
  private room: Room = { neighbors: 0, images: 0, blocks: 0, kept: 0, tiles: 0 };
  private columns = 0;
  private tiles = 0;

  constructor(module: WasmModule, basis: AceBasis) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    const kernels = module.instantiate<RowExports>();
    this.kernels = kernels;
    this.chunk = kernels.CHUNK.value;
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
      if (!known.has(list))
        known.set(list, placeFunctions(kernels, functionTables(compileProducts(list, layout), shared)));
    }
    this.functions = basis.functions.map((list) => known.get(list)!);
    const { recursion, counts, widths, gradientRows, gradientFactors } = shared;
    const { strainLengths, strainRows, strainFactors, nodes } = shared;
    this.constants = [
      layout.lmax,
      this.nRadial,
      shared.components,
      ...[recursion, counts, widths, gradientRows, gradientFactors].map((table) => putTable(kernels, table)),
      ...[strainLengths, strainRows, strainFactors, nodes].map((table) => putTable(kernels, table)),
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
    this.neighbors = new RowNeighbors(kernels, pairs, this.nRadial, this.components);
    this.work = kernels.allocate(0);
    const nodeView = new Float64Array(kernels.memory.buffer, this.nodes, nodeBytes / 8).fill(0);
    const one = (this.nElements * this.perElement * NODE) / 8;
    nodeView.fill(1, one, one + LANES);
    this.designRows = new DesignRows(kernels);
    this.cell = new CellTiles(kernels, this.nElements);
  }

  /** Numbers of a design row of a central element: pairs of functions are whole. */
  private static width(nFunctions: number): number {
    return 2 * Math.ceil(nFunctions / 2);
  }

  /** Makes the work memory large enough. */
  private reserve(needed: Room): void {
    const { room, kernels, components, nRadial } = this;
    const keys = Object.keys(needed) as (keyof Room)[];
    if (keys.every((key) => needed[key] <= room[key])) return;
    const wanted: Room = {
      neighbors: Math.max(room.neighbors, needed.neighbors),
      images: Math.max(room.images, needed.images),
      blocks: Math.max(room.blocks, needed.blocks),
      kept: Math.max(room.kept, needed.kept),
      tiles: Math.max(room.tiles, needed.tiles),
    };
    this.room = wanted;
    kernels.releaseTo(this.work);
    const targets = BLOCK_COLUMNS * (LANES * wanted.blocks + 1);
    this.neighbors.reserve(wanted.neighbors, targets);
    const chunk = wanted.images + 2;
    const rows = kernels.allocate(8 * chunk * this.harmonics);
    const sums = kernels.allocate(16 * nRadial * (this.harmonics + 1));
    const pairs = kernels.allocate(48 * chunk);
    const central = kernels.allocate(24 * components);
    const columnBytes = LANES * wanted.blocks * components * COLUMN_BYTES;
    this.columns = kernels.allocate(columnBytes);
    this.tiles = kernels.allocate(wanted.tiles);
    const width = WasmRows.width(this.widest);
    const designRows = kernels.allocate(DesignRows.bytes(wanted.kept, width));
    this.neighbors.view(targets);
    this.designRows.moveTo(designRows, wanted.kept, width);
    // Columns that fill up a block must be numbers.
    new Uint8Array(kernels.memory.buffer, this.columns, columnBytes).fill(0);
    const words = [...this.constants, rows, 8 * chunk, sums, pairs, central];
    new Int32Array(kernels.memory.buffer, this.surroundings, words.length).set(words);
  }

  /** Atomic base of the atoms of a batch, one per lane; with `rows` its derivatives by columns, too. */
  private surround(
    list: NeighborList,
    batch: readonly number[],
    elementOf: Uint8Array,
    rows: DesignRows | null,
    cell: CellTiles | null,
    core: Evaluation | null,
  ): ColumnBlocks[] {
    const { kernels, neighbors, room } = this;
    const blockBytes = this.components * COLUMN_BYTES;
    const found: ColumnBlocks[] = [];
    batch.forEach((atom, lane) => {
      let block = lane * room.blocks;
      for (let mu = 0; mu < this.nElements; mu++) {
        const target = block * BLOCK_COLUMNS;
        neighbors.gather(list, atom, mu, elementOf, rows, cell, target, core);
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
          neighbors.frameWords,
        );
        if (!wanted) continue;
        found.push({ lane, atom, mu, columns, targets: neighbors.targets + 4 * target, count: neighbors.columns });
        block += Math.ceil(neighbors.columns / BLOCK_COLUMNS);
      }
    });
    return found;
  }

  /** Products and values of a batch of central element mu0 whose atomic base is there, into `atoms`, which begin at one. */
  private evaluate(
    mu0: number,
    batch: readonly number[],
    derivatives: boolean,
    atoms: Float64Array,
    firstAtom = 0,
  ): void {
    const { kernels, nodes, widest } = this;
    const { tables, products, leafLengths, leaves } = this.functions[mu0]!;
    const first = nodes + (this.nElements * this.perElement + 1) * NODE;
    kernels.multiplyNodes(products, derivatives ? tables.nProducts : tables.nLeafProducts, nodes, first);
    kernels.functionValues(leafLengths, leaves, tables.nFunctions, nodes, this.values, 8 * widest);
    const values = new Float64Array(kernels.memory.buffer, this.values, LANES * widest);
    batch.forEach((i, lane) => {
      atoms.set(values.subarray(lane * widest, lane * widest + tables.nFunctions), (i - firstAtom) * widest);
    });
  }

  /** Adds the design rows of a batch whose products are there, to `cell` or at once. */
  private contract(mu0: number, blocks: readonly ColumnBlocks[], cell: CellTiles | null): void {
    const { kernels, entryBytes } = this;
    const { tables, entryLengths, sources, factors, contractions } = this.functions[mu0]!;
    const blockBytes = this.components * COLUMN_BYTES;
    kernels.derivatives(entryLengths, sources, factors, tables.entries, this.nodes, this.derivatives, entryBytes);
    for (const { lane, atom, mu, columns, targets, count } of blocks) {
      const { pairs, places, lengths, components, first } = contractions[mu]!;
      const entries = this.derivatives + lane * entryBytes + 8 * first;
      if (cell === null) {
        kernels.contract(pairs, places, lengths, components, entries, columns, blockBytes, count, targets, this.tile);
        continue;
      }
      const functions = WasmRows.width(tables.nFunctions);
      const add = (from: number, some: number, tiles: number): void =>
        kernels.accumulate(
          pairs,
          places,
          lengths,
          components,
          entries,
          columns + (from / BLOCK_COLUMNS) * blockBytes,
          blockBytes,
          some,
          functions,
          tiles,
        );
      add(0, STRAIN_WIDTH, cell.strain);
      add(cell.first, count - cell.first, cell.atoms[mu]!);
      if (mu !== mu0) add(BLOCK_COLUMNS, CENTRAL_WIDTH, cell.centralOf(atom));
    }
  }

  /** Atoms of a central element, four at a time. */
  private batchesOf(elementOf: Uint8Array, mu0: number, from = 0, to = elementOf.length): number[][] {
    const batches: number[][] = [];
    for (let i = from; i < to; i++) {
      if (elementOf[i] !== mu0) continue;
      const last = batches.at(-1);
      if (last === undefined || last.length === LANES) batches.push([i]);
      else last.push(i);
    }
    return batches;
  }

  descriptors(structure: Structure, options: EvaluationOptions, index: number): Float64Array {
    const elementOf = this.elements.of(structure);
    const { list, from, to } = pairList(structure, this.longestCutoff, options, index);
    const atoms = new Float64Array((to - from) * this.widest);
    const { neighbors, images } = extentOf(list);
    this.reserve({ neighbors: neighbors + 2, images: Math.max(images, this.chunk), blocks: 0, kept: 0, tiles: 0 });
    for (let mu0 = 0; mu0 < this.nElements; mu0++) {
      for (const batch of this.batchesOf(elementOf, mu0, from, to)) {
        this.surround(list, batch, elementOf, null, null, null);
        this.evaluate(mu0, batch, false, atoms, from);
      }
    }
    return atoms;
  }

  /** Makes room for the design rows of a structure. Returns the tiles to use if it is a dense cell. */
  private prepare(elementOf: Uint8Array, extent: ListExtent): CellTiles | null {
    const { cell, nElements } = this;
    const { neighbors, images, atoms, links } = extent;
    const n = elementOf.length;
    const width = WasmRows.width(this.widest);
    const tiles = cell.bytesFor(elementOf, links, width);
    this.reserve({
      neighbors: neighbors + 2,
      images: Math.max(images, this.chunk),
      // In front of the atoms of each element there are up to two blocks, and the last one is filled up.
      blocks: 3 * nElements + Math.ceil((3 * (tiles > 0 ? n : atoms)) / BLOCK_COLUMNS),
      kept: keptAtoms(n, width, LANES * (atoms + 1)),
      tiles,
    });
    if (tiles === 0) return null;
    cell.layOut(elementOf, this.tiles);
    return cell;
  }

  rows(structure: Structure): StructureRows {
    const { basis, widest, designRows, nElements } = this;
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
    const extent = extentOf(list);
    const touched = LANES * (extent.atoms + 1);
    const cell = this.prepare(elementOf, extent);
    for (let mu0 = 0; mu0 < nElements; mu0++) {
      const { nFunctions } = this.functions[mu0]!.tables;
      const offset = basis.offsets[mu0]!;
      designRows.begin(n, WasmRows.width(nFunctions));
      cell?.begin(mu0, WasmRows.width(nFunctions));
      for (const batch of this.batchesOf(elementOf, mu0)) {
        if (designRows.isFullFor(touched)) designRows.flush(nFunctions, offset, forces, virial);
        const blocks = this.surround(list, batch, elementOf, designRows, cell, core);
        this.evaluate(mu0, batch, true, atoms);
        this.contract(mu0, blocks, cell);
        for (const i of batch) {
          for (let v = 0, from = i * widest; v < nFunctions; v++, from++) {
            energy[offset + v] = energy[offset + v]! + atoms[from]!;
          }
        }
      }
      cell?.flush(mu0, designRows, this.functions[mu0]!.allPlaces, this.neighbors.targets);
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
    descriptors: (batch, options = {}) =>
      batch.map((structure, index) => program.descriptors(structure, options, index)),
    dispose: () => {},
  };
}
