import { FormatError } from '../core/errors.ts';
import { bbasisPotential } from './bbasis.ts';
import { readBBasis } from './bbasis-reader.ts';
import type { YaceDocument } from './yace.ts';
import { readYace } from './yace-reader.ts';

/** Formats of potentials of the PACE family: products (`.yace`), and invariants from which they follow (`.yaml`). */
export type PotentialFormat = 'yace' | 'yaml';

/** Format that the ending of a file name says, or null. */
export function potentialFormat(name: string): PotentialFormat | null {
  if (/\.yace$/i.test(name)) return 'yace';
  return /\.ya?ml$/i.test(name) ? 'yaml' : null;
}

/** The potential of a `.yace` or B-basis `.yaml` file, told by its name. @throws FormatError as of the readers, `UNKNOWN_FORMAT` */
export function readPotentialFile(text: string, file: string): YaceDocument {
  switch (potentialFormat(file)) {
    case 'yace':
      return readYace(text, file);
    case 'yaml': {
      const document = readBBasis(text, file);
      return { potential: bbasisPotential(document), deltaSplineBins: document.deltaSplineBins };
    }
    default:
      throw new FormatError('UNKNOWN_FORMAT', { file }, 'potential must be a file that ends in .yace or .yaml');
  }
}
