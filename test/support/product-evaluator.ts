import { MAX_ORDER } from '../../src/core/descriptors/ace/coupling.ts';
import { AtomEnergy, embed } from '../../src/core/descriptors/ace/embedding.ts';
import { HARMONIC_STRIDE, SphericalHarmonics } from '../../src/core/descriptors/ace/harmonics.ts';
import { ElementIndex, pairList } from '../../src/core/descriptors/ace/pair-list.ts';
import type { ProductBond, ProductFunction, ProductPotential } from '../../src/core/descriptors/ace/product-basis.ts';
import { coreRepulsion, innerSwitch } from '../../src/core/descriptors/ace/radial.ts';
import { SmoothedZbl } from '../../src/core/descriptors/ace/zbl.ts';
import type { Evaluation, EvaluationOptions } from '../../src/core/descriptors/descriptors.ts';
import { addBondForce } from '../../src/core/structure/bond-force.ts';
import { requireDistance } from '../../src/core/structure/checks.ts';
import { atomCount, type Structure } from '../../src/core/structure/structure.ts';

/** Everything of one neighbour that its force needs. */
interface Neighbor {
  atom: number;
  element: number;
  r: number;
  readonly unit: Float64Array;
  /** g_k and R_nl with their slopes, inner switch included. */
  readonly g: Float64Array;
  readonly dg: Float64Array;
  readonly radial: Float64Array;
  readonly slope: Float64Array;
  readonly harmonics: Float64Array;
  coreSlope: number;
}

/**
 * Evaluates a product potential, function by function as the file lists them and with exact radial functions: slow and
 * plain, what the faster programs are held against.
 */
export class ProductEvaluator {
  readonly potential: ProductPotential;
  readonly cutoff: number;
  private readonly count: number;
  private readonly nmax: number;
  private readonly lmax: number;
  private readonly angular: SphericalHarmonics;
  private readonly elements: ElementIndex;
  private readonly zbl: readonly (readonly (SmoothedZbl | null)[])[];
  private readonly neighbors: Neighbor[] = [];
  private readonly pair = new Float64Array(2);
  private readonly inner = new Float64Array(2);
  private readonly joined = new AtomEnergy();
  // A_{μnlm} for −l ≤ m ≤ l (Re, Im), Σ g_k, and the derivatives of the embedded energy by both.
  private readonly base: Float64Array;
  private readonly pairBase: Float64Array;
  private readonly adjoint: Float64Array;
  private readonly pairAdjoint: Float64Array;
  private readonly densities: Float64Array;
  private readonly densitySlopes: Float64Array;
  // Products of the factors before each slot of a term (Re, Im).
  private readonly before = new Float64Array(2 * (MAX_ORDER + 1));
  // Of the atom at hand: core energy, and the neighbour with the smallest gap to its inner cutoff.
  private core = 0;
  private nearest = -1;
  private gap = Number.POSITIVE_INFINITY;

  constructor(potential: ProductPotential) {
    const { elements, bonds, embeddings } = potential;
    const all = bonds.flat();
    this.potential = potential;
    this.cutoff = Math.max(...all.map((bond) => bond.radial.cutoff));
    this.count = Math.max(...all.map((bond) => bond.radial.count));
    this.nmax = Math.max(...all.map((bond) => bond.nmax));
    this.lmax = Math.max(...all.map((bond) => bond.lmax));
    this.angular = new SphericalHarmonics(this.lmax);
    this.elements = new ElementIndex(elements);
    this.zbl = bonds.map((row, mu) => row.map((bond, nu) => zblOf(bond, elements[mu]!, elements[nu]!)));
    const size = 2 * elements.length * this.nmax * (this.lmax + 1) * (this.lmax + 1);
    this.base = new Float64Array(size);
    this.adjoint = new Float64Array(size);
    this.pairBase = new Float64Array(elements.length * this.count);
    this.pairAdjoint = new Float64Array(elements.length * this.count);
    this.densities = new Float64Array(embeddings[0]!.densities.length);
    this.densitySlopes = new Float64Array(this.densities.length);
  }

  /**
   * Energy (isolated atoms included), forces and virial of structure `index` of a batch that `options` are about.
   *
   * @throws InputError `SPECIES_NOT_IN_BASIS`, `ATOMS_COINCIDE`, and what `pairList` throws
   */
  evaluate(structure: Structure, options: EvaluationOptions = {}, index = 0): Evaluation {
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list, from, to } = pairList(structure, this.cutoff, options, index);
    const atomEnergies = new Float64Array(n);
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    for (let i = from; i < to; i++) {
      const mu0 = elements[i]!;
      let size = 0;
      this.core = 0;
      this.nearest = -1;
      this.gap = Number.POSITIVE_INFINITY;
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        const j = list.indices[p]!;
        const r = list.distances[p]!;
        if (r >= this.potential.bonds[mu0]![elements[j]!]!.radial.cutoff) continue;
        requireDistance(r, i, j);
        this.prepare(size++, mu0, elements[j]!, j, r, list.vectors.subarray(3 * p, 3 * p + 3));
      }
      this.sumBase(size);
      const functions = this.potential.functions[mu0]!;
      this.sumDensities(functions);
      const embedding = this.potential.embeddings[mu0]!;
      const products = embed(embedding, this.densities, this.densitySlopes);
      this.differentiate(functions);
      if (this.nearest >= 0) {
        const { width } = this.potential.bonds[mu0]![this.neighbors[this.nearest]!.element]!.inner;
        this.joined.joinByGap(products, this.core, this.gap, width);
      } else {
        this.joined.joinByCore(embedding, products, this.core);
      }
      atomEnergies[i] = this.potential.e0[mu0]! + this.joined.energy;
      for (let k = 0; k < size; k++) this.addForce(i, k, forces, virial);
    }
    return { energy: atomEnergies.reduce((sum, e) => sum + e, 0), atomEnergies, forces, virial };
  }

  private newNeighbor(): Neighbor {
    const mixed = this.nmax * (this.lmax + 1);
    return {
      atom: 0,
      element: 0,
      r: 0,
      unit: new Float64Array(3),
      g: new Float64Array(this.count),
      dg: new Float64Array(this.count),
      radial: new Float64Array(mixed),
      slope: new Float64Array(mixed),
      harmonics: new Float64Array(HARMONIC_STRIDE * this.angular.count),
      coreSlope: 0,
    };
  }

  /** Fills neighbour k, and adds its core. */
  private prepare(k: number, mu0: number, mu: number, atom: number, r: number, vector: Float64Array): void {
    if (k === this.neighbors.length) this.neighbors.push(this.newNeighbor());
    const neighbor = this.neighbors[k]!;
    const bond = this.potential.bonds[mu0]![mu]!;
    const { unit, g, dg, radial, slope } = neighbor;
    neighbor.atom = atom;
    neighbor.element = mu;
    neighbor.r = r;
    for (let d = 0; d < 3; d++) unit[d] = vector[d]! / r;
    const count = bond.radial.count;
    bond.radial.evaluate(r, g, dg, 0);
    this.addCore(k, bond, this.zbl[mu0]![mu]!);
    if (bond.inner.type === 'distance') {
      const [f, df] = [this.inner[0]!, this.inner[1]!];
      for (let n = 0; n < count; n++) {
        dg[n] = dg[n]! * (1 - f) - g[n]! * df;
        g[n] = g[n]! * (1 - f);
      }
    }
    radial.fill(0);
    slope.fill(0);
    for (let n = 0; n < bond.nmax; n++) {
      for (let l = 0; l <= bond.lmax; l++) {
        const from = (n * (bond.lmax + 1) + l) * count;
        const to = n * (this.lmax + 1) + l;
        for (let q = 0; q < count; q++) {
          const c = bond.coefficients[from + q]!;
          radial[to] = radial[to]! + c * g[q]!;
          slope[to] = slope[to]! + c * dg[q]!;
        }
      }
    }
    this.angular.evaluate(unit[0]!, unit[1]!, unit[2]!, neighbor.harmonics, 0);
  }

  /** Core of neighbour k as the type of its inner cutoff has it; leaves the inner switch in `inner`. */
  private addCore(k: number, bond: ProductBond, zbl: SmoothedZbl | null): void {
    const { pair, inner } = this;
    const neighbor = this.neighbors[k]!;
    const { type, cutoff, width } = bond.inner;
    const { prefactor, lambda } = bond.core;
    if (zbl !== null) {
      zbl.evaluate(neighbor.r, pair);
      pair[0] = pair[0]! * prefactor;
      pair[1] = pair[1]! * prefactor;
      const gap = neighbor.r - cutoff + width;
      if (gap < this.gap) {
        this.gap = gap;
        this.nearest = k;
      }
    } else {
      coreRepulsion(neighbor.r, bond.radial.cutoff, prefactor, lambda, pair);
    }
    if (type === 'distance') {
      innerSwitch(neighbor.r, cutoff, width, inner);
      pair[1] = pair[1]! * inner[0]! + pair[0]! * inner[1]!;
      pair[0] = pair[0]! * inner[0]!;
    }
    this.core += pair[0]!;
    neighbor.coreSlope = pair[1]!;
  }

  /** Place of A_{μ n l m} (n from 1) in `base`. */
  private place(mu: number, n: number, l: number, m: number): number {
    return 2 * ((mu * this.nmax + n - 1) * (this.lmax + 1) * (this.lmax + 1) + l * l + l + m);
  }

  /** Sums the first `size` neighbours to A, for all m, and to Σ g_k. */
  private sumBase(size: number): void {
    const { base, pairBase, count, nmax, lmax } = this;
    base.fill(0);
    pairBase.fill(0);
    for (let k = 0; k < size; k++) {
      const { element, g, radial, harmonics } = this.neighbors[k]!;
      for (let q = 0; q < count; q++) {
        const c = element * count + q;
        pairBase[c] = pairBase[c]! + g[q]!;
      }
      for (let n = 1; n <= nmax; n++) {
        for (let l = 0; l <= lmax; l++) {
          const value = radial[(n - 1) * (lmax + 1) + l]!;
          for (let m = 0; m <= l; m++) {
            const h = HARMONIC_STRIDE * ((l * (l + 1)) / 2 + m);
            const up = this.place(element, n, l, m);
            base[up] = base[up]! + value * harmonics[h]!;
            base[up + 1] = base[up + 1]! + value * harmonics[h + 1]!;
            if (m === 0) continue;
            const sign = m % 2 === 0 ? 1 : -1;
            const down = this.place(element, n, l, -m);
            base[down] = base[down]! + sign * value * harmonics[h]!;
            base[down + 1] = base[down + 1]! - sign * value * harmonics[h + 1]!;
          }
        }
      }
    }
  }

  /** ρ_p of the functions. */
  private sumDensities(functions: readonly ProductFunction[]): void {
    const { base, densities } = this;
    const nDensities = densities.length;
    densities.fill(0);
    for (const { mus, ns, ls, ms, coefficients } of functions) {
      const order = mus.length;
      const terms = coefficients.length / nDensities;
      for (let k = 0; k < terms; k++) {
        let re = 1;
        let im = 0;
        if (order === 1) re = this.pairBase[mus[0]! * this.count + ns[0]! - 1]!;
        for (let t = 0; order > 1 && t < order; t++) {
          const a = this.place(mus[t]!, ns[t]!, ls[t]!, ms[k * order + t]!);
          const next = re * base[a]! - im * base[a + 1]!;
          im = re * base[a + 1]! + im * base[a]!;
          re = next;
        }
        for (let p = 0; p < nDensities; p++) densities[p] = densities[p]! + coefficients[k * nDensities + p]! * re;
      }
    }
  }

  /** Derivatives w of the embedded energy F, with dF = Re Σ w dA + Σ w¹ dA¹. */
  private differentiate(functions: readonly ProductFunction[]): void {
    const { base, adjoint, pairAdjoint, before, densitySlopes } = this;
    const nDensities = densitySlopes.length;
    adjoint.fill(0);
    pairAdjoint.fill(0);
    for (const { mus, ns, ls, ms, coefficients } of functions) {
      const order = mus.length;
      const terms = coefficients.length / nDensities;
      for (let k = 0; k < terms; k++) {
        let c = 0;
        for (let p = 0; p < nDensities; p++) c += densitySlopes[p]! * coefficients[k * nDensities + p]!;
        if (order === 1) {
          const a = mus[0]! * this.count + ns[0]! - 1;
          pairAdjoint[a] = pairAdjoint[a]! + c;
          continue;
        }
        before[0] = 1;
        before[1] = 0;
        for (let t = 0; t < order - 1; t++) {
          const a = this.place(mus[t]!, ns[t]!, ls[t]!, ms[k * order + t]!);
          const [re, im] = [before[2 * t]!, before[2 * t + 1]!];
          before[2 * t + 2] = re * base[a]! - im * base[a + 1]!;
          before[2 * t + 3] = re * base[a + 1]! + im * base[a]!;
        }
        // `after` is c times the product of the factors behind slot t.
        let afterRe = c;
        let afterIm = 0;
        for (let t = order - 1; t >= 0; t--) {
          const a = this.place(mus[t]!, ns[t]!, ls[t]!, ms[k * order + t]!);
          adjoint[a] = adjoint[a]! + before[2 * t]! * afterRe - before[2 * t + 1]! * afterIm;
          adjoint[a + 1] = adjoint[a + 1]! + before[2 * t]! * afterIm + before[2 * t + 1]! * afterRe;
          const re = afterRe * base[a]! - afterIm * base[a + 1]!;
          afterIm = afterRe * base[a + 1]! + afterIm * base[a]!;
          afterRe = re;
        }
      }
    }
  }

  /** Adds force and virial of neighbour k of atom i, whose energy is joined. */
  private addForce(i: number, k: number, forces: Float64Array, virial: Float64Array): void {
    const { adjoint, pairAdjoint, count, nmax, lmax, joined } = this;
    const { atom, element, r, unit, dg, radial, slope, harmonics, coreSlope } = this.neighbors[k]!;
    let along = 0;
    const tangential = [0, 0, 0];
    for (let q = 0; q < count; q++) along += pairAdjoint[element * count + q]! * dg[q]!;
    for (let n = 1; n <= nmax; n++) {
      for (let l = 0; l <= lmax; l++) {
        const value = radial[(n - 1) * (lmax + 1) + l]!;
        const derivative = slope[(n - 1) * (lmax + 1) + l]!;
        for (let m = 0; m <= l; m++) {
          const up = this.place(element, n, l, m);
          let re = adjoint[up]!;
          let im = adjoint[up + 1]!;
          if (m > 0) {
            // A_{−m} = (−1)^m conj A_m brings its derivative to m.
            const down = this.place(element, n, l, -m);
            const sign = m % 2 === 0 ? 1 : -1;
            re += sign * adjoint[down]!;
            im -= sign * adjoint[down + 1]!;
          }
          const h = HARMONIC_STRIDE * ((l * (l + 1)) / 2 + m);
          along += derivative * (re * harmonics[h]! - im * harmonics[h + 1]!);
          for (let d = 0; d < 3; d++) {
            tangential[d]! += value * (re * harmonics[h + 2 + d]! - im * harmonics[h + 5 + d]!);
          }
        }
      }
    }
    const radially = joined.byProducts * along + joined.byCore * coreSlope + (k === this.nearest ? joined.byGap : 0);
    const [ux, uy, uz] = [unit[0]!, unit[1]!, unit[2]!];
    const across = joined.byProducts / r;
    const gx = radially * ux + across * tangential[0]!;
    const gy = radially * uy + across * tangential[1]!;
    const gz = radially * uz + across * tangential[2]!;
    addBondForce(forces, virial, i, atom, gx, gy, gz, r * ux, r * uy, r * uz);
  }
}

/** Repulsion of a bond whose nearest neighbour switches to it; null for others and for one of prefactor 0. */
function zblOf(bond: ProductBond, central: string, neighbor: string): SmoothedZbl | null {
  if (bond.inner.type !== 'zbl') return null;
  return new SmoothedZbl(central, neighbor, bond.radial.cutoff, bond.cutoffWidth);
}
