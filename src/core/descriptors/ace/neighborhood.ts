/**
 * The surroundings of one atom in a product potential: rows of radial functions and unnormalised harmonics of its
 * neighbours, the atomic base A that they sum to, and the forces that the derivatives of an energy by A make.
 *
 *   A_{μnlm} = Σ_j R_nl(r_j) Q_lm(z_j) (x_j + iy_j)^m,  m ≥ 0,  on unit vectors
 *
 * Q_lm is the m-th derivative of the monic Legendre polynomial of degree l, so that dQ_lm/dz = Q_{l,m+1}. The constants
 * that turn Q (x + iy)^m into a spherical harmonic belong to the coefficients of the products.
 */
import { addBondForce } from '../../structure/bond-force.ts';
import { requireDistance } from '../../structure/checks.ts';
import type { NeighborList } from '../../structure/neighbor-list.ts';
import type { RadialFunctions } from './radial.ts';

/** Rows of one bond and where their products with harmonics stand in A. */
export interface BondRows {
  /** Values and slopes that come with the distance: R_nl, and what else there is. */
  readonly functions: RadialFunctions;
  /** [lmax + 1] first R_nl of each l and the end of its run; several l may share rows. */
  readonly first: Int32Array;
  readonly last: Int32Array;
  /** First row of what else there is. */
  readonly rest: number;
  /** [(lmax+1)(lmax+2)/2] place of A of each (m, l), m outer, l ≥ m inner, for the first row of l, the others following. */
  readonly places: Int32Array;
}

/** Neighbours are worked on in blocks of this many of one element, the last of which is filled up with nothing. */
const BLOCK = 4;

/**
 * Neighbours of one atom within the cutoffs of their bonds, by element. The places that fill up the blocks of an element
 * hold no atom (−1) and rows of zeros. Buffers are reused from atom to atom.
 */
export class Neighborhood {
  /** Number of places. */
  size = 0;
  /** [size] index of the atom at each place, −1 for none, and its element. */
  atoms: Int32Array = new Int32Array(0);
  elements: Int32Array = new Int32Array(0);
  /** [size] distance, Å, and [3·size] unit vector from the central atom. */
  distances: Float64Array = new Float64Array(0);
  directions: Float64Array = new Float64Array(0);
  /** [size, stride] rows of radial functions and their slopes. */
  values: Float64Array = new Float64Array(0);
  slopes: Float64Array = new Float64Array(0);
  /** [3·size] what `differentiate` finds. */
  gradients: Float64Array = new Float64Array(0);
  readonly stride: number;
  private readonly bonds: readonly (readonly BondRows[])[];
  private readonly lmax: number;
  private readonly nHarmonics: number;
  /** [nHarmonics] a and b of Q_lm = a z Q_{l−1,m} − b Q_{l−2,m}, m outer. */
  private readonly ahead: Float64Array;
  private readonly back: Float64Array;
  /** [size, nHarmonics] Q_lm, m outer, and [size, 2(lmax+1)] (x + iy)^m. */
  private legendre: Float64Array = new Float64Array(0);
  private powers: Float64Array = new Float64Array(0);
  /** [elements] place where the next neighbour of each element goes. */
  private readonly next: Int32Array;

  constructor(bonds: readonly (readonly BondRows[])[], lmax: number) {
    this.bonds = bonds;
    this.lmax = lmax;
    this.nHarmonics = ((lmax + 1) * (lmax + 2)) / 2;
    this.stride = Math.max(...bonds.flat().map(({ functions }) => functions.count));
    this.next = new Int32Array(bonds.length);
    const ahead: number[] = [];
    const back: number[] = [];
    for (let m = 0; m <= lmax; m++) {
      for (let l = m; l <= lmax; l++) {
        ahead.push(l / (l - m));
        back.push(((l + m - 1) * l * (l - 1)) / ((l - m) * (2 * l - 1) * (2 * l - 3)));
      }
    }
    this.ahead = Float64Array.from(ahead);
    this.back = Float64Array.from(back);
  }

  private reserve(size: number): void {
    if (size <= this.atoms.length) return;
    const room = Math.ceil((1.25 * size) / BLOCK) * BLOCK;
    this.atoms = new Int32Array(room);
    this.elements = new Int32Array(room);
    this.distances = new Float64Array(room);
    this.directions = new Float64Array(3 * room);
    this.gradients = new Float64Array(3 * room);
    this.values = new Float64Array(this.stride * room);
    this.slopes = new Float64Array(this.stride * room);
    this.legendre = new Float64Array(this.nHarmonics * room);
    this.powers = new Float64Array(2 * (this.lmax + 1) * room);
  }

  /** Gathers the neighbours of atom i; `elementOf[j]` is the element of atom j. @throws InputError `ATOMS_COINCIDE` */
  gather(list: NeighborList, i: number, elementOf: Uint8Array): void {
    const begin = list.offsets[i]!;
    const end = list.offsets[i + 1]!;
    const bonds = this.bonds[elementOf[i]!]!;
    this.layOut(list, begin, end, elementOf, bonds);
    const { atoms, elements, distances, directions, values, slopes, stride, next } = this;
    for (let p = begin; p < end; p++) {
      const r = list.distances[p]!;
      const j = list.indices[p]!;
      const mu = elementOf[j]!;
      const { functions } = bonds[mu]!;
      if (r >= functions.cutoff) continue;
      requireDistance(r, i, j);
      const k = next[mu]!;
      next[mu] = k + 1;
      const inverse = 1 / r;
      atoms[k] = j;
      elements[k] = mu;
      distances[k] = r;
      directions[3 * k] = list.vectors[3 * p]! * inverse;
      directions[3 * k + 1] = list.vectors[3 * p + 1]! * inverse;
      directions[3 * k + 2] = list.vectors[3 * p + 2]! * inverse;
      functions.evaluate(r, values, slopes, k * stride);
    }
    for (let mu = 0, k = 0; mu < next.length; mu++) {
      for (k = next[mu]!; k % BLOCK !== 0; k++) this.leaveEmpty(k, mu);
    }
    this.computeHarmonics();
  }

  /** Counts the neighbours of each element and gives each a run of whole blocks. */
  private layOut(
    list: NeighborList,
    begin: number,
    end: number,
    elementOf: Uint8Array,
    bonds: readonly BondRows[],
  ): void {
    const { next } = this;
    next.fill(0);
    for (let p = begin; p < end; p++) {
      const mu = elementOf[list.indices[p]!]!;
      if (list.distances[p]! < bonds[mu]!.functions.cutoff) next[mu] = next[mu]! + 1;
    }
    let size = 0;
    for (let mu = 0; mu < next.length; mu++) {
      const count = next[mu]!;
      next[mu] = size;
      size += Math.ceil(count / BLOCK) * BLOCK;
    }
    this.reserve(size);
    this.size = size;
  }

  private leaveEmpty(k: number, mu: number): void {
    const { stride } = this;
    this.atoms[k] = -1;
    this.elements[k] = mu;
    this.distances[k] = 1;
    this.directions.fill(0, 3 * k, 3 * k + 3);
    this.values.fill(0, k * stride, (k + 1) * stride);
    this.slopes.fill(0, k * stride, (k + 1) * stride);
  }

  /** Q_lm and (x + iy)^m of every place. */
  private computeHarmonics(): void {
    const { size, lmax, directions, ahead, back, legendre, powers } = this;
    let q = 0;
    let e = 0;
    for (let k = 0; k < size; k++) {
      const x = directions[3 * k]!;
      const y = directions[3 * k + 1]!;
      const z = directions[3 * k + 2]!;
      let re = 1;
      let im = 0;
      let factorial = 1;
      for (let m = 0, lm = 0; m <= lmax; m++, e += 2) {
        if (m > 0) {
          const real = re * x - im * y;
          im = re * y + im * x;
          re = real;
          factorial *= m;
        }
        powers[e] = re;
        powers[e + 1] = im;
        legendre[q++] = factorial;
        lm++;
        let last = factorial;
        let before = 0;
        for (let l = m + 1; l <= lmax; l++, lm++) {
          const value = ahead[lm]! * z * last - back[lm]! * before;
          legendre[q++] = value;
          before = last;
          last = value;
        }
      }
    }
  }

  /** Writes the first `components` of A to base[2c] (Re) and base[2c + 1] (Im), as the bonds of element mu0 place them. */
  atomicBase(mu0: number, base: Float64Array, components: number): void {
    const { size, elements, values, stride, lmax, nHarmonics, legendre, powers } = this;
    base.fill(0, 0, 2 * components);
    const wide = 2 * (lmax + 1);
    for (let k = 0; k < size; k += BLOCK) {
      const { first, last, places } = this.bonds[mu0]![elements[k]!]!;
      const row = k * stride;
      for (let m = 0, lm = 0; m <= lmax; m++) {
        const e = k * wide + 2 * m;
        const re0 = powers[e]!;
        const im0 = powers[e + 1]!;
        const re1 = powers[e + wide]!;
        const im1 = powers[e + wide + 1]!;
        const re2 = powers[e + 2 * wide]!;
        const im2 = powers[e + 2 * wide + 1]!;
        const re3 = powers[e + 3 * wide]!;
        const im3 = powers[e + 3 * wide + 1]!;
        for (let l = m; l <= lmax; l++, lm++) {
          const q = k * nHarmonics + lm;
          const q0 = legendre[q]!;
          const q1 = legendre[q + nHarmonics]!;
          const q2 = legendre[q + 2 * nHarmonics]!;
          const q3 = legendre[q + 3 * nHarmonics]!;
          const y0 = q0 * re0;
          const y1 = q1 * re1;
          const y2 = q2 * re2;
          const y3 = q3 * re3;
          const z0 = q0 * im0;
          const z1 = q1 * im1;
          const z2 = q2 * im2;
          const z3 = q3 * im3;
          let c = 2 * places[lm]!;
          const end = row + last[l]!;
          for (let n = row + first[l]!; n < end; n++, c += 2) {
            const v0 = values[n]!;
            const v1 = values[n + stride]!;
            const v2 = values[n + 2 * stride]!;
            const v3 = values[n + 3 * stride]!;
            base[c] = base[c]! + (v0 * y0 + v1 * y1 + (v2 * y2 + v3 * y3));
            base[c + 1] = base[c + 1]! + (v0 * z0 + v1 * z1 + (v2 * z2 + v3 * z3));
          }
        }
      }
    }
  }

  /** Sum over the neighbours of the row that stands `index` rows behind the first that is no R_nl. */
  rowSum(mu0: number, index: number): number {
    const { size, elements, values, stride } = this;
    let sum = 0;
    for (let k = 0; k < size; k++) sum += values[k * stride + this.bonds[mu0]![elements[k]!]!.rest + index]!;
    return sum;
  }

  /** Adds a derivative by the distance of the neighbour at place k to its gradient, eV/Å. */
  addRadially(k: number, slope: number): void {
    const { directions, gradients } = this;
    for (let d = 3 * k; d < 3 * k + 3; d++) gradients[d] = gradients[d]! + slope * directions[d]!;
  }

  /** Adds the forces and the virial that `gradients` make of the pairs of atom i. */
  addForces(i: number, forces: Float64Array, virial: Float64Array): void {
    const { size, atoms, distances, directions, gradients } = this;
    for (let k = 0; k < size; k++) {
      const j = atoms[k]!;
      if (j < 0) continue;
      const r = distances[k]!;
      const x = r * directions[3 * k]!;
      const y = r * directions[3 * k + 1]!;
      const z = r * directions[3 * k + 2]!;
      addBondForce(forces, virial, i, j, gradients[3 * k]!, gradients[3 * k + 1]!, gradients[3 * k + 2]!, x, y, z);
    }
  }

  /**
   * Derivatives of an energy by the vectors to the neighbours, into `gradients`, eV/Å.
   *
   * @param adjoint  ∂E/∂A, laid out as A
   * @param rest     ∂E by the rows that are no R_nl
   */
  differentiate(mu0: number, adjoint: Float64Array, rest: Float64Array): void {
    for (let k = 0; k < this.size; k += 2) this.differentiatePair(mu0, k, adjoint, rest);
  }

  /** Derivatives by the vectors at places k and k + 1, which are of one element. */
  private differentiatePair(mu0: number, k: number, adjoint: Float64Array, rest: Float64Array): void {
    const { values, slopes, stride, lmax, nHarmonics, legendre, powers } = this;
    const { first, last, places, rest: radial } = this.bonds[mu0]![this.elements[k]!]!;
    const rowA = k * stride;
    const ahead = stride;
    const other = nHarmonics;
    let q = k * nHarmonics;
    let e = 2 * (lmax + 1) * k;
    const farther = 2 * (lmax + 1);
    let alongA = 0;
    let alongB = 0;
    let gxA = 0;
    let gyA = 0;
    let gzA = 0;
    let gxB = 0;
    let gyB = 0;
    let gzB = 0;
    for (let m = 0, lm = 0; m <= lmax; m++, e += 2) {
      // Σ_l of Q and of dQ/dz times Σ_n ∂E/∂A R, and Σ_l Q times Σ_n ∂E/∂A dR/dr.
      let flatReA = 0;
      let flatImA = 0;
      let steepReA = 0;
      let steepImA = 0;
      let outReA = 0;
      let outImA = 0;
      let flatReB = 0;
      let flatImB = 0;
      let steepReB = 0;
      let steepImB = 0;
      let outReB = 0;
      let outImB = 0;
      for (let l = m; l <= lmax; l++, lm++, q++) {
        let c = 2 * places[lm]!;
        const end = rowA + last[l]!;
        let valueReA = 0;
        let valueImA = 0;
        let slopeReA = 0;
        let slopeImA = 0;
        let valueReB = 0;
        let valueImB = 0;
        let slopeReB = 0;
        let slopeImB = 0;
        for (let n = rowA + first[l]!; n < end; n++, c += 2) {
          const wRe = adjoint[c]!;
          const wIm = adjoint[c + 1]!;
          const valueA = values[n]!;
          valueReA += wRe * valueA;
          valueImA += wIm * valueA;
          const valueB = values[n + ahead]!;
          valueReB += wRe * valueB;
          valueImB += wIm * valueB;
          const slopeA = slopes[n]!;
          slopeReA += wRe * slopeA;
          slopeImA += wIm * slopeA;
          const slopeB = slopes[n + ahead]!;
          slopeReB += wRe * slopeB;
          slopeImB += wIm * slopeB;
        }
        const qA = legendre[q]!;
        outReA += qA * slopeReA;
        outImA += qA * slopeImA;
        flatReA += qA * valueReA;
        flatImA += qA * valueImA;
        const qB = legendre[q + other]!;
        outReB += qB * slopeReB;
        outImB += qB * slopeImB;
        flatReB += qB * valueReB;
        flatImB += qB * valueImB;
        if (l === m) continue;
        // Q_{l,m+1} stands where the next m has l.
        const dA = legendre[q + lmax - m]!;
        steepReA += dA * valueReA;
        steepImA += dA * valueImA;
        const dB = legendre[q + other + lmax - m]!;
        steepReB += dB * valueReB;
        steepImB += dB * valueImB;
      }
      const reA = powers[e]!;
      const imA = powers[e + 1]!;
      const reB = powers[e + farther]!;
      const imB = powers[e + farther + 1]!;
      alongA += outReA * reA + outImA * imA;
      alongB += outReB * reB + outImB * imB;
      gzA += steepReA * reA + steepImA * imA;
      gzB += steepReB * reB + steepImB * imB;
      if (m === 0) continue;
      // m (x + iy)^{m−1} is the derivative of the power.
      const lowReA = m * powers[e - 2]!;
      const lowImA = m * powers[e - 1]!;
      const lowReB = m * powers[e + farther - 2]!;
      const lowImB = m * powers[e + farther - 1]!;
      gxA += flatReA * lowReA + flatImA * lowImA;
      gyA += flatImA * lowReA - flatReA * lowImA;
      gxB += flatReB * lowReB + flatImB * lowImB;
      gyB += flatImB * lowReB - flatReB * lowImB;
    }
    for (let row = 0; row < rest.length; row++) {
      const weight = rest[row]!;
      alongA += weight * slopes[rowA + radial + row]!;
      alongB += weight * slopes[rowA + ahead + radial + row]!;
    }
    this.project(k, alongA, gxA, gyA, gzA);
    this.project(k + 1, alongB, gxB, gyB, gzB);
  }

  /** Gradient at place k of a radial derivative and the raw derivatives by the components of the unit vector. */
  private project(k: number, along: number, gx: number, gy: number, gz: number): void {
    const { directions, gradients } = this;
    const x = directions[3 * k]!;
    const y = directions[3 * k + 1]!;
    const z = directions[3 * k + 2]!;
    const inverse = 1 / this.distances[k]!;
    const radially = along - (gx * x + gy * y + gz * z) * inverse;
    gradients[3 * k] = radially * x + gx * inverse;
    gradients[3 * k + 1] = radially * y + gy * inverse;
    gradients[3 * k + 2] = radially * z + gz * inverse;
  }
}

/** N_lm, m ≥ 0, of Y_lm = N_lm Q_lm (x + iy)^m in the convention of PACE (√(4π) times Condon–Shortley harmonics). */
export function harmonicNorm(l: number, m: number): number {
  // Leading coefficient of the Legendre polynomial, (2l)!/(2^l l!²), and (l − m)!/(l + m)!.
  let leading = 1;
  for (let k = 1; k <= l; k++) leading *= (2 * k - 1) / k;
  let ratio = 2 * l + 1;
  for (let k = l - m + 1; k <= l + m; k++) ratio /= k;
  return (m % 2 === 0 ? 1 : -1) * leading * Math.sqrt(ratio);
}
