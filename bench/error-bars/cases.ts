import type { BacktestSettings } from '../../src/node/backtest/settings.ts';
import { DEFAULT_BACKTEST } from '../../src/node/backtest/settings.ts';
import { BACKTEST_CASES } from '../backtest-cases.ts';

/** A set of labelled structures on which estimators of error bars are compared. */
export interface ErrorBarCase {
  readonly name: string;
  readonly files: readonly string[];
  readonly settings: Pick<BacktestSettings, 'model' | 'data'>;
  /** Whether the set was looked at while the default was chosen; the others are reported apart. */
  readonly seen: boolean;
  /** Groups that are left out one at a time; those with fewer structures are not. */
  readonly leastGroup: number;
}

const backtest = (name: string): Pick<BacktestSettings, 'model' | 'data'> =>
  BACKTEST_CASES.find((one) => one.name === name)!.settings;

const plain = (changes: Partial<BacktestSettings['model']>, data: Partial<BacktestSettings['data']> = {}) => ({
  model: { ...DEFAULT_BACKTEST.model, ...changes },
  data: { ...DEFAULT_BACKTEST.data, ...data },
});

const mlearn = (element: string): string[] => [`mlearn/${element}_train.xyz.gz`, `mlearn/${element}_test.xyz.gz`];

/** The sets of docs/error-bars.md, in its order. */
export const ERROR_BAR_CASES: readonly ErrorBarCase[] = [
  { name: 'Si', files: mlearn('Si'), settings: plain({ preset: 'medium' }), seen: true, leastGroup: 8 },
  { name: 'Ge', files: mlearn('Ge'), settings: plain({}), seen: true, leastGroup: 8 },
  {
    name: 'Cu',
    files: mlearn('Cu'),
    settings: plain({ virialRatio: null }),
    seen: true,
    leastGroup: 8,
  },
  { name: 'Ta', files: ['fitsnap_Ta/Ta.xyz.gz'], settings: backtest('Ta'), seen: true, leastGroup: 3 },
  { name: 'W', files: ['w_uq/W_dev.xyz.gz'], settings: backtest('W'), seen: true, leastGroup: 12 },
  { name: 'CuAce', files: ['cu_ace21/Cu_df2_1k.xyz.gz'], settings: backtest('CuAce'), seen: true, leastGroup: 12 },
  {
    name: 'Ni',
    files: ['mlearn/Ni_train.xyz.gz'],
    settings: plain({ virialRatio: null }),
    seen: false,
    leastGroup: 8,
  },
  {
    name: 'InP',
    files: ['fitsnap_InP/InP.xyz.gz'],
    settings: plain({}, { sample: 400, leastGroup: 12 }),
    seen: false,
    leastGroup: 12,
  },
  {
    name: 'NbTaW',
    files: ['nbmotaw/NbTaW_train.xyz.gz', 'nbmotaw/NbTaW_test.xyz.gz'],
    settings: plain({}, { sample: 400, leastGroup: 12, maxForce: 10 }),
    seen: false,
    leastGroup: 12,
  },
  {
    name: 'ethanol',
    files: ['ethanol/train.xyz.gz'],
    settings: plain({ virialRatio: null }, { sample: 400 }),
    seen: false,
    leastGroup: 12,
  },
];
