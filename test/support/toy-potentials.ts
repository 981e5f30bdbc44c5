import { NumericalError } from '../../src/core/errors.ts';
import type { Potential, PotentialResult, TrustedPotential } from '../../src/core/potentials/potential.ts';
import type { Structure } from '../../src/core/structure/structure.ts';

/** Lennard-Jones pairs of a free cluster, without a cutoff: E = 4ε Σ (σ/r)¹² − (σ/r)⁶. */
export function lennardJonesCluster(epsilon = 0.0104, sigma = 3.4): Potential {
  return {
    name: 'Lennard-Jones cluster',
    evaluate({ positions, species }: Structure): PotentialResult {
      const n = species.length;
      const forces = new Float64Array(3 * n);
      const atomEnergies = new Float64Array(n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < i; j++) {
          const d = [0, 1, 2].map((k) => positions[3 * i + k]! - positions[3 * j + k]!);
          const square = d[0]! * d[0]! + d[1]! * d[1]! + d[2]! * d[2]!;
          const s6 = (sigma * sigma * sigma * sigma * sigma * sigma) / (square * square * square);
          const energy = 4 * epsilon * s6 * (s6 - 1);
          atomEnergies[i]! += energy / 2;
          atomEnergies[j]! += energy / 2;
          const factor = (24 * epsilon * s6 * (2 * s6 - 1)) / square;
          for (let k = 0; k < 3; k++) {
            forces[3 * i + k]! += factor * d[k]!;
            forces[3 * j + k]! -= factor * d[k]!;
          }
        }
      }
      return { energy: atomEnergies.reduce((sum, e) => sum + e, 0), atomEnergies, forces, virial: new Float64Array(6) };
    },
  };
}

/** Cubic lattice of m³ silicon atoms, `spacing` Å apart. */
export function simpleCubic(m: number, spacing: number, z = 14): Structure {
  const sites: number[] = [];
  for (let x = 0; x < m; x++)
    for (let y = 0; y < m; y++) for (let t = 0; t < m; t++) sites.push(x * spacing, y * spacing, t * spacing);
  const a = m * spacing;
  return {
    positions: Float64Array.from(sites),
    cell: Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a),
    pbc: [true, true, true],
    species: new Uint8Array(m * m * m).fill(z),
  };
}

/** Displacement of every atom from the sites of `crystal`, which move with the cell. */
function displacements(structure: Structure, crystal: Structure): Float64Array {
  const a = crystal.cell![0]!;
  const cell = structure.cell!;
  return structure.positions.map((x, k) => {
    const i = 3 * Math.floor(k / 3);
    let site = 0;
    for (let row = 0; row < 3; row++) site += (crystal.positions[i + row]! / a) * cell[3 * row + (k % 3)]!;
    return x - site;
  });
}

/** Einstein crystal over a cubic `crystal`: every atom is bound to its site with the stiffness k, eV/Å². */
export function einsteinCrystal(crystal: Structure, stiffness: number): Potential {
  return {
    name: 'Einstein crystal',
    evaluate(structure: Structure): PotentialResult {
      const forces = displacements(structure, crystal);
      let energy = 0;
      for (let k = 0; k < forces.length; k++) {
        energy += 0.5 * stiffness * forces[k]! * forces[k]!;
        forces[k]! *= -stiffness;
      }
      return { energy, atomEnergies: null, forces, virial: new Float64Array(6) };
    },
  };
}

/** How the toy potential below departs from the plain Einstein crystal. */
export interface TrustedCrystalOptions {
  /** Force sigma per Å of the largest displacement, eV/Å². */
  readonly sigmaPerDisplacement: number;
  /** Atoms farther than this from their site get NaN forces, Å. */
  readonly nanBeyond?: number;
  /** Atoms farther than this from their site make `evaluate` throw, Å. */
  readonly throwBeyond?: number;
  /** Hard distance gate, Å. */
  readonly gate?: number;
}

/** An Einstein crystal that trusts itself the less the farther an atom has left its site. */
export function trustedCrystal(
  crystal: Structure,
  stiffness: number,
  options: TrustedCrystalOptions,
): TrustedPotential {
  const plain = einsteinCrystal(crystal, stiffness);
  const farthest = (structure: Structure): { atom: number; distance: number } => {
    const d = displacements(structure, crystal);
    let atom = 0;
    let distance = 0;
    for (let i = 0; i < structure.species.length; i++) {
      const length = Math.hypot(d[3 * i]!, d[3 * i + 1]!, d[3 * i + 2]!);
      if (length > distance) [atom, distance] = [i, length];
    }
    return { atom, distance };
  };
  return {
    name: 'trusted Einstein crystal',
    evaluate(structure) {
      const result = plain.evaluate(structure);
      const { distance } = farthest(structure);
      if (distance > (options.throwBeyond ?? Number.POSITIVE_INFINITY)) {
        throw new NumericalError('TOY_FAILED', `displacement must stay small, got ${distance} Å`);
      }
      if (distance > (options.nanBeyond ?? Number.POSITIVE_INFINITY)) result.forces.fill(Number.NaN);
      return result;
    },
    trust(structure) {
      const { atom, distance } = farthest(structure);
      let shortest = Number.POSITIVE_INFINITY;
      const p = structure.positions;
      for (let i = 0; i < p.length; i += 3) {
        for (let j = 0; j < i; j += 3) {
          shortest = Math.min(shortest, Math.hypot(p[i]! - p[j]!, p[i + 1]! - p[j + 1]!, p[i + 2]! - p[j + 2]!));
        }
      }
      return {
        forceSigma: options.sigmaPerDisplacement * distance,
        leverage: 1 + distance,
        novelty: 0.5 * distance,
        distance: shortest / (options.gate ?? 1),
        atom,
      };
    },
  };
}
