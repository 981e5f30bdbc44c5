import { atomCount, type Structure } from '../../structure/structure.ts';
import type { Evaluation, EvaluationOptions, PotentialProgram } from '../descriptors.ts';
import { BondFunctions } from './bond-functions.ts';
import { DensityGraph } from './density-graph.ts';
import { AtomEnergy, embed } from './embedding.ts';
import { compileHalfGraph, type HalfGraph } from './half-graph.ts';
import { type BondRows, Neighborhood } from './neighborhood.ts';
import { ElementIndex, pairList } from './pair-list.ts';
import type { ProductPotential } from './product-basis.ts';
import { TabulatedBond } from './tabulated-bond.ts';

/** Rows of the neighbours of central element mu0, with their components where its graph has them. */
function bondRows(
  potential: ProductPotential,
  mu0: number,
  graph: HalfGraph,
  lmax: number,
  radial: 'tabulated' | 'exact',
): BondRows[] {
  return graph.blocks.map(({ ns, starts }, mu) => {
    const exact = new BondFunctions(potential, mu0, mu);
    const first = Int32Array.from({ length: lmax + 1 }, (_, l) => exact.starts.get(l) ?? 0);
    const last = first.map((row, l) => row + (ns[l]?.length ?? 0));
    const places: number[] = [];
    for (let m = 0; m <= lmax; m++) {
      for (let l = m; l <= lmax; l++) places.push(l < ns.length ? starts[l]! + m * ns[l]!.length : 0);
    }
    return {
      functions: radial === 'exact' ? exact : new TabulatedBond(potential, mu0, mu, exact),
      first,
      last,
      places: Int32Array.from(places),
      rest: exact.nRadial,
    };
  });
}

/** Evaluates a product potential atom by atom: neighbours in blocks, products as a graph, forces by the adjoint. */
class TypeScriptPotentialProgram implements PotentialProgram {
  readonly potential: ProductPotential;
  readonly cutoff: number;
  private readonly elements: ElementIndex;
  private readonly neighborhood: Neighborhood;
  private readonly graphs: readonly DensityGraph[];
  private readonly joined = new AtomEnergy();
  private readonly densities: Float64Array;
  private readonly slopes: Float64Array;
  /** ∂E by the rows of a neighbour that are no R_nl: single functions of each density, and the core. */
  private readonly rest: Float64Array;

  constructor(potential: ProductPotential, radial: 'tabulated' | 'exact') {
    const { elements, bonds, embeddings, functions } = potential;
    const graphs = functions.map((block) => compileHalfGraph(block, elements.length));
    const lmax = Math.max(0, ...graphs.flatMap(({ blocks }) => blocks.map((block) => block.lmax)));
    const count = embeddings[0]!.densities.length;
    this.potential = potential;
    this.cutoff = Math.max(...bonds.flat().map(({ radial }) => radial.cutoff));
    this.elements = new ElementIndex(elements);
    this.neighborhood = new Neighborhood(
      graphs.map((graph, mu0) => bondRows(potential, mu0, graph, lmax, radial)),
      lmax,
    );
    this.graphs = graphs.map((graph, mu0) => new DensityGraph(graph, functions[mu0]!, count));
    this.densities = new Float64Array(count);
    this.slopes = new Float64Array(count);
    this.rest = new Float64Array(count + 1);
  }

  evaluate(batch: readonly Structure[], options: EvaluationOptions = {}): Evaluation[] {
    return batch.map((structure, index) => this.evaluateOne(structure, options, index));
  }

  private evaluateOne(structure: Structure, options: EvaluationOptions, index: number): Evaluation {
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list, from, to } = pairList(structure, this.cutoff, options, index);
    const atomEnergies = new Float64Array(n);
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    let energy = 0;
    for (let i = from; i < to; i++) {
      const mu0 = elements[i]!;
      this.neighborhood.gather(list, i, elements);
      const nearest = this.evaluateAtom(mu0);
      const own = this.potential.e0[mu0]! + this.joined.energy;
      atomEnergies[i] = own;
      energy += own;
      this.neighborhood.differentiate(mu0, this.graphs[mu0]!.adjoint, this.rest);
      if (nearest >= 0) this.neighborhood.addRadially(nearest, this.joined.byGap);
      this.neighborhood.addForces(i, forces, virial);
    }
    return { energy, atomEnergies, forces, virial };
  }

  /**
   * Energy of the atom whose neighbours are gathered, into `joined`, and its derivatives, into the adjoint of its graph
   * and `rest`; returns the place of the neighbour that switches to the core, −1 for none.
   */
  private evaluateAtom(mu0: number): number {
    const { neighborhood, densities, slopes, rest, joined } = this;
    const graph = this.graphs[mu0]!;
    const count = densities.length;
    neighborhood.atomicBase(mu0, graph.values, graph.graph.components);
    for (let p = 0; p < count; p++) densities[p] = neighborhood.rowSum(mu0, p);
    graph.addDensities(densities);
    const products = embed(this.potential.embeddings[mu0]!, densities, slopes);
    const core = neighborhood.rowSum(mu0, count);
    const nearest = this.join(mu0, products, core);
    for (let p = 0; p < count; p++) {
      slopes[p] = slopes[p]! * joined.byProducts;
      rest[p] = slopes[p]!;
    }
    rest[count] = joined.byCore;
    graph.differentiate(slopes);
    return nearest;
  }

  /** Joins products and core as the inner cutoffs of the element have it; returns the neighbour that decides, or −1. */
  private join(mu0: number, products: number, core: number): number {
    const bonds = this.potential.bonds[mu0]!;
    if (bonds[0]!.inner.type !== 'zbl') {
      this.joined.joinByCore(this.potential.embeddings[mu0]!, products, core);
      return -1;
    }
    const { size, atoms, elements, distances } = this.neighborhood;
    let nearest = -1;
    let smallest = Number.POSITIVE_INFINITY;
    for (let k = 0; k < size; k++) {
      const { cutoff, width } = bonds[elements[k]!]!.inner;
      const gap = distances[k]! - cutoff + width;
      if (atoms[k]! >= 0 && gap < smallest) {
        smallest = gap;
        nearest = k;
      }
    }
    const width = nearest < 0 ? 1 : bonds[elements[nearest]!]!.inner.width;
    this.joined.joinByGap(products, core, smallest, width);
    return nearest;
  }

  dispose(): void {}
}

/**
 * A potential made ready to run in plain TypeScript: the readable twin of the compiled evaluator.
 *
 * @param radial  `exact` radial functions, or `tabulated` as piecewise polynomials
 */
export function createPotentialProgram(
  potential: ProductPotential,
  radial: 'tabulated' | 'exact' = 'tabulated',
): PotentialProgram {
  return new TypeScriptPotentialProgram(potential, radial);
}
