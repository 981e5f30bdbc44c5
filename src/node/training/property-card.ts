import type { AcePotential } from '../../core/potentials/ace-potential.ts';
import type { Potential } from '../../core/potentials/potential.ts';
import { atomicNumberOf, covalentRadiusOf } from '../../core/elements.ts';
import { propertyCard } from '../../core/properties/property-card.ts';
import { RandomStream } from '../../core/random.ts';
import type { PropertyCard, PropertyRequest } from '../../core/properties/properties.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { repeated } from '../../core/structure/supercell.ts';
import { classifyTrust } from '../../core/uncertainty/trust-region.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';

/** Crystals that the user names. */
export type NamedStructures = NonNullable<PropertyRequest['structures']>;

/** Bonds in crystals of an element: about twice its covalent radius, and within the cutoff. */
function bondRange(symbol: string, cutoff: number): readonly [number, number] {
  const bond = 2 * covalentRadiusOf(atomicNumberOf(symbol));
  return [0.75 * bond, Math.max(Math.min(1.6 * bond, 0.95 * cutoff), bond)];
}

/** Displacement of the atoms of a crystal that is judged, Å. */
const RATTLE = 0.03;

/**
 * A crystal whose atoms are slightly off their sites, in a cell of several: in a perfect lattice every force vanishes by
 * symmetry, and with it all that forces could say of trust.
 */
function disordered(structure: Structure): Structure {
  if (structure.cell === null) return structure;
  const crystal = structure.species.length < 8 ? repeated(structure, [2, 2, 2]) : structure;
  const stream = new RandomStream(1, 'judged crystal');
  return { ...crystal, positions: crystal.positions.map((x) => x + RATTLE * stream.normal()) };
}

/** The card of a model, with its own verdict on every crystal and distance. */
export function modelPropertyCard(
  machine: Machine,
  argument: { model: ModelHandle; name: string; structures: NamedStructures },
): PropertyCard {
  const potential = machine.potential(argument.model);
  return aceCard(potential, argument.name, argument.structures);
}

function aceCard(potential: AcePotential, name: string, structures: NamedStructures): PropertyCard {
  const { specification, uncertainty } = potential.model;
  return propertyCard(potential, {
    name,
    structures,
    isolatedAtoms: potential.model.reference.origin !== 'least-squares',
    elements: specification.elements.map((symbol, e) => ({
      symbol,
      bonds: bondRange(symbol, specification.pairs[e]![e]!.cutoff),
    })),
    reach: Math.max(...specification.pairs.flat().map(({ cutoff }) => cutoff)),
    trust: {
      signals: (structure) => potential.trust(structure),
      limits: {
        forceSigma: uncertainty.limits.forceSigmaSelect,
        novelty: uncertainty.limits.noveltySelect,
      },
    },
    judge: (structure) => classifyTrust(potential.trust(disordered(structure)), uncertainty.limits),
  });
}

/** The card of a potential that came from a file and says nothing of its own trust. */
export function filePropertyCard(
  potential: Potential,
  elements: readonly string[],
  cutoffs: readonly (readonly number[])[],
  name: string,
  structures: NamedStructures,
): PropertyCard {
  return propertyCard(potential, {
    name,
    structures,
    elements: elements.map((symbol, e) => ({ symbol, bonds: bondRange(symbol, cutoffs[e]![e]!) })),
    reach: Math.max(...cutoffs.flat()),
  });
}
