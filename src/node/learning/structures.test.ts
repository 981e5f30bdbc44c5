import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runFileSchema } from '../../protocol/run-file.ts';
import { startingStructures } from './structures.ts';

let folder = '';
const frame = (x: number): string => `1\nLattice="${x} 0 0 0 4 0 0 0 4" pbc="T T T"\nSi 0 0 0\n`;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-structures-'));
  mkdirSync(join(folder, 'cells'));
  writeFileSync(join(folder, 'cells', 'some.xyz'), [3, 4, 5, 6].map(frame).join(''));
  writeFileSync(join(folder, 'POSCAR'), 'Ge\n1.0\n5 0 0\n0 5 0\n0 0 5\nGe\n1\nDirect\n0 0 0\n');
  writeFileSync(join(folder, 'flat.xyz'), '1\nLattice="1 0 0 2 0 0 0 0 1" pbc="T T T"\nSi 0 0 0\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const starting = (...structures: object[]) =>
  startingStructures(
    runFileSchema.parse({
      ...{ name: 'a', structures, conditions: { temperatures: [300, 900] } },
      reference: { kind: 'sw-si' },
    }),
    folder,
  );
/** Length of the first cell vector, Å. */
const first = (structure: { cell: Float64Array | null }): number => structure.cell![0]!;

describe('starting structures', () => {
  it('come in the order of the run file, files with their frames in theirs', async () => {
    const list = await starting(
      { file: 'cells/some.xyz' },
      { prototype: 'sc', element: 'Ge', a: 2.5, repeat: [2, 1, 1] },
      { file: 'POSCAR' },
    );
    expect(list.map(first)).toEqual([3, 4, 5, 6, 5, 5]);
    expect(list.map(({ species }) => [...species])).toEqual([[14], [14], [14], [14], [32, 32], [32]]);
  });

  it.each([
    ['@0', [3]],
    ['@-1', [6]],
    ['@1:3', [4, 5]],
    ['@::2', [3, 5]],
  ])('of a file may be some of its frames, %s', async (slice, lengths) => {
    expect((await starting({ file: `cells/some.xyz${slice}` })).map(first)).toEqual(lengths);
  });

  it('may be hexagonal, with the ideal ratio where none is given', async () => {
    const [ideal, given] = await starting(
      { prototype: 'hcp', element: 'Ti', a: 3 },
      { prototype: 'hcp', element: 'Ti', a: 3, c: 4.8 },
    );
    expect(ideal!.cell![8]).toAgree(3 * Math.sqrt(8 / 3), { rtol: 1e-14, why: 'c = √(8/3) a' });
    expect(given!.cell![8]).toBe(4.8);
  });

  it('must be there and make sense', async () => {
    await expect(starting({ file: 'cells/none.xyz' })).rejects.toThrow(/file must exist, got ".*none\.xyz"/);
    await expect(starting({ file: 'flat.xyz' })).rejects.toThrow(/cell|volume/i);
  });
});
