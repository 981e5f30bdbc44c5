import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { describeIssues, formatIssue, knownKeys, valueAt } from './run-file-diagnostics.ts';
import type { RunFileIssue } from './run-file-layers.ts';
import { yamlLayer } from './run-file-layers.ts';

const animal = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('cat'), lives: z.number().int().max(9), toys: z.array(z.string()).min(1) }),
  z.strictObject({ kind: z.literal('dog'), tricks: z.tuple([z.string(), z.string()]) }),
]);
const schema = z.strictObject({
  name: z.string().min(1),
  size: z.union([z.number().positive(), z.strictObject({ list: z.array(z.number()) })]).optional(),
  animal: animal.optional(),
  mood: z.enum(['calm', 'wild']).optional(),
});

/** What is said of a text that must follow the schema above. */
function complaints(text: string): string[] {
  const issues: RunFileIssue[] = [];
  const layer = yamlLayer(text, 'zoo.yaml', {}, issues);
  const result = schema.safeParse(layer.value);
  expect(issues).toEqual([]);
  if (result.success) return [];
  return describeIssues(result.error.issues, layer.value, [layer], 'zoo.yaml', schema).map(formatIssue);
}

describe('complaints about a file', () => {
  it.each([
    ['name: ""', 'zoo.yaml:1:7: name: must not be empty'],
    ['name: 3', 'zoo.yaml:1:7: name: must be text, got 3'],
    ['name:', 'zoo.yaml:1:6: name: is missing: it must be text'],
    ['{}', 'zoo.yaml:1:1: name: is missing: it must be text'],
    ['{name: a, mood: calmly}', 'zoo.yaml:1:17: mood: must be one of calm, wild, got "calmly" — did you mean "calm"?'],
    ['{name: a, mood: 7}', 'zoo.yaml:1:17: mood: must be one of calm, wild, got 7'],
    ['{name: a, size: -2}', 'zoo.yaml:1:17: size: must be above 0, got -2'],
    ['{name: a, size: {list: [1, x]}}', 'zoo.yaml:1:28: size.list.1: must be a number, got "x"'],
    ['{name: a, size: {lst: [1]}}', 'zoo.yaml:1:18: size: Unrecognized key "lst" — did you mean "list"?'],
    ['{name: a, animal: {kind: bird}}', 'zoo.yaml:1:26: animal.kind: must be one of cat, dog, got "bird"'],
    ['{name: a, animal: {kind: cat, lives: 10, toys: [x]}}', 'zoo.yaml:1:38: animal.lives: must be at most 9, got 10'],
    [
      '{name: a, animal: {kind: cat, lives: 1, toys: []}}',
      'zoo.yaml:1:47: animal.toys: must have at least 1 entries, got []',
    ],
    // The keys of a dog are no suggestion for a cat.
    [
      '{name: a, animal: {kind: cat, lives: 1, toys: [x], trick: 1}}',
      'zoo.yaml:1:52: animal: Unrecognized key "trick"',
    ],
    [
      '{name: a, animal: {kind: dog, tricks: [a, b], trick: 1}}',
      'zoo.yaml:1:47: animal: Unrecognized key "trick" — did you mean "tricks"?',
    ],
    ['{name: a, animal: cat}', 'zoo.yaml:1:19: animal: must be a mapping of keys to values, got "cat"'],
  ])('%s', (text, complaint) => {
    expect(complaints(text)).toContain(complaint);
  });

  it('are none about a good one', () => {
    expect(complaints('{name: a, size: {list: [1]}, animal: {kind: dog, tricks: [sit, beg]}, mood: wild}')).toEqual([]);
  });

  it('name every wrong key', () => {
    expect(complaints('{name: a, moood: wild, sise: 2}')).toEqual([
      'zoo.yaml:1:11: Unrecognized key "moood" — did you mean "mood"?',
      'zoo.yaml:1:24: Unrecognized key "sise" — did you mean "size"?',
    ]);
  });
});

describe('a value', () => {
  const data = { a: [{ b: 1 }, 'x'], c: null };
  it('is found by its path, or undefined', () => {
    expect(valueAt(data, ['a', 0, 'b'])).toBe(1);
    expect(valueAt(data, ['a', '1'])).toBe('x');
    expect(valueAt(data, [])).toBe(data);
    expect(valueAt(data, ['c'])).toBeNull();
    expect(valueAt(data, ['c', 'd'])).toBeUndefined();
    expect(valueAt(data, ['a', 1, 'b'])).toBeUndefined();
  });
});

describe('known keys', () => {
  const json = z.toJSONSchema(schema, { io: 'input' }) as Parameters<typeof knownKeys>[0];
  it('are those of the branch that the data means, or of all', () => {
    expect(knownKeys(json, {}, [])).toEqual(['name', 'size', 'animal', 'mood']);
    expect(knownKeys(json, { animal: { kind: 'dog' } }, ['animal'])).toEqual(['kind', 'tricks']);
    expect([...knownKeys(json, { animal: {} }, ['animal'])].sort()).toEqual(['kind', 'lives', 'toys', 'tricks']);
    expect(knownKeys(json, { size: {} }, ['size'])).toEqual(['list']);
    expect(knownKeys(json, {}, ['nothing', 'there'])).toEqual([]);
  });
});
