import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { cellVolume, completedCell, fractionalPositions, planeHeights } from './cell.ts';
import { type NeighborList, neighborList } from './neighbor-list.ts';
import type { Structure } from './structure.ts';

/** One line per pair, `i j a b c`, so that lists can be compared whole. */
function lines(list: NeighborList): string[] {
  const out: string[] = [];
  for (let i = 0; i + 1 < list.offsets.length; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      out.push([i, list.indices[p], ...list.images.subarray(3 * p, 3 * p + 3)].join(' '));
    }
  }
  return out;
}

/** Every pair and every image in a box that surely holds the cutoff sphere. */
function bruteForce(structure: Structure, cutoff: number): string[] {
  const { positions, pbc } = structure;
  const n = structure.species.length;
  const basis = completedCell(structure);
  const heights = planeHeights(basis);
  const fractional = fractionalPositions(positions, basis);
  const out: string[] = [];
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      const [low, high] = [
        [0, 0, 0],
        [0, 0, 0],
      ];
      for (let d = 0; d < 3; d++) {
        const difference = fractional[3 * j + d]! - fractional[3 * i + d]!;
        low[d] = pbc[d] ? Math.floor(-difference - cutoff / heights[d]!) - 1 : 0;
        high[d] = pbc[d] ? Math.ceil(-difference + cutoff / heights[d]!) + 1 : 0;
      }
      for (let a = low[0]!; a <= high[0]!; a++) {
        for (let b = low[1]!; b <= high[1]!; b++) {
          for (let c = low[2]!; c <= high[2]!; c++) {
            if (i === j && a === 0 && b === 0 && c === 0) continue;
            let square = 0;
            for (let k = 0; k < 3; k++) {
              const shift = a * basis[k]! + b * basis[3 + k]! + c * basis[6 + k]!;
              const component = positions[3 * j + k]! - positions[3 * i + k]! + shift;
              square += component * component;
            }
            if (square < cutoff * cutoff) out.push([i, j, a, b, c].join(' '));
          }
        }
      }
    }
  }
  return out;
}

/** n random atoms in (and around) a cell. */
function scattered(
  n: number,
  cell: Float64Array,
  pbc: readonly [boolean, boolean, boolean],
  seed = 1,
  spread = 1,
): Structure {
  const stream = new RandomStream(seed, 'neighbor-list test');
  const positions = new Float64Array(3 * n);
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < 3; d++) {
      const f = 0.5 + spread * (stream.uniform() - 0.5);
      for (let k = 0; k < 3; k++) positions[3 * i + k] = positions[3 * i + k]! + f * cell[3 * d + k]!;
    }
  }
  return { positions, cell, pbc, species: new Uint8Array(n).fill(14) };
}

const cubic = (a: number): Float64Array => Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a);

describe('neighborList against every pair and image', () => {
  const cells = fc
    .array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 9, maxLength: 9 })
    .map((rows) => Float64Array.from(rows))
    .filter((cell) => cellVolume(cell) > 4 && Math.min(...planeHeights(cell)) > 0.7);
  const pbcs = fc.tuple(fc.boolean(), fc.boolean(), fc.boolean());

  it('agrees for small and skewed cells, any periodicity, atoms outside the cell', () => {
    fc.assert(
      fc.property(
        cells,
        pbcs,
        fc.integer({ min: 1, max: 6 }),
        fc.nat(1e6),
        fc.double({ min: 0.5, max: 4.5, noNaN: true }),
        (cell, pbc, n, seed, cutoff) => {
          const structure = scattered(n, cell, pbc, seed, 5);
          expect(lines(neighborList(structure, cutoff))).toEqual(bruteForce(structure, cutoff));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('agrees where linked cells are used', () => {
    const shapes = [
      Float64Array.of(14, 0, 0, 0, 15, 0, 0, 0, 16),
      Float64Array.of(14, 1, 2, -3, 15, 1, 4, 2, 16),
      Float64Array.of(14, 0, 0, 0, 15, 0, 700, -450, 16),
      Float64Array.of(2, 0, 0, 0, 3, 0, 0, 0, 400),
      Float64Array.of(-14, 0, 0, 0, 15, 0, 0, 0, 16),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...shapes),
        pbcs,
        fc.nat(1e6),
        fc.constantFrom(1.1, 2.6),
        (cell, pbc, seed, cutoff) => {
          const structure = scattered(80, cell, pbc, seed, 2);
          expect(lines(neighborList(structure, cutoff))).toEqual(bruteForce(structure, cutoff));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('agrees on a perfect lattice, whose shells lie on the faces of bins', () => {
    const n = 6;
    const positions: number[] = [];
    for (let x = 0; x < n; x++)
      for (let y = 0; y < n; y++) for (let z = 0; z < n; z++) positions.push(2 * x, 2 * y, 2 * z);
    const structure: Structure = {
      positions: Float64Array.from(positions),
      cell: cubic(2 * n),
      pbc: [true, true, true],
      species: new Uint8Array(n * n * n).fill(14),
    };
    for (const cutoff of [2, 2.0000001, 3, 4.5]) {
      expect(lines(neighborList(structure, cutoff))).toEqual(bruteForce(structure, cutoff));
    }
    // A pair at exactly the cutoff is left out; 6 first neighbours just beyond it.
    expect(neighborList(structure, 2).indices.length).toBe(0);
    expect(neighborList(structure, 2.0000001).indices.length).toBe(6 * n * n * n);
  });
});

describe('neighborList of a range of atoms', () => {
  it.each([
    ['directly', 9, 6],
    ['in linked cells', 400, 24],
  ])('holds their entries of the whole list and no others, found %s', (_, n, side) => {
    const cell = Float64Array.of(side, 0, 0, 0.2 * side, side, 0, 0, -0.1 * side, side);
    const structure = scattered(n, cell, [true, true, true], 7);
    const whole = neighborList(structure, 3);
    const [from, to] = [Math.floor(n / 3), Math.floor((2 * n) / 3)];
    const part = neighborList(structure, 3, [from, to]);
    expect(lines(part)).toEqual(
      lines(whole).filter((line) => Number.parseInt(line, 10) >= from && Number.parseInt(line, 10) < to),
    );
    expect(part.vectors).toEqual(whole.vectors.slice(3 * whole.offsets[from]!, 3 * whole.offsets[to]!));
    expect(neighborList(structure, 3, [from, from]).indices).toHaveLength(0);
  });
});

describe('neighborList by hand', () => {
  it('counts the self-images of a one-atom fcc cell', () => {
    const structure: Structure = {
      positions: new Float64Array(3),
      cell: Float64Array.of(0, 2, 2, 2, 0, 2, 2, 2, 0),
      pbc: [true, true, true],
      species: Uint8Array.of(29),
    };
    // Shells of fcc with a = 4 Å at a/√2, a and a√(3/2): 12, 6 and 24 atoms.
    expect(neighborList(structure, 3).indices.length).toBe(12);
    expect(neighborList(structure, 4.1).indices.length).toBe(18);
    expect(neighborList(structure, 5).indices.length).toBe(42);
  });

  it('handles molecules, boxes without periodicity and slabs without a third vector', () => {
    const positions = Float64Array.of(0, 0, 0, 0, 0, 1.1);
    const species = Uint8Array.of(7, 7);
    const molecule = neighborList({ positions, cell: null, pbc: [false, false, false], species }, 2);
    expect(lines(molecule)).toEqual(['0 1 0 0 0', '1 0 0 0 0']);
    expect(Array.from(molecule.vectors)).toEqual([0, 0, 1.1, 0, 0, -1.1]);
    const box = neighborList({ positions, cell: cubic(1.5), pbc: [false, false, false], species }, 2);
    expect(lines(box)).toEqual(lines(molecule));
    const slab = {
      positions,
      cell: Float64Array.of(2, 0, 0, 0, 2, 0, 0, 0, 0),
      pbc: [true, true, false] as const,
      species,
    };
    expect(lines(neighborList(slab, 2.1)).filter((line) => line.startsWith('0 0'))).toEqual([
      '0 0 -1 0 0',
      '0 0 0 -1 0',
      '0 0 0 1 0',
      '0 0 1 0 0',
    ]);
    const far = {
      positions: Float64Array.of(0, 0, 0, 0, 0, 1e6),
      cell: null,
      pbc: [false, false, false] as const,
      species,
    };
    expect(neighborList(far, 5).indices.length).toBe(0);
    expect(
      Array.from(neighborList({ ...far, positions: new Float64Array(0), species: new Uint8Array(0) }, 5).offsets),
    ).toEqual([0]);
  });

  it('lists coinciding atoms at distance zero, and an atom far outside by its true image', () => {
    const pair = {
      positions: Float64Array.of(1, 1, 1, 1, 1, 1),
      cell: cubic(9),
      pbc: [true, true, true] as const,
      species: Uint8Array.of(1, 1),
    };
    expect(Array.from(neighborList(pair, 1).distances)).toEqual([0, 0]);
    const away = { ...pair, positions: Float64Array.of(0, 0, 0, 9 * 7 + 0.5, -18, 0) };
    expect(lines(neighborList(away, 1))).toEqual(['0 1 -7 2 0', '1 0 7 -2 0']);
  });

  it('refuses what has no answer', () => {
    const structure = scattered(2, cubic(4), [true, true, true]);
    expect(() => neighborList(structure, 0)).toThrow(/cutoff must be positive/);
    expect(() => neighborList(structure, Number.NaN)).toThrow(/cutoff must be positive/);
    expect(() => neighborList({ ...structure, cell: null }, 2)).toThrow(/periodic direction a/);
    expect(() => neighborList({ ...structure, cell: Float64Array.of(1, 0, 0, 1, 0, 0, 0, 0, 1) }, 2)).toThrow(
      /independent/,
    );
    const broken = { ...structure, positions: Float64Array.of(0, 0, 0, 1, Number.NaN, 0) };
    expect(() => neighborList(broken, 2)).toThrow('position of atom 1 must be finite, got NaN Å');
  });

  it('refuses at once what would take for ever: atoms far away, and cells crushed to nothing', () => {
    const structure = scattered(2, cubic(4), [true, true, true]);
    for (const far of [1e9, -1e30, 1e300]) {
      const lost = { ...structure, positions: Float64Array.of(0, 0, 0, 1, far, 0) };
      expect(() => neighborList(lost, 2)).toThrow(
        `position of atom 1 must lie within 1e8 Å of the origin, got ${far} Å`,
      );
    }
    for (const cell of [cubic(4e-3), Float64Array.of(4, 0, 0, 0, 4e-6, 0, 0, 0, 4), cubic(1e-90)]) {
      const crushed = { ...structure, cell, positions: new Float64Array(6) };
      expect(() => neighborList(crushed, 5)).toThrow(/^cell must (?:hold fewer than|have three|have independent)/);
    }
    // Dense, but not absurd: 4000 neighbours each.
    const dense = neighborList({ ...structure, cell: cubic(0.8) }, 4);
    expect(dense.offsets[2]! / 2).toAgree((2 * (4 / 3) * Math.PI * 64) / 0.512, {
      rtol: 0.05,
      why: 'a sphere full of atoms',
    });
    const far = { ...structure, positions: Float64Array.of(9e7, 0, 0, 9e7 + 1.5, 0, 0), cell: null };
    expect(lines(neighborList({ ...far, pbc: [false, false, false] }, 2))).toEqual(['0 1 0 0 0', '1 0 0 0 0']);
  });
});

describe('neighborList as a sum', () => {
  it('is exactly antisymmetric and consistent', () => {
    const structure = scattered(300, Float64Array.of(18, 1, 0, 0, 17, 2, 3, 0, 19), [true, true, true], 5, 3);
    const list = neighborList(structure, 4);
    const vectors = new Map(lines(list).map((line, p) => [line, Array.from(list.vectors.subarray(3 * p, 3 * p + 3))]));
    for (const [line, vector] of vectors) {
      const [i, j, ...image] = line.split(' ').map(Number) as [number, number, ...number[]];
      const back = vectors.get([j, i, ...image.map((x) => (x === 0 ? 0 : -x))].join(' '))!;
      expect(back.map((x) => 0 - x)).toEqual(vector.map((x) => x + 0));
    }
    for (let p = 0; p < list.indices.length; p++) {
      const [x, y, z] = list.vectors.subarray(3 * p, 3 * p + 3);
      expect(list.distances[p]).toBe(Math.sqrt(x! * x! + y! * y! + z! * z!));
    }
  });

  it('grows linearly with the number of atoms', () => {
    const work = [1, 2, 4].map((m) => {
      const n = 1000 * m;
      return (
        neighborList(scattered(n, Float64Array.of(20, 0, 0, 0, 20, 0, 0, 0, 20 * m), [true, true, true]), 3.3)
          .candidates / n
      );
    });
    // 125 bins of (20/12 Å)³ at 1000 atoms per (20 Å)³: 72 candidates per atom, whatever the size.
    for (const perAtom of work)
      expect(perAtom).toAgree(72.3, { rtol: 0.03, why: 'random positions: counting noise of the bins' });
  });

  it.each([
    ['directly', 30, 10],
    ['in linked cells', 600, 30],
  ])('costs no more in a cell that is skewed a hundred million times over, %s', (_, n, side) => {
    const plain = scattered(n, cubic(side), [true, true, true]);
    const skewed = { ...plain, cell: Float64Array.of(side, 0, 0, 0, side, 0, 1e8 * side, 3e4 * side, side) };
    const [list, same] = [neighborList(skewed, 4), neighborList(plain, 4)];
    expect(list.candidates).toBeLessThan(1.3 * same.candidates);
    expect(list.indices).toEqual(same.indices);
    // c of the plain cell is c − 1e8 a − 3e4 b of the skewed one.
    for (let p = 0; p < list.indices.length; p++) {
      const [a, b, c] = same.images.subarray(3 * p, 3 * p + 3) as unknown as [number, number, number];
      const image = Array.from(list.images.subarray(3 * p, 3 * p + 3));
      expect(image).toEqual([a - 1e8 * c, b - 3e4 * c, c].map((x) => x + 0));
    }
    expect(list.distances).toAgree(same.distances, { atol: 1e-6, why: 'lattice vectors of 1e9 Å have digits to 1e-7' });
  });

  it('looks at few pairs in small cells', () => {
    const structure = scattered(64, cubic(10.86), [true, true, true]);
    const list = neighborList(structure, 5);
    expect(list.candidates).toBeLessThan(1.01 * list.indices.length + 10);
  });
});
