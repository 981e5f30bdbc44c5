import { atomicNumberOf } from '../elements.ts';
import { InputError } from '../errors.ts';
import { transformRows } from './cell.ts';
import type { Structure } from './structure.ts';
import { repeated } from './supercell.ts';

/** Crystal structures of the elements that can be asked for by name. */
export const PROTOTYPES = ['sc', 'bcc', 'fcc', 'diamond', 'hcp'] as const;
/** Name of an elemental crystal structure. */
export type PrototypeName = (typeof PROTOTYPES)[number];

/** A crystal by name, as run files give it: `{prototype: diamond, element: Si, a: 5.43}`. */
export interface PrototypeSpecification {
  readonly prototype: PrototypeName;
  /** Chemical symbol. */
  readonly element: string;
  /** Lattice parameter of the conventional cell, Å. */
  readonly a: number;
  /** Second lattice parameter of hcp, Å; ideal, a·√(8/3), when left out. */
  readonly c?: number;
  /** Conventional (default) or primitive cell; for hcp both are the hexagonal cell of two atoms. */
  readonly cell?: 'conventional' | 'primitive';
  /** Repeats along the vectors of that cell. */
  readonly repeat?: readonly [number, number, number];
}

/** A cell in units of a and its atoms in fractional coordinates. */
interface Recipe {
  readonly cell: readonly number[];
  readonly atoms: readonly number[];
}

const CUBE = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const FACES = [0, 0.5, 0.5, 0.5, 0, 0.5, 0.5, 0.5, 0];

/** Recipes of the cubic prototypes: conventional and primitive cells. */
const CUBIC: Readonly<Record<Exclude<PrototypeName, 'hcp'>, Readonly<Record<'conventional' | 'primitive', Recipe>>>> = {
  sc: { conventional: { cell: CUBE, atoms: [0, 0, 0] }, primitive: { cell: CUBE, atoms: [0, 0, 0] } },
  bcc: {
    conventional: { cell: CUBE, atoms: [0, 0, 0, 0.5, 0.5, 0.5] },
    primitive: { cell: [-0.5, 0.5, 0.5, 0.5, -0.5, 0.5, 0.5, 0.5, -0.5], atoms: [0, 0, 0] },
  },
  fcc: {
    conventional: { cell: CUBE, atoms: [0, 0, 0, ...FACES] },
    primitive: { cell: FACES, atoms: [0, 0, 0] },
  },
  diamond: {
    conventional: { cell: CUBE, atoms: [0, 0, 0, ...FACES, ...[0, 0, 0, ...FACES].map((x) => (x + 0.25) % 1)] },
    primitive: { cell: FACES, atoms: [0, 0, 0, 0.25, 0.25, 0.25] },
  },
};

function requirePositive(name: string, value: number): void {
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new InputError('BAD_PROTOTYPE', `${name} of a prototype must be positive, got ${value} Å`, { name, value });
  }
}

/**
 * The periodic crystal of a specification, first atom at the origin.
 * @throws InputError `BAD_PROTOTYPE`, `UNKNOWN_ELEMENT`, `BAD_REPEAT`
 */
export function prototypeStructure(specification: PrototypeSpecification): Structure {
  const { prototype, element, a, c, cell: kind = 'conventional', repeat = [1, 1, 1] } = specification;
  const z = atomicNumberOf(element);
  if (!PROTOTYPES.includes(prototype)) {
    throw new InputError('BAD_PROTOTYPE', `prototype must be one of ${PROTOTYPES.join(', ')}, got "${prototype}"`, {
      prototype,
    });
  }
  requirePositive('a', a);
  if (c !== undefined && prototype !== 'hcp') {
    throw new InputError('BAD_PROTOTYPE', `c must be left out for the cubic prototype ${prototype}, got ${c} Å`, {
      prototype,
      c,
    });
  }
  const height = c ?? a * Math.sqrt(8 / 3);
  requirePositive('c', height);
  const recipe: Recipe =
    prototype === 'hcp'
      ? { cell: [1, 0, 0, -0.5, Math.sqrt(3) / 2, 0, 0, 0, height / a], atoms: [0, 0, 0, 1 / 3, 2 / 3, 0.5] }
      : CUBIC[prototype][kind];
  const cell = Float64Array.from(recipe.cell, (x) => a * x);
  const structure: Structure = {
    positions: transformRows(recipe.atoms, cell),
    cell,
    pbc: [true, true, true],
    species: new Uint8Array(recipe.atoms.length / 3).fill(z),
  };
  return repeated(structure, repeat);
}
