import type { RobustReport } from '../node/training/robust-fit.ts';
import { cell, renderTable } from './table.ts';

/** What a robust loss made of the labels, in words, and the frames whose labels count least. */
export function robustReport(report: RobustReport): string {
  const { threshold, passes, converged, scales, downweighted, lowest } = report;
  const percent = (share: number): string => `${cell(100 * share, 2)} %`;
  const bound = (scale: number | null, factor: number, unit: string): string =>
    scale === null ? '' : ` beyond ${cell(threshold * factor * scale)} ${unit}`;
  const head =
    `robust loss (Huber, ${cell(threshold, 2)} robust σ; weights ${converged ? 'settled' : 'not settled'} after ${passes} passes): ` +
    `less weight for ${percent(downweighted.energy)} of the energies${bound(scales.energy, 1000, 'meV/√atom')}, ` +
    `${percent(downweighted.forces)} of the forces on atoms${bound(scales.forces, 1000, 'meV/Å')}` +
    `${scales.virial === null ? '' : `, ${percent(downweighted.virial)} of the virials${bound(scales.virial, 1, 'eV/√atom')}`}\n`;
  if (lowest.length === 0) return head;
  const weight = (value: number | null): string => (value === null ? '-' : cell(value, 2));
  return (
    head +
    renderTable(
      [
        { header: 'lowest weights', align: 'left' },
        { header: 'energy' },
        { header: 'force' },
        { header: 'virial' },
        { header: 'atoms' },
      ],
      lowest.map(({ name, energy, forces, virial, atoms }) => [
        name,
        weight(energy),
        weight(forces),
        weight(virial),
        String(atoms),
      ]),
    )
  );
}
