import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';
import { ACCELERATION, BOLTZMANN } from '../units.ts';

/** How to draw velocities. */
export interface VelocityOptions {
  /** Takes the motion of the centre of mass out, which leaves 3n − 3 degrees of freedom. Default false. */
  readonly zeroMomentum?: boolean;
  /** Rescales the draw so that its kinetic temperature is the asked one exactly. Default false. */
  readonly exact?: boolean;
}

/** Throws InputError `TEMPERATURE_RANGE` unless 0 ≤ temperature < ∞ (K). */
export function requireTemperature(temperature: number): void {
  if (!(temperature >= 0 && temperature < Number.POSITIVE_INFINITY)) {
    throw new InputError('TEMPERATURE_RANGE', `temperature must be finite and not negative, got ${temperature} K`, {
      temperature,
    });
  }
}

/** Kinetic energy ½ Σ m v², eV. @param velocities [3n] Å/fs @param masses [n] u */
export function kineticEnergy(velocities: Float64Array, masses: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < masses.length; i++) {
    const x = velocities[3 * i]!;
    const y = velocities[3 * i + 1]!;
    const z = velocities[3 * i + 2]!;
    sum += masses[i]! * (x * x + y * y + z * z);
  }
  return (0.5 * sum) / ACCELERATION;
}

/**
 * Kinetic temperature 2·E_kin/(k_B·g), K.
 *
 * @param velocities       [3n] Å/fs
 * @param masses           [n] u
 * @param degreesOfFreedom g, by default 3n; 3n − 3 where the centre of mass rests
 */
export function kineticTemperature(
  velocities: Float64Array,
  masses: Float64Array,
  degreesOfFreedom: number = velocities.length,
): number {
  return degreesOfFreedom > 0 ? (2 * kineticEnergy(velocities, masses)) / (BOLTZMANN * degreesOfFreedom) : 0;
}

/** Takes the velocity of the centre of mass off all atoms, in place. @param velocities [3n] Å/fs @param masses [n] u */
export function removeMomentum(velocities: Float64Array, masses: Float64Array): void {
  let total = 0;
  for (let i = 0; i < masses.length; i++) total += masses[i]!;
  for (let axis = 0; axis < 3; axis++) {
    let momentum = 0;
    for (let i = 0; i < masses.length; i++) momentum += masses[i]! * velocities[3 * i + axis]!;
    const drift = momentum / total;
    for (let i = 0; i < masses.length; i++) velocities[3 * i + axis]! -= drift;
  }
}

/**
 * Velocities of the Maxwell–Boltzmann distribution: every component is normal with variance k_B·T/m.
 *
 * A crystal at rest shares its kinetic energy with the lattice (equipartition), so a run at T starts it with 2T.
 *
 * @param masses      [n] u
 * @param temperature K
 * @returns           [3n] Å/fs
 * @throws InputError `TEMPERATURE_RANGE` for a negative or non-finite temperature
 */
export function maxwellBoltzmann(
  masses: Float64Array,
  temperature: number,
  stream: RandomStream,
  options: VelocityOptions = {},
): Float64Array {
  requireTemperature(temperature);
  const velocities = new Float64Array(3 * masses.length);
  for (let i = 0; i < masses.length; i++) {
    const spread = Math.sqrt((BOLTZMANN * temperature * ACCELERATION) / masses[i]!);
    for (let axis = 0; axis < 3; axis++) velocities[3 * i + axis] = spread * stream.normal();
  }
  const zeroMomentum = options.zeroMomentum === true;
  if (zeroMomentum) removeMomentum(velocities, masses);
  if (options.exact === true) {
    const drawn = kineticTemperature(velocities, masses, velocities.length - (zeroMomentum ? 3 : 0));
    const scale = drawn > 0 ? Math.sqrt(temperature / drawn) : 0;
    for (let k = 0; k < velocities.length; k++) velocities[k]! *= scale;
  }
  return velocities;
}
