import { dot } from '../../numerics/dense.ts';
import { neighborList } from '../../structure/neighbor-list.ts';
import { atomCount, type Structure } from '../../structure/structure.ts';
import type { AceProgram, Evaluation, EvaluationOptions, RowSink, StructureRows } from '../descriptors.ts';
import type { AceBasis } from './basis.ts';
import { addCore, emptyEvaluation } from './core-rows.ts';
import { Environment } from './environment.ts';
import { ElementIndex } from './pair-list.ts';
import { type ProductGraph, productGraphs } from './product-graph.ts';
import { componentLayout } from './products.ts';
import { RowAccumulator } from './rows.ts';
import { basisColumns, rootEmbedding } from './two-density.ts';

type Energies = Pick<AceProgram, 'evaluate' | 'dispose'>;

/**
 * The program of a basis with a second density. Energies and forces are those of the product potential of the weights;
 * rows are derivatives by both densities at w₂ = `basis.second`,
 *
 *   ∂E_i/∂w₁ = B_i,   ∂E_i/∂w₂ = F′(ρ₂) B_i,   ∂(−∇E_i)/∂w₂ = −F′(ρ₂) ∇B_i − F″(ρ₂) (∇ρ₂) B_i,
 *
 * and the baseline holds what they lack of the potential: core + F(ρ₂) − w₂·∂E/∂w₂. Its `atomEnergies` are core + F(ρ₂),
 * what an atom has beyond w₁·B. `atoms` of the rows and `descriptors` are the B of each atom.
 */
class TwoDensityProgram implements AceProgram {
  readonly basis: AceBasis;
  readonly size: number;
  private readonly second: Float64Array;
  private readonly energies: Energies;
  private readonly linear: AceProgram;
  private readonly longestCutoff: number;
  private readonly widest: number;
  private readonly elements: ElementIndex;
  private readonly environment: Environment;
  private readonly graphs: readonly ProductGraph[];
  private readonly accumulator: RowAccumulator;
  /** Rows of one atom, [3n, widest] and [6, widest]. */
  private own = new Float64Array(0);
  private readonly ownVirial: Float64Array;
  private readonly slopes = new Float64Array(3);

  constructor(basis: AceBasis, linear: AceProgram, energies: Energies) {
    const { elements, pairs } = basis.specification;
    this.basis = basis;
    this.size = basisColumns(basis);
    this.second = basis.second!;
    this.energies = energies;
    this.linear = linear;
    this.longestCutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
    this.widest = Math.max(...basis.functions.map((list) => list.length));
    this.elements = new ElementIndex(elements);
    const layout = componentLayout(elements.length, basis.functions);
    this.environment = new Environment(basis.specification, layout);
    this.graphs = productGraphs(basis.functions, layout);
    this.accumulator = new RowAccumulator(layout, this.widest);
    this.ownVirial = new Float64Array(6 * this.widest);
  }

  evaluate(batch: readonly Structure[], weights: Float64Array, options: EvaluationOptions = {}): Evaluation[] {
    return this.energies.evaluate(batch, weights, options);
  }

  rows(batch: readonly Structure[], sink: RowSink): void {
    batch.forEach((structure, index) => {
      sink(index, this.rowsOf(structure));
    });
  }

  private rowsOf(structure: Structure): StructureRows {
    const { environment, graphs, size, widest, accumulator, slopes, ownVirial } = this;
    const { offsets } = this.basis;
    const columns = size / 2;
    const n = atomCount(structure);
    const elements = this.elements.of(structure);
    const list = neighborList(structure, this.longestCutoff);
    const energy = new Float64Array(size);
    const forces = new Float64Array(3 * n * size);
    const virial = new Float64Array(6 * size);
    const atoms = new Float64Array(n * widest);
    const baseline = emptyEvaluation(n);
    if (this.own.length < 3 * n * widest) this.own = new Float64Array(3 * n * widest);
    const own = this.own;
    let total = 0;
    for (let i = 0; i < n; i++) {
      const mu = elements[i]!;
      const graph = graphs[mu]!;
      const { nFunctions } = graph.program;
      const first = offsets[mu]!;
      environment.gather(list, i, elements);
      environment.atomicBase(graph.values);
      graph.computeProducts(graph.program.nNodes);
      graph.functionValues(atoms, i * widest);
      const density = dot(atoms, this.second, nFunctions, i * widest, first);
      rootEmbedding(density, slopes);
      const [value, slope, curvature] = [slopes[0]!, slopes[1]!, slopes[2]!];
      for (let v = 0; v < nFunctions; v++) {
        const b = atoms[i * widest + v]!;
        energy[first + v] = energy[first + v]! + b;
        energy[columns + first + v] = energy[columns + first + v]! + slope * b;
      }
      addCore(i, environment, baseline);
      total += environment.coreEnergy + value - slope * density;
      baseline.atomEnergies[i] = baseline.atomEnergies[i]! + value;
      accumulator.add(i, environment, graph, 0, own, ownVirial);
      const addRow = (from: Float64Array, row: number, to: Float64Array, out: Float64Array): void => {
        const start = row * widest;
        const along = dot(from, this.second, nFunctions, start, first);
        const bend = curvature * along;
        const at = row * size + first;
        for (let v = 0; v < nFunctions; v++) {
          const g = from[start + v]!;
          to[at + v] = to[at + v]! + g;
          to[at + columns + v] = to[at + columns + v]! + slope * g + bend * atoms[i * widest + v]!;
          from[start + v] = 0;
        }
        out[row] = out[row]! - bend * density;
      };
      // Images of one neighbour stand side by side, so every atom comes once; the central atom last.
      let previous = i;
      for (let k = 0; k < environment.size; k++) {
        const atom = environment.atoms[k]!;
        if (atom === previous || atom === i) continue;
        previous = atom;
        for (let c = 0; c < 3; c++) addRow(own, 3 * atom + c, forces, baseline.forces);
      }
      for (let c = 0; c < 3; c++) addRow(own, 3 * i + c, forces, baseline.forces);
      for (let c = 0; c < 6; c++) addRow(ownVirial, c, virial, baseline.virial);
    }
    return { energy, forces, virial, atoms, baseline: { ...baseline, energy: total } };
  }

  descriptors(batch: readonly Structure[], options: EvaluationOptions = {}): Float64Array[] {
    return this.linear.descriptors(batch, options);
  }

  dispose(): void {
    this.energies.dispose();
    this.linear.dispose();
  }
}

/**
 * Makes a basis with a second density ready to run.
 *
 * @param linear   program of the same basis without the second density
 * @param energies of the basis and its weights
 */
export function createTwoDensityProgram(basis: AceBasis, linear: AceProgram, energies: Energies): AceProgram {
  return new TwoDensityProgram(basis, linear, energies);
}
