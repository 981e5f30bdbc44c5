import { InputError } from '../../errors.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import { atomCount, type Structure } from '../../structure/structure.ts';
import type { AceProgram, Evaluation, EvaluationOptions, RowSink, StructureRows } from '../descriptors.ts';
import type { AceBasis, AceSpecification } from './basis.ts';
import { basisEnergies } from './basis-energies.ts';
import { addCore, emptyEvaluation } from './core-rows.ts';
import { Environment, PairFunctions } from './environment.ts';
import { type BondRows, harmonicNorm, Neighborhood } from './neighborhood.ts';
import { ElementIndex, pairList } from './pair-list.ts';
import { createPotentialProgram } from './potential-program.ts';
import { type ProductGraph, productGraphs } from './product-graph.ts';
import { type ComponentLayout, componentLayout } from './products.ts';
import type { RadialFunctions } from './radial.ts';
import { RowAccumulator } from './rows.ts';
import { createTwoDensityProgram } from './two-density-program.ts';

/** The functions of one pair of elements as rows of a neighbour: g_k, the same for all l, and the core. */
class PairRows implements RadialFunctions {
  readonly cutoff: number;
  readonly count: number;
  private readonly functions: PairFunctions;
  private readonly mu0: number;
  private readonly mu: number;

  constructor(functions: PairFunctions, mu0: number, mu: number, cutoff: number) {
    this.cutoff = cutoff;
    this.count = functions.count + 1;
    this.functions = functions;
    this.mu0 = mu0;
    this.mu = mu;
  }

  evaluate(r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { functions } = this;
    functions.evaluate(this.mu0, this.mu, r, values, slopes, offset);
    values[offset + functions.count] = functions.core[0]!;
    slopes[offset + functions.count] = functions.core[1]!;
  }
}

/** Rows of every pair, with components where the products look for them. */
export function bondRows(specification: AceSpecification, layout: ComponentLayout): BondRows[][] {
  const { pairs, nmax } = specification;
  const { lmax, counts, starts, perElement } = layout;
  const functions = new PairFunctions(pairs, Math.max(...nmax));
  return pairs.map((row, mu0) =>
    row.map(({ cutoff }, mu) => {
      const places: number[] = [];
      for (let m = 0; m <= lmax; m++) {
        for (let l = m; l <= lmax; l++) places.push(mu * perElement + starts[(l * (l + 1)) / 2 + m]!);
      }
      return {
        functions: new PairRows(functions, mu0, mu, cutoff),
        first: new Int32Array(lmax + 1),
        last: counts,
        places: Int32Array.from(places),
        rest: functions.count,
      };
    }),
  );
}

/** [components] constants that turn unnormalised harmonics into those that couplings take for granted. */
export function componentNorms({ nElements, lmax, counts, starts, perElement }: ComponentLayout): Float64Array {
  const norms = new Float64Array(nElements * perElement);
  for (let l = 0; l <= lmax; l++) {
    for (let m = 0; m <= l; m++) {
      const start = starts[(l * (l + 1)) / 2 + m]!;
      for (let mu = 0; mu < nElements; mu++) {
        norms.fill(harmonicNorm(l, m), mu * perElement + start, mu * perElement + start + counts[l]!);
      }
    }
  }
  return norms;
}

/** Multiplies complex components by real constants. */
export function scaleComponents(components: Float64Array, norms: Float64Array): void {
  for (let c = 0; c < norms.length; c++) {
    const norm = norms[c]!;
    components[2 * c] = components[2 * c]! * norm;
    components[2 * c + 1] = components[2 * c + 1]! * norm;
  }
}

/** [1] the core counts in full. */
const CORE_IN_FULL = Float64Array.of(1);

/** The plain TypeScript program of a basis: the readable twin of the faster kernels. */
class TypeScriptAceProgram implements AceProgram {
  readonly basis: AceBasis;
  readonly size: number;
  private readonly widest: number;
  private readonly longestCutoff: number;
  private readonly elements: ElementIndex;
  private readonly layout: ComponentLayout;
  private readonly environment: Environment;
  private readonly graphs: readonly ProductGraph[];
  private readonly rowAccumulator: RowAccumulator;
  private readonly neighborhood: Neighborhood;
  private readonly norms: Float64Array;

  constructor(basis: AceBasis) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    this.size = basis.offsets.at(-1)!;
    this.widest = Math.max(...basis.functions.map((list) => list.length));
    this.longestCutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
    this.elements = new ElementIndex(elements);
    this.layout = componentLayout(elements.length, basis.functions);
    this.environment = new Environment(basis.specification, this.layout);
    this.graphs = productGraphs(basis.functions, this.layout);
    this.rowAccumulator = new RowAccumulator(this.layout, this.size);
    this.neighborhood = new Neighborhood(bondRows(basis.specification, this.layout), this.layout.lmax);
    this.norms = componentNorms(this.layout);
  }

  private checkWeights(weights: Float64Array): void {
    if (weights.length === this.size) return;
    throw new InputError('WRONG_LENGTH', `weights must have length ${this.size}, got ${weights.length}`, {
      expected: this.size,
      got: weights.length,
    });
  }

  evaluate(batch: readonly Structure[], weights: Float64Array, options: EvaluationOptions = {}): Evaluation[] {
    this.checkWeights(weights);
    this.graphs.forEach((graph, mu) => {
      graph.setWeights(weights, this.basis.offsets[mu]!);
    });
    return batch.map((structure, index) => this.evaluateOne(structure, options, index));
  }

  private evaluateOne(structure: Structure, options: EvaluationOptions, index: number): Evaluation {
    const { neighborhood, norms, graphs } = this;
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const { list, from, to } = pairList(structure, this.longestCutoff, options, index);
    const atomEnergies = new Float64Array(n);
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    let energy = 0;
    for (let i = from; i < to; i++) {
      const mu0 = elements[i]!;
      const { values, adjoint } = graphs[mu0]!;
      neighborhood.gather(list, i, elements);
      neighborhood.atomicBase(mu0, values, norms.length);
      scaleComponents(values, norms);
      const own = graphs[mu0]!.energyAndAdjoint() + neighborhood.rowSum(mu0, 0);
      scaleComponents(adjoint, norms);
      atomEnergies[i] = own;
      energy += own;
      neighborhood.differentiate(mu0, adjoint, CORE_IN_FULL);
      neighborhood.addForces(i, forces, virial);
    }
    return { energy, atomEnergies, forces, virial };
  }

  rows(batch: readonly Structure[], sink: RowSink): void {
    batch.forEach((structure, index) => {
      sink(index, this.rowsOf(structure));
    });
  }

  private rowsOf(structure: Structure): StructureRows {
    const { environment, graphs, size, widest } = this;
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const energy = new Float64Array(size);
    const forces = new Float64Array(3 * n * size);
    const virial = new Float64Array(6 * size);
    const atoms = new Float64Array(n * widest);
    const core = emptyEvaluation(n);
    for (let i = 0; i < n; i++) {
      const mu = elements[i]!;
      const graph = graphs[mu]!;
      const offset = this.basis.offsets[mu]!;
      environment.gather(list, i, elements);
      environment.atomicBase(graph.values);
      graph.computeProducts(graph.program.nNodes);
      graph.functionValues(atoms, i * widest);
      for (let v = 0; v < graph.program.nFunctions; v++)
        energy[offset + v] = energy[offset + v]! + atoms[i * widest + v]!;
      this.rowAccumulator.add(i, environment, graph, offset, forces, virial);
      addCore(i, environment, core);
    }
    const baseline = { ...core, energy: core.atomEnergies.reduce((sum, e) => sum + e, 0) };
    return { energy, forces, virial, atoms, baseline };
  }

  descriptors(batch: readonly Structure[], options: EvaluationOptions = {}): Float64Array[] {
    return batch.map((structure, index) => {
      const { environment, graphs, widest } = this;
      const elements = this.elements.of(structure);
      const { list, from, to } = pairList(structure, this.longestCutoff, options, index);
      const atoms = new Float64Array((to - from) * widest);
      for (let i = from; i < to; i++) {
        const graph = graphs[elements[i]!]!;
        environment.gather(list, i, elements);
        environment.atomicBase(graph.values);
        graph.computeProducts(graph.program.nLeafNodes);
        graph.functionValues(atoms, (i - from) * widest);
      }
      return atoms;
    });
  }

  dispose(): void {}
}

/**
 * Makes a basis ready to run in plain TypeScript. Energies and forces go by the adjoint ∂E/∂A, design rows by the sparse
 * derivatives of every function; radial functions and harmonics are exact, nothing is tabulated.
 */
export function createAceProgram(basis: AceBasis): AceProgram {
  const linear = new TypeScriptAceProgram(basis);
  if (basis.second === undefined) return linear;
  const energies = basisEnergies(basis, (potential) => createPotentialProgram(potential, 'exact'));
  return createTwoDensityProgram(basis, linear, energies);
}
