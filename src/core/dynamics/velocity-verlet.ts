import type { Potential } from '../potentials/potential.ts';
import { ACCELERATION } from '../units.ts';
import { type Motion, updateForces } from './dynamics.ts';

/** Adds the acceleration K·F/m over `dt` (fs) to the velocities, in place. */
export function kick(motion: Motion, dt: number): void {
  const { velocities, forces, masses } = motion;
  for (let i = 0; i < masses.length; i++) {
    const factor = (ACCELERATION * dt) / masses[i]!;
    velocities[3 * i]! += factor * forces[3 * i]!;
    velocities[3 * i + 1]! += factor * forces[3 * i + 1]!;
    velocities[3 * i + 2]! += factor * forces[3 * i + 2]!;
  }
}

/** Moves the positions with the velocities over `dt` (fs), in place. */
export function drift(motion: Motion, dt: number): void {
  const { positions, velocities } = motion;
  for (let k = 0; k < positions.length; k++) positions[k]! += dt * velocities[k]!;
}

/**
 * One step of constant energy (velocity Verlet: half kick, drift, half kick), symplectic and reversible.
 * The fluctuation of the total energy falls as dt².
 *
 * @param dt fs
 */
export function velocityVerletStep(motion: Motion, potential: Potential, dt: number): void {
  kick(motion, dt / 2);
  drift(motion, dt);
  updateForces(motion, potential);
  kick(motion, dt / 2);
  motion.step++;
  motion.time += dt;
}
