import { describe, expect, it } from 'vitest';
import { einsteinCrystal, simpleCubic } from '../../../test/support/toy-potentials.ts';
import type { TrustSignals } from '../potentials/potential.ts';
import { RandomStream } from '../random.ts';
import { type Motion, startMotion } from './dynamics.ts';
import { DEFAULT_GUARD_RULE } from './guard.ts';
import { maxwellBoltzmann } from './velocities.ts';
import {
  clampVerdict,
  classifyTrust,
  hardVerdict,
  type TrustLimits,
  type TrustState,
  type TrustVerdict,
  worstVerdict,
} from './verdict.ts';

const CRYSTAL = simpleCubic(2, 4);
const POTENTIAL = einsteinCrystal(CRYSTAL, 3);
const LIMITS: TrustLimits = {
  forceSigmaSelect: 0.2,
  forceSigmaBreak: 1,
  noveltySelect: 1,
  noveltyBreak: 2,
  leverageSelect: 10,
  leverageBreak: 100,
};

function verdict(state: TrustState): TrustVerdict {
  return { state, reason: state, value: 1, limit: 2 };
}

function launch(): Motion {
  const motion = startMotion(CRYSTAL, null, POTENTIAL);
  motion.velocities.set(maxwellBoltzmann(motion.masses, 300, new RandomStream(1, 'guard')));
  return motion;
}

const T = 'trusted';
const E = 'extrapolating';
const B = 'broken';

describe('hardVerdict', () => {
  it('finds nothing wrong with a crystal at its temperature', () => {
    expect(hardVerdict(launch(), 2, 300, DEFAULT_GUARD_RULE)).toBeNull();
  });

  const rows: [string, 'positions' | 'velocities' | 'forces', number, string][] = [
    ['a force that is not a number', 'forces', Number.NaN, 'energy or forces are not finite'],
    ['an infinite force', 'forces', Number.POSITIVE_INFINITY, 'energy or forces are not finite'],
    ['a position that is not a number', 'positions', Number.NaN, 'positions are not finite'],
    ['a force beyond the limit', 'forces', 123.456, 'force 123 eV/Å above 100'],
    ['an atom that goes too far', 'velocities', 0.11, 'displacement 0.22 Å per step above 0.2'],
    ['a velocity that is not a number', 'velocities', Number.NaN, 'displacement NaN Å per step above 0.2'],
  ];
  it.each(rows)('breaks on %s', (_, array, value, reason) => {
    for (const index of [0, 22]) {
      const motion = launch();
      motion[array].fill(0)[index] = value;
      expect(hardVerdict(motion, 2, 300, DEFAULT_GUARD_RULE)).toMatchObject({ state: B, reason });
    }
  });

  it('breaks on an energy that is not a number', () => {
    const motion = launch();
    motion.energy = Number.NaN;
    expect(hardVerdict(motion, 2, 300, DEFAULT_GUARD_RULE)).toMatchObject({ state: B, value: Number.NaN });
  });

  it('breaks on an overheated crystal', () => {
    const motion = launch();
    motion.velocities.fill(0.012);
    expect(hardVerdict(motion, 2, 300, DEFAULT_GUARD_RULE)?.reason).toBe('temperature 4860 K above 900');
  });
});

describe('classifyTrust', () => {
  const signals: TrustSignals = { forceSigma: 0.1, leverage: 2, novelty: 0.5, distance: 1.2, atom: 3 };

  it('takes the signals of a trusted potential', () => {
    expect(classifyTrust(signals, LIMITS).state).toBe(T);
    expect(classifyTrust({ ...signals, forceSigma: 0.3 }, LIMITS).state).toBe(E);
    expect(classifyTrust({ ...signals, forceSigma: 1.1 }, LIMITS).state).toBe(B);
    expect(classifyTrust({ ...signals, distance: 0.9 }, LIMITS).state).toBe(B);
  });

  it('breaks on NaN in any signal', () => {
    for (const name of ['forceSigma', 'leverage', 'novelty', 'distance'] as const) {
      expect(classifyTrust({ ...signals, [name]: Number.NaN }, LIMITS).state).toBe(B);
    }
  });
});

describe('worst of several verdicts', () => {
  it('wins, and the first of equals', () => {
    const first = verdict(E);
    expect(worstVerdict(null, verdict(T), first, verdict(E))).toBe(first);
    expect(worstVerdict(first, verdict(B))?.state).toBe(B);
    expect(worstVerdict(null, null)).toBeNull();
  });

  it('includes a time step that stays at its shortest', () => {
    expect(clampVerdict(19, 20)).toBeNull();
    expect(clampVerdict(20, 20)).toMatchObject({ state: E, reason: 'time step at its shortest for 20 steps' });
  });
});
