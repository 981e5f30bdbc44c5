import { describe, expect, it } from 'vitest';
import type { TrustSignals } from '../potentials/potential.ts';
import { minimumDistance } from '../structure/checks.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Structure } from '../structure/structure.ts';
import { bondScan } from './bond-scan.ts';

const CUTOFF = 6;
const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
const BOND = (5.43 * Math.sqrt(3)) / 4;
const LIMITS = { forceSigma: 0.2, novelty: 1 };

/** Signals that follow the shortest distance of a structure. */
function trustBy(signal: (distance: number) => Partial<TrustSignals>): (structure: Structure) => TrustSignals {
  return (structure) => ({
    ...{ forceSigma: 0.1, leverage: 1, novelty: 0.5, distance: 2, atom: 0 },
    ...signal(minimumDistance(structure, CUTOFF)?.distance ?? Number.POSITIVE_INFINITY),
  });
}

describe('bondScan', () => {
  it('runs from half the bond to the cutoff, every atom a little off its site', () => {
    const seen: number[] = [];
    const { points, lonely, bond } = bondScan(
      crystal,
      BOND,
      CUTOFF,
      trustBy((distance) => {
        seen.push(distance);
        return {};
      }),
      LIMITS,
    );
    expect(bond).toBe(BOND);
    expect(points[0]!.ratio).toBe(0.5);
    expect(points.at(-1)!.distance).toBeLessThan(CUTOFF);
    expect(points.at(-1)!.distance).toBeGreaterThan(CUTOFF - 0.06 * BOND);
    expect(lonely.map(({ distance }) => distance < CUTOFF)).toEqual([true, false]);
    expect(seen[0]! / (0.5 * BOND)).toAgree(1, { atol: 0.1, why: 'atoms displaced by 1 % of the bond' });
    expect(seen[0]).not.toBe(0.5 * BOND);
  });

  it('takes the larger of force sigma and novelty over their limits, relative to equilibrium', () => {
    // Force sigma sees compression, novelty stretching: together both sides are seen.
    const scan = bondScan(
      crystal,
      BOND,
      CUTOFF,
      trustBy((distance) => ({
        forceSigma: distance < 0.85 * BOND ? 2 : 0.1,
        novelty: distance > 1.3 * BOND ? 4 : 0.5,
      })),
      LIMITS,
    );
    expect(scan.equilibrium).toBe(0.5);
    expect(scan.compressed).toBe(20);
    expect(scan.stretched).toBe(8);
  });

  it('finds the point where a signal falls back to nothing, a pair alone included', () => {
    const scan = bondScan(
      crystal,
      BOND,
      CUTOFF,
      trustBy((distance) => ({ novelty: distance > 1.3 * BOND && distance < 5.8 ? 4 : 0.5, forceSigma: 0.1 })),
      LIMITS,
    );
    expect(scan.stretched).toBe(1);
    const undefinedSignal = bondScan(
      crystal,
      BOND,
      CUTOFF,
      trustBy(() => ({ novelty: Number.NaN })),
      LIMITS,
    );
    expect(undefinedSignal.points[0]!.trigger).toBe(Number.POSITIVE_INFINITY);
  });

  it('refuses what is no crystal or has no room to stretch', () => {
    const trust = trustBy(() => ({}));
    expect(() => bondScan(crystal, 4.5, CUTOFF, trust, LIMITS)).toThrow('bond must be positive and shorter than');
    expect(() => bondScan({ ...crystal, cell: null }, BOND, CUTOFF, trust, LIMITS)).toThrow('must have a cell');
  });
});
