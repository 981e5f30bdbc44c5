import { resolve } from 'node:path';
import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import { PRESET_NAMES } from '../../core/descriptors/ace/presets.ts';
import { InputError } from '../../core/errors.ts';
import { isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import { writeModel } from '../../formats/model-file.ts';
import { readBytes, writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import type { Fit } from '../../node/training/fit.ts';
import { fitModel } from '../../node/training/fit.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import { openModel } from '../../node/training/open-model.ts';
import type { FitSettings } from '../../node/training/settings.ts';
import { DEFAULT_FIT } from '../../node/training/settings.ts';
import { trainingTables } from '../../node/training/tables.ts';
import { createPool } from '../../node/workers/pool.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  integersOption,
  labelKeys,
  numberOption,
  threadsOption,
} from '../data-options.ts';
import { errorTable } from '../error-table.ts';
import { cell } from '../table.ts';
import type { Verb, VerbContext, VerbOptions } from '../verb.ts';

const BALANCES = ['fixed', 'cv', 'evidence'] as const;

function choice<T extends string>(value: unknown, flag: string, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!allowed.includes(value as T))
    throw new InputError('BAD_OPTION', `${flag} must be one of ${allowed.join(', ')}, got "${String(value)}"`);
  return value as T;
}

/** `Si=-0.81,O=-2.0` as energies by symbol. */
function isolatedAtoms(text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  return Object.fromEntries(
    text.split(',').map((part) => {
      const [symbol, value] = part.split('=').map((s) => s.trim());
      const energy = Number(value);
      if (!symbol || value === undefined || value === '' || !Number.isFinite(energy)) {
        throw new InputError('BAD_OPTION', `--e0 must be like Si=-0.81,O=-2.0 (eV), got "${text}"`);
      }
      return [symbol, energy];
    }),
  );
}

async function groupWeights(path: string | undefined, cwd: string): Promise<FitSettings['weights']> {
  if (path === undefined) return {};
  const text = new TextDecoder().decode(await readBytes(resolve(cwd, path)));
  const value: unknown = parseYaml(text);
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new InputError('BAD_WEIGHTS', `${path}: weights must map each config_type to {energy, forces, virial}`);
  }
  for (const [group, weights] of Object.entries(value)) {
    const kinds = weights !== null && typeof weights === 'object' ? Object.keys(weights) : ['(not a map)'];
    const wrong = kinds.find((kind) => !(OBSERVATION_KINDS as readonly string[]).includes(kind));
    if (wrong !== undefined)
      throw new InputError(
        'BAD_WEIGHTS',
        `${path}: weights of "${group}" must be named ${OBSERVATION_KINDS.join(', ')}, got "${wrong}"`,
      );
  }
  return value as FitSettings['weights'];
}

async function settingsOf(options: VerbOptions, context: VerbContext): Promise<FitSettings> {
  const positive = (name: string, flag: string, unit: string): number | null =>
    numberOption(options, name, flag, (x) => x > 0 && Number.isFinite(x), `a positive number${unit}`, null);
  const nmax = integersOption(options, 'nmax', '--nmax');
  const lmax = integersOption(options, 'lmax', '--lmax');
  if ((nmax === null) !== (lmax === null) || (nmax !== null && nmax.length !== lmax!.length)) {
    throw new InputError('BAD_OPTION', '--nmax and --lmax must be given together, one number for each order');
  }
  return {
    ...DEFAULT_FIT,
    preset: choice(options.preset, '--preset', PRESET_NAMES, DEFAULT_FIT.preset),
    nmax,
    lmax,
    cutoff: positive('cutoff', '--cutoff', ' (Å)'),
    innerCutoff: positive('innerCutoff', '--inner-cutoff', ' (Å)'),
    balance: choice(options.balance, '--balance', BALANCES, DEFAULT_FIT.balance),
    ratio: positive('ratio', '--ratio', ' (Å)') ?? DEFAULT_FIT.ratio,
    prior: choice(options.prior, '--prior', ['smoothness', 'isotropic'] as const, DEFAULT_FIT.prior),
    exponent: numberOption(
      options,
      'exponent',
      '--exponent',
      (x) => x >= 0 && Number.isFinite(x),
      'a number ≥ 0',
      DEFAULT_FIT.exponent,
    ),
    energyNoise: choice(options.energyNoise, '--energy-noise', ['sqrt', 'atom'] as const, DEFAULT_FIT.energyNoise),
    stress: options.stress !== false,
    weights: await groupWeights(options.weights as string | undefined, context.cwd),
    offsetKey: (options.offsetBy as string | undefined) ?? null,
    isolatedAtoms: isolatedAtoms(options.e0 as string | undefined),
    seed: numberOption(
      options,
      'seed',
      '--seed',
      (x) => Number.isInteger(x) && x >= 0,
      'a whole number ≥ 0',
      DEFAULT_FIT.seed,
    ),
  };
}

/** What a person reads after a fit. */
function report(fit: Fit, path: string, keys: string, test: readonly EvaluatedFrame[] | null, seconds: number): string {
  const { model } = fit;
  const { training, uncertainty, posterior } = model;
  const pair = model.specification.pairs[0]![0]!;
  const noise = posterior.hyperparameters.noise;
  const lines = [
    `${training.structures} structures, ${training.atoms} atoms; labels from ${keys}`,
    `basis: ${model.layout.basis} functions of ${model.specification.elements.join(', ')}, cutoff ${cell(pair.cutoff, 3)} Å, repulsive core below ${cell(pair.innerCutoff, 3)} Å`,
    `isolated atoms (${model.reference.origin}): ${model.specification.elements.map((symbol, e) => `${symbol} ${cell(isolatedAtomEnergies(model)[e], 6)} eV`).join(', ')}`,
    `noise: energies ${cell(1000 * noise.energy, 3)} meV/√atom, forces ${cell(1000 * noise.forces, 3)} meV/Å` +
      (training.rows.virial > 0 ? `, virials ${cell(noise.virial, 3)} eV/√atom` : ', no stresses') +
      `; balance ${training.balance.mode} (σ_E/σ_F ${cell(training.balance.ratio, 3)} Å); ln evidence ${training.logEvidence.toFixed(1)}${training.evidenceConverged ? '' : ' (not converged)'}`,
    `error bars: forces √(${cell(uncertainty.scales.forces.a, 2)} σ² + ${cell(uncertainty.scales.forces.b, 3)} v), energies √(${cell(uncertainty.scales.energy.a, 2)} σ² + ${cell(uncertainty.scales.energy.b, 3)} v)` +
      (uncertainty.scales.forces.calibrated ? '' : `; not calibrated: ${uncertainty.scales.forces.reason}`),
  ];
  if (training.stressOffset !== 0) {
    lines.push(
      `warning: the stress labels carry a constant hydrostatic offset: ${cell(training.stressOffset, 3)} eV/atom in the virial; it is fitted apart and is no part of the potential`,
    );
  }
  for (const warning of fit.warnings) lines.push(`warning: ${warning}`);
  const { columns, rows } = trainingTables(fit, test);
  return `${lines.join('\n')}\n\n${errorTable(columns, rows)}\nwritten to ${path} in ${seconds.toFixed(1)} s\n`;
}

/** `querent fit DATA… -o MODEL` */
export const verb: Verb = {
  name: 'fit',
  summary: 'Bayesian fit of a potential to labelled structures',
  configure(command: Command): void {
    command
      .argument(
        '<data...>',
        'labelled structures: extended XYZ or gzip of it, file@start:stop:step, - for standard input',
      )
      .requiredOption('-o, --output <model>', 'model file to write')
      .option('--preset <size>', `size of the basis: ${PRESET_NAMES.join(', ')}`, DEFAULT_FIT.preset)
      .option('--nmax <list>', 'largest radial index by order, as 8,4,3')
      .option('--lmax <list>', 'largest angular momentum by order, as 0,3,2')
      .option('--cutoff <Å>', 'cutoff; by default 2.6 typical bond lengths')
      .option('--inner-cutoff <Å>', 'where the repulsive core takes over; by default from covalent radii and the data')
      .option(
        '--balance <mode>',
        'energies against forces: fixed, cv (cross-validated) or evidence',
        DEFAULT_FIT.balance,
      )
      .option('--ratio <Å>', 'σ_E/σ_F of the fixed balance', String(DEFAULT_FIT.ratio))
      .option('--prior <kind>', 'smoothness or isotropic', DEFAULT_FIT.prior)
      .option('--exponent <p>', 'exponent of the smoothness prior', String(DEFAULT_FIT.exponent))
      .option('--energy-noise <kind>', 'energy noise grows with √N (sqrt) or N (atom)', DEFAULT_FIT.energyNoise)
      .option('--no-stress', 'leave the stress labels out')
      .option('--weights <file>', 'YAML file: config_type → {energy, forces, virial} weights')
      .option('--offset-by <key>', 'give every value of this key (but the most frequent) an energy offset of its own')
      .option('--e0 <list>', 'energies of isolated atoms, as Si=-0.81,O=-2.0 (eV)')
      .option('--test <data...>', 'labelled structures to judge the fit by')
      .option('--seed <n>', 'seed of the cross-validation folds', String(DEFAULT_FIT.seed))
      .option('--json', 'print the result as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExample:\n  querent fit train.xyz -o si.model --test test.xyz',
    );
  },
  async run(args, options, context): Promise<number> {
    const started = performance.now();
    const data = args[0] as string[];
    const settings = await settingsOf(options, context);
    const { frames, keys } = await readFrames(data, labelKeys(options));
    const test =
      options.test === undefined ? null : (await readFrames(options.test as string[], labelKeys(options))).frames;
    const pool = createPool(threadsOption(options), null);
    try {
      let told = '';
      const fit = await fitModel(frames, settings, pool, {
        progress(phase, done, total) {
          const text = `${phase} ${Math.floor((10 * done) / total) * 10} %`;
          if (text === told || options.json === true) return;
          told = text;
          context.stderr(context.isTTY ? `\r\u001b[K${text}` : done === total ? `${phase} done\n` : '');
        },
      });
      if (context.isTTY && options.json !== true) context.stderr('\r\u001b[K');
      const path = resolve(context.cwd, options.output as string);
      const bytes = writeModel(fit.model, fit.basis);
      await writeFileAtomic(path, bytes);
      const judged = test === null ? null : await evaluateModel(openModel(bytes), test, pool);
      const seconds = (performance.now() - started) / 1000;
      if (options.json === true) {
        const { training, posterior, uncertainty } = fit.model;
        const result = {
          model: options.output,
          nStructures: training.structures,
          nRows: Object.values(training.rows).reduce((sum, n) => sum + n, 0),
          nFunctions: fit.model.layout.basis,
          logEvidence: training.logEvidence,
          evidenceConverged: training.evidenceConverged,
          noise: posterior.hyperparameters.noise,
          balance: training.balance,
          e0: Object.fromEntries(
            fit.model.specification.elements.map((symbol, e) => [symbol, isolatedAtomEnergies(fit.model)[e]]),
          ),
          seconds,
          leaveOneOut: uncertainty.leaveOneOut,
          stressOffset: training.stressOffset,
          warnings: fit.warnings,
        };
        context.stdout(`${JSON.stringify(result, null, 1)}\n`);
      } else {
        const used = [...new Set([...keys.energy, ...keys.forces, ...keys.virial])].join(', ');
        context.stdout(report(fit, options.output as string, used, judged, seconds));
        context.stdout(
          `next: querent evaluate ${String(options.output)} TEST.xyz, querent export ${String(options.output)} -o potential.yace\n`,
        );
      }
      return 0;
    } finally {
      await pool.dispose();
    }
  },
};
