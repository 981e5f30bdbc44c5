import type { Structure } from '../core/structure/structure.ts';
import { writeExtxyz } from '../formats/extxyz-writer.ts';
import { writePoscar } from '../formats/poscar.ts';
import { unlabelledFrame } from './command.ts';
import type { FileSet, ManualReference } from './reference.ts';

/** A structure that a person is to compute. */
export interface ManualRequest {
  /** Content hash of the structure: labels find their way back by it. */
  readonly id: string;
  readonly structure: Structure;
}

/** The reference that a person computes. */
export const MANUAL_REFERENCE: ManualReference = { kind: 'manual', name: 'manual' };

/** File that holds all structures to be computed. */
export const MANUAL_STRUCTURES = 'to-label.extxyz';

const readme = (count: number, poscar: boolean): string => `${count} structures wait for labels.

to-label.extxyz holds all of them, each with its id as querent_id in the comment line.${
  poscar ? '\nPOSCAR/<id>/POSCAR holds the same ones for codes that read that format; keep the order of the atoms.' : ''
}

1. Compute total energy and forces of each, and stress where it is periodic, always with the same settings. With smeared
   electrons give the free energy, which the forces are derivatives of. Leave out what does not converge.
2. Collect the results in one extended XYZ file: keys energy (eV), forces (eV/Å), stress (eV/Å³, tension positive). ASE's
   write('labelled.extxyz', atoms) does that. Keep atoms in order, and positions and cells as they are.
3. querent label --import labelled.extxyz --directory RUN
   querent run RUN.yaml
   Structures are recognised by querent_id or by their positions; some may come later.
`;

/** Files to be laid out for the person who computes: all structures, and one POSCAR each when asked for. */
export function manualInputs(requests: readonly ManualRequest[], format: 'extxyz' | 'poscar'): FileSet {
  const files = new Map([
    ['README.txt', readme(requests.length, format === 'poscar')],
    [
      MANUAL_STRUCTURES,
      requests.map(({ id, structure }) => writeExtxyz(unlabelledFrame(structure, { querent_id: id }))).join(''),
    ],
  ]);
  if (format === 'poscar') {
    for (const { id, structure } of requests) files.set(`POSCAR/${id}/POSCAR`, writePoscar(structure, { comment: id }));
  }
  return files;
}
