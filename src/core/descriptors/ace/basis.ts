/** Parameters of one pair of elements (the same for both orders of the pair). */
export interface AcePair {
  /** Cutoff r_c, Å. */
  readonly cutoff: number;
  /** Inner cutoff r_in, Å: below it the basis is switched off and only the core repulsion acts; 0 for none. */
  readonly innerCutoff: number;
  /** Width δ of the inner switch, Å: it acts on r_in − δ < r < r_in. */
  readonly innerWidth: number;
  /** Core repulsion φ(r) = prefactor·exp(−|λ| r²)/r · (1+cos(πr/r_c))/2, eV; prefactor 0 for none. */
  readonly core: { readonly prefactor: number; readonly lambda: number };
}

/** All functions with n ≤ nmax and l ≤ lmax of their order in every slot; nmax 0 for an order without functions. */
export interface RectangularSet {
  readonly nmax: readonly number[];
  readonly lmax: readonly number[];
}

/** All functions of one order with Σ_t n_t + weight·l_t ≤ degree. */
export interface DegreeSet {
  readonly order: number;
  readonly degree: number;
  /** Weight of l against n. */
  readonly weight: number;
}

/** A set of functions; couplings and elements play no part, so that unions keep the rule of linear independence. */
export type FunctionSet = RectangularSet | DegreeSet;

/** Everything that fixes a basis; plain JSON, stored in every model. */
export interface AceSpecification {
  /** Chemical symbols in alphabetical order; index μ below. */
  readonly elements: readonly string[];
  readonly radial: 'SBessel';
  /** Largest radial index by order: nmax[0] for order 1 (also nradbase), nmax[1] for order 2, … */
  readonly nmax: readonly number[];
  /** Largest angular momentum by order; lmax[0] = 0. */
  readonly lmax: readonly number[];
  /** The basis is the union of these sets, and nmax and lmax are their bounds; left out: all within nmax and lmax. */
  readonly sets?: readonly FunctionSet[];
  /** Ascending places in the canonical list of one central element that are kept; left out: all. */
  readonly kept?: readonly number[];
  /** pairs[μ][ν], symmetric. */
  readonly pairs: readonly (readonly AcePair[])[];
}

/** One invariant B of a central element: slots (μ, n, l), couplings LS and its compressed expansion in products of A. */
export interface AceFunction {
  /** Number of factors. */
  readonly order: number;
  /** [order] neighbour element index of each slot. */
  readonly mus: readonly number[];
  /** [order] radial index of each slot, from 1. */
  readonly ns: readonly number[];
  /** [order] angular momentum of each slot. */
  readonly ls: readonly number[];
  /** Intermediate couplings LS (the file field `lint`), empty for orders 1 and 2 … in full as the file wants it. */
  readonly couplings: readonly number[];
  /** [terms·order] m of each slot, term by term (the compressed half basis). */
  readonly ms: Int8Array;
  /** [terms] C_m. */
  readonly coefficients: Float64Array;
}

/** A basis: its functions per central element in canonical order, and its identity. */
export interface AceBasis {
  readonly specification: AceSpecification;
  /** functions[μ0], canonical order. */
  readonly functions: readonly (readonly AceFunction[])[];
  /** Columns of central element μ0 begin at offsets[μ0]; the last entry is the total number of functions. */
  readonly offsets: readonly number[];
  /** [functions] coefficients of a second density at which rows are linearised (`two-density.ts`); left out: one density. */
  readonly second?: Float64Array;
  /** Hash of the specification and the ordered function labels, stored in every artefact. */
  readonly id: string;
}
