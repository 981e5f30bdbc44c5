import fc from 'fast-check';
import { afterEach, expect } from 'vitest';

// Property tests draw the same cases in every run; QUERENT_FUZZ_SEED=<n> draws others.
fc.configureGlobal({ seed: Number(process.env.QUERENT_FUZZ_SEED ?? 20261124) });

/** Asserts |actual − expected| ≤ atol + rtol·|expected| for numbers and (nested) arrays of numbers. */
expect.extend({
  toAgree(actual: unknown, expected: unknown, tolerance: { atol?: number; rtol?: number; why: string }) {
    const { atol = 0, rtol = 0, why } = tolerance;
    const failures: string[] = [];
    const isList = (x: unknown): x is ArrayLike<unknown> =>
      Array.isArray(x) || (ArrayBuffer.isView(x) && !(x instanceof DataView));
    const compare = (a: unknown, e: unknown, path: string): void => {
      if (isList(e)) {
        if (!isList(a) || a.length !== e.length) {
          failures.push(`${path}: length ${isList(a) ? a.length : typeof a} instead of ${e.length}`);
          return;
        }
        for (let i = 0; i < e.length; i++) compare(a[i], e[i], `${path}[${i}]`);
        return;
      }
      const difference = Math.abs((a as number) - (e as number));
      if (!(difference <= atol + rtol * Math.abs(e as number)) && !Object.is(a, e)) {
        failures.push(`${path}: ${a} instead of ${e} (difference ${difference})`);
      }
    };
    compare(actual, expected, 'value');
    return {
      pass: failures.length === 0,
      message: () => `tolerance atol ${atol}, rtol ${rtol} (${why})\n${failures.slice(0, 8).join('\n')}`,
    };
  },
});

/** Console output of code under test is a defect: only the command line prints. */
const printed: string[] = [];
for (const method of ['log', 'warn', 'error', 'info'] as const) {
  const original = console[method].bind(console);
  console[method] = (...args: unknown[]): void => {
    printed.push(args.join(' '));
    original(...args);
  };
}
afterEach(() => {
  const [first] = printed.splice(0);
  if (first !== undefined) throw new Error(`console output in a test: ${first}`);
});
