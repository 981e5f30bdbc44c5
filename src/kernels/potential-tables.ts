/** What a potential is in the memory of an instance: the records of assembly/records.ts and the tables they point to. */
import { compileHalfGraph, edgeCoefficients, type HalfGraph } from '../core/descriptors/ace/half-graph.ts';
import type { ProductBond, ProductFunction, ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import { combine, type RadialTable, tabulateBond } from '../core/descriptors/ace/radial-table.ts';
import { type EdgeRows, edgeRows, factorRows } from './graph-rows.ts';
import type { WasmMemory } from './wasm-module.ts';

/** Degree of the radial polynomials: a lower one needs more bins than the cache holds, which costs more than it saves. */
const TABLE_DEGREE = 10;

/** Keeps a distance just below the end of a segment in its last bin when it is scaled. */
const BELOW_ONE = 1 - 2 ** -51;

/** Writes tables to memory that stays. */
export class TableWriter {
  readonly memory: WasmMemory;

  constructor(memory: WasmMemory) {
    this.memory = memory;
  }

  ints(values: ArrayLike<number>): number {
    const address = this.memory.allocate(Math.max(4, 4 * values.length));
    new Int32Array(this.memory.memory.buffer, address, values.length).set(values);
    return address;
  }

  doubles(values: ArrayLike<number>): number {
    const address = this.memory.allocate(Math.max(8, 8 * values.length));
    new Float64Array(this.memory.memory.buffer, address, values.length).set(values);
    return address;
  }

  /** A record: its doubles, then its integers and addresses. */
  record(doubles: readonly number[], integers: readonly number[]): number {
    const address = this.memory.allocate(8 * doubles.length + 4 * integers.length);
    this.rewrite(address, doubles, integers);
    return address;
  }

  rewrite(address: number, doubles: readonly number[], integers: readonly number[]): void {
    const { buffer } = this.memory.memory;
    new Float64Array(buffer, address, doubles.length).set(doubles);
    new Int32Array(buffer, address + 8 * doubles.length, integers.length).set(integers);
  }

  /** Overwrites doubles that were written before. */
  replace(address: number, values: Float64Array): void {
    new Float64Array(this.memory.memory.buffer, address, values.length).set(values);
  }
}

/** Rows R_nl as mixtures of g_k, those that several l share once. */
interface RadialRows {
  readonly mixtures: readonly Float64Array[];
  /** [lmax + 1] first row of each l. */
  readonly starts: readonly number[];
}

function radialRows(bond: ProductBond, ns: readonly (readonly number[])[]): RadialRows {
  const count = bond.radial.count;
  const runs = ns.map((own, l) =>
    own.map((n) => {
      const from = ((n - 1) * (bond.lmax + 1) + l) * count;
      return bond.coefficients.subarray(from, from + count);
    }),
  );
  const mixtures: Float64Array[] = [];
  const starts = new Array<number>(ns.length).fill(0);
  const equal = (a: Float64Array, b: Float64Array | undefined): boolean =>
    b !== undefined && a.every((c, k) => c === b[k]);
  // Longer runs first, so that shorter ones are found in them.
  for (const l of Array.from(ns.keys()).sort((a, b) => runs[b]!.length - runs[a]!.length || a - b)) {
    const run = runs[l]!;
    let start = 0;
    while (start < mixtures.length && !run.every((row, t) => equal(row, mixtures[start + t]))) start++;
    starts[l] = start;
    if (start === mixtures.length) mixtures.push(...run);
  }
  return { mixtures, starts };
}

/** [densities] of Σ_k c̃_pk g_k: functions of one factor of neighbour element mu. */
function singleMixtures(functions: readonly ProductFunction[], mu: number, densities: number, count: number) {
  const mixtures = Array.from({ length: densities }, () => new Float64Array(count));
  for (const { mus, ns, coefficients } of functions) {
    if (mus.length !== 1 || mus[0] !== mu) continue;
    mixtures.forEach((mixture, p) => {
      mixture[ns[0]! - 1] = mixture[ns[0]! - 1]! + coefficients[p]!;
    });
  }
  return mixtures;
}

/** One ordered pair of elements in memory. */
class BondTable {
  readonly address: number;
  readonly cutoff: number;
  readonly lmax: number;
  /** Functions of a neighbour without padding, and with it. */
  readonly own: number;
  readonly functions: number;
  readonly radials: number;
  readonly counts: readonly number[];
  private readonly table: RadialTable;
  private readonly tableAddress: number;
  private readonly densities: number;
  private readonly mu: number;

  constructor(
    writer: TableWriter,
    potential: ProductPotential,
    [mu0, mu]: readonly [number, number],
    graph: HalfGraph,
    nodeBytes: number,
  ) {
    const bond = potential.bonds[mu0]![mu]!;
    const block = graph.blocks[mu]!;
    const densities = potential.embeddings[mu0]!.densities.length;
    const { mixtures, starts } = radialRows(bond, block.ns);
    const table = tabulateBond(potential, mu0, mu, TABLE_DEGREE);
    const { cutoff, segments, bins, degree } = table;
    this.mu = mu;
    this.table = table;
    this.densities = densities;
    this.cutoff = cutoff;
    this.lmax = block.lmax;
    this.counts = block.ns.map((own) => own.length);
    this.radials = mixtures.length;
    const hasCore = bond.core.prefactor !== 0;
    this.own = this.radials + densities + (hasCore ? 1 : 0);
    this.functions = 4 * Math.ceil(this.own / 4);
    const core = new Float64Array(table.rows);
    if (hasCore) core[table.rows - 1] = 1;
    const singles = singleMixtures(potential.functions[mu0]!, mu, densities, table.rows);
    const all = new Float64Array(this.functions * table.rows);
    [...mixtures, ...singles, ...(hasCore ? [core] : [])].forEach((mixture, row) => {
      all.set(mixture, row * table.rows);
    });
    // One more bin: zero beyond the cutoff.
    const { coefficients } = combine(table, all);
    const values = new Float64Array((bins + 1) * this.functions * (degree + 1));
    for (let bin = 0, at = 0; bin < bins; bin++) {
      for (let group = 0; group < this.functions; group += 4) {
        for (let power = degree; power >= 0; power--) {
          for (let f = group; f < group + 4; f++) {
            values[at++] = coefficients[(bin * this.functions + f) * (degree + 1) + power]!;
          }
        }
      }
    }
    this.tableAddress = writer.doubles(values);
    const scales = segments.map(({ start, end, bins: inside }) => (inside / (end - start)) * BELOW_ONE);
    this.address = writer.record(
      [cutoff, bond.inner.cutoff - bond.inner.width, bond.inner.width],
      [
        writer.doubles([...segments.flatMap(({ start, first }, k) => [start, scales[k]!, first]), cutoff, 1, bins]),
        segments.length + 1,
        this.tableAddress,
        degree,
        this.functions,
        this.radials,
        densities,
        hasCore ? 1 : 0,
        bond.inner.type === 'zbl' ? 1 : 0,
        this.lmax,
        writer.ints(block.ns.flatMap((own, l) => [starts[l]!, own.length, block.starts[l]! * nodeBytes])),
      ],
    );
  }

  get degree(): number {
    return this.table.degree;
  }

  /** Writes the functions of one factor anew. */
  setSingles(writer: TableWriter, functions: readonly ProductFunction[]): void {
    const { table, densities, tableAddress, radials } = this;
    const { bins, degree, rows } = table;
    const mixing = new Float64Array(densities * rows);
    singleMixtures(functions, this.mu, densities, rows).forEach((mixture, p) => {
      mixing.set(mixture, p * rows);
    });
    const { coefficients } = combine(table, mixing);
    const values = new Float64Array(writer.memory.memory.buffer, tableAddress, bins * this.functions * (degree + 1));
    for (let p = 0; p < densities; p++) {
      const f = radials + p;
      const group = 4 * (degree + 1) * (f >> 2) + (f & 3);
      for (let bin = 0; bin < bins; bin++) {
        const from = (bin * densities + p) * (degree + 1);
        const to = bin * this.functions * (degree + 1) + group;
        for (let power = 0; power <= degree; power++) values[to + 4 * (degree - power)] = coefficients[from + power]!;
      }
    }
  }
}

/** One central element in memory. */
export class ElementTable {
  readonly address: number;
  readonly bonds: readonly BondTable[];
  readonly graph: HalfGraph;
  readonly headRows: number;
  private readonly heads: EdgeRows;
  private readonly tails: EdgeRows;
  private readonly headCoefficients: number;
  private readonly tailCoefficients: number;
  readonly densities: number;
  private readonly mu0: number;

  constructor(writer: TableWriter, potential: ProductPotential, mu0: number, graph: HalfGraph, nodeBytes: number) {
    const { densities, kind, coreCutoff, coreWidth } = potential.embeddings[mu0]!;
    this.mu0 = mu0;
    this.graph = graph;
    this.densities = densities.length;
    this.bonds = potential.elements.map((_, mu) => new BondTable(writer, potential, [mu0, mu], graph, nodeBytes));
    this.heads = edgeRows(graph, graph.heads, graph.tails, nodeBytes);
    this.tails = edgeRows(graph, graph.tails, graph.heads, nodeBytes);
    this.headRows = this.heads.count;
    const none = new Float64Array(graph.heads.length * this.densities);
    this.headCoefficients = writer.doubles(none);
    this.tailCoefficients = writer.doubles(none);
    const products = Array.from(graph.left, (a, k) => [
      a * nodeBytes,
      graph.right[k]! * nodeBytes,
      graph.conjugated[k]!,
    ]);
    const factors = factorRows(graph, nodeBytes);
    const second = densities[1] ?? { weight: 0, exponent: 1 };
    this.address = writer.record(
      [
        potential.e0[mu0]!,
        coreCutoff,
        coreWidth,
        densities[0]!.weight,
        densities[0]!.exponent,
        second.weight,
        second.exponent,
      ],
      [
        kind === 'FinnisSinclairShiftedScaled' ? 1 : 0,
        this.densities,
        writer.ints(this.bonds.map(({ address }) => address)),
        graph.components,
        graph.nodes,
        writer.ints(products.flat()),
        this.heads.count,
        writer.ints(this.heads.stream),
        this.headCoefficients,
        this.tails.count,
        writer.ints(this.tails.stream),
        this.tailCoefficients,
        factors.count,
        writer.ints(factors.stream),
      ],
    );
    this.setProducts(writer, potential);
  }

  private setProducts(writer: TableWriter, potential: ProductPotential): void {
    const { densities, graph } = this;
    const coefficients = edgeCoefficients(graph, potential.functions[this.mu0]!, densities);
    const inOrder = ({ edges }: EdgeRows): Float64Array => {
      const out = new Float64Array(coefficients.length);
      edges.forEach((edge, k) => {
        for (let p = 0; p < densities; p++) out[k * densities + p] = coefficients[edge * densities + p]!;
      });
      return out;
    };
    writer.replace(this.headCoefficients, inOrder(this.heads));
    writer.replace(this.tailCoefficients, inOrder(this.tails));
  }

  /** Takes over the coefficients of a potential whose functions have the same indices. */
  setCoefficients(writer: TableWriter, potential: ProductPotential): void {
    this.setProducts(writer, potential);
    for (const bond of this.bonds) bond.setSingles(writer, potential.functions[this.mu0]!);
  }
}

/** Indices of functions, without their coefficients. */
function signature(functions: readonly ProductFunction[]): string {
  return functions.map(({ mus, ns, ls, ms }) => `${mus.join()}|${ns.join()}|${ls.join()}|${ms.join()}`).join(';');
}

/** Writes the tables of every element; elements whose functions have the same indices share a graph. */
export function writeElements(writer: TableWriter, potential: ProductPotential, nodeBytes: number): ElementTable[] {
  const graphs = new Map<string, HalfGraph>();
  return potential.functions.map((functions, mu0) => {
    const key = signature(functions);
    const graph = graphs.get(key) ?? compileHalfGraph(functions, potential.elements.length);
    graphs.set(key, graph);
    return new ElementTable(writer, potential, mu0, graph, nodeBytes);
  });
}
