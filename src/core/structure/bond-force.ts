/**
 * Adds the force and virial of one bond r_ij: F_i += G, F_j −= G, W −= G ⊗ r_ij (Voigt xx yy zz yz xz xy), with
 * G = ∂E/∂r_ij. A bond of an atom to an image of itself has no force.
 *
 * @param forces [3n] eV/Å  @param virial [6] eV  @param gx … gz G, eV/Å  @param x … z r_ij, Å
 */
export function addBondForce(
  forces: Float64Array,
  virial: Float64Array,
  i: number,
  j: number,
  gx: number,
  gy: number,
  gz: number,
  x: number,
  y: number,
  z: number,
): void {
  if (i !== j) {
    forces[3 * i] = forces[3 * i]! + gx;
    forces[3 * i + 1] = forces[3 * i + 1]! + gy;
    forces[3 * i + 2] = forces[3 * i + 2]! + gz;
    forces[3 * j] = forces[3 * j]! - gx;
    forces[3 * j + 1] = forces[3 * j + 1]! - gy;
    forces[3 * j + 2] = forces[3 * j + 2]! - gz;
  }
  virial[0] = virial[0]! - gx * x;
  virial[1] = virial[1]! - gy * y;
  virial[2] = virial[2]! - gz * z;
  virial[3] = virial[3]! - gy * z;
  virial[4] = virial[4]! - gx * z;
  virial[5] = virial[5]! - gx * y;
}
