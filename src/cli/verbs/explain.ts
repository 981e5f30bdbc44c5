import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { symbolOf } from '../../core/elements.ts';
import { InputError } from '../../core/errors.ts';
import { cellVolume } from '../../core/structure/cell.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { LabelExchange, LabelExplanation } from '../../loop/explain.ts';
import { explainLabel, explainRun, findLabel, labelExchange } from '../../loop/explain.ts';
import type { LoopState } from '../../loop/state.ts';
import { orderedLabels } from '../../loop/state.ts';
import type { TelemetryRow } from '../../loop/store.ts';
import { readFrames } from '../../node/frames.ts';
import { EXIT } from '../errors.ts';
import { criteriaTable, criterionLabel, formatSeconds, plural } from '../output.ts';
import { openRun } from '../run-store.ts';
import { cell, renderTable } from '../table.ts';
import type { Verb, VerbContext } from '../verb.ts';

/** Everything that is said of one label; `files` are those of its calculation. */
interface WholeLabel extends LabelExplanation, LabelExchange {
  readonly files: readonly string[];
}

/** `Ga1 As1, cell 157.46 Å³`: atoms by element, and the volume where there is a cell. */
function composition({ species, cell: vectors }: Structure): string {
  const counts = new Map<number, number>();
  for (const z of species) counts.set(z, (counts.get(z) ?? 0) + 1);
  const atoms = [...counts].map(([z, count]) => `${symbolOf(z)}${count}`).join(' ');
  return vectors === null ? atoms : `${atoms}, cell ${cellVolume(vectors).toFixed(2)} Å³`;
}

/** The label as JSON shows it: symbols for atomic numbers, plain arrays, settings as data. */
function plainLabel({ input, output, fingerprint, ...rest }: WholeLabel): object {
  const { positions, cell: vectors, pbc, species } = input;
  return {
    ...rest,
    input: {
      species: Array.from(species, symbolOf),
      positions: [...positions],
      cell: vectors && [...vectors],
      pbc,
    },
    output: output && { ...output, forces: [...output.forces], virial: output.virial && [...output.virial] },
    fingerprint: fingerprint && { ...fingerprint, settings: JSON.parse(fingerprint.settings) as unknown },
  };
}

function describe(label: WholeLabel): string {
  const { id, role, round, status, origin, chosen, energy, maxForce, cost, retries, message, directory } = label;
  const { input, fingerprint, files } = label;
  const signals = Object.entries(origin.signals).map(([name, value]) => `${name} ${cell(value)}`);
  const lines = [`${id}: ${role} label of round ${round}, ${status}`, `  from    ${origin.kind}, ${origin.reason}`];
  if (origin.kind === 'exploration' || origin.kind === 'assessment') {
    const place = `walker ${origin.walker} at step ${origin.step}, ${cell(origin.temperature)} K`;
    lines.push(`          ${place}${origin.censored ? '; the last trusted frame of a walker that broke' : ''}`);
  }
  if (signals.length > 0) lines.push(`  trust   ${signals.join(', ')}`);
  const rank = chosen.of > 0 ? `; ${chosen.rank} of ${chosen.of}` : '';
  const pool = chosen.poolSize > 0 && role === 'training' ? ` from ${plural(chosen.poolSize, 'candidate')}` : '';
  lines.push(`  chosen  ${chosen.reason}${rank}${pool}`);
  if (chosen.gain !== null) lines.push(`          gain ${cell(chosen.gain)}`);
  lines.push(`  input   ${composition(input)}`);
  if (energy !== null) {
    lines.push(`  output  energy ${cell(energy, 8)} eV, largest force ${cell(maxForce)} eV/Å, ${formatSeconds(cost)}`);
  }
  if (retries > 0) lines.push(`  tried   ${plural(retries, 'time')} before`);
  if (message !== '') lines.push(`  said    ${message}`);
  if (fingerprint !== null) {
    lines.push(`  by      ${fingerprint.code}, ${fingerprint.settings}`);
    for (const [name, sha256] of Object.entries(fingerprint.files)) lines.push(`          ${name} sha256 ${sha256}`);
  }
  if (directory !== null) lines.push(`  files   ${directory}: ${files.length === 0 ? 'removed' : files.join(' ')}`);
  if (label.taughtSince !== null) lines.push(`  teaches the models since round ${label.taughtSince}`);
  return `${lines.join('\n')}\n`;
}

/** Training labels in the order in which they were asked for, with what made each the choice. */
function labelTable(state: LoopState): string {
  const rows = orderedLabels(state, 'training').map(
    ({ id, round, status, withdrawn, gain, origin, selectionReason }) => [
      id.slice(0, 10),
      String(round),
      withdrawn ? 'withdrawn' : status,
      cell(gain),
      origin.kind === 'exploration' ? `${selectionReason}; ${origin.reason}` : origin.reason,
    ],
  );
  return renderTable(
    [
      { header: 'label', align: 'left' },
      { header: 'round' },
      { header: 'status', align: 'left' },
      { header: 'gain' },
      { header: 'why', align: 'left' },
    ],
    rows,
  );
}

/** Decisions of the walkers' guards, oldest first. */
function decisionTable(rows: readonly TelemetryRow[]): string {
  return renderTable(
    [
      { header: 'round' },
      { header: 'walker' },
      { header: 'step' },
      { header: 'time fs' },
      { header: 'state', align: 'left' },
      { header: 'did', align: 'left' },
      { header: 'because', align: 'left' },
    ],
    rows.map(({ round, data }) => [
      String(round),
      String(data.walker),
      String(data.step),
      cell(Number(data.time)),
      String(data.state),
      String(data.action),
      String(data.reason),
    ]),
  );
}

/** What `querent select` wrote of each structure of a file. @throws InputError `NO_SELECTION` where it did not */
async function explainSelection(path: string, shown: string, context: VerbContext, isJson: boolean): Promise<number> {
  const { frames } = await readFrames([path]);
  const rows = frames.map(({ structure, info, source }) => {
    if (info.selection_reason === undefined) {
      const message = `${shown}:${source.line}: structure ${source.index} must carry selection_reason, as querent select writes it, got none`;
      throw new InputError('NO_SELECTION', message);
    }
    return {
      index: Number(info.selection_index),
      atoms: atomCount(structure),
      strategy: String(info.selection_strategy),
      gain: info.selection_gain === undefined ? null : Number(info.selection_gain),
      cost: Number(info.selection_cost),
      reason: String(info.selection_reason),
    };
  });
  if (isJson) {
    context.stdout(`${JSON.stringify(rows, null, 1)}\n`);
    return EXIT.done;
  }
  const table = renderTable(
    [{ header: '#' }, { header: 'atoms' }, { header: 'gain' }, { header: 'cost' }, { header: 'why', align: 'left' }],
    rows.map(({ index, atoms, gain, cost, reason }) => [String(index), String(atoms), cell(gain), cell(cost), reason]),
  );
  context.stdout(`${table}\nby ${[...new Set(rows.map(({ strategy }) => strategy))].join(', ')}\n`);
  return EXIT.done;
}

/** `querent explain DIR [ID]` */
export const verb: Verb = {
  name: 'explain',
  summary: 'why a structure was chosen, or why the run has not stopped',
  configure(command: Command): void {
    command
      .argument('<directory>', 'run directory; or a file that querent select wrote')
      .argument('[id]', 'label, or the beginning of its id; without it the run itself')
      .option('--decisions', 'what the guards of the walkers saw and did, step by step')
      .option('--json', 'print it as JSON')
      .addHelpText('after', '\nExample:\n  querent explain runs/silicon\n  querent explain runs/silicon 3f2a');
  },
  async run(args, options, context): Promise<number> {
    const id = args[1] as string | undefined;
    const given = resolve(context.cwd, args[0] as string);
    if (existsSync(given) && statSync(given).isFile())
      return explainSelection(given, args[0] as string, context, options.json === true);
    const { directory, state, runFile, store } = openRun(args[0] as string, context.cwd);
    let decisions: readonly TelemetryRow[] = [];
    let whole: WholeLabel | null = null;
    try {
      if (options.decisions === true) decisions = store.telemetry('decision');
      else if (id !== undefined) {
        const label = findLabel(state, id);
        const folder = label.directory === null ? null : join(directory, label.directory);
        const files = folder !== null && existsSync(folder) ? readdirSync(folder).sort() : [];
        whole = { ...explainLabel(state, label), ...labelExchange(store, label), files };
      }
    } finally {
      store.close();
    }
    if (options.decisions === true) {
      if (options.json === true)
        context.stdout(
          `${JSON.stringify(
            decisions.map(({ round, data }) => ({ round, ...data })),
            null,
            1,
          )}\n`,
        );
      else context.stdout(decisionTable(decisions));
      return 0;
    }
    const json = (value: unknown): void => context.stdout(`${JSON.stringify(value, null, 1)}\n`);
    if (whole !== null) {
      if (options.json === true) json(plainLabel(whole));
      else context.stdout(describe(whole));
      return 0;
    }
    const explanation = explainRun(state, runFile);
    if (options.json === true) json(explanation);
    else {
      const { criteria, preconditions, binding, missing, round, sentences } = explanation;
      const lines = [...sentences];
      if (missing.length > 0) {
        const furthest =
          binding !== null && binding.ratio > 1 && Number.isFinite(binding.ratio)
            ? `; furthest off is the ${criterionLabel(binding.name)}, ${binding.ratio.toFixed(2)} times its tolerance`
            : '';
        lines.push(
          `The model of round ${round} misses ${missing.length} of ${criteria.length + preconditions.length} conditions${furthest}.`,
        );
      }
      if (criteria.length > 0) lines.push('', criteriaTable(criteria, preconditions).trimEnd());
      lines.push('', labelTable(state).trimEnd(), '', `querent explain ${String(args[0])} ID says all of one label.`);
      context.stdout(`${lines.join('\n')}\n`);
    }
    return 0;
  },
};
