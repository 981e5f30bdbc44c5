import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { InputError, NumericalError } from '../../core/errors.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { Potential } from '../../core/potentials/potential.ts';
import { RandomStream } from '../../core/random.ts';
import type { Structure } from '../../core/structure/structure.ts';

/** Structures on which a written potential must agree with the model. */
export const CHECKED_STRUCTURES = 5;
/** Largest relative difference of energies, and of forces over the largest force: rounding of two orders of summation. */
const TOLERANCE = 1e-9;
/** Largest relative difference of grades of 1 and more: the rounding of descriptors times the condition of the active set. */
const GRADE_TOLERANCE = 1e-7;

/** How a written potential differs from what it was made from. */
export interface ExportDifference {
  /** Largest |ΔE|, eV, and |ΔF|, eV/Å. */
  readonly energyDifference: number;
  readonly forceDifference: number;
  /** Largest |Δγ| over the larger of γ and 1; null where there are no grades. */
  readonly gradeDifference: number | null;
}

/** Random cells of some species, no two atoms closer than about `spacing` − 0.4 Å. */
export function checkStructures(species: readonly number[], spacing: number): Structure[] {
  return Array.from({ length: CHECKED_STRUCTURES }, (_, k) => {
    const random = new RandomStream(k, 'export check');
    const atoms = Array.from({ length: 8 }, (__, i) => species[(i + k) % species.length]!);
    const edge = 2 * spacing;
    const off = (): number => 0.1 * random.normal();
    return {
      species: Uint8Array.from(atoms),
      cell: Float64Array.of(edge, off(), 0, 0, edge, off(), off(), 0, edge),
      pbc: [true, true, true],
      positions: Float64Array.from(
        atoms.flatMap((__, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1].map((x) => x * spacing + 0.05 * random.normal())),
      ),
    };
  });
}

/**
 * Compares energies and forces of two potentials, and grades where both have them.
 *
 * @throws NumericalError `EXPORT_DIFFERS`
 */
export function comparePotentials(
  expected: Potential,
  found: Potential,
  structures: readonly Structure[],
  grades: readonly [(structure: Structure) => Float64Array, (structure: Structure) => Float64Array] | null = null,
): ExportDifference {
  let energyDifference = 0;
  let forceDifference = 0;
  let gradeDifference = 0;
  for (const structure of structures) {
    const a = expected.evaluate(structure);
    const b = found.evaluate(structure);
    const force = a.forces.reduce((largest, f) => Math.max(largest, Math.abs(f)), 1e-3);
    const de = Math.abs(b.energy - a.energy);
    const df = a.forces.reduce((largest, f, k) => Math.max(largest, Math.abs(f - b.forces[k]!)), 0);
    if (!(de <= TOLERANCE * Math.max(1, Math.abs(a.energy)) && df <= TOLERANCE * Math.max(1, force))) {
      throw new NumericalError(
        'EXPORT_DIFFERS',
        `exported potential must agree with the model to ${TOLERANCE}, but energies differ by ${de} eV and forces by ${df} eV/Å`,
        { de, df },
      );
    }
    energyDifference = Math.max(energyDifference, de);
    forceDifference = Math.max(forceDifference, df);
    if (grades === null) continue;
    const [x, y] = [grades[0](structure), grades[1](structure)];
    const dg = x.reduce((largest, g, i) => Math.max(largest, Math.abs(g - y[i]!) / Math.max(1, g)), 0);
    if (!(dg <= GRADE_TOLERANCE)) {
      const message = `grades of the active set must agree with the model to ${GRADE_TOLERANCE}, but differ by ${dg}`;
      throw new NumericalError('EXPORT_DIFFERS', message, { dg });
    }
    gradeDifference = Math.max(gradeDifference, dg);
  }
  return { energyDifference, forceDifference, gradeDifference: grades === null ? null : gradeDifference };
}

/**
 * Refuses models whose networks are in force: files of simulation programs hold what is linear in its invariants.
 * @throws InputError `NETWORKS_NOT_EXPORTABLE`
 */
export function requireNoNetworks(model: LinearModel): void {
  if (model.neural?.active !== true) return;
  throw new InputError(
    'NETWORKS_NOT_EXPORTABLE',
    'model must be linear to be written as a potential of a simulation program, but its networks are in force; write the linear model that it was trained on',
  );
}

/** Compares a written potential with its model on five structures. @throws NumericalError `EXPORT_DIFFERS` */
export function compareWithModel(
  model: LinearModel,
  basis: AceBasis,
  written: Potential,
  grades: ((structure: Structure) => Float64Array) | null,
): ExportDifference {
  const spacing = Math.max(...model.specification.pairs.flat().map((pair) => pair.innerCutoff)) + 0.7;
  const program = createAceProgram(basis);
  try {
    const potential = new AcePotential(model, program);
    return comparePotentials(
      potential,
      written,
      checkStructures(model.layout.species, spacing),
      grades === null ? null : [(structure) => potential.grades(structure)!, grades],
    );
  } finally {
    program.dispose();
  }
}
