import type { Environment } from './environment.ts';
import { HARMONIC_STRIDE } from './harmonics.ts';
import type { ProductGraph } from './product-graph.ts';
import type { ComponentLayout, JacobianBlock } from './products.ts';

/** Columns that are contracted together: two triples. */
const BLOCK = 6;

/**
 * Adds the design rows of one central atom, element by element of its neighbours. Derivatives of A are first summed over
 * the periodic images of each neighbour, so there are 3 columns per atom, not per bond: one triple for each neighbour
 * (−∂A/∂r_j), one for the central atom and two for the virial. The sparse derivatives ∂B_v/∂A then contract with two
 * triples at a time.
 */
export class RowAccumulator {
  private readonly layout: ComponentLayout;
  private readonly columns: number;
  /** [blocks, 2·perElement, 6] derivatives of the real components. */
  private dense = new Float64Array(0);
  private jacobian = new Float64Array(0);
  /** Atom of each neighbour triple; −1 the virial's first, −2 its second. */
  private targets = new Int32Array(0);
  private readonly unused: Float64Array;

  /** @param columns number of columns d of the rows */
  constructor(layout: ComponentLayout, columns: number) {
    this.layout = layout;
    this.columns = columns;
    this.unused = new Float64Array(3 * columns);
  }

  /** Adds the rows of atom i to `forces` [3n, d] and `virial` [6, d], in the columns from `offset` on. */
  add(
    i: number,
    environment: Environment,
    graph: ProductGraph,
    offset: number,
    forces: Float64Array,
    virial: Float64Array,
  ): void {
    for (let mu = 0; mu < this.layout.nElements; mu++) {
      const triples = this.fillDense(i, mu, environment);
      if (triples === 0) continue;
      const block = graph.program.jacobian[mu]!;
      this.fillJacobian(block, graph.values);
      for (let t = 0; t < triples; t += 2) {
        this.contract(block, t / 2, t, t + 1 < triples ? t + 1 : -1, offset, forces, virial);
      }
    }
  }

  /** Numerical values of ∂B_v/∂A for the atom at hand. */
  private fillJacobian(block: JacobianBlock, values: Float64Array): void {
    const { contributions, sources, coefficients } = block;
    const entries = contributions.length - 1;
    if (this.jacobian.length < entries) this.jacobian = new Float64Array(entries);
    const jacobian = this.jacobian;
    let k = 0;
    for (let e = 0; e < entries; e++) {
      const end = contributions[e + 1]!;
      let sum = 0;
      for (; k < end; k++) sum += coefficients[k]! * values[sources[k]!]!;
      jacobian[e] = sum;
    }
  }

  /** Derivatives of the components of element mu by all columns; returns the number of triples, 0 without neighbours. */
  private fillDense(i: number, mu: number, environment: Environment): number {
    const { elements, atoms, size } = environment;
    let unique = 0;
    let any = false;
    let previous = -1;
    if (this.targets.length < size + 3) this.targets = new Int32Array(2 * size + 3);
    for (let k = 0; k < size; k++) {
      if (elements[k] !== mu) continue;
      any = true;
      const atom = atoms[k]!;
      if (atom !== previous && atom !== i) this.targets[unique++] = atom;
      previous = atom;
    }
    if (!any) return 0;
    // The central atom and the virial come first so that their places are known.
    const triples = unique + 3;
    for (let t = triples - 1; t >= 3; t--) this.targets[t] = this.targets[t - 3]!;
    this.targets[0] = -1;
    this.targets[1] = -2;
    this.targets[2] = i;
    const length = Math.ceil(triples / 2) * 2 * this.layout.perElement * BLOCK;
    if (this.dense.length < length) this.dense = new Float64Array(length);
    else this.dense.fill(0, 0, length);
    let triple = 2;
    previous = -1;
    for (let k = 0; k < size; k++) {
      if (elements[k] !== mu) continue;
      const atom = atoms[k]!;
      if (atom !== i && atom !== previous) triple++;
      previous = atom;
      this.addNeighbor(k, atom === i ? -1 : triple, environment);
    }
    return triples;
  }

  /** Adds one neighbour to its triple (none for an image of the central atom), to the central atom's and the virial's. */
  private addNeighbor(k: number, triple: number, environment: Environment): void {
    const { counts, starts, lmax, perElement } = this.layout;
    const { radial, slopes, harmonics, directions, distances, nRadial, nHarmonics } = environment;
    const dense = this.dense;
    const blockSize = 2 * perElement * BLOCK;
    const own = triple < 0 ? -1 : (triple >> 1) * blockSize + (triple & 1) * 3;
    const central = blockSize;
    const r = distances[k]!;
    const ux = directions[3 * k]!;
    const uy = directions[3 * k + 1]!;
    const uz = directions[3 * k + 2]!;
    const x = r * ux;
    const y = r * uy;
    const z = r * uz;
    const inverse = 1 / r;
    let h = k * HARMONIC_STRIDE * nHarmonics;
    for (let l = 0, lm = 0; l <= lmax; l++) {
      const count = counts[l]!;
      for (let m = 0; m <= l; m++, lm++, h += HARMONIC_STRIDE) {
        // Real and imaginary part in turn; Im A vanishes for m = 0.
        for (let part = 0; part < (m === 0 ? 1 : 2); part++) {
          const value = harmonics[h + part]!;
          const tx = harmonics[h + 2 + 3 * part]! * inverse;
          const ty = harmonics[h + 3 + 3 * part]! * inverse;
          const tz = harmonics[h + 4 + 3 * part]! * inverse;
          let c = (2 * starts[lm]! + part) * BLOCK;
          for (let n = k * nRadial; n < k * nRadial + count; n++, c += 2 * BLOCK) {
            const along = slopes[n]! * value;
            const across = radial[n]!;
            const gx = along * ux + across * tx;
            const gy = along * uy + across * ty;
            const gz = along * uz + across * tz;
            dense[c] = dense[c]! - gx * x;
            dense[c + 1] = dense[c + 1]! - gy * y;
            dense[c + 2] = dense[c + 2]! - gz * z;
            dense[c + 3] = dense[c + 3]! - gy * z;
            dense[c + 4] = dense[c + 4]! - gx * z;
            dense[c + 5] = dense[c + 5]! - gx * y;
            if (own < 0) continue;
            dense[central + c] = dense[central + c]! + gx;
            dense[central + c + 1] = dense[central + c + 1]! + gy;
            dense[central + c + 2] = dense[central + c + 2]! + gz;
            dense[own + c] = dense[own + c]! - gx;
            dense[own + c + 1] = dense[own + c + 1]! - gy;
            dense[own + c + 2] = dense[own + c + 2]! - gz;
          }
        }
      }
    }
  }

  /** Contracts the sparse derivatives with the two triples of a block and adds to their rows. */
  private contract(
    block: JacobianBlock,
    index: number,
    first: number,
    second: number,
    offset: number,
    forces: Float64Array,
    virial: Float64Array,
  ): void {
    const { functions, rows, components } = block;
    const { dense, jacobian, columns } = this;
    const target = this.targets[first]!;
    const outA = target < 0 ? virial : forces;
    const startA = (target < 0 ? 0 : 3 * target * columns) + offset;
    const other = second < 0 ? 0 : this.targets[second]!;
    const outB = second < 0 ? this.unused : other < 0 ? virial : forces;
    const startB = (second < 0 ? 0 : other < 0 ? 3 * columns : 3 * other * columns) + offset;
    const base = index * 2 * this.layout.perElement * BLOCK;
    let e = 0;
    for (let row = 0; row < functions.length; row++) {
      const end = rows[row + 1]!;
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      let s4 = 0;
      let s5 = 0;
      for (; e < end; e++) {
        const d = jacobian[e]!;
        const c = base + components[e]! * BLOCK;
        s0 += d * dense[c]!;
        s1 += d * dense[c + 1]!;
        s2 += d * dense[c + 2]!;
        s3 += d * dense[c + 3]!;
        s4 += d * dense[c + 4]!;
        s5 += d * dense[c + 5]!;
      }
      const a = startA + functions[row]!;
      outA[a] = outA[a]! + s0;
      outA[a + columns] = outA[a + columns]! + s1;
      outA[a + 2 * columns] = outA[a + 2 * columns]! + s2;
      const b = startB + functions[row]!;
      outB[b] = outB[b]! + s3;
      outB[b + columns] = outB[b + columns]! + s4;
      outB[b + 2 * columns] = outB[b + 2 * columns]! + s5;
    }
  }
}
