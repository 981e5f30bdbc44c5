/** The `.yace` format of `pair_style pace`: products of the atomic base in YAML. This file writes, `yace-reader.ts` reads. */
import type { AceBasis } from '../core/descriptors/ace/basis.ts';
import {
  type Embedding,
  type ProductBond,
  type ProductFunction,
  type ProductPotential,
  productPotential,
} from '../core/descriptors/ace/product-basis.ts';
import { InputError } from '../core/errors.ts';

/** What a `.yace` file says. */
export interface YaceDocument {
  readonly potential: ProductPotential;
  /** Width of the bins in which the simulation program tabulates radial functions, Å. */
  readonly deltaSplineBins: number;
}

/** A linear model, as much of it as a `.yace` file holds. */
export interface YaceModel {
  readonly basis: AceBasis;
  /** [d] coefficient of each column of the basis, eV. */
  readonly coefficients: Float64Array;
  /** [elements] energy of the isolated atom, eV. */
  readonly e0: readonly number[];
  /** Å; 0.001 by default. */
  readonly deltaSplineBins?: number;
}

/** Default width of the bins of tabulated radial functions, Å. */
export const DELTA_SPLINE_BINS = 0.001;

/** Shortest decimal that reads back as the same number. */
export function numeral(x: number): string {
  return Object.is(x, -0) ? '0' : String(x);
}

/** A symbol for YAML: N, No and Y are words to a reader of the older YAML; quoted, they are names to all. */
export function quotedName(symbol: string): string {
  return /^(N|Y|No)$/.test(symbol) ? `"${symbol}"` : symbol;
}

/** `[1, 2, 3]`: numbers as a YAML list in one line. */
export function list(values: ArrayLike<number>): string {
  return `[${Array.from(values, numeral).join(', ')}]`;
}

/** Mixing coefficients of a pair as the YAML list [[[…]]] over n, l and k. */
export function nested(bond: ProductBond): string {
  const { coefficients, nmax, lmax, radial } = bond;
  const rows = Array.from({ length: nmax }, (_, n) => {
    const columns = Array.from({ length: lmax + 1 }, (__, l) => {
      const start = (n * (lmax + 1) + l) * radial.count;
      return list(coefficients.subarray(start, start + radial.count));
    });
    return `[${columns.join(', ')}]`;
  });
  return `[${rows.join(', ')}]`;
}

function bondLine(mu: number, nu: number, bond: ProductBond): string {
  const entries = [
    `nradmax: ${bond.nmax}`,
    `lmax: ${bond.lmax}`,
    `nradbasemax: ${bond.radial.count}`,
    `radbasename: ${bond.radialName}`,
    `radparameters: ${list(bond.radialParameters)}`,
    `radcoefficients: ${nested(bond)}`,
    `prehc: ${numeral(bond.core.prefactor)}`,
    `lambdahc: ${numeral(bond.core.lambda)}`,
    `rcut: ${numeral(bond.radial.cutoff)}`,
    `dcut: ${numeral(bond.cutoffWidth)}`,
    `rcut_in: ${numeral(bond.inner.cutoff)}`,
    `dcut_in: ${numeral(bond.inner.width)}`,
    `inner_cutoff_type: ${bond.inner.type}`,
  ];
  return `  [${mu}, ${nu}]: {${entries.join(', ')}}`;
}

function embeddingLine(mu: number, embedding: Embedding): string {
  const { kind, densities, coreCutoff, coreWidth } = embedding;
  const entries = [
    `ndensity: ${densities.length}`,
    `FS_parameters: ${list(densities.flatMap(({ weight, exponent }) => [weight, exponent]))}`,
    `npoti: ${kind}`,
    `rho_core_cutoff: ${numeral(coreCutoff)}`,
    `drho_core_cutoff: ${numeral(coreWidth)}`,
  ];
  return `  ${mu}: {${entries.join(', ')}}`;
}

function functionLine(mu: number, fn: ProductFunction, ndensity: number): string {
  const entries = [
    `mu0: ${mu}`,
    `rank: ${fn.mus.length}`,
    `ndensity: ${ndensity}`,
    `num_ms_combs: ${fn.coefficients.length / ndensity}`,
    `mus: ${list(fn.mus)}`,
    `ns: ${list(fn.ns)}`,
    `ls: ${list(fn.ls)}`,
    `ms_combs: ${list(fn.ms)}`,
    `ctildes: ${list(fn.coefficients)}`,
  ];
  return `    - {${entries.join(', ')}}`;
}

/** The text of a document: one line per bond and function, the same bytes for the same document. */
export function formatYace(document: YaceDocument): string {
  const { potential, deltaSplineBins } = document;
  if (!(deltaSplineBins > 0 && Number.isFinite(deltaSplineBins))) {
    throw new InputError('INVALID_SPLINE_BINS', `deltaSplineBins must be positive, got ${deltaSplineBins} Å`, {
      deltaSplineBins,
    });
  }
  const { elements, e0, bonds, functions, embeddings } = potential;
  const lines = [
    `elements: [${elements.map(quotedName).join(', ')}]`,
    `E0: ${list(e0)}`,
    `deltaSplineBins: ${numeral(deltaSplineBins)}`,
    'embeddings:',
    ...embeddings.map((embedding, mu) => embeddingLine(mu, embedding)),
    'bonds:',
    ...bonds.flatMap((row, mu) => row.map((bond, nu) => bondLine(mu, nu, bond))),
    'functions:',
    ...functions.flatMap((block, mu) =>
      block.length === 0
        ? [`  ${mu}: []`]
        : [`  ${mu}:`, ...block.map((fn) => functionLine(mu, fn, embeddings[mu]!.densities.length))],
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * A linear model as the text of a `.yace` file: one linear density, additive core repulsion, all ordered pairs.
 *
 * @throws InputError `WRONG_LENGTH`, `NOT_FINITE`, `INVALID_SPLINE_BINS`
 */
export function writeYace(model: YaceModel): string {
  const potential = productPotential(model.basis, model.coefficients, model.e0);
  return formatYace({ potential, deltaSplineBins: model.deltaSplineBins ?? DELTA_SPLINE_BINS });
}
