import { isElement } from '../../elements.ts';
import { InputError } from '../../errors.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { MAX_ORDER } from './coupling.ts';

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

/**
 * Checks a specification: elements sorted and known, one nmax and lmax per order (1 to 6), lmax 0 at order 1, pairs
 * symmetric with r_in − δ > 0. @throws InputError `INVALID_BASIS`
 */
export function checkSpecification(specification: AceSpecification): void {
  const { elements, radial, nmax, lmax, pairs } = specification;
  if (elements.length < 1) fail('elements must hold at least one symbol, got none', {});
  elements.forEach((symbol, k) => {
    if (!isElement(symbol)) fail(`elements must be chemical symbols, got "${symbol}"`, { symbol });
    if (k > 0 && !(elements[k - 1]! < symbol))
      fail(`elements must be in alphabetical order, got ${elements}`, { elements });
  });
  if (radial !== 'SBessel') fail(`radial functions must be "SBessel", got "${radial}"`, { radial });
  if (nmax.length !== lmax.length || nmax.length < 1 || nmax.length > MAX_ORDER) {
    fail(`nmax and lmax must have one entry per order, 1 to ${MAX_ORDER}, got ${nmax.length} and ${lmax.length}`, {});
  }
  nmax.forEach((n, k) => {
    const l = lmax[k]!;
    if (!(Number.isInteger(n) && n >= 1)) fail(`nmax of order ${k + 1} must be a positive integer, got ${n}`, { n });
    if (!(Number.isInteger(l) && l >= 0 && l <= 12 && (k > 0 || l === 0))) {
      fail(`lmax of order ${k + 1} must be ${k > 0 ? 'an integer from 0 to 12' : '0'}, got ${l}`, { l });
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
    pairs: specification.elements.map((_, mu) =>
      specification.elements.map((_, nu) => canonicalPair(specification.pairs[mu]![nu]!)),
    ),
  };
}
