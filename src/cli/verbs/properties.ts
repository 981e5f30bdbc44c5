import { resolve } from 'node:path';
import type { Command } from 'commander';
import { formulaOf } from '../../core/properties/property-card.ts';
import type { PropertyCard } from '../../core/properties/properties.ts';
import { writePropertyCardSvg } from '../../formats/property-card-svg.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { potentialFormat, readPotentialFile } from '../../formats/potential-file.ts';
import { checkWritable, readBytes, writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { readModelFile } from '../../node/training/open-model.ts';
import { filePropertyCard, type NamedStructures } from '../../node/training/property-card.ts';
import { addThreadsOption, threadsOption, withPool } from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { plainArrays, propertyCardText } from '../property-card.ts';
import type { Verb } from '../verb.ts';

/** `querent properties MODEL [STRUCTURES…]` */
export const verb: Verb = {
  name: 'properties',
  summary: 'lattice, bulk modulus, elastic constants, vacancy and pair energies of a potential',
  configure(command: Command): void {
    addThreadsOption(
      command
        .argument('<model>', 'model file, or a .yace or .yaml potential')
        .argument('[structures...]', 'crystals of your own: extended XYZ, POSCAR, file@start:stop:step')
        .option('-o, --output <card.svg>', 'also write the card as one page with plots')
        .option('--json', 'print the card as JSON: eV, Å, eV/Å³'),
    ).addHelpText('after', '\nExample:\n  querent properties si.model -o si-card.svg');
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const output = options.output === undefined ? null : resolve(context.cwd, options.output as string);
    if (output !== null) await checkWritable(output);
    const named = args[1] as string[];
    const frames = named.length === 0 ? [] : (await readFrames(named, {})).frames;
    const structures: NamedStructures = frames.map(({ structure, source }) => ({
      name: `${formulaOf(structure)} (${source.file}@${source.index})`,
      structure,
    }));
    let card: PropertyCard;
    if (potentialFormat(path) !== null) {
      const { potential } = readPotentialFile(
        new TextDecoder().decode(await readBytes(resolve(context.cwd, path))),
        path,
      );
      const cutoffs = potential.bonds.map((row) => row.map(({ radial }) => radial.cutoff));
      const evaluator = createYacePotential({ potential, deltaSplineBins: 1e-3 });
      card = filePropertyCard(evaluator, potential.elements, cutoffs, path, structures);
    } else {
      const { handle } = await readModelFile(resolve(context.cwd, path), path);
      card = await withPool(threadsOption(options), context, (pool) =>
        pool.run('properties', { model: handle, name: path, structures }),
      );
    }
    if (output !== null) await writeFileAtomic(output, new TextEncoder().encode(writePropertyCardSvg(card)));
    context.stdout(options.json === true ? `${JSON.stringify(card, plainArrays, 1)}\n` : propertyCardText(card));
    if (output !== null) context.stderr(`written to ${options.output as string}\n`);
    return EXIT.done;
  },
};
