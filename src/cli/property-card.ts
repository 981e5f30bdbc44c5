import type { BondScan } from '../core/properties/bond-scan.ts';
import type { PropertyCard } from '../core/properties/properties.ts';
import { gigapascal } from '../core/units.ts';
import { crystalLines } from '../formats/property-card-svg.ts';
import { finiteOrNull } from './data-options.ts';
import { cell, renderTable } from './table.ts';

/** A trigger that grows by less than this far from equilibrium does not see it. */
const LEAST_TRIGGER = 5;

const COLUMNS = [
  { header: 'element', align: 'left' as const },
  { header: 'structure', align: 'left' as const },
  { header: 'a Å' },
  { header: 'c Å' },
  { header: 'E eV/atom' },
  { header: 'V Å³/atom' },
  { header: 'B GPa' },
  { header: 'trust', align: 'left' as const },
];

/** Typed arrays as lists, numbers that JSON does not know as null. */
export function plainArrays(key: string, value: unknown): unknown {
  return value instanceof Float64Array || value instanceof Uint8Array ? Array.from(value) : finiteOrNull(key, value);
}

/** How much less a potential trusts itself where bonds are far from equilibrium. */
function bondLine({ equilibrium, compressed, stretched }: BondScan): string {
  const blind = compressed < LEAST_TRIGGER || stretched < LEAST_TRIGGER;
  return (
    `trigger ${cell(equilibrium, 2)} of its limit; at least ${cell(compressed, 2)} times that below 0.8 bonds, ` +
    `${cell(stretched, 2)} times beyond 1.4${blind ? `: blind below ${LEAST_TRIGGER} times` : ''}`
  );
}

/** The card as text. */
export function propertyCardText(card: PropertyCard): string {
  const prototypes = renderTable(
    COLUMNS,
    card.prototypes.map(({ element, prototype, crystal }) => {
      if ('missing' in crystal) return [element, prototype, '-', '-', '-', '-', '-', crystal.missing];
      const { a, c, energy, volume, equationOfState, trust } = crystal.value;
      const state = trust === null ? '-' : trust.state === 'trusted' ? 'trusted' : `${trust.state}: ${trust.reason}`;
      const bulk = cell(gigapascal(equationOfState.bulkModulus), 4);
      return [
        element,
        prototype,
        a.toFixed(4),
        c?.toFixed(4) ?? '-',
        energy.toFixed(4),
        volume.toFixed(3),
        bulk,
        state,
      ];
    }),
  );
  const crystals = card.crystals.map((crystal) => {
    const lines = crystalLines(crystal).map(([name, value]) => `  ${name.padEnd(23)}${value}`);
    return `${crystal.name} (${crystal.atoms} atoms in the cell)\n${lines.join('\n')}\n`;
  });
  const pairs = card.pairs.map(
    ({ pair, repulsiveBelow }) =>
      `pair ${pair.join('-')}: repulsive at every distance below ${repulsiveBelow.toFixed(2)} Å\n`,
  );
  const scans = card.bondScans.map(({ element, scan }) =>
    'missing' in scan ? `bond scan ${element}: ${scan.missing}\n` : `bond scan ${element}: ${bondLine(scan.value)}\n`,
  );
  return `${prototypes}\n${crystals.join('\n')}\n${pairs.join('')}${scans.join('')}`;
}
