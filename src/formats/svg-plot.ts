/** Plots as SVG text: axes with round ticks, lines and points. No fonts or files of others are needed to show them. */

/** One line of a plot. */
export interface PlotSeries {
  readonly label: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly color: string;
  readonly marks?: boolean;
  readonly dashed?: boolean;
}

/** A plot and its place on a page, pixels. */
export interface Plot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly PlotSeries[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Range of y; from the data when left out. Lines are cut off at it. */
  readonly yRange?: readonly [number, number];
  /** Whether both axes are logarithmic, with ticks at powers of ten; all values are positive then. */
  readonly logarithmic?: boolean;
}

/** Colours that colour-blind readers can tell apart (Okabe and Ito). */
export const PLOT_COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

const MARGIN = { left: 62, right: 12, top: 28, bottom: 44 };

/** Text with what XML reserves escaped. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);
}

/** A line of text; `columns` keeps its spaces, in letters of one width. */
export function svgText(
  x: number,
  y: number,
  text: string,
  { size = 12, anchor = 'start', bold = false, rotate = 0, color = '#222', columns = false } = {},
): string {
  const turn = rotate === 0 ? '' : ` transform="rotate(${rotate} ${x} ${y})"`;
  const weight = bold ? ' font-weight="600"' : '';
  const font = columns ? ' font-family="ui-monospace, monospace" xml:space="preserve"' : '';
  return `<text x="${x}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="${color}"${weight}${font}${turn}>${escapeXml(text)}</text>`;
}

/** Round numbers that cut [low, high] into four to eight parts. */
export function roundTicks(low: number, high: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => span / size <= 7)!;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

function range(values: readonly number[]): readonly [number, number] {
  const finite = values.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const room = high > low ? 0.04 * (high - low) : Math.max(1e-6, 0.05 * Math.abs(high));
  return [low - room, high + room];
}

/** Whole decades around logarithms. */
function decades(logs: readonly number[]): readonly [number, number] {
  const finite = logs.filter(Number.isFinite);
  if (finite.length === 0) return [0, 1];
  const low = Math.floor(Math.min(...finite));
  return [low, Math.max(low + 1, Math.ceil(Math.max(...finite)))];
}

/** A tick at every power of ten. */
function decadeTicks(low: number, high: number): number[] {
  return Array.from({ length: Math.round(high - low) + 1 }, (_, k) => low + k);
}

const round = (value: number): string => String(Number(value.toFixed(2)));

/** The elements of a plot, to be put into an `svgPage`. */
export function svgPlot(plot: Plot): string {
  const { x: left, y: top, width, height, logarithmic = false } = plot;
  const scaled = <T extends readonly number[]>(values: T): T =>
    logarithmic ? (values.map(Math.log10) as readonly number[] as T) : values;
  const series = plot.series.map((one) => ({ ...one, x: scaled(one.x), y: scaled(one.y) }));
  const [limits, ticks] = logarithmic ? [decades, decadeTicks] : [range, roundTicks];
  const [xLow, xHigh] = limits(series.flatMap(({ x }) => x));
  const [yLow, yHigh] = plot.yRange === undefined ? limits(series.flatMap(({ y }) => y)) : scaled(plot.yRange);
  const shown = (tick: number): string => String(logarithmic ? Number((10 ** tick).toPrecision(3)) : tick);
  const inner = {
    left: left + MARGIN.left,
    top: top + MARGIN.top,
    width: width - MARGIN.left - MARGIN.right,
    height: height - MARGIN.top - MARGIN.bottom,
  };
  const atX = (value: number): number => inner.left + ((value - xLow) / (xHigh - xLow)) * inner.width;
  const atY = (value: number): number => inner.top + (1 - (value - yLow) / (yHigh - yLow)) * inner.height;
  const bottom = inner.top + inner.height;
  const parts = [svgText(left + MARGIN.left, top + 16, plot.title, { size: 13, bold: true })];
  for (const tick of ticks(xLow, xHigh)) {
    const at = round(atX(tick));
    parts.push(
      `<path d="M${at} ${inner.top}V${bottom}" stroke="#e4e4e4"/>`,
      svgText(Number(at), bottom + 15, shown(tick), { size: 10, anchor: 'middle', color: '#555' }),
    );
  }
  for (const tick of ticks(yLow, yHigh)) {
    const at = round(atY(tick));
    parts.push(
      `<path d="M${inner.left} ${at}H${inner.left + inner.width}" stroke="#e4e4e4"/>`,
      svgText(inner.left - 6, Number(at) + 3.5, shown(tick), { size: 10, anchor: 'end', color: '#555' }),
    );
  }
  const middleX = inner.left + inner.width / 2;
  const middleY = inner.top + inner.height / 2;
  parts.push(
    `<rect x="${inner.left}" y="${inner.top}" width="${inner.width}" height="${inner.height}" fill="none" stroke="#888"/>`,
    svgText(middleX, bottom + 34, plot.xLabel, { size: 11, anchor: 'middle' }),
    svgText(left + 14, middleY, plot.yLabel, { size: 11, anchor: 'middle', rotate: -90 }),
  );
  const id = `clip-${Math.round(left)}-${Math.round(top)}`;
  parts.push(
    `<clipPath id="${id}"><rect x="${inner.left}" y="${inner.top}" width="${inner.width}" height="${inner.height}"/></clipPath>`,
    `<g clip-path="url(#${id})">`,
  );
  for (const { x, y, color, marks, dashed } of series) {
    const places = x.flatMap((value, k) => (Number.isFinite(y[k]!) ? [[atX(value), atY(y[k]!)] as const] : []));
    // Far outside the frame only the direction of a line matters; huge coordinates confuse some viewers.
    const kept = places.map(([u, v]) => [round(u), round(Math.max(top - 1e4, Math.min(top + 1e4, v)))] as const);
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(
      `<polyline fill="none" stroke="${color}" stroke-width="1.6"${dash} points="${kept.map((p) => p.join(',')).join(' ')}"/>`,
    );
    if (marks) parts.push(...kept.map(([u, v]) => `<circle cx="${u}" cy="${v}" r="2.4" fill="${color}"/>`));
  }
  parts.push('</g>');
  series.forEach(({ label, color, dashed }, k) => {
    const y = inner.top + 14 + 15 * k;
    const x = inner.left + inner.width - 8;
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(
      `<path d="M${x - 20} ${y - 4}H${x}" stroke="${color}" stroke-width="2"${dash}/>`,
      svgText(x - 26, y, label, { size: 11, anchor: 'end' }),
    );
  });
  return parts.join('\n');
}

/** A whole SVG document on a white page. */
export function svgPage(width: number, height: number, title: string, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">
<title>${escapeXml(title)}</title>
<rect width="${width}" height="${height}" fill="#fff"/>
${parts.join('\n')}
</svg>
`;
}
