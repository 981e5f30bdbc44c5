import type { RandomStream } from '../random.ts';
import { transformRows } from './cell.ts';
import type { Structure } from './structure.ts';

/** The structure with every atom moved by the same vector, Å. The cell stays: only a grid in space would notice. */
export function shifted(structure: Structure, vector: ArrayLike<number>): Structure {
  return { ...structure, positions: structure.positions.map((x, k) => x + vector[k % 3]!) };
}

/** The structure turned as a whole, cell included. @param rotation [9] orthogonal matrix for row vectors, r′ = r R */
export function rotated(structure: Structure, rotation: ArrayLike<number>): Structure {
  const { positions, cell } = structure;
  return {
    ...structure,
    positions: transformRows(positions, rotation),
    cell: cell === null ? null : transformRows(cell, rotation),
  };
}

/** [9] a rotation drawn uniformly (from a normal quaternion), as a matrix for row vectors. */
export function randomRotation(random: RandomStream): Float64Array {
  const [a, b, c, d] = Array.from({ length: 4 }, () => random.normal()) as [number, number, number, number];
  const s = 1 / (a * a + b * b + c * c + d * d);
  // biome-ignore format: a matrix
  return Float64Array.of(
    1 - 2 * s * (c * c + d * d), 2 * s * (b * c + d * a), 2 * s * (b * d - c * a),
    2 * s * (b * c - d * a), 1 - 2 * s * (b * b + d * d), 2 * s * (c * d + b * a),
    2 * s * (b * d + c * a), 2 * s * (c * d - b * a), 1 - 2 * s * (b * b + c * c),
  );
}

/** [9] the inverse of a rotation. */
export function inverseRotation(rotation: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: 9 }, (_, k) => rotation[3 * (k % 3) + Math.floor(k / 3)]!);
}

/** [6] a symmetric tensor in Voigt order (xx yy zz yz xz xy), turned: Rᵀ T R. */
export function rotatedTensor(voigt: ArrayLike<number>, rotation: ArrayLike<number>): Float64Array {
  const [xx, yy, zz, yz, xz, xy] = Array.from(voigt) as [number, number, number, number, number, number];
  const left = transformRows([xx, xy, xz, xy, yy, yz, xz, yz, zz], rotation);
  const t = transformRows(inverseRotation(left), rotation);
  return Float64Array.of(t[0]!, t[4]!, t[8]!, t[5]!, t[2]!, t[1]!);
}
