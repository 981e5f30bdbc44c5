import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Command } from 'commander';
import { isElement } from '../../core/elements.ts';
import { InputError, NumericalError } from '../../core/errors.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { STRUCTURE_FORMATS, type StructureFormat, structureFormat } from '../../formats/frames.ts';
import { differenceOf, type WrittenFrames, writeFrames } from '../../formats/frames-writer.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import { parseFrames, readFrames } from '../../node/frames.ts';
import { frameName, onFrame } from '../../node/training/check-frames.ts';
import { addLabelKeyOptions, labelKeys } from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { plural } from '../output.ts';
import type { Verb, VerbOptions } from '../verb.ts';

function formatOption(options: VerbOptions, name: string, flag: string): StructureFormat | null {
  const given = options[name];
  if (given === undefined) return null;
  if (!STRUCTURE_FORMATS.includes(given as StructureFormat))
    throw new InputError(
      'BAD_OPTION',
      `${flag} must be one of ${STRUCTURE_FORMATS.join(', ')}, got "${String(given)}"`,
    );
  return given as StructureFormat;
}

/** Elements of `--elements Si,O`. @throws InputError `BAD_OPTION` */
function elementsOption(options: VerbOptions): string[] | null {
  if (options.elements === undefined) return null;
  const elements = String(options.elements)
    .split(',')
    .map((symbol) => symbol.trim());
  const wrong = elements.find((symbol) => !isElement(symbol));
  if (wrong !== undefined)
    throw new InputError('BAD_OPTION', `--elements must be chemical symbols like Si,O, got "${wrong}"`);
  return elements;
}

/** Reads back what is to be written. @throws NumericalError `CONVERSION_DIFFERS` */
async function checkReadBack(written: WrittenFrames, format: StructureFormat, name: string): Promise<void> {
  async function* text(): AsyncGenerator<string> {
    for (const piece of written.pieces) yield piece;
  }
  let k = 0;
  for await (const { frame } of parseFrames(text(), name, format)) {
    const expected = written.expected[k++];
    const difference = expected === undefined ? 'number of structures' : differenceOf(expected, frame, format);
    if (difference !== null)
      throw new NumericalError(
        'CONVERSION_DIFFERS',
        `${expected === undefined ? name : frameName(expected)}: ${difference} read back from ${format} must be what was written; nothing was saved`,
        { difference },
      );
  }
  if (k !== written.expected.length)
    throw new NumericalError(
      'CONVERSION_DIFFERS',
      `${name}: ${written.expected.length} structures must come back from ${format}, got ${k}; nothing was saved`,
    );
}

/** `querent convert IN… -o OUT` */
export const verb: Verb = {
  name: 'convert',
  summary: 'structures from one format to another: extended XYZ, POSCAR, LAMMPS data and dump, CIF',
  configure(command: Command): void {
    command
      .argument(
        '<in...>',
        'structures, file@start:stop:step, - for standard input; the format is told by name or content',
      )
      .requiredOption('-o, --output <file>', 'file to write, gzip where it ends in .gz; - for standard output')
      .option(
        '--format <name>',
        `format to write: ${STRUCTURE_FORMATS.join(', ')}; by default the name of the output says it`,
      )
      .option('--input-format <name>', 'format to read, where neither name nor content tells it')
      .option('--elements <list>', 'elements in the order of the LAMMPS atom types, as Si,O')
      .option('--force', 'replace a file that exists')
      .option('--json', 'print the result as JSON');
    addLabelKeyOptions(command).addHelpText(
      'after',
      '\nExamples:\n  querent convert md.lammpstrj@-1 -o POSCAR --elements Si,O\n  querent convert labelled.xyz@3 -o si.data',
    );
  },
  async run(args, options, context): Promise<number> {
    const output = options.output as string;
    const path = resolve(context.cwd, output);
    const format = formatOption(options, 'format', '--format') ?? structureFormat(output);
    if (format === null)
      throw new InputError(
        'BAD_OPTION',
        `--format must be given (${STRUCTURE_FORMATS.join(', ')}), as the name "${output}" does not say it`,
      );
    const inputFormat = formatOption(options, 'inputFormat', '--input-format');
    const elements = elementsOption(options);
    if (output !== '-') {
      await checkWritable(path);
      if (existsSync(path) && options.force !== true)
        throw new InputError(
          'FILE_EXISTS',
          `output must be a new file, got "${output}", which exists; replace it with --force`,
          {
            path,
          },
        );
    }
    const { frames } = await readFrames(args[0] as string[], {
      ...labelKeys(options),
      ...(inputFormat === null ? {} : { format: inputFormat }),
      ...(elements === null ? {} : { elements }),
    });
    const present = new Set(frames.flatMap(({ structure }) => [...new Set(structure.species)]));
    const written = writeFrames(frames, format, elements === null || present.size === 0 ? {} : { elements }, onFrame);
    await checkReadBack(written, format, output);
    const text = written.pieces.join('');
    if (output === '-') context.stdout(text);
    else await writeFileAtomic(path, /\.gz$/i.test(output) ? gzipSync(text) : text);

    const atoms = frames.reduce((sum, { structure }) => sum + atomCount(structure), 0);
    if (options.json === true && output !== '-') {
      const dropped = Object.fromEntries(written.dropped.map(({ what, structures }) => [what, structures]));
      const result = { output, format, structures: frames.length, atoms, dropped, notes: written.notes };
      context.stdout(`${JSON.stringify(result, null, 1)}\n`);
      return EXIT.done;
    }
    const tell = output === '-' ? context.stderr : context.stdout;
    tell(
      `${output}: ${plural(frames.length, 'structure')}, ${plural(atoms, 'atom')} as ${format}, read back and compared\n`,
    );
    if (written.dropped.length > 0) {
      const list = written.dropped.map(({ what, structures }) =>
        frames.length === 1 ? what : `${what} (${structures})`,
      );
      tell(`left out, as ${format} has no place for it: ${list.join(', ')}\n`);
    }
    for (const note of written.notes) tell(`note: ${note}\n`);
    return EXIT.done;
  },
};
