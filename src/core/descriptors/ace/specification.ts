import { isElement } from '../../elements.ts';
import { InputError } from '../../errors.ts';
import type { AcePair, AceSpecification, FunctionSet } from './basis.ts';
import { boundsOfSets, canonicalSet, checkFunctionSets } from './function-sets.ts';

function fail(message: string, details: Record<string, unknown>): never {
  throw new InputError('INVALID_BASIS', message, details);
}

function checkPair(pair: AcePair | undefined, name: string): void {
  if (pair === undefined) fail(`pairs must hold every pair of elements, got none for ${name}`, { pair: name });
  const { cutoff, innerCutoff, innerWidth, core } = pair;
  if (!(cutoff > 0 && Number.isFinite(cutoff))) {
    fail(`cutoff of ${name} must be positive and finite, got ${cutoff} Å`, { pair: name, cutoff });
  }
  if (!(innerCutoff >= 0 && innerCutoff < cutoff)) {
    fail(`inner cutoff of ${name} must be 0 or more and below the cutoff ${cutoff} Å, got ${innerCutoff} Å`, {
      pair: name,
      innerCutoff,
    });
  }
  if (!(innerWidth >= 0 && (innerCutoff === 0 || (innerWidth > 0 && innerWidth < innerCutoff)))) {
    fail(`inner width of ${name} must be positive and below the inner cutoff ${innerCutoff} Å, got ${innerWidth} Å`, {
      pair: name,
      innerWidth,
    });
  }
  if (!(core.prefactor >= 0 && Number.isFinite(core.prefactor) && Number.isFinite(core.lambda))) {
    fail(`core repulsion of ${name} must be finite and not negative, got ${core.prefactor}, ${core.lambda}`, {
      pair: name,
      prefactor: core.prefactor,
      lambda: core.lambda,
    });
  }
}

/** nmax, lmax and sets of a union, to be spread into a specification. @throws InputError `INVALID_BASIS` */
export function unionOf(sets: readonly FunctionSet[]): Pick<AceSpecification, 'nmax' | 'lmax' | 'sets'> {
  checkFunctionSets(sets);
  return { ...boundsOfSets(sets), sets };
}

/**
 * Checks a specification: elements sorted and known, one nmax and lmax per order (1 to 6), lmax 0 at order 1, sets within
 * them, pairs symmetric with r_in − δ > 0. @throws InputError `INVALID_BASIS`
 */
export function checkSpecification(specification: AceSpecification): void {
  const { elements, radial, nmax, lmax, sets, kept, pairs } = specification;
  if (elements.length < 1) fail('elements must hold at least one symbol, got none', {});
  elements.forEach((symbol, k) => {
    if (!isElement(symbol)) fail(`elements must be chemical symbols, got "${symbol}"`, { symbol });
    if (k > 0 && !(elements[k - 1]! < symbol))
      fail(`elements must be in alphabetical order, got ${elements}`, { elements });
  });
  if (radial !== 'SBessel') fail(`radial functions must be "SBessel", got "${radial}"`, { radial });
  checkFunctionSets([{ nmax, lmax }]);
  if (!(nmax[0]! >= 1)) fail(`nmax of order 1 must be a positive integer, got ${nmax[0]}`, { n: nmax[0] });
  if (sets === undefined) {
    nmax.forEach((n, k) => {
      if (n < 1) fail(`nmax of order ${k + 1} must be a positive integer, got ${n}`, { n });
    });
  } else {
    checkFunctionSets(sets);
    const bounds = boundsOfSets(sets);
    if (bounds.nmax.join() !== nmax.join() || bounds.lmax.join() !== lmax.join()) {
      fail(
        `nmax and lmax must be the bounds ${bounds.nmax.join()} and ${bounds.lmax.join()} of the sets, got ${nmax.join()} and ${lmax.join()}`,
        { bounds },
      );
    }
  }
  kept?.forEach((v, k) => {
    if (!(Number.isInteger(v) && v >= 0 && (k === 0 || v > kept[k - 1]!))) {
      fail(`kept functions must be ascending whole numbers, got ${v}`, { kept: v });
    }
  });
  elements.forEach((a, mu) => {
    elements.forEach((b, nu) => {
      const pair = pairs[mu]?.[nu];
      checkPair(pair, `${a}-${b}`);
      if (JSON.stringify(canonicalPair(pair!)) !== JSON.stringify(canonicalPair(pairs[nu]?.[mu] ?? pair!))) {
        fail(`pairs must be symmetric, got different parameters for ${a}-${b} and ${b}-${a}`, { pair: `${a}-${b}` });
      }
    });
  });
}

function canonicalPair(pair: AcePair): AcePair {
  const { cutoff, innerCutoff, innerWidth, core } = pair;
  return { cutoff, innerCutoff, innerWidth, core: { prefactor: core.prefactor, lambda: core.lambda } };
}

/** A specification with its keys in fixed order and nothing else, so that equal ones have equal JSON. */
export function canonicalSpecification(specification: AceSpecification): AceSpecification {
  return {
    elements: [...specification.elements],
    radial: specification.radial,
    nmax: [...specification.nmax],
    lmax: [...specification.lmax],
    ...(specification.sets === undefined ? {} : { sets: specification.sets.map(canonicalSet) }),
    ...(specification.kept === undefined ? {} : { kept: [...specification.kept] }),
    pairs: specification.elements.map((_, mu) =>
      specification.elements.map((_, nu) => canonicalPair(specification.pairs[mu]![nu]!)),
    ),
  };
}
