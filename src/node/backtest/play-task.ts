import type { Arm, PlaySettings, RunResult } from '../../core/backtest/play.ts';
import { playArm } from '../../core/backtest/play.ts';
import type { BacktestSplit, PoolRows } from '../../core/backtest/pool-rows.ts';
import type { Machine } from '../workers/machine.ts';

/** The worker's task: one run of a back-test. */
export function backtestRun(
  machine: Machine,
  argument: { pool: PoolRows; split: BacktestSplit; arm: Arm; settings: PlaySettings },
): RunResult {
  return playArm(argument.pool, argument.split, argument.arm, argument.settings, machine.kernels);
}
