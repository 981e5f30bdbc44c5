import { FormatError, InputError, type SourcePosition } from '../core/errors.ts';
import { checkStructure } from '../core/structure/checks.ts';
import type { Structure } from '../core/structure/structure.ts';

/** The structure, which must make sense (`checkStructure`). @throws FormatError at the position, with the code of the fault */
export function checkedStructure(structure: Structure, name: string, position: SourcePosition): Structure {
  try {
    checkStructure(structure, name);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new FormatError(error.code, position, error.message, error.details, error);
  }
  return structure;
}
