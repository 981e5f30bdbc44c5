import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PairFunctions } from '../core/descriptors/ace/environment.ts';
import { neighborList } from '../core/structure/neighbor-list.ts';
import { DesignRows } from './design-rows.ts';
import { extentOf, type RadialExports, RowNeighbors } from './row-neighbors.ts';
import { compileWasm } from './wasm-module.ts';

const builds = ['kernels.wasm', 'kernels-fma.wasm'] as const;
const core = { prefactor: 5, lambda: 0.3 };
const near = { cutoff: 3.5, innerCutoff: 1.5, innerWidth: 0.5, core };
const far = { cutoff: 5, innerCutoff: 2, innerWidth: 0.4, core };
const pairs = [
  [near, near],
  [near, far],
];
const COUNT = 14;

/** Distances from almost none to just below the cutoff, some in the inner switch. */
const line = [0, 0.01, 0.7, 1.2, 1.49, 1.7, 1.95, 2.9, 4.2, 4.7, 4.999999];
const structure = {
  positions: Float64Array.from(line.flatMap((x) => [x, 0, 0])),
  cell: null,
  pbc: [false, false, false] as const,
  species: new Uint8Array(line.length).fill(14),
};
const list = neighborList(structure, 5);

function made(name: (typeof builds)[number]) {
  const bytes = readFileSync(new URL(`./generated/${name}`, import.meta.url));
  const kernels = compileWasm(bytes).instantiate<RadialExports>();
  const neighbors = new RowNeighbors(kernels, pairs, COUNT, 3);
  neighbors.reserve(20, 16 * 8);
  const rows = new DesignRows(kernels);
  const address = kernels.allocate(DesignRows.bytes(20, 4));
  neighbors.view(16 * 8);
  rows.moveTo(address, 20, 4);
  rows.begin(20, 4);
  return { kernels, neighbors, rows };
}

describe.each(builds)('neighbours for design rows, %s', (name) => {
  it.each([0, 1])('have the radial functions and the core of the twin, element %i', (mu) => {
    const { kernels, neighbors } = made(name);
    const elements = new Uint8Array(line.length).fill(mu);
    const baseline = {
      energy: 0,
      atomEnergies: new Float64Array(line.length),
      forces: new Float64Array(3 * line.length),
      virial: new Float64Array(6),
    };
    neighbors.gather(list, 0, mu, elements, null, null, 0, baseline);
    const { cutoff } = pairs[mu]![mu]!;
    const inside = line.slice(1).filter((r) => r < cutoff);
    expect(neighbors.atoms).toBe(inside.length);
    const twin = new PairFunctions(pairs, COUNT);
    const [values, slopes] = [new Float64Array(COUNT), new Float64Array(COUNT)];
    const radial = new Float64Array(kernels.memory.buffer, neighbors.radial, 2 * COUNT * inside.length);
    let energy = 0;
    let force = 0;
    inside.forEach((r, k) => {
      twin.evaluate(mu, mu, r, values, slopes, 0);
      energy += twin.core[0]!;
      force += twin.core[1]!;
      for (let n = 0; n < COUNT; n++) {
        const why = 'sines by series and by the engine; cancellation in sinc grows as 1/r';
        const atol = 1e-14 * (1 + 1 / r);
        expect(radial[2 * (COUNT * k + n)]).toAgree(values[n]!, { atol, rtol: 1e-13, why });
        expect(radial[2 * (COUNT * k + n) + 1]).toAgree(r * slopes[n]!, { atol: 10 * atol, rtol: 1e-13, why });
      }
    });
    expect(energy).toBeGreaterThan(0);
    expect(baseline.atomEnergies[0]).toAgree(energy, { rtol: 1e-14, why: 'the same sum' });
    expect(baseline.forces[0]).toAgree(force, { rtol: 1e-14, why: 'the same sum' });
  });

  it('have geometry, one column after the other, and targets for whole blocks', () => {
    const { kernels, neighbors, rows } = made(name);
    const elements = Uint8Array.from(line, (_, k) => k % 2);
    neighbors.gather(list, 5, 1, elements, rows, null, 16, null);
    const room = neighbors.room;
    const view = (row: number, n: number) =>
      new Float64Array(kernels.memory.buffer, neighbors.geometry + 8 * room * row, n);
    // Atoms 1, 3, 7 and 9 are of element 1, as atom 5 itself.
    expect([...view(0, 4)]).toEqual([-1, -1, 1, 1]);
    [1.69, 0.5, 1.2, 3].forEach((r, k) => {
      const ROUNDING = { rtol: 1e-14, why: 'differences of positions' };
      expect(view(3, 4)[k]).toAgree(-1 / r, ROUNDING);
      expect(view(4, 4)[k]).toAgree(r, ROUNDING);
    });
    expect(neighbors.columns).toBe(9 + 12);
    const segments = [...new Int32Array(kernels.memory.buffer, neighbors.segments, 20)];
    const block = 3 * 128;
    expect(segments.slice(0, 5)).toEqual([0, 1, 9 * 8, 10 * 8, 11 * 8]);
    expect(segments.slice(10, 15)).toEqual([2, 1, 15 * 8, block, block + 8]);
    const targets = new Uint32Array(kernels.memory.buffer, neighbors.targets + 64, 32);
    const rowsOf = (atom: number) => [0, 1, 2].map((c) => rows.of(atom) + c * rows.rowBytes);
    const strain = [0, 1, 2, 3, 4, 5].map((v) => rows.virial + v * rows.rowBytes);
    const spare = new Array<number>(11).fill(rows.virial + 6 * rows.rowBytes);
    expect([...targets]).toEqual([...rowsOf(5), ...strain, ...[1, 3, 7, 9].flatMap(rowsOf), ...spare]);
    expect([...new Uint32Array(kernels.memory.buffer, neighbors.frameWords, 6)]).toEqual([0, 8, 16, 24, block, block]);
  });

  it('refuse atoms that coincide', () => {
    const { neighbors } = made(name);
    const twice = { ...structure, positions: structure.positions.slice().fill(0.0001, 3, 4) };
    expect(() =>
      neighbors.gather(neighborList(twice, 5), 0, 0, new Uint8Array(line.length), null, null, 0, null),
    ).toThrow(/atoms 0 and 1/);
  });
});

describe('the extent of a list', () => {
  it('counts neighbours, images and links', () => {
    expect(extentOf(list)).toEqual({ neighbors: 10, images: 1, atoms: 10, links: 110 });
    const cell = {
      positions: Float64Array.of(0, 0, 0, 1.5, 0, 0),
      cell: Float64Array.of(3, 0, 0, 0, 30, 0, 0, 0, 30),
      pbc: [true, true, true] as const,
      species: Uint8Array.of(14, 14),
    };
    // Around either atom: itself at ±3, the other at ±1.5 and ±4.5.
    expect(extentOf(neighborList(cell, 5))).toEqual({ neighbors: 6, images: 4, atoms: 2, links: 2 });
    expect(extentOf(neighborList(cell, 1))).toEqual({ neighbors: 0, images: 0, atoms: 0, links: 0 });
  });
});
