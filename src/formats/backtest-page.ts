import type { BandSeries } from './learning-curve-svg.ts';
import { bandPlotSvg } from './learning-curve-svg.ts';
import { escapeXml } from './svg-plot.ts';

/** A table of the page: headers, then cells; the first column is the name of the row. */
export interface PageTable {
  readonly title: string;
  readonly note: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** A plot of the page. */
export interface PagePlot {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly BandSeries[];
  readonly level?: number;
}

/** What a page about a back-test shows. */
export interface BacktestPage {
  readonly title: string;
  /** Facts of the set-up, name and value. */
  readonly facts: readonly (readonly [string, string])[];
  /** What was found, in sentences. */
  readonly findings: readonly string[];
  readonly plots: readonly PagePlot[];
  readonly tables: readonly PageTable[];
}

const STYLE = `
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; margin: 0 auto; max-width: 1120px; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .8rem 0; } dt { color: #666; } dd { margin: 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1rem; }
.plots svg { width: 100%; height: auto; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; padding: 0; margin: .6rem 0; list-style: none; }
.legend svg { width: 28px; height: 10px; vertical-align: middle; margin-right: .4rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem; text-align: right; border-bottom: 1px solid #e4e4e4; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; padding-left: 0; } thead th { border-bottom: 2px solid #bbb; font-weight: 600; }
p.note { color: #555; max-width: 70ch; margin: .2rem 0 .6rem; }
@media print { .plots { grid-template-columns: 1fr 1fr; } }
`;

function tableHtml({ title, note, columns, rows }: PageTable): string {
  const head = columns.map((name) => `<th scope="col">${escapeXml(name)}</th>`).join('');
  const body = rows
    .map((row) => {
      const [name, ...cells] = row.map(escapeXml);
      return `<tr><th scope="row">${name}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
    })
    .join('\n');
  return `<h2>${escapeXml(title)}</h2>
<p class="note">${escapeXml(note)}</p>
<div class="scroll"><table><thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}

function legendHtml(series: readonly BandSeries[]): string {
  const items = series.map(({ label, color, dashed }) => {
    const dash = dashed === true ? ' stroke-dasharray="6 4"' : '';
    return `<li><svg viewBox="0 0 28 10" aria-hidden="true"><path d="M0 5H28" stroke="${color}" stroke-width="3"${dash}/></svg>${escapeXml(label)}</li>`;
  });
  return `<ul class="legend">${items.join('')}</ul>`;
}

/** One HTML file that needs no other: set-up, findings, learning curves and tables. */
export function writeBacktestPage({ title, facts, findings, plots, tables }: BacktestPage): string {
  const legend = plots.reduce<readonly BandSeries[]>(
    (most, { series }) => (series.length > most.length ? series : most),
    [],
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeXml(title)}</h1>
${findings.map((text) => `<p>${escapeXml(text)}</p>`).join('\n')}
<dl>${facts.map(([name, value]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>`).join('')}</dl>
${legendHtml(legend)}
<div class="plots">
${plots.map((plot) => `<figure style="margin:0">${bandPlotSvg({ ...plot, width: 540, height: 360 })}</figure>`).join('\n')}
</div>
${tables.map(tableHtml).join('\n')}
</body>
</html>
`;
}
