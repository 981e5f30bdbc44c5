import { describe, expect, it } from 'vitest';
import { bandPlotSvg, logTicks, seriesColor } from './learning-curve-svg.ts';

const series = {
  label: 'a < b',
  x: [5, 50, 500],
  y: [0.1, 0.03, 0.01],
  low: [0.05, 0.02, 0.009],
  high: [0.2, 0.04, 0.012],
  color: '#0072b2',
};
const plot = { title: 'T & t', xLabel: 'labels', yLabel: 'eV', series: [series], width: 540, height: 360 };

describe('logTicks', () => {
  it.each([
    [1, 1e5, [1, 10, 100, 1000, 10000, 100000]],
    [5, 130, [5, 10, 20, 50, 100]],
    [0.9, 1.1, [0.9, 0.95, 0.99, 1, 1.1]],
  ])('are round numbers from %f to %f', (low, high, expected) => {
    expect(logTicks(low, high)).toEqual(expected);
  });

  it('are four to ten within the range', () => {
    for (const high of [1.3, 2, 3, 7, 12, 40, 1e3, 1e8]) {
      const ticks = logTicks(1, high);
      expect(ticks.length).toBeGreaterThanOrEqual(4);
      expect(ticks.length).toBeLessThanOrEqual(10);
      expect([...ticks].sort((a, b) => a - b)).toEqual(ticks);
    }
  });
});

describe('bandPlotSvg', () => {
  const svg = bandPlotSvg(plot);

  it('draws a line and a band through logarithmic places', () => {
    const points = /<polyline[^>]* points="([^"]+)"/
      .exec(svg)![1]!
      .split(' ')
      .map((p) => p.split(',').map(Number));
    expect(points).toHaveLength(3);
    expect(points[1]![0]! - points[0]![0]!).toAgree(points[2]![0]! - points[1]![0]!, {
      atol: 0.02,
      why: 'equal decades',
    });
    expect(/<polygon points="([^"]+)"/.exec(svg)![1]!.split(' ')).toHaveLength(6);
  });

  it('escapes text, marks a level and dashes a line', () => {
    expect(svg).toContain('<title>a &lt; b</title>');
    expect(svg).toContain('aria-label="T &amp; t"');
    expect(svg).not.toContain('stroke-dasharray');
    const marked = bandPlotSvg({ ...plot, level: 1, series: [{ ...series, dashed: true }] });
    expect(marked).toContain('stroke-dasharray="6 4"');
    expect(marked.match(/stroke="#888"/g)).toHaveLength(2);
  });

  it('stays within its frame, leaves empty series out, and shows a single point in the middle', () => {
    const empty = { ...series, x: [], y: [], low: [], high: [] };
    const one = { ...series, x: [5], y: [1], low: [0], high: [2] };
    const text = bandPlotSvg({ ...plot, series: [empty, one] });
    expect(text.match(/<polyline/g)).toHaveLength(1);
    expect(text).not.toMatch(/NaN|Infinity/);
    const [x, y] = /<polyline[^>]* points="([^"]+)"/.exec(text)![1]!.split(',').map(Number);
    expect(x! > 66 && x! < 526 && y! > 30 && y! < 314).toBe(true);
  });

  it('has colours that repeat after six', () => {
    expect(seriesColor(6)).toBe(seriesColor(0));
    expect(new Set([0, 1, 2, 3, 4, 5].map(seriesColor)).size).toBe(6);
  });
});
