import { minimise } from '../dynamics/minimise.ts';
import { symbolOf } from '../elements.ts';
import { QuerentError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
import { cellVolume } from '../structure/cell.ts';
import { type PrototypeName, PROTOTYPES, prototypeStructure } from '../structure/prototypes.ts';
import { atomCount, type Structure } from '../structure/structure.ts';
import { elasticConstants, voigtAverages } from './elastic-constants.ts';
import { equationOfState } from './equation-of-state.ts';
import { pairCurve } from './pair-curve.ts';
import type { CrystalProperties, Found, Judge, PropertyCard, PropertyRequest, PrototypeEnergy } from './properties.ts';
import { vacancyEnergy } from './vacancy.ts';

/** Lattice parameter of each prototype over its nearest-neighbour distance. */
const LATTICE_PER_BOND: Readonly<Record<PrototypeName, number>> = {
  sc: 1,
  bcc: 2 / Math.sqrt(3),
  fcc: Math.SQRT2,
  diamond: 4 / Math.sqrt(3),
  hcp: 1,
};

/** Bond lengths at which a minimum is looked for, over the typical one. */
const BONDS = Array.from({ length: 27 }, (_, k) => 0.8 + 0.02 * k);
const RELAXED = { forceTolerance: 1e-4, stressTolerance: 1e-6, maxEvaluations: 2000 } as const;

/** The value, or the message of what this project throws when there is none. */
function attempt<T>(compute: () => T): Found<T> {
  try {
    return { value: compute() };
  } catch (error) {
    if (error instanceof QuerentError) return { missing: error.message };
    throw error;
  }
}

/** Energy of atoms of a structure far from each other, eV. */
function separated(structure: Structure, potential: Potential): number {
  const energies = new Map<number, number>();
  let sum = 0;
  for (const z of structure.species) {
    let energy = energies.get(z);
    if (energy === undefined) {
      const species = Uint8Array.of(z);
      const pbc = [false, false, false] as const;
      energy = potential.evaluate({ positions: new Float64Array(3), cell: null, pbc, species }).energy;
      energies.set(z, energy);
    }
    sum += energy;
  }
  return sum;
}

function cellShape(cell: Float64Array): Pick<CrystalProperties, 'lengths' | 'angles'> {
  const rows = [0, 1, 2].map((d) => cell.subarray(3 * d, 3 * d + 3));
  const lengths = rows.map((row) => Math.hypot(...row)) as [number, number, number];
  const angle = (i: number, j: number): number => {
    const cosine = rows[i]!.reduce((sum, x, d) => sum + x * rows[j]![d]!, 0) / (lengths[i]! * lengths[j]!);
    return (180 / Math.PI) * Math.acos(Math.max(-1, Math.min(1, cosine)));
  };
  return { lengths, angles: [angle(1, 2), angle(0, 2), angle(0, 1)] };
}

/** The prototype near its energy minimum, or why it has none near the typical bond. */
function findPrototype(
  element: string,
  prototype: PrototypeName,
  bond: number,
  potential: Potential,
): Found<Structure> {
  const found = attempt(() => {
    const at = (scale: number): Structure =>
      prototypeStructure({ prototype, element, a: scale * bond * LATTICE_PER_BOND[prototype], cell: 'conventional' });
    const energies = BONDS.map((scale) => {
      const structure = at(scale);
      return potential.evaluate(structure).energy / atomCount(structure);
    });
    let best = -1;
    for (let k = 1; k + 1 < energies.length; k++) {
      const isMinimum = energies[k]! < energies[k - 1]! && energies[k]! <= energies[k + 1]!;
      if (isMinimum && (best < 0 || energies[k]! < energies[best]!)) best = k;
    }
    if (best < 0) return null;
    return minimise(at(BONDS[best]!), potential, { ...RELAXED, cell: prototype === 'hcp' ? 'full' : 'volume' })
      .structure;
  });
  if ('missing' in found || found.value !== null) return found as Found<Structure>;
  return {
    missing: `no minimum of the energy between ${BONDS[0]} and ${BONDS.at(-1)!.toFixed(2)} typical bond lengths`,
  };
}

function prototypeEnergy(
  element: string,
  prototype: PrototypeName,
  bond: number,
  potential: Potential,
  judge: Judge | undefined,
): { energy: PrototypeEnergy; structure: Structure | null } {
  const found = findPrototype(element, prototype, bond, potential);
  if ('missing' in found) return { energy: { element, prototype, crystal: found }, structure: null };
  const structure = found.value;
  const crystal = attempt(() => {
    const curve = equationOfState(structure, potential);
    const { lengths } = cellShape(structure.cell!);
    return {
      a: lengths[0],
      c: prototype === 'hcp' ? lengths[2] : null,
      energy: potential.evaluate(structure).energy / atomCount(structure),
      volume: cellVolume(structure.cell!) / atomCount(structure),
      equationOfState: curve,
      trust: judge?.(structure) ?? null,
    };
  });
  return { energy: { element, prototype, crystal }, structure };
}

/** Properties of one crystal, relaxed first. @throws NumericalError, InputError of `minimise` */
export function crystalProperties(
  name: string,
  structure: Structure,
  potential: Potential,
  judge?: Judge,
): CrystalProperties {
  const minimum = minimise(structure, potential, { ...RELAXED, cell: 'full' });
  const relaxed = minimum.structure;
  const n = atomCount(relaxed);
  return {
    name,
    structure: relaxed,
    atoms: n,
    energy: minimum.energy / n,
    cohesiveEnergy: (separated(relaxed, potential) - minimum.energy) / n,
    volume: cellVolume(relaxed.cell!) / n,
    ...cellShape(relaxed.cell!),
    equationOfState: attempt(() => equationOfState(relaxed, potential)),
    elastic: attempt(() => {
      const constants = elasticConstants(relaxed, potential);
      return { ...constants, averages: voigtAverages(constants.relaxed) };
    }),
    vacancy: attempt(() => vacancyEnergy(relaxed, potential)),
    trust: judge?.(relaxed) ?? null,
  };
}

/** The card of a potential. @throws InputError for a named structure that is not periodic in three directions */
export function propertyCard(potential: Potential, request: PropertyRequest): PropertyCard {
  const { elements, judge } = request;
  const prototypes: PrototypeEnergy[] = [];
  const crystals: CrystalProperties[] = [];
  for (const { symbol, bond } of elements) {
    let best: { energy: number; name: string; structure: Structure } | null = null;
    for (const prototype of PROTOTYPES) {
      const { energy, structure } = prototypeEnergy(symbol, prototype, bond, potential, judge);
      prototypes.push(energy);
      if (structure === null || 'missing' in energy.crystal) continue;
      const value = energy.crystal.value.energy;
      if (best === null || value < best.energy) best = { energy: value, name: `${symbol} ${prototype}`, structure };
    }
    if (best !== null) crystals.push(crystalProperties(best.name, best.structure, potential, judge));
  }
  for (const { name, structure } of request.structures ?? [])
    crystals.push(crystalProperties(name, structure, potential, judge));
  const symbols = elements.map(({ symbol }) => symbol);
  return {
    potential: request.name,
    prototypes,
    crystals,
    pairs: symbols.flatMap((a, i) => symbols.slice(i).map((b) => pairCurve(potential, a, b, request.reach, judge))),
  };
}

/** Formula of a structure, as `Ga4As4`. */
export function formulaOf(structure: Structure): string {
  const counts = new Map<string, number>();
  for (const z of structure.species) counts.set(symbolOf(z), (counts.get(symbolOf(z)) ?? 0) + 1);
  return [...counts].map(([symbol, count]) => (count === 1 ? symbol : `${symbol}${count}`)).join('');
}
