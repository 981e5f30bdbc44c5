import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { FormatError } from '../core/errors.ts';
import type { RunFile } from './run-file.ts';
import { runFileSchema } from './run-file.ts';
import { formatRunFile, resolveReferenceFile, resolveRunFile, runFileJsonSchema } from './run-file-resolve.ts';

const MINIMAL = `name: silicon
structures:
  - {prototype: diamond, element: Si, a: 5.43}
conditions:
  temperatures: [300, 1500]
reference:
  kind: tb-si
`;

function noExtends(): never {
  throw new Error('nothing is extended');
}

function resolve(text: string, sets: readonly string[] = [], env: Record<string, string> = {}): RunFile {
  return resolveRunFile(text, 'run.yaml', sets, env, noExtends);
}

/** Lines of the error that a text causes. */
function complaints(text: string, sets: readonly string[] = [], env: Record<string, string> = {}): string[] {
  try {
    resolve(text, sets, env);
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).code).toBe('RUN_FILE');
    return (error as FormatError).message.split('\n');
  }
  throw new Error('the run file was accepted');
}

describe('defaults', () => {
  it('are those of the quickstart', () => {
    const file = resolve(MINIMAL);
    expect(file.seed).toBe(1);
    expect(file.reference).toEqual({
      kind: 'tb-si',
      mesh: [2, 2, 2],
      shifted: true,
      smearing: 0.1,
      gates: { maximumForce: 30, netForce: 0.02 },
    });
    expect(file.basis).toEqual({ preset: 'small' });
    expect(file.exploration).toMatchObject({
      walkers: 6,
      steps: 400,
      timeStep: 2,
      trustInterval: 10,
      afterBreak: 'stop',
    });
    expect(file.stopping).toMatchObject({
      energyMae: 0.002,
      forceRmse: 0.09,
      forceEce: 0.08,
      patience: 2,
      alpha: 0.05,
    });
    expect(file.budget).toEqual({ labels: 60, rounds: 20 });
  });

  it('are written out, and read back as the same settings', () => {
    const file = resolve(MINIMAL, ['seed=7']);
    expect(resolve(formatRunFile(file))).toEqual(file);
    expect(parse(formatRunFile(file))).toEqual(JSON.parse(JSON.stringify(file)));
  });

  it('write a dollar sign so that it is not taken for a variable', () => {
    const text = MINIMAL.replace('kind: tb-si', () => "kind: command\n  command: ['echo', '$${HOME}']");
    const file = resolve(text);
    expect(file.reference).toMatchObject({ command: ['echo', '${HOME}'] });
    expect(resolve(formatRunFile(file))).toEqual(file);
  });
});

describe('errors', () => {
  it('of unknown keys have a position and a suggestion', () => {
    expect(complaints(`${MINIMAL}basis:\n  cutof: 5\n`)).toEqual([
      'run.yaml:9:3: basis: Unrecognized key "cutof" — did you mean "cutoff"?',
    ]);
    expect(complaints(`${MINIMAL}budgt: {labels: 3}\n`)).toEqual([
      'run.yaml:8:1: Unrecognized key "budgt" — did you mean "budget"?',
    ]);
    expect(complaints(`${MINIMAL}zzz: 1\n`)).toEqual(['run.yaml:8:1: Unrecognized key "zzz"']);
  });

  it('come all at once, in the order of the file', () => {
    const text = `name: silicon
basis: {preset: smal}
structures:
  - {prototyp: diamond, element: Si, a: 5.43}
conditions:
  temperatures: [300, hot]
reference: {kind: tb-s}
stopping: {forceRmse: -1, alpha: 0.9}
`;
    expect(complaints(text)).toEqual([
      'run.yaml:2:17: basis.preset: must be one of small, medium, large, xlarge, got "smal" — did you mean "small"?',
      'run.yaml:4:5: structures.0.prototype: is missing: it must be one of diamond, fcc, bcc, sc, hcp',
      'run.yaml:4:6: structures.0: Unrecognized key "prototyp" — did you mean "prototype"?',
      'run.yaml:6:23: conditions.temperatures.1: must be a number, got "hot"',
      'run.yaml:7:19: reference.kind: must be one of tb-si, sw-si, quantum-espresso, command, manual, got "tb-s" — did you mean "tb-si"?',
      'run.yaml:8:23: stopping.forceRmse: must be above 0, got -1',
      'run.yaml:8:34: stopping.alpha: must be below 0.5, got 0.9',
    ]);
  });

  it('of missing keys name them', () => {
    expect(complaints('name: a\n')).toEqual([
      'run.yaml:1:1: structures: is missing: it must be a list',
      'run.yaml:1:1: conditions: is missing: it must be a mapping of keys to values',
      'run.yaml:1:1: reference: is missing: it must be a mapping of keys to values',
    ]);
    expect(complaints(MINIMAL.replace('kind: tb-si', 'mesh: [2, 2, 2]'))).toEqual([
      'run.yaml:7:3: reference.kind: is missing: it must be one of tb-si, sw-si, quantum-espresso, command, manual',
    ]);
  });

  it.each([
    ['seed: 1.5', 'run.yaml:8:7: seed: must be a whole number, got 1.5'],
    ['seed: -1', 'run.yaml:8:7: seed: must be at least 0, got -1'],
    ['start: {rattle: [1]}', 'run.yaml:8:17: start.rattle: must have at least 2 entries, got [1]'],
    ['start: {rattle: [0.2, 0.1]}', 'run.yaml:8:17: start.rattle: must be [least, most], got [0.2, 0.1] Å'],
    ['start: {count: 70}', 'run.yaml:1:1: budget.labels: must be at least start.count = 70, got 60'],
    ['fit: {stress: yes}', 'run.yaml:8:15: fit.stress: must be true or false, got "yes"'],
    ['basis: {nmax: [8, 4]}', 'run.yaml:8:15: basis.nmax: nmax and lmax must be given together'],
    [
      'basis: {nmax: [8, 4], lmax: [0]}',
      'run.yaml:8:29: basis.lmax: must have one entry per rank like nmax (2), got 1',
    ],
    [
      'basis: {cutoff: 2, innerCutoff: 3}',
      'run.yaml:8:33: basis.innerCutoff: must be below the cutoff of 2 Å, got 3 Å',
    ],
    [
      'exploration: {temperatures: [900, 300]}',
      'run.yaml:8:29: exploration.temperatures: must be [lowest, highest], got [900, 300] K',
    ],
    ['assessment: {perRound: 81}', 'run.yaml:8:24: assessment.perRound: must be at most assessment.size = 80, got 81'],
  ])('%s: %s', (line, message) => {
    expect(complaints(`${MINIMAL}${line}\n`)).toEqual([message]);
  });

  it('of names that cannot be file names', () => {
    expect(complaints(MINIMAL.replace('name: silicon', 'name: a/b'))).toEqual([
      'run.yaml:1:7: name: must consist of letters, digits, dots, dashes and underscores, got "a/b"',
    ]);
  });

  it('of tolerances that the assessment set cannot certify say what would do', () => {
    const [first] = complaints(`${MINIMAL}stopping: {forceEce: 0.05}\n`);
    expect(first).toMatch(
      /^run\.yaml:8:22: stopping\.forceEce: .*at least 0\.0671 with 80 assessment structures.*got 0\.05$/,
    );
    expect(complaints(`${MINIMAL}assessment: {size: 3, perRound: 3}\n`)).toContainEqual(
      expect.stringMatching(/assessment\.size: assessment structures must be at least \d+.*got 3$/),
    );
  });

  it('of YAML itself have a position and nothing is said of the rest', () => {
    const lines = complaints('name: a\n b: c\n');
    expect(lines[0]).toMatch(/^run\.yaml:1:\d+: [A-Z_]+: /);
    expect(lines.some((line) => line.includes('is missing'))).toBe(false);
    expect(complaints('- a\n')).toEqual(['run.yaml:1:1: Run file must be a mapping of keys to values']);
    expect(complaints(`${MINIMAL}seed: 1\nseed: 2\n`)[0]).toMatch(/^run\.yaml:9:1: DUPLICATE_KEY/);
  });

  it('of references say which keys exclude each other', () => {
    expect(complaints(MINIMAL.replace('kind: tb-si', 'kind: tb-si\n  mesh: [2, 2, 2]\n  spacing: 0.3'))).toEqual([
      'run.yaml:9:12: reference.spacing: Either mesh or spacing must be given, not both',
    ]);
    const qe = 'kind: quantum-espresso\n  pseudopotentials: {Si: Si.UPF}\n  ecutwfc: 16';
    expect(complaints(MINIMAL.replace('kind: tb-si', qe))).toEqual([
      'run.yaml:7:3: reference: mesh or kspacing must be given',
    ]);
    expect(complaints(MINIMAL.replace('kind: tb-si', `${qe}\n  kspacing: 0.2\n  occupations: smearing`))).toEqual([
      'run.yaml:11:16: reference.occupations: occupations: smearing needs a smearing section',
    ]);
  });
});

describe('${NAME}', () => {
  const text = MINIMAL.replace('kind: tb-si', 'kind: tb-si\n  smearing: ${SMEARING:-0.2}');

  it('is replaced, by its default when it is not set, and may be a number', () => {
    expect(resolve(text).reference).toMatchObject({ smearing: 0.2 });
    expect(resolve(text, [], { SMEARING: '0.3' }).reference).toMatchObject({ smearing: 0.3 });
  });

  it('without a default must be set', () => {
    expect(complaints(`${MINIMAL}seed: \${SEED}\n`)[0]).toBe(
      'run.yaml:8:7: Environment variable SEED must be set, or given a default as ${SEED:-…}',
    );
  });

  it('in quotes stays text', () => {
    expect(complaints(`${MINIMAL}seed: "\${SEED}"\n`, [], { SEED: '3' })).toEqual([
      'run.yaml:8:7: seed: must be a number, got "3"',
    ]);
  });
});

describe('--set', () => {
  it('replaces values, reaches into lists, and the last one wins', () => {
    const file = resolve(MINIMAL, ['seed=3', 'structures.0.repeat=[2, 2, 2]', 'stopping.patience=3', 'seed=4']);
    expect(file.seed).toBe(4);
    expect(file.structures[0]).toMatchObject({ repeat: [2, 2, 2], a: 5.43 });
    expect(file.stopping.patience).toBe(3);
  });

  it('is named where it is wrong', () => {
    expect(complaints(MINIMAL, ['stopping.patienc=3', 'seed=x', 'foo', 'seed=[1'])).toEqual([
      expect.stringMatching(/^--set foo: must have the form path=value/),
      expect.stringMatching(/^--set seed=\[1: value is not YAML/),
      '--set seed=x: seed: must be a number, got "x"',
      '--set stopping.patienc=3: stopping: Unrecognized key "patienc" — did you mean "patience"?',
    ]);
  });
});

describe('extends', () => {
  const files: Record<string, string> = {
    'base.yaml': `${MINIMAL}budget: {labels: 30, rounds: 5}\n`,
    'middle.yaml': 'extends: base.yaml\nbudget: {labels: 40}\nseed: 5\n',
    'loop.yaml': 'extends: loop2.yaml\n',
    'loop2.yaml': 'extends: loop.yaml\n',
    'broken.yaml': `${MINIMAL}seed: no\n`,
    'sub/data.yaml': MINIMAL.replace('- {prototype: diamond, element: Si, a: 5.43}', '- {file: cells.xyz@0}'),
  };
  const read = (reference: string) => ({
    text: files[reference]!,
    file: reference,
    rebase: (path: string) => (reference.startsWith('sub/') ? `sub/${path}` : path),
  });
  const extended = (text: string): RunFile => resolveRunFile(text, 'run.yaml', [], {}, read);

  it('merges mappings and replaces everything else, over several files', () => {
    const file = extended('extends: middle.yaml\nbudget: {rounds: 6}\n');
    expect(file.budget).toEqual({ labels: 40, rounds: 6 });
    expect(file.seed).toBe(5);
    expect(file.name).toBe('silicon');
  });

  it('replaces a section whose kind changes', () => {
    expect(extended('extends: base.yaml\nreference: {kind: sw-si}\n').reference.kind).toBe('sw-si');
  });

  it('moves paths so that they start from the file that extends', () => {
    expect(extended('extends: sub/data.yaml\n').structures).toEqual([{ file: 'sub/cells.xyz@0' }]);
  });

  it('names the file that is wrong, and refuses circles', () => {
    expect(() => extended('extends: broken.yaml\n')).toThrow('broken.yaml:8:7: seed: must be a number, got "no"');
    expect(() => extended('extends: loop.yaml\n')).toThrow('loop2.yaml:1:10: extends: must not lead back to loop.yaml');
    expect(() => extended('extends: 3\n')).toThrow('run.yaml:1:10: extends: must be the name of a run file');
  });
});

describe('reference files', () => {
  it('may be a run file or hold the section alone', () => {
    const read = (text: string) => resolveReferenceFile(text, 'r.yaml', [], {}, noExtends);
    expect(read('reference: {kind: sw-si}\n').kind).toBe('sw-si');
    expect(read(MINIMAL)).toMatchObject({ kind: 'tb-si', mesh: [2, 2, 2] });
    expect(() => read('reference: {kind: sw}\n')).toThrow('r.yaml:1:19: reference.kind: must be one of');
  });
});

describe('JSON Schema', () => {
  it('describes every setting and is the 2020-12 dialect', () => {
    const schema = runFileJsonSchema() as { $schema: string; properties: Record<string, { description?: string }> };
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(Object.keys(schema.properties)).toEqual(['extends', ...Object.keys(runFileSchema.shape)]);
    const undescribed: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const { properties, oneOf, anyOf, items } = node as Record<string, unknown>;
      for (const [key, value] of Object.entries((properties ?? {}) as Record<string, { description?: string }>)) {
        if (value.description === undefined) undescribed.push(`${path}.${key}`);
        visit(value, `${path}.${key}`);
      }
      for (const branch of [...((oneOf ?? anyOf ?? []) as unknown[]), items]) visit(branch, path);
    };
    visit(schema, '');
    expect(undescribed).toEqual([]);
  });

  it('requires only what has no default', () => {
    const schema = z.toJSONSchema(runFileSchema, { io: 'input' }) as { required: string[] };
    expect(schema.required.sort()).toEqual(['conditions', 'name', 'reference', 'structures']);
  });
});

describe('examples', () => {
  it.each(['silicon', 'silicon-qe', 'toy'])('%s is a valid run file', (name) => {
    const path = new URL(`../../examples/${name}/run.yaml`, import.meta.url);
    const file = resolve(readFileSync(path, 'utf8'));
    expect(file.name).toBe(name);
  });
});
