import { atomicNumberOf, symbolOf } from '../../elements.ts';
import { InputError } from '../../errors.ts';
import { VOIGT_AXES } from '../../structure/cell.ts';
import { requireDistance } from '../../structure/checks.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import { atomCount, type Structure } from '../../structure/structure.ts';
import type { Evaluation } from '../descriptors.ts';
import { MAX_ORDER } from './coupling.ts';
import { HARMONIC_STRIDE, SphericalHarmonics } from './harmonics.ts';
import type { ProductBond, ProductFunction, ProductPotential } from './product-basis.ts';
import { coreRepulsion, innerSwitch } from './radial.ts';

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

/** Evaluates a product potential, function by function as the file lists them. */
export class ProductEvaluator {
  readonly potential: ProductPotential;
  private readonly cutoff: number;
  private readonly count: number;
  private readonly nmax: number;
  private readonly lmax: number;
  private readonly angular: SphericalHarmonics;
  private readonly elementOfNumber = new Map<number, number>();
  private readonly neighbors: Neighbor[] = [];
  private readonly pair = new Float64Array(2);
  private readonly inner = new Float64Array(2);
  // A_{μnlm} for −l ≤ m ≤ l (Re, Im), Σ g_k, and the derivatives of ρ by both.
  private readonly base: Float64Array;
  private readonly pairBase: Float64Array;
  private readonly adjoint: Float64Array;
  private readonly pairAdjoint: Float64Array;
  // Products of the factors before each slot of a term (Re, Im).
  private readonly before = new Float64Array(2 * (MAX_ORDER + 1));

  constructor(potential: ProductPotential) {
    const bonds = potential.bonds.flat();
    this.potential = potential;
    this.cutoff = Math.max(...bonds.map((bond) => bond.radial.cutoff));
    this.count = Math.max(...bonds.map((bond) => bond.radial.count));
    this.nmax = Math.max(...bonds.map((bond) => bond.nmax));
    this.lmax = Math.max(...bonds.map((bond) => bond.lmax));
    this.angular = new SphericalHarmonics(this.lmax);
    potential.elements.forEach((symbol, mu) => {
      this.elementOfNumber.set(atomicNumberOf(symbol), mu);
    });
    const size = 2 * potential.elements.length * this.nmax * (this.lmax + 1) * (this.lmax + 1);
    this.base = new Float64Array(size);
    this.adjoint = new Float64Array(size);
    this.pairBase = new Float64Array(potential.elements.length * this.count);
    this.pairAdjoint = new Float64Array(potential.elements.length * this.count);
  }

  /** Energy (isolated atoms included), forces and virial. @throws InputError `SPECIES_NOT_IN_BASIS`, `ATOMS_COINCIDE` */
  evaluate(structure: Structure): Evaluation {
    const n = atomCount(structure);
    const elements = Array.from(structure.species, (z, i) => this.elementOf(z, i));
    const list = neighborList(structure, this.cutoff);
    const atomEnergies = new Float64Array(n);
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    for (let i = 0; i < n; i++) {
      const mu0 = elements[i]!;
      let core = 0;
      let size = 0;
      for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
        const j = list.indices[p]!;
        const bond = this.potential.bonds[mu0]![elements[j]!]!;
        const r = list.distances[p]!;
        if (r >= bond.radial.cutoff) continue;
        requireDistance(r, i, j);
        core += this.prepare(size++, bond, elements[j]!, j, r, list.vectors.subarray(3 * p, 3 * p + 3));
      }
      this.sumBase(size);
      const density = this.density(this.potential.functions[mu0]!);
      const limit = this.potential.coreLimits[mu0]!;
      innerSwitch(core, limit.cutoff, limit.width, this.pair);
      const [keep, dKeep] = [this.pair[0]!, this.pair[1]!];
      atomEnergies[i] = this.potential.e0[mu0]! + density * keep + core;
      for (let k = 0; k < size; k++) this.addForce(i, k, keep, 1 + density * dKeep, forces, virial);
    }
    return { energy: atomEnergies.reduce((sum, e) => sum + e, 0), atomEnergies, forces, virial };
  }

  private elementOf(z: number, atom: number): number {
    const mu = this.elementOfNumber.get(z);
    if (mu === undefined) {
      const known = this.potential.elements.join(', ');
      throw new InputError(
        'SPECIES_NOT_IN_BASIS',
        `species must be one of ${known}, got ${symbolOf(z)} (atom ${atom})`,
        {
          species: symbolOf(z),
          atom,
        },
      );
    }
    return mu;
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

  /** Fills neighbour k; returns its core energy. */
  private prepare(k: number, bond: ProductBond, mu: number, atom: number, r: number, vector: Float64Array): number {
    if (k === this.neighbors.length) this.neighbors.push(this.newNeighbor());
    const neighbor = this.neighbors[k]!;
    const { unit, g, dg, radial, slope } = neighbor;
    neighbor.atom = atom;
    neighbor.element = mu;
    neighbor.r = r;
    for (let d = 0; d < 3; d++) unit[d] = vector[d]! / r;
    const count = bond.radial.count;
    bond.radial.evaluate(r, g, dg, 0);
    innerSwitch(r, bond.innerCutoff, bond.innerWidth, this.inner);
    const [f, df] = [this.inner[0]!, this.inner[1]!];
    for (let n = 0; n < count; n++) {
      dg[n] = dg[n]! * (1 - f) - g[n]! * df;
      g[n] = g[n]! * (1 - f);
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
    coreRepulsion(r, bond.radial.cutoff, bond.core.prefactor, bond.core.lambda, this.pair);
    neighbor.coreSlope = this.pair[1]! * f + this.pair[0]! * df;
    return this.pair[0]! * f;
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

  /** ρ of the functions, and its derivatives w with dρ = Re Σ w dA + Σ w¹ dA¹. */
  private density(functions: readonly ProductFunction[]): number {
    const { base, adjoint, pairBase, pairAdjoint, before } = this;
    adjoint.fill(0);
    pairAdjoint.fill(0);
    let density = 0;
    for (const { mus, ns, ls, ms, coefficients } of functions) {
      const order = mus.length;
      if (order === 1) {
        const c = mus[0]! * this.count + ns[0]! - 1;
        density += coefficients[0]! * pairBase[c]!;
        pairAdjoint[c] = pairAdjoint[c]! + coefficients[0]!;
        continue;
      }
      for (let k = 0; k < coefficients.length; k++) {
        before[0] = 1;
        before[1] = 0;
        for (let t = 0; t < order; t++) {
          const a = this.place(mus[t]!, ns[t]!, ls[t]!, ms[k * order + t]!);
          const [re, im] = [before[2 * t]!, before[2 * t + 1]!];
          before[2 * t + 2] = re * base[a]! - im * base[a + 1]!;
          before[2 * t + 3] = re * base[a + 1]! + im * base[a]!;
        }
        const c = coefficients[k]!;
        density += c * before[2 * order]!;
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
    return density;
  }

  /** Adds force and virial of neighbour k of atom i: ∂E/∂r = keep·∂ρ/∂r + coreWeight·∂core/∂r. */
  private addForce(
    i: number,
    k: number,
    keep: number,
    coreWeight: number,
    forces: Float64Array,
    virial: Float64Array,
  ): void {
    const { adjoint, pairAdjoint, count, nmax, lmax } = this;
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
    const gradient = tangential.map((t, d) => keep * (along * unit[d]! + t / r) + coreWeight * coreSlope * unit[d]!);
    for (let d = 0; d < 3; d++) {
      forces[3 * i + d]! += gradient[d]!;
      forces[3 * atom + d]! -= gradient[d]!;
    }
    VOIGT_AXES.forEach(([a, b], v) => {
      virial[v]! -= gradient[a]! * r * unit[b]!;
    });
  }
}
