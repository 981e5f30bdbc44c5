import { escapeXml, PLOT_COLORS, svgText } from './svg-plot.ts';

/** A line with a band around it. */
export interface BandSeries {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly color: string;
  readonly dashed?: boolean;
}

/** A plot of curves whose errors fall by powers. */
export interface BandPlot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly BandSeries[];
  readonly width: number;
  readonly height: number;
  /** A level to be marked. */
  readonly level?: number;
}

/** Colour of a strategy by its place in the list; random is grey. */
export function seriesColor(index: number): string {
  return PLOT_COLORS[index % PLOT_COLORS.length]!;
}

const MARGIN = { left: 66, right: 14, top: 30, bottom: 46 };

/** Ticks of a logarithmic axis: powers of ten with 2 and 5 between, or finer steps where the range is small. */
export function logTicks(low: number, high: number): number[] {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const within = (steps: readonly number[]): number[] =>
    Array.from({ length: last - first + 1 }, (_, k) => first + k)
      .flatMap((power) => steps.map((step) => Number((step * 10 ** power).toPrecision(6))))
      .filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  for (const steps of [
    [1],
    [1, 2, 5],
    [1, 1.5, 2, 3, 4, 5, 7],
    [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9],
  ]) {
    const ticks = within(steps);
    if (ticks.length >= 4) return ticks.length <= 10 ? ticks : ticks.filter((_, k) => k % 2 === 0);
  }
  const span = high / low;
  return [...new Set(Array.from({ length: 5 }, (_, k) => Number((low * span ** (k / 4)).toPrecision(2))))];
}

const round = (value: number): string => String(Number(value.toFixed(2)));

/** An SVG element with both axes logarithmic: lines, bands and a legend below the title. */
export function bandPlotSvg({ title, xLabel, yLabel, series, width, height, level }: BandPlot): string {
  const drawn = series.filter(({ x }) => x.length > 0);
  const xs = drawn.flatMap(({ x }) => x);
  const ys = [...drawn.flatMap(({ y, low, high }) => [...y, ...low, ...high]), ...(level === undefined ? [] : [level])];
  const finite = ys.filter((y) => y > 0 && Number.isFinite(y));
  const [x0, x1] = [Math.min(...xs), Math.max(...xs)];
  const [y0, y1] = [Math.min(...finite) / 1.05, Math.max(...finite) * 1.05];
  const inner = {
    left: MARGIN.left,
    top: MARGIN.top,
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const bottom = inner.top + inner.height;
  const along = (value: number, low: number, high: number): number =>
    high > low ? Math.log(value / low) / Math.log(high / low) : 0.5;
  const atX = (x: number): string => round(inner.left + inner.width * along(x, x0, x1));
  const atY = (y: number): string =>
    round(inner.top + inner.height * (1 - along(Math.min(y1, Math.max(y0, y)), y0, y1)));
  const parts = [svgText(inner.left, 18, title, { size: 14, bold: true })];
  for (const tick of logTicks(x0, x1)) {
    parts.push(
      `<path d="M${atX(tick)} ${inner.top}V${bottom}" stroke="#e8e8e8"/>`,
      svgText(Number(atX(tick)), bottom + 16, String(tick), { size: 11, anchor: 'middle', color: '#555' }),
    );
  }
  for (const tick of logTicks(y0, y1)) {
    parts.push(
      `<path d="M${inner.left} ${atY(tick)}H${inner.left + inner.width}" stroke="#e8e8e8"/>`,
      svgText(inner.left - 7, Number(atY(tick)) + 4, String(tick), { size: 11, anchor: 'end', color: '#555' }),
    );
  }
  if (level !== undefined)
    parts.push(`<path d="M${inner.left} ${atY(level)}H${inner.left + inner.width}" stroke="#888" stroke-width="1.2"/>`);
  for (const { x, low, high, color } of drawn) {
    const upper = x.map((value, k) => `${atX(value)},${atY(high[k]!)}`);
    const lower = x.map((value, k) => `${atX(value)},${atY(low[k]!)}`).reverse();
    parts.push(`<polygon points="${[...upper, ...lower].join(' ')}" fill="${color}" fill-opacity="0.12"/>`);
  }
  for (const { label, x, y, color, dashed } of drawn) {
    const points = x.map((value, k) => `${atX(value)},${atY(y[k]!)}`).join(' ');
    const dash = dashed === true ? ' stroke-dasharray="6 4"' : '';
    parts.push(
      `<polyline fill="none" stroke="${color}" stroke-width="2"${dash} points="${points}"><title>${escapeXml(label)}</title></polyline>`,
    );
  }
  parts.push(
    `<rect x="${inner.left}" y="${inner.top}" width="${inner.width}" height="${inner.height}" fill="none" stroke="#888"/>`,
    svgText(inner.left + inner.width / 2, height - 8, xLabel, { size: 12, anchor: 'middle' }),
    svgText(15, inner.top + inner.height / 2, yLabel, { size: 12, anchor: 'middle', rotate: -90 }),
  );
  return `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeXml(title)}" font-family="system-ui, sans-serif">${parts.join('\n')}</svg>`;
}
