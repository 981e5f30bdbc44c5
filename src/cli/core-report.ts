import { bondLengths } from '../core/dataset/bond-lengths.ts';
import type { DimerSummary } from '../core/potentials/dimer-scan.ts';
import type { CoreMending } from '../core/potentials/repulsive-cores.ts';
import type { PropertyCard } from '../core/properties/properties.ts';
import type { Fit } from '../node/training/fit.ts';
import { cell } from './table.ts';

/** Share of the shortest distance of the data up to which the core may take over. */
const CORE_SHARE = 0.95;
/** Distance to either side of a gap in which labels are wanted, Å. */
const REACH = 0.2;

/** Shortest distances of the data of a fit, by elements of its model, Å. */
export function shortestDistances({ frames, model }: Pick<Fit, 'frames' | 'model'>): readonly (readonly number[])[] {
  return bondLengths(
    frames.map(({ structure }) => structure),
    model.layout.species,
  ).shortest;
}

/** What was done to the cores of a fit. */
export function coreLines(mending: CoreMending | null): string[] {
  return (mending?.cores ?? []).map(({ pair, strength, innerCutoff: [before, after], attracted: [from, to] }) => {
    const range = from === to ? `at ${from.toFixed(2)} Å` : `from ${from.toFixed(2)} to ${to.toFixed(2)} Å`;
    const wider =
      after === before ? '' : ` and taking over below ${after.toFixed(2)} Å instead of ${before.toFixed(2)}`;
    return `core ${pair.join('-')}: ${cell(strength, 2)} times ZBL${wider}, since the fit attracted ${range}, which no data reach`;
  });
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
  return [...warnings, ...failing.map((failed) => help(failed)), ...(failing.length === 0 ? [PRESSED] : [])];
}

const PRESSED = 'help: add cells pressed that far to the data';

/**
 * What helps a pair: labels where it attracts, with the core left where it is, which a fit would otherwise move below them. A
 * larger core narrows the gap, but the switch between core and basis stays a place where nothing was learned.
 */
function help({ pair, gate, attractive, shortest }: DimerSummary): string {
  const name = pair.join('-');
  const to = Number.isFinite(shortest) ? shortest : gate + REACH;
  const labels = `add labelled dimers ${name} from ${(attractive![0] - REACH).toFixed(2)} to ${to.toFixed(2)} Å and keep --inner-cutoff ${below(gate)}`;
  const most = CORE_SHARE * shortest;
  const wider = Number.isFinite(most) && most > gate + REACH / 4 ? `; up to ${below(most)} it narrows the gap` : '';
  return `help: ${labels}${wider}`;
}
