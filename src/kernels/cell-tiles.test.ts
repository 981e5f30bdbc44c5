import { describe, expect, it } from 'vitest';
import { CENTRAL_WIDTH, CellTiles, STRAIN_WIDTH } from './cell-tiles.ts';
import { DesignRows } from './design-rows.ts';

/** Calls of `addTransposed`, with the targets at the time. */
interface Call {
  readonly tile: number;
  readonly pairs: number;
  readonly columns: number;
  readonly targets: number[];
}

function made(elementOf: readonly number[], nElements: number) {
  const buffer = new ArrayBuffer(1 << 20);
  const calls: Call[] = [];
  const kernels = {
    memory: { buffer },
    allocate: () => 0,
    release: () => {},
    releaseTo: () => {},
    addTransposed: (tile: number, pairs: number, _: number, targets: number, columns: number) => {
      calls.push({ tile, pairs, columns, targets: [...new Uint32Array(buffer, targets, columns)] });
    },
  };
  const cell = new CellTiles(kernels, nElements);
  cell.layOut(Uint8Array.from(elementOf), 1024);
  const rows = new DesignRows(kernels);
  rows.moveTo(1 << 18, elementOf.length, 6);
  rows.begin(elementOf.length, 6);
  return { cell, rows, calls, buffer };
}

describe('tiles of a dense cell', () => {
  it('serve cells in which most atoms are neighbours', () => {
    const { cell } = made([0, 0, 0, 0], 1);
    const elements = new Uint8Array(4);
    expect(cell.bytesFor(elements, 12, 10)).toBeGreaterThan(0);
    expect(cell.bytesFor(elements, 11, 10)).toBeGreaterThan(0);
    expect(cell.bytesFor(elements, 10, 10)).toBe(0);
    // A single atom has no partners to miss; tiles beyond a cache serve nothing.
    expect(cell.bytesFor(new Uint8Array(1), 0, 10)).toBeGreaterThan(0);
    expect(cell.bytesFor(new Uint8Array(500), 500 * 499, 3000)).toBe(0);
  });

  it('lie behind one another within the bytes asked for, and are cleared at the beginning', () => {
    const elementOf = [1, 0, 1, 1, 0, 1, 1];
    const { cell, buffer } = made(elementOf, 2);
    const bytes = cell.bytesFor(Uint8Array.from(elementOf), 42, 6);
    new Uint8Array(buffer).fill(255);
    cell.begin(1, 6);
    expect([...cell.places]).toEqual([0, 0, 1, 2, 1, 3, 4]);
    expect([cell.countOf(0), cell.countOf(1)]).toEqual([2, 5]);
    const row = 8 * 6;
    expect(cell.strain).toBe(1024);
    expect(cell.atoms).toEqual([1024 + row * STRAIN_WIDTH, 1024 + row * (STRAIN_WIDTH + 16)]);
    // Five atoms have fifteen columns: one block.
    expect(cell.centralOf(0)).toBe(1024 + row * (STRAIN_WIDTH + 32));
    const end = cell.centralOf(6) + row * CENTRAL_WIDTH;
    expect(end).toBeLessThanOrEqual(1024 + bytes);
    const memory = new Uint8Array(buffer);
    expect(memory.subarray(1024, end).every((byte) => byte === 0)).toBe(true);
    expect([memory[1023], memory[end]]).toEqual([255, 255]);
  });

  it('come to the rows of their atoms, once for each column', () => {
    const elementOf = [0, 1, 0, 0, 0, 0, 0];
    const { cell, rows, calls } = made(elementOf, 2);
    cell.begin(1, 6);
    cell.flush(1, rows, 0, 512);
    const spare = rows.virial + 6 * rows.rowBytes;
    const rowsOf = (atom: number) => [0, 1, 2].map((c) => rows.of(atom) + c * rows.rowBytes);
    expect(calls.every(({ pairs }) => pairs === 3)).toBe(true);
    expect(calls[0]!.targets).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((v) => rows.virial + v * rows.rowBytes),
      spare,
      spare,
    ]);
    const first = [0, 2, 3, 4, 5, 6].flatMap(rowsOf);
    expect(calls[1]).toMatchObject({ tile: cell.atoms[0], columns: 16, targets: first.slice(0, 16) });
    expect(calls[2]).toMatchObject({ columns: 8, targets: [...first.slice(16), ...new Array(6).fill(spare)] });
    expect(calls[3]).toMatchObject({ tile: cell.atoms[1], columns: 8 });
    // The only central atom of element 1, for its neighbours of element 0.
    expect(calls[4]).toMatchObject({ tile: cell.centralOf(1), columns: 4, targets: [...rowsOf(1), spare] });
    expect(calls).toHaveLength(5);
  });
});
