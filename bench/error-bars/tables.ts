import type { TaskResult } from '../error-bars.ts';
import type { ErrorBarCase } from './cases.ts';
import { ESTIMATORS } from './estimators.ts';

type Kind = 'energy' | 'forces';

const mean = (list: readonly number[]): number => {
  const used = list.filter((x) => Number.isFinite(x));
  return used.reduce((sum, x) => sum + x, 0) / used.length;
};
const digits = (value: number, places = 2): string => (Number.isFinite(value) ? value.toFixed(places) : '-');
const range = (list: readonly number[]): string =>
  list.length === 0 ? '-' : `${digits(mean(list))} [${digits(Math.min(...list))}, ${digits(Math.max(...list))}]`;

/** Mean over sets of the mean over fits of a set, so that a set with many groups does not count more. */
function meanBySet(results: readonly TaskResult[], pick: (result: TaskResult) => number): number {
  const sets = new Map<string, number[]>();
  for (const result of results) sets.set(result.set, [...(sets.get(result.set) ?? []), pick(result)]);
  return mean([...sets.values()].map(mean));
}

function block(results: readonly TaskResult[], kind: Kind): string[] {
  const figures = (result: TaskResult, name: string) => result.estimators[name]?.[kind];
  const header = [
    '| estimator | rms z | 90 % | 95 % | ECE | ENCE | CRPS / constant | NLL − constant | ρ / ceiling | AUROC | worst 1 % |',
    '|---|---|---|---|---|---|---|---|---|---|---|',
  ];
  const lines = ESTIMATORS.map(({ name }) => {
    const of = (
      pick: (f: NonNullable<ReturnType<typeof figures>>, base: NonNullable<ReturnType<typeof figures>>) => number,
    ) =>
      meanBySet(results, (result) => {
        const own = figures(result, name);
        const base = figures(result, 'constant');
        return own === undefined || base === undefined ? Number.NaN : pick(own, base);
      });
    const all = results.map((result) => figures(result, name)).filter((f) => f !== undefined);
    return `| ${[
      name,
      range(all.map((f) => f.rmsResidual)),
      range(all.map((f) => f.coverage90)),
      digits(of((f) => f.coverage95)),
      digits(
        of((f) => f.ece),
        3,
      ),
      digits(of((f) => f.ence)),
      digits(of((f, base) => f.crps / base.crps)),
      digits(of((f, base) => f.nll - base.nll)),
      digits(of((f) => f.ranking.rank / f.ranking.ceiling)),
      digits(of((f) => f.ranking.auroc)),
      digits(of((f) => f.ranking.worstFound)),
    ].join(' | ')} |`;
  });
  return [...header, ...lines];
}

/** Coverage of the default on every group that was left out. */
function byGroup(results: readonly TaskResult[], name: string): string[] {
  const header = [
    '| set | group left out | structures | 90 % forces | rms z forces | rms z energies |',
    '|---|---|---|---|---|---|',
  ];
  return [
    ...header,
    ...results
      .filter(({ regime }) => regime === 'OOD')
      .map(({ set, key, structures, estimators }) => {
        const { forces, energy } = estimators[name]!;
        return `| ${set} | ${key.slice(4)} | ${structures} | ${digits(forces?.coverage90 ?? Number.NaN)} | ${digits(forces?.rmsResidual ?? Number.NaN)} | ${digits(energy?.rmsResidual ?? Number.NaN)} |`;
      }),
  ];
}

/** The tables: sets that were looked at, and apart from them those that were not. */
export function tableOf(results: readonly TaskResult[], cases: readonly ErrorBarCase[]): string {
  const lines: string[] = [];
  for (const seen of [true, false]) {
    const names = cases.filter((one) => one.seen === seen).map(({ name }) => name);
    const own = results.filter(({ set }) => names.includes(set));
    if (own.length === 0) continue;
    lines.push(`# ${seen ? 'Sets that were looked at' : 'Sets that were not looked at'}: ${names.join(', ')}`, '');
    for (const kind of ['forces', 'energy'] as const) {
      for (const [regime, few] of [
        ['ID', false],
        ['ID', true],
        ['OOD', false],
        ['OOD', true],
      ] as const) {
        const part = own.filter((result) => result.regime === regime && result.few === few);
        if (part.length === 0) continue;
        const what = `${kind}, ${regime === 'ID' ? 'in distribution' : 'a group left out'}, ${few ? '50 structures' : 'all structures'}`;
        lines.push(`## ${what} (${part.length} fits)`, '', ...block(part, kind), '');
      }
    }
    lines.push('## envelope, group by group', '', ...byGroup(own, 'envelope'), '');
  }
  return lines.join('\n');
}
