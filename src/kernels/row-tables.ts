import type { ComponentLayout, JacobianBlock, ProductProgram } from '../core/descriptors/ace/products.ts';
import { gradientOperator, realComponent, strainOperator } from './harmonic-operators.ts';

/** Bytes of a node for four atoms. */
export const NODE = 64;
/** Columns of the central atom and of strain, in front of those of the neighbours. */
export const OWN_COLUMNS = 9;
/** Columns of a block. */
export const BLOCK_COLUMNS = 16;
/** Bytes of one component in a block of columns. */
export const COLUMN_BYTES: number = 8 * BLOCK_COLUMNS;

/** Tables of a layout that every central element shares; see assembly/rows.ts. */
export interface LayoutTables {
  /** Real components of one element. */
  readonly components: number;
  /** Recursion of the harmonics to l = lmax + 2, (P_mm, 0) and (a, c), m outer. */
  readonly recursion: Float64Array;
  readonly counts: Int32Array;
  readonly widths: Int32Array;
  /** [(lmax+1)², 10] rows of the gradient operator, four for x and y, two for z, and its factors. */
  readonly gradientRows: Uint32Array;
  readonly gradientFactors: Float64Array;
  /** Terms of the six strains for each row, with the sign of a virial. */
  readonly strainLengths: Uint32Array;
  readonly strainRows: Uint32Array;
  readonly strainFactors: Float64Array;
  /** [components] byte offset of each component among the nodes of its element. */
  readonly nodes: Uint32Array;
  /** [2·perElement] number of Re A_c and Im A_c among the real components, −1 for Im of m = 0. */
  readonly places: Int32Array;
}

/** a and c of P_lm = a z P_{l−1,m} + c P_{l−2,m} behind P_mm, as `SphericalHarmonics` has them; one l more than lmax. */
function recursionTable(lmax: number): Float64Array {
  const table: number[] = [];
  let corner = 1;
  for (let m = 0; m <= lmax; m++) {
    if (m > 0) corner *= -Math.sqrt(1 + 1 / (2 * m));
    table.push(corner, 0);
    for (let l = m + 1; l <= lmax + 1; l++) {
      const a = Math.sqrt((4 * l * l - 1) / (l * l - m * m));
      const b = Math.sqrt(((l - 1) * (l - 1) - m * m) / (4 * (l - 1) * (l - 1) - 1));
      table.push(a, -a * b);
    }
  }
  return Float64Array.from(table);
}

/** Voigt pairs (a, b) of −∂A/∂r_a · r_b. */
const STRAINS = [
  [0, 0],
  [1, 1],
  [2, 2],
  [1, 2],
  [0, 2],
  [0, 1],
] as const;

/**
 * Tables of a layout.
 *
 * @param sumBytes  from one row of sums to the next
 */
export function layoutTables(layout: ComponentLayout, sumBytes: number): LayoutTables {
  const { lmax, counts, starts, perElement } = layout;
  const nRows = (lmax + 1) * (lmax + 1);
  const gradientRows = new Uint32Array(10 * nRows);
  const gradientFactors = new Float64Array(10 * nRows);
  const strainLengths = new Uint32Array(6 * nRows);
  const strainRows: number[] = [];
  const strainFactors: number[] = [];
  for (let row = 0; row < nRows; row++) {
    for (let axis = 0; axis < 3; axis++) {
      gradientOperator(axis, row).forEach(({ component, factor }, t) => {
        gradientRows[10 * row + 4 * axis + t] = component;
        gradientFactors[10 * row + 4 * axis + t] = factor;
      });
    }
    STRAINS.forEach(([a, b], v) => {
      const terms = strainOperator(a, b, row);
      strainLengths[6 * row + v] = terms.length;
      for (const { component, value, slope } of terms) {
        strainRows.push(component * sumBytes);
        strainFactors.push(-value, -slope);
      }
    });
  }
  const nodes: number[] = [];
  const places = new Int32Array(2 * perElement).fill(-1);
  for (let l = 0; l <= lmax; l++) {
    for (let row = l * l; row < (l + 1) * (l + 1); row++) {
      const m = (row - l * l + 1) >> 1;
      const part = row === realComponent(l, m, 0) ? 0 : 1;
      for (let n = 0; n < counts[l]!; n++) {
        const c = starts[(l * (l + 1)) / 2 + m]! + n;
        places[2 * c + part] = nodes.length;
        nodes.push(c * NODE + part * (NODE / 2));
      }
    }
  }
  return {
    components: nodes.length,
    recursion: recursionTable(lmax + 2),
    counts,
    widths: Int32Array.from({ length: lmax + 3 }, (_, l) =>
      Math.max(counts[l - 2] ?? 0, counts[l] ?? 0, counts[l + 2] ?? 0),
    ),
    gradientRows,
    gradientFactors,
    strainLengths,
    strainRows: Uint32Array.from(strainRows),
    strainFactors: Float64Array.from(strainFactors),
    nodes: Uint32Array.from(nodes),
    places,
  };
}

/** Derivatives by the components of one element, by pairs of neighbouring functions. */
export interface ContractionTables {
  /** [pairs] byte offset of each pair within a design row. */
  readonly places: Uint32Array;
  /** [2·pairs] number of entries of each function. */
  readonly lengths: Uint32Array;
  /** [entries] byte offset of the component in a block of columns. */
  readonly components: Uint32Array;
}

/** Tables of the functions of one central element; see assembly/rows-products.ts and assembly/rows-contraction.ts. */
export interface FunctionTables {
  readonly nFunctions: number;
  readonly nNodes: number;
  /** Products of the values alone, and of the derivatives as well. */
  readonly nLeafProducts: number;
  readonly nProducts: number;
  readonly products: DataView<ArrayBuffer>;
  readonly leafLengths: Uint32Array;
  readonly leaves: DataView<ArrayBuffer>;
  /** Entries of all elements, one behind the other. */
  readonly entries: number;
  readonly entryLengths: Uint32Array;
  readonly sources: Uint32Array;
  readonly factors: Float64Array;
  readonly contractions: readonly ContractionTables[];
}

function concatenated(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function productTable({ left, right, conjugated }: ProductProgram): DataView<ArrayBuffer> {
  const table = new DataView(new ArrayBuffer(16 * left.length));
  for (let k = 0; k < left.length; k++) {
    table.setUint32(16 * k, left[k]! * NODE, true);
    table.setUint32(16 * k + 4, right[k]! * NODE, true);
    table.setFloat64(16 * k + 8, conjugated[k] === 0 ? 1 : -1, true);
  }
  return table;
}

function leafTable({ leafPairs, leafRe, leafIm, pairLeft, pairRight }: ProductProgram): DataView<ArrayBuffer> {
  const table = new DataView(new ArrayBuffer(24 * leafPairs.length));
  for (let k = 0; k < leafPairs.length; k++) {
    table.setUint32(24 * k, pairLeft[leafPairs[k]!]! * NODE, true);
    table.setUint32(24 * k + 4, pairRight[leafPairs[k]!]! * NODE, true);
    table.setFloat64(24 * k + 8, leafRe[k]!, true);
    table.setFloat64(24 * k + 16, leafIm[k]!, true);
  }
  return table;
}

function contractionTables(block: JacobianBlock, layout: LayoutTables): ContractionTables {
  const places: number[] = [];
  const lengths: number[] = [];
  for (let row = 0; row < block.functions.length; row++) {
    const v = block.functions[row]!;
    const place = (v >> 1) * 16;
    if (places.at(-1) !== place) {
      places.push(place);
      lengths.push(0, 0);
    }
    lengths[lengths.length - 2 + (v & 1)] = block.rows[row + 1]! - block.rows[row]!;
  }
  return {
    places: Uint32Array.from(places),
    lengths: Uint32Array.from(lengths),
    components: Uint32Array.from(block.components, (c) => layout.places[c]! * COLUMN_BYTES),
  };
}

const differences = (offsets: Int32Array): Uint32Array =>
  Uint32Array.from({ length: offsets.length - 1 }, (_, k) => offsets[k + 1]! - offsets[k]!);

/** Tables of the program of one central element. */
export function functionTables(program: ProductProgram, layout: LayoutTables): FunctionTables {
  const { jacobian, nComponents, nNodes, nLeafNodes } = program;
  const byteOffset = (source: number): number => (source >> 1) * NODE + (source & 1) * (NODE / 2);
  return {
    nFunctions: program.nFunctions,
    nNodes,
    nLeafProducts: nLeafNodes - nComponents - 1,
    nProducts: nNodes - nComponents - 1,
    products: productTable(program),
    leafLengths: differences(program.leaves),
    leaves: leafTable(program),
    entries: jacobian.reduce((sum, block) => sum + block.components.length, 0),
    entryLengths: Uint32Array.from(jacobian.flatMap((block) => [...differences(block.contributions)])),
    sources: Uint32Array.from(jacobian.flatMap((block) => Array.from(block.sources, byteOffset))),
    factors: concatenated(jacobian.map((block) => block.coefficients)),
    contractions: jacobian.map((block) => contractionTables(block, layout)),
  };
}
