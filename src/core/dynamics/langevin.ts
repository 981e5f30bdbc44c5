import { InputError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
import type { RandomStream } from '../random.ts';
import { ACCELERATION, BOLTZMANN } from '../units.ts';
import { type Motion, updateForces } from './dynamics.ts';
import { requireTemperature } from './velocities.ts';
import { drift, kick } from './velocity-verlet.ts';

/** Friction of the thermostat by default, 1/fs. */
export const DEFAULT_FRICTION = 1 / 100;

/** A heat bath. */
export interface Thermostat {
  /** K. */
  readonly temperature: number;
  /** Rate at which a free particle forgets its velocity, 1/fs; default `DEFAULT_FRICTION`. */
  readonly friction?: number;
}

/** Throws InputError unless the bath has a temperature ≥ 0 and a finite friction ≥ 0. */
export function requireThermostat(thermostat: Thermostat): void {
  requireTemperature(thermostat.temperature);
  const friction = thermostat.friction ?? DEFAULT_FRICTION;
  if (!(friction >= 0 && friction < Number.POSITIVE_INFINITY)) {
    throw new InputError('FRICTION_RANGE', `friction must be finite and not negative, got ${friction} 1/fs`, {
      friction,
    });
  }
}

/** Exact solution of dv = −γ·v·dt + √(2γ·k_B·T/m)·dW over `dt` (fs), in place. */
function ornsteinUhlenbeck(motion: Motion, thermostat: Thermostat, dt: number, stream: RandomStream): void {
  const { velocities, masses } = motion;
  const decay = Math.exp(-(thermostat.friction ?? DEFAULT_FRICTION) * dt);
  const heat = BOLTZMANN * thermostat.temperature * ACCELERATION * (1 - decay * decay);
  for (let i = 0; i < masses.length; i++) {
    const spread = Math.sqrt(heat / masses[i]!);
    for (let k = 3 * i; k < 3 * i + 3; k++) velocities[k] = decay * velocities[k]! + spread * stream.normal();
  }
}

/**
 * One step of Langevin dynamics, splitting BAOAB: half kick, half drift, exchange with the bath, half drift, half kick.
 * Of the first-order splittings it samples positions best: a harmonic mode has the exact variance k_B·T/k at any stable
 * step. `dt` may change from step to step (exploration only: a step that follows the state biases averages).
 * The motion of the centre of mass is thermostatted like any other: 3n degrees of freedom.
 *
 * @param dt     fs
 * @param stream the noise; 3n normal deviates are taken per step
 * @see Leimkuhler & Matthews, Appl. Math. Res. Express 2013, 34
 */
export function langevinStep(
  motion: Motion,
  potential: Potential,
  thermostat: Thermostat,
  dt: number,
  stream: RandomStream,
): void {
  kick(motion, dt / 2);
  drift(motion, dt / 2);
  ornsteinUhlenbeck(motion, thermostat, dt, stream);
  drift(motion, dt / 2);
  updateForces(motion, potential);
  kick(motion, dt / 2);
  motion.step++;
  motion.time += dt;
}
