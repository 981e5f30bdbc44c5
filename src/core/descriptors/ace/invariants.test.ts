/** The invariants against what they are: sums over tuples of neighbours of functions of distances and angles. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { countFunctions } from './count.ts';
import { buildAceBasis, functionLabel } from './enumerate.ts';
import { createAceProgram } from './program.ts';
import { SphericalBessel } from './radial.ts';

const CUTOFF = 5;
const PAIR: AcePair = { cutoff: CUTOFF, innerCutoff: 0, innerWidth: 0, core: { prefactor: 0, lambda: 0 } };

function specification(
  elements: readonly string[],
  nmax: readonly number[],
  lmax: readonly number[],
): AceSpecification {
  return { elements, radial: 'SBessel', nmax, lmax, pairs: elements.map(() => elements.map(() => PAIR)) };
}

/** An atom at the origin with m neighbours at random within the cutoff. */
function cluster(m: number, seed: number, numbers: readonly number[] = [14]): Structure {
  const stream = new RandomStream(seed, 'cluster', m);
  const positions = new Float64Array(3 * (m + 1));
  for (let j = 1; j <= m; j++) {
    const v = [stream.normal(), stream.normal(), stream.normal()];
    const r = 1.2 + 3.3 * stream.uniform();
    v.forEach((x, d) => {
      positions[3 * j + d] = (r * x) / Math.hypot(...v);
    });
  }
  const species = Uint8Array.from({ length: m + 1 }, (_, j) => numbers[j % numbers.length]!);
  return { positions, cell: null, pbc: [false, false, false], species };
}

/** Radial functions g_n(r_j) [m][n] and unit vectors of the neighbours of atom 0. */
function surroundings(structure: Structure, count: number): { g: number[][]; u: number[][]; species: number[] } {
  const radial = new SphericalBessel(CUTOFF, count);
  const [values, slopes] = [new Float64Array(count), new Float64Array(count)];
  const g: number[][] = [];
  const u: number[][] = [];
  for (let j = 1; j < structure.species.length; j++) {
    const v = [...structure.positions.subarray(3 * j, 3 * j + 3)];
    const r = Math.hypot(...v);
    radial.evaluate(r, values, slopes, 0);
    g.push([...values]);
    u.push(v.map((x) => x / r));
  }
  return { g, u, species: [...structure.species.subarray(1)] };
}

const dot = (a: readonly number[], b: readonly number[]): number => a[0]! * b[0]! + a[1]! * b[1]! + a[2]! * b[2]!;
const triple = (a: readonly number[], b: readonly number[], c: readonly number[]): number =>
  a[0]! * (b[1]! * c[2]! - b[2]! * c[1]!) +
  a[1]! * (b[2]! * c[0]! - b[0]! * c[2]!) +
  a[2]! * (b[0]! * c[1]! - b[1]! * c[0]!);

function legendre(l: number, x: number): number {
  let [before, p] = [1, x];
  if (l === 0) return 1;
  for (let k = 1; k < l; k++) [before, p] = [p, ((2 * k + 1) * x * p - k * before) / (k + 1)];
  return p;
}

describe('invariants of one atom', () => {
  it('of order 1 are sums of radial functions, of order 2 of Legendre polynomials of angles', () => {
    const basis = buildAceBasis(specification(['Si'], [5, 3], [0, 6]));
    const program = createAceProgram(basis);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.nat({ max: 500 }), (m, seed) => {
        const structure = cluster(m, seed);
        const { g, u } = surroundings(structure, 5);
        const [got] = program.descriptors([structure]);
        basis.functions[0]!.forEach(({ order, ns, ls }, v) => {
          let expected = 0;
          for (let j = 0; j < m; j++) {
            if (order === 1) expected += g[j]![ns[0]! - 1]!;
            else {
              const l = ls[0]!;
              const factor = (l % 2 === 0 ? 1 : -1) * Math.sqrt(2 * l + 1);
              for (let k = 0; k < m; k++) {
                expected += factor * g[j]![ns[0]! - 1]! * g[k]![ns[1]! - 1]! * legendre(l, dot(u[j]!, u[k]!));
              }
            }
          }
          expect(got![v]).toAgree(expected, { atol: 1e-11, why: 'sums of a hundred terms of order 1' });
        });
      }),
      { numRuns: 20 },
    );
  });

  /** Invariant polynomials of three and four unit vectors that the couplings must be multiples of. */
  const POLYNOMIALS: readonly [
    string,
    readonly number[],
    readonly number[],
    (u: readonly (readonly number[])[]) => number,
  ][] = [
    ['(0,1,1)', [0, 1, 1], [], ([, b, c]) => dot(b!, c!)],
    ['(1,1,2)', [1, 1, 2], [], ([a, b, c]) => dot(a!, c!) * dot(b!, c!) - dot(a!, b!) / 3],
    [
      '(2,2,2)',
      [2, 2, 2],
      [],
      ([a, b, c]) => {
        const [x, y, z] = [dot(a!, b!), dot(b!, c!), dot(c!, a!)];
        return x * y * z - (x * x + y * y + z * z) / 3 + 2 / 9;
      },
    ],
    ['(1,1,1,1), L = 0', [1, 1, 1, 1], [0, 0], ([a, b, c, d]) => dot(a!, b!) * dot(c!, d!)],
    ['(1,1,1,1), L = 1', [1, 1, 1, 1], [1, 1], ([a, b, c, d]) => dot(a!, c!) * dot(b!, d!) - dot(a!, d!) * dot(b!, c!)],
    [
      '(1,1,1,1), L = 2',
      [1, 1, 1, 1],
      [2, 2],
      ([a, b, c, d]) => dot(a!, c!) * dot(b!, d!) + dot(a!, d!) * dot(b!, c!) - (2 / 3) * dot(a!, b!) * dot(c!, d!),
    ],
  ];

  it.each(POLYNOMIALS)(
    '%s: one multiple of its polynomial of angles, for any neighbours',
    (_, ls, couplings, polynomial) => {
      const order = ls.length;
      const nmax = [order, ...new Array<number>(order - 1).fill(order)];
      const lmax = [0, ...new Array<number>(order - 1).fill(Math.max(...ls))];
      const kept = order === 3 ? { nmax, lmax } : { nmax: [4, 1, 1, 4], lmax: [0, 0, 0, 1] };
      const basis = buildAceBasis(specification(['Si'], kept.nmax, kept.lmax), { perElement: 1e4, total: 1e4 });
      // Different n in every slot, so that nothing merges.
      const v = basis.functions[0]!.findIndex(
        (fn) =>
          fn.ns.join() === ls.map((__, t) => t + 1).join() &&
          fn.ls.join() === ls.join() &&
          (order === 3 || fn.couplings.join() === couplings.join()),
      );
      expect(v).toBeGreaterThanOrEqual(0);
      const program = createAceProgram(basis);
      const ratios: number[] = [];
      for (let seed = 0; seed < 8; seed++) {
        const structure = cluster(3 + (seed % 3), seed);
        const { g, u } = surroundings(structure, order);
        let expected = 0;
        const visit = (chosen: number[]): void => {
          if (chosen.length === order) {
            let product = polynomial(chosen.map((j) => u[j]!));
            chosen.forEach((j, t) => {
              product *= g[j]![t]!;
            });
            expected += product;
            return;
          }
          for (let j = 0; j < g.length; j++) visit([...chosen, j]);
        };
        visit([]);
        ratios.push(program.descriptors([structure])[0]![v]! / expected);
      }
      expect(ratios).toAgree(new Array(8).fill(ratios[0]!), {
        rtol: 1e-7,
        why: 'sums that may cancel by a few digits',
      });
      expect(Math.abs(ratios[0]!)).toBeGreaterThan(0.1);
    },
  );

  it('see no handedness: a cluster and its mirror image agree, though their triple products differ', () => {
    const basis = buildAceBasis(specification(['Si'], [4, 3, 2, 2], [0, 3, 2, 1]));
    const program = createAceProgram(basis);
    const structure = cluster(6, 3);
    const mirrored = { ...structure, positions: structure.positions.map((x, k) => (k % 3 === 0 ? -x : x)) };
    const { u } = surroundings(structure, 1);
    const { u: w } = surroundings(mirrored, 1);
    expect(triple(w[0]!, w[1]!, w[2]!)).toAgree(-triple(u[0]!, u[1]!, u[2]!), { atol: 1e-14, why: 'a reflection' });
    const [a, b] = program.descriptors([structure, mirrored]);
    expect(b).toAgree(a, { rtol: 1e-12, atol: 1e-12, why: 'invariance' });
  });

  it('scale with lengths: g ∝ r_c^{−3/2}, so an invariant of order ν goes as s^{−3ν/2}', () => {
    const small = specification(['Si'], [4, 2, 2], [0, 2, 1]);
    fc.assert(
      fc.property(fc.double({ min: 0.3, max: 3, noNaN: true }), fc.nat({ max: 100 }), (s, seed) => {
        const wide = { ...small, pairs: [[{ ...PAIR, cutoff: s * CUTOFF }]] };
        const structure = cluster(7, seed);
        const larger = { ...structure, positions: structure.positions.map((x) => s * x) };
        const [a, b] = [buildAceBasis(small), buildAceBasis(wide)];
        const [before] = createAceProgram(a).descriptors([structure]);
        const [after] = createAceProgram(b).descriptors([larger]);
        a.functions[0]!.forEach(({ order }, v) => {
          const factor = Math.exp(-1.5 * order * Math.log(s));
          expect(after![v]).toAgree(factor * before![v]!, {
            rtol: 1e-10,
            atol: 1e-12 * factor,
            why: 'a change of unit',
          });
        });
      }),
      { numRuns: 15 },
    );
  });
});

describe('bases', () => {
  it('of more elements hold those of fewer: an element alone sees only itself', () => {
    const one = buildAceBasis(specification(['Si'], [5, 2, 2], [0, 2, 1]));
    const two = buildAceBasis(specification(['C', 'Si'], [5, 2, 2], [0, 2, 1]));
    const structure = cluster(8, 5);
    const [alone] = createAceProgram(one).descriptors([structure]);
    const [among] = createAceProgram(two).descriptors([structure]);
    const width = two.functions[1]!.length;
    const own = two.functions[1]!.flatMap((fn, v) => (fn.mus.every((mu) => mu === 1) ? [v] : []));
    expect(own).toHaveLength(one.functions[0]!.length);
    own.forEach((v, k) => {
      expect(among![v]).toAgree(alone![k], { rtol: 1e-12, atol: 1e-13, why: 'the same sum' });
    });
    two.functions[1]!.forEach(({ mus }, v) => {
      if (mus.includes(0)) expect(among![v]).toBe(0);
    });
    expect(among!.length).toBe(9 * width);
  });

  it('name elements only: a crystal of the other element has the same numbers in the other block', () => {
    const basis = buildAceBasis(specification(['C', 'Si'], [4, 2, 1], [0, 2, 1]));
    const program = createAceProgram(basis);
    const structure = cluster(9, 6, [6, 14]);
    const exchanged = { ...structure, species: structure.species.map((z) => (z === 6 ? 14 : 6)) };
    const [a, b] = program.descriptors([structure, exchanged]);
    const functions = basis.functions[0]!;
    const names = functions.map(functionLabel);
    functions.forEach((fn, v) => {
      if (fn.order > 2) return;
      // The partner has its elements exchanged; slots are sorted, so they may change places.
      const slots = fn.mus.map((mu, t) => [1 - mu, fn.ns[t]!, fn.ls[t]!] as const);
      slots.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
      const label = `${slots.map(([mu]) => mu)}|${slots.map(([, n]) => n)}|${slots.map(([, , l]) => l)}|`;
      const partner = names.indexOf(label);
      expect(partner).toBeGreaterThanOrEqual(0);
      expect(b![partner]).toAgree(a![v], { rtol: 1e-12, atol: 1e-13, why: 'the same sum' });
    });
  });

  it('grow: a larger nmax or lmax keeps every function and its value', () => {
    const sizes = fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 0, max: 2 }));
    fc.assert(
      fc.property(sizes, sizes, fc.integer({ min: 0, max: 2 }), ([n2, l2], [n3, l3], more) => {
        const small = buildAceBasis(specification(['Si'], [3, n2, n3], [0, l2, l3]));
        const large = buildAceBasis(specification(['Si'], [4, n2 + 1, n3], [0, l2 + more, l3]));
        const structure = cluster(5, 8);
        const values = new Map<string, number>();
        const [big] = createAceProgram(large).descriptors([structure]);
        large.functions[0]!.forEach((fn, v) => {
          values.set(functionLabel(fn), big![v]!);
        });
        const [few] = createAceProgram(small).descriptors([structure]);
        small.functions[0]!.forEach((fn, v) => {
          expect(few![v]).toAgree(values.get(functionLabel(fn)), {
            rtol: 1e-11,
            atol: 1e-12,
            why: 'the same function',
          });
        });
      }),
      { numRuns: 12 },
    );
  });

  it.each([
    ['one element, orders to 4', ['Si'], [14], [4, 3, 2, 2], [0, 3, 2, 2]],
    ['order 5', ['Si'], [14], [2, 1, 1, 1, 2], [0, 1, 1, 1, 1]],
    ['two elements', ['C', 'Si'], [6, 14], [3, 2, 2], [0, 2, 1]],
    ['equal slots', ['Si'], [14], [1, 1, 1, 1], [0, 4, 4, 3]],
  ] as const)('span as many directions as they have functions: %s', (_, elements, numbers, nmax, lmax) => {
    const basis = buildAceBasis(specification(elements, nmax, lmax), { perElement: 1e4, total: 1e4 });
    const d = basis.functions[0]!.length;
    expect(d).toBe(countFunctions(elements.length, nmax, lmax).reduce((sum, k) => sum + k, 0));
    const program = createAceProgram(basis);
    const block = elements.length - 1;
    const rows: Float64Array[] = [];
    for (let seed = 0; rows.length < d + 20; seed++) {
      // Atom 0 is of the last element.
      const structure = cluster(4 + (seed % 9), seed, [...numbers].reverse());
      rows.push(program.descriptors([structure])[0]!.slice(0, basis.functions[block]!.length));
    }
    // Modified Gram–Schmidt on columns of unit length: what is left of each is what it alone can say.
    const columns = Array.from({ length: d }, (__, v) => Float64Array.from(rows, (row) => row[v]!));
    const unit = (x: Float64Array): number => {
      const norm = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
      for (let i = 0; i < x.length; i++) x[i]! /= norm;
      return norm;
    };
    columns.forEach(unit);
    let least = 1;
    columns.forEach((column, v) => {
      for (let pass = 0; pass < 2; pass++) {
        for (let w = 0; w < v; w++) {
          const overlap = columns[w]!.reduce((sum, value, i) => sum + value * column[i]!, 0);
          for (let i = 0; i < column.length; i++) column[i]! -= overlap * columns[w]![i]!;
        }
      }
      least = Math.min(least, unit(column));
    });
    expect(least).toBeGreaterThan(1e-7);
  });
});
