import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { atomicNumberOf } from '../../core/elements.ts';
import { InputError, NumericalError } from '../../core/errors.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { EV_PER_CUBIC_ANGSTROM_IN_GPA } from '../../core/units.ts';
import { type DataFolder, dataFolders, type EngineFinding, probeEngines } from '../../node/doctor.ts';
import { checkReference, type ReferenceCheck, trialCell } from '../../node/doctor-reference.ts';
import { readFrames } from '../../node/frames.ts';
import { createReference, gatesOf, readReferenceFile } from '../../node/labeller-reference.ts';
import { createLabeller } from '../../node/labeller.ts';
import type { ReferenceSettings } from '../../protocol/run-file-reference.ts';
import { numberOption } from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { renderTable } from '../table.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

/** What a person reads about the engines of this machine. */
function enginesText(engines: readonly EngineFinding[], folders: readonly DataFolder[]): string {
  const columns = [
    { header: 'engine', align: 'left' },
    { header: 'version', align: 'left' },
    { header: 'for', align: 'left' },
    { header: 'where, or how to install it (Debian)', align: 'left' },
  ] as const;
  const rows = engines.map(({ name, version, use, path, note, install }) => [
    name,
    version ?? (path === null ? 'missing' : 'unknown'),
    use,
    [path ?? install ?? '', note].filter((part) => part !== '').join('; '),
  ]);
  const data = folders.map(({ path, use, files }) => `${path}: ${files} ${use}\n`).join('');
  const built =
    'Built in: tb-si (tight binding), sw-si (Stillinger-Weber); kind command runs any program, kind manual waits for you.\n';
  return `${renderTable(columns, rows)}\n${data}${built}`;
}

/** What a person reads about a reference. */
function checkText(check: ReferenceCheck): string {
  const columns = [
    { header: 'derivative', align: 'left' },
    { header: 'along', align: 'left' },
    { header: 'reported' },
    { header: 'of energies' },
    { header: 'allowed' },
    { header: 'unit', align: 'left' },
    { header: '', align: 'left' },
  ] as const;
  const rows = check.checks.map(({ quantity, along, reported, difference, tolerance, agrees }) => {
    const factor = quantity === 'stress' ? EV_PER_CUBIC_ANGSTROM_IN_GPA : 1;
    const numbers = [reported, difference, tolerance].map((x) => (factor * x).toFixed(4));
    return [quantity, along, ...numbers, quantity === 'stress' ? 'GPa' : 'eV/Å', agrees ? 'agrees' : 'DIFFERS'];
  });
  const head = `${check.code}: ${check.atoms} atoms, ${check.energy.toFixed(6)} eV, net force ${check.netForce.toExponential(1)} eV/Å; ${check.labels} labels in ${check.cost.toFixed(1)} s\n\n`;
  const wrong = (quantity: string): boolean => check.checks.some((row) => row.quantity === quantity && !row.agrees);
  const advice = [
    wrong('force')
      ? 'The forces are not derivatives of this energy: check units, signs, and that the energy is the free energy; converge self-consistency.\n'
      : '',
    wrong('stress') && !wrong('force')
      ? 'The stress does not follow the energy: check its unit and sign; with plane waves raise the cutoff (Pulay stress) until it does, or leave the stress out.\n'
      : '',
  ].join('');
  return `${head}${renderTable(columns, rows)}${advice === '' ? 'Forces and stress follow the energy.\n' : advice}`;
}

/** Atomic numbers of the trial cell of a reference. @throws InputError `BAD_OPTION` when only the user can know them */
function elementsOf(settings: ReferenceSettings): number[] {
  if (settings.kind === 'tb-si' || settings.kind === 'sw-si') return [14];
  if (settings.kind === 'quantum-espresso') return Object.keys(settings.pseudopotentials).map(atomicNumberOf);
  throw new InputError(
    'BAD_OPTION',
    `--structure must name a small structure for a reference of kind ${settings.kind}, got nothing`,
  );
}

async function checkOne(path: string, options: VerbOptions, context: VerbContext): Promise<ReferenceCheck> {
  const { settings, baseDirectory } = readReferenceFile(
    resolve(context.cwd, path),
    (options.set as string[] | undefined) ?? [],
    context.env,
  );
  if (settings.kind === 'manual')
    throw new InputError('BAD_OPTION', '--reference must compute by itself to be checked, got kind manual');
  let structure: Structure;
  if (typeof options.structure === 'string') structure = (await readFrames([options.structure])).frames[0]!.structure;
  else structure = trialCell(elementsOf(settings));
  const timeout = numberOption(options, 'timeout', '--timeout', (x) => x > 0, 'a positive number of seconds', 600);
  const reference = await createReference(settings, baseDirectory);
  const directory = mkdtempSync(join(tmpdir(), 'querent-doctor-'));
  // The trial cell is compressed and its net force is what is looked at: the gates of training labels are too narrow.
  const gates = { ...gatesOf(settings.gates), maximumForce: 1000, netForce: 10 };
  const labeller = createLabeller({
    reference,
    directory,
    concurrency: Math.min(2, availableParallelism()),
    timeout,
    gates,
  });
  try {
    return await checkReference(labeller, structure, context.signal);
  } finally {
    await labeller.dispose();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** `querent doctor` */
export const verb: Verb = {
  name: 'doctor',
  summary: 'which reference engines are usable here; whether forces and stress of a reference follow its energy',
  configure(command: Command): void {
    command
      .option(
        '--reference <file>',
        'run file, or a file with its reference section alone: label a small cell and check its derivatives',
      )
      .option('--structure <file>', 'small structure to check it on (default: two atoms of its elements)')
      .option(
        '--set <path=value>',
        'replaces a setting of the reference file; repeatable',
        (value: string, all: string[] = []) => [...all, value],
      )
      .option('--timeout <seconds>', 'longest time of one calculation (default: 600)')
      .option('--json', 'print the findings as JSON')
      .addHelpText(
        'after',
        '\nExit code 1: forces or stress of the reference do not follow its energy, or it could not be run.\n\nExample:\n  querent doctor --reference run.yaml',
      );
  },
  async run(_args, options, context): Promise<number> {
    if (typeof options.reference !== 'string') {
      const [engines, folders] = [await probeEngines(), dataFolders(context.env)];
      context.stdout(
        options.json === true ? `${JSON.stringify({ engines, folders }, null, 1)}\n` : enginesText(engines, folders),
      );
      return EXIT.done;
    }
    let check: ReferenceCheck;
    try {
      check = await checkOne(options.reference, options, context);
    } catch (error) {
      if (options.json !== true || !(error instanceof NumericalError)) throw error;
      context.stdout(`${JSON.stringify({ agrees: false, error: error.message }, null, 1)}\n`);
      return EXIT.error;
    }
    const agrees = check.checks.every((row) => row.agrees);
    context.stdout(options.json === true ? `${JSON.stringify({ agrees, ...check }, null, 1)}\n` : checkText(check));
    return agrees ? EXIT.done : EXIT.error;
  },
};
