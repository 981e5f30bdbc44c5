import { InputError, NumericalError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
import { cellVolume, strained, strainTensor } from '../structure/cell.ts';
import type { Structure } from '../structure/structure.ts';
import { largestNorm } from './dynamics.ts';

/** When to end a minimisation. */
export interface MinimisationOptions {
  /** Converged when no force is longer, eV/Å. Default 0.01. */
  readonly forceTolerance?: number;
  /** Number of energy evaluations allowed. Default 1000. */
  readonly maxEvaluations?: number;
  /** Longest displacement of the whole system in one iteration, Å. Default 0.2. */
  readonly maxStep?: number;
  /** What of the cell relaxes, to zero stress: nothing (default), its volume at constant shape, or all of it. */
  readonly cell?: 'fixed' | 'volume' | 'full';
  /** Converged when no component of the stress (its mean for `volume`) is larger, eV/Å³. Default 1e-5 (1.6 MPa). */
  readonly stressTolerance?: number;
}

/** Where a minimisation ended. */
export interface Minimum {
  readonly structure: Structure;
  /** eV */
  readonly energy: number;
  /** Longest force, eV/Å. */
  readonly maxForce: number;
  /** Largest component of the stress that relaxes, eV/Å³; 0 for a fixed cell. */
  readonly maxStress: number;
  readonly evaluations: number;
  /** Whether the tolerance was met within the allowed evaluations. */
  readonly converged: boolean;
}

// FIRE with its published parameters; unit masses, time in units of Å·√(u/eV).
const FIRST_STEP = 0.1;
const LONGEST_STEP = 1;
const MIXING = 0.1;
const PATIENCE = 5;

/** Strain that costs as much as a displacement of 1 Å is 1/√(2n): a crystal of n atoms is about so stiff. */
function strainScale(n: number): number {
  return 1 / Math.sqrt(2 * n);
}

/** Forces on the six strains (engineering shear), −∂E/∂ε, of a cell that relaxes, eV. */
function strainForces(virial: Float64Array, cell: 'volume' | 'full'): Float64Array {
  if (cell === 'full') return virial.slice();
  const mean = (virial[0]! + virial[1]! + virial[2]!) / 3;
  return Float64Array.of(mean, mean, mean, 0, 0, 0);
}

const largestSize = (values: Float64Array): number => values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/**
 * Relaxes positions, and the cell where asked, to a local minimum of the energy (fast inertial relaxation engine). The
 * strains of the cell are further coordinates of the same motion.
 * A run that exhausts its evaluations is a result with `converged` false, not an error.
 *
 * @throws NumericalError `MINIMISATION_DIVERGED` when a force is not finite
 * @throws InputError `TOLERANCE_RANGE` unless the tolerances are above zero, `NOT_PERIODIC` when a cell is to relax that is
 *   not periodic in all directions
 * @see Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)
 */
export function minimise(structure: Structure, potential: Potential, options: MinimisationOptions = {}): Minimum {
  const { forceTolerance = 0.01, stressTolerance = 1e-5, maxEvaluations = 1000, maxStep = 0.2 } = options;
  const cell = options.cell ?? 'fixed';
  for (const [name, tolerance, unit] of [
    ['force', forceTolerance, 'eV/Å'],
    ['stress', stressTolerance, 'eV/Å³'],
  ] as const) {
    if (!(tolerance > 0)) {
      const message = `${name} tolerance must be positive, got ${tolerance} ${unit}`;
      throw new InputError('TOLERANCE_RANGE', message, { [`${name}Tolerance`]: tolerance });
    }
  }
  if (cell !== 'fixed' && !(structure.cell !== null && structure.pbc.every(Boolean))) {
    throw new InputError('NOT_PERIODIC', 'a cell that relaxes must be periodic in three directions', {
      pbc: structure.pbc,
    });
  }
  let current: Structure = { ...structure, positions: structure.positions.slice() };
  const nPositions = current.positions.length;
  const scale = strainScale(current.species.length);
  const size = nPositions + (cell === 'fixed' ? 0 : 6);
  const forces = new Float64Array(size);
  const velocities = new Float64Array(size);
  let step = FIRST_STEP;
  let mixing = MIXING;
  let downhill = 0;
  for (let evaluations = 1; ; evaluations++) {
    const result = potential.evaluate(current);
    const { energy } = result;
    forces.set(result.forces);
    const maxForce = largestNorm(result.forces);
    let maxStress = 0;
    if (cell !== 'fixed') {
      const onStrains = strainForces(result.virial, cell);
      maxStress = largestSize(onStrains) / cellVolume(current.cell!);
      for (let k = 0; k < 6; k++) forces[nPositions + k] = scale * onStrains[k]!;
    }
    if (!Number.isFinite(maxForce) || !Number.isFinite(energy) || !Number.isFinite(maxStress)) {
      throw new NumericalError(
        'MINIMISATION_DIVERGED',
        `forces must stay finite in a minimisation, got ${maxForce} eV/Å`,
        { energy, maxForce, maxStress, evaluations },
      );
    }
    const converged = maxForce <= forceTolerance && maxStress <= stressTolerance;
    if (converged || evaluations >= maxEvaluations)
      return { structure: current, energy, maxForce, maxStress, evaluations, converged };

    let power = 0;
    let forceSquare = 0;
    let velocitySquare = 0;
    for (let k = 0; k < size; k++) {
      power += forces[k]! * velocities[k]!;
      forceSquare += forces[k]! * forces[k]!;
      velocitySquare += velocities[k]! * velocities[k]!;
    }
    if (power > 0) {
      const along = mixing * Math.sqrt(velocitySquare / forceSquare);
      for (let k = 0; k < size; k++) velocities[k] = (1 - mixing) * velocities[k]! + along * forces[k]!;
      if (++downhill > PATIENCE) {
        step = Math.min(1.1 * step, LONGEST_STEP);
        mixing *= 0.99;
      }
    } else {
      velocities.fill(0);
      step = evaluations === 1 ? step : 0.5 * step;
      mixing = MIXING;
      downhill = 0;
    }
    let lengthSquare = 0;
    for (let k = 0; k < size; k++) {
      velocities[k]! += step * forces[k]!;
      lengthSquare += velocities[k]! * velocities[k]!;
    }
    const length = step * Math.sqrt(lengthSquare);
    const move = length > maxStep ? (step * maxStep) / length : step;
    const positions = current.positions.slice();
    for (let k = 0; k < nPositions; k++) positions[k]! += move * velocities[k]!;
    current = { ...current, positions };
    if (cell !== 'fixed') {
      const strain = velocities.slice(nPositions).map((velocity) => move * scale * velocity);
      current = strained(current, strainTensor(strain));
    }
  }
}
