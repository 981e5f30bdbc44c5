/** A look over labelled data: what is wrong with it, before a fit finds out in its own way. */
import type { AceBasis } from '../descriptors/ace/basis.ts';
import type { AceProgram } from '../descriptors/descriptors.ts';
import { InputError, NumericalError } from '../errors.ts';
import type { Frame } from '../structure/structure.ts';
import { duplicateFindings } from './check-duplicates.ts';
import { type Finding, framesByGroup, sortedFindings } from './check-findings.ts';
import { energyToForce, labelFindings, type LabelRelations } from './check-labels.ts';
import {
  bestEnergyScale,
  compareForces,
  compareStresses,
  energyForceRatios,
  energyMisfits,
  energyStressRelations,
  pairsWithinGroups,
} from './check-relations.ts';
import { structureFindings } from './check-structures.ts';
import {
  energyRowsOf,
  fitWithEnergies,
  predictByOthers,
  prepareWitness,
  witnessBasis,
  witnessSample,
} from './check-witness.ts';
import { isIsolatedAtom } from './reference-energies.ts';

/** How data are looked over. */
export interface DatasetCheckOptions {
  /** Makes a basis ready to run, for the witness; without it only pairs of structures speak about units. */
  readonly prepare: ((basis: AceBasis) => AceProgram) | null;
  /** Atoms that the witness is fitted to at most; 3000 by default. */
  readonly atoms?: number;
}

/** What was found. */
export interface DatasetCheck {
  /** By severity. */
  readonly findings: readonly Finding[];
  /** The measurements behind the findings about labels. */
  readonly relations: LabelRelations;
}

const DEFAULT_ATOMS = 3000;
/** Frames that a witness needs. */
const FEW_FRAMES = 8;

/** Relations that need a potential fitted to the data. */
function witnessed(frames: readonly Frame[], relations: LabelRelations, options: DatasetCheckOptions): LabelRelations {
  const { prepare, atoms = DEFAULT_ATOMS } = options;
  if (prepare === null) return relations;
  const sample = witnessSample(frames, framesByGroup(frames), atoms);
  if (sample.length < FEW_FRAMES) return relations;
  try {
    const basis = witnessBasis(sample.map((f) => frames[f]!));
    if (basis === null) return relations;
    const program = prepare(basis);
    try {
      const system = prepareWitness(program, frames, sample);
      if (!(system.forceSquares > 0)) return relations;
      // One wild energy would draw a fit to itself.
      const misfits = energyMisfits(frames, system.byForces);
      const energies = energyRowsOf(system, new Set(misfits?.frames));
      const joint = energies.count >= FEW_FRAMES ? bestEnergyScale(system, energies) : null;
      const ratio = energyToForce({ ...relations, joint })?.ratio ?? 1;
      // Energies pin down the response to strain, which forces alone leave loose.
      const predictions = joint === null ? system.byForces : fitWithEnergies(system, energies, 1 / ratio);
      return {
        ...relations,
        joint,
        misfits,
        stress: compareStresses(frames, predictions),
        forces: compareForces(frames, predictByOthers(system)),
      };
    } finally {
      program.dispose();
    }
  } catch (error) {
    // Structures that no potential can be asked about are findings of their own; the witness then has nothing to say.
    if (error instanceof InputError || error instanceof NumericalError) return relations;
    throw error;
  }
}

/**
 * Looks over labelled frames: structures, repeats, single labels, and whether energies, forces and stresses go together in
 * unit, sign and order. Deterministic; some seconds for tens of thousands of atoms.
 */
export function checkDataset(frames: readonly Frame[], options: DatasetCheckOptions): DatasetCheck {
  const pairs = pairsWithinGroups(frames);
  const measured: LabelRelations = {
    energyForce: energyForceRatios(frames, pairs),
    energyStress: energyStressRelations(frames, pairs),
    joint: null,
    stress: [],
    forces: [],
    misfits: null,
  };
  const single = structureFindings(frames);
  const relations = frames.every(isIsolatedAtom) ? measured : witnessed(frames, measured, options);
  const findings = [...labelFindings(frames, relations), ...single, ...duplicateFindings(frames)];
  return { findings: sortedFindings(findings), relations };
}
