/** A run of the benchmark as one SVG: bars of quotients on a logarithmic axis, and scaling in two logarithms. */
import { PLOT_COLORS, svgPage, svgPlot, svgText } from '../../src/formats/svg-plot.ts';
import { threeDigits } from '../statistics.ts';
import type { BenchReport } from './report.ts';

const WIDTH = 900;
const BAR = 17;
const LABEL = 430;
const PLOT_HEIGHT = 300;

/** Position of a value on a logarithmic axis from `low` to `high`. */
function place(value: number, low: number, high: number, from: number, length: number): number {
  return from + (length * Math.log(value / low)) / Math.log(high / low);
}

/** Powers of ten around positive values. */
export function decades(values: readonly number[]): readonly [number, number] {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map((value) => Math.log10(value));
  if (logs.length === 0) return [0.1, 10];
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs))];
  return [10 ** low, 10 ** (high > low ? high : low + 1)];
}

/** Powers of ten from `low` to `high`. */
function ticks(low: number, high: number): number[] {
  const count = Math.round(Math.log10(high / low));
  return Array.from({ length: count + 1 }, (_, k) => low * 10 ** k);
}

interface Bar {
  readonly label: string;
  readonly median: number;
  readonly lower: number;
  readonly upper: number;
  readonly target: number | null;
  readonly color: string;
}

function barsOf(report: BenchReport): Bar[] {
  return report.contests.flatMap(({ subject, title, ratios }) =>
    ratios
      // The twin is no yardstick of others, and the plain build stands beside the fused one in the tables.
      .filter(({ over }) => over !== 'typescript')
      .filter((own) => own.name !== 'wasm-simd' || !ratios.some((r) => r.name === 'wasm-fma' && r.over === own.over))
      .map((ratio) => ({
        // Of error bars the quotients speak for themselves.
        label: subject === 'prediction' ? ratio.label : `${title.replace(/, \d+ atoms$/, '')}: ${ratio.label}`,
        median: ratio.median,
        lower: ratio.lower,
        upper: ratio.upper,
        target:
          ratio.target === undefined ? null : 'atLeast' in ratio.target ? ratio.target.atLeast : ratio.target.atMost,
        color:
          PLOT_COLORS[['energy', 'rows', 'linear', 'prediction', 'threads'].indexOf(subject) + 1] ?? PLOT_COLORS[0],
      })),
  );
}

function drawBars(bars: readonly Bar[], top: number): { parts: string[]; bottom: number } {
  const [low, high] = decades(bars.flatMap(({ lower, upper }) => [lower, upper]));
  const length = WIDTH - LABEL - 80;
  const x = (value: number): string => place(value, low, high, LABEL, length).toFixed(1);
  const bottom = top + BAR * bars.length;
  const parts = [
    svgText(LABEL, top - 18, 'how many times (median and quartiles; ◇ hoped for)', { size: 12, bold: true }),
  ];
  for (const tick of ticks(low, high)) {
    parts.push(
      `<path d="M${x(tick)} ${top - 4}V${bottom}" stroke="${tick === 1 ? '#888' : '#ddd'}"/>`,
      svgText(Number(x(tick)), bottom + 14, String(Number(tick.toPrecision(3))), { size: 11, anchor: 'middle' }),
    );
  }
  bars.forEach(({ label, median, lower, upper, target, color }, k) => {
    const y = top + BAR * k + BAR / 2;
    const [from, to] = [1, median].map(x).sort((a, b) => Number(a) - Number(b));
    parts.push(
      svgText(LABEL - 8, y + 4, label.length > 74 ? `${label.slice(0, 73)}…` : label, { size: 10, anchor: 'end' }),
      `<rect x="${from}" y="${y - 5}" width="${(Number(to) - Number(from)).toFixed(1)}" height="10" fill="${color}"/>`,
      `<path d="M${x(lower)} ${y}H${x(upper)}" stroke="#222"/>`,
      svgText(WIDTH - 60, y + 4, threeDigits(median), { size: 10 }),
    );
    if (target !== null) parts.push(svgText(Number(x(target)), y + 4, '◇', { size: 12, anchor: 'middle' }));
  });
  return { parts, bottom: bottom + 24 };
}

function drawScaling(report: BenchReport, top: number): string[] {
  return ['atoms', 'structures'].flatMap((unit, panel) => {
    const series = report.scalings.filter(({ sizeUnit }) => sizeUnit === unit);
    if (series.length === 0) return [];
    return [
      svgPlot({
        title: `µs per ${unit.slice(0, -1)} against ${unit}`,
        xLabel: unit,
        yLabel: 'µs',
        series: series.map(({ title, points }, k) => ({
          label: title,
          x: points.map(({ size }) => size),
          y: points.map(({ microseconds }) => microseconds),
          color: PLOT_COLORS[k]!,
          marks: true,
        })),
        x: (panel * WIDTH) / 2,
        y: top,
        width: WIDTH / 2,
        height: PLOT_HEIGHT - 20,
        logarithmic: true,
      }),
    ];
  });
}

/** The whole picture. */
export function benchPlot(report: BenchReport): string {
  const { parts, bottom } = drawBars(barsOf(report), 50);
  const scaling = report.scalings.length > 0;
  const height = bottom + (scaling ? PLOT_HEIGHT : 10);
  return svgPage(WIDTH, height, 'Ratios and scaling', [...parts, ...(scaling ? drawScaling(report, bottom + 10) : [])]);
}
