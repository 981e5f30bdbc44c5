/**
 * What a structure must satisfy before it is computed and a finished label before it may teach a model. Codes converge
 * without complaint on absurd geometries, so neither an exit code nor a converged cycle is enough.
 */
import { covalentRadiusOf, symbolOf } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import { neighborList } from '../core/structure/neighbor-list.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import {
  type LabelFailure,
  type LabelRejection,
  type LabelResult,
  type LabelSuccess,
  type RejectionReason,
  sumOfForces,
} from './reference.ts';

/** Limits of what is computed and accepted, as a run file gives them. */
export interface Gates {
  /** Shortest distance of two atoms, Å, or as a fraction of the sum of their covalent radii; at the limit is accepted. */
  readonly minimumDistance: number | { readonly covalentRadii: number };
  /** Largest norm of the force on an atom, eV/Å. */
  readonly maximumForce: number;
  /**
   * Largest |Σ F|/√N, eV/Å. Up to `NET_FORCE_REJECTED` times as much is noise of the code and is taken off the forces (the
   * label's `netForce` still tells of it); more is rejected.
   */
  readonly netForce: number;
}

/** A label is rejected when its net force is above this many times the gate. */
export const NET_FORCE_REJECTED = 10;
/** A label is an outlier when its energy is farther from its prediction than this many standard deviations. */
export const OUTLIER_SIGMAS = 10;

/** What a model expects of a label's energy, where there is a model. */
export interface EnergyExpectation {
  /** Predicted energy, eV. */
  readonly energy: number;
  /** Robust standard deviation of its error, eV. */
  readonly sigma: number;
  /** Whether the structure lies outside what the model knows: then no energy is an outlier. */
  readonly novel: boolean;
}

function rejection(reason: RejectionReason, message: string, cost: number): LabelRejection {
  return { status: 'rejected', reason, message, cost };
}

/** The pair that is farthest below its gate, as a message; null when none is. */
function overlap(structure: Structure, gate: Gates['minimumDistance']): string | null {
  const { species } = structure;
  const limits = Float64Array.from(species, (z) =>
    typeof gate === 'number' ? gate / 2 : gate.covalentRadii * covalentRadiusOf(z),
  );
  const reach = 2 * limits.reduce((a, b) => Math.max(a, b), 0);
  if (reach === 0) return null;
  const list = neighborList(structure, reach);
  let worst = 1;
  let message: string | null = null;
  for (let i = 0; i < species.length; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const j = list.indices[p]!;
      const limit = limits[i]! + limits[j]!;
      const ratio = list.distances[p]! / limit;
      if (ratio >= worst) continue;
      worst = ratio;
      const pair = `atoms ${i} (${symbolOf(species[i]!)}) and ${j} (${symbolOf(species[j]!)})`;
      message = `${pair} must be at least ${limit.toFixed(3)} Å apart, got ${list.distances[p]!.toFixed(3)} Å`;
    }
  }
  return message;
}

/**
 * Looks at a structure before it is computed: rejected as `overlap` when two atoms are closer than the gate, failed as
 * `input` when it has no atoms, or positions or a cell that are not finite; null when it may be computed.
 */
export function checkRequest(structure: Structure, gates: Gates): LabelRejection | LabelFailure | null {
  try {
    if (atomCount(structure) === 0) {
      throw new InputError('NO_ATOMS', 'structure must have at least one atom, got none');
    }
    const message = overlap(structure, gates.minimumDistance);
    return message === null ? null : rejection('overlap', message, 0);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    return { status: 'failed', reason: 'input', message: error.message, cost: 0 };
  }
}

/** Why the numbers of a label cannot belong to the structure, or null. */
function inconsistency(label: LabelSuccess, structure: Structure): string | null {
  const { energy, internalEnergy, forces, virial, netForce } = label;
  if (!Number.isFinite(energy)) return `energy must be finite, got ${energy} eV`;
  if (internalEnergy !== null && !Number.isFinite(internalEnergy))
    return `internal energy must be finite, got ${internalEnergy} eV`;
  if (!Number.isFinite(netForce)) return `net force must be finite, got ${netForce} eV/Å`;
  const expected = 3 * atomCount(structure);
  if (forces.length !== expected) return `forces must have ${expected} components, got ${forces.length}`;
  const bad = forces.findIndex((f) => !Number.isFinite(f));
  if (bad >= 0) return `force on atom ${Math.floor(bad / 3)} must be finite, got ${forces[bad]} eV/Å`;
  if (virial === null) return null;
  if (virial.length !== 6) return `virial must have 6 components, got ${virial.length}`;
  const component = virial.findIndex((w) => !Number.isFinite(w));
  return component < 0 ? null : `virial component ${component} must be finite, got ${virial[component]} eV`;
}

/** The label with Σ F taken off in equal shares; `netForce` keeps what it was. */
function withoutNetForce(label: LabelSuccess, sum: readonly number[], netForce: number): LabelSuccess {
  const share = 3 / label.forces.length;
  return { ...label, netForce, forces: label.forces.map((f, k) => f - sum[k % 3]! * share) };
}

/**
 * Judges the result of a calculation of `structure`. What failed or was rejected before passes unchanged. A finished
 * label is rejected as
 * - `inconsistent`: a number that is not finite, or arrays that do not fit the structure;
 * - `force`: a force above the gate;
 * - `net-force`: |Σ F| above `NET_FORCE_REJECTED` times the gate (above the gate itself Σ F is taken off);
 * - `outlier`: an energy farther than `OUTLIER_SIGMAS` from what is expected of a structure that is not novel.
 */
export function checkLabel(
  result: LabelResult,
  structure: Structure,
  gates: Gates,
  expectation: EnergyExpectation | null = null,
): LabelResult {
  if (result.status !== 'done') return result;
  const { forces, cost } = result;
  const broken = inconsistency(result, structure);
  if (broken !== null) return rejection('inconsistent', broken, cost);
  for (let atom = 0; atom < atomCount(structure); atom++) {
    const norm = Math.hypot(forces[3 * atom]!, forces[3 * atom + 1]!, forces[3 * atom + 2]!);
    if (norm <= gates.maximumForce) continue;
    const message = `force on atom ${atom} must be at most ${gates.maximumForce} eV/Å, got ${norm.toPrecision(4)} eV/Å`;
    return rejection('force', message, cost);
  }
  if (expectation !== null && !expectation.novel) {
    const sigmas = Math.abs(result.energy - expectation.energy) / expectation.sigma;
    if (!(sigmas <= OUTLIER_SIGMAS)) {
      const message = `energy must be within ${OUTLIER_SIGMAS} sigma of its prediction ${expectation.energy.toPrecision(8)} eV, got ${result.energy.toPrecision(8)} eV (${sigmas.toPrecision(3)} sigma)`;
      return rejection('outlier', message, cost);
    }
  }
  const sum = sumOfForces(forces);
  const here = Math.hypot(...sum);
  // A code that symmetrises its forces reports what it took off itself.
  const netForce = Math.max(here, result.netForce);
  const allowed = gates.netForce * Math.sqrt(atomCount(structure));
  if (netForce > NET_FORCE_REJECTED * allowed) {
    const limit = (NET_FORCE_REJECTED * allowed).toPrecision(3);
    return rejection('net-force', `net force must be at most ${limit} eV/Å, got ${netForce.toPrecision(4)} eV/Å`, cost);
  }
  return here > allowed ? withoutNetForce(result, sum, netForce) : result;
}
