/**
 * Ratios that say how fast this is, measured side by side in one process: see docs/performance.md.
 *
 *     npm run bench                                  everything but other programs, some minutes
 *     npm run bench -- energy rows --rounds 15       subjects by name
 *     npm run bench -- --document                    and write docs/performance.md with its plot
 *     npm run bench -- --from FILE.json --document   the same from a run that was kept
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { FEWEST_ROUNDS } from './contest.ts';
import { describeMachine } from './machine.ts';
import { benchMarkdown, withBench } from './report/markdown.ts';
import { benchPlot } from './report/plot.ts';
import { type BenchReport, collectingReporter } from './report/report.ts';
import { terminalReporter } from './report/terminal.ts';
import { threeDigits } from './statistics.ts';
import { energy } from './subjects/energy.ts';
import { fit } from './subjects/fit.ts';
import { linear } from './subjects/linear.ts';
import { peers } from './subjects/peers.ts';
import { prediction } from './subjects/prediction.ts';
import { rows } from './subjects/rows.ts';
import { scaling } from './subjects/scaling.ts';
import { threads } from './subjects/threads.ts';
import { openWorkbench } from './workbench.ts';

const SUBJECTS = { energy, rows, linear, fit, prediction, threads, scaling, peers };
type Subject = keyof typeof SUBJECTS;
/** Rounds of a run that does not say how many. */
const ROUNDS = 15;
/** Seconds of turns after which a contest of long turns ends early. */
const BUDGET = 20;

const RESULTS = new URL('./results/', import.meta.url);
const PAGE = fileURLToPath(new URL('../docs/performance.md', import.meta.url));
const PLOT = fileURLToPath(new URL('../docs/performance.svg', import.meta.url));
const HELP = `npm run bench -- [${Object.keys(SUBJECTS).join('|')}]… [options]

  --rounds N    rounds that count (default ${ROUNDS}; contests of long turns end after ${FEWEST_ROUNDS} or more)
  --turn MS     least length of a turn, ms (default 50)
  --peers       other programs too (ace-jax in a throw-away environment, lmp on the path)
  --document    write docs/performance.md and its plot
  --from FILE   measure nothing: take the JSON of a run that was kept

Results, all rounds included, are kept in bench/results/. Yardsticks of others are made on first use in the user's cache
folder (QUERENT_PACE_VENV: an environment with python-ace; QUERENT_CACHE: another folder).
`;

const write = (text: string): void => void process.stdout.write(text);

/** Writes the page of the documentation and its plot. */
function writePage(report: BenchReport): void {
  writeFileSync(PAGE, withBench(readFileSync(PAGE, 'utf8'), benchMarkdown(report, basename(PLOT))));
  writeFileSync(PLOT, benchPlot(report));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: 'string', default: String(ROUNDS) },
      turn: { type: 'string', default: '50' },
      peers: { type: 'boolean', default: false },
      document: { type: 'boolean', default: false },
      from: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const [rounds, turn] = [Number(values.rounds), Number(values.turn) / 1000];
  const unknown = positionals.filter((name) => !(name in SUBJECTS));
  const invalid = unknown.length > 0 || !(Number.isInteger(rounds) && rounds > 0) || !(turn > 0);
  if (values.help || invalid) {
    if (unknown.length > 0) write(`subjects must be of those below, got ${unknown.join(', ')}\n\n`);
    write(HELP);
    return values.help ? 0 : 2;
  }
  if (values.from !== undefined) {
    const kept = JSON.parse(readFileSync(values.from, 'utf8')) as BenchReport;
    if (values.document) writePage(kept);
    else write(`${benchMarkdown(kept, null)}\n`);
    return 0;
  }
  const started = performance.now();
  const names = positionals.length > 0 ? (positionals as Subject[]) : (Object.keys(SUBJECTS) as Subject[]);
  const chosen = names.filter((name) => name !== 'peers' || values.peers || positionals.includes('peers'));
  const reporter = collectingReporter(terminalReporter(write));
  const bench = openWorkbench({ rounds, turn, budget: BUDGET }, reporter);
  const machine = describeMachine(bench.kernels[0]!.name, new Date());
  write(`${machine.processor}, ${machine.cores} cores; Node ${machine.node}, kernels ${machine.kernels}\n`);
  write(`medians [quartiles] of ${rounds} rounds; clock: ${machine.clock}\n`);
  let failed = 0;
  for (const name of chosen) {
    try {
      await SUBJECTS[name](bench);
    } catch (error) {
      failed++;
      reporter.note(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
  }
  bench.dispose();
  const { contests, scalings, notes } = reporter;
  const report: BenchReport = { machine, rounds, contests, scalings, notes };

  const stem = `${new Date().toISOString().slice(0, 19).replaceAll(':', '-')}-${chosen.join('-')}`;
  mkdirSync(RESULTS, { recursive: true });
  const save = (end: string, text: string): string => {
    const file = fileURLToPath(new URL(`${stem}.${end}`, RESULTS));
    writeFileSync(file, text);
    return file;
  };
  const files = [
    save('json', `${JSON.stringify(report, null, 1)}\n`),
    save('md', `${benchMarkdown(report, `${stem}.svg`)}\n`),
    save('svg', benchPlot(report)),
  ];
  if (values.document) {
    writePage(report);
    files.push(PAGE, PLOT);
  }
  const missed = contests.flatMap(({ ratios }) => ratios).filter(({ met }) => met === false).length;
  write(`\n${threeDigits((performance.now() - started) / 60_000)} minutes; ${missed} targets missed; written:\n`);
  for (const file of files) write(`  ${file}\n`);
  return failed > 0 ? 1 : 0;
}

process.exitCode = await main();
