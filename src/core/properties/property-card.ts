import { minimise } from '../dynamics/minimise.ts';
import { symbolOf } from '../elements.ts';
import { NumericalError, QuerentError } from '../errors.ts';
import type { Potential } from '../potentials/potential.ts';
import { cellVolume } from '../structure/cell.ts';
import { type PrototypeName, PROTOTYPES, prototypeStructure } from '../structure/prototypes.ts';
import { minimumDistance } from '../structure/checks.ts';
import { atomCount, type Structure } from '../structure/structure.ts';
import { repeated } from '../structure/supercell.ts';
import { type BondScan, bondScan } from './bond-scan.ts';
import { compression } from './compression.ts';
import { elasticConstants, voigtAverages } from './elastic-constants.ts';
import { equationOfState } from './equation-of-state.ts';
import { pairCurve } from './pair-curve.ts';
import type {
  CrystalProperties,
  Found,
  Judge,
  PropertyCard,
  PropertyElement,
  PropertyRequest,
  PrototypeEnergy,
  TrustProbe,
} from './properties.ts';
import { vacancyEnergy } from './vacancy.ts';

/** Lattice parameter of each prototype over its nearest-neighbour distance. */
const LATTICE_PER_BOND: Readonly<Record<PrototypeName, number>> = {
  sc: 1,
  bcc: 2 / Math.sqrt(3),
  fcc: Math.SQRT2,
  diamond: 4 / Math.sqrt(3),
  hcp: 1,
};

/** Bond lengths at which a minimum is looked for. */
const SCANNED = 40;
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

/**
 * The prototype at the lowest minimum of its energy over bond lengths, of those the potential trusts itself on where there
 * are any; or why there is none.
 */
function findPrototype(
  element: PropertyElement,
  prototype: PrototypeName,
  potential: Potential,
  judge: Judge | undefined,
): Found<Structure> {
  const { symbol, bonds } = element;
  const at = (k: number): Structure => {
    const bond = bonds[0] + ((bonds[1] - bonds[0]) * k) / (SCANNED - 1);
    return prototypeStructure({ prototype, element: symbol, a: bond * LATTICE_PER_BOND[prototype] });
  };
  return attempt(() => {
    const energies = Array.from({ length: SCANNED }, (_, k) => {
      const structure = at(k);
      return potential.evaluate(structure).energy / atomCount(structure);
    });
    const minima = energies.flatMap((energy, k) =>
      k > 0 && k + 1 < SCANNED && energy < energies[k - 1]! && energy <= energies[k + 1]!
        ? [{ k, energy, trusted: judge?.(at(k)).state === 'trusted' }]
        : [],
    );
    minima.sort((x, y) => Number(y.trusted) - Number(x.trusted) || x.energy - y.energy);
    if (minima.length === 0) {
      const range = `${bonds[0].toFixed(2)} and ${bonds[1].toFixed(2)} Å`;
      throw new NumericalError('NO_MINIMUM', `no minimum of the energy for bonds between ${range}`);
    }
    return minimise(at(minima[0]!.k), potential, { ...RELAXED, cell: prototype === 'hcp' ? 'full' : 'volume' })
      .structure;
  });
}

function prototypeEnergy(
  from: PropertyElement,
  prototype: PrototypeName,
  potential: Potential,
  judge: Judge | undefined,
): { energy: PrototypeEnergy; structure: Structure | null } {
  const element = from.symbol;
  const found = findPrototype(from, prototype, potential, judge);
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
  { judge, isolatedAtoms = true }: Pick<PropertyRequest, 'judge' | 'isolatedAtoms'> = {},
): CrystalProperties {
  const minimum = minimise(structure, potential, { ...RELAXED, cell: 'full' });
  const relaxed = minimum.structure;
  const n = atomCount(relaxed);
  return {
    name,
    structure: relaxed,
    atoms: n,
    energy: minimum.energy / n,
    cohesiveEnergy: isolatedAtoms ? (separated(relaxed, potential) - minimum.energy) / n : null,
    volume: cellVolume(relaxed.cell!) / n,
    ...cellShape(relaxed.cell!),
    equationOfState: attempt(() => equationOfState(relaxed, potential)),
    compression: attempt(() => compression(relaxed, potential)),
    elastic: attempt(() => {
      const constants = elasticConstants(relaxed, potential);
      return { ...constants, averages: voigtAverages(constants.relaxed) };
    }),
    vacancy: attempt(() => vacancyEnergy(relaxed, potential)),
    trust: judge?.(relaxed) ?? null,
  };
}

/** The bond scan of a crystal, in a cell of at least eight atoms. */
function scanBonds(crystal: Structure, reach: number, { signals, limits }: TrustProbe): BondScan {
  const bond = minimumDistance(crystal, reach)?.distance ?? Number.NaN;
  const cell = atomCount(crystal) < 8 ? repeated(crystal, [2, 2, 2]) : crystal;
  return bondScan(cell, bond, reach, signals, limits);
}

/** The card of a potential. @throws InputError for a named structure that is not periodic in three directions */
export function propertyCard(potential: Potential, request: PropertyRequest): PropertyCard {
  const { elements, judge } = request;
  const prototypes: PrototypeEnergy[] = [];
  const crystals: CrystalProperties[] = [];
  const bondScans: PropertyCard['bondScans'][number][] = [];
  for (const element of elements) {
    // Where the potential trusts itself on some, one that it does not trust is no ground state.
    let best: { energy: number; trusted: boolean; name: string; structure: Structure } | null = null;
    for (const prototype of PROTOTYPES) {
      const { energy, structure } = prototypeEnergy(element, prototype, potential, judge);
      prototypes.push(energy);
      if (structure === null || 'missing' in energy.crystal) continue;
      const { energy: value, trust } = energy.crystal.value;
      const trusted = trust === null || trust.state === 'trusted';
      if (best === null || (trusted === best.trusted ? value < best.energy : trusted))
        best = { energy: value, trusted, name: `${element.symbol} ${prototype}`, structure };
    }
    if (best === null) continue;
    const { structure } = best;
    crystals.push(crystalProperties(best.name, structure, potential, request));
    const { trust, reach } = request;
    if (trust !== undefined)
      bondScans.push({ element: element.symbol, scan: attempt(() => scanBonds(structure, reach, trust)) });
  }
  for (const { name, structure } of request.structures ?? [])
    crystals.push(crystalProperties(name, structure, potential, request));
  const symbols = elements.map(({ symbol }) => symbol);
  return {
    potential: request.name,
    prototypes,
    crystals,
    bondScans,
    pairs: symbols.flatMap((a, i) => symbols.slice(i).map((b) => pairCurve(potential, a, b, request.reach, judge))),
  };
}

/** Formula of a structure, as `Ga4As4`. */
export function formulaOf(structure: Structure): string {
  const counts = new Map<string, number>();
  for (const z of structure.species) counts.set(symbolOf(z), (counts.get(symbolOf(z)) ?? 0) + 1);
  return [...counts].map(([symbol, count]) => (count === 1 ? symbol : `${symbol}${count}`)).join('');
}
