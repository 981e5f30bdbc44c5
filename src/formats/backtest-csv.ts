import type { BacktestComparison, Comparison, Spread } from '../core/backtest/compare.ts';
import type { RunResult } from '../core/backtest/play.ts';

function line(cells: readonly (string | number | null)[]): string {
  return cells
    .map((cell) => (cell === null || (typeof cell === 'number' && Number.isNaN(cell)) ? '' : String(cell)))
    .join(',');
}

/** Learning curves of all runs, a line for each point; errors in eV/atom and eV/Å. */
export function backtestCurvesCsv(runs: readonly RunResult[]): string {
  const header =
    'strategy,split,run,labels,atoms,energy_mae,energy_rmse,force_mae,force_rmse,energy_mae_balanced,force_rmse_balanced,' +
    'held_out_energy_mae,held_out_force_rmse,target_energy_mae,target_force_rmse,ece_energy,ece_forces,coverage95_energy,coverage95_forces';
  const rows = runs.flatMap(({ strategy, split, run, curve }) =>
    curve.map(({ labels, atoms, energy, forces, balanced, heldOut, target, calibration }) =>
      line([
        strategy,
        split,
        run,
        labels,
        atoms,
        energy.mae,
        energy.rmse,
        forces.mae,
        forces.rmse,
        balanced.energy.mae,
        balanced.forces.rmse,
        heldOut?.balanced.energy.mae ?? null,
        heldOut?.balanced.forces.rmse ?? null,
        target?.energy.mae ?? null,
        target?.forces.rmse ?? null,
        calibration.energy.ece,
        calibration.forces.ece,
        calibration.energy.coverage95,
        calibration.forces.coverage95,
      ]),
    ),
  );
  return `${[header, ...rows].join('\n')}\n`;
}

/** Comparisons of all strategies, a line for each yardstick and error: medians over splits with least and largest. */
export function backtestComparisonCsv(comparison: BacktestComparison): string {
  const spread = (value: Spread | null): (number | string)[] =>
    value === null ? ['saturated', '', ''] : [value.median, value.low, value.high];
  const header = ['mean', 'worst', 'labels', 'atoms'].flatMap((name) => [name, `${name}_low`, `${name}_high`]);
  const lines = [line(['strategy', 'yardstick', 'error', ...header])];
  const add = (strategy: string, yardstick: string, byMetric: Partial<Record<string, Comparison>>): void => {
    for (const [metric, found] of Object.entries(byMetric)) {
      const { mean, worst, labels, atoms } = found!;
      lines.push(line([strategy, yardstick, metric, ...[mean, worst, labels, atoms].flatMap(spread)]));
    }
  };
  if (comparison.chance !== null) add('random', 'random', comparison.chance);
  for (const [strategy, found] of Object.entries(comparison.againstRandom)) add(strategy, 'random', found);
  for (const [strategy, found] of Object.entries(comparison.againstBalanced ?? {}))
    add(strategy, 'cluster-balanced-random', found);
  return `${lines.join('\n')}\n`;
}
