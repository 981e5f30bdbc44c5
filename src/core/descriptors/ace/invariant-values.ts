/** Values of invariants for potentials of files: any radial functions, mixed as the file says. Plain and rarely needed. */
import { requireDistance } from '../../structure/checks.ts';
import { atomCount, type Structure } from '../../structure/structure.ts';
import type { CoupledTerms } from './coupling.ts';
import { HARMONIC_STRIDE, SphericalHarmonics } from './harmonics.ts';
import { ElementIndex, pairList } from './pair-list.ts';
import type { ProductBond } from './product-basis.ts';
import { innerSwitch } from './radial.ts';

/** An invariant B = Σ_m C_m Re Π_t A_{μ_t n_t l_t m_t}; of one factor: Σ_j g_n(r_j). */
export interface Invariant {
  readonly mus: readonly number[];
  readonly ns: readonly number[];
  readonly ls: readonly number[];
  readonly terms: CoupledTerms;
}

/** Evaluates the invariants of every atom of a structure, with exact radial functions. */
export class InvariantValues {
  /** Largest number of invariants of an element. */
  readonly width: number;
  private readonly bonds: readonly (readonly ProductBond[])[];
  private readonly invariants: readonly (readonly Invariant[])[];
  private readonly elements: ElementIndex;
  private readonly cutoff: number;
  private readonly count: number;
  private readonly nmax: number;
  private readonly lmax: number;
  private readonly angular: SphericalHarmonics;
  // A_{μnlm} for −l ≤ m ≤ l (Re, Im), and Σ g_k.
  private readonly base: Float64Array;
  private readonly pairBase: Float64Array;
  private readonly g: Float64Array;
  private readonly dg: Float64Array;
  private readonly harmonics: Float64Array;
  private readonly inner = new Float64Array(2);

  /**
   * @param bonds      bonds[μ0][μ]
   * @param invariants invariants[μ0]
   */
  constructor(
    elements: readonly string[],
    bonds: readonly (readonly ProductBond[])[],
    invariants: readonly (readonly Invariant[])[],
  ) {
    const all = bonds.flat();
    this.bonds = bonds;
    this.invariants = invariants;
    this.width = Math.max(...invariants.map((own) => own.length));
    this.elements = new ElementIndex(elements);
    this.cutoff = Math.max(...all.map((bond) => bond.radial.cutoff));
    this.count = Math.max(...all.map((bond) => bond.radial.count));
    this.nmax = Math.max(1, ...all.map((bond) => bond.nmax));
    this.lmax = Math.max(...all.map((bond) => bond.lmax));
    this.angular = new SphericalHarmonics(this.lmax);
    this.base = new Float64Array(2 * elements.length * this.nmax * (this.lmax + 1) * (this.lmax + 1));
    this.pairBase = new Float64Array(elements.length * this.count);
    this.g = new Float64Array(this.count);
    this.dg = new Float64Array(this.count);
    this.harmonics = new Float64Array(HARMONIC_STRIDE * this.angular.count);
  }

  /**
   * B of each atom, [n, width] row-major; entries beyond those of its element are 0.
   *
   * @throws InputError `SPECIES_NOT_IN_BASIS`, `ATOMS_COINCIDE`
   */
  evaluate(structure: Structure): Float64Array {
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list } = pairList(structure, this.cutoff, {}, 0);
    const out = new Float64Array(n * this.width);
    for (let i = 0; i < n; i++) {
      const mu0 = elements[i]!;
      this.base.fill(0);
      this.pairBase.fill(0);
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        const j = list.indices[p]!;
        const r = list.distances[p]!;
        const bond = this.bonds[mu0]![elements[j]!]!;
        if (r >= bond.radial.cutoff) continue;
        requireDistance(r, i, j);
        this.add(bond, elements[j]!, r, list.vectors, 3 * p);
      }
      const own = this.invariants[mu0]!;
      for (let v = 0; v < own.length; v++) out[i * this.width + v] = this.valueOf(own[v]!);
    }
    return out;
  }

  /** Place of A_{μ n l m} (n from 1) in `base`. */
  private place(mu: number, n: number, l: number, m: number): number {
    return 2 * ((mu * this.nmax + n - 1) * (this.lmax + 1) * (this.lmax + 1) + l * l + l + m);
  }

  /** Adds a neighbour of element μ to the base. */
  private add(bond: ProductBond, mu: number, r: number, vectors: Float64Array, at: number): void {
    const { g, dg, inner, base, pairBase, harmonics, count } = this;
    const own = bond.radial.count;
    bond.radial.evaluate(r, g, dg, 0);
    if (bond.inner.type === 'distance') {
      innerSwitch(r, bond.inner.cutoff, bond.inner.width, inner);
      for (let q = 0; q < own; q++) g[q] = g[q]! * (1 - inner[0]!);
    }
    for (let q = 0; q < own; q++) pairBase[mu * count + q] = pairBase[mu * count + q]! + g[q]!;
    this.angular.evaluate(vectors[at]! / r, vectors[at + 1]! / r, vectors[at + 2]! / r, harmonics, 0);
    for (let n = 1; n <= bond.nmax; n++) {
      for (let l = 0; l <= bond.lmax; l++) {
        const from = ((n - 1) * (bond.lmax + 1) + l) * own;
        let value = 0;
        for (let q = 0; q < own; q++) value += bond.coefficients[from + q]! * g[q]!;
        for (let m = 0; m <= l; m++) {
          const h = HARMONIC_STRIDE * ((l * (l + 1)) / 2 + m);
          const up = this.place(mu, n, l, m);
          base[up] = base[up]! + value * harmonics[h]!;
          base[up + 1] = base[up + 1]! + value * harmonics[h + 1]!;
          if (m === 0) continue;
          const sign = m % 2 === 0 ? 1 : -1;
          const down = this.place(mu, n, l, -m);
          base[down] = base[down]! + sign * value * harmonics[h]!;
          base[down + 1] = base[down + 1]! - sign * value * harmonics[h + 1]!;
        }
      }
    }
  }

  private valueOf({ mus, ns, ls, terms }: Invariant): number {
    const { base } = this;
    const order = mus.length;
    if (order === 1) return terms.coefficients[0]! * this.pairBase[mus[0]! * this.count + ns[0]! - 1]!;
    let sum = 0;
    for (let k = 0; k < terms.coefficients.length; k++) {
      let re = 1;
      let im = 0;
      for (let t = 0; t < order; t++) {
        const a = this.place(mus[t]!, ns[t]!, ls[t]!, terms.ms[k * order + t]!);
        const next = re * base[a]! - im * base[a + 1]!;
        im = re * base[a + 1]! + im * base[a]!;
        re = next;
      }
      sum += terms.coefficients[k]! * re;
    }
    return sum;
  }
}
