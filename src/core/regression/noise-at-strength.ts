import type { LinearKernels } from '../numerics/kernels.ts';
import { evaluateEvidence, evidenceProblem } from './evidence.ts';
import type { EvidenceOptimum } from './maximize-evidence.ts';
import { NOISE_FLOORS } from './maximize-evidence.ts';
import type { FactorState, Hyperparameters, PerKind, Prior } from './regression.ts';

/** The noises are found when none changes by more than this share. */
const ENOUGH = 2e-3;
const MAX_ITERATIONS = 30;

/** What is held fixed. */
export interface HeldStrength {
  /** α σ_F². */
  readonly stiffness: number;
  /** σ_E/σ_F, Å. */
  readonly energyToForce: number;
}

/**
 * Noises of largest evidence while the prior keeps its strength next to the forces, α σ_F², and energies their balance with
 * them. By MacKay's fixed point: with those held, the mean depends on σ_V/σ_F alone, so a few iterations do.
 *
 *   σ_F² ← (Σ e_F² + Σ (e_E/r)²)/(N_F + N_E − γ_F − γ_E),   σ_V² ← Σ e_V²/(N_V − γ_V)
 *
 * @param start    noises to begin with; its α is of no account
 * @param kernels  default plain
 * @cost           one evaluation of the evidence an iteration, 3 to 6 iterations
 */
export function noiseAtStrength(
  factors: PerKind<FactorState>,
  prior: Prior,
  held: HeldStrength,
  start: PerKind<number>,
  kernels?: LinearKernels,
): EvidenceOptimum {
  const { stiffness, energyToForce } = held;
  const problem = evidenceProblem(factors, prior, kernels);
  const at = (forces: number, virial: number): Hyperparameters => ({
    alpha: stiffness / (forces * forces),
    noise: { energy: energyToForce * forces, forces, virial },
  });
  const { energy: e, forces: f, virial: v } = { ...factors };
  let hyperparameters = at(start.forces, start.virial);
  for (let iterations = 1; ; iterations++) {
    const evidence = evaluateEvidence(problem, hyperparameters);
    const { squaredResiduals, determined } = evidence;
    const free = f.count + e.count - determined.forces - determined.energy;
    const misfit = squaredResiduals.forces + squaredResiduals.energy / (energyToForce * energyToForce);
    const least = Math.max(NOISE_FLOORS.forces, NOISE_FLOORS.energy / energyToForce);
    const forces = free > 0 ? Math.max(least, Math.sqrt(misfit / free)) : hyperparameters.noise.forces;
    const freeVirial = v.count - determined.virial;
    const virial =
      freeVirial > 0
        ? Math.max(NOISE_FLOORS.virial, Math.sqrt(squaredResiduals.virial / freeVirial))
        : hyperparameters.noise.virial;
    const change = Math.max(
      Math.abs(Math.log(forces / hyperparameters.noise.forces)),
      Math.abs(Math.log(virial / hyperparameters.noise.virial)),
    );
    if (change < ENOUGH || iterations >= MAX_ITERATIONS) {
      return {
        hyperparameters,
        logEvidence: evidence.logEvidence,
        converged: change < ENOUGH,
        iterations,
        starts: [],
        atBound: forces === least ? ['forces'] : [],
        evidence,
      };
    }
    hyperparameters = at(forces, virial);
  }
}
