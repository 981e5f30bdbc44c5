import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ModelUncertainty } from '../../core/potentials/linear-model.ts';
import { envelopeOf } from '../../core/potentials/regimes.ts';
import type { EnvelopeTerm } from '../../core/uncertainty/envelope.ts';
import type { DimerSummary } from '../../core/potentials/dimer-scan.ts';
import { isolatedAtomEnergies } from '../../core/potentials/linear-model.ts';
import type { PropertyCard } from '../../core/properties/properties.ts';
import { OBSERVATION_KINDS } from '../../core/regression/regression.ts';
import { gigapascal } from '../../core/units.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import { summarizeEvaluation } from '../../core/validation/summary.ts';
import { writeModel } from '../../formats/model-file.ts';
import { writePropertyCardSvg } from '../../formats/property-card-svg.ts';
import { checkWritable, writeFileAtomic } from '../../node/files.ts';
import { readFrames } from '../../node/frames.ts';
import { checkJudgeable, checkSpecies, judgedFrames } from '../../node/training/check-frames.ts';
import { evaluateModel } from '../../node/training/evaluate.ts';
import type { Fit } from '../../node/training/fit.ts';
import { fitModel } from '../../node/training/fit.ts';
import { planLine } from '../../node/training/memory.ts';
import { openModel } from '../../node/training/open-model.ts';
import { DEFAULT_FIT } from '../../node/training/settings.ts';
import { speciesOf } from '../../node/training/specification.ts';
import { allowingForOffset, meanOffsetStress } from '../../node/training/stress-offset.ts';
import { trainingTables } from '../../node/training/tables.ts';
import {
  addLabelKeyOptions,
  addThreadsOption,
  elementEnergies,
  labelKeys,
  threadsOption,
  withPool,
} from '../data-options.ts';
import { choiceJson, choiceReport } from '../choice-report.ts';
import { coreLines, coreWarnings, dimerLine, shortestDistances } from '../core-report.ts';
import { errorTable } from '../error-table.ts';
import { EXIT } from '../errors.ts';
import { FIT_PRESETS, fitSettingsOf } from '../fit-settings.ts';
import { checkWeightGroups } from '../group-weights.ts';
import { fitProgress } from '../fit-progress.ts';
import { formatSeconds, plural } from '../output.ts';
import { plainArrays, propertyCardText } from '../property-card.ts';
import { robustReport } from '../robust-report.ts';
import { twoDensityReport } from '../two-density-report.ts';
import { cell } from '../table.ts';
import type { Verb } from '../verb.ts';

/** How reference energies were found, in words. */
const ORIGINS = {
  'isolated-atoms': 'energies of isolated atoms',
  'least-squares': 'reference energies, by least squares',
  given: 'energies of isolated atoms, as given',
} as const;

function observationLine(fit: Fit): string {
  const { rows } = fit.model.training;
  const given = fit.frames.reduce(
    (sum, { labels }) => sum + (labels.forces?.filter((f) => !Number.isNaN(f)).length ?? 0),
    0,
  );
  const fixed = given - rows.forces;
  return (
    `observations: ${rows.energy} energies, ${rows.forces} force components, ${rows.virial} stress components` +
    (fixed > 0 ? `; ${fixed} force components fixed by symmetry are left out` : '')
  );
}

/** How error bars come from the noise σ of the fit and the variances v of the forms, and what is known of the labels. */
function errorBarLine(uncertainty: ModelUncertainty): string {
  const [energies, forces] = (['energy', 'forces'] as const).map((kind) => envelopeOf(uncertainty, kind)) as [
    readonly EnvelopeTerm[],
    readonly EnvelopeTerm[],
  ];
  const term = ({ form, scale: { a, b } }: EnvelopeTerm): string =>
    `${a === 0 ? '' : `${cell(a, 2)} σ² + `}${cell(b)} v of the ${form === 'pops' ? 'POPS form' : form}`;
  const { calibrated, reason } = forces[0]!.scale;
  const unknown = Object.values(uncertainty.labelNoise ?? {}).every((sigma) => sigma === 0);
  return (
    `error bars: variance of energies ${energies.map(term).join(' or ')}, of forces ${forces.map(term).join(' or ')}, ` +
    `whichever is largest${calibrated ? '' : `; not calibrated: ${reason}`}${unknown ? '; noise of the labels not measured' : ''}`
  );
}

/** What a person reads after a fit. */
function report(
  fit: Fit,
  path: string,
  keys: string,
  test: readonly EvaluatedFrame[] | null,
  dimers: readonly DimerSummary[],
  card: PropertyCard | null,
  seconds: number,
): string {
  const { model } = fit;
  const { training, uncertainty, posterior } = model;
  const pair = model.specification.pairs[0]![0]!;
  const { noise } = posterior.hyperparameters;
  const cores = model.specification.pairs.flat().map(({ innerCutoff }) => innerCutoff);
  const [least, most] = [Math.min(...cores), Math.max(...cores)];
  const core = least === most ? cell(least) : `${cell(least)} to ${cell(most)}`;
  const lines = [
    `${plural(training.structures, 'structure')}, ${plural(training.atoms, 'atom')}; labels from ${keys}`,
    observationLine(fit),
    `basis: ${fit.basis.offsets.at(-1)} functions of ${model.specification.elements.join(', ')}${model.embedding === undefined ? '' : ' in two densities'}, cutoff ${cell(pair.cutoff)} Å, repulsive core below ${core} Å`,
    `${ORIGINS[model.reference.origin]}: ${elementEnergies(model)}`,
    `noise: energies ${cell(1000 * noise.energy)} meV/√atom, forces ${cell(1000 * noise.forces)} meV/Å` +
      (training.rows.virial > 0 ? `, virials ${cell(noise.virial)} eV/√atom` : '') +
      `; balance ${training.balance.mode} (σ_E/σ_F ${cell(training.balance.ratio)} Å)`,
    `ln evidence ${training.logEvidence.toFixed(1)}${training.evidenceConverged ? '' : ' (not converged)'}`,
    errorBarLine(uncertainty),
  ];
  if (training.stressOffset !== 0) {
    const structures = fit.frames.map(({ structure }) => structure);
    const stress = gigapascal(meanOffsetStress(structures, training.stressOffset));
    lines.push(
      `warning: stress labels carry a constant hydrostatic offset of about ${cell(stress)} GPa (${cell(training.stressOffset)} eV/atom in the virial); it is fitted apart and is no part of the potential, and stress errors below allow for it`,
    );
  }
  lines.push(...coreLines(fit.cores));
  lines.push(...dimers.map(dimerLine));
  lines.push(...coreWarnings(dimers, card));
  for (const warning of fit.warnings) lines.push(`warning: ${warning}`);
  const { columns, rows } = trainingTables(fit, test);
  return (
    `${lines.join('\n')}\n\n${fit.choice === null ? '' : `${choiceReport(fit.choice)}\n`}${fit.robust === null ? '' : `${robustReport(fit.robust)}\n`}${fit.twoDensities === null ? '' : `${twoDensityReport(fit.twoDensities)}\n`}${errorTable(columns, rows)}left out: each structure by the fit to all others\n` +
    `\nwritten to ${path} in ${formatSeconds(seconds)}\n`
  );
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
      .option(
        '--preset <size>',
        `size of the basis: ${FIT_PRESETS.join(', ')} (auto: chosen from the data)`,
        DEFAULT_FIT.preset,
      )
      .option('--budget <n>', 'most that a chosen basis may cost: functions, or estimated µs per atom as 40us')
      .option('--nmax <list>', 'largest radial index by order, as 8,4,3')
      .option('--lmax <list>', 'largest angular momentum by order, as 0,3,2')
      .option('--cutoff <Å>', 'cutoff; by default 2.6 typical bond lengths')
      .option('--inner-cutoff <Å>', 'where the repulsive core takes over; by default from covalent radii and the data')
      .option(
        '--balance <mode>',
        'energies against forces: auto (chosen with the basis), fixed, cv (cross-validated) or evidence',
        DEFAULT_FIT.balance,
      )
      .option('--ratio <Å>', 'σ_E/σ_F of the fixed balance', String(DEFAULT_FIT.ratio))
      .option('--prior <kind>', 'smoothness or isotropic', DEFAULT_FIT.prior)
      .option('--exponent <p>', 'exponent of the smoothness prior', String(DEFAULT_FIT.exponent))
      .option('--prior-strength <x>', 'prior precision relative to that of largest evidence; by default chosen')
      .option('--energy-noise <kind>', 'energy noise grows with √N (sqrt) or N (atom)', DEFAULT_FIT.energyNoise)
      .option(
        '--embedding <kind>',
        'linear, or two-density: E_i = ρ₁ + F(ρ₂), kept where it beats linear on held-out structures',
        DEFAULT_FIT.embedding,
      )
      .option('--loss <kind>', 'squares, or huber: labels that the fit misses by far count less', DEFAULT_FIT.loss)
      .option(
        '--huber-threshold <x>',
        'misfit, in robust standard deviations, beyond which they do',
        String(DEFAULT_FIT.huberThreshold),
      )
      .option(
        '--label-noise <list>',
        'known noise of the labels, as energy=1e-4,forces=0.002,virial=0.01 (eV/√atom, eV/Å, eV/√atom; `label --repeat`)',
      )
      .option(
        '--no-mend-cores',
        'leave repulsive cores as they are where the fit attracts below the distances of the data',
      )
      .option('--no-stress', 'leave the stress labels out')
      .option(
        '--weights <file>',
        'YAML file: config_type → {energy, forces, virial} weights, or a groups.json of FitSNAP',
      )
      .option('--offset-by <key>', 'give every value of this key (but the most frequent) an energy offset of its own')
      .option('--e0 <list>', 'energies of isolated atoms, as Si=-0.81,O=-2.0 (eV)')
      .option('--test <data...>', 'labelled structures to judge the fit by')
      .option('--seed <n>', 'seed of the cross-validation folds', String(DEFAULT_FIT.seed))
      .option('--no-card', 'leave out the property card (lattice, elastic constants, vacancy, pairs) beside the model')
      .option('--json', 'print the result as JSON');
    addThreadsOption(addLabelKeyOptions(command)).addHelpText(
      'after',
      '\nExample:\n  querent fit train.xyz -o si.model --test test.xyz',
    );
  },
  async run(args, options, context): Promise<number> {
    const started = performance.now();
    const settings = await fitSettingsOf(options, context.cwd);
    const threads = threadsOption(options);
    const path = resolve(context.cwd, options.output as string);
    await checkWritable(path);
    const { frames, keys } = await readFrames(args[0] as string[], labelKeys(options));
    checkWeightGroups(settings.weights, frames);
    const test = options.test === undefined ? null : await readFrames(options.test as string[], labelKeys(options));
    if (test !== null) {
      checkJudgeable(test.frames);
      checkSpecies(test.frames, speciesOf(frames.map((frame) => frame.structure)));
    }
    const { fit, judged, dimers, card } = await withPool(threads, context, async (pool) => {
      const fitted = await fitModel(
        frames,
        settings,
        pool,
        options.json === true
          ? {}
          : { progress: fitProgress(context), onPlan: (plan) => context.stderr(planLine(plan)) },
      );
      const bytes = writeModel(fitted.model, fitted.basis);
      await writeFileAtomic(path, bytes);
      const name = options.output as string;
      return {
        fit: fitted,
        card:
          options.card === false
            ? null
            : await pool.run('properties', { model: openModel(bytes), name, structures: [] }),
        dimers: await pool.run('dimers', { model: openModel(bytes), shortest: shortestDistances(fitted) }),
        judged: test === null ? null : await evaluateModel(openModel(bytes), test.frames, pool),
      };
    });
    if (card !== null) await writeFileAtomic(cardPath(path), new TextEncoder().encode(writePropertyCardSvg(card)));
    const seconds = (performance.now() - started) / 1000;
    if (options.json === true) {
      const result = { ...jsonResult(fit, options.output as string, judged, dimers, seconds), properties: card };
      context.stdout(`${JSON.stringify(result, plainArrays, 1)}\n`);
      return EXIT.done;
    }
    const used = [...new Set([...keys.energy, ...keys.forces, ...keys.virial])].join(', ');
    const shown =
      judged === null ? null : allowingForOffset(judgedFrames(test!.frames), judged, fit.model.training.stressOffset);
    context.stdout(report(fit, options.output as string, used, shown, dimers, card, seconds));
    if (card !== null) {
      context.stdout(`\n${propertyCardText(card)}\nproperty card: ${cardPath(options.output as string)}\n`);
    }
    context.stdout(
      `next: querent evaluate ${String(options.output)} TEST.xyz, querent export ${String(options.output)} -o potential.yace\n`,
    );
    return EXIT.done;
  },
};

/** The page beside a model: `si.card.svg` of `si.model`. */
function cardPath(model: string): string {
  return `${model.replace(/\.model$/, '')}.card.svg`;
}

/** What `--json` prints. */
function jsonResult(
  fit: Fit,
  output: string,
  judged: readonly EvaluatedFrame[] | null,
  dimers: readonly DimerSummary[],
  seconds: number,
): Record<string, unknown> {
  const { training, posterior, uncertainty, specification } = fit.model;
  const energies = isolatedAtomEnergies(fit.model);
  return {
    model: output,
    nStructures: training.structures,
    nRows: OBSERVATION_KINDS.reduce((sum, kind) => sum + training.rows[kind], 0),
    nFunctions: fit.basis.offsets.at(-1),
    logEvidence: training.logEvidence,
    evidenceConverged: training.evidenceConverged,
    noise: posterior.hyperparameters.noise,
    balance: training.balance,
    ...choiceJson(fit.choice),
    robust: fit.robust,
    twoDensities: fit.twoDensities,
    e0: Object.fromEntries(specification.elements.map((symbol, e) => [symbol, energies[e]])),
    seconds,
    leaveOneOut: uncertainty.leaveOneOut,
    stressOffset: training.stressOffset,
    cores: fit.cores,
    dimers,
    warnings: fit.warnings,
    ...(judged === null ? {} : { test: summarizeEvaluation(judged, uncertainty.conformal.forces) }),
  };
}
