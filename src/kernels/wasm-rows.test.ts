import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AceBasis, AceSpecification } from '../core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { unionOf } from '../core/descriptors/ace/specification.ts';
import type { StructureRows } from '../core/descriptors/descriptors.ts';
import { RandomStream } from '../core/random.ts';
import { neighborList } from '../core/structure/neighbor-list.ts';
import type { Structure } from '../core/structure/structure.ts';
import { compileWasm } from './wasm-module.ts';
import { wasmRows } from './wasm-rows.ts';

const read = (name: string) => compileWasm(readFileSync(new URL(`./generated/${name}`, import.meta.url)));
const builds = [
  { build: 'simd', module: read('kernels.wasm') },
  { build: 'fma', module: read('kernels-fma.wasm') },
];

const pair = { cutoff: 5, innerCutoff: 2.3, innerWidth: 0.4, core: { prefactor: 10, lambda: 0.5 } };
const short = { ...pair, cutoff: 4.1 };

function specification(
  elements: readonly string[],
  sizes: Pick<AceSpecification, 'nmax' | 'lmax' | 'sets'>,
  pairOf: (a: number, b: number) => AceSpecification['pairs'][number][number] = () => pair,
): AceSpecification {
  return { elements, radial: 'SBessel', ...sizes, pairs: elements.map((_, a) => elements.map((_, b) => pairOf(a, b))) };
}

/** fcc cells with the numbers of `species` in turn, rattled by about 0.1 Å. */
function fcc(repeats: readonly [number, number, number], species: readonly number[], a = 3.6): Structure {
  const stream = new RandomStream(3, 'wasm-rows-test', ...repeats);
  const positions: number[] = [];
  for (let i = 0; i < repeats[0]; i++) {
    for (let j = 0; j < repeats[1]; j++) {
      for (let k = 0; k < repeats[2]; k++) {
        for (const site of [
          [0, 0, 0],
          [0, 0.5, 0.5],
          [0.5, 0, 0.5],
          [0.5, 0.5, 0],
        ]) {
          [i, j, k].forEach((n, c) => {
            positions.push((n + site[c]!) * a + 0.1 * stream.normal());
          });
        }
      }
    }
  }
  return {
    positions: Float64Array.from(positions),
    cell: Float64Array.of(a * repeats[0], 0, 0, 0.3, a * repeats[1], 0, 0, -0.2, a * repeats[2]),
    pbc: [true, true, true],
    species: Uint8Array.from({ length: positions.length / 3 }, (_, k) => species[k % species.length]!),
  };
}

const cluster: Structure = {
  positions: Float64Array.of(0, 0, 0, 1.9, 0.2, 0.3, -0.5, 2.3, 0.4, 3.9, 3, 1, 40, 0, 0),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(29, 40, 40, 29, 40),
};
/** One atom among images of itself: hundreds of them within the cutoff. */
const single: Structure = {
  positions: Float64Array.of(0.1, 0.2, 0.3),
  cell: Float64Array.of(0, 1.8, 1.8, 1.8, 0, 1.7, 1.9, 1.8, 0),
  pbc: [true, true, true],
  species: Uint8Array.of(29),
};
const chain: Structure = {
  positions: Float64Array.of(0, 0, 0, 1.2, 0.4, 0),
  cell: Float64Array.of(2.6, 0, 0, 0, 9, 0, 0, 0, 9),
  pbc: [true, false, false],
  species: Uint8Array.of(29, 40),
};

const copper = buildAceBasis(specification(['Cu'], { nmax: [7, 4, 3, 2], lmax: [0, 4, 3, 1] }));
const alloy = buildAceBasis(
  specification(['Cu', 'Zr'], { nmax: [5, 3, 2], lmax: [0, 3, 2] }, (a, b) => (a === b ? short : pair)),
);
const ternary = buildAceBasis(specification(['Al', 'Cu', 'Zr'], { nmax: [4, 2, 1], lmax: [0, 2, 1] }));
/** A rectangle and a triangle, so that the number of n falls with l, and an odd number of functions. */
const union = buildAceBasis(
  specification(
    ['Cu', 'Zr'],
    unionOf([
      { nmax: [5, 2], lmax: [0, 1] },
      { order: 2, degree: 8, weight: 1.5 },
    ]),
  ),
);
const pairsOnly = buildAceBasis(specification(['Cu'], { nmax: [6], lmax: [0] }));
/** Central elements with functions of their own, of different number. */
const uneven: AceBasis = {
  ...alloy,
  functions: [alloy.functions[0]!.slice(0, 41), alloy.functions[1]!.filter((_, v) => v % 3 > 0)],
  offsets: [0, 41, 41 + alloy.functions[1]!.filter((_, v) => v % 3 > 0).length],
};

const cases: readonly (readonly [string, AceBasis, readonly Structure[]])[] = [
  ['a dense cell', copper, [fcc([1, 1, 1], [29]), fcc([1, 1, 2], [29])]],
  ['a sparse cell', copper, [fcc([2, 2, 2], [29])]],
  ['one atom', copper, [single]],
  ['dense cells of two elements', alloy, [fcc([1, 1, 1], [29, 40, 40]), chain]],
  ['a sparse cell of two elements', alloy, [fcc([2, 2, 1], [29, 40, 40])]],
  ['a cluster with an atom far away, and its elements alone', alloy, [cluster, single]],
  ['three elements', ternary, [fcc([1, 1, 2], [13, 29, 40]), cluster]],
  ['a union of sets', union, [fcc([1, 1, 1], [29, 40]), cluster]],
  ['functions of one neighbour', pairsOnly, [fcc([1, 1, 1], [29]), single]],
  ['functions of each central element', uneven, [fcc([1, 1, 1], [29, 40, 40]), cluster, fcc([2, 2, 1], [29, 40])]],
];

function collect(program: Pick<ReturnType<typeof wasmRows>, 'rows'>, batch: readonly Structure[]): StructureRows[] {
  const all: StructureRows[] = [];
  program.rows(batch, (index, rows) => {
    expect(index).toBe(all.length);
    all.push(rows);
  });
  return all;
}

const PARTS = ['energy', 'forces', 'virial', 'atoms'] as const;

/** Largest number of an array. */
const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe.each(builds)('design rows, $build', ({ module }) => {
  it.each(cases)('of %s are those of the twin', (_, basis, batch) => {
    const program = wasmRows(module, basis);
    const expected = collect(createAceProgram(basis), batch);
    const rows = collect(program, batch);
    expect(rows).toHaveLength(batch.length);
    rows.forEach((found, s) => {
      const twin = expected[s]!;
      for (const part of PARTS) {
        expect(found[part]).toAgree(twin[part], { atol: 1e-12 * largest(twin[part]), why: 'another order of sums' });
      }
      const { baseline } = found;
      for (const part of ['atomEnergies', 'forces', 'virial'] as const) {
        const why = 'the same functions of the same pairs';
        expect(baseline[part]).toAgree(twin.baseline[part], { atol: 1e-13 * largest(twin.baseline[part]), why });
      }
      expect(baseline.energy).toAgree(twin.baseline.energy, { rtol: 1e-13, why: 'the same sum' });
    });
    // Descriptors are the values of the rows, whatever was run before.
    program.descriptors(batch).forEach((atoms, s) => {
      expect(atoms).toAgree(rows[s]!.atoms, { atol: 1e-14 * largest(atoms), why: 'sums of other length' });
    });
  });

  it('have no net force, and are the same bits in any batch', () => {
    const program = wasmRows(module, alloy);
    const batch = [fcc([1, 1, 1], [29, 40, 40]), cluster, fcc([2, 2, 1], [29, 40, 40]), chain];
    const together = collect(program, batch);
    const [n, d] = [together[2]!.forces.length / 3 / together[2]!.energy.length, together[2]!.energy.length];
    for (let c = 0; c < 3; c++) {
      const sum = new Float64Array(d);
      for (let i = 0; i < n; i++) for (let v = 0; v < d; v++) sum[v]! += together[2]!.forces[(3 * i + c) * d + v]!;
      expect(sum).toAgree(new Float64Array(d), { atol: 1e-13, why: 'Newton’s third law for every function' });
    }
    const reversed = collect(wasmRows(module, alloy), [...batch].reverse()).reverse();
    together.forEach((rows, s) => {
      for (const part of PARTS) expect(rows[part]).toEqual(reversed[s]![part]);
    });
  });

  it('leave descriptors of a range of atoms, from a list with a skin, as they are', () => {
    const program = wasmRows(module, alloy);
    const structure = fcc([2, 2, 1], [29, 40, 40]);
    const [all] = program.descriptors([structure]);
    const widest = all!.length / structure.species.length;
    const lists = [neighborList(structure, 6)];
    for (const atoms of [
      [0, 16],
      [3, 4],
      [2, 11],
      [5, 5],
    ] as const) {
      const [some] = program.descriptors([structure], { atoms, lists });
      expect(some).toEqual(all!.slice(atoms[0] * widest, atoms[1] * widest));
    }
  });

  it('belong to the receiver', () => {
    const program = wasmRows(module, copper);
    const [first] = collect(program, [fcc([1, 1, 1], [29])]);
    const kept = first!.forces.slice();
    collect(program, [fcc([2, 2, 2], [29])]);
    program.descriptors([single]);
    expect(first!.forces).toEqual(kept);
    expect(first!.forces.buffer.byteLength).toBe(8 * kept.length);
  });

  it('go on after a structure that they refuse, or a sink that does', () => {
    const program = wasmRows(module, alloy);
    const good = fcc([1, 1, 1], [29, 40, 40]);
    const [before] = collect(program, [good]);
    const positions = cluster.positions.slice();
    positions.set(positions.subarray(0, 3), 9);
    const bad = { ...cluster, positions };
    for (let k = 0; k < 3; k++) {
      expect(() => collect(program, [good, bad])).toThrow(/atoms/);
      expect(() => program.descriptors([bad])).toThrow(/atoms/);
      expect(() => collect(program, [{ ...single, species: Uint8Array.of(8) }])).toThrow(
        'must be one of Cu, Zr, got O',
      );
      expect(() =>
        program.rows([good], () => {
          throw new RangeError('enough');
        }),
      ).toThrow('enough');
      const [after] = collect(program, [good]);
      for (const part of PARTS) expect(after![part]).toEqual(before![part]);
    }
  });

  it('of many functions of high order agree, too', () => {
    const basis = buildAceBasis(specification(['Cu'], { nmax: [5, 3, 2, 2, 1, 1], lmax: [0, 5, 3, 2, 2, 1] }));
    const structure = fcc([1, 1, 1], [29]);
    const [found] = collect(wasmRows(module, basis), [structure]);
    const [twin] = collect(createAceProgram(basis), [structure]);
    for (const part of PARTS) {
      expect(found![part]).toAgree(twin![part], { atol: 1e-12 * largest(twin![part]), why: 'another order of sums' });
    }
  });
});
