import { describe, expect, it } from 'vitest';
import type { Frame, Structure } from '../structure/structure.ts';
import { atomBlocks, deletionClusters } from './deletion-clusters.ts';

function cell(edges: readonly number[], pbc: [boolean, boolean, boolean], n = 200): Structure {
  const positions = Float64Array.from({ length: 3 * n }, (_, k) => {
    const share = ((Math.floor(k / 3) * (k % 3 === 0 ? 17 : k % 3 === 1 ? 37 : 71)) % n) / n;
    return share * edges[k % 3]! - 3;
  });
  return {
    positions,
    cell: Float64Array.of(edges[0]!, 0, 0, 0, edges[1]!, 0, 0, 0, edges[2]!),
    pbc,
    species: new Uint8Array(n).fill(14),
  };
}

const frame = (info: Frame['info'], n = 2): Frame => ({
  structure: cell([5, 5, 5], [true, true, true], n),
  labels: { energy: null, forces: null, virial: null },
  group: '',
  info,
  columns: {},
  source: { file: 'made up', index: 0, line: 1 },
});

describe('deletionClusters', () => {
  it('is each frame alone unless ten parents are named', () => {
    const few = Array.from({ length: 12 }, (_, f) => frame({ parent: f % 4 }));
    expect(deletionClusters(few)).toEqual(few.map((_, f) => [f]));
    expect(deletionClusters([])).toEqual([]);
  });

  it('puts the frames of a parent together, those without one apart', () => {
    const frames = Array.from({ length: 14 }, (_, f) => frame(f < 12 ? { trajectory: f % 6 } : {}));
    frames.push(...Array.from({ length: 3 }, (_, f) => frame({ trajectory: `other ${f}` })));
    const clusters = deletionClusters(frames);
    expect(clusters.slice(0, 7)).toEqual([[0, 6], [1, 7], [2, 8], [3, 9], [4, 10], [5, 11], [12]]);
    expect(clusters.flat().toSorted((a, b) => a - b)).toEqual(frames.map((_, f) => f));
  });

  it('cuts long trajectories into runs', () => {
    const frames = Array.from({ length: 60 }, (_, f) => frame({ walker: f % 10 }, 900));
    const clusters = deletionClusters(frames);
    expect(clusters).toHaveLength(30);
    expect(clusters[0]).toEqual([0, 10]);
    expect(deletionClusters([...frames, frame({ walker: 'huge' }, 5000)]).at(-1)).toEqual([60]);
  });
});

describe('atomBlocks', () => {
  it('leaves a small cell whole', () => {
    expect(atomBlocks(cell([10, 19, 19], [true, true, true]), 10)).toBeNull();
  });

  it('cuts a large one along each direction, no block thinner than the edge', () => {
    const structure = cell([25, 41, 12], [true, true, false]);
    const blocks = atomBlocks(structure, 10)!;
    expect(new Set(blocks)).toEqual(new Set([0, 1, 2, 3, 4, 5, 6, 7]));
    // Atoms of one block lie in one slab of each direction, periodic images included.
    blocks.forEach((block, i) => {
      const share = (d: number, edge: number) => {
        const f = structure.positions[3 * i + d]! / edge;
        return f - Math.floor(f);
      };
      expect(block).toBe(Math.floor(2 * share(0, 25)) * 4 + Math.floor(4 * share(1, 41)));
    });
  });

  it('measures a cluster of atoms in vacuum by its own extent', () => {
    const molecule = { ...cell([30, 8, 8], [false, false, false]), cell: null };
    const blocks = atomBlocks(molecule, 10)!;
    expect(Math.max(...blocks)).toBe(1);
    expect(atomBlocks(molecule, 16)).toBeNull();
  });
});
