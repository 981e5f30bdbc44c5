import { bondLengths } from '../core/dataset/bond-lengths.ts';
import type { DimerSummary } from '../core/potentials/dimer-scan.ts';
import type { PropertyCard } from '../core/properties/properties.ts';
import type { Fit } from '../node/training/fit.ts';
import { cell } from './table.ts';

/** Share of the shortest distance of the data up to which the core may take over. */
const CORE_SHARE = 0.95;

/** Shortest distances of the data of a fit, by elements of its model, Å. */
export function shortestDistances({ frames, model }: Pick<Fit, 'frames' | 'model'>): readonly (readonly number[])[] {
  return bondLengths(
    frames.map(({ structure }) => structure),
    model.layout.species,
  ).shortest;
}

/** What the dimer scan of one pair says. */
export function dimerLine({ pair, gate, gateBroken, attractive, trusted }: DimerSummary): string {
  const name = pair.join('-');
  const refused = gateBroken ? `refused below ${cell(gate)} Å` : `not refused everywhere below ${cell(gate)} Å`;
  const where = trusted === null ? 'trusted nowhere' : `trusted from ${cell(trusted[0])} to ${cell(trusted[1])} Å`;
  const core = attractive === null ? 'repulsive core' : 'attractive core';
  return `${gateBroken ? '' : 'warning: '}dimer ${name}: ${core}, ${refused}, ${where}`;
}

/** Å with two digits, the last one dropped: a bound that must not be passed. */
const below = (value: number): string => (Math.floor(100 * value) / 100).toFixed(2);

/** Warnings of pairs that attract where no data are and of crystals that collapse under pressure, and what helps. */
export function coreWarnings(dimers: readonly DimerSummary[], card: PropertyCard | null): string[] {
  const failing = dimers.filter(({ attractive }) => attractive !== null);
  const warnings = failing.map(({ pair, attractive, shortest }) => {
    const [from, to] = attractive!;
    const range = from === to ? `at ${from.toFixed(2)} Å` : `between ${from.toFixed(2)} and ${to.toFixed(2)} Å`;
    const data = Number.isFinite(shortest) ? `the data end at ${shortest.toFixed(2)} Å` : 'the data have no such pair';
    return `warning: the dimer ${pair.join('-')} attracts ${range}, where nothing was learned (${data})`;
  });
  for (const { name, compression } of card?.crystals ?? []) {
    if ('missing' in compression || compression.value.fallsBelow === null) continue;
    const ratio = compression.value.fallsBelow.toFixed(2);
    warnings.push(
      `warning: ${name} collapses under pressure: its energy falls where bonds are below ${ratio} of their length`,
    );
  }
  if (warnings.length === 0) return [];
  // One inner cutoff is for all pairs: the core may reach as far as the closest of them were seen.
  const most = CORE_SHARE * Math.min(...dimers.map(({ shortest }) => shortest));
  const largest = Math.max(...dimers.map(({ gate }) => gate));
  const wider =
    Number.isFinite(most) && most > largest + 0.01
      ? `fit with --inner-cutoff ${below(most)}, which lets the ZBL core take over from there, or `
      : '';
  return [...warnings, `help: ${wider}add structures with short bonds (compressed cells, dimers) to the data`];
}
