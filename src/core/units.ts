/**
 * Canonical units inside: eV, Å, fs, u, K; stress eV/Å³. Everything else is converted at the edge with these factors
 * (CODATA 2018).
 */

/** Boltzmann constant, eV/K. */
export const BOLTZMANN = 8.617333262e-5;
/** Acceleration of 1 u under 1 eV/Å, in Å/fs². */
export const ACCELERATION = 9.64853321e-3;
/** 1 Hartree in eV. */
export const HARTREE = 27.211386245988;
/** 1 Rydberg in eV. */
export const RYDBERG = HARTREE / 2;
/** 1 bohr in Å. */
export const BOHR = 0.529177210903;
/** 1 eV/Å³ in GPa. */
export const EV_PER_CUBIC_ANGSTROM_IN_GPA = 160.2176634;
/** A stress or modulus in GPa. @param value eV/Å³ */
export function gigapascal(value: number): number {
  return EV_PER_CUBIC_ANGSTROM_IN_GPA * value;
}
/** e²/(4πε₀) in eV·Å, with the digits that the ZBL repulsion of potential files is defined with (CODATA 2018: 14.39964548). */
export const COULOMB = 14.399645351950543;
