import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeXml, type Plot, roundTicks, svgPage, svgPlot, svgText } from './svg-plot.ts';

const plot: Plot = {
  title: 'E & F',
  xLabel: 'x',
  yLabel: 'y',
  x: 0,
  y: 0,
  width: 400,
  height: 300,
  series: [{ label: 'a<b', x: [0, 1, 2], y: [1, Number.NaN, 3], color: '#000', marks: true }],
};

/** Tags that are opened are closed, in order. */
function expectWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, slash, name, rest] of xml.matchAll(/<(\/?)([a-zA-Z]+)([^>]*)>/g)) {
    if (slash === '/') expect(open.pop()).toBe(name);
    else if (!rest!.endsWith('/')) open.push(name!);
  }
  expect(open).toEqual([]);
}

describe('roundTicks', () => {
  it('are few, round, inside and evenly spaced', () => {
    const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(bound, fc.double({ min: 1e-3, max: 1e6, noNaN: true }), (low, span) => {
        const ticks = roundTicks(low, low + span);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(8);
        expect(ticks[0]!).toBeGreaterThanOrEqual(low - 1e-6 * span);
        expect(ticks.at(-1)!).toBeLessThanOrEqual(low + span * (1 + 1e-6));
      }),
    );
    expect(roundTicks(0, 1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(roundTicks(3, 3)).toEqual([3]);
  });
});

describe('svgPlot', () => {
  it('draws what is finite and escapes what is written', () => {
    const page = svgPage(400, 300, 'a "page"', [svgPlot(plot), svgText(1, 2, '1 < 2', { columns: true, rotate: 90 })]);
    expectWellFormed(page);
    expect(page).toContain('E &amp; F');
    expect(page).toContain('a&lt;b');
    expect(page.match(/<circle/g)).toHaveLength(2);
    expect(page).not.toContain('NaN');
    expect(page).toContain('<title>a &quot;page&quot;</title>');
  });

  it('draws powers of ten at even distances on logarithmic axes', () => {
    const series = [{ label: 'a', x: [10, 100, 1000], y: [0.2, 2, 20], color: '#000', marks: true }];
    const svg = svgPlot({ ...plot, series, logarithmic: true });
    expectWellFormed(svg);
    const marks = [...svg.matchAll(/<circle cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [Number(x), Number(y)]);
    const [a, b, c] = marks as [[number, number], [number, number], [number, number]];
    expect(c[0] - b[0]).toAgree(b[0] - a[0], { atol: 0.02, why: 'coordinates have two decimals' });
    expect(b[1] - a[1]).toAgree(c[1] - b[1], { atol: 0.02, why: 'coordinates have two decimals' });
    for (const tick of ['10', '100', '1000', '0.1', '1']) expect(svg).toContain(`>${tick}</text>`);
    expect(svgPlot({ ...plot, series: [], logarithmic: true })).not.toMatch(/NaN|Infinity/);
  });

  it('draws an empty plot, one point, and a wall that leaves the frame', () => {
    expectWellFormed(svgPlot({ ...plot, series: [] }));
    expectWellFormed(svgPlot({ ...plot, series: [{ label: '', x: [1], y: [1], color: '#000' }] }));
    const wall = svgPlot({ ...plot, yRange: [0, 1], series: [{ label: '', x: [0, 1], y: [1e12, 0], color: '#000' }] });
    expect(wall).toContain('-10000');
  });

  it('escapes all that XML reserves', () => {
    expect(escapeXml(`<&">`)).toBe('&lt;&amp;&quot;&gt;');
  });
});
