import { mkdir } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { distanceGates } from '../../core/potentials/linear-model.ts';
import { gradeLines, lammpsInput, potentialLines } from '../../formats/lammps-input.ts';
import { type PotentialFormat, potentialFormat } from '../../formats/potential-file.ts';
import { checkWritable, writeError, writeFileAtomic } from '../../node/files.ts';
import { exportBBasis } from '../../node/training/export-bbasis.ts';
import { CHECKED_STRUCTURES, type ExportDifference } from '../../node/training/export-check.ts';
import { exportYace } from '../../node/training/export-yace.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { EXIT } from '../errors.ts';
import type { Verb, VerbOptions } from '../verb.ts';

/** Name of the input that `--lammps` writes. */
const LAMMPS_INPUT = 'in.querent';

/** Format that is asked for by `--format` or the ending. @throws InputError `BAD_OPTION` */
function formatOf(options: VerbOptions, output: string): PotentialFormat {
  const said = potentialFormat(output);
  if (said === null) throw new InputError('BAD_OPTION', `--output must end in .yace or .yaml, got "${output}"`);
  if (options.format !== undefined && options.format !== said)
    throw new InputError(
      'BAD_OPTION',
      `--format must be that of the ending of --output, got ${String(options.format)} for "${output}"`,
    );
  return said;
}

/** Name of the active set beside a potential. */
function activeSetPath(output: string): string {
  return output.replace(/\.ya?ml$/i, '.asi');
}

/** `querent export MODEL` */
export const verb: Verb = {
  name: 'export',
  summary: 'a potential for LAMMPS (.yace, or .yaml with .asi for extrapolation grades), re-read and re-evaluated',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file')
      .requiredOption(
        '-o, --output <file>',
        'file to write; its ending says the format: .yace, or .yaml, which comes with an .asi of the same name',
      )
      .option('--format <name>', 'yace or yaml; by default the ending of the output says it')
      .option('--lammps <folder>', `also write ${LAMMPS_INPUT} there: molecular dynamics that keeps what extrapolates`)
      .option('--json', 'print the result as JSON')
      .addHelpText(
        'after',
        '\nExamples:\n  querent export si.model -o si.yace\n  querent export si.model -o si.yaml --lammps md',
      );
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const output = options.output as string;
    const format = formatOf(options, output);
    const folder = options.lammps as string | undefined;
    const activeSet = format === 'yaml' ? activeSetPath(output) : null;
    const full = (name: string): string => resolve(context.cwd, name);
    if (folder !== undefined) await makeFolder(full(folder));
    const written = [output, ...(activeSet === null ? [] : [activeSet])];
    const input = folder === undefined ? null : join(folder, LAMMPS_INPUT);
    for (const name of [...written, ...(input === null ? [] : [input])]) await checkWritable(full(name));

    const { model, basis } = await readModelFile(full(path), path);
    const { elements } = model.specification;
    let difference: ExportDifference;
    let pseudoRows: readonly number[] = [];
    if (activeSet === null) {
      const { text, ...rest } = exportYace(model, basis, output);
      difference = rest;
      await writeFileAtomic(full(output), text);
    } else {
      const exported = exportBBasis(model, basis, output);
      difference = exported;
      pseudoRows = exported.pseudoRows;
      await writeFileAtomic(full(activeSet), exported.activeSet);
      await writeFileAtomic(full(output), exported.text);
    }
    const potential = { elements, file: output, activeSet };
    if (input !== null) {
      const from = (name: string): string => relative(full(folder!), full(name));
      const moved = { elements, file: from(output), activeSet: activeSet === null ? null : from(activeSet) };
      await writeFileAtomic(full(input), lammpsInput(moved));
    }

    const lammps = [...potentialLines(potential), ...(activeSet === null ? [] : gradeLines(elements))];
    const { energyDifference, forceDifference, gradeDifference } = difference;
    if (options.json === true) {
      const result = {
        file: output,
        activeSet,
        input,
        functions: basis.offsets.at(-1),
        energyDifference,
        forceDifference,
        gradeDifference,
        pseudoRows: Object.fromEntries(pseudoRows.map((count, e) => [elements[e]!, count])),
        lammps,
      };
      context.stdout(`${JSON.stringify(result, null, 1)}\n`);
      return EXIT.done;
    }
    const gate = Math.min(...distanceGates(model.specification).flat());
    const grades = gradeDifference === null ? '' : `, grades within ${gradeDifference.toExponential(1)}`;
    const uncovered = pseudoRows
      .map((count, e) => ({ count, element: elements[e]! }))
      .filter(({ count }) => count > 0)
      .map(({ count, element }) => `${count} of ${element}`);
    context.stdout(
      `${written.join(', ')}: ${basis.offsets.at(-1)} functions of ${elements.join(', ')}, read back and compared on ${CHECKED_STRUCTURES} structures: energies within ${energyDifference.toExponential(1)} eV, forces within ${forceDifference.toExponential(1)} eV/Å${grades}\n${
        uncovered.length === 0
          ? ''
          : `directions of descriptors that no training atom covers, where grades rise fast: ${uncovered.join(', ')}\n`
      }${input === null ? '' : `${input}: molecular dynamics of structure.data (querent convert STRUCTURE -o ${join(folder!, 'structure.data')})\n`}in LAMMPS (the potential is not to be trusted where two atoms come closer than ${gate.toFixed(2)} Å):\n${lammps
        .map((line) => `  ${line}`)
        .join('\n')}\n`,
    );
    return EXIT.done;
  },
};

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (error) {
    throw writeError(error, path);
  }
}
