import { gigapascal } from '../core/units.ts';
import type { ErrorRow } from '../node/training/tables.ts';
import { cell, renderTable } from './table.ts';

/** Errors of several sets side by side, in meV/atom, meV/Å and GPa. */
export function errorTable(sets: readonly string[], rows: readonly ErrorRow[]): string {
  const hasStress = rows.some((row) => row.sets.some((set) => set !== null && !Number.isNaN(set.stressMae)));
  const quantities = ['E MAE meV/atom', 'F MAE meV/Å', 'F RMSE meV/Å', ...(hasStress ? ['stress MAE GPa'] : [])];
  const columns = [
    { header: '', align: 'left' as const },
    { header: 'structures' },
    ...quantities.flatMap((quantity) =>
      sets.length === 1 ? [{ header: quantity }] : sets.map((header) => ({ header, group: quantity })),
    ),
  ];
  const body = rows.map((row) => {
    const values = row.sets.map((set) =>
      set === null
        ? quantities.map(() => '-')
        : [
            cell(1000 * set.energyMae),
            cell(1000 * set.forceMae),
            cell(1000 * set.forceRmse),
            ...(hasStress ? [cell(gigapascal(set.stressMae))] : []),
          ],
    );
    return [row.name, String(row.structures), ...quantities.flatMap((_, q) => values.map((set) => set[q]!))];
  });
  return renderTable(columns, body);
}
