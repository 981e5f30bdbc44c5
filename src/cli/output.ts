import type { CriterionData, PreconditionData } from '../protocol/events.ts';
import type { CurvePoint, LabelCounts } from '../loop/status.ts';
import { cell, percent, renderTable } from './table.ts';

/** How a criterion is called and shown: its unit and what a stored value is multiplied by. */
interface CriterionStyle {
  readonly label: string;
  readonly short: string;
  readonly unit: string;
  readonly scale: number;
}

const STYLES: Readonly<Record<string, CriterionStyle>> = {
  energyMae: { label: 'energy MAE', short: 'E', unit: 'meV/atom', scale: 1000 },
  forceRmse: { label: 'force RMSE', short: 'F', unit: 'meV/Å', scale: 1000 },
  forceEce: { label: 'force calibration error', short: 'ECE F', unit: '', scale: 1 },
  energyEce: { label: 'energy calibration error', short: 'ECE E', unit: '', scale: 1 },
  forceWorst: { label: 'worst force residual', short: 'worst F', unit: 'sigma', scale: 1 },
  energyWorst: { label: 'worst energy residual', short: 'worst E', unit: 'sigma', scale: 1 },
};

const PRECONDITIONS: Readonly<Record<string, string>> = {
  coverage95: '95 % intervals cover',
  exploration: 'exploration stayed inside',
  assessment: 'assessment set complete',
};

function styleOf(name: string): CriterionStyle {
  return STYLES[name] ?? { label: name, short: name, unit: '', scale: 1 };
}

/** A length of time for people: `42 s`, `7 min`, `3.5 h`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 100) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** `1 label`, `2 labels`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** `24 done, 2 running, 1 failed`: what is zero is left out, except done. */
export function formatCounts(counts: LabelCounts): string {
  const { done, ...others } = counts;
  const rest = Object.entries(others).filter(([, count]) => count > 0);
  return [`${done} done`, ...rest.map(([name, count]) => `${count} ${name}`)].join(', ');
}

/** Criteria with their bounds and tolerances, then preconditions, as a table. */
export function criteriaTable(criteria: readonly CriterionData[], preconditions: readonly PreconditionData[]): string {
  if (criteria.length === 0) return '';
  const rows = criteria.map(({ name, value, upper, tolerance, met }) => {
    const { label, unit, scale } = styleOf(name);
    const shown = (x: number | null): string => cell(x === null ? null : x * scale);
    return [met ? 'met' : 'not met', label, shown(value), shown(upper), cell(tolerance * scale), unit];
  });
  const table = renderTable(
    [
      { header: '', align: 'left' },
      { header: 'criterion', align: 'left' },
      { header: 'value' },
      { header: 'upper bound' },
      { header: 'tolerance' },
      { header: 'unit', align: 'left' },
    ],
    rows,
  );
  const others = preconditions.map(
    ({ name, met, detail }) => `${met ? 'met    ' : 'not met'}  ${PRECONDITIONS[name] ?? name}: ${detail}\n`,
  );
  return table + others.join('');
}

/** `energy MAE`: what a criterion is called. */
export function criterionLabel(name: string): string {
  return styleOf(name).label;
}

/**
 * Criteria in one line, what is compared over what is tolerated: `E 1.31/2.00 meV/atom, F 97.0/90.0 meV/Å ✗, …`; a cross
 * marks what is not met.
 */
export function criteriaLine(criteria: readonly CriterionData[]): string {
  return criteria
    .map(({ name, upper, tolerance, met }) => {
      const { short, unit, scale } = styleOf(name);
      const value = cell(upper === null ? null : upper * scale);
      return `${short} ${value}/${cell(tolerance * scale)}${unit === '' ? '' : ` ${unit}`}${met ? '' : ' ✗'}`;
    })
    .join(', ');
}

/** The learning curve: errors and calibration against training labels, a line per round. */
export function curveTable(curve: readonly CurvePoint[]): string {
  const names = Object.keys(STYLES).filter((name) => curve.some((point) => point.criteria[name] !== undefined));
  const headers = names.map((name) => {
    const { short, unit } = styleOf(name);
    return { header: unit === '' ? short : `${short} ${unit}` };
  });
  const rows = curve.map(({ round, labels, frames, criteria, walkers, broken, censored }) => [
    String(round),
    String(labels),
    String(frames),
    ...names.map((name) => {
      const value = criteria[name]?.value ?? null;
      return cell(value === null ? null : value * styleOf(name).scale);
    }),
    walkers === 0 ? '-' : `${broken} of ${walkers}`,
    percent(censored),
  ]);
  return renderTable(
    [
      { header: 'round' },
      { header: 'labels' },
      { header: 'judged on' },
      ...headers,
      { header: 'broken' },
      { header: 'censored' },
    ],
    rows,
  );
}
