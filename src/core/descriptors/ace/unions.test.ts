import { describe, expect, it } from 'vitest';
import type { AcePair, AceSpecification, FunctionSet } from './basis.ts';
import { buildAceBasis, functionLabel } from './enumerate.ts';
import { evaluationCost } from './evaluation-cost.ts';
import { setsContain } from './function-sets.ts';
import { basisLadder } from './ladder.ts';
import { canonicalSpecification, checkSpecification, unionOf } from './specification.ts';

const PAIR: AcePair = { cutoff: 5, innerCutoff: 1.6, innerWidth: 0.4, core: { prefactor: 10, lambda: 2 } };
const MANY = { perElement: 1e5, total: 1e6 };

function union(sets: readonly FunctionSet[], elements = ['Si']): AceSpecification {
  return { elements, radial: 'SBessel', ...unionOf(sets), pairs: elements.map(() => elements.map(() => PAIR)) };
}
const labelsOf = (specification: AceSpecification): string[] =>
  buildAceBasis(specification, MANY).functions[0]!.map(functionLabel);

const RECTANGLE: FunctionSet = { nmax: [4, 3, 2], lmax: [0, 3, 2] };
const PAIRS: FunctionSet = { order: 2, degree: 11, weight: 1.5 };

describe('unions', () => {
  it.each([[['Si']], [['C', 'Si']]])('of %j hold each function of a set once, in canonical order', (elements) => {
    const together = labelsOf(union([RECTANGLE, PAIRS], elements));
    const rectangle = labelsOf(union([RECTANGLE], elements));
    const pairs = labelsOf(union([{ nmax: [1], lmax: [0] }, PAIRS], elements));
    expect(new Set(together).size).toBe(together.length);
    expect(new Set(together)).toEqual(new Set([...rectangle, ...pairs]));
    // Canonical order does not depend on what else is there.
    expect(together.filter((label) => rectangle.includes(label))).toEqual(rectangle);
    expect(labelsOf(union([PAIRS, RECTANGLE], elements))).toEqual(together);
  });

  it('take from their bounds what a set holds', () => {
    const sets = [RECTANGLE, PAIRS, { order: 3, degree: 6, weight: 1 }];
    const { nmax, lmax } = unionOf(sets);
    const bounds = buildAceBasis({ ...union([{ nmax, lmax }]) }, MANY).functions[0]!;
    expect(labelsOf(union(sets))).toEqual(bounds.filter(({ ns, ls }) => setsContain(sets, ns, ls)).map(functionLabel));
  });

  it('of one rectangle have its functions; a specification without sets keeps its id', () => {
    const { sets: _, ...plain } = union([RECTANGLE]);
    const basis = buildAceBasis(plain, MANY);
    expect(labelsOf(union([RECTANGLE]))).toEqual(basis.functions[0]!.map(functionLabel));
    expect(JSON.stringify(canonicalSpecification(plain))).toBe(
      `{"elements":["Si"],"radial":"SBessel","nmax":[4,3,2],"lmax":[0,3,2],"pairs":[[${JSON.stringify(PAIR)}]]}`,
    );
    // The name of this basis in models written before there were unions.
    expect(basis.id).toBe('f46dd3b873b8368fd1c5221c714455e0c17fa3342501def7a9dd19bdafdb36c8');
  });

  it('have known sizes', () => {
    const fine = [PAIRS, { order: 1, degree: 20, weight: 1.5 }, { order: 2, degree: 18, weight: 1.5 }];
    expect(labelsOf(union([{ nmax: [15, 6, 4], lmax: [0, 5, 4] }, ...fine]))).toHaveLength(807);
    expect(labelsOf(union([{ nmax: [1, 0, 0, 0, 3], lmax: [0, 0, 0, 0, 1] }]))).toHaveLength(145);
  });

  it('may keep some of their functions', () => {
    const every = labelsOf(union([RECTANGLE, PAIRS]));
    const kept = [0, 3, 5, every.length - 1];
    expect(labelsOf({ ...union([RECTANGLE, PAIRS]), kept })).toEqual(kept.map((v) => every[v]));
    expect(() => labelsOf({ ...union([RECTANGLE]), kept: [1e4] })).toThrow(/kept functions must be some of the/);
    expect(() => labelsOf({ ...union([RECTANGLE]), kept: [] })).toThrow(/got none/);
    expect(() => checkSpecification({ ...union([RECTANGLE]), kept: [2, 1] })).toThrow(/ascending/);
  });

  it('refuse bounds that are not those of the sets, and sizes beyond the limits', () => {
    expect(() => checkSpecification({ ...union([RECTANGLE]), nmax: [5, 3, 2] })).toThrow(/must be the bounds 4,3,2/);
    expect(() => checkSpecification(union([PAIRS]))).toThrow(/nmax of order 1 must be a positive integer, got 0/);
    const limits = { perElement: 50, total: 80 };
    expect(() => buildAceBasis(union([RECTANGLE]), limits)).toThrow(/at most 50 functions per element and 80 in all/);
    expect(() => buildAceBasis(union([{ nmax: [1], lmax: [0] }, PAIRS]), limits)).toThrow(/got more than 51 per/);
  });
});

describe('basisLadder', () => {
  it.each([1, 2, 3, 4])('of %i elements rises, each step part of the last', (n) => {
    const elements = ['C', 'H', 'N', 'O'].slice(0, n);
    const steps = basisLadder(n).map((sets) => labelsOf(union(sets, elements)));
    const last = new Set(steps.at(-1));
    steps.forEach((labels, k) => {
      expect(labels.every((label) => last.has(label))).toBe(true);
      if (k > 0) expect(labels.length).toBeGreaterThan(steps[k - 1]!.length);
    });
  });

  it('has the last list for more elements, and none for less than one', () => {
    expect(basisLadder(7)).toBe(basisLadder(4));
    expect(() => basisLadder(0)).toThrow(/number of elements must be a positive integer, got 0/);
  });
});

describe('evaluationCost', () => {
  it('grows with neighbours and functions, but more slowly than these', () => {
    const [small, large] = [union([RECTANGLE]), union([RECTANGLE, { nmax: [4, 3, 2, 2], lmax: [0, 3, 2, 2] }])].map(
      (specification) => buildAceBasis(specification, MANY),
    );
    const costs = [evaluationCost(small!, 20), evaluationCost(large!, 20)] as const;
    expect(costs[1]).toBeGreaterThan(costs[0]);
    expect(costs[1] / costs[0]).toBeLessThan(large!.functions[0]!.length / small!.functions[0]!.length);
    expect(evaluationCost(small!, 40)).toBeGreaterThan(costs[0]);
  });
});
