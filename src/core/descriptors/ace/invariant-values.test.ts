import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import { buildAceBasis } from './enumerate.ts';
import { InvariantValues } from './invariant-values.ts';
import { productPotential } from './product-basis.ts';
import { createAceProgram } from './program.ts';
import { unionOf } from './specification.ts';

const pair = { cutoff: 4.4, innerCutoff: 1.5, innerWidth: 0.4, core: { prefactor: 0, lambda: 1 } };
const basis = buildAceBasis({
  elements: ['C', 'Si'],
  radial: 'SBessel',
  ...unionOf([
    { nmax: [4, 2, 1], lmax: [0, 3, 1] },
    { order: 4, degree: 5, weight: 0.5 },
  ]),
  pairs: [
    [pair, { ...pair, cutoff: 4.1 }],
    [
      { ...pair, cutoff: 4.1 },
      { ...pair, innerCutoff: 0, innerWidth: 0 },
    ],
  ],
});
const size = basis.functions[0]!.length;
const { bonds } = productPotential(basis, new Float64Array(2 * size), [0, 0]);
const values = new InvariantValues(
  ['C', 'Si'],
  bonds,
  basis.functions.map((functions) =>
    functions.map(({ mus, ns, ls, ms, coefficients }) => ({ mus, ns, ls, terms: { ms, coefficients } })),
  ),
);

function structure(seed: number, periodic: boolean): Structure {
  const random = new RandomStream(seed, 'structure');
  const positions = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((i) =>
    [i & 1, (i >> 1) & 1, i >> 2].map((x) => 2 * x + 0.2 * random.normal()),
  );
  return {
    positions: Float64Array.from(positions),
    cell: periodic ? Float64Array.of(4.2, 0, 0, 0.3, 4.1, 0, 0, 0.2, 4.3) : null,
    pbc: [periodic, periodic, periodic],
    species: Uint8Array.of(6, 14, 6, 14, 14, 14, 6, 14),
  };
}

describe('values of invariants', () => {
  it.each([
    [1, true],
    [2, false],
    [3, true],
  ])(
    'are those of the program of the basis, orders to 4, couplings and all (structure %i, periodic %s)',
    (seed, periodic) => {
      const made = structure(seed, periodic);
      const expected = createAceProgram(basis).descriptors([made])[0]!;
      expect(values.width).toBe(size);
      expect(values.evaluate(made)).toAgree(expected, { rtol: 1e-10, atol: 1e-11, why: 'another order of summation' });
    },
  );

  it('are 0 far away, and the same whatever was evaluated before', () => {
    const alone = { ...structure(1, false), positions: Float64Array.of(0, 0, 0), species: Uint8Array.of(6) };
    const before = values.evaluate(structure(1, true));
    expect(values.evaluate(alone)).toEqual(new Float64Array(size));
    expect(values.evaluate(structure(1, true))).toEqual(before);
  });

  it('mix radial functions as the bond says', () => {
    const mixed = bonds.map((row) =>
      row.map((bond) => ({ ...bond, coefficients: bond.coefficients.map((c) => 2 * c) })),
    );
    const functions = basis.functions.map((own) =>
      own.map(({ mus, ns, ls, ms, coefficients }) => ({ mus, ns, ls, terms: { ms, coefficients } })),
    );
    const doubled = new InvariantValues(['C', 'Si'], mixed, functions).evaluate(structure(4, true));
    const plain = values.evaluate(structure(4, true));
    plain.forEach((value, k) => {
      const { order } = basis.functions[0]![k % size]!;
      expect(doubled[k]).toAgree(value * (order === 1 ? 1 : 1 << order), {
        rtol: 1e-12,
        atol: 1e-13,
        why: 'products of mixed functions, order 1 is not mixed',
      });
    });
  });

  it('know their elements and that atoms must not coincide', () => {
    const made = structure(1, false);
    expect(() => values.evaluate({ ...made, species: made.species.map(() => 8) })).toThrow(
      'species must be one of C, Si',
    );
    const positions = made.positions.slice();
    positions.copyWithin(3, 0, 3);
    expect(() => values.evaluate({ ...made, positions })).toThrow();
  });
});
