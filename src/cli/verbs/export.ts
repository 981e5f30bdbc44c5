import { resolve } from 'node:path';
import type { Command } from 'commander';
import { InputError } from '../../core/errors.ts';
import { distanceGates } from '../../core/potentials/linear-model.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import { exportYace } from '../../node/training/export-yace.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { EXIT } from '../errors.ts';
import type { Verb } from '../verb.ts';

/** `querent export MODEL` */
export const verb: Verb = {
  name: 'export',
  summary: 'a potential file for LAMMPS (.yace), re-read and re-evaluated',
  configure(command: Command): void {
    command
      .argument('<model>', 'model file')
      .requiredOption('-o, --output <file>', 'file to write; its ending says the format: .yace')
      .option('--json', 'print the result as JSON')
      .addHelpText('after', '\nExample:\n  querent export si.model -o si.yace');
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const output = options.output as string;
    if (!/\.yace$/i.test(output)) throw new InputError('BAD_OPTION', `--output must end in .yace, got "${output}"`);
    await checkWritable(resolve(context.cwd, output));
    const { model, basis } = await readModelFile(resolve(context.cwd, path), path);
    const { text, energyDifference, forceDifference } = exportYace(model, basis, output);
    await writeFileAtomic(resolve(context.cwd, output), text);
    const elements = model.specification.elements;
    if (options.json === true) {
      context.stdout(
        `${JSON.stringify({ file: output, functions: model.layout.basis, energyDifference, forceDifference, lammps: lammpsLines(output, elements) }, null, 1)}\n`,
      );
      return EXIT.done;
    }
    const gate = Math.min(...distanceGates(model.specification).flat());
    context.stdout(
      `${output}: ${model.layout.basis} functions of ${elements.join(', ')}, read back and compared on 5 structures: energies within ${energyDifference.toExponential(1)} eV, forces within ${forceDifference.toExponential(1)} eV/Å\n` +
        `in LAMMPS (the potential is not to be trusted where two atoms come closer than ${gate.toFixed(2)} Å):\n${lammpsLines(
          output,
          elements,
        )
          .map((line) => `  ${line}`)
          .join('\n')}\n`,
    );
    return EXIT.done;
  },
};

function lammpsLines(file: string, elements: readonly string[]): string[] {
  return ['units metal', 'atom_style atomic', 'pair_style pace', `pair_coeff * * ${file} ${elements.join(' ')}`];
}
