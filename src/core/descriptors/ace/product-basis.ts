/**
 * Potentials as sums of products of the atomic base, the form of `.yace` files: the couplings of invariants are
 * contracted away (B → C̃), radial functions may be mixed, and ordered pairs may differ. Its evaluator shares nothing with
 * the program of the basis but the radial functions and harmonics, so that the two check each other.
 */
import { InputError } from '../../errors.ts';
import type { AceBasis } from './basis.ts';
import type { RadialFunctions } from './radial.ts';
import { SphericalBessel } from './radial.ts';

/** Radial functions and core of an ordered pair (central element, neighbour). */
export interface ProductBond {
  /** g_k, k = 1 … count, with their own cutoff (Å). */
  readonly radial: RadialFunctions;
  /** Name and parameters of g_k as files give them, and d_c of its cutoff function, Å. */
  readonly radialName: string;
  readonly radialParameters: readonly number[];
  readonly cutoffWidth: number;
  /** Largest n and l of products of two and more. */
  readonly nmax: number;
  readonly lmax: number;
  /** [nmax, lmax+1, count] R_nl = Σ_k coefficients[n][l][k] g_k. */
  readonly coefficients: Float64Array;
  readonly inner: InnerCutoff;
  readonly core: { readonly prefactor: number; readonly lambda: number };
}

/**
 * What happens at short distance. `distance`: below `cutoff` (over `width`, Å) g_k is switched off and the core on.
 * `density`: the core acts everywhere and its energy switches the atom's products off (limits of the embedding); a core of
 * prefactor 0 is no core. `zbl`: the nearest neighbour of an atom switches from the products to half the ZBL repulsion.
 */
export interface InnerCutoff {
  readonly type: 'distance' | 'density' | 'zbl';
  /** r_in and its width, Å; 0 for none. */
  readonly cutoff: number;
  readonly width: number;
}

/** Embedding of the densities of one element: E_i = E0 + Σ_p w_p F(ρ_p; m_p)·f(core) + core. */
export interface Embedding {
  /** `FinnisSinclair` or its shifted and scaled form; both are the identity for m = 1. */
  readonly kind: 'FinnisSinclair' | 'FinnisSinclairShiftedScaled';
  /** [densities] weight w and exponent m of each. */
  readonly densities: readonly { readonly weight: number; readonly exponent: number }[];
  /** Core energy at which the products are switched off, and width of that switch, eV. */
  readonly coreCutoff: number;
  readonly coreWidth: number;
}

/** ρ_p += Σ_k c̃_kp Re Π_t A_{μ_t n_t l_t m_kt}; of one factor: c̃_p Σ_j g_n(r_j). */
export interface ProductFunction {
  readonly mus: readonly number[];
  readonly ns: readonly number[];
  readonly ls: readonly number[];
  /** [terms·order] m, term by term. */
  readonly ms: Int8Array;
  /** [terms·densities] c̃, term by term. */
  readonly coefficients: Float64Array;
}

/** A potential of the PACE family. */
export interface ProductPotential {
  readonly elements: readonly string[];
  /** [elements] energy of the isolated atom, eV. */
  readonly e0: readonly number[];
  /** bonds[μ0][μ]. */
  readonly bonds: readonly (readonly ProductBond[])[];
  /** functions[μ0]. */
  readonly functions: readonly (readonly ProductFunction[])[];
  /** embeddings[μ0], all with the same number of densities. */
  readonly embeddings: readonly Embedding[];
}

/** One linear density: the embedding of potentials of this project. The core never reaches its limit of 1e5 eV. */
export const LINEAR_EMBEDDING: Embedding = {
  kind: 'FinnisSinclairShiftedScaled',
  densities: [{ weight: 1, exponent: 1 }],
  coreCutoff: 100000,
  coreWidth: 250,
};

/** ρ₁ + F(ρ₂; ½): the embedding of potentials of two densities. */
export const TWO_DENSITIES: Embedding = {
  ...LINEAR_EMBEDDING,
  densities: [
    { weight: 1, exponent: 1 },
    { weight: 1, exponent: 0.5 },
  ],
};

/** Functions of one density each, alike but for their coefficients, as functions of all densities. */
function interleaved(densities: readonly (readonly ProductFunction[])[]): ProductFunction[] {
  const count = densities.length;
  return densities[0]!.map((fn, f) => ({
    ...fn,
    coefficients: Float64Array.from(
      { length: count * fn.coefficients.length },
      (_, k) => densities[k % count]![f]!.coefficients[Math.floor(k / count)]!,
    ),
  }));
}

/**
 * A potential of basis functions as sums of products: functions that differ only in their couplings become one. A basis
 * with a second density has twice the coefficients.
 *
 *   c̃_m = Σ_LS c_LS C_m(LS)
 *
 * @param coefficients [d] of every column of the basis, eV
 * @param e0           [elements] eV
 * @throws InputError `WRONG_LENGTH`, `NOT_FINITE`
 */
export function productPotential(basis: AceBasis, coefficients: Float64Array, e0: readonly number[]): ProductPotential {
  const { elements, nmax, lmax, pairs } = basis.specification;
  const d = basis.offsets.at(-1)!;
  const nDensities = basis.second === undefined ? 1 : 2;
  requireLength('coefficients', coefficients, nDensities * d);
  requireLength('reference energies', e0, elements.length);
  const count = Math.max(...nmax);
  const mixed = nmax.slice(1);
  const top = { n: Math.max(1, ...mixed), l: Math.max(0, ...lmax.slice(1)) };
  const identity = new Float64Array(top.n * (top.l + 1) * count);
  for (let n = 0; n < top.n; n++) {
    for (let l = 0; l <= top.l; l++) identity[(n * (top.l + 1) + l) * count + n] = 1;
  }
  return {
    elements,
    e0: [...e0],
    bonds: pairs.map((row) =>
      row.map((pair) => ({
        radial: new SphericalBessel(pair.cutoff, count),
        radialName: 'SBessel',
        radialParameters: [5.25],
        cutoffWidth: 0.01,
        nmax: top.n,
        lmax: top.l,
        coefficients: identity,
        inner: { type: 'distance', cutoff: pair.innerCutoff, width: pair.innerWidth },
        core: pair.core,
      })),
    ),
    functions: basis.functions.map((_, mu) => {
      const densities = Array.from({ length: nDensities }, (__, p) =>
        contractCouplings(basis, mu, coefficients.subarray(p * d, (p + 1) * d)),
      );
      return nDensities === 1 ? densities[0]! : interleaved(densities);
    }),
    embeddings: elements.map(() => (nDensities === 1 ? LINEAR_EMBEDDING : TWO_DENSITIES)),
  };
}

function requireLength(name: string, values: ArrayLike<number>, expected: number): void {
  if (values.length !== expected) {
    throw new InputError('WRONG_LENGTH', `${name} must have length ${expected}, got ${values.length}`, {
      expected,
      got: values.length,
    });
  }
  for (let k = 0; k < values.length; k++) {
    if (!Number.isFinite(values[k]!)) {
      throw new InputError('NOT_FINITE', `${name} must be finite, got ${values[k]} at ${k}`, { index: k });
    }
  }
}

/** Functions of one central element with couplings contracted, terms in ascending order of m. */
function contractCouplings(basis: AceBasis, mu: number, coefficients: Float64Array): ProductFunction[] {
  const groups = new Map<
    string,
    {
      mus: readonly number[];
      ns: readonly number[];
      ls: readonly number[];
      terms: Map<string, { m: number[]; c: number }>;
    }
  >();
  basis.functions[mu]!.forEach((fn, v) => {
    const { order, mus, ns, ls } = fn;
    const key = `${mus.join()}|${ns.join()}|${ls.join()}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { mus, ns, ls, terms: new Map() };
      groups.set(key, group);
    }
    const weight = coefficients[basis.offsets[mu]! + v]!;
    for (let k = 0; k < fn.coefficients.length; k++) {
      const m = Array.from(fn.ms.subarray(k * order, (k + 1) * order));
      const term = group.terms.get(m.join());
      const c = weight * fn.coefficients[k]!;
      if (term === undefined) group.terms.set(m.join(), { m, c });
      else term.c += c;
    }
  });
  return [...groups.values()].map(({ mus, ns, ls, terms }) => {
    const sorted = [...terms.values()].sort((a, b) => {
      const t = a.m.findIndex((m, slot) => m !== b.m[slot]);
      return t < 0 ? 0 : a.m[t]! - b.m[t]!;
    });
    return {
      mus,
      ns,
      ls,
      ms: Int8Array.from(sorted.flatMap(({ m }) => m)),
      coefficients: Float64Array.from(sorted, ({ c }) => c),
    };
  });
}
