import { InputError } from '../errors.ts';
import { symbolOf } from '../elements.ts';
import type { Frame } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';
import type { ReferenceEnergies } from './dataset.ts';

/** Periodic images closer than this still interact, Å: a single atom in a smaller box is a crystal. */
const ISOLATED_BOX = 8;
/** Relative size of a pivot below which two compositions count as the same. */
const DEGENERACY = 1e-8;

/** Whether the frame is one atom alone: an energy of reference, not a configuration to learn. */
export function isIsolatedAtom(frame: Frame): boolean {
  const { structure } = frame;
  if (atomCount(structure) !== 1) return false;
  if (/isolated/i.test(frame.group)) return true;
  if (structure.cell === null || !structure.pbc.some(Boolean)) return true;
  const cell = structure.cell;
  return structure.pbc.every((periodic, a) => {
    const row = cell.subarray(3 * a, 3 * a + 3);
    return !periodic || Math.hypot(row[0]!, row[1]!, row[2]!) >= ISOLATED_BOX;
  });
}

/** [frames, elements] number of atoms of each element. */
export function compositions(frames: readonly Frame[], species: readonly number[]): Float64Array {
  const counts = new Float64Array(frames.length * species.length);
  const column = new Map(species.map((z, c) => [z, c]));
  frames.forEach((frame, f) => {
    for (const z of frame.structure.species) {
      const c = column.get(z);
      if (c === undefined) {
        throw new InputError(
          'SPECIES_NOT_IN_BASIS',
          `species must be one of ${species.map(symbolOf).join(', ')}, got ${symbolOf(z)}`,
        );
      }
      counts[f * species.length + c]! += 1;
    }
  });
  return counts;
}

/**
 * Minimum-norm least squares of E on composition counts: argmin ‖C e − E‖ with ‖e‖ smallest, by the eigenvectors of
 * CᵀC (Jacobi rotations; there are few elements).
 */
function leastSquares(
  counts: Float64Array,
  energies: readonly number[],
  n: number,
): { values: number[]; rank: number } {
  const a = new Float64Array(n * n);
  const b = new Float64Array(n);
  for (let f = 0; f < energies.length; f++) {
    for (let i = 0; i < n; i++) {
      b[i]! += counts[f * n + i]! * energies[f]!;
      for (let j = 0; j < n; j++) a[i * n + j]! += counts[f * n + i]! * counts[f * n + j]!;
    }
  }
  const v = new Float64Array(n * n);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  for (let sweep = 0; sweep < 60; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        const apq = a[p * n + q]!;
        off += apq * apq;
        if (apq === 0) continue;
        const theta = (a[q * n + q]! - a[p * n + p]!) / (2 * apq);
        const t = (theta >= 0 ? 1 : -1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
        const c = 1 / Math.sqrt(t * t + 1);
        const s = t * c;
        for (let k = 0; k < n; k++) {
          const akp = a[k * n + p]!;
          const akq = a[k * n + q]!;
          a[k * n + p] = c * akp - s * akq;
          a[k * n + q] = s * akp + c * akq;
        }
        for (let k = 0; k < n; k++) {
          const apk = a[p * n + k]!;
          const aqk = a[q * n + k]!;
          a[p * n + k] = c * apk - s * aqk;
          a[q * n + k] = s * apk + c * aqk;
          const vkp = v[k * n + p]!;
          const vkq = v[k * n + q]!;
          v[k * n + p] = c * vkp - s * vkq;
          v[k * n + q] = s * vkp + c * vkq;
        }
      }
    }
    if (off === 0) break;
  }
  const largest = Math.max(...Array.from({ length: n }, (_, i) => a[i * n + i]!));
  const values = new Array<number>(n).fill(0);
  let rank = 0;
  for (let e = 0; e < n; e++) {
    const eigenvalue = a[e * n + e]!;
    if (eigenvalue <= DEGENERACY * largest) continue;
    rank++;
    let projection = 0;
    for (let i = 0; i < n; i++) projection += v[i * n + e]! * b[i]!;
    for (let i = 0; i < n; i++) values[i]! += (v[i * n + e]! * projection) / eigenvalue;
  }
  return { values, rank };
}

/**
 * Reference energies of the elements: given ones and those of isolated-atom frames where together every element has one
 * (the right dissociation limit), otherwise least squares of E on composition, minimum norm where compositions are
 * degenerate.
 *
 * @param frames   all labelled frames, isolated atoms included
 * @param species  [elements] atomic numbers
 * @param given    energies by atomic number, preferred to isolated atoms, eV
 * @throws InputError `NO_ENERGIES` when neither gives a value, `REFERENCE_ENERGY_MISSING` when some elements are given
 *   and others have no isolated atom, `SPECIES_NOT_IN_BASIS` when a given one is of no element here
 */
export function referenceEnergies(
  frames: readonly Frame[],
  species: readonly number[],
  given: Readonly<Record<number, number>> = {},
): ReferenceEnergies {
  const symbols = (list: readonly number[]): string => list.map(symbolOf).join(', ');
  const stated = Object.keys(given).map(Number);
  const foreign = stated.filter((z) => !species.includes(z));
  if (foreign.length > 0)
    throw new InputError(
      'SPECIES_NOT_IN_BASIS',
      `energies of isolated atoms must be of elements of the data (${symbols(species)}), got ${symbols(foreign)}`,
    );
  const isolated = new Map<number, number[]>();
  for (const frame of frames) {
    if (!isIsolatedAtom(frame) || frame.labels.energy === null) continue;
    const z = frame.structure.species[0]!;
    isolated.set(z, [...(isolated.get(z) ?? []), frame.labels.energy]);
  }
  const missing = species.filter((z) => given[z] === undefined && !isolated.has(z));
  if (missing.length === 0) {
    const values = species.map((z) => given[z] ?? mean(isolated.get(z)!));
    const all = species.every((z) => given[z] !== undefined);
    return { values, origin: all ? 'given' : 'isolated-atoms', degenerate: false };
  }
  if (stated.length > 0)
    throw new InputError(
      'REFERENCE_ENERGY_MISSING',
      `energies of isolated atoms must be given for every element or for none, got none for ${symbols(missing)}`,
    );
  const usable = frames.filter((frame) => frame.labels.energy !== null && !isIsolatedAtom(frame));
  if (usable.length === 0) {
    if (frames.some((frame) => frame.labels.forces !== null)) {
      return { values: species.map(() => 0), origin: 'least-squares', degenerate: true };
    }
    throw new InputError('NO_ENERGIES', 'labelled structures must carry energies or forces, got none');
  }
  const counts = compositions(usable, species);
  const { values, rank } = leastSquares(
    counts,
    usable.map((frame) => frame.labels.energy!),
    species.length,
  );
  return { values, origin: 'least-squares', degenerate: rank < species.length };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
