import { InputError } from '../errors.ts';
import type { RandomStream } from '../random.ts';
import type { Structure } from '../structure/structure.ts';
import { type DistanceGate, gateRatio, nearestNeighbor } from './distances.ts';

/** A structure with one pair pushed together. */
export interface ShortPair {
  readonly structure: Structure;
  /** The two atoms. */
  readonly atoms: readonly [number, number];
  /** Their distance, Å. */
  readonly distance: number;
}

// Where between the gate (0) and the distance found (1) a pair may be put.
const CLOSEST = 0.1;
const FARTHEST = 0.7;
const ATTEMPTS = 50;

/**
 * Pushes a random atom and its nearest neighbour towards each other along their bond, both by the same distance, to a
 * uniformly drawn distance between 10 % and 70 % of the way from the hard gate to where they were. All other pairs stay
 * outside their gates (draws that break this are repeated). It teaches a potential the repulsive wall that no trusted
 * trajectory visits.
 *
 * @throws InputError `NO_PAIR` when no pair can be pushed together
 */
export function shortDistance(structure: Structure, gate: DistanceGate, stream: RandomStream): ShortPair {
  const { species } = structure;
  for (let attempt = 0; attempt < ATTEMPTS && species.length > 1; attempt++) {
    const i = stream.integer(species.length);
    const share = CLOSEST + (FARTHEST - CLOSEST) * stream.uniform();
    const neighbor = nearestNeighbor(structure, i);
    if (neighbor === null) continue;
    const j = neighbor.index;
    const closest = gate(species[i]!, species[j]!);
    if (!(neighbor.distance > closest)) continue;
    const distance = closest + share * (neighbor.distance - closest);
    const move = (0.5 * (neighbor.distance - distance)) / neighbor.distance;
    const positions = structure.positions.slice();
    for (let k = 0; k < 3; k++) {
      positions[3 * i + k]! += move * neighbor.vector[k]!;
      positions[3 * j + k]! -= move * neighbor.vector[k]!;
    }
    const pushed: Structure = { ...structure, positions };
    if (gateRatio(pushed, gate) >= 1) return { structure: pushed, atoms: [i, j], distance };
  }
  const message = `structure must have two neighbours that can be pushed together, got ${species.length} atoms`;
  throw new InputError('NO_PAIR', message, { atoms: species.length });
}
