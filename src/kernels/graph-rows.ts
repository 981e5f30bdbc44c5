/** A product graph as the streams of byte offsets that assembly/product-graph.ts runs through. */
import type { HalfGraph } from '../core/descriptors/ace/half-graph.ts';

/** Edges as rows of the nodes at one end; see assembly/product-graph.ts. */
export interface EdgeRows {
  readonly count: number;
  readonly stream: readonly number[];
  /** [edges] which edge each coefficient is of. */
  readonly edges: Int32Array;
}

/** Runs of a row by the sign of their imaginary part. */
const RUNS: readonly number[] = [1, -1, 0];

/**
 * Rows of the edges of the nodes `own`, with runs of edges whose imaginary part counts with +, with − and not at all.
 *
 * @param own       [edges] the end that rows belong to  @param other [edges] the other end
 * @param nodeBytes of a node: streams hold byte offsets
 */
export function edgeRows({ signs }: HalfGraph, own: Int32Array, other: Int32Array, nodeBytes: number): EdgeRows {
  const rows = new Map<number, number[]>();
  own.forEach((node, edge) => {
    const row = rows.get(node);
    if (row === undefined) rows.set(node, [edge]);
    else row.push(edge);
  });
  const stream: number[] = [];
  const edges: number[] = [];
  for (const [node, row] of [...rows].sort(([a], [b]) => a - b)) {
    const runs = RUNS.map((sign) => row.filter((edge) => signs[edge] === sign).sort((a, b) => other[a]! - other[b]!));
    stream.push(node * nodeBytes, ...runs.map((run) => run.length));
    for (const edge of runs.flat()) {
      stream.push(other[edge]! * nodeBytes);
      edges.push(edge);
    }
  }
  return { count: rows.size, stream, edges: Int32Array.from(edges) };
}

/**
 * Rows of the products that each node is a factor of, later nodes first: left factors, left factors of a conjugate, factors
 * that are conjugated, factors beside a real one; of each the product and the factor beside it.
 */
export function factorRows(
  graph: HalfGraph,
  nodeBytes: number,
): { readonly count: number; readonly stream: readonly number[] } {
  const { components, left, right, conjugated, real } = graph;
  const rows = new Map<number, number[][]>();
  const add = (factor: number, role: number, product: number, beside: number): void => {
    let row = rows.get(factor);
    if (row === undefined) {
      row = [[], [], [], []];
      rows.set(factor, row);
    }
    row[role]!.push(product * nodeBytes, beside * nodeBytes);
  };
  left.forEach((a, k) => {
    const b = right[k]!;
    const product = components + k;
    if (conjugated[k] === 0) {
      add(a, real[b] === 1 ? 3 : 0, product, b);
      add(b, real[a] === 1 ? 3 : 0, product, a);
    } else {
      add(a, real[b] === 1 ? 3 : 1, product, b);
      add(b, 2, product, a);
    }
  });
  const stream: number[] = [];
  for (const [factor, row] of [...rows].sort(([a], [b]) => b - a)) {
    stream.push(factor * nodeBytes, ...row.map((run) => run.length / 2), ...row.flat());
  }
  return { count: rows.size, stream };
}
