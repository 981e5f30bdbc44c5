import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { createAceProgram } from '../../core/descriptors/ace/program.ts';
import { NumericalError } from '../../core/errors.ts';
import { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { coefficientsOf, isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { RandomStream } from '../../core/random.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { writeYace } from '../../formats/yace.ts';

/** Structures on which a written potential must agree with the model. */
const CHECKED = 5;
/** Largest relative difference of energies, and of forces over the largest force: rounding of two orders of summation. */
const TOLERANCE = 1e-9;

/** Random cells of all elements, no two atoms closer than the inner cutoff + 0.3 Å, so that the basis is at work. */
function checkStructures(model: LinearModel): Structure[] {
  const { species } = model.layout;
  const spacing = Math.max(...model.specification.pairs.flat().map((pair) => pair.innerCutoff)) + 0.7;
  return Array.from({ length: CHECKED }, (_, k) => {
    const random = new RandomStream(k, 'export check');
    const atoms = Array.from({ length: 8 }, (__, i) => species[(i + k) % species.length]!);
    const edge = 2 * spacing;
    return {
      species: Uint8Array.from(atoms),
      cell: Float64Array.of(
        edge,
        0.1 * random.normal(),
        0,
        0,
        edge,
        0.1 * random.normal(),
        0.1 * random.normal(),
        0,
        edge,
      ),
      pbc: [true, true, true],
      positions: Float64Array.from(
        atoms.flatMap((__, i) => [i & 1, (i >> 1) & 1, (i >> 2) & 1].map((x) => x * spacing + 0.05 * random.normal())),
      ),
    };
  });
}

/**
 * Text of a `.yace` potential of the model, after reading it back and comparing it with the model on five structures.
 * @throws NumericalError `EXPORT_DIFFERS`
 */
export function exportYace(
  model: LinearModel,
  basis: AceBasis,
  file: string,
): { text: string; energyDifference: number; forceDifference: number } {
  const text = writeYace({ basis, coefficients: coefficientsOf(model), e0: isolatedAtomEnergies(model) });
  const written = createYacePotential(readYace(text, file));
  const program = createAceProgram(basis);
  const potential = new AcePotential(model, program);
  let energyDifference = 0;
  let forceDifference = 0;
  for (const structure of checkStructures(model)) {
    const expected = potential.evaluate(structure);
    const found = written.evaluate(structure);
    const force = expected.forces.reduce((largest, f) => Math.max(largest, Math.abs(f)), 1e-3);
    const de = Math.abs(found.energy - expected.energy);
    const df = expected.forces.reduce((largest, f, k) => Math.max(largest, Math.abs(f - found.forces[k]!)), 0);
    if (!(de <= TOLERANCE * Math.max(1, Math.abs(expected.energy)) && df <= TOLERANCE * Math.max(1, force))) {
      throw new NumericalError(
        'EXPORT_DIFFERS',
        `exported potential must agree with the model to ${TOLERANCE}, but energies differ by ${de} eV and forces by ${df} eV/Å`,
        { de, df },
      );
    }
    energyDifference = Math.max(energyDifference, de);
    forceDifference = Math.max(forceDifference, df);
  }
  program.dispose();
  return { text, energyDifference, forceDifference };
}
