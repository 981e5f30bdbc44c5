import { InputError, NumericalError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
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
}

/** Where a minimisation ended. */
export interface Minimum {
  readonly structure: Structure;
  /** eV */
  readonly energy: number;
  /** Longest force, eV/Å. */
  readonly maxForce: number;
  readonly evaluations: number;
  /** Whether the tolerance was met within the allowed evaluations. */
  readonly converged: boolean;
}

// FIRE with its published parameters; unit masses, time in units of Å·√(u/eV).
const FIRST_STEP = 0.1;
const LONGEST_STEP = 1;
const MIXING = 0.1;
const PATIENCE = 5;

/**
 * Relaxes the positions in a fixed cell to a local minimum of the energy (fast inertial relaxation engine).
 * A run that exhausts its evaluations is a result with `converged` false, not an error.
 *
 * @throws NumericalError `MINIMISATION_DIVERGED` when a force is not finite
 * @throws InputError `TOLERANCE_RANGE` unless the tolerance is above zero
 * @see Bitzek et al., Phys. Rev. Lett. 97, 170201 (2006)
 */
export function minimise(structure: Structure, potential: Potential, options: MinimisationOptions = {}): Minimum {
  const { forceTolerance = 0.01, maxEvaluations = 1000, maxStep = 0.2 } = options;
  if (!(forceTolerance > 0)) {
    throw new InputError('TOLERANCE_RANGE', `force tolerance must be positive, got ${forceTolerance} eV/Å`, {
      forceTolerance,
    });
  }
  let current: Structure = { ...structure, positions: structure.positions.slice() };
  const size = current.positions.length;
  const velocities = new Float64Array(size);
  let step = FIRST_STEP;
  let mixing = MIXING;
  let downhill = 0;
  for (let evaluations = 1; ; evaluations++) {
    const { energy, forces } = potential.evaluate(current);
    const maxForce = largestNorm(forces);
    if (!Number.isFinite(maxForce) || !Number.isFinite(energy)) {
      throw new NumericalError(
        'MINIMISATION_DIVERGED',
        `forces must stay finite in a minimisation, got ${maxForce} eV/Å`,
        {
          energy,
          maxForce,
          evaluations,
        },
      );
    }
    const converged = maxForce <= forceTolerance;
    if (converged || evaluations >= maxEvaluations)
      return { structure: current, energy, maxForce, evaluations, converged };

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
    for (let k = 0; k < size; k++) positions[k]! += move * velocities[k]!;
    current = { ...current, positions };
  }
}
