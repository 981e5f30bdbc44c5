import type { Command } from 'commander';
import { forecastSentence } from '../../loop/forecast.ts';
import { statusOf } from '../../loop/status.ts';
import { latestModelFile } from '../../node/store/run-directory.ts';
import { criteriaTable, criterionLabel, curveTable, formatCounts, formatSeconds } from '../output.ts';
import { openRun } from '../run-store.ts';
import { percent } from '../table.ts';
import type { Verb } from '../verb.ts';

/** `querent status DIR` */
export const verb: Verb = {
  name: 'status',
  summary: 'where a run stands and which criterion binds',
  configure(command: Command): void {
    command
      .argument('<directory>', 'run directory')
      .option('--json', 'print the status as JSON')
      .addHelpText('after', '\nExample:\n  querent status runs/silicon');
  },
  async run(args, options, context): Promise<number> {
    const { state, runFile, store } = openRun(args[0] as string, context.cwd);
    const holder = store.holder();
    const { damage } = store;
    store.close();
    const status = statusOf(state, runFile);
    if (damage !== null) context.stderr(`warning: ${damage.message}\n`);
    if (options.json === true) {
      context.stdout(`${JSON.stringify(status, null, 1)}\n`);
      return 0;
    }
    const {
      name,
      phase,
      iteration,
      labels,
      failures,
      rejections,
      budget,
      criteria,
      preconditions,
      cost,
      reason,
      assessedRound,
      binding,
      curve,
      forecasts,
    } = status;
    const running = holder === null ? '' : ` (process ${holder.pid} on ${holder.host} is running it)`;
    const lines = [
      `${name}: ${phase}, round ${iteration}${running}`,
      `training    ${formatCounts(labels.training)}  (${budget.spent} of ${budget.labels} asked)`,
      `assessment  ${formatCounts(labels.assessment)}`,
      `reference   ${formatSeconds(cost)} of computing`,
    ];
    const reasons = (counts: Readonly<Record<string, number>>): string =>
      Object.entries(counts)
        .map(([why, count]) => `${why} ${count}`)
        .join(', ');
    if (Object.keys(failures).length > 0) lines.push(`failed      ${reasons(failures)}`);
    if (Object.keys(rejections).length > 0) lines.push(`rejected    ${reasons(rejections)}`);
    if (criteria.length > 0) {
      lines.push('', `round ${assessedRound}:`, criteriaTable(criteria, preconditions).trimEnd());
      if (binding !== null)
        lines.push(`binding: ${criterionLabel(binding.name)}, at ${percent(binding.ratio)} of its tolerance`);
      lines.push('', curveTable(curve).trimEnd(), ...forecasts.map(forecastSentence));
    }
    const told = status.stopped !== null || state.paused !== null || criteria.length === 0;
    if (told) lines.push('', reason);
    const model = latestModelFile(state);
    if (model !== null) lines.push(`latest model: ${args[0]}/${model}`);
    context.stdout(`${lines.join('\n')}\n`);
    return 0;
  },
};
