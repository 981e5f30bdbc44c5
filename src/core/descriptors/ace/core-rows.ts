import { addBondForce } from '../../structure/bond-force.ts';
import type { Evaluation } from '../descriptors.ts';
import type { Environment } from './environment.ts';

/** An evaluation of n atoms with nothing in it. */
export function emptyEvaluation(n: number): Evaluation {
  return { energy: 0, atomEnergies: new Float64Array(n), forces: new Float64Array(3 * n), virial: new Float64Array(6) };
}

/** Adds the core repulsion of atom i, whose neighbours are gathered, to its energy and to forces and virial. */
export function addCore(i: number, environment: Environment, core: Evaluation): void {
  const { size, coreSlopes, distances, directions: u, atoms, coreEnergy } = environment;
  const { atomEnergies, forces, virial } = core;
  atomEnergies[i] = atomEnergies[i]! + coreEnergy;
  for (let k = 0; k < size; k++) {
    const slope = coreSlopes[k]!;
    if (slope === 0) continue;
    const r = distances[k]!;
    const [x, y, z] = [u[3 * k]!, u[3 * k + 1]!, u[3 * k + 2]!];
    addBondForce(forces, virial, i, atoms[k]!, slope * x, slope * y, slope * z, r * x, r * y, r * z);
  }
}
