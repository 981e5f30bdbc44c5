/**
 * Accuracy on public DFT data, the table of docs/accuracy.md: node bench/accuracy.ts [name…] [--seed n] [--budget n]
 * [--cutoff Å] [--groups]
 * `--groups` adds the errors of every group (config_type).
 * Names are beginnings of those of `accuracy-cases.ts`; without any, all sets that are on this machine.
 */
import { parseArgs } from 'node:util';
import { evaluationTable } from '../src/node/training/tables.ts';
import { allowedThreads, createPool } from '../src/node/workers/pool.ts';
import { CASES, missingFiles, runCase } from './accuracy-cases.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: 'string', default: '1' },
    budget: { type: 'string' },
    cutoff: { type: 'string' },
    groups: { type: 'boolean', default: false },
  },
});
const chosen = CASES.filter(
  ({ name }) =>
    positionals.length === 0 || positionals.some((start) => name.toLowerCase().startsWith(start.toLowerCase())),
);
const cell = (value: number, digits: number): string => (Number.isFinite(value) ? value.toPrecision(digits) : '-');

console.log('| set | structures | functions | E MAE | E RMSE | F MAE | F RMSE | s | peak MiB | must be | published |');
console.log('|---|---|---|---|---|---|---|---|---|---|---|');
for (const one of chosen) {
  const missing = missingFiles(one);
  if (missing.length > 0) {
    console.log(`| ${one.name} | ${missing.join(', ')} not here | | | | | | | | | |`);
    continue;
  }
  const pool = createPool(allowedThreads(), null);
  const { frames, fits, summary, judged, seconds } = await runCase(one, pool, {
    seed: Number(values.seed),
    settings: {
      ...(values.budget === undefined ? {} : { budget: { functions: Number(values.budget) } }),
      ...(values.cutoff === undefined ? {} : { cutoff: Number(values.cutoff) }),
    },
  });
  await pool.dispose();
  const { energy, forces } = summary;
  const must = [one.most.energy, one.most.forces].map((value) => value ?? '-').join(' / ');
  console.log(
    `| ${[
      one.name,
      frames.join('/'),
      [...new Set(fits.map(({ model }) => model.layout.basis))].join(', '),
      cell(1000 * (energy?.mae ?? Number.NaN), 3),
      cell(1000 * (energy?.rmse ?? Number.NaN), 3),
      cell(forces?.mae ?? Number.NaN, 3),
      cell(forces?.rmse ?? Number.NaN, 3),
      String(Math.round(seconds)),
      String(Math.round(process.resourceUsage().maxRSS / 1024)),
      must,
      one.published,
    ].join(' | ')} |`,
  );
  const cutoffs = fits.flatMap(({ choice }) => (choice?.cutoffs == null ? [] : [choice.cutoffs]));
  for (const { cutoff, rule, trials } of cutoffs) {
    const tried = trials.map((trial) => `${trial.cutoff} Å: ${cell(1000 * trial.score, 3)}`).join(', ');
    console.log(`  cutoff ${cutoff} Å, by the rule ${rule} Å; losses in meV/Å ${tried}`);
  }
  if (!values.groups) continue;
  for (const { name, structures, sets } of evaluationTable(judged).rows) {
    const { energyMae, forceMae, forceRmse } = sets[0]!;
    console.log(
      `  ${name}: ${structures} structures, E MAE ${cell(1000 * energyMae, 3)} meV/atom, F MAE ${cell(forceMae, 3)}, F RMSE ${cell(forceRmse, 3)} eV/Å`,
    );
  }
}
