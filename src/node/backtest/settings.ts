import type { RepulsionRange } from '../../core/backtest/zbl-reference.ts';
import type { PlaySettings } from '../../core/backtest/play.ts';
import type { FitSettings } from '../training/settings.ts';

/** What the model of a back-test is and how labels count. */
export interface ModelSettings {
  readonly preset: 'small' | 'medium' | 'large';
  readonly nmax: readonly number[] | null;
  readonly lmax: readonly number[] | null;
  /** Å; null: from the typical bond length. */
  readonly cutoff: number | null;
  /** σ_E/σ_F, Å, and σ_V/σ_F, Å; the latter null: virials are not used. */
  readonly energyRatio: number;
  readonly virialRatio: number | null;
  /** Repulsion that labels are counted from, or null. */
  readonly repulsion: RepulsionRange | null;
  /** Weights by group and kind, as of a fit; a kind of weight 0 is neither learned nor judged. */
  readonly weights: FitSettings['weights'];
  /** eV/atom; energies and virials of frames so far above the lowest lose half their weight on the noise; null for none. */
  readonly energyWindow: number | null;
}

/** Which frames take part. */
export interface DataSettings {
  /** eV/Å; frames with a larger force component are left out. */
  readonly maxForce: number | null;
  /** eV/atom; frames of a higher energy are left out. */
  readonly maxEnergy: number | null;
  /** Groups that take part; empty for all. */
  readonly only: readonly string[];
  /** Random sample of so many frames; null for all. */
  readonly sample: number | null;
  /** Info key of the groups; null: config_type, or classes of size and force where that tells little. */
  readonly groupKey: string | null;
  /** Groups of fewer frames are put together. */
  readonly leastGroup: number;
  /** Every structure so many times, displaced at random by `jitter` Å. */
  readonly copies: number;
  readonly jitter: number;
}

/** Everything that fixes a back-test but its arms. */
export interface BacktestSettings {
  readonly model: ModelSettings;
  readonly data: DataSettings;
  readonly play: PlaySettings;
  readonly testShare: number;
  readonly heldOut: readonly string[];
}

/** Defaults of a back-test. */
export const DEFAULT_BACKTEST: BacktestSettings = {
  model: {
    preset: 'small',
    nmax: null,
    lmax: null,
    cutoff: null,
    energyRatio: 0.05,
    virialRatio: 2,
    repulsion: null,
    weights: {},
    energyWindow: null,
  },
  data: {
    maxForce: null,
    maxEnergy: null,
    only: [],
    sample: null,
    groupKey: null,
    leastGroup: 8,
    copies: 1,
    jitter: 1e-4,
  },
  play: {
    initial: 5,
    initialBy: 'random',
    ownInitial: false,
    batch: 5,
    end: 0.5,
    targetGroup: null,
    seed: 1,
  },
  testShare: 0.25,
  heldOut: [],
};
