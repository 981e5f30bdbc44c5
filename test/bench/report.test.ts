import { describe, expect, it } from 'vitest';
import { ratiosOf } from '../../bench/contest.ts';
import { BENCH_BEGIN, BENCH_END, benchMarkdown, withBench } from '../../bench/report/markdown.ts';
import { benchPlot, decades } from '../../bench/report/plot.ts';
import { type BenchReport, collectingReporter } from '../../bench/report/report.ts';
import { terminalReporter } from '../../bench/report/terminal.ts';

const times = [
  { name: 'ML-PACE', rounds: [60, 62, 64] },
  { name: 'wasm-fma', rounds: [10, 10, 10] },
  { name: 'probe wasm-fma', rounds: [1e-4, 1e-4, 1e-4] },
];
const report: BenchReport = {
  machine: {
    processor: 'A <Processor>',
    cores: 2,
    memoryGigabytes: 16,
    system: 'linux x64',
    node: '24.0.0',
    v8: '13.6',
    clock: 'a clock',
    kernels: 'wasm-fma',
    commit: 'abc1234',
    load: 0.5,
    date: '2026-01-02',
  },
  rounds: 3,
  contests: [
    {
      subject: 'energy',
      title: 'Cu & Co, 32 atoms',
      unit: 'atom',
      notes: ['agrees'],
      times,
      ratios: ratiosOf(times, [
        { name: 'wasm-fma', over: 'ML-PACE', target: { atLeast: 6 } },
        { name: 'wasm-fma', over: 'probe wasm-fma', label: 'a | b', factor: 1e4, target: { atMost: 0.05 } },
      ]),
    },
  ],
  scalings: [
    {
      subject: 'scaling',
      title: 'energies',
      sizeUnit: 'atoms',
      points: [
        { size: 64, microseconds: 10, peakMegabytes: 100 },
        { size: 1000, microseconds: 12, peakMegabytes: 120 },
      ],
    },
  ],
  notes: ['OpenBLAS is left out: no network'],
};

describe('benchMarkdown', () => {
  it('says on what, against what and whether what was hoped for came true', () => {
    const text = benchMarkdown(report, 'plot.svg');
    expect(text.startsWith(BENCH_BEGIN)).toBe(true);
    expect(text.endsWith(BENCH_END)).toBe(true);
    expect(text).toContain(
      'A <Processor>, 2 cores, 16 GB, linux x64; Node 24.0.0 (V8 13.6), kernels wasm-fma; 2026-01-02',
    );
    expect(text).toContain('| Cu & Co, 32 atoms | wasm-fma / ML-PACE | 6.20 [6.10, 6.30] | ≥ 6 ✓ |');
    expect(text).toContain('|  | a \\| b | 0.100 [0.100, 0.100] | ≤ 0.05 ✗ |');
    expect(text).toContain('| Cu & Co, 32 atoms | atom | ML-PACE 62.0 µs, wasm-fma 10.0 µs, probe wasm-fma 10.0 G/s |');
    expect(text).toContain('- Cu & Co, 32 atoms: agrees.');
    expect(text).toContain('| energies | 64 atoms | 10.0 µs | 100 MB |');
    expect(text).toContain('- OpenBLAS is left out: no network');
    expect(text).toContain('![ratios and scaling](plot.svg)');
  });

  it('replaces its part of a page and nothing else', () => {
    const page = `# Title\n\n${BENCH_BEGIN}\nold\n${BENCH_END}\n\nrest\n`;
    const fresh = withBench(page, `${BENCH_BEGIN}\nnew\n${BENCH_END}`);
    expect(fresh).toBe(`# Title\n\n${BENCH_BEGIN}\nnew\n${BENCH_END}\n\nrest\n`);
    expect(withBench(fresh, `${BENCH_BEGIN}\nold\n${BENCH_END}`)).toBe(page);
    expect(() => withBench('# Title', 'x')).toThrow('must hold the marks');
  });
});

describe('benchPlot', () => {
  it('is one well-formed picture with a bar and a mark for every quotient', () => {
    const svg = benchPlot(report);
    // The page, the bars, and the frame of the plot of scaling with what it is cut off at.
    expect(svg.match(/<rect /g)).toHaveLength(1 + report.contests[0]!.ratios.length + 2);
    expect(svg.match(/◇<\/text>/g)).toHaveLength(2);
    expect(svg.match(/<circle /g)).toHaveLength(2);
    expect(svg).toContain('Cu &amp; Co: wasm-fma / ML-PACE');
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('is a picture without scaling, and without anything', () => {
    expect(benchPlot({ ...report, scalings: [] })).not.toContain('<circle');
    expect(benchPlot({ ...report, scalings: [], contests: [] })).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('has axes of whole decades', () => {
    expect(decades([3, 40])).toEqual([1, 100]);
    expect(decades([0.2, 0.9])).toEqual([0.1, 1]);
    expect(decades([1])).toEqual([1, 10]);
    expect(decades([Number.NaN, 0])).toEqual([0.1, 10]);
  });
});

describe('reporters', () => {
  it('print as results come, and keep them', () => {
    let text = '';
    const reporter = collectingReporter(
      terminalReporter((part) => {
        text += part;
      }),
    );
    for (const contest of report.contests) reporter.contest(contest);
    for (const scaling of report.scalings) reporter.scaling(scaling);
    reporter.note('a remark');
    expect(reporter.contests).toEqual(report.contests);
    expect(reporter.scalings).toEqual(report.scalings);
    expect(reporter.notes).toEqual(['a remark']);
    expect(text).toMatch(/✓ wasm-fma \/ ML-PACE +6\.20 \[6\.10, 6\.30\] ≥ 6/);
    expect(text).toMatch(/✗ a \| b/);
    expect(text).toMatch(/1000 atoms +12\.0 µs each +120 MB/);
    expect(text).toContain('a remark');
  });
});
