import { type Motion, structureOf } from '../dynamics/dynamics.ts';
import type { TrustLimits, TrustVerdict } from '../dynamics/verdict.ts';
import { threeDigits } from '../numerics/digits.ts';
import type { TrustSignals } from '../potentials/potential.ts';
import type { Structure } from '../structure/structure.ts';

/** What can be said of a frame at little cost (`MotionScreen` of `core/potentials` does). */
export interface MotionWatch {
  /** Forgets the motion it has watched: what it says afterwards depends on what follows only. */
  restart(): void;
  /** Looks at the next frame of a motion. */
  step(structure: Structure): {
    /** Largest extrapolation grade of the atoms graded at this step. */
    readonly grade: number;
    /** Estimate of the largest calibrated force sigma, eV/Å; NaN at steps without one. */
    readonly forceSigma: number;
    /** Smallest distance over its gate; NaN where `forceSigma` is. */
    readonly distance: number;
  };
}

/** Share of the select limit from which on an estimated force sigma asks for exact signals. */
const NEAR = 0.75;
/** Grades from this multiple of the largest one that exact signals have found harmless ask for exact signals. */
const GROWN = 1.1;
/** Looks in a row that may be spared: exact signals are taken after so many intervals whatever the estimates say. */
export const MOST_SPARED = 4;

/** What is to be done about the trust signals of a frame. */
export interface Glance {
  /** Whether exact signals are to be taken. */
  readonly isDue: boolean;
  /** Where a look was spared: that the frame is trusted, and the estimates that say so. */
  readonly spared: { readonly verdict: TrustVerdict; readonly signals: TrustSignals } | null;
}

const NOTHING: Glance = { isDue: false, spared: null };
const LOOK: Glance = { isDue: true, spared: null };

/**
 * When a walker takes exact trust signals. Without a watch, at every `interval` steps. With one, the frames are watched
 * at every step: a look is spared while the last exact signals were trusted and the estimates are far from every limit,
 * `MOST_SPARED` times in a row at most; and an estimate beyond the break limit asks for one at once. A spared look says
 * trusted; that a frame extrapolates or breaks is said by exact signals only.
 */
export class Lookout {
  private readonly watch: MotionWatch | null;
  private readonly limits: TrustLimits;
  private readonly interval: number;
  private spared = 0;
  private isCalm = false;
  /** The last estimate, and the largest one that exact signals found to be no break. */
  private sigma = Number.NaN;
  private harmlessSigma: number;
  /** Largest grade since the last exact look, and the largest that such a look found trusted. */
  private grade = 0;
  private harmlessGrade = 1;

  /** @param interval steps between looks */
  constructor(watch: MotionWatch | null, limits: TrustLimits, interval: number) {
    this.watch = watch;
    this.limits = limits;
    this.interval = interval;
    this.harmlessSigma = limits.forceSigmaBreak;
    watch?.restart();
  }

  /** Call it once for every frame. @param mustLook whether something else asks for exact signals */
  glance(motion: Motion, mustLook: boolean): Glance {
    const isTurn = motion.step % this.interval === 0;
    const isSound = motion.positions.every(Number.isFinite) && motion.forces.every(Number.isFinite);
    if (this.watch === null || !isSound) return isTurn || mustLook ? LOOK : NOTHING;
    const seen = this.watch.step(structureOf(motion));
    const isNews = !Number.isNaN(seen.forceSigma);
    if (isNews) this.sigma = seen.forceSigma;
    if (seen.grade > this.grade) this.grade = seen.grade;
    // An estimate of which exact signals have said that it is no break must grow to be heard again.
    if (mustLook || (isNews && this.sigma > this.harmlessSigma)) return LOOK;
    if (!isTurn) return NOTHING;
    const isFar =
      this.sigma < NEAR * this.limits.forceSigmaSelect &&
      this.grade < GROWN * this.harmlessGrade &&
      (!isNews || seen.distance >= 1);
    if (!isFar || !this.isCalm || this.spared >= MOST_SPARED || !isNews) return LOOK;
    this.spared++;
    return { isDue: false, spared: this.sparedLook(seen.distance) };
  }

  private sparedLook(distance: number): { verdict: TrustVerdict; signals: TrustSignals } {
    const limit = NEAR * this.limits.forceSigmaSelect;
    const reason = `estimated force sigma ${threeDigits(this.sigma)} eV/Å below ${threeDigits(limit)}`;
    const unknown = { forceSigma: Number.NaN, leverage: Number.NaN, novelty: Number.NaN };
    return {
      verdict: { state: 'trusted', reason, value: this.sigma, limit },
      signals: { ...unknown, distance, atom: -1 },
    };
  }

  /** Tells what exact signals say of the frame of the last glance. */
  learn(state: TrustVerdict['state']): void {
    this.spared = 0;
    this.isCalm = state === 'trusted';
    if (this.isCalm && this.grade > this.harmlessGrade) this.harmlessGrade = this.grade;
    this.grade = 0;
    if (state !== 'broken' && this.sigma > this.harmlessSigma) this.harmlessSigma = GROWN * this.sigma;
  }

  /** Begins anew at another frame. */
  restart(): void {
    this.watch?.restart();
    this.spared = 0;
    this.isCalm = false;
    this.sigma = Number.NaN;
    this.grade = 0;
  }
}
