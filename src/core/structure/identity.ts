import { sha256Hex } from '../hash.ts';
import type { Structure } from './structure.ts';

/** Appends numbers as little-endian float64; −0 counts as 0, so that writing and reading a file keeps the identity. */
function writeNumbers(view: DataView, at: number, values: Float64Array): number {
  let offset = at;
  for (let k = 0; k < values.length; k++) {
    view.setFloat64(offset, values[k]! + 0, true);
    offset += 8;
  }
  return offset;
}

/**
 * Content hash of a structure: the first 32 hex digits of the sha256 of its number of atoms, species, periodicity, cell
 * and positions as little-endian bytes. Equal structures have equal ids on every machine; the order of atoms counts.
 */
export function structureId(structure: Structure): string {
  const { species, pbc, cell, positions } = structure;
  const bytes = new Uint8Array(4 + species.length + 4 + 8 * ((cell?.length ?? 0) + positions.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, species.length, true);
  bytes.set(species, 4);
  let offset = 4 + species.length;
  for (const periodic of pbc) bytes[offset++] = periodic ? 1 : 0;
  bytes[offset++] = cell === null ? 0 : 1;
  if (cell !== null) offset = writeNumbers(view, offset, cell);
  writeNumbers(view, offset, positions);
  return sha256Hex(bytes).slice(0, 32);
}
