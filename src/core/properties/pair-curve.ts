import { atomicNumberOf } from '../elements.ts';
import { dimer } from '../potentials/dimer-scan.ts';
import type { Potential } from '../potentials/potential.ts';
import type { Judge, PairCurve } from './properties.ts';

const FIRST = 0.5;
const STEP = 0.05;

/** Energies of a pair of elements from 0.5 Å to `reach` Å. */
export function pairCurve(potential: Potential, a: string, b: string, reach: number, judge?: Judge): PairCurve {
  const [za, zb] = [atomicNumberOf(a), atomicNumberOf(b)];
  const apart = potential.evaluate(dimer(za, zb, 10 * reach)).energy;
  const count = Math.floor((reach - FIRST) / STEP + 1e-9) + 1;
  const points = Array.from({ length: count }, (_, k) => {
    const distance = FIRST + k * STEP;
    const structure = dimer(za, zb, distance);
    const { energy, forces } = potential.evaluate(structure);
    return { distance, energy: energy - apart, force: forces[3]!, state: judge?.(structure).state ?? null };
  });
  const attractive = points.find(({ force }) => !(force > 0));
  return { pair: [a, b], points, repulsiveBelow: attractive?.distance ?? reach };
}
