import { columnCount } from '../dataset/dataset.ts';
import type { AceProgram } from '../descriptors/descriptors.ts';
import { InputError } from '../errors.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { solveUpper } from '../numerics/triangular.ts';
import { RandomStream } from '../random.ts';
import { atomCount, type Structure } from '../structure/structure.ts';
import type { NeighborList } from '../structure/neighbor-list.ts';
import { type LeadingGrade, leadingGrade, leadingGrades } from '../uncertainty/leading-grade.ts';
import { extrapolationGrades } from '../uncertainty/maxvol.ts';
import type { AcePotential } from './ace-potential.ts';
import { elementIndices, requireLinear } from './linear-model.ts';

/** How closely a motion is watched. */
export interface ScreenOptions {
  /** Every atom is graded once in this many steps, some of them in each. Default 32. */
  readonly gradePeriod?: number;
  /** Directions along which grades are screened. Default 16. */
  readonly directions?: number;
  /** Screened grades from this value on are worked out in full. Default 0.9: less than the limit 1 by what the others hold. */
  readonly exactAbove?: number;
  /** Screened grades from this value on are left as they are: beyond the limit for certain. Default 1.25. */
  readonly exactBelow?: number;
  /** Steps between two looks at the force sigma. Default 5. */
  readonly sigmaInterval?: number;
  /** Posterior samples that the force sigma is estimated from, two in each look. Default 6. */
  readonly samples?: number;
}

/** What a screen saw at one step. */
export interface ScreenReport {
  /** Largest grade of the atoms graded at this step, and its atom; −1 where none was. */
  readonly grade: number;
  readonly gradeAtom: number;
  /** Largest calibrated force sigma of an atom, eV/Å, estimated from samples; NaN between looks. */
  readonly forceSigma: number;
  readonly forceAtom: number;
  /** Smallest distance between two atoms over the gate of their pair; NaN between looks. */
  readonly distance: number;
}

const LOOK = 2;

/**
 * Watches a motion at a price that lets it be watched at every step. A slice of the atoms is graded at each step, along
 * the leading directions of the active set and in full where these leave open on which side of the limit it is; the force sigma is the spread
 * of the forces of a few posterior samples, two of which are evaluated in each look,
 *
 *   σ_i² ≈ b Σ_s |F_i(w_s) − F_i(m)|² / (3 S)
 *
 * whose relative error is 1/√(6S): a frame that it takes for extrapolating should be looked at in full (`trust`).
 */
export class MotionScreen {
  private readonly potential: AcePotential;
  private readonly kernels: LinearKernels;
  private readonly options: Required<ScreenOptions>;
  /** [elements] null for an element without active set, whose grade is infinite. */
  private readonly leading: readonly (LeadingGrade | null)[];
  private readonly samples: readonly { readonly program: AceProgram; readonly weights: Float64Array }[];
  /** [samples] squared deviations [n] of each sample at its last evaluation; null before. */
  private squares: (Float64Array | null)[];
  private steps = 0;
  private next = 0;
  private turn = 0;

  /**
   * @param prepare makes a program of the model's basis: one for each sample, which the screen disposes of
   * @throws InputError `NO_ACTIVE_SETS` for a model without them, `NONLINEAR_MODEL`, `SCREEN_OPTIONS`
   */
  constructor(potential: AcePotential, prepare: () => AceProgram, kernels: LinearKernels, options: ScreenOptions = {}) {
    const { gradePeriod = 32, directions = 16, exactAbove = 0.9, exactBelow = 1.25 } = options;
    const { sigmaInterval = 5, samples = 6 } = options;
    for (const [name, value] of Object.entries({ gradePeriod, directions, sigmaInterval, samples })) {
      if (!(Number.isInteger(value) && value >= 1)) {
        throw new InputError('SCREEN_OPTIONS', `${name} of a screen must be a positive integer, got ${value}`, {
          name,
        });
      }
    }
    const { activeSets, layout } = potential.model;
    if (activeSets === undefined) {
      throw new InputError('NO_ACTIVE_SETS', 'model must have active sets to be graded; fit it again');
    }
    requireLinear(potential.model, 'a screen');
    this.potential = potential;
    this.kernels = kernels;
    this.options = { gradePeriod, directions, exactAbove, exactBelow, sigmaInterval, samples };
    this.leading = activeSets.map((set, mu) => {
      const d = this.sizeOf(mu);
      return set === null ? null : leadingGrade(set.inverse, d, Math.min(directions, d), kernels);
    });
    this.samples = this.sampleWeights(columnCount(layout), layout.basis).map((weights) => ({
      program: prepare(),
      weights,
    }));
    this.squares = this.samples.map(() => null);
  }

  private sizeOf(mu: number): number {
    const { offsets } = this.potential.program.basis;
    return offsets[mu + 1]! - offsets[mu]!;
  }

  /** Deviations w_s − m of posterior samples, R⁻¹ z, of the columns of the basis. */
  private sampleWeights(d: number, basis: number): Float64Array[] {
    const { r } = this.potential.model.posterior;
    return Array.from({ length: this.options.samples }, (_, s) => {
      const stream = new RandomStream(1, 'posterior sample', s);
      const z = Float64Array.from({ length: d }, () => stream.normal());
      return solveUpper(r, d, z).slice(0, basis);
    });
  }

  /** Forgets the motion: what it says afterwards depends on the frames that follow only. */
  restart(): void {
    this.squares = this.samples.map(() => null);
    this.steps = 0;
    this.next = 0;
    this.turn = 0;
  }

  /** Looks at the next frame of the motion. */
  step(structure: Structure): ScreenReport {
    const list = this.potential.neighbors(structure);
    const graded = this.gradeNext(structure, list);
    const isDue = this.steps % this.options.sigmaInterval === 0;
    this.steps++;
    const sigma = isDue ? this.forceSigma(structure, list) : { value: Number.NaN, atom: -1 };
    const distance = isDue ? this.potential.distanceOverGate(structure) : Number.NaN;
    return { grade: graded.value, gradeAtom: graded.atom, forceSigma: sigma.value, forceAtom: sigma.atom, distance };
  }

  /** Grades the next slice of atoms. */
  private gradeNext(structure: Structure, list: NeighborList): { value: number; atom: number } {
    const n = atomCount(structure);
    const from = this.next >= n ? 0 : this.next;
    const to = Math.min(n, from + Math.ceil(n / this.options.gradePeriod));
    this.next = to;
    const rows = this.potential.program.descriptors([structure], { lists: [list], atoms: [from, to] })[0]!;
    const width = rows.length / Math.max(1, to - from);
    const element = elementIndices(structure, this.potential.model.layout.species);
    let value = Number.NEGATIVE_INFINITY;
    let atom = -1;
    this.leading.forEach((leading, mu) => {
      const own: number[] = [];
      for (let i = from; i < to; i++) if (element[i] === mu) own.push(i);
      if (own.length === 0) return;
      const size = this.sizeOf(mu);
      const descriptors = new Float64Array(own.length * size);
      own.forEach((i, k) => {
        descriptors.set(rows.subarray((i - from) * width, (i - from) * width + size), k * size);
      });
      const grades = this.gradesOf(leading, mu, descriptors, own.length);
      own.forEach((i, k) => {
        if (Number.isNaN(value) || grades[k]! <= value) return;
        value = grades[k]!;
        atom = i;
      });
    });
    return { value, atom };
  }

  private gradesOf(leading: LeadingGrade | null, mu: number, rows: Float64Array, n: number): Float64Array {
    if (leading === null) return new Float64Array(n).fill(Number.POSITIVE_INFINITY);
    const grades = leadingGrades(leading, rows, n, this.kernels);
    const d = leading.size;
    const { exactAbove, exactBelow } = this.options;
    const near = Array.from(grades.keys()).filter((k) => !(grades[k]! < exactAbove || grades[k]! >= exactBelow));
    if (near.length === 0) return grades;
    const some = new Float64Array(near.length * d);
    near.forEach((k, at) => {
      some.set(rows.subarray(k * d, (k + 1) * d), at * d);
    });
    const { inverse } = this.potential.model.activeSets![mu]!;
    const exact = extrapolationGrades(inverse, d, some, near.length, this.kernels);
    near.forEach((k, at) => {
      grades[k] = exact[at]!;
    });
    return grades;
  }

  /** Largest force sigma, with the next two samples evaluated anew (all of them at first). */
  private forceSigma(structure: Structure, list: NeighborList): { value: number; atom: number } {
    const n = atomCount(structure);
    if (this.squares[0]?.length !== n) this.squares = this.samples.map(() => null);
    const isFirst = this.squares[0] === null;
    const count = isFirst ? this.samples.length : Math.min(LOOK, this.samples.length);
    for (let q = 0; q < count; q++) {
      const { program, weights } = this.samples[this.turn]!;
      const { forces } = program.evaluate([structure], weights, { lists: [list] })[0]!;
      const square = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        const [x, y, z] = [forces[3 * i]!, forces[3 * i + 1]!, forces[3 * i + 2]!];
        square[i] = x * x + y * y + z * z;
      }
      this.squares[this.turn] = square;
      this.turn = (this.turn + 1) % this.samples.length;
    }
    const scale = this.potential.model.uncertainty.scales.forces.b / (3 * this.samples.length);
    let value = 0;
    let atom = -1;
    for (let i = 0; i < n; i++) {
      let sum = 0;
      for (const square of this.squares) sum += square![i]!;
      const sigma = Math.sqrt(scale * sum);
      if (sigma <= value) continue;
      value = sigma;
      atom = i;
      if (Number.isNaN(sigma)) break;
    }
    return { value, atom };
  }

  dispose(): void {
    for (const { program } of this.samples) program.dispose();
  }
}
