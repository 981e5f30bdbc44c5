import { atomicNumberOf } from '../../core/elements.ts';
import type { AssessmentPlan, WalkerPlan } from '../../core/sampling/plans.ts';
import type { AssessmentResult } from '../../core/sampling/assessment.ts';
import { assessmentWalker } from '../../core/sampling/assessment.ts';
import type { MotionWatch } from '../../core/sampling/lookout.ts';
import type { WalkerOptions, WalkerResult } from '../../core/sampling/walker.ts';
import { runWalker } from '../../core/sampling/walker.ts';
import type { DimerSummary } from '../../core/potentials/dimer-scan.ts';
import { dimerSummaries } from '../../core/potentials/dimer-scan.ts';
import type { Structure } from '../../core/structure/structure.ts';
import type { TrustLimits } from '../../core/uncertainty/trust-region.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';

/** A force sigma breaks a walker at this multiple of the limit at which a frame extrapolates. */
const BREAK = 1.25;

/**
 * Limits under which the walkers of a run go: they break little beyond where the model extrapolates. A walker that goes on
 * from there wanders into structures that no one wants to know of, and teaches a small basis those instead of the ones
 * that matter. (Elsewhere a frame breaks at five times the limit.)
 */
export function walkerLimits(limits: TrustLimits): TrustLimits {
  return { ...limits, forceSigmaBreak: BREAK * limits.forceSigmaSelect };
}

/**
 * Atom-steps of a walker from which a screen is worth its preparation, which takes as long as some thousand atoms' trust
 * signals.
 */
export const WORTH_WATCHING = 20_000;

function watchOf(machine: Machine, model: ModelHandle, plan: WalkerPlan, steps: number): MotionWatch | null {
  return plan.structure.species.length * steps < WORTH_WATCHING ? null : machine.screenOf(model);
}

/** One exploration walker on one thread. */
export function exploreWalker(
  machine: Machine,
  argument: { model: ModelHandle; plan: WalkerPlan; seed: number; options: WalkerOptions },
): WalkerResult {
  const potential = machine.potential(argument.model);
  return runWalker(
    argument.plan,
    potential,
    walkerLimits(potential.model.uncertainty.limits),
    argument.seed,
    argument.options,
    watchOf(machine, argument.model, argument.plan, argument.plan.steps),
  );
}

/** One assessment walker on one thread. */
export function assessWalker(
  machine: Machine,
  argument: { model: ModelHandle; plan: AssessmentPlan; seed: number },
): AssessmentResult {
  const potential = machine.potential(argument.model);
  const limits = walkerLimits(potential.model.uncertainty.limits);
  const watch = watchOf(machine, argument.model, argument.plan, argument.plan.frameStep);
  return assessmentWalker(argument.plan, potential, limits, argument.seed, {}, watch);
}

/** Mean descriptor of each structure under some basis, as features for farthest-point sampling. */
export function meanDescriptors(
  machine: Machine,
  argument: { basis: Parameters<Machine['program']>[0]; structures: readonly Structure[] },
): Float64Array {
  const program = machine.program(argument.basis);
  const { elements } = argument.basis.specification;
  const block = Math.max(...argument.basis.functions.map((functions) => functions.length));
  const width = block * elements.length;
  const features = new Float64Array(argument.structures.length * width);
  const species = elements.map(atomicNumberOf);
  program.descriptors(argument.structures).forEach((atoms, s) => {
    argument.structures[s]!.species.forEach((z, i, all) => {
      const e = species.indexOf(z);
      for (let v = 0; v < block; v++) features[s * width + e * block + v]! += atoms[i * block + v]! / all.length;
    });
  });
  return features;
}

/** Dimer scans of every pair of elements of a model, judged by the shortest distances of its data where they are given. */
export function dimerScans(
  machine: Machine,
  argument: { model: ModelHandle; shortest?: readonly (readonly number[])[] },
): DimerSummary[] {
  return dimerSummaries(machine.potential(argument.model), argument.shortest);
}
