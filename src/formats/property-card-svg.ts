/** A property card as one SVG page: tables of numbers, energies against volume, and energies of pairs. */
import type { CrystalProperties, PropertyCard } from '../core/properties/properties.ts';
import { gigapascal } from '../core/units.ts';
import { PLOT_COLORS, type PlotSeries, svgPage, svgPlot, svgText } from './svg-plot.ts';

const WIDTH = 960;
const PLOT_HEIGHT = 300;
const LINE = 17;

/** eV/Å³ as GPa with one decimal, zero without a sign. */
function gigapascals(value: number): string {
  return gigapascal(value)
    .toFixed(1)
    .replace(/^-(0\.0)$/, '$1');
}

/** Numbers of one crystal, name by name, as people read them; what is missing says why. */
export function crystalLines(crystal: CrystalProperties): (readonly [name: string, value: string])[] {
  const { lengths, angles, equationOfState, compression, elastic, vacancy, trust } = crystal;
  const lines: [string, string][] = [
    ['cell', `${lengths.map((x) => x.toFixed(4)).join(', ')} Å; ${angles.map((x) => x.toFixed(2)).join(', ')}°`],
    ['volume', `${crystal.volume.toFixed(3)} Å³/atom`],
    ['energy', `${crystal.energy.toFixed(4)} eV/atom`],
  ];
  if (crystal.cohesiveEnergy !== null) lines.push(['cohesive energy', `${crystal.cohesiveEnergy.toFixed(4)} eV/atom`]);
  if ('missing' in equationOfState) lines.push(['bulk modulus', `none: ${equationOfState.missing}`]);
  else {
    const { bulkModulus, bulkModulusDerivative } = equationOfState.value;
    lines.push(['bulk modulus', `${gigapascals(bulkModulus)} GPa, derivative ${bulkModulusDerivative.toFixed(2)}`]);
  }
  if ('missing' in compression) lines.push(['compression', `none: ${compression.missing}`]);
  else {
    const { fallsBelow } = compression.value;
    const rises = 'energy rises down to 0.7 of the bonds';
    const falls = `energy falls below ${fallsBelow?.toFixed(2)} of the bonds: collapses under pressure`;
    lines.push(['compression', fallsBelow === null ? rises : falls]);
  }
  if ('missing' in elastic) lines.push(['elastic constants', `none: ${elastic.missing}`]);
  else {
    const c = elastic.value.relaxed;
    const row = (i: number): string => [0, 1, 2, 3, 4, 5].map((j) => gigapascals(c[6 * i + j]!).padStart(8)).join('');
    lines.push(['elastic constants, GPa', row(0)]);
    for (let i = 1; i < 6; i++) lines.push(['', row(i)]);
    const { shear, young, poisson } = elastic.value.averages;
    lines.push([
      'polycrystal (Voigt)',
      `shear ${gigapascals(shear)} GPa, Young ${gigapascals(young)} GPa, Poisson ${poisson.toFixed(3)}`,
    ]);
    if (!elastic.value.stable) lines.push(['', 'not stable: some small strain lowers the energy']);
  }
  if ('missing' in vacancy) lines.push(['vacancy', `none: ${vacancy.missing}`]);
  else {
    const { unrelaxed, relaxed, atoms, converged } = vacancy.value;
    const doubt = converged ? '' : ' (relaxation not converged)';
    lines.push(['vacancy', `${relaxed.toFixed(3)} eV${doubt}, unrelaxed ${unrelaxed.toFixed(3)} eV (${atoms} sites)`]);
  }
  if (trust !== null) lines.push(['trust', trust.state === 'trusted' ? 'trusted' : `${trust.state}: ${trust.reason}`]);
  return lines;
}

function volumeSeries(card: PropertyCard, element: string): PlotSeries[] {
  const own = card.prototypes.filter((prototype) => prototype.element === element);
  return own.flatMap(({ prototype, crystal }, k) => {
    if ('missing' in crystal) return [];
    const { points } = crystal.value.equationOfState;
    return [
      {
        label: prototype,
        x: points.map(({ volume }) => volume),
        y: points.map(({ energy }) => energy),
        color: PLOT_COLORS[k % PLOT_COLORS.length]!,
        marks: true,
      },
    ];
  });
}

/** Most of the depth of a well, and as much above zero as shows the wall, eV. */
function pairRange(energies: readonly number[]): readonly [number, number] {
  const well = Math.max(0.5, -Math.min(...energies));
  return [-1.2 * well, 2.5 * well];
}

/** The page. */
export function writePropertyCardSvg(card: PropertyCard): string {
  const parts = [svgText(24, 36, `Properties of ${card.potential}`, { size: 20, bold: true })];
  let y = 64;
  for (const crystal of card.crystals) {
    parts.push(svgText(24, y, `${crystal.name} (${crystal.atoms} atoms in the cell)`, { size: 14, bold: true }));
    y += LINE + 3;
    for (const [name, value] of crystalLines(crystal)) {
      parts.push(svgText(24, y, name, { color: '#555' }), svgText(190, y, value, { columns: value.startsWith('  ') }));
      y += LINE;
    }
    y += 10;
  }
  const plots = [
    ...[...new Set(card.prototypes.map(({ element }) => element))].flatMap((element) => {
      const series = volumeSeries(card, element);
      const axes = { xLabel: 'volume, Å³/atom', yLabel: 'energy, eV/atom' };
      return series.length === 0 ? [] : [{ title: `${element}: energy against volume`, ...axes, series }];
    }),
    ...card.pairs.map(({ pair, points }, k) => {
      const y = points.map(({ energy }) => energy);
      return {
        title: `${pair.join('–')} in vacuum`,
        xLabel: 'distance, Å',
        yLabel: 'energy, eV',
        yRange: pairRange(y),
        series: [
          {
            label: pair.join('–'),
            x: points.map(({ distance }) => distance),
            y,
            color: PLOT_COLORS[k % PLOT_COLORS.length]!,
          },
        ],
      };
    }),
  ];
  const width = WIDTH / 2 - 24;
  plots.forEach((plot, k) => {
    const place = {
      x: 12 + (k % 2) * (width + 24),
      y: y + Math.floor(k / 2) * (PLOT_HEIGHT + 12),
      width,
      height: PLOT_HEIGHT,
    };
    parts.push(svgPlot({ ...plot, ...place }));
  });
  const height = y + Math.ceil(plots.length / 2) * (PLOT_HEIGHT + 12) + 12;
  return svgPage(WIDTH, height, `Properties of ${card.potential}`, parts);
}
