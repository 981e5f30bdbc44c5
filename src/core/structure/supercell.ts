import { InputError } from '../errors.ts';
import { transformRows } from './cell.ts';
import type { Structure } from './structure.ts';

/** Copies of the structure at the given lattice translations: all atoms of one translation after those of the one before. */
function placeCopies(
  structure: Structure,
  cell: Float64Array,
  translations: readonly (readonly number[])[],
  newCell: Float64Array,
): Structure {
  const { positions, species, pbc } = structure;
  const n = species.length;
  const newPositions = new Float64Array(3 * n * translations.length);
  const newSpecies = new Uint8Array(n * translations.length);
  translations.forEach((translation, t) => {
    const shift = transformRows(translation, cell);
    for (let i = 0; i < 3 * n; i++) newPositions[3 * n * t + i] = positions[i]! + shift[i % 3]!;
    newSpecies.set(species, n * t);
  });
  return { positions: newPositions, species: newSpecies, pbc, cell: newCell };
}

/** Product of a 3×3 integer matrix and its adjugate is det·1; both are exact. */
function adjugate(m: readonly number[]): number[] {
  const out: number[] = [];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) {
      const [i, j] = [(column + 1) % 3, (column + 2) % 3];
      const [k, l] = [(row + 1) % 3, (row + 2) % 3];
      out.push(m[3 * i + k]! * m[3 * j + l]! - m[3 * i + l]! * m[3 * j + k]!);
    }
  }
  return out;
}

/**
 * The cell repeated a, b and c times along its vectors; copies in the order of (a, b, c), as ASE's `repeat`.
 * @throws InputError `BAD_REPEAT` for counts that are not positive integers, or above 1 along an open direction
 */
export function repeated(structure: Structure, counts: readonly [number, number, number]): Structure {
  const translations: number[][] = [];
  const { cell, pbc } = structure;
  for (let d = 0; d < 3; d++) {
    const count = counts[d]!;
    if (!Number.isInteger(count) || count < 1 || (count > 1 && !pbc[d])) {
      const rule = pbc[d] ? 'be a positive integer' : 'be 1 along a direction without periodicity';
      throw new InputError('BAD_REPEAT', `repeat ${'abc'[d]} must ${rule}, got ${count}`, { direction: d, count });
    }
  }
  if (cell === null) return structure;
  for (let a = 0; a < counts[0]; a++) {
    for (let b = 0; b < counts[1]; b++) for (let c = 0; c < counts[2]; c++) translations.push([a, b, c]);
  }
  return placeCopies(
    structure,
    cell,
    translations,
    cell.map((x, k) => x * counts[Math.floor(k / 3)]!),
  );
}

/**
 * The supercell with lattice vectors matrix · cell: |det matrix| copies, found in exact integer arithmetic.
 * @param matrix [9] integers, row-major, with positive determinant
 * @throws InputError `BAD_SUPERCELL`
 */
export function supercell(structure: Structure, matrix: readonly number[]): Structure {
  const { cell, pbc } = structure;
  if (matrix.length !== 9 || !matrix.every((x) => Number.isInteger(x))) {
    throw new InputError('BAD_SUPERCELL', `supercell matrix must be 9 integers, got ${matrix.join(' ')}`, { matrix });
  }
  if (cell === null || !pbc.every((periodic) => periodic)) {
    throw new InputError(
      'BAD_SUPERCELL',
      `supercell by a matrix must start from three periodic directions, got pbc ${pbc.join(' ')}`,
      { pbc },
    );
  }
  const inverse = adjugate(matrix);
  const determinant = matrix[0]! * inverse[0]! + matrix[1]! * inverse[3]! + matrix[2]! * inverse[6]!;
  if (determinant <= 0) {
    throw new InputError('BAD_SUPERCELL', `supercell matrix must have a positive determinant, got ${determinant}`, {
      determinant,
    });
  }
  const low = [0, 0, 0];
  const high = [0, 0, 0];
  for (let k = 0; k < 9; k++) {
    const d = k % 3;
    low[d] = low[d]! + Math.min(0, matrix[k]!);
    high[d] = high[d]! + Math.max(0, matrix[k]!);
  }
  const translations: number[][] = [];
  for (let a = low[0]!; a <= high[0]!; a++) {
    for (let b = low[1]!; b <= high[1]!; b++) {
      for (let c = low[2]!; c <= high[2]!; c++) {
        // t · matrix⁻¹ lies in [0, 1) exactly when t · adjugate lies in [0, det).
        const inside = [0, 1, 2].every((d) => {
          const scaled = a * inverse[d]! + b * inverse[3 + d]! + c * inverse[6 + d]!;
          return scaled >= 0 && scaled < determinant;
        });
        if (inside) translations.push([a, b, c]);
      }
    }
  }
  return placeCopies(structure, cell, translations, transformRows(matrix, cell));
}
