import { describe, expect, it } from 'vitest';
import type { AcePair, AceSpecification } from './basis.ts';
import { canonicalSpecification, checkSpecification } from './specification.ts';

const PAIR: AcePair = { cutoff: 5, innerCutoff: 1.6, innerWidth: 0.4, core: { prefactor: 10, lambda: 2 } };
const good: AceSpecification = {
  elements: ['C', 'Si'],
  radial: 'SBessel',
  nmax: [3, 2],
  lmax: [0, 1],
  pairs: [
    [PAIR, PAIR],
    [PAIR, PAIR],
  ],
};
const one = (pair: Partial<AcePair>): AceSpecification => ({
  ...good,
  elements: ['Si'],
  pairs: [[{ ...PAIR, ...pair }]],
});

describe('checkSpecification', () => {
  it('accepts what can be built, the limits included', () => {
    const specifications = [
      good,
      one({ innerCutoff: 0, innerWidth: 0 }),
      one({ innerCutoff: 0, innerWidth: 0.3 }),
      one({ core: { prefactor: 0, lambda: -3 } }),
      one({ innerCutoff: 4.999, innerWidth: 4.998 }),
      { ...one({}), nmax: [1], lmax: [0] },
      { ...one({}), nmax: [1, 1, 1, 1, 1, 1], lmax: [0, 12, 0, 0, 0, 0] },
    ];
    for (const specification of specifications) expect(() => checkSpecification(specification)).not.toThrow();
  });

  it.each<[string, AceSpecification]>([
    ['an infinite cutoff', one({ cutoff: Number.POSITIVE_INFINITY })],
    ['a negative inner cutoff', one({ innerCutoff: -0.1 })],
    ['an inner cutoff that is no number', one({ innerCutoff: Number.NaN })],
    ['no width of an inner switch', one({ innerWidth: 0 })],
    ['a width that is no number', one({ innerWidth: Number.NaN })],
    ['a core that is no number', one({ core: { prefactor: 1, lambda: Number.NaN } })],
    ['an element twice', { ...good, elements: ['C', 'C'] }],
    ['half an n', { ...good, nmax: [3, 1.5] }],
    ['an l beyond 12', { ...good, lmax: [0, 13] }],
    ['orders beyond 6', { ...good, nmax: [1, 1, 1, 1, 1, 1, 1], lmax: [0, 0, 0, 0, 0, 0, 0] }],
    ['no orders', { ...good, nmax: [], lmax: [] }],
    ['a missing row of pairs', { ...good, pairs: [[PAIR, PAIR]] }],
    ['a missing pair', { ...good, pairs: [[PAIR, PAIR], [PAIR]] }],
  ])('refuses %s', (_, specification) => {
    expect(() => checkSpecification(specification)).toThrow(
      expect.objectContaining({ name: 'InputError', code: 'INVALID_BASIS' }),
    );
  });
});

describe('canonicalSpecification', () => {
  it('has one text for one meaning: keys in order, nothing else kept, nothing shared', () => {
    const shuffled = {
      comment: 'mine',
      pairs: good.pairs.map((row) =>
        row.map(({ core, cutoff, innerCutoff, innerWidth }) => ({
          note: 1,
          core: { lambda: core.lambda, extra: true, prefactor: core.prefactor },
          innerWidth,
          innerCutoff,
          cutoff,
        })),
      ),
      lmax: good.lmax,
      nmax: good.nmax,
      radial: good.radial,
      elements: good.elements,
    } as AceSpecification;
    const canonical = canonicalSpecification(shuffled);
    expect(JSON.stringify(canonical)).toBe(JSON.stringify(canonicalSpecification(good)));
    expect(canonical).toEqual(good);
    expect(canonical.elements).not.toBe(good.elements);
    expect(JSON.stringify(canonicalSpecification(canonical))).toBe(JSON.stringify(canonical));
  });
});
