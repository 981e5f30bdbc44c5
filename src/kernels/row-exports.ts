import type { TileExports } from './cell-tiles.ts';
import type { RadialExports } from './row-neighbors.ts';
import type { FunctionTables } from './row-tables.ts';
import type { WasmMemory } from './wasm-module.ts';

/** What assembly/index.ts exports for design rows; addresses are byte offsets into its memory. */
export interface RowExports extends TileExports, RadialExports {
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
    frame: number,
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
  accumulate(
    pairs: number,
    places: number,
    lengths: number,
    components: number,
    derivatives: number,
    columns: number,
    blockBytes: number,
    count: number,
    functions: number,
    tiles: number,
  ): void;
}

/** Addresses of the tables of one central element. */
export interface PlacedFunctions {
  readonly tables: FunctionTables;
  readonly products: number;
  readonly leafLengths: number;
  readonly leaves: number;
  readonly entryLengths: number;
  readonly sources: number;
  readonly factors: number;
  /** 16 p for each pair of functions. */
  readonly allPlaces: number;
  /** By element of the neighbours; `first` is the first of its entries. */
  readonly contractions: readonly {
    readonly pairs: number;
    readonly places: number;
    readonly lengths: number;
    readonly components: number;
    readonly first: number;
  }[];
}

/** Copies a table into the memory of the module. */
export function putTable(kernels: WasmMemory, table: Float64Array | Int32Array | Uint32Array | DataView): number {
  const address = kernels.allocate(table.byteLength);
  const bytes = new Uint8Array(table.buffer, table.byteOffset, table.byteLength);
  new Uint8Array(kernels.memory.buffer, address, table.byteLength).set(bytes);
  return address;
}

/** Copies the tables of one central element into the memory of the module. */
export function placeFunctions(kernels: WasmMemory, tables: FunctionTables): PlacedFunctions {
  const put = (table: Parameters<typeof putTable>[1]): number => putTable(kernels, table);
  let first = 0;
  return {
    tables,
    products: put(tables.products),
    leafLengths: put(tables.leafLengths),
    leaves: put(tables.leaves),
    entryLengths: put(tables.entryLengths),
    sources: put(tables.sources),
    factors: put(tables.factors),
    allPlaces: put(Uint32Array.from({ length: Math.ceil(tables.nFunctions / 2) }, (_, p) => 16 * p)),
    contractions: tables.contractions.map(({ places, lengths, components }) => {
      const before = first;
      first += components.length;
      return {
        pairs: places.length,
        places: put(places),
        lengths: put(lengths),
        components: put(components),
        first: before,
      };
    }),
  };
}
