import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import type { AceProgram, StructureRows } from '../descriptors.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { buildAceBasis } from './enumerate.ts';
import { PRESET_SIZES, type PresetName } from './presets.ts';
import { createAceProgram } from './program.ts';

const PAIR: AcePair = { cutoff: 4.2, innerCutoff: 1.9, innerWidth: 0.3, core: { prefactor: 60, lambda: 0.7 } };
const OPEN = [false, false, false] as const;
const PERIODIC = [true, true, true] as const;

/** Different cutoffs per pair, so that a mix-up of pairs would show. */
function pairsOf(n: number): AcePair[][] {
  return Array.from({ length: n }, (_, mu) =>
    Array.from({ length: n }, (_, nu) => ({
      ...PAIR,
      cutoff: 4.2 - 0.2 * (mu + nu),
      innerCutoff: 1.9 - 0.1 * (mu + nu),
    })),
  );
}

function presetProgram(preset: PresetName, elements: readonly string[] = ['Si']): AceProgram {
  const { nmax, lmax } = PRESET_SIZES[preset][Math.min(elements.length, 4) - 1]!;
  const specification: AceSpecification = { elements, radial: 'SBessel', nmax, lmax, pairs: pairsOf(elements.length) };
  return createAceProgram(buildAceBasis(specification));
}

function structure(
  positions: readonly (readonly number[])[],
  cell: readonly number[] | null,
  pbc: readonly [boolean, boolean, boolean],
  elements: 1 | 2,
): Structure {
  const species = positions.map((_, i) => (elements === 2 && i % 2 === 1 ? 14 : 6));
  return {
    positions: Float64Array.from(positions.flat()),
    cell: cell && Float64Array.from(cell),
    pbc,
    species: Uint8Array.from(elements === 1 ? species.map(() => 14) : species),
  };
}

/** Atoms at random in a box, no two closer than 1.6 Å (inside the inner cutoff, so that the core acts). */
function scatter(count: number, box: readonly number[], seed: number): number[][] {
  const stream = new RandomStream(seed, 'scatter');
  const atoms: number[][] = [];
  while (atoms.length < count) {
    const atom = box.map((side) => side * stream.uniform());
    if (atoms.every((other) => Math.hypot(...other.map((c, d) => c - atom[d]!)) > 1.6)) atoms.push(atom);
  }
  return atoms;
}

const STRUCTURES: Record<string, (elements: 1 | 2) => Structure> = {
  molecule: (e) => structure(scatter(6, [4, 4, 4], 1), null, OPEN, e),
  slab: (e) => structure(scatter(6, [5, 5, 3], 2), [5.2, 0, 0, 0, 5.4, 0, 0, 0, 0], [true, true, false], e),
  crystal: (e) => {
    const r = new RandomStream(3, 'rattle');
    const sites = [
      [0, 0, 0],
      [1.36, 1.36, 1.36],
      [0, 2.72, 2.72],
      [1.36, 4.07, 4.07],
      [2.72, 0, 2.72],
      [4.07, 1.36, 4.07],
      [2.72, 2.72, 0],
      [4.07, 4.07, 1.36],
    ];
    const rattled = sites.map((site) => site.map((c) => c + 0.15 * r.normal()));
    return structure(rattled, [5.43, 0, 0, 0, 5.43, 0, 0, 0, 5.43], PERIODIC, e);
  },
  triclinic: (e) =>
    structure(scatter(4, [3.4, 3.4, 3.4], 4), [4.6, 0.2, 0, 1.3, 4.4, 0.4, -0.7, 0.9, 4.9], PERIODIC, e),
  'cell smaller than the cutoff': (e) =>
    structure(
      [
        [0.1, 0, 0],
        [1.3, 1.4, 1.2],
      ].slice(0, e),
      [2.3, 0, 0.2, 0.1, 2.5, 0, 0, 0.3, 2.7],
      PERIODIC,
      e,
    ),
};

function weightsFor(program: AceProgram, seed = 1): Float64Array {
  const stream = new RandomStream(seed, 'weights');
  return Float64Array.from({ length: program.size }, () => stream.normal());
}

function rowsOf(program: AceProgram, s: Structure): StructureRows {
  let found: StructureRows | undefined;
  program.rows([s], (_, rows) => {
    found = rows;
  });
  return found!;
}

/** positions and cell times a 3×3 matrix (rows of `m` are the images of x, y, z). */
function transform(s: Structure, m: readonly number[]): Structure {
  const apply = (rows: Float64Array): Float64Array =>
    rows.map((_, k) => {
      const row = k - (k % 3);
      return rows[row]! * m[k % 3]! + rows[row + 1]! * m[3 + (k % 3)]! + rows[row + 2]! * m[6 + (k % 3)]!;
    });
  return { ...s, positions: apply(s.positions), cell: s.cell && apply(s.cell) };
}

const ROTATION = ((): number[] => {
  const [a, b, c, d] = [0.5, -0.1, 0.7, 0.5];
  const n = a * a + b * b + c * c + d * d;
  // biome-ignore format: a matrix
  return [
    a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c),
    2 * (b * c + a * d), a * a - b * b + c * c - d * d, 2 * (c * d - a * b),
    2 * (b * d - a * c), 2 * (c * d + a * b), a * a - b * b - c * c + d * d,
  ].map((value) => value / n);
})();

function largest(values: ArrayLike<number>): number {
  return Math.max(...Array.from(values, Math.abs));
}

const CASES: [PresetName, 1 | 2][] = [
  ['small', 1],
  ['small', 2],
  ['medium', 1],
  ['medium', 2],
];
const elementsOf = (e: 1 | 2): string[] => (e === 1 ? ['Si'] : ['C', 'Si']);

describe.each(CASES)('symmetries of preset %s with %i element(s)', (preset, e) => {
  const program = presetProgram(preset, elementsOf(e));
  const w = weightsFor(program);
  const s = STRUCTURES.triclinic!(e);
  const before = program.evaluate([s], w)[0]!;
  const b = program.descriptors([s])[0]!;
  const scale = largest(b);

  it.each([
    ['rotation', ROTATION],
    ['inversion', [-1, 0, 0, 0, -1, 0, 0, 0, -1]],
  ])('%s', (_, m) => {
    const moved = transform(s, m);
    const after = program.evaluate([moved], w)[0]!;
    expect(program.descriptors([moved])[0]).toAgree(b, { atol: 1e-12 * scale, why: 'invariants, rounding only' });
    expect(after.energy).toAgree(before.energy, { rtol: 1e-12, why: 'rounding of a sum of about 1e3 terms' });
    const turned = transform({ ...s, positions: before.forces, cell: null }, m).positions;
    expect(after.forces).toAgree(turned, { atol: 1e-11 * largest(before.forces), why: 'forces turn with the atoms' });
  });

  it('permutation, translation and wrapping', () => {
    const n = s.species.length;
    const order = [2, 0, 3, 1];
    const permuted: Structure = {
      ...s,
      positions: Float64Array.from(order.flatMap((i) => [...s.positions.subarray(3 * i, 3 * i + 3)])),
      species: Uint8Array.from(order, (i) => s.species[i]!),
    };
    const after = program.evaluate([permuted], w)[0]!;
    expect(after.energy).toAgree(before.energy, { rtol: 1e-12, why: 'another order of the sums' });
    expect(after.atomEnergies).toAgree(
      order.map((i) => before.atomEnergies[i]!),
      { rtol: 1e-10, why: 'another order of the sums' },
    );
    const wrapped = s.positions.map((x, k) => x + 0.37 + (k < 3 ? s.cell![k]! - 2 * s.cell![6 + k]! : 0));
    const shifted = program.evaluate([{ ...s, positions: wrapped }], w)[0]!;
    expect(shifted.energy).toAgree(before.energy, { rtol: 1e-11, why: 'positions rounded anew' });
    expect(n).toBe(4);
  });

  it('replication: twice the cell, twice the energy', () => {
    const n = s.species.length;
    const cell = s.cell!.map((x, k) => (k < 3 ? 2 * x : x));
    const second = s.positions.map((x, k) => x + s.cell![k % 3]!);
    const double: Structure = {
      ...s,
      cell,
      positions: Float64Array.from([...s.positions, ...second]),
      species: Uint8Array.from([...s.species, ...s.species]),
    };
    const after = program.evaluate([double], w)[0]!;
    expect(after.energy).toAgree(2 * before.energy, { rtol: 1e-12, why: 'rounding only' });
    expect(after.virial).toAgree(
      before.virial.map((x) => 2 * x),
      { atol: 1e-11 * largest(before.virial), why: 'rounding only' },
    );
    expect(after.forces.subarray(3 * n)).toAgree(before.forces, {
      atol: 1e-11 * largest(before.forces),
      why: 'rounding',
    });
  });
});

describe.each(CASES)('derivatives of preset %s with %i element(s)', (preset, e) => {
  const program = presetProgram(preset, elementsOf(e));
  const w = weightsFor(program);

  it.each(Object.keys(STRUCTURES))('%s: forces, virial and rows', (name) => {
    const s = STRUCTURES[name]!(e);
    const n = s.species.length;
    const d = program.size;
    const result = program.evaluate([s], w)[0]!;
    const energyOf = (moved: Structure): number => program.evaluate([moved], w)[0]!.energy;

    const stream = new RandomStream(7, name);
    const direction = Float64Array.from({ length: 3 * n }, () => stream.normal());
    const h = 1e-5;
    const along = (step: number): Structure => ({
      ...s,
      positions: s.positions.map((x, k) => x + step * direction[k]!),
    });
    const slope = (energyOf(along(h)) - energyOf(along(-h))) / (2 * h);
    const expected = -result.forces.reduce((sum, f, k) => sum + f * direction[k]!, 0);
    const size = largest(result.forces) * Math.sqrt(3 * n);
    expect(slope).toAgree(expected, { atol: 1e-7 * size + 1e-9 * Math.abs(result.energy), why: 'h² and rounding/h' });

    const strain = Float64Array.from({ length: 6 }, () => stream.normal());
    const strained = (step: number): Structure => {
      const [xx, yy, zz, yz, xz, xy] = strain.map((x) => step * x) as unknown as number[];
      return transform(s, [1 + xx!, xy! / 2, xz! / 2, xy! / 2, 1 + yy!, yz! / 2, xz! / 2, yz! / 2, 1 + zz!]);
    };
    const byStrain = (energyOf(strained(h)) - energyOf(strained(-h))) / (2 * h);
    const work = -result.virial.reduce((sum, x, k) => sum + x * strain[k]!, 0);
    const virialSize = largest(result.virial) + 1e-3 * Math.abs(result.energy);
    expect(byStrain).toAgree(work, { atol: 1e-6 * virialSize, why: 'h² and rounding/h' });

    for (let c = 0; c < 3; c++) {
      const net = result.forces.reduce((sum, f, k) => sum + (k % 3 === c ? f : 0), 0);
      expect(net).toAgree(0, { atol: 1e-12 * n * (1 + largest(result.forces)), why: 'Newton: no net force' });
    }

    const rows = rowsOf(program, s);
    const product = (matrix: Float64Array, count: number): number[] =>
      Array.from({ length: count }, (_, r) => w.reduce((sum, x, v) => sum + x * matrix[r * d + v]!, 0));
    const whole = product(rows.energy, 1)[0]! + rows.baseline.energy;
    const tolerance = (values: Float64Array) => ({
      atol: 1e-12 * (1 + largest(values)),
      why: 'two routes to the same sum',
    });
    expect(whole).toAgree(result.energy, { rtol: 1e-12, atol: 1e-12, why: 'two routes to the same sum' });
    expect(product(rows.forces, 3 * n).map((f, k) => f + rows.baseline.forces[k]!)).toAgree(
      result.forces,
      tolerance(result.forces),
    );
    expect(product(rows.virial, 6).map((x, k) => x + rows.baseline.virial[k]!)).toAgree(
      result.virial,
      tolerance(result.virial),
    );
    expect(rows.atoms).toAgree(program.descriptors([s])[0]!, { why: 'the same code' });
  });
});

describe('a cluster', () => {
  const program = presetProgram('small', ['C', 'Si']);
  const s = STRUCTURES.molecule!(2);
  const { forces, virial } = program.evaluate([s], weightsFor(program))[0]!;

  it('has the virial Σ r ⊗ F and no net torque', () => {
    const outer = (a: number, b: number): number =>
      Array.from(s.species).reduce((sum, _, i) => sum + s.positions[3 * i + a]! * forces[3 * i + b]!, 0);
    const tolerance = { atol: 1e-11 * largest(virial), why: 'rounding only' };
    expect([outer(0, 0), outer(1, 1), outer(2, 2), outer(1, 2), outer(0, 2), outer(0, 1)]).toAgree(virial, tolerance);
    expect([outer(1, 2) - outer(2, 1), outer(2, 0) - outer(0, 2), outer(0, 1) - outer(1, 0)]).toAgree(
      [0, 0, 0],
      tolerance,
    );
  });

  it('a fine step brings the finite difference down as its square', () => {
    const w = weightsFor(program);
    const energyOf = (step: number): number => {
      const positions = s.positions.slice();
      positions[4]! += step;
      return program.evaluate([{ ...s, positions }], w)[0]!.energy;
    };
    const errorAt = (h: number): number => Math.abs((energyOf(h) - energyOf(-h)) / (2 * h) + forces[4]!);
    expect(errorAt(1e-4) / errorAt(1e-2)).toBeLessThan(1e-3);
  });
});

describe('cutoffs', () => {
  const program = presetProgram('medium');
  const w = weightsFor(program);
  const trimer = (r: number): Structure =>
    structure(
      [
        [0, 0, 0],
        [2.2, 0, 0],
        [0, r, 0],
      ],
      null,
      OPEN,
      1,
    );
  const at = (r: number) => program.evaluate([trimer(r)], w)[0]!;

  it('energy and force pass the cutoff without a jump', () => {
    const inside = at(PAIR.cutoff - 1e-5);
    const outside = at(PAIR.cutoff + 1e-9);
    expect(inside.energy).toAgree(outside.energy, { atol: 1e-10, why: 'R vanishes as the cube of the distance left' });
    expect(inside.forces).toAgree(outside.forces, { atol: 1e-4, why: 'and its slope as the square' });
  });

  it('energy and force pass the edges of the inner switch without a jump', () => {
    for (const edge of [PAIR.innerCutoff, PAIR.innerCutoff - PAIR.innerWidth]) {
      const [below, above] = [at(edge - 1e-7), at(edge + 1e-7)];
      const slope = largest(above.forces);
      expect(below.energy).toAgree(above.energy, { atol: 1e-6 * slope, why: 'a step of 2e-7 Å' });
      expect(below.forces).toAgree(above.forces, { atol: 1e-3 * slope, why: 'a step of 2e-7 Å' });
    }
  });

  it('far atoms have no energy, no force and zero descriptors', () => {
    const far = structure(
      [
        [0, 0, 0],
        [9, 0, 0],
      ],
      null,
      OPEN,
      1,
    );
    const result = program.evaluate([far], w)[0]!;
    expect(result.energy).toBe(0);
    expect(largest(result.forces)).toBe(0);
    expect(largest(program.descriptors([far])[0]!)).toBe(0);
  });

  it('below the inner switch only the core repulsion acts, and it repels', () => {
    const close = structure(
      [
        [0, 0, 0],
        [1.2, 0, 0],
      ],
      null,
      OPEN,
      1,
    );
    const rows = rowsOf(program, close);
    expect(largest(rows.forces)).toBe(0);
    expect(rows.baseline.energy).toBeGreaterThan(0);
    expect(rows.baseline.forces[3]).toBeGreaterThan(0);
    expect(program.evaluate([close], w)[0]).toEqual(rows.baseline);
  });
});

describe('refusals', () => {
  const program = presetProgram('small');

  it('refuses foreign species, coinciding atoms and weights of another length', () => {
    const w = weightsFor(program);
    const foreign = STRUCTURES.molecule!(2);
    expect(() => program.evaluate([foreign], w)).toThrowError('species must be one of Si, got C (atom 0)');
    const close = structure(
      [
        [0, 0, 0],
        [0, 0, 5e-4],
      ],
      null,
      OPEN,
      1,
    );
    expect(() => program.descriptors([close])).toThrowError(
      'distance of atoms 0 and 1 must be at least 0.001 Å, got 0.0005 Å',
    );
    expect(() => program.evaluate([], w.subarray(1))).toThrowError('weights must have length 122, got 121');
  });

  it('gives one result per structure of a batch, none for an empty one, and no neighbours no energy', () => {
    const empty: Structure = { positions: new Float64Array(0), cell: null, pbc: OPEN, species: new Uint8Array(0) };
    const alone = structure([[0, 0, 0]], null, OPEN, 1);
    const [nothing, single] = program.evaluate([empty, alone], weightsFor(program));
    expect(nothing!.energy).toBe(0);
    expect(single!.energy).toBe(0);
    expect(program.evaluate([], weightsFor(program))).toEqual([]);
    const seen: number[] = [];
    program.rows([empty, alone], (index, rows) => seen.push(index, rows.forces.length));
    expect(seen).toEqual([0, 0, 1, 3 * program.size]);
    program.dispose();
  });
});

describe('preset large', () => {
  it('evaluates and its rows agree', () => {
    const program = presetProgram('large');
    expect(program.size).toBe(989);
    const w = weightsFor(program);
    const s = STRUCTURES.triclinic!(1);
    const result = program.evaluate([s], w)[0]!;
    const turned = program.evaluate([transform(s, ROTATION)], w)[0]!;
    expect(turned.energy).toAgree(result.energy, { rtol: 1e-12, why: 'rounding of a sum of about 1e4 terms' });
    const rows = rowsOf(program, s);
    const energy = w.reduce((sum, x, v) => sum + x * rows.energy[v]!, rows.baseline.energy);
    expect(energy).toAgree(result.energy, { rtol: 1e-12, why: 'two routes to the same sum' });
    program.dispose();
  });
});

describe('independence', () => {
  it('preset small has full numerical rank on random environments', () => {
    const program = presetProgram('small');
    const d = program.size;
    const vectors: Float64Array[] = Array.from({ length: d }, () => new Float64Array(400));
    for (let k = 0; k < 400; k++) {
      const s = structure([[2.5, 2.5, 2.5], ...scatter(9, [5, 5, 5], 100 + k)], null, OPEN, 1);
      const b = program.descriptors([s])[0]!;
      for (let v = 0; v < d; v++) vectors[v]![k] = b[v]!;
    }
    // Modified Gram–Schmidt on unit columns: what is left of each after projecting out those before it.
    let smallest = 1;
    vectors.forEach((column, v) => {
      const unit = (x: Float64Array): number => {
        const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
        x.forEach((value, k) => {
          x[k] = value / norm;
        });
        return norm;
      };
      unit(column);
      for (let pass = 0; pass < 2; pass++) {
        for (let u = 0; u < v; u++) {
          const other = vectors[u]!;
          const overlap = column.reduce((sum, value, k) => sum + value * other[k]!, 0);
          for (let k = 0; k < column.length; k++) column[k] = column[k]! - overlap * other[k]!;
        }
      }
      smallest = Math.min(smallest, unit(column));
    });
    expect(smallest).toBeGreaterThan(1e-6);
  });
});
