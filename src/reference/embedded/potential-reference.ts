import { InputError, NumericalError } from '../../core/errors.ts';
import type { PotentialResult } from '../../core/potentials/potential.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { type ComputeReference, type Fingerprint, type LabelResult, sumOfForces } from '../reference.ts';

/**
 * A potential as a reference. Its errors become failures: InputError `input`, NumericalError `crash`. The cost is left 0,
 * since this ring has no clock: who calls it measures the time. A pure function of the structure.
 * @param internalEnergy takes the internal energy from the potential's result, eV; null when it has none
 */
export function potentialReference<R extends PotentialResult>(
  name: string,
  potential: { evaluate(structure: Structure): R },
  fingerprint: Fingerprint,
  internalEnergy: (result: R) => number | null,
): ComputeReference {
  return {
    kind: 'compute',
    name,
    label(structure: Structure): LabelResult {
      let result: R;
      try {
        result = potential.evaluate(structure);
      } catch (error) {
        if (error instanceof InputError) return { status: 'failed', reason: 'input', message: error.message, cost: 0 };
        if (error instanceof NumericalError)
          return { status: 'failed', reason: 'crash', message: error.message, cost: 0 };
        throw error;
      }
      return {
        status: 'done',
        energy: result.energy,
        internalEnergy: internalEnergy(result),
        forces: result.forces,
        virial: result.virial,
        netForce: Math.hypot(...sumOfForces(result.forces)),
        cost: 0,
        fingerprint,
      };
    },
  };
}
