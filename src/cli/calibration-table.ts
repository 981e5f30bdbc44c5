import type { Calibration, EvaluationSummary } from '../core/validation/summary.ts';
import type { LinearModel } from '../core/potentials/linear-model.ts';
import { uncalibrated } from '../core/potentials/predictive.ts';
import { OBSERVATION_KINDS } from '../core/regression/regression.ts';
import type { PartsSummary, UncertaintyParts } from '../core/validation/parts.ts';
import { cell, percent, renderTable } from './table.ts';

/** A figure beside what chance alone makes of a perfect one: `0.031 (0.045)`. */
const besideFloor = (value: number, floor: number): string => `${cell(value, 2)} (${cell(floor, 2)})`;

function line(name: string, c: Calibration | null, unit: string): string[] {
  if (c === null) return [name, ...new Array<string>(8).fill('-')];
  return [
    name,
    cell(c.rmsResidual),
    percent(c.coverage90),
    percent(c.coverage95),
    besideFloor(c.ece, c.floor.ece.high),
    besideFloor(c.ence, c.floor.ence.high),
    cell(c.nll),
    `${cell(1000 * c.crps)} ${unit}`,
    besideFloor(c.worst, c.worstTolerance),
  ];
}

/** How honest the error bars are, how well they rank, and what share of structures the conformal intervals cover. */
export function calibrationTable({ calibration, parts }: EvaluationSummary): string {
  const { energy, forces, stress } = calibration;
  const table = renderTable(
    [
      { header: 'error bars', align: 'left' },
      { header: 'rms z' },
      { header: 'in 90 %' },
      { header: 'in 95 %' },
      { header: 'ECE' },
      { header: 'ENCE' },
      { header: 'NLL' },
      { header: 'CRPS' },
      { header: 'worst |z|' },
    ],
    [line('energy', energy, 'meV/cell'), line('forces', forces, 'meV/Å'), line('stress', stress, 'meV/Å³')],
  );
  const lines = ['in brackets: what perfect error bars stay below 19 times in 20 with as many structures\n'];
  if (energy !== null) {
    const [low, high] = energy.coverage95Interval;
    lines.push(
      `energies: the true share inside is ${percent(low)} to ${percent(high)} at 95 % confidence, by the number of structures\n`,
    );
  }
  if (forces !== null && !Number.isNaN(forces.coverage95Structure))
    lines.push(
      `forces: ${percent(forces.coverage95Structure)} of the structures lie wholly inside the conformal interval (nominal 95 %)\n`,
    );
  if (forces !== null) lines.push(rankingLine(forces.ranking));
  return table + lines.join('') + (parts === null ? '' : partsTable(parts));
}

/** What the intervals are made of, root mean square over the structures. */
function partsTable({ energy, forces, stress }: PartsSummary): string {
  const row = (name: string, own: UncertaintyParts | null, scale: number, unit: string): string[] => {
    if (own === null) return [name, '-', '-', '-', unit];
    const known = own.label > 0;
    return [
      name,
      known ? cell(scale * own.label) : 'not measured',
      cell(scale * own.modelForm),
      cell(scale * own.epistemic),
      unit,
    ];
  };
  const table = renderTable(
    [
      { header: 'sigma made of', align: 'left' },
      { header: 'labels' },
      { header: 'model form' },
      { header: 'epistemic' },
      { header: 'rms', align: 'left' },
    ],
    [
      row('energy', energy, 1000, 'meV/atom'),
      row('forces', forces, 1000, 'meV/Å'),
      row('stress', stress, 1000, 'meV/Å³'),
    ],
  );
  return `\n${table}epistemic: what more labels would remove; model form: what they would not, unmeasured noise of labels included\n`;
}

function rankingLine(ranking: NonNullable<EvaluationSummary['calibration']['forces']>['ranking']): string {
  if (ranking.count < 2) return '';
  const detections = ranking.detections
    .filter(({ auroc }) => !Number.isNaN(auroc))
    .map(
      ({ threshold, positives, auroc }) =>
        `; the ${positives} beyond ${threshold} eV/Å have the larger bar with probability ${cell(auroc, 2)}`,
    );
  return (
    `ranking of ${ranking.count} atoms by their bars: rank correlation with |ΔF| ${cell(ranking.rankCorrelation, 2)}, ` +
    `${cell(ranking.ceiling, 2)} if the bars were perfect${detections.join('')}; ` +
    `${percent(ranking.worstFound)} of the worst 1 % of errors are among the largest 10 % of bars\n`
  );
}

/** Honesty of the bars group by group; nothing where there is one group only. */
export function groupCalibrationTable(groups: Readonly<Record<string, EvaluationSummary>>): string {
  const names = Object.keys(groups);
  if (names.length < 2) return '';
  const quantities = ['energy', 'forces'] as const;
  const columns = [
    { header: 'group', align: 'left' as const },
    { header: 'structures' },
    ...quantities.flatMap((group) => ['rms z', 'in 90 %', 'in 95 %'].map((header) => ({ header, group }))),
  ];
  const rows = names.map((name) => {
    const { n, calibration } = groups[name]!;
    return [
      name,
      String(n.structures),
      ...quantities.flatMap((quantity) => {
        const c = calibration[quantity];
        return c === null ? ['-', '-', '-'] : [cell(c.rmsResidual), percent(c.coverage90), percent(c.coverage95)];
      }),
    ];
  });
  return `\n${renderTable(columns, rows)}`;
}

/** Whether the error bars of each kind are calibrated. */
export function calibratedKinds(model: LinearModel): Readonly<Record<'energy' | 'forces' | 'stress', boolean>> {
  const { energy, forces, virial } = uncalibrated(model);
  return { energy: energy === null, forces: forces === null, stress: virial === null };
}

/** Warning that a model's error bars are not calibrated, with the kinds that are meant; empty where they are. */
export function uncalibratedWarning(model: LinearModel): string {
  const reasons = uncalibrated(model);
  const { rows } = model.training;
  const kinds = OBSERVATION_KINDS.filter((kind) => rows[kind] > 0 && reasons[kind] !== null);
  if (kinds.length === 0) return '';
  const names = kinds.map((kind) => ({ energy: 'energies', forces: 'forces', virial: 'stress' })[kind]);
  return `warning: error bars of ${names.join(', ')} are not calibrated: ${reasons[kinds[0]!]}\n`;
}
