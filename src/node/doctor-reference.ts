import { covalentRadiusOf } from '../core/elements.ts';
import { InputError, NumericalError } from '../core/errors.ts';
import { RandomStream } from '../core/random.ts';
import { cellVolume, strained } from '../core/structure/cell.ts';
import { structureId } from '../core/structure/identity.ts';
import { type Structure, atomCount } from '../core/structure/structure.ts';
import { EV_PER_CUBIC_ANGSTROM_IN_GPA } from '../core/units.ts';
import type { Labeller } from '../loop/ports.ts';
import type { LabelSuccess } from '../reference/reference.ts';

/** One derivative that a reference reports, beside the same one from differences of its energies. */
export interface DerivativeCheck {
  readonly quantity: 'force' | 'stress';
  /** What was displaced or strained, `all atoms, direction 1`, `shear xy`. */
  readonly along: string;
  /** From the label: eV/Å for forces, eV/Å³ for stresses. */
  readonly reported: number;
  /** (E₊ − E₋)/2h with the sign of the quantity. */
  readonly difference: number;
  /** How far apart they may be. */
  readonly tolerance: number;
  readonly agrees: boolean;
}

/** What {@link checkReference} found. */
export interface ReferenceCheck {
  readonly code: string;
  readonly atoms: number;
  readonly energy: number;
  /** |Σ F|, eV/Å. */
  readonly netForce: number;
  readonly checks: readonly DerivativeCheck[];
  readonly labels: number;
  /** Seconds of computing, all labels together. */
  readonly cost: number;
}

// Displacements, Å, and strains of the differences: large against the convergence of a self-consistent energy (1e-7 eV),
// small against the curvature of a bond. The strain is as large as it is because a basis of plane waves changes in jumps.
const DISPLACEMENT = 0.01;
const STRAIN = 0.01;

/**
 * A small periodic cell of up to two elements, without symmetry: zincblende with the bond length of the covalent radii,
 * every atom moved by a few hundredths of an Å. @throws InputError `NO_ELEMENTS`
 */
export function trialCell(species: readonly number[]): Structure {
  if (species.length === 0) throw new InputError('NO_ELEMENTS', 'trial cell must have at least one element, got none');
  const [first, second = species[0]!] = species as readonly [number, ...number[]];
  const bond = covalentRadiusOf(first) + covalentRadiusOf(second);
  const half = (2 * bond) / Math.sqrt(3);
  const random = new RandomStream(0, 'doctor cell');
  const positions = Float64Array.of(0, 0, 0, half / 2, half / 2, half / 2).map((x) => x + 0.04 * random.normal());
  return {
    positions,
    cell: Float64Array.of(0, half, half, half, 0, half, half, half, 0),
    pbc: [true, true, true],
    species: Uint8Array.of(first, second),
  };
}

/** Strains to look at, as the symmetric ε for h = 1 [9] and the components of the stress that they pick, Voigt. */
const STRAINS = [
  { along: 'all axes', strain: [1, 0, 0, 0, 1, 0, 0, 0, 1], components: [0, 1, 2] },
  { along: 'axis x', strain: [1, 0, 0, 0, 0, 0, 0, 0, 0], components: [0] },
  { along: 'shear xy', strain: [0, 0.5, 0, 0.5, 0, 0, 0, 0, 0], components: [5] },
] as const;

/**
 * Labels a structure and its displaced and strained copies and compares forces and stress with differences of energies:
 * finds wrong units, wrong signs, energies that are not the ones the forces belong to, and calculations too coarse for
 * their stress. Tolerances: 0.01 eV/Å or 2 % for forces; 0.5 GPa or 5 % for stresses, which differ from differences at a
 * fixed plane-wave cutoff by the Pulay stress.
 * @throws NumericalError `LABEL_FAILED` when one of the labels fails
 */
export async function checkReference(
  labeller: Labeller,
  structure: Structure,
  signal: AbortSignal,
): Promise<ReferenceCheck> {
  let labels = 0;
  let cost = 0;
  const label = async (which: Structure): Promise<LabelSuccess> => {
    const { result } = await labeller.label({ id: structureId(which), structure: which, attempt: 0 }, signal);
    labels++;
    cost += result.cost;
    if (result.status === 'done') return result;
    throw new NumericalError(
      'LABEL_FAILED',
      `label of the trial cell must succeed, got ${result.status} (${result.reason}): ${result.message}`,
      {
        reason: result.reason,
      },
    );
  };
  /** (E(+h) − E(−h))/2h, the two sides at once where the labeller allows it. */
  const slope = async (moved: (h: number) => Structure, h: number): Promise<number> => {
    const sides = [() => label(moved(h)), () => label(moved(-h))] as const;
    if (labeller.concurrency > 1) {
      const [plus, minus] = await Promise.all([sides[0](), sides[1]()]);
      return (plus.energy - minus.energy) / (2 * h);
    }
    const plus = await sides[0]();
    return (plus.energy - (await sides[1]()).energy) / (2 * h);
  };

  const base = await label(structure);
  const checks: DerivativeCheck[] = [];
  const compare = (
    quantity: DerivativeCheck['quantity'],
    along: string,
    reported: number,
    difference: number,
    floor: number,
    share: number,
  ) => {
    const tolerance = Math.max(floor, share * Math.max(Math.abs(reported), Math.abs(difference)));
    checks.push({
      quantity,
      along,
      reported,
      difference,
      tolerance,
      agrees: Math.abs(reported - difference) <= tolerance,
    });
  };

  const random = new RandomStream(0, 'doctor directions');
  for (const number of [1, 2]) {
    const direction = Float64Array.from(structure.positions, () => random.normal());
    const norm = Math.hypot(...direction);
    const moved = (h: number): Structure => ({
      ...structure,
      positions: structure.positions.map((x, k) => x + (h * direction[k]!) / norm),
    });
    let reported = 0;
    for (let k = 0; k < direction.length; k++) reported += (base.forces[k]! * direction[k]!) / norm;
    compare('force', `all atoms, direction ${number}`, reported, -(await slope(moved, DISPLACEMENT)), 0.01, 0.02);
  }
  if (base.virial !== null && structure.cell !== null && structure.pbc.every(Boolean)) {
    const volume = cellVolume(structure.cell);
    for (const { along, strain, components } of STRAINS) {
      const moved = (h: number): Structure =>
        strained(
          structure,
          strain.map((e) => h * e),
        );
      let reported = 0;
      for (const component of components) reported -= base.virial[component]! / volume / components.length;
      const difference = (await slope(moved, STRAIN)) / volume / components.length;
      compare('stress', along, reported, difference, 0.5 / EV_PER_CUBIC_ANGSTROM_IN_GPA, 0.05);
    }
  }
  return {
    code: base.fingerprint.code,
    atoms: atomCount(structure),
    energy: base.energy,
    netForce: base.netForce,
    checks,
    labels,
    cost,
  };
}
