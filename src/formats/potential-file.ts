import { FormatError } from '../core/errors.ts';
import { bbasisPotential } from './bbasis.ts';
import { readBBasis as parseBBasis } from './bbasis-reader.ts';
import type { YaceDocument } from './yace.ts';
import { readYace as parseYace } from './yace-reader.ts';

/** A reader that knows the last text again: a file is checked before the work that reads it, often on the same thread. */
function remembering<T>(read: (text: string, file: string) => T): (text: string, file: string) => T {
  let last: { readonly text: string; readonly file: string; readonly document: T } | null = null;
  return (text, file) => {
    if (last?.text !== text || last.file !== file) last = { text, file, document: read(text, file) };
    return last.document;
  };
}

const readYace = remembering(parseYace);
/** As `readBBasis`; the document of the last text is given again. */
export const readBBasisFile = remembering(parseBBasis);

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
      const document = readBBasisFile(text, file);
      return { potential: bbasisPotential(document), deltaSplineBins: document.deltaSplineBins };
    }
    default:
      throw new FormatError('UNKNOWN_FORMAT', { file }, 'potential must be a file that ends in .yace or .yaml');
  }
}
