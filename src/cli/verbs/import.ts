import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { atomicNumberOf } from '../../core/elements.ts';
import { InputError } from '../../core/errors.ts';
import { bbasisPotential, formatBBasis } from '../../formats/bbasis.ts';
import { readBBasis } from '../../formats/bbasis-reader.ts';
import { potentialLines } from '../../formats/lammps-input.ts';
import { potentialFormat, readPotentialFile } from '../../formats/potential-file.ts';
import { type PotentialSummary, summarizePotential } from '../../formats/potential-summary.ts';
import { formatYace, type YaceDocument } from '../../formats/yace.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import {
  CHECKED_STRUCTURES,
  checkStructures,
  comparePotentials,
  type ExportDifference,
} from '../../node/training/export-check.ts';
import { EXIT } from '../errors.ts';
import { openPotential } from '../potential-argument.ts';
import { renderTable } from '../table.ts';
import type { Verb } from '../verb.ts';

/** `querent import FILE` */
export const verb: Verb = {
  name: 'import',
  summary: 'a potential of the PACE family (.yace, .yaml with .asi): what it holds, checked and converted',
  configure(command: Command): void {
    command
      .argument('<file>', 'potential: .yace, or .yaml (an .asi of the same name goes along)')
      .option('-o, --output <file>', 'file to write: .yace from either, .yaml from .yaml; re-read and compared')
      .option('--force', 'replace a file that exists')
      .option('--json', 'print the result as JSON')
      .addHelpText('after', '\nExamples:\n  querent import Cu.yaml\n  querent import Cu.yaml -o Cu.yace');
  },
  async run(args, options, context): Promise<number> {
    const path = args[0] as string;
    const output = options.output as string | undefined;
    const format = potentialFormat(path);
    if (format === null) throw new InputError('BAD_OPTION', `file must end in .yace or .yaml, got "${path}"`);
    const target = output === undefined ? null : potentialFormat(output);
    if (output !== undefined && target === null)
      throw new InputError('BAD_OPTION', `--output must end in .yace or .yaml, got "${output}"`);
    if (format === 'yace' && target === 'yaml')
      throw new InputError(
        'NOT_INVERTIBLE',
        '--output must be a .yace for a .yace: its products are sums over couplings of invariants, from which a .yaml cannot be found again; convert the .yaml that it was made from, or fit and export one',
        { path },
      );
    if (output !== undefined) {
      const full = resolve(context.cwd, output);
      await checkWritable(full);
      if (existsSync(full) && options.force !== true) {
        const message = `output must be a new file, got "${output}", which exists; replace it with --force`;
        throw new InputError('FILE_EXISTS', message, { path: full });
      }
    }
    const { potential: file, activeSet } = await openPotential(path, {}, context);
    const invariants = format === 'yaml' ? readBBasis(file.text, path) : null;
    const document =
      invariants === null
        ? readYace(file.text, path)
        : { potential: bbasisPotential(invariants), deltaSplineBins: invariants.deltaSplineBins };
    const summary = summarizePotential(document.potential, invariants?.functions ?? null);
    let difference: ExportDifference | null = null;
    if (output !== undefined) {
      const text = target === 'yaml' ? formatBBasis(invariants!) : formatYace(document);
      difference = compare(document, readPotentialFile(text, output));
      await writeFileAtomic(resolve(context.cwd, output), text);
    }
    const lammps = potentialLines({ elements: summary.elements, file: path, activeSet: activeSet?.name ?? null });
    if (options.json === true) {
      const result = {
        file: path,
        format,
        ...summary,
        activeSet: activeSet?.name ?? null,
        basis: invariants?.basis?.id ?? null,
        output: output ?? null,
        energyDifference: difference?.energyDifference ?? null,
        forceDifference: difference?.forceDifference ?? null,
        lammps,
      };
      context.stdout(`${JSON.stringify(result, null, 1)}\n`);
      return EXIT.done;
    }
    context.stdout(describe(path, summary, invariants === null ? 'products' : 'invariants'));
    if (invariants !== null) {
      const zero = invariants.e0.every((value) => value === 0);
      context.stdout(
        `energies of isolated atoms: ${zero ? 'none, the format has no such field' : 'from the metadata; simulation programs leave them out'}\n` +
          `active set: ${activeSet === null ? 'none beside it' : `${activeSet.name}, checked`}\n` +
          (invariants.basis === null ? '' : `written by querent: basis ${invariants.basis.id.slice(0, 12)}\n`),
      );
    }
    if (output !== undefined && difference !== null) {
      const { energyDifference, forceDifference } = difference;
      context.stdout(
        `${output}: read back and compared on ${CHECKED_STRUCTURES} structures: energies within ${energyDifference.toExponential(1)} eV, forces within ${forceDifference.toExponential(1)} eV/Å\n`,
      );
    }
    return EXIT.done;
  },
};

/** Compares a converted potential with what it was made from. @throws NumericalError `EXPORT_DIFFERS` */
function compare(from: YaceDocument, to: YaceDocument): ExportDifference {
  const { elements, bonds } = from.potential;
  const inner = Math.max(...bonds.flat().map((bond) => bond.inner.cutoff));
  const structures = checkStructures(elements.map(atomicNumberOf), Math.max(1.8, inner) + 0.7);
  return comparePotentials(createYacePotential(from), createYacePotential(to), structures);
}

function describe(path: string, summary: PotentialSummary, what: string): string {
  const { elements, e0, functions, embedding, pairs } = summary;
  const orders = Math.max(...elements.map((symbol) => functions[symbol]!.length));
  const counts = renderTable(
    [
      { header: 'element', align: 'left' },
      { header: 'E0 eV' },
      ...Array.from({ length: orders }, (_, k) => ({ header: `order ${k + 1}` })),
      { header: 'all' },
    ],
    elements.map((symbol) => {
      const own = functions[symbol]!;
      const all = own.reduce((sum, count) => sum + count, 0);
      return [
        symbol,
        String(e0[symbol]!),
        ...Array.from({ length: orders }, (_, k) => String(own[k] ?? 0)),
        String(all),
      ];
    }),
  );
  const bonds = renderTable(
    [
      { header: 'pair', align: 'left' },
      { header: 'radial', align: 'left' },
      { header: 'cutoff Å' },
      { header: 'inner Å', align: 'left' },
      { header: 'core eV', align: 'left' },
    ],
    pairs.map(({ pair, radial, cutoff, inner, core }) => [pair, radial, String(cutoff), inner, core]),
  );
  return `${path}: ${elements.join(', ')}; ${what} by order, embedding ${embedding}\n\n${counts}\n${bonds}\n`;
}
