import { atomCount, type Structure } from '../../structure/structure.ts';
import type { Evaluation, EvaluationOptions } from '../descriptors.ts';
import type { AceBasis } from './basis.ts';
import { Environment } from './environment.ts';
import { Neighborhood } from './neighborhood.ts';
import { ElementIndex, pairList } from './pair-list.ts';
import { type ProductGraph, productGraphs } from './product-graph.ts';
import { bondRows, componentNorms, scaleComponents } from './program.ts';
import { type ComponentLayout, componentLayout } from './products.ts';
import { RowAccumulator } from './rows.ts';

/** Invariants of one atom and their derivatives; all arrays are scratch memory that the next atom overwrites. */
export interface AtomDerivatives {
  readonly atom: number;
  /** Index of its element in the basis. */
  readonly element: number;
  /** [functions] invariants B of the atom. */
  readonly values: Float64Array;
  /** Number of different atoms, the central one not among them, that move its invariants, and [count] which. */
  readonly count: number;
  readonly neighbors: Int32Array;
  /** [count, 3, columns] −∂B/∂r_j, images of an atom summed; `columns` is that of the class. */
  readonly forces: Float64Array;
  /** [6, columns] −∂B/∂ε, Voigt. */
  readonly virial: Float64Array;
}

/**
 * Energies of atoms and their derivatives by the invariants, for several potentials at once.
 *
 * @param values    [functions] invariants B of the atom
 * @param energies  [M] receives the energy of each potential, eV
 * @param gradients [M, columns] receives ∂E/∂B
 */
export type AtomEnergies = (
  atom: number,
  element: number,
  values: Float64Array,
  energies: Float64Array,
  gradients: Float64Array,
) => void;

/**
 * Potentials that are any function of the invariants of each atom: their forces by the adjoint of the products, and the
 * derivatives of every invariant by every neighbour. The core repulsion of the basis has no part in it. Structures and
 * errors as of `AceProgram`.
 */
export class EnvironmentGradients {
  readonly basis: AceBasis;
  /** Largest number of functions of an element: the width of rows. */
  readonly columns: number;
  /** Longest cutoff, Å. */
  readonly cutoff: number;
  private readonly elements: ElementIndex;
  private readonly layout: ComponentLayout;
  private readonly graphs: readonly ProductGraph[];
  private readonly norms: Float64Array;
  private readonly neighborhood: Neighborhood;
  private environment: Environment | null = null;
  private accumulator: RowAccumulator | null = null;

  constructor(basis: AceBasis) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    this.columns = Math.max(...basis.functions.map((list) => list.length));
    this.cutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
    this.elements = new ElementIndex(elements);
    this.layout = componentLayout(elements.length, basis.functions);
    this.graphs = productGraphs(basis.functions, this.layout);
    this.norms = componentNorms(this.layout);
    this.neighborhood = new Neighborhood(bondRows(basis.specification, this.layout), this.layout.lmax);
  }

  /** Energies, forces and virials of `count` potentials. */
  evaluate(
    structure: Structure,
    count: number,
    energiesOf: AtomEnergies,
    options: EvaluationOptions = {},
    index = 0,
  ): Evaluation[] {
    const { neighborhood, norms, graphs, columns } = this;
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list, from, to } = pairList(structure, this.cutoff, options, index);
    const results = Array.from({ length: count }, () => ({
      energy: 0,
      atomEnergies: new Float64Array(n),
      forces: new Float64Array(3 * n),
      virial: new Float64Array(6),
    }));
    const values = new Float64Array(columns);
    const energies = new Float64Array(count);
    const gradients = new Float64Array(count * columns);
    for (let i = from; i < to; i++) {
      const mu = elements[i]!;
      const graph = graphs[mu]!;
      neighborhood.gather(list, i, elements);
      neighborhood.atomicBase(mu, graph.values, norms.length);
      scaleComponents(graph.values, norms);
      graph.computeProducts(graph.program.nLeafNodes);
      graph.functionValues(values, 0);
      energiesOf(i, mu, values, energies, gradients);
      for (let m = 0; m < count; m++) {
        const result = results[m]!;
        result.atomEnergies[i] = energies[m]!;
        result.energy += energies[m]!;
        graph.setWeights(gradients, m * columns);
        graph.energyAndAdjoint();
        scaleComponents(graph.adjoint, norms);
        neighborhood.differentiate(mu, graph.adjoint, NO_CORE);
        neighborhood.addForces(i, result.forces, result.virial);
      }
    }
    return results;
  }

  /** Invariants and their derivatives atom by atom. */
  visit(structure: Structure, visitor: (derivatives: AtomDerivatives) => void): void {
    const { columns, graphs } = this;
    this.environment ??= new Environment(this.basis.specification, this.layout);
    this.accumulator ??= new RowAccumulator(this.layout, columns);
    const { environment, accumulator } = this;
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list } = pairList(structure, this.cutoff, {}, 0);
    const dense = new Float64Array(3 * n * columns);
    const virial = new Float64Array(6 * columns);
    const values = new Float64Array(columns);
    const neighbors = new Int32Array(n);
    let forces = new Float64Array(0);
    for (let i = 0; i < n; i++) {
      const mu = elements[i]!;
      const graph = graphs[mu]!;
      environment.gather(list, i, elements);
      environment.atomicBase(graph.values);
      graph.computeProducts(graph.program.nNodes);
      values.fill(0);
      graph.functionValues(values, 0);
      virial.fill(0);
      accumulator.add(i, environment, graph, 0, dense, virial);
      const count = uniqueNeighbors(environment, i, neighbors);
      const row = 3 * columns;
      if (forces.length < count * row) forces = new Float64Array(2 * count * row);
      for (let k = 0; k < count; k++) {
        const start = neighbors[k]! * row;
        forces.set(dense.subarray(start, start + row), k * row);
        dense.fill(0, start, start + row);
      }
      dense.fill(0, i * row, (i + 1) * row);
      visitor({ atom: i, element: mu, values, count, neighbors, forces, virial });
    }
  }
}

/** [1] no core. */
const NO_CORE = new Float64Array(1);

/** Different atoms around atom i but itself, ascending; the environment has them sorted. */
function uniqueNeighbors({ atoms, size }: Environment, i: number, out: Int32Array): number {
  let count = 0;
  for (let k = 0; k < size; k++) {
    const atom = atoms[k]!;
    if (atom === i || (count > 0 && out[count - 1] === atom)) continue;
    out[count++] = atom;
  }
  return count;
}
