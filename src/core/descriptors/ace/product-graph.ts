import type { AceFunction } from './basis.ts';
import { type ComponentLayout, compileProducts, type ProductProgram } from './products.ts';

/** Runs a product program for one atom at a time: values, energies, adjoints and derivatives. */
export class ProductGraph {
  readonly program: ProductProgram;
  /** [2·nNodes] Re and Im of every node; the caller writes the atomic base to the first 2·nComponents. */
  readonly values: Float64Array;
  /** [2·nLeafNodes] ∂E/∂Re and ∂E/∂Im of every node; the first 2·nComponents are those of the atomic base. */
  readonly adjoint: Float64Array;
  private readonly pairRe: Float64Array;
  private readonly pairIm: Float64Array;

  constructor(program: ProductProgram) {
    this.program = program;
    this.values = new Float64Array(2 * program.nNodes);
    this.values[2 * program.nComponents] = 1;
    this.adjoint = new Float64Array(2 * program.nLeafNodes);
    this.pairRe = new Float64Array(program.pairLeft.length);
    this.pairIm = new Float64Array(program.pairLeft.length);
  }

  /** Folds the coefficients weights[offset + v] of all functions into one per pair of nodes. */
  setWeights(weights: Float64Array, offset: number): void {
    const { nFunctions, leaves, leafPairs, leafRe, leafIm } = this.program;
    const { pairRe, pairIm } = this;
    pairRe.fill(0);
    pairIm.fill(0);
    for (let v = 0; v < nFunctions; v++) {
      const w = weights[offset + v]!;
      for (let k = leaves[v]!; k < leaves[v + 1]!; k++) {
        const pair = leafPairs[k]!;
        pairRe[pair] = pairRe[pair]! + w * leafRe[k]!;
        pairIm[pair] = pairIm[pair]! + w * leafIm[k]!;
      }
    }
  }

  /** Computes the product nodes below `nodes` from the atomic base. */
  computeProducts(nodes: number): void {
    const { nComponents, left, right, conjugated } = this.program;
    const values = this.values;
    const first = nComponents + 1;
    for (let node = first; node < nodes; node++) {
      const a = 2 * left[node - first]!;
      const b = 2 * right[node - first]!;
      const ar = values[a]!;
      const ai = values[a + 1]!;
      const br = values[b]!;
      const bi = conjugated[node - first] === 0 ? values[b + 1]! : -values[b + 1]!;
      values[2 * node] = ar * br - ai * bi;
      values[2 * node + 1] = ar * bi + ai * br;
    }
  }

  /** Energy Σ_v w_v B_v of the atom whose base stands in `values`, and its adjoint. */
  energyAndAdjoint(): number {
    const { nComponents, nLeafNodes, left, right, conjugated, pairLeft, pairRight } = this.program;
    const { values, adjoint, pairRe, pairIm } = this;
    this.computeProducts(nLeafNodes);
    adjoint.fill(0);
    let energy = 0;
    for (let k = 0; k < pairLeft.length; k++) {
      const a = 2 * pairLeft[k]!;
      const b = 2 * pairRight[k]!;
      const re = pairRe[k]!;
      const im = pairIm[k]!;
      const ar = values[a]!;
      const ai = values[a + 1]!;
      const br = re * values[b]!;
      const bi = im * values[b + 1]!;
      energy += ar * br + ai * bi;
      adjoint[a] = adjoint[a]! + br;
      adjoint[a + 1] = adjoint[a + 1]! + bi;
      adjoint[b] = adjoint[b]! + re * ar;
      adjoint[b + 1] = adjoint[b + 1]! + im * ai;
    }
    const first = nComponents + 1;
    for (let node = nLeafNodes - 1; node >= first; node--) {
      const a = 2 * left[node - first]!;
      const b = 2 * right[node - first]!;
      const sign = conjugated[node - first] === 0 ? 1 : -1;
      const gr = adjoint[2 * node]!;
      const gi = adjoint[2 * node + 1]!;
      const ar = values[a]!;
      const ai = values[a + 1]!;
      const br = values[b]!;
      const bi = sign * values[b + 1]!;
      adjoint[a] = adjoint[a]! + gr * br + gi * bi;
      adjoint[a + 1] = adjoint[a + 1]! + gi * br - gr * bi;
      adjoint[b] = adjoint[b]! + gr * ar + gi * ai;
      adjoint[b + 1] = adjoint[b + 1]! + sign * (gi * ar - gr * ai);
    }
    return energy;
  }

  /** Writes B_v of the atom, whose products stand in `values`, to out[offset + v]. */
  functionValues(out: Float64Array, offset: number): void {
    const { nFunctions, leaves, leafPairs, leafRe, leafIm, pairLeft, pairRight } = this.program;
    const values = this.values;
    for (let v = 0; v < nFunctions; v++) {
      let sum = 0;
      for (let k = leaves[v]!; k < leaves[v + 1]!; k++) {
        const pair = leafPairs[k]!;
        const a = 2 * pairLeft[pair]!;
        const b = 2 * pairRight[pair]!;
        sum += leafRe[k]! * values[a]! * values[b]! + leafIm[k]! * values[a + 1]! * values[b + 1]!;
      }
      out[offset + v] = sum;
    }
  }
}

/** The graph of each central element; those with the same list of functions share its program. */
export function productGraphs(functions: readonly (readonly AceFunction[])[], layout: ComponentLayout): ProductGraph[] {
  const programs = new Map<readonly AceFunction[], ProductProgram>();
  return functions.map((list) => {
    const program = programs.get(list) ?? compileProducts(list, layout);
    programs.set(list, program);
    return new ProductGraph(program);
  });
}
