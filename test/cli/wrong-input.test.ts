import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Ended } from '../support/command.ts';
import { freshFolder, querent } from '../support/command.ts';
import { extxyzOf, siliconFrames } from '../support/models.ts';

const cwd = freshFolder('wrong');
const TINY = ['--nmax', '3', '--lmax', '0', '--cutoff', '4.6', '--threads', '1'];
const good = extxyzOf(siliconFrames(10));
const lines = good.split('\n');

/** A file in the folder. */
function file(name: string, content: string | Uint8Array): string {
  writeFileSync(join(cwd, name), content);
  return name;
}

/** The good file with one line changed (counted from 1). */
function changed(line: number, change: (text: string) => string): string {
  return lines.map((text, k) => (k === line - 1 ? change(text) : text)).join('\n');
}

/** The line with one of its words changed (counted from 0). */
const word = (index: number, value: string) => (text: string) =>
  text
    .split(' ')
    .map((part, k) => (k === index ? value : part))
    .join(' ');

beforeAll(async () => {
  file('good.xyz', good);
  const { code } = await querent(['fit', 'good.xyz', '-o', 'good.model', ...TINY], { cwd });
  expect(code).toBe(0);
  const bytes = readFileSync(join(cwd, 'good.model'));
  bytes[bytes.length >> 1]! ^= 1;
  file('damaged.model', bytes);
  file('short.model', readFileSync(join(cwd, 'good.model')).subarray(0, 3000));
  file('notes.model', 'not a model at all, but long enough to be read as something');
  mkdirSync(join(cwd, 'folder'));
});
afterAll(() => rmSync(cwd, { recursive: true }));

/** That a command failed as it should: one line, no stack, exit code, and nothing written. */
function expectRefusal(ended: Ended, code: number, message: string | RegExp): void {
  expect(ended.stdout).toBe('');
  expect(ended.stderr.trimEnd().split('\n')).toHaveLength(1);
  if (typeof message === 'string') expect(ended.stderr).toBe(`error: ${message}\n`);
  else expect(ended.stderr).toMatch(message);
  expect(ended.stderr).not.toMatch(/ at .*\.ts|fault of the program|undefined|NaN eV/);
  expect([ended.code, ended.signal]).toEqual([code, null]);
  expect(existsSync(join(cwd, 'out.model'))).toBe(false);
  expect(existsSync(join(cwd, 'out.yace'))).toBe(false);
  expect(readdirSync(cwd).filter((name) => name.endsWith('.tmp'))).toEqual([]);
}

/** [what, content of data.xyz, exit code, message] */
const DATA: readonly (readonly [string, string | Uint8Array, string | RegExp])[] = [
  ['an empty file', '', 'X: file must hold at least one frame, got none'],
  [
    'a binary file',
    Uint8Array.from({ length: 3000 }, (_, k) => (k * 73) % 256),
    'X: file must be text (UTF-8), got other bytes',
  ],
  ['a damaged gzip', gzipSync(good).fill(0, 300, 400), /^error: X: gzip data must be intact, got Z_/],
  ['half a gzip', gzipSync(good).subarray(0, 3000), 'X: gzip data must be complete, got the end of the file'],
  [
    'a cut file',
    lines.slice(0, 27).join('\n'),
    'X:27: frame 2 (from line 21) must have 8 atoms, got 5 when the file ended',
  ],
  ['a number of atoms that is none', changed(11, () => 'eight'), /^error: X:11(:1)?: /],
  [
    'a missing column',
    changed(5, (text) => text.split(' ').slice(0, 6).join(' ')),
    /^error: X:5:\d+: line of atom 2 must have 7 columns \(species:S:1:pos:R:3:forces:R:3\), got 6\n$/,
  ],
  [
    'a misspelt species',
    changed(4, word(0, 'Sj')),
    'X:4:1: species must be a chemical symbol, got "Sj"; did you mean Si?',
  ],
  [
    'a position that is no number',
    changed(6, word(2, 'NaN')),
    /^error: X:6:\d+: pos of atom 3 must be finite, got "NaN"\n$/,
  ],
  ['a position that is a word', changed(6, word(2, 'here')), /^error: X:6:\d+: .*"here"/],
  ['an infinite force', changed(6, word(5, 'inf')), /^error: X:6:\d+: .*forces.*"inf"/],
  [
    'a singular cell',
    changed(2, (text) => text.replace(/Lattice="[^"]*"/, 'Lattice="5 0 0 0 5 0 0 5 0"')),
    'X:2:9: cell must have independent periodic vectors, got 5 0 0 0 5 0 0 5 0 Å',
  ],
  [
    'a missing lattice vector',
    changed(2, (text) => text.replace(/Lattice="[^"]*"/, 'Lattice="5 0 0 0 0 0 0 0 5"')),
    'X:2:9: cell must have a vector along the periodic direction b, got none',
  ],
  [
    'atoms on top of each other',
    changed(4, () => lines[2]!),
    'atoms 0 (Si) and 1 (Si) of X:1: structure 0 must be at least 0.444 Å apart, got 0.000 Å',
  ],
  [
    'an asymmetric stress',
    changed(2, (text) => text.replace(/stress="[^"]*"/, 'stress="1 2 3 4 5 6 7 8 9"')),
    /^error: X:2:\d+: stress must be symmetric, got 6 and 8 across its diagonal\n$/,
  ],
  [
    'a weight that is no weight',
    changed(2, (text) => `${text} config_weight=-2`),
    'X:1: config_weight must be a finite number ≥ 0, got -2',
  ],
  [
    'structures without labels',
    good.replaceAll('energy=', 'e=').replaceAll('forces:R', 'f:R').replaceAll('stress=', 's='),
    'X:1: structure 0 must carry an energy, forces or a stress, got none; name its keys with --energy-key and --forces-key',
  ],
  [
    'isolated atoms only',
    '1\nProperties=species:S:1:pos:R:3 energy=-1\nSi 0 0 0\n',
    'data must hold structures of more than one atom, got isolated atoms only',
  ],
];

describe.concurrent('data that cannot be fitted', () => {
  it.each(DATA)('%s', async (what, content, message) => {
    const name = file(`${what.replaceAll(' ', '-')}.xyz`, content);
    const ended = await querent(['fit', name, '-o', 'out.model', ...TINY], { cwd });
    const shown = { ...ended, stderr: ended.stderr.replaceAll(name, 'X') };
    expectRefusal(shown, 1, message);
  });

  it('standard input is called by its name', async () => {
    const ended = await querent(['fit', '-', '-o', 'out.model', ...TINY], { cwd, stdin: lines.slice(0, 5).join('\n') });
    expectRefusal(ended, 1, '<stdin>:5: frame 0 (from line 1) must have 8 atoms, got 3 when the file ended');
  });
});

/** [arguments after the verb, exit code, message] */
const FIT_OPTIONS: readonly (readonly [readonly string[], number, string | RegExp])[] = [
  [['--energy-key', 'nope'], 1, 'energy key must be in at least one frame, got "nope" in none of good.xyz'],
  [['--forces-key', 'nope'], 1, 'forces key must be in at least one frame, got "nope" in none of good.xyz'],
  [['--stress-key', 'nope'], 1, 'stress key must be in at least one frame, got "nope" in none of good.xyz'],
  [['--threads', '0'], 2, '--threads must be a whole number ≥ 1, got "0"'],
  [['--cutoff', '-3'], 2, '--cutoff must be a positive number up to 20 (Å), got "-3"'],
  [['--cutoff', 'wide'], 2, '--cutoff must be a positive number up to 20 (Å), got "wide"'],
  [['--inner-cutoff', '10'], 2, /^error: inner cutoff of Si-Si must lie between its width and 4\.6 Å, got 10 Å\n$/],
  [['--nmax', '3,2', '--lmax', '0'], 2, '--nmax and --lmax must be given together, one number for each order'],
  [['--nmax', '3,x', '--lmax', '0,1'], 2, '--nmax must be whole numbers with commas between, got "3,x"'],
  [['--nmax', '0', '--lmax', '0'], 2, 'nmax of order 1 must be a positive integer, got 0'],
  [['--nmax', '3,2', '--lmax', '1,1'], 2, 'lmax of order 1 must be 0, got 1'],
  [
    ['--nmax', '30,20,20', '--lmax', '0,10,10'],
    2,
    /^error: basis must have at most 1500 functions per element and 3000 in all, got /,
  ],
  [['--preset', 'tiny'], 2, '--preset must be one of auto, small, medium, large, xlarge, got "tiny"'],
  [['--balance', 'best'], 2, '--balance must be one of auto, fixed, cv, evidence, got "best"'],
  [['--e0', 'Sj=1'], 2, '--e0 must be like Si=-0.81,O=-2.0 (eV), got "Sj=1"'],
  [['--e0', 'Ge=1'], 1, 'energies of isolated atoms must be of elements of the data (Si), got Ge'],
  [['--offset-by', 'nope'], 1, 'offset key must be in at least one structure, got "nope" in none'],
  [['--weights', 'none.yaml'], 1, /^error: file must exist, got ".*none\.yaml"\n$/],
  [['--test', 'none.xyz'], 1, 'file must exist, got "none.xyz"'],
];

describe.concurrent('options of fit', () => {
  it.each(FIT_OPTIONS)('%j', async (options, code, message) => {
    const ended = await querent(['fit', 'good.xyz', '-o', 'out.model', ...TINY, ...options], { cwd });
    expectRefusal(ended, code, message);
  });

  it('weights that are no YAML are placed by line and column', async () => {
    const weights = file('weights.yaml', 'hot: {energy: [2\nx: "');
    const ended = await querent(['fit', 'good.xyz', '-o', 'out.model', '--weights', weights, ...TINY], { cwd });
    expectRefusal(ended, 2, /^error: weights\.yaml:2:1: weights must be YAML: /);
  });

  it('test data of another species are refused before the fit', async () => {
    const name = file('ge-test.xyz', good.replaceAll(/^Si /gm, 'Ge '));
    const ended = await querent(['fit', 'good.xyz', '-o', 'out.model', '--test', name, ...TINY], { cwd });
    expectRefusal(ended, 1, 'ge-test.xyz:1: structure 0: species must be one of Si, got Ge');
  });
});

/** [arguments, exit code, message] */
const COMMANDS: readonly (readonly [readonly string[], number, string | RegExp])[] = [
  [['fit', 'none.xyz', '-o', 'out.model'], 1, 'file must exist, got "none.xyz"'],
  [['fit', 'folder', '-o', 'out.model'], 1, 'path must be a file, got the folder "folder"'],
  [['fit', 'good.xyz@50', '-o', 'out.model'], 1, 'frame index must be within 10 frames, got 50'],
  [
    ['fit', 'good.xyz@50:60', '-o', 'out.model'],
    1,
    'selection must hold at least one frame, got none from "good.xyz@50:60"',
  ],
  [['fit', 'good.xyz@0:2:0', '-o', 'out.model'], 2, 'step of a selection must not be 0, got "0:2:0"'],
  [['fit', 'good.xyz', '-o', 'missing/out.model'], 1, /^error: folder must exist, got ".*missing"\n$/],
  [['fit', 'good.xyz', '-o', 'folder'], 1, /^error: path must be a file, got the folder ".*folder"\n$/],
  [['export', 'good.model', '-o', 'missing/out.yace'], 1, /^error: folder must exist, got ".*missing"\n$/],
  [['export', 'good.model', '-o', 'out.txt'], 2, '--output must end in .yace or .yaml, got "out.txt"'],
  [['predict', 'none.model', 'good.xyz'], 1, /^error: file must exist, got ".*none\.model"\n$/],
  [
    ['predict', 'notes.model', 'good.xyz'],
    1,
    'notes.model: file must be a model written by querent, but is something else',
  ],
  [['predict', 'good.xyz', 'good.xyz'], 1, 'good.xyz: file must be a model written by querent, but is something else'],
  [
    ['evaluate', 'damaged.model', 'good.xyz'],
    1,
    /^error: damaged\.model: archive is damaged: member ".*" does not match its checksum\n$/,
  ],
  [['predict', 'damaged.model', 'good.xyz'], 1, /^error: damaged\.model: archive is damaged/],
  [['export', 'damaged.model', '-o', 'out.yace'], 1, /^error: damaged\.model: archive is damaged/],
  [['predict', 'short.model', 'good.xyz'], 1, 'short.model: archive is damaged or cut short: no end record'],
  [['evaluate', 'good.model', 'good.xyz', '--threads', '0'], 2, '--threads must be a whole number ≥ 1, got "0"'],
  [
    ['evaluate', 'good.model', 'good.xyz', '--energy-key', 'nope'],
    1,
    'energy key must be in at least one frame, got "nope" in none of good.xyz',
  ],
];

describe.concurrent('commands', () => {
  it.each(COMMANDS)('%j', async (argv, code, message) => {
    expectRefusal(await querent(argv, { cwd }), code, message);
  });

  it('a species that the model does not know is named with its place', async () => {
    const name = file('ge.xyz', good.replaceAll(/^Si /gm, 'Ge '));
    for (const verb of ['evaluate', 'predict']) {
      const ended = await querent([verb, 'good.model', name, '--threads', '2'], { cwd });
      expectRefusal(ended, 1, 'ge.xyz:1: structure 0: species must be one of Si, got Ge (atom 0)');
    }
  });

  it('atoms that coincide are named with their place', async () => {
    const name = file(
      'coincide.xyz',
      changed(14, () => lines[12]!),
    );
    for (const verb of ['evaluate', 'predict']) {
      const ended = await querent([verb, 'good.model', name, '--threads', '1'], { cwd });
      expectRefusal(
        ended,
        1,
        'coincide.xyz:11: structure 1: distance of atoms 0 and 1 must be at least 0.001 Å, got 0 Å',
      );
    }
  });

  it('data without labels cannot judge a model', async () => {
    const name = file(
      'bare.xyz',
      good.replaceAll('energy=', 'e=').replaceAll('forces:R', 'f:R').replaceAll('stress=', 's='),
    );
    const ended = await querent(['evaluate', 'good.model', name], { cwd });
    expectRefusal(ended, 1, /^error: bare\.xyz:1: structure 0 and all others must carry an energy, forces or a stress/);
  });

  it('a potential file that is none is placed by line and column', async () => {
    const name = file('bad.yace', 'elements: [Si]\nE0: [0\n');
    const ended = await querent(['predict', name, 'good.xyz'], { cwd });
    expectRefusal(ended, 1, /^error: bad\.yace:\d+:\d+: /);
  });

  it('no arguments, unknown verbs and options end with 2 and a hint', async () => {
    for (const [argv, message] of [
      [['fit', '-o', 'out.model'], "error: missing required argument 'data'"],
      [['fit', 'good.xyz'], "error: required option '-o, --output <model>' not specified"],
      [['fti', 'good.xyz'], "error: unknown command 'fti'"],
      [['fit', 'good.xyz', '-o', 'out.model', '--cutof', '5'], "error: unknown option '--cutof'"],
    ] as const) {
      const { code, stdout, stderr } = await querent(argv, { cwd });
      expect([code, stdout]).toEqual([2, '']);
      expect(stderr.startsWith(message)).toBe(true);
      expect(stderr).toMatch(/\(add --help for what there is\)/);
    }
  });
});

describe('a disk without room', () => {
  it.each([
    [['fit', 'good.xyz', '-o', 'out.model', ...TINY], 'out.model'],
    [['export', 'good.model', '-o', 'out.yace'], 'out.yace'],
  ])('leaves nothing half written: %j', async (argv, name) => {
    const ended = await querent(argv, { cwd, shell: 'ulimit -f 0' });
    const failed = { ...ended, stderr: ended.stderr.replace(/^(rows|evidence|leave-one-out) done\n/gm, '') };
    expectRefusal(
      failed,
      1,
      new RegExp(
        `^error: cannot write ".*${name}": the file would exceed the size limit \\(EFBIG\\); raise it \\(ulimit -f\\) and repeat\n$`,
      ),
    );
  });

  it('keeps the old model when the new one does not fit', async () => {
    const old = readFileSync(join(cwd, 'good.model'));
    file('kept.model', old);
    const argv = ['fit', 'good.xyz@:5', '-o', 'kept.model', ...TINY];
    expect((await querent(argv, { cwd, shell: 'ulimit -f 1' })).code).toBe(1);
    expect(readFileSync(join(cwd, 'kept.model'))).toEqual(old);
  });
});

describe('a signal', () => {
  it('ends a fit at once, with its exit code and without a file', async () => {
    const many = file('many.xyz', extxyzOf(siliconFrames(40, { repeat: [2, 2, 2] })));
    const ended = await querent(['fit', many, '-o', 'out.model', '--preset', 'medium', '--threads', '2'], {
      cwd,
      started: (child) => {
        setTimeout(() => child.kill('SIGINT'), 2500);
      },
    });
    expect(ended.code).toBe(130);
    expect(ended.stderr).toMatch(/stopping safely/);
    expect(ended.stderr).toMatch(/error: interrupted by a signal before the end\n$/);
    expect(existsSync(join(cwd, 'out.model'))).toBe(false);
  });
});
