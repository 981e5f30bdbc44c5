/**
 * The B-basis `.yaml` format of `pair_style pace/extrapolation`: invariants with their couplings, from which products
 * (`.yace`) follow and not the reverse. This file holds the document and writes it, `bbasis-reader.ts` reads it.
 */
import type { AceBasis, AceSpecification } from '../core/descriptors/ace/basis.ts';
import { type CoupledTerms, compressTerms, generalizedClebschGordan } from '../core/descriptors/ace/coupling.ts';
import {
  type Embedding,
  type ProductBond,
  type ProductFunction,
  type ProductPotential,
  productPotential,
} from '../core/descriptors/ace/product-basis.ts';
import { InputError } from '../core/errors.ts';
import type { Invariant } from '../core/descriptors/ace/invariant-values.ts';
import { DELTA_SPLINE_BINS, list, nested, numeral, quotedName, type YaceModel } from './yace.ts';

/** One invariant: slots, couplings, and a coefficient for every density. */
export interface BBasisFunction {
  /** [order] neighbour element, radial index (from 1) and angular momentum of each slot. */
  readonly mus: readonly number[];
  readonly ns: readonly number[];
  readonly ls: readonly number[];
  /** Intermediate momenta, the field `lint`: order − 2 of them from order 3 on. */
  readonly couplings: readonly number[];
  /** [densities] eV for a linear density. */
  readonly coefficients: readonly number[];
}

/** What a B-basis file says. */
export interface BBasisDocument {
  /** In alphabetical order, by which elements are numbered. */
  readonly elements: readonly string[];
  /** bonds[μ0][μ], the same for both orders of a pair. */
  readonly bonds: readonly (readonly ProductBond[])[];
  /** embeddings[μ0], all with the same number of densities. */
  readonly embeddings: readonly Embedding[];
  /** functions[μ0] in the order of columns of an active set. */
  readonly functions: readonly (readonly BBasisFunction[])[];
  /** Å. */
  readonly deltaSplineBins: number;
  /** [elements] energy of the isolated atom, eV: a text of the metadata, since the format has no such field; 0 without. */
  readonly e0: readonly number[];
  /** Texts of the file but those of E0 and basis. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The specification of the basis that this project wrote the file from; its functions are those of the file. */
  readonly basis: AceBasis | null;
}

/** Key of the metadata under which energies of isolated atoms stand. */
export const METADATA_E0 = 'E0';
/** Key of the metadata under which the specification of a basis of this project stands, as JSON. */
export const METADATA_SPECIFICATION = 'querent_specification';

/** A linear model as a B-basis document. @throws InputError `WRONG_LENGTH`, `NOT_FINITE` */
export function bbasisDocument(model: YaceModel): BBasisDocument {
  const { basis, coefficients, e0, deltaSplineBins = DELTA_SPLINE_BINS } = model;
  const d = basis.offsets.at(-1)!;
  const { elements, bonds, embeddings } = productPotential(basis, coefficients, e0);
  return {
    elements,
    bonds,
    embeddings,
    functions: basis.functions.map((functions, mu) =>
      functions.map(({ mus, ns, ls, couplings }, v) => ({
        mus,
        ns,
        ls,
        couplings,
        coefficients: embeddings[mu]!.densities.map((_, p) => coefficients[p * d + basis.offsets[mu]! + v]!),
      })),
    ),
    deltaSplineBins,
    e0: [...e0],
    metadata: {},
    basis,
  };
}

/** Coefficients [columns] of a document made from a basis of this project; null for others and for several densities. */
export function linearCoefficients(document: BBasisDocument): Float64Array | null {
  if (document.basis === null || document.embeddings[0]!.densities.length !== 1) return null;
  return Float64Array.from(document.functions.flat(), (fn) => fn.coefficients[0]!);
}

/** Terms of a function as products of A, for its slots as they stand. */
export function termsOf({ mus, ns, ls, couplings }: BBasisFunction): CoupledTerms {
  const half = generalizedClebschGordan(ls, couplings);
  // Terms merge where slots are equal and stand side by side with ascending l, as in every canonical function.
  const groups = [0];
  for (let t = 1; t < mus.length; t++) {
    const step = mus[t]! - mus[t - 1]! || ns[t]! - ns[t - 1]!;
    if (step < 0 || (step === 0 && ls[t]! < ls[t - 1]!)) return half;
    groups.push(groups[t - 1]! + (step === 0 ? 0 : 1));
  }
  return compressTerms(groups, ls, half);
}

/** Functions of one central element as sums of products: those that differ only in couplings become one. */
function contracted(functions: readonly BBasisFunction[], nDensities: number): ProductFunction[] {
  const groups = new Map<string, { first: BBasisFunction; terms: Map<string, { m: number[]; c: number[] }> }>();
  for (const fn of functions) {
    const key = `${fn.mus.join()}|${fn.ns.join()}|${fn.ls.join()}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { first: fn, terms: new Map() };
      groups.set(key, group);
    }
    const order = fn.mus.length;
    const { ms, coefficients } = termsOf(fn);
    for (let k = 0; k < coefficients.length; k++) {
      const m = Array.from(ms.subarray(k * order, (k + 1) * order));
      let term = group.terms.get(m.join());
      if (term === undefined) {
        term = { m, c: new Array<number>(nDensities).fill(0) };
        group.terms.set(m.join(), term);
      }
      for (let p = 0; p < nDensities; p++) term.c[p]! += fn.coefficients[p]! * coefficients[k]!;
    }
  }
  return [...groups.values()].map(({ first: { mus, ns, ls }, terms }) => {
    const sorted = [...terms.values()].sort((a, b) => {
      const t = a.m.findIndex((m, slot) => m !== b.m[slot]);
      return t < 0 ? 0 : a.m[t]! - b.m[t]!;
    });
    return {
      mus,
      ns,
      ls,
      ms: Int8Array.from(sorted.flatMap(({ m }) => m)),
      coefficients: Float64Array.from(sorted.flatMap(({ c }) => c)),
    };
  });
}

/** The potential of a document (B → C̃): what a `.yace` of it holds, energies of isolated atoms included. */
export function bbasisPotential(document: BBasisDocument): ProductPotential {
  const { elements, e0, bonds, embeddings, functions } = document;
  const nDensities = embeddings[0]!.densities.length;
  return { elements, e0, bonds, embeddings, functions: functions.map((block) => contracted(block, nDensities)) };
}

function bondLines(bond: ProductBond): string[] {
  return [
    `nradmaxi: ${bond.nmax}`,
    `lmaxi: ${bond.lmax}`,
    `rcutij: ${numeral(bond.radial.cutoff)}`,
    `dcutij: ${numeral(bond.cutoffWidth)}`,
    'NameOfCutoffFunctionij: cos',
    `r_in: ${numeral(bond.inner.cutoff)}`,
    `delta_in: ${numeral(bond.inner.width)}`,
    `inner_cutoff_type: ${bond.inner.type}`,
    `nradbaseij: ${bond.radial.count}`,
    `radbase: ${bond.radialName}`,
    `radparameters: ${list(bond.radialParameters)}`,
    `radcoefficients: ${nested(bond)}`,
    `core-repulsion: [${numeral(bond.core.prefactor)}, ${numeral(bond.core.lambda)}]`,
  ];
}

function embeddingLines({ kind, densities, coreCutoff, coreWidth }: Embedding): string[] {
  return [
    `ndensityi: ${densities.length}`,
    `npoti: ${kind}`,
    `parameters: ${list(densities.flatMap(({ weight, exponent }) => [weight, exponent]))}`,
    `rho_core_cut: ${numeral(coreCutoff)}`,
    `drho_core_cut: ${numeral(coreWidth)}`,
  ];
}

function functionLine(symbols: readonly string[], mu0: number, fn: BBasisFunction): string {
  const type = [mu0, ...fn.mus].map((mu) => symbols[mu]!).join(' ');
  const lint = fn.couplings.length > 0 ? `, lint: ${list(fn.couplings)}` : '';
  return `      - {type: ${type}, nr: ${list(fn.ns)}, nl: ${list(fn.ls)}${lint}, c: ${list(fn.coefficients)}}`;
}

/** Elements of a block: the central one, then the others ascending. */
function blockOf(mu0: number, fn: BBasisFunction): number[] {
  return [mu0, ...[...new Set(fn.mus)].filter((mu) => mu !== mu0).sort((a, b) => a - b)];
}

/** Every block that a file needs: elements, ordered pairs, and larger ones that have functions. */
function blocksOf({ elements, functions }: BBasisDocument): number[][] {
  const blocks = new Map<string, number[]>();
  const add = (block: number[]): void => {
    blocks.set(block.join(), block);
  };
  elements.forEach((_, mu) => {
    add([mu]);
    elements.forEach((__, nu) => {
      if (nu !== mu) add([mu, nu]);
    });
    for (const fn of functions[mu]!) add(blockOf(mu, fn));
  });
  return [...blocks.values()].sort(
    (a, b) => a.length - b.length || a.map((mu, k) => mu - b[k]!).find((step) => step !== 0) || 0,
  );
}

/** `Al -3.7, Ni -5.2`: energies of isolated atoms as a text. */
export function formatIsolatedAtoms(elements: readonly string[], e0: readonly number[]): string {
  return elements.map((symbol, mu) => `${symbol} ${numeral(e0[mu]!)}`).join(', ');
}

function metadataLines({ elements, e0, metadata, basis }: BBasisDocument): string[] {
  const texts: [string, string][] = [
    ...(e0.some((value) => value !== 0) ? [[METADATA_E0, formatIsolatedAtoms(elements, e0)] as [string, string]] : []),
    ...(basis === null ? [] : [[METADATA_SPECIFICATION, JSON.stringify(basis.specification)] as [string, string]]),
    ...Object.entries(metadata),
  ];
  if (texts.length === 0) return [];
  return ['metadata:', ...texts.map(([key, text]) => `  ${JSON.stringify(key)}: ${JSON.stringify(text)}`)];
}

/** The text of a document: one line per function, the same bytes for the same document. @throws InputError `INVALID_SPLINE_BINS` */
export function formatBBasis(document: BBasisDocument): string {
  const { elements, bonds, embeddings, functions, deltaSplineBins } = document;
  if (!(deltaSplineBins > 0 && Number.isFinite(deltaSplineBins))) {
    throw new InputError('INVALID_SPLINE_BINS', `deltaSplineBins must be positive, got ${deltaSplineBins} Å`, {
      deltaSplineBins,
    });
  }
  const owned = new Map<string, string[]>();
  functions.forEach((block, mu0) => {
    for (const fn of block) {
      const key = blockOf(mu0, fn).join();
      const lines = owned.get(key) ?? [];
      lines.push(functionLine(elements, mu0, fn));
      owned.set(key, lines);
    }
  });
  const lines = ['global:', `  DeltaSplineBins: ${numeral(deltaSplineBins)}`, ...metadataLines(document), 'species:'];
  for (const block of blocksOf(document)) {
    const [mu0, nu = mu0] = block as [number, number?];
    const name = block.length === 1 ? quotedName(elements[mu0]!) : block.map((mu) => elements[mu]!).join(' ');
    lines.push(`  - speciesblock: ${name}`);
    if (block.length === 1) lines.push(...embeddingLines(embeddings[mu0]!).map((line) => `    ${line}`));
    if (block.length <= 2) lines.push(...bondLines(bonds[mu0]![nu]!).map((line) => `    ${line}`));
    const own = owned.get(block.join()) ?? [];
    lines.push(own.length === 0 ? '    nbody: []' : '    nbody:', ...own);
  }
  return `${lines.join('\n')}\n`;
}

/** A linear model as the text of a B-basis file. @throws InputError `WRONG_LENGTH`, `NOT_FINITE`, `INVALID_SPLINE_BINS` */
export function writeBBasis(model: YaceModel): string {
  return formatBBasis(bbasisDocument(model));
}

/** Whether a specification is that of a file: elements and pairs. */
export function specificationMatches(
  specification: AceSpecification,
  document: Omit<BBasisDocument, 'basis'>,
): boolean {
  const { elements, pairs } = specification;
  if (elements.join() !== document.elements.join()) return false;
  return document.bonds.every((row, mu) =>
    row.every((bond, nu) => {
      const pair = pairs[mu]![nu]!;
      return (
        /SBessel$/.test(bond.radialName) &&
        bond.inner.type === 'distance' &&
        bond.radial.cutoff === pair.cutoff &&
        bond.inner.cutoff === pair.innerCutoff &&
        bond.inner.width === pair.innerWidth &&
        bond.core.prefactor === pair.core.prefactor &&
        bond.core.lambda === pair.core.lambda &&
        isIdentity(bond)
      );
    }),
  );
}

/** R_nl = g_n for all l. */
function isIdentity({ nmax, lmax, radial, coefficients }: ProductBond): boolean {
  return coefficients.every((c, i) => {
    const n = Math.floor(i / ((lmax + 1) * radial.count));
    return n < nmax && c === (i % radial.count === n ? 1 : 0);
  });
}

/** The functions of an element as invariants with their terms, in the order of an active set. */
export function bbasisInvariants(functions: readonly BBasisFunction[]): Invariant[] {
  return functions.map((fn) => ({ mus: fn.mus, ns: fn.ns, ls: fn.ls, terms: termsOf(fn) }));
}
