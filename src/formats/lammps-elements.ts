/** Elements of the numbered atom types of LAMMPS. */
import { atomicNumberOf, isElement, massOf, MAX_ATOMIC_NUMBER, symbolOf } from '../core/elements.ts';
import { FormatError, InputError, type SourcePosition } from '../core/errors.ts';

/** Elements by atom type, in the order of the types: what `pair_coeff * * file Si O` says. */
export interface ElementOptions {
  readonly elements?: readonly string[];
}

/** A mass and a standard atomic weight that differ by no more are those of one element, u. */
const MASS_TOLERANCE = 0.1;
/** The element nearest in mass must be this much nearer than any other. */
const CLEARLY_NEARER = 4;

/** Atomic number of the element of this mass, u; undefined where none is near, or two are about equally near. */
export function elementOfMass(mass: number): number | undefined {
  let [best, nearest, second] = [0, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let z = 1; z <= MAX_ATOMIC_NUMBER; z++) {
    const distance = Math.abs(massOf(z) - mass);
    if (distance < nearest) [best, second, nearest] = [z, nearest, distance];
    else if (distance < second) second = distance;
  }
  return nearest <= MASS_TOLERANCE && second >= CLEARLY_NEARER * nearest ? best : undefined;
}

/** The element that a comment or label names by its first word, as `# Si` or `# Si_pv bulk`; undefined otherwise. */
export function elementOfText(text: string): number | undefined {
  const word = text.trim().split(/[\s_]+/)[0] ?? '';
  return isElement(word) ? atomicNumberOf(word) : undefined;
}

/** Atomic numbers of the elements given for the types. @throws InputError `BAD_ELEMENTS` */
export function givenElements(options: ElementOptions): number[] | null {
  if (options.elements === undefined) return null;
  return options.elements.map((symbol) => {
    if (!isElement(symbol))
      throw new InputError('BAD_ELEMENTS', `elements must be chemical symbols by atom type, got "${symbol}"`, {
        symbol,
      });
    return atomicNumberOf(symbol);
  });
}

/** The error for an atom type of unknown element. */
export function unknownType(type: number, why: string, position: SourcePosition): FormatError {
  return new FormatError(
    'UNKNOWN_ELEMENT',
    position,
    `atom type ${type} must be of a known element, but ${why}; give the elements in the order of the types (convert --elements Si,O)`,
    { type },
  );
}

/**
 * The order of elements that gives each its atom type: the given one, or the symbols in alphabetical order.
 * @throws InputError `BAD_ELEMENTS` where a species is in no place of a given order, or an element in two
 */
export function typeOrder(species: Iterable<number>, options: ElementOptions): number[] {
  const present = [...new Set(species)];
  const given = givenElements(options);
  if (given === null) return present.sort((a, b) => (symbolOf(a) < symbolOf(b) ? -1 : 1));
  const missing = present.find((z) => !given.includes(z));
  if (missing !== undefined || new Set(given).size < given.length) {
    const rule = missing === undefined ? 'name each element once' : `have ${symbolOf(missing)}`;
    throw new InputError('BAD_ELEMENTS', `elements must ${rule}, got ${options.elements!.join(',')}`);
  }
  return given;
}
