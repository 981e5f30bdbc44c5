import { columnCount, columnOffsets } from '../dataset/dataset.ts';
import { structureBlocks } from '../dataset/observations.ts';
import type { AceProgram, StructureRows } from '../descriptors/descriptors.ts';
import { squaredRowNorms } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { whitenRows } from '../numerics/triangular.ts';
import type { NeighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';
import { VerletList } from '../structure/verlet-list.ts';
import { gradesByElement } from '../uncertainty/grades.ts';
import { noveltyDistances } from '../uncertainty/novelty.ts';
import { type StackedForms, stackForms, type VarianceForm } from '../uncertainty/variance-forms.ts';
import type { LinearModel } from './linear-model.ts';
import { coefficientsOf, distanceGates, elementIndices, isolatedAtomEnergies } from './linear-model.ts';
import type { PotentialResult, TrustedPotential, TrustSignals } from './potential.ts';

/** Raw variances of one structure by one form of the epistemic covariance, uncalibrated. */
export interface FormVariances {
  /** eV². */
  readonly energy: number;
  /** [n] trace of the 3 × 3 force covariance over the number of components not fixed by symmetry, (eV/Å)². */
  readonly forces: Float64Array;
  /** [6] of the virial, eV². */
  readonly virial: Float64Array;
}

/** Prediction with raw epistemic variances x S xᵀ (uncalibrated) and per-atom signals of one structure. */
export interface Prediction extends PotentialResult {
  /** Variances by each form that the model has; the posterior's are those below. */
  readonly forms: { readonly posterior: FormVariances } & Partial<
    Readonly<Record<'jackknife' | 'pops', FormVariances>>
  >;
  /** Var[E], eV². */
  readonly energyVariance: number;
  /** [n] trace of the 3 × 3 force covariance over the number of components not fixed by symmetry, (eV/Å)². */
  readonly forceVariances: Float64Array;
  /** [6] Var[W], eV². */
  readonly virialVariances: Float64Array;
  /** [3n] 1 where symmetry fixes the component. */
  readonly fixedComponents: Uint8Array;
  /** [n] b S bᵀ over the median of the training atoms of that element. */
  readonly leverage: Float64Array;
  /** [n] novelty over its threshold. */
  readonly novelty: Float64Array;
}

/** The potential of a linear model: posterior mean, variances, and signals of how far a frame can be trusted. */
export class AcePotential implements TrustedPotential {
  readonly name: string = 'ace';
  readonly model: LinearModel;
  /** The basis made ready to run. */
  readonly program: AceProgram;
  private readonly weights: Float64Array;
  private readonly whiten: (rows: Float64Array, m: number) => Float64Array;
  private readonly stacked: StackedForms;
  private readonly posterior: StackedForms;
  private readonly isolated: readonly number[];
  private readonly gates: readonly (readonly number[])[];
  /** Neighbour lists of a structure in motion, which do not change what an energy is. */
  private readonly lists: VerletList;

  /**
   * @param program the model's basis made ready to run; it stays the caller's to dispose
   * @param whiten   X R⁻¹ of [m, d] rows with the factor R of the model's posterior; in plain TypeScript by default
   * @param multiply matrix product for the other forms of the variance; in plain TypeScript by default
   */
  constructor(
    model: LinearModel,
    program: AceProgram,
    whiten?: (rows: Float64Array, m: number) => Float64Array,
    multiply?: LinearKernels['multiply'],
  ) {
    this.model = model;
    const { r } = model.posterior;
    const d = columnCount(model.layout);
    this.whiten = whiten ?? ((rows, m) => whitenRows(r, d, rows, m));
    const { forms } = model.uncertainty;
    const roots: VarianceForm[] =
      forms === undefined
        ? []
        : [
            { name: 'jackknife', ...forms.jackknife },
            { name: 'pops', root: forms.pops.root, rank: forms.pops.rank },
          ];
    this.posterior = stackForms([{ name: 'posterior', r }], d, this.whiten);
    this.stacked = stackForms([{ name: 'posterior', r }, ...roots], d, this.whiten, multiply);
    this.program = program;
    this.weights = coefficientsOf(model);
    this.isolated = isolatedAtomEnergies(model);
    this.gates = distanceGates(model.specification);
    this.lists = new VerletList(Math.max(...model.specification.pairs.flat().map((pair) => pair.cutoff)));
  }

  evaluate(structure: Structure): PotentialResult {
    const lists = [this.neighbors(structure)];
    const result = this.program.evaluate([structure], this.weights, { lists })[0]!;
    return this.withIsolatedAtoms(structure, result);
  }

  /** The neighbour list that `evaluate` uses, kept while atoms move little (see `VerletList`). */
  neighbors(structure: Structure): NeighborList {
    return this.lists.of(structure);
  }

  /**
   * The share of the central atoms from ≤ i < to: their energies, and what they contribute to forces and virial. The
   * shares of a structure add up to the whole (`sumOfShares`).
   */
  evaluateShare(structure: Structure, atoms: readonly [from: number, to: number]): PotentialResult {
    const result = this.program.evaluate([structure], this.weights, { atoms })[0]!;
    return this.withIsolatedAtoms(structure, result, atoms);
  }

  /** Mean and raw variances of one structure from its design rows. */
  predict(structure: Structure): Prediction {
    return this.predictBy(structure, this.stacked);
  }

  /** [n] extrapolation grade of each atom by the active sets; null where the model has none (files of version 1). */
  grades(structure: Structure): Float64Array | null {
    const { activeSets, layout } = this.model;
    if (activeSets === undefined) return null;
    const rows = this.program.descriptors([structure])[0]!;
    const { offsets } = this.program.basis;
    const sizes = layout.species.map((_, e) => offsets[e + 1]! - offsets[e]!);
    const inverses = activeSets.map((set) => set?.inverse ?? null);
    return gradesByElement(elementIndices(structure, layout.species), rows, Math.max(...sizes), sizes, inverses);
  }

  trust(structure: Structure): TrustSignals {
    // Signals are of the posterior alone.
    return this.signals(structure, this.predictBy(structure, this.posterior));
  }

  /** Signals of a frame whose prediction is at hand. */
  signals(structure: Structure, prediction: Prediction): TrustSignals {
    const b = this.model.uncertainty.scales.forces.b;
    let forceSigma = 0;
    let leverage = 0;
    let novelty = 0;
    let atom = 0;
    let worst = -1;
    for (let i = 0; i < prediction.forceVariances.length; i++) {
      const sigma = Math.sqrt(b * prediction.forceVariances[i]!);
      forceSigma = larger(forceSigma, sigma);
      leverage = larger(leverage, prediction.leverage[i]!);
      novelty = larger(novelty, prediction.novelty[i]!);
      const badness = larger(sigma, prediction.novelty[i]!);
      // The first undefined signal stays the worst.
      if (!Number.isNaN(worst) && !(badness <= worst)) {
        worst = badness;
        atom = i;
      }
    }
    return { forceSigma, leverage, novelty, distance: this.distanceOverGate(structure), atom };
  }

  /** Smallest distance between two atoms over the gate of their pair; infinite where no pair is within the cutoff. */
  distanceOverGate(structure: Structure): number {
    const element = elementIndices(structure, this.model.layout.species);
    // The list may be of an earlier instant: which pairs there are stays true, how far apart they are does not.
    const { offsets, indices, images } = this.neighbors(structure);
    const { positions, cell } = structure;
    const reach = this.lists.cutoff * this.lists.cutoff;
    let smallest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < element.length; i++) {
      const gates = this.gates[element[i]!]!;
      for (let p = offsets[i]!; p < offsets[i + 1]!; p++) {
        const j = indices[p]!;
        let square = 0;
        for (let c = 0; c < 3; c++) {
          let d = positions[3 * j + c]! - positions[3 * i + c]!;
          if (cell !== null) {
            d += images[3 * p]! * cell[c]! + images[3 * p + 1]! * cell[3 + c]! + images[3 * p + 2]! * cell[6 + c]!;
          }
          square += d * d;
        }
        const gate = gates[element[j]!]!;
        if (square < reach) smallest = Math.min(smallest, square / (gate * gate));
      }
    }
    return Math.sqrt(smallest);
  }

  private predictBy(structure: Structure, forms: StackedForms): Prediction {
    let rows!: StructureRows;
    this.program.rows([structure], (_, found) => {
      rows = found;
    });
    return this.predictFromRows(structure, rows, forms);
  }

  private predictFromRows(structure: Structure, rows: StructureRows, stacked: StackedForms): Prediction {
    const { model } = this;
    const n = atomCount(structure);
    const d = columnCount(model.layout);
    const basis = model.layout.basis;
    const blocks = structureBlocks(
      structure,
      rows,
      { ...model.layout },
      {
        energyNoise: model.energyNoise,
        mask: { scale: model.forceColumnScale },
        offsetGroup: '',
      },
    );
    // Offsets of the labels are no part of the potential: their columns are left out of its variances.
    const plain = withoutOffsets(
      blocks.virial.rows,
      6,
      d,
      model.layout.stressOffset ? columnOffsets(model.layout).stressOffset : -1,
    );
    const { energy, forces, virial } = blocks;
    const m = forces.count;
    const stackedRows = new Float64Array((7 + m) * d);
    stackedRows.set(energy.rows);
    stackedRows.set(plain, d);
    stackedRows.set(forces.rows, 7 * d);
    const fixedComponents = new Uint8Array(3 * n).fill(1);
    for (const component of forces.components) fixedComponents[component] = 0;
    const found = stacked.variances(stackedRows, 7 + m).map(
      (variances): FormVariances => ({
        energy: variances[0]! * energy.scale * energy.scale,
        forces: averagedOverAtoms(variances.subarray(7), forces.components, n),
        virial: variances.slice(1, 7).map((v) => v * virial.scale * virial.scale),
      }),
    );
    const forms = Object.fromEntries(
      stacked.names.map((name, k) => [name, found[k]!]),
    ) as unknown as Prediction['forms'];

    const element = elementIndices(structure, model.layout.species);
    return {
      ...this.meanFromRows(structure, rows, basis),
      forms,
      energyVariance: forms.posterior.energy,
      forceVariances: forms.posterior.forces,
      virialVariances: forms.posterior.virial,
      fixedComponents,
      leverage: this.leverages(rows, element, d),
      novelty: this.novelties(rows, element),
    };
  }

  private meanFromRows(structure: Structure, rows: StructureRows, basis: number): PotentialResult {
    const w = this.weights;
    const product = (matrix: Float64Array, baseline: Float64Array): Float64Array => {
      const out = baseline.slice();
      for (let r = 0; r < out.length; r++) {
        let sum = 0;
        for (let v = 0; v < basis; v++) sum += matrix[r * basis + v]! * w[v]!;
        out[r]! += sum;
      }
      return out;
    };
    const n = atomCount(structure);
    const block = rows.atoms.length / n;
    const offsets = this.program.basis.offsets;
    const element = elementIndices(structure, this.model.layout.species);
    const atomEnergies = rows.baseline.atomEnergies.slice();
    for (let i = 0; i < n; i++) {
      const start = offsets[element[i]!]!;
      const size = offsets[element[i]! + 1]! - start;
      let sum = 0;
      for (let v = 0; v < size; v++) sum += rows.atoms[i * block + v]! * w[start + v]!;
      atomEnergies[i]! += sum;
    }
    const energy = product(rows.energy, Float64Array.of(rows.baseline.energy))[0]!;
    return this.withIsolatedAtoms(structure, {
      energy,
      atomEnergies,
      forces: product(rows.forces, rows.baseline.forces),
      virial: product(rows.virial, rows.baseline.virial),
    });
  }

  private withIsolatedAtoms(
    structure: Structure,
    result: { energy: number; atomEnergies: Float64Array; forces: Float64Array; virial: Float64Array },
    [from, to]: readonly [from: number, to: number] = [0, structure.species.length],
  ): PotentialResult {
    const element = elementIndices(structure, this.model.layout.species);
    let energy = result.energy;
    const atomEnergies = result.atomEnergies.slice();
    for (let i = from; i < to; i++) {
      const isolated = this.isolated[element[i]!]!;
      atomEnergies[i] = atomEnergies[i]! + isolated;
      energy += isolated;
    }
    return { energy, atomEnergies, forces: result.forces, virial: result.virial };
  }

  private leverages(rows: StructureRows, element: Int32Array, d: number): Float64Array {
    const n = element.length;
    const block = rows.atoms.length / n;
    const offsets = this.program.basis.offsets;
    const wide = new Float64Array(n * d);
    for (let i = 0; i < n; i++) {
      const start = offsets[element[i]!]!;
      const size = offsets[element[i]! + 1]! - start;
      wide.set(rows.atoms.subarray(i * block, i * block + size), i * d + start);
    }
    const h = squaredRowNorms(this.whiten(wide, n), n, d);
    const median = this.model.uncertainty.leverageMedian;
    return h.map((value, i) => value / median[element[i]!]!);
  }

  private novelties(rows: StructureRows, element: Int32Array): Float64Array {
    const n = element.length;
    const block = rows.atoms.length / n;
    const offsets = this.program.basis.offsets;
    const out = new Float64Array(n);
    this.model.uncertainty.novelty.forEach((novelty, e) => {
      const atoms: number[] = [];
      element.forEach((value, i) => {
        if (value === e) atoms.push(i);
      });
      if (atoms.length === 0) return;
      if (novelty === null) {
        for (const i of atoms) out[i] = Number.POSITIVE_INFINITY;
        return;
      }
      const size = offsets[e + 1]! - offsets[e]!;
      const own = new Float64Array(atoms.length * size);
      for (const [k, i] of atoms.entries()) own.set(rows.atoms.subarray(i * block, i * block + size), k * size);
      noveltyDistances(novelty, own, atoms.length).forEach((value, k) => {
        out[atoms[k]!] = value;
      });
    });
    return out;
  }
}

/** [n] mean of the variances of the components of each atom that are listed; 0 for an atom without any. */
function averagedOverAtoms(variances: Float64Array, components: Int32Array, n: number): Float64Array {
  const sums = new Float64Array(n);
  const counts = new Int32Array(n);
  components.forEach((component, k) => {
    const i = Math.floor(component / 3);
    sums[i]! += variances[k]!;
    counts[i]!++;
  });
  return sums.map((sum, i) => (counts[i] === 0 ? 0 : sum / counts[i]!));
}

/** The larger of two, NaN if either is: a frame with an undefined signal must not pass as trusted. */
function larger(a: number, b: number): number {
  return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Math.max(a, b);
}

/** Rows with one column set to zero; the rows themselves when `column` is −1. */
function withoutOffsets(rows: Float64Array, m: number, d: number, column: number): Float64Array {
  if (column < 0) return rows;
  const out = rows.slice();
  for (let r = 0; r < m; r++) out[r * d + column] = 0;
  return out;
}
