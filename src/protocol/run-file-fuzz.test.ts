import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FormatError } from '../core/errors.ts';
import type { RunFile } from './run-file.ts';
import { brokenRules } from './run-file-checks.ts';
import type { RunFileIssue } from './run-file-layers.ts';
import { formatRunFile, resolveRunFile } from './run-file-resolve.ts';

const EXAMPLES = ['silicon', 'silicon-qe', 'toy'].map((name) =>
  readFileSync(new URL(`../../examples/${name}/run.yaml`, import.meta.url), 'utf8'),
);
const ENVIRONMENT = { HOME: '/home/me', N: '7' };

function resolve(text: string, sets: readonly string[] = []): RunFile {
  return resolveRunFile(text, 'run.yaml', sets, ENVIRONMENT, () => {
    throw new FormatError('RUN_FILE', { file: 'run.yaml' }, 'nothing is extended here', { issues: [] });
  });
}

/** Either a complete run file that keeps every rule, or complaints that each have a place and a sentence. */
function mustJudge(text: string, sets: readonly string[] = []): 'good' | 'bad' {
  let file: RunFile;
  try {
    file = resolve(text, sets);
  } catch (error) {
    expect(error, text).toBeInstanceOf(FormatError);
    const { code, details } = error as FormatError;
    expect(code).toBe('RUN_FILE');
    for (const { position, message } of (details as { issues: readonly RunFileIssue[] }).issues) {
      expect(message.trim(), text).not.toBe('');
      expect(message, text).not.toMatch(/undefined|\[object|NaN/);
      expect(position.file === 'run.yaml' || position.file.startsWith('--set '), position.file).toBe(true);
    }
    return 'bad';
  }
  expect(brokenRules(file)).toEqual([]);
  // What was accepted is written out and read back as the same.
  expect(resolve(formatRunFile(file))).toEqual(file);
  return 'good';
}

const example = fc.constantFrom(...EXAMPLES);
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const at = (text: string, where: number): number => Math.floor(where * text.length);

describe('a run file that somebody damaged', () => {
  it('by wrong or missing letters is accepted or refused in words', () => {
    const seen = { good: 0, bad: 0 };
    const edit = fc.tuple(
      place,
      fc.constantFrom('', ' ', ':', '-', '[', '}', '"', '#', '\t', '\n', '&', '*', '$', '0', 'x', 'Å'),
    );
    fc.assert(
      fc.property(example, fc.array(edit, { minLength: 1, maxLength: 4 }), (text, edits) => {
        const damaged = edits.reduce((now, [where, letter]) => {
          const k = at(now, where);
          return now.slice(0, k) + letter + now.slice(k + (letter === '' ? 1 : 0));
        }, text);
        seen[mustJudge(damaged)]++;
      }),
      { numRuns: 300 },
    );
    // The damage is neither always fatal nor always in a comment.
    expect(Math.min(seen.good, seen.bad)).toBeGreaterThan(20);
  });

  it('by lines that are lost, doubled, moved or cut off is accepted or refused in words', () => {
    const move = fc.tuple(fc.constantFrom('lose', 'double', 'indent', 'cut'), place);
    fc.assert(
      fc.property(example, fc.array(move, { minLength: 1, maxLength: 3 }), (text, moves) => {
        const damaged = moves.reduce((now, [how, where]) => {
          const lines = now.split('\n');
          const k = Math.floor(where * lines.length);
          if (how === 'cut') return lines.slice(0, k).join('\n');
          if (how === 'lose') return lines.toSpliced(k, 1).join('\n');
          if (how === 'double') return lines.toSpliced(k, 0, lines[k]!).join('\n');
          return lines.with(k, `  ${lines[k]}`).join('\n');
        }, text);
        mustJudge(damaged);
      }),
      { numRuns: 200 },
    );
  });
});

describe('--set with anything', () => {
  const keys = ['seed', 'name', 'basis.cutoff', 'structures.0.a', 'structures.1', 'reference', 'stopping.alpha', 'a.b'];
  const value = fc.oneof(
    fc.constantFrom(
      '3',
      '-1',
      '1e400',
      '.nan',
      '.inf',
      'null',
      '[1, 2]',
      '{a: 1}',
      '"x"',
      '{kind: sw-si}',
      '~',
      '!!x y',
      '&a b',
    ),
    fc.string({ maxLength: 8 }),
  );
  it('is accepted or refused in words', () => {
    fc.assert(
      fc.property(example, fc.array(fc.tuple(fc.constantFrom(...keys), value), { maxLength: 3 }), (text, sets) => {
        mustJudge(
          text,
          sets.map(([path, given]) => `${path}=${given}`),
        );
      }),
      { numRuns: 300 },
    );
  });
});
