/** Ratios of labels in units that other programs write to those of this project. */
import { BOHR, EV_PER_CUBIC_ANGSTROM_IN_GPA, HARTREE, RYDBERG } from '../units.ts';

/** Avogadro's constant times the elementary charge, C/mol: 1 eV in J/mol. */
const FARADAY = 96485.33212331;
/** 1 eV in kcal/mol. */
const KCAL = FARADAY / 4184;

/** A unit and the number that 1 eV (or eV/Å, eV/Å³) is in it. */
export interface LabelUnit {
  readonly name: string;
  /** value in this unit = factor · value in canonical units */
  readonly factor: number;
}

/** Units of energies. */
export const ENERGY_UNITS: readonly LabelUnit[] = [
  { name: 'eV', factor: 1 },
  { name: 'Ry', factor: 1 / RYDBERG },
  { name: 'hartree', factor: 1 / HARTREE },
  { name: 'kcal/mol', factor: KCAL },
  { name: 'kJ/mol', factor: FARADAY / 1000 },
  { name: 'meV', factor: 1000 },
];

/** Units of forces; a gradient is a force of the opposite sign. */
export const FORCE_UNITS: readonly LabelUnit[] = [
  { name: 'eV/Å', factor: 1 },
  { name: 'Ry/bohr', factor: BOHR / RYDBERG },
  { name: 'hartree/bohr', factor: BOHR / HARTREE },
  { name: 'kcal/mol/Å', factor: KCAL },
  { name: 'kJ/mol/Å', factor: FARADAY / 1000 },
  { name: 'kJ/mol/nm', factor: FARADAY / 100 },
  { name: 'meV/Å', factor: 1000 },
  { name: 'eV/bohr', factor: BOHR },
];

/** Units of stresses. */
export const STRESS_UNITS: readonly LabelUnit[] = [
  { name: 'eV/Å³', factor: 1 },
  { name: 'GPa', factor: EV_PER_CUBIC_ANGSTROM_IN_GPA },
  { name: 'kbar', factor: 10 * EV_PER_CUBIC_ANGSTROM_IN_GPA },
  { name: 'bar', factor: 1e4 * EV_PER_CUBIC_ANGSTROM_IN_GPA },
  { name: 'MPa', factor: 1000 * EV_PER_CUBIC_ANGSTROM_IN_GPA },
  { name: 'Ry/bohr³', factor: (BOHR * BOHR * BOHR) / RYDBERG },
  { name: 'hartree/bohr³', factor: (BOHR * BOHR * BOHR) / HARTREE },
];

/** Units of energies, forces and stresses that explain ratios between labels. */
export interface UnitExplanation {
  readonly energy: LabelUnit;
  readonly forces: LabelUnit;
  /** Whether the forces have the opposite sign: gradients. */
  readonly gradients: boolean;
  readonly stress: LabelUnit;
  /** Whether the stresses have the opposite sign: positive under compression. */
  readonly compression: boolean;
  /** How much would have to be wrong at once; 0 is nothing. */
  readonly cost: number;
  /** Largest |ln| of a measured ratio over the explained one. */
  readonly distance: number;
}

/** Ratios of what labels measure: energy over work of the forces, energy over work of the stress, stress over what forces say. */
export interface LabelRatios {
  readonly energyForce: number | null;
  readonly energyStress: number | null;
  readonly stressForce: number | null;
}

/** Energies and forces that one program writes together: wrong together, they are one mistake. */
const SYSTEMS: Readonly<Record<string, string>> = {
  Ry: 'Ry/bohr',
  hartree: 'hartree/bohr',
  'kcal/mol': 'kcal/mol/Å',
  'kJ/mol': 'kJ/mol/Å',
  meV: 'meV/Å',
};

/** Units that are rarely met cost a little more, so that of two equal explanations the usual one stands first. */
const RARE: Readonly<Record<string, number>> = {
  'eV/bohr': 0.3,
  meV: 0.2,
  'meV/Å': 0.2,
  MPa: 0.2,
  'kJ/mol/nm': 0.1,
  bar: 0.1,
};

function costOf(
  energy: LabelUnit,
  forces: LabelUnit,
  gradients: boolean,
  stress: LabelUnit,
  compression: boolean,
): number {
  const rare = [energy, forces, stress].reduce((sum, { name }) => sum + (RARE[name] ?? 0), 0);
  const together = SYSTEMS[energy.name] === forces.name;
  const wrongUnits = together ? 1 : Number(energy.factor !== 1) + Number(forces.factor !== 1);
  // kbar and positive under compression come from one program: one mistake. A sign alone is one, too.
  const wrongStress = stress.factor !== 1 ? 1 + (compression ? 0.1 : 0) : compression ? 1 : 0;
  return wrongUnits + (gradients ? (forces.factor === 1 ? 1 : 0.5) : 0) + wrongStress + rare;
}

/**
 * Explanations of measured ratios, the ones with the fewest mistakes first; those that cost clearly more than the first are
 * left out, as are those that say the same in labels of which nothing was measured.
 * @param tolerance largest |ln| of a measured over an explained ratio
 * @param only      the one kind of label that may be wrong
 */
export function explainRatios(
  ratios: LabelRatios,
  tolerance: number,
  only: 'forces' | 'stress' | null = null,
): UnitExplanation[] {
  const { energyForce, energyStress, stressForce } = ratios;
  const found: UnitExplanation[] = [];
  const hasForces = only === null ? energyForce !== null || stressForce !== null : only === 'forces';
  const hasStress = only === null ? energyStress !== null || stressForce !== null : only === 'stress';
  const hasEnergy = only === null && (energyForce !== null || energyStress !== null);
  const off = (measured: number | null, explained: number): number => {
    if (measured === null) return 0;
    return measured / explained > 0 ? Math.abs(Math.log(measured / explained)) : Number.POSITIVE_INFINITY;
  };
  for (const energy of hasEnergy ? ENERGY_UNITS : ENERGY_UNITS.slice(0, 1))
    for (const forces of hasForces ? FORCE_UNITS : FORCE_UNITS.slice(0, 1))
      for (const gradients of hasForces ? [false, true] : [false])
        for (const stress of hasStress ? STRESS_UNITS : STRESS_UNITS.slice(0, 1))
          for (const compression of hasStress ? [false, true] : [false]) {
            const f = forces.factor * (gradients ? -1 : 1);
            const s = stress.factor * (compression ? -1 : 1);
            const distance = Math.max(
              off(energyForce, energy.factor / f),
              off(energyStress, energy.factor / s),
              off(stressForce, s / f),
            );
            if (distance > tolerance) continue;
            found.push({
              energy,
              forces,
              gradients,
              stress,
              compression,
              cost: costOf(energy, forces, gradients, stress, compression),
              distance,
            });
          }
  // Within one step of cost the nearest is the best.
  const rank = ({ cost, distance }: UnitExplanation): number => cost + 2 * distance;
  found.sort((a, b) => rank(a) - rank(b));
  return found.filter((explanation) => rank(explanation) <= rank(found[0]!) + 0.35).slice(0, 3);
}

/** An explanation in words: `energies look like Ry, stresses look like kbar and have the opposite sign`. */
export function explanationText({ energy, forces, gradients, stress, compression }: UnitExplanation): string {
  const parts: string[] = [];
  if (energy.factor !== 1) parts.push(`energies look like ${energy.name}`);
  if (forces.factor !== 1 || gradients)
    parts.push(
      `forces ${[forces.factor === 1 ? '' : `look like ${forces.name}`, gradients ? 'have the opposite sign (gradients?)' : ''].filter((x) => x !== '').join(' and ')}`,
    );
  if (stress.factor !== 1 || compression)
    parts.push(
      `stresses ${[stress.factor === 1 ? '' : `look like ${stress.name}`, compression ? 'have the opposite sign (positive under compression)' : ''].filter((x) => x !== '').join(' and ')}`,
    );
  return parts.join(', ');
}

/** Orders in which codes write the components that this project reads as xx yy zz yz xz xy: sources of components 3, 4, 5. */
export const SHEAR_ORDERS: readonly { readonly name: string; readonly sources: readonly [number, number, number] }[] = [
  { name: 'xx yy zz yz xz xy', sources: [3, 4, 5] },
  { name: 'xx yy zz xy yz xz', sources: [5, 3, 4] },
  { name: 'xx yy zz xy xz yz', sources: [5, 4, 3] },
  { name: 'xx yy zz yz xy xz', sources: [3, 5, 4] },
  { name: 'xx yy zz xz yz xy', sources: [4, 3, 5] },
  { name: 'xx yy zz xz xy yz', sources: [4, 5, 3] },
];
