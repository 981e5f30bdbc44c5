import type { ProductBond, ProductFunction, ProductPotential } from './product-basis.ts';
import { coreRepulsion, innerSwitch, type RadialFunctions } from './radial.ts';
import { SmoothedZbl } from './zbl.ts';

/** Radial index and angular momentum of one R_nl; n from 1. */
export interface RadialIndex {
  readonly n: number;
  readonly l: number;
}

/** Radial functions that products of two and more factors need of a neighbour element: by l, then by n. */
export function radialIndices(functions: readonly ProductFunction[], mu: number): RadialIndex[] {
  const found = new Map<number, RadialIndex>();
  for (const { mus, ns, ls } of functions) {
    for (let t = 0; mus.length > 1 && t < mus.length; t++) {
      if (mus[t] === mu) found.set(ls[t]! * 4096 + ns[t]!, { n: ns[t]!, l: ls[t]! });
    }
  }
  return [...found.entries()].sort(([a], [b]) => a - b).map(([, index]) => index);
}

/** [densities, count] c̃_pk: functions of one factor of a neighbour element, folded into one sum of g_k per density. */
function singleFactors(functions: readonly ProductFunction[], mu: number, densities: number, count: number) {
  const folded = new Float64Array(densities * count);
  for (const { mus, ns, coefficients } of functions) {
    if (mus.length !== 1 || mus[0] !== mu) continue;
    for (let p = 0; p < densities; p++) {
      const at = p * count + ns[0]! - 1;
      folded[at] = folded[at]! + coefficients[p]!;
    }
  }
  return folded;
}

/** Where `run` occurs among `rows`, −1 if nowhere. */
function findRun(rows: readonly Float64Array[], run: readonly Float64Array[]): number {
  for (let start = 0; start + run.length <= rows.length; start++) {
    if (run.every((row, t) => row.every((c, k) => c === rows[start + t]![k]))) return start;
  }
  return -1;
}

/**
 * All that one neighbour brings with its distance, in a row: the R_nl that products need, by l and then n, those that are
 * the same functions for several l once; then Σ_k c̃_pk g_k of the functions of one factor for each density, then the core;
 * inner switches included. Exact: nothing is tabulated.
 */
export class BondFunctions implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  /** Which R_nl there are, by l and then n. */
  readonly indices: readonly RadialIndex[];
  /** Rows of R_nl; behind them stand the densities and the core. */
  readonly nRadial: number;
  /** First row of each l that occurs; the n of `indices` follow one another. */
  readonly starts: ReadonlyMap<number, number>;
  private readonly bond: ProductBond;
  private readonly zbl: SmoothedZbl | null;
  /** Every row but the core as a combination of the g_k from begins[row] ≤ k < ends[row], one after the other. */
  private readonly begins: Int32Array;
  private readonly ends: Int32Array;
  private readonly mixing: Float64Array;
  private readonly g: Float64Array;
  private readonly slopes: Float64Array;
  private readonly inner = new Float64Array(2);
  private readonly core = new Float64Array(2);

  constructor(potential: ProductPotential, mu0: number, mu: number) {
    const bond = potential.bonds[mu0]![mu]!;
    const functions = potential.functions[mu0]!;
    const densities = potential.embeddings[mu0]!.densities.length;
    const basis = bond.radial.count;
    this.bond = bond;
    this.cutoff = bond.radial.cutoff;
    this.indices = radialIndices(functions, mu);
    this.zbl =
      bond.inner.type === 'zbl'
        ? new SmoothedZbl(potential.elements[mu0]!, potential.elements[mu]!, this.cutoff, bond.cutoffWidth)
        : null;
    const rows: Float64Array[] = [];
    const starts = new Map<number, number>();
    const runs = new Map<number, Float64Array[]>();
    for (const { n, l } of this.indices) {
      const from = ((n - 1) * (bond.lmax + 1) + l) * basis;
      runs.set(l, [...(runs.get(l) ?? []), bond.coefficients.subarray(from, from + basis)]);
    }
    // Longer runs first, so that shorter ones are found in them.
    for (const [l, run] of [...runs].sort(([, a], [, b]) => b.length - a.length)) {
      const start = findRun(rows, run);
      starts.set(l, start < 0 ? rows.length : start);
      if (start < 0) rows.push(...run);
    }
    this.starts = starts;
    this.nRadial = rows.length;
    this.count = rows.length + densities + 1;
    const single = singleFactors(functions, mu, densities, basis);
    for (let p = 0; p < densities; p++) rows.push(single.subarray(p * basis, (p + 1) * basis));
    this.begins = Int32Array.from(rows, (row) =>
      Math.max(
        0,
        row.findIndex((c) => c !== 0),
      ),
    );
    this.ends = Int32Array.from(rows, (row) => row.findLastIndex((c) => c !== 0) + 1);
    this.mixing = Float64Array.from(rows.flatMap((row, q) => Array.from(row.subarray(this.begins[q]!, this.ends[q]!))));
    this.g = new Float64Array(basis);
    this.slopes = new Float64Array(basis);
  }

  /** [count, g + 1] the rows as sums of g_k and of the core, which comes last. */
  mixtures(): Float64Array {
    const { begins, ends, mixing, count } = this;
    const width = this.g.length + 1;
    const out = new Float64Array(count * width);
    for (let row = 0, e = 0; row < count - 1; row++) {
      for (let k = begins[row]!; k < ends[row]!; k++, e++) out[row * width + k] = mixing[e]!;
    }
    out[count * width - 1] = 1;
    return out;
  }

  /** Values and slopes at r > 0 (see the interface). */
  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { bond, count, begins, ends, mixing, g, slopes: dg, inner, core } = this;
    if (r >= this.cutoff) {
      values.fill(0, offset, offset + count);
      slopes.fill(0, offset, offset + count);
      return;
    }
    const basis = g.length;
    bond.radial.evaluate(r, g, dg, 0);
    if (this.zbl === null) coreRepulsion(r, this.cutoff, bond.core.prefactor, bond.core.lambda, core);
    else {
      this.zbl.evaluate(r, core);
      core[0] = core[0]! * bond.core.prefactor;
      core[1] = core[1]! * bond.core.prefactor;
    }
    if (bond.inner.type === 'distance') {
      innerSwitch(r, bond.inner.cutoff, bond.inner.width, inner);
      const [f, df] = [inner[0]!, inner[1]!];
      core[1] = core[1]! * f + core[0]! * df;
      core[0] = core[0]! * f;
      for (let k = 0; f > 0 && k < basis; k++) {
        dg[k] = dg[k]! * (1 - f) - g[k]! * df;
        g[k] = g[k]! * (1 - f);
      }
    }
    for (let row = 0, e = 0; row < count - 1; row++) {
      let value = 0;
      let slope = 0;
      const end = ends[row]!;
      for (let k = begins[row]!; k < end; k++, e++) {
        const c = mixing[e]!;
        value += c * g[k]!;
        slope += c * dg[k]!;
      }
      values[offset + row] = value;
      slopes[offset + row] = slope;
    }
    values[offset + count - 1] = core[0]!;
    slopes[offset + count - 1] = core[1]!;
  }
}
