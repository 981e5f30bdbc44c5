/** Results as they come, on the terminal. */
import type { Contest } from '../contest.ts';
import { quartiles, shownQuartiles, threeDigits } from '../statistics.ts';
import type { Reporter, Scaling } from '../workbench.ts';

const TARGET_MARK = { true: '✓', false: '✗', null: ' ' } as const;

/** What is hoped for, as tables show it. */
export function shownTarget(ratio: Contest['ratios'][number]): string {
  if (ratio.target === undefined) return '';
  return 'atLeast' in ratio.target ? `≥ ${ratio.target.atLeast}` : `≤ ${ratio.target.atMost}`;
}

/** Prints lines. */
export function terminalReporter(write: (text: string) => void): Reporter {
  return {
    contest({ title, unit, times, ratios, notes }) {
      write(`\n${title}\n`);
      for (const note of notes) write(`  ${note}\n`);
      for (const { name, rounds } of times) {
        const { median } = quartiles(rounds);
        const time = median < 1e-3 ? `${threeDigits(1e-3 / median)} G/s` : `${threeDigits(median)} µs`;
        write(`  ${name.padEnd(44)}${time.padStart(14)} per ${unit}\n`);
      }
      for (const ratio of ratios) {
        const mark = TARGET_MARK[`${ratio.met}`];
        write(`  ${mark} ${ratio.label.padEnd(42)}${shownQuartiles(ratio).padStart(26)} ${shownTarget(ratio)}\n`);
      }
    },
    scaling({ title, sizeUnit, points }: Scaling) {
      write(`\n${title}\n`);
      for (const { size, microseconds, peakMegabytes } of points) {
        const time = `${threeDigits(microseconds)} µs each`;
        write(
          `  ${String(size).padStart(8)} ${sizeUnit.padEnd(12)}${time.padStart(20)}${String(peakMegabytes).padStart(8)} MB\n`,
        );
      }
    },
    note: (text) => write(`\n${text}\n`),
  };
}
