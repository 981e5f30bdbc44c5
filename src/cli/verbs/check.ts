import type { Command } from 'commander';
import { checkDataset } from '../../core/dataset/check-dataset.ts';
import type { Finding, Severity } from '../../core/dataset/check-findings.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { nodeKernels } from '../../node/kernels.ts';
import { readFrames, type UsedKeys } from '../../node/frames.ts';
import { addLabelKeyOptions, finiteOrNull, labelKeys } from '../data-options.ts';
import { EXIT } from '../errors.ts';
import { plural } from '../output.ts';
import type { Verb } from '../verb.ts';

/** Findings of two energies of different keys, which only the reader knows. */
function keyFindings(keys: UsedKeys, frames: readonly Frame[]): Finding[] {
  if (keys.energy.length < 2) return [];
  return [
    {
      code: 'MIXED_ENERGY_KEYS',
      severity: 'warning',
      message: `energies come from different keys: ${keys.energy.join(', ')}`,
      evidence: { keys: keys.energy.join(', ') },
      frames: frames.flatMap(({ labels }, f) => (labels.energy === null ? [] : [f])),
      advice: 'energies of different kinds do not mix: name one with --energy-key',
    },
  ];
}

/** Places of some frames for people: `train.xyz@3, 7–12, …`. */
function places(frames: readonly Frame[], indices: readonly number[], most = 8): string {
  const ranges: string[] = [];
  let file = '';
  let count = 0;
  for (let k = 0; k < indices.length && count < most; count++) {
    const start = frames[indices[k]!]!.source;
    let end = k;
    while (
      end + 1 < indices.length &&
      frames[indices[end + 1]!]!.source.file === start.file &&
      frames[indices[end + 1]!]!.source.index === frames[indices[end]!]!.source.index + 1
    )
      end++;
    const last = frames[indices[end]!]!.source.index;
    const range = last === start.index ? String(start.index) : `${start.index}–${last}`;
    ranges.push(start.file === file ? range : `${start.file}@${range}`);
    file = start.file;
    k = end + 1;
    if (k < indices.length && count + 1 === most) ranges.push('…');
  }
  return ranges.join(', ');
}

const MARKS: Readonly<Record<Severity, string>> = { error: 'ERROR', warning: 'warning', note: 'note' };

function report(frames: readonly Frame[], findings: readonly Finding[]): string {
  const lines: string[] = [];
  for (const { severity, code, message, frames: concerned, advice } of findings) {
    lines.push(`${MARKS[severity]} ${code}: ${message}`);
    if (concerned.length > 0 && concerned.length < frames.length)
      lines.push(`  structures (${concerned.length}): ${places(frames, concerned)}`);
    else if (concerned.length > 0) lines.push('  all structures');
    lines.push(`  → ${advice}`);
  }
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  const summary = `${plural(count('error'), 'error')}, ${plural(count('warning'), 'warning')}, ${plural(count('note'), 'note')}`;
  return `${lines.length === 0 ? '' : `${lines.join('\n')}\n\n`}${summary}\n`;
}

/** `querent check DATA…` */
export const verb: Verb = {
  name: 'check',
  summary: 'looks over labelled data: units, signs and order of stress, force against energy, repeats, outliers',
  configure(command: Command): void {
    command
      .argument(
        '<data...>',
        'labelled structures in any format with labels, file@start:stop:step, - for standard input',
      )
      .option('--kernel <name>', 'kernels to compute with: wasm-fma, wasm-simd or typescript; by default the fastest')
      .option('--json', 'print the result as JSON');
    addLabelKeyOptions(command).addHelpText(
      'after',
      '\nExample:\n  querent check train.xyz test.xyz\n\nExit code: 0 where nothing is certainly wrong, 1 where something is.',
    );
  },
  async run(args, options, context): Promise<number> {
    const { frames, keys } = await readFrames(args[0] as string[], labelKeys(options));
    const kernels = nodeKernels((options.kernel as string | undefined) ?? null);
    let findings: readonly Finding[];
    try {
      const { findings: found } = checkDataset(frames, { prepare: (basis) => kernels.prepare(basis) });
      findings = [
        ...found.filter(({ severity }) => severity === 'error'),
        ...keyFindings(keys, frames),
        ...found.filter(({ severity }) => severity !== 'error'),
      ];
    } finally {
      kernels.dispose();
    }
    const code = findings.some(({ severity }) => severity === 'error') ? EXIT.error : EXIT.done;
    const atoms = frames.reduce((sum, { structure }) => sum + atomCount(structure), 0);
    if (options.json === true) {
      const result = {
        structures: frames.length,
        atoms,
        keys,
        findings: findings.map((finding) => ({
          ...finding,
          frames: finding.frames.map((f) => {
            const { file, index } = frames[f]!.source;
            return { file, index };
          }),
        })),
      };
      context.stdout(`${JSON.stringify(result, finiteOrNull, 1)}\n`);
      return code;
    }
    const used = [...new Set([...keys.energy, ...keys.forces, ...keys.virial])].join(', ');
    context.stdout(
      `${plural(frames.length, 'structure')}, ${plural(atoms, 'atom')}; labels from ${used === '' ? 'no key' : used}\n`,
    );
    context.stdout(report(frames, findings));
    return code;
  },
};
