import { describe, expect, it } from 'vitest';
import { neighborList } from '../../structure/neighbor-list.ts';
import type { Structure } from '../../structure/structure.ts';
import type { AceSpecification } from './basis.ts';
import { buildAceBasis } from './enumerate.ts';
import { Environment } from './environment.ts';
import { HARMONIC_STRIDE, harmonicIndex, SphericalHarmonics } from './harmonics.ts';
import { componentLayout } from './products.ts';
import { innerSwitch, SphericalBessel, switchedCoreRepulsion } from './radial.ts';

const core = { prefactor: 20, lambda: 0.5 };
const near = { cutoff: 3, innerCutoff: 1.5, innerWidth: 0.5, core };
const far = { cutoff: 4.5, innerCutoff: 1.8, innerWidth: 0.4, core };
const SPECIFICATION: AceSpecification = {
  elements: ['C', 'Si'],
  radial: 'SBessel',
  nmax: [4, 3],
  lmax: [0, 2],
  pairs: [
    [near, near],
    [near, far],
  ],
};
const layout = componentLayout(2, buildAceBasis(SPECIFICATION).functions);

function clusterOf(positions: readonly (readonly number[])[], elements: readonly number[]) {
  const structure: Structure = {
    positions: Float64Array.from(positions.flat()),
    cell: null,
    pbc: [false, false, false],
    species: Uint8Array.from(elements, (mu) => (mu === 0 ? 6 : 14)),
  };
  return { list: neighborList(structure, 4.5), elements: Uint8Array.from(elements) };
}

const POSITIONS = [
  [0, 0, 0],
  [1.4, 0.5, 0.1],
  [-0.6, 2.9, 1.2],
  [0.3, -1.1, 3.9],
];
const ELEMENTS = [1, 0, 1, 1];

describe('environment of an atom', () => {
  const { list, elements } = clusterOf(POSITIONS, ELEMENTS);
  const environment = new Environment(SPECIFICATION, layout);
  const values = new Float64Array(2 * layout.nElements * layout.perElement);
  environment.gather(list, 0, elements);
  environment.atomicBase(values);

  it('holds neighbours within the cutoff of their own pair', () => {
    expect(environment.size).toBe(3);
    expect([...environment.atoms.subarray(0, 3)]).toEqual([1, 2, 3]);
    expect([...environment.elements.subarray(0, 3)]).toEqual([0, 1, 1]);
    const carbon = new Environment(SPECIFICATION, layout);
    carbon.gather(list, 1, elements);
    // Atoms 2 and 3 are 3.3 and 4.3 Å away: beyond the cutoff of C–Si though not of Si–Si.
    expect([...carbon.atoms.subarray(0, carbon.size)]).toEqual([0]);
  });

  it('sums A = Σ_j R_n Y_lm with the inner switch, element by element', () => {
    const expected = new Float64Array(values.length);
    const harmonics = new SphericalHarmonics(2);
    const y = new Float64Array(HARMONIC_STRIDE * harmonics.count);
    const [g, dg, f] = [new Float64Array(4), new Float64Array(4), new Float64Array(2)];
    for (const j of [1, 2, 3]) {
      const vector = POSITIONS[j]!;
      const r = Math.hypot(...vector);
      const pair = ELEMENTS[j] === 0 ? near : far;
      new SphericalBessel(pair.cutoff, 4).evaluate(r, g, dg, 0);
      innerSwitch(r, pair.innerCutoff, pair.innerWidth, f);
      harmonics.evaluate(vector[0]! / r, vector[1]! / r, vector[2]! / r, y, 0);
      for (let l = 0; l <= 2; l++) {
        for (let m = 0; m <= l; m++) {
          const h = HARMONIC_STRIDE * harmonicIndex(l, m);
          for (let n = 0; n < (l === 0 ? 4 : 3); n++) {
            const c = ELEMENTS[j]! * layout.perElement + layout.starts[harmonicIndex(l, m)]! + n;
            expected[2 * c]! += g[n]! * (1 - f[0]!) * y[h]!;
            expected[2 * c + 1]! += g[n]! * (1 - f[0]!) * y[h + 1]!;
          }
        }
      }
    }
    expect(values).toAgree(expected, { atol: 1e-14, why: 'the same sums' });
  });

  it('sums the core of the pairs that overlap', () => {
    const out = new Float64Array(2);
    switchedCoreRepulsion(Math.hypot(...POSITIONS[1]!), near, out);
    expect(out[0]).toBeGreaterThan(0);
    expect(environment.coreEnergy).toBe(out[0]);
    expect([...environment.coreSlopes.subarray(0, 3)]).toEqual([out[1], 0, 0]);
  });

  it('reuses its buffers: a smaller surrounding after a larger one leaves nothing behind', () => {
    const fresh = new Environment(SPECIFICATION, layout);
    const [again, first] = [values.slice(), values.slice()];
    environment.gather(list, 3, elements);
    environment.atomicBase(again);
    fresh.gather(list, 3, elements);
    fresh.atomicBase(first);
    expect(again).toEqual(first);
    expect(environment.size).toBeLessThan(3);
  });
});
