import { tightBindingSilicon } from '../../src/core/potentials/tight-binding/tight-binding.ts';
import type { Potential, TrustedPotential } from '../../src/core/potentials/potential.ts';
import { assessmentWalker } from '../../src/core/sampling/assessment.ts';
import { assessmentPlans } from '../../src/core/sampling/plans.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import type { Frame, Structure } from '../../src/core/structure/structure.ts';

/** The reference of the quickstart. */
export const TIGHT_BINDING = tightBindingSilicon({ mesh: [2, 2, 2], shifted: true, smearing: 0.1 });

/** The cell of the quickstart: 16 atoms. */
export const SILICON_16 = prototypeStructure({
  prototype: 'diamond',
  element: 'Si',
  a: 5.43,
  cell: 'primitive',
  repeat: [2, 2, 2],
});

/** A cell of 64 atoms. */
export const SILICON_64 = prototypeStructure({
  prototype: 'diamond',
  element: 'Si',
  a: 5.43,
  cell: 'conventional',
  repeat: [2, 2, 2],
});

/** A potential that trusts itself everywhere, to drive dynamics. */
export function selfAssured(potential: Potential): TrustedPotential {
  return {
    name: potential.name,
    evaluate: (structure) => potential.evaluate(structure),
    trust: () => ({ forceSigma: 0, leverage: 0, novelty: 0, distance: Number.POSITIVE_INFINITY, atom: 0 }),
  };
}

const NO_LIMITS = {
  forceSigmaSelect: 1,
  forceSigmaBreak: 1,
  noveltySelect: 1,
  noveltyBreak: 1,
  leverageSelect: 1,
  leverageBreak: 1,
};

/** A structure with its label by tight binding. */
export function labelledBySilicon(structure: Structure, group = ''): Frame {
  const { energy, forces, virial } = TIGHT_BINDING.evaluate(structure);
  return {
    structure,
    labels: { energy, forces, virial },
    group,
    info: {},
    columns: {},
    source: { file: 'tight binding', index: 0, line: 1 },
  };
}

/**
 * Frames of molecular dynamics driven by tight binding itself over the quickstart's conditions, one per independent
 * trajectory: data that no run has seen and no model has steered.
 */
export function tightBindingFrames(count: number, seed: number): Frame[] {
  const conditions = { temperatures: { low: 300, high: 1500 }, strain: { diagonal: 0.06, shear: 0.03 } };
  const plans = assessmentPlans([SILICON_16], conditions, count, 0, seed, { steps: 90, timeStep: 2 });
  const driver = selfAssured(TIGHT_BINDING);
  return plans.map((plan) => labelledBySilicon(assessmentWalker(plan, driver, NO_LIMITS, seed).candidate.structure));
}
