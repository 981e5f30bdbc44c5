import type { LinearKernels } from '../numerics/kernels.ts';
import { extrapolationGrades } from './maxvol.ts';

/**
 * Extrapolation grades of the atoms of a structure, each by the active set of its element.
 *
 * @param elements [n] element index of each atom
 * @param rows     [n, width] descriptors; an atom's own are the first of its row
 * @param sizes    [elements] number of descriptors
 * @param inverses [elements] inverse of the active set; null for an element that has none: γ is infinite
 * @returns        [n]
 */
export function gradesByElement(
  elements: Int32Array,
  rows: Float64Array,
  width: number,
  sizes: readonly number[],
  inverses: readonly (Float64Array | null)[],
  kernels?: LinearKernels,
): Float64Array {
  const out = new Float64Array(elements.length);
  inverses.forEach((inverse, mu) => {
    const size = sizes[mu]!;
    const atoms = Int32Array.from(elements.keys()).filter((i) => elements[i] === mu);
    const own = new Float64Array(atoms.length * size);
    if (inverse === null) {
      for (const i of atoms) out[i] = Number.POSITIVE_INFINITY;
      return;
    }
    atoms.forEach((i, k) => {
      own.set(rows.subarray(i * width, i * width + size), k * size);
    });
    const grades = extrapolationGrades(inverse, size, own, atoms.length, kernels);
    atoms.forEach((i, k) => {
      out[i] = grades[k]!;
    });
  });
  return out;
}
