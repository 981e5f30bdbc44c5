import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import type { AceProgram, PotentialProgram } from '../../core/descriptors/descriptors.ts';
import type { Whitener } from '../../core/numerics/kernels.ts';
import { columnCount } from '../../core/dataset/dataset.ts';
import type { AcePotential } from '../../core/potentials/ace-potential.ts';
import { NeuralPotential, potentialOf } from '../../core/potentials/neural/neural-potential.ts';
import { MotionScreen } from '../../core/potentials/motion-screen.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { readAsi } from '../../formats/asi.ts';
import { gradesOf } from '../../formats/extrapolation.ts';
import { readModel } from '../../formats/model-file.ts';
import { splinedPotential } from '../../formats/yace-potential.ts';
import { readBBasisFile, readPotentialFile } from '../../formats/potential-file.ts';
import type { Kernels } from '../../kernels/kernels.ts';
import { nodeKernels } from '../kernels.ts';

/** A model as it travels to a worker: its file and the hash that names it. */
export interface ModelHandle {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A potential file as it travels to a worker: its text, the name for messages, and the hash that names it. */
export interface PotentialFile {
  readonly id: string;
  readonly name: string;
  readonly text: string;
}

/** An active set as it travels to a worker: its bytes, the name for messages, and the hash that names it. */
export interface ActiveSetFile {
  readonly id: string;
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Programs and models that are kept ready at most. */
const KEPT = 4;

/** What one thread keeps between tasks: kernels, prepared bases, opened models. */
export class Machine {
  readonly kernels: Kernels;
  private readonly programs = new Map<string, AceProgram>();
  private readonly potentials = new Map<string, AcePotential>();
  private readonly files = new Map<string, PotentialProgram>();
  private screen: { readonly id: string; readonly screen: MotionScreen } | null = null;
  private kept: { readonly id: string; readonly whitener: Whitener } | null = null;

  private graded: { readonly key: string; readonly grades: (structure: Structure) => Float64Array } | null = null;

  constructor(kernel: string | null) {
    this.kernels = nodeKernels(kernel);
  }

  /** The basis made ready to run. */
  program(basis: AceBasis): AceProgram {
    const known = this.programs.get(basis.id);
    if (known !== undefined) return known;
    const program = this.kernels.prepare(basis);
    this.programs.set(basis.id, program);
    const [oldest] = this.programs.keys();
    if (this.programs.size > KEPT && oldest !== undefined) {
      this.programs.get(oldest)!.dispose();
      this.programs.delete(oldest);
    }
    return program;
  }

  /** The potential of a model. */
  potential(model: ModelHandle): AcePotential {
    const known = this.potentials.get(model.id);
    if (known !== undefined) return known;
    const { model: linear, basis } = readModel(model.bytes, model.id);
    const columns = columnCount(linear.layout);
    const potential = potentialOf(
      linear,
      this.program(basis),
      (rows, m) => this.whitener(model.id, linear.posterior.r, columns).whiten(rows, m),
      (a, b, m, k, n) => this.kernels.multiply(a, b, m, k, n),
    );
    this.potentials.set(model.id, potential);
    const [oldest] = this.potentials.keys();
    if (this.potentials.size > KEPT && oldest !== undefined) this.potentials.delete(oldest);
    return potential;
  }

  /**
   * What watches motions under a model, null for one without active sets, or of networks, whose sigmas are not those of
   * posterior samples; that of the last model is kept.
   */
  screenOf(model: ModelHandle): MotionScreen | null {
    const potential = this.potential(model);
    if (potential.model.activeSets === undefined || potential instanceof NeuralPotential) return null;
    if (this.screen?.id !== model.id) {
      this.screen?.screen.dispose();
      const screen = new MotionScreen(potential, () => this.kernels.prepare(potential.program.basis), this.kernels);
      this.screen = { id: model.id, screen };
    }
    return this.screen.screen;
  }

  /** The factor of a posterior, ready to whiten; the last one is kept. @param id names this factor and no other */
  whitener(id: string, r: Float64Array, columns: number): Whitener {
    if (this.kept?.id !== id) {
      this.kept?.whitener.dispose();
      this.kept = { id, whitener: this.kernels.whitener(r, columns) };
    }
    return this.kept.whitener;
  }

  /** The potential of a `.yace` or `.yaml` file, with the splines that simulation programs make of its radial functions. */
  filePotential({ id, name, text }: PotentialFile): PotentialProgram {
    const known = this.files.get(id);
    if (known !== undefined) return known;
    const program = this.kernels.compile(splinedPotential(readPotentialFile(text, name)), 'exact');
    for (const other of this.files.values()) other.dispose();
    this.files.clear();
    this.files.set(id, program);
    return program;
  }

  /** Grades of the atoms of a structure by a B-basis file and its active set; those of the last file are kept. */
  fileGrades({ id, name, text }: PotentialFile, activeSet: ActiveSetFile): (structure: Structure) => Float64Array {
    const key = `${id}|${activeSet.id}`;
    if (this.graded?.key !== key) {
      const document = readBBasisFile(text, name);
      const sizes = document.functions.map((functions) => functions.length);
      const inverses = readAsi(activeSet.bytes, activeSet.name, document.elements, sizes);
      this.graded = { key, grades: gradesOf(document, inverses, this.kernels) };
    }
    return this.graded.grades;
  }

  dispose(): void {
    this.kept?.whitener.dispose();
    this.screen?.screen.dispose();
    for (const program of [...this.programs.values(), ...this.files.values()]) program.dispose();
    this.kernels.dispose();
  }
}
