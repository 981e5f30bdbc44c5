import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../hash.ts';
import { structureId } from './identity.ts';
import type { Structure } from './structure.ts';

const structure: Structure = {
  positions: Float64Array.of(0, 0, 0, 1, 0.5, 0.25),
  cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 4),
  pbc: [true, true, false],
  species: Uint8Array.of(14, 8),
};

describe('structureId', () => {
  it('is the same on every machine', () => {
    expect(structureId(structure)).toBe('6798d3f18a5f69f867b73d6f9c798741');
  });

  it('does not tell −0 from 0', () => {
    const negative = structure.positions.map((x) => (x === 0 ? -0 : x));
    expect(structureId({ ...structure, positions: negative })).toBe(structureId(structure));
  });

  it('changes with everything that makes a structure', () => {
    const moved = structure.positions.slice();
    moved[5] = moved[5]! + 1e-15;
    const ids = [
      structure,
      { ...structure, positions: moved },
      { ...structure, pbc: [true, true, true] as const },
      { ...structure, cell: Float64Array.of(4, 0, 0, 0, 4, 0, 0, 0, 5) },
      { ...structure, cell: null, pbc: [false, false, false] as const },
      { ...structure, species: Uint8Array.of(8, 14) },
      { ...structure, positions: Float64Array.of(1, 0.5, 0.25, 0, 0, 0) },
    ].map((s) => structureId(s));
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('sha256Hex', () => {
  it('gives the published digests', () => {
    // FIPS 180-4 example values.
    expect(sha256Hex('')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('hashes parts as one stream of bytes', () => {
    expect(sha256Hex('a', new Uint8Array([98]), 'c')).toBe(sha256Hex('abc'));
    expect(sha256Hex('Å')).toBe(sha256Hex(new Uint8Array([0xc3, 0x85])));
  });
});
