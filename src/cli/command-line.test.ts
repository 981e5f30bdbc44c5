import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvironmentError, InputError } from '../core/errors.ts';
import { openStore } from '../node/store/store.ts';
import { packageVersion, runCommandLine } from './command-line.ts';
import { EXIT } from './errors.ts';
import { readRunFile } from './run-file.ts';
import type { Verb, VerbContext } from './verb.ts';
import type { VerbEntry } from './verb-table.ts';
import { VERBS } from './verb-table.ts';
import { templates } from './verbs/init.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Result {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function querent(
  argv: readonly string[],
  change: Partial<VerbContext> = {},
  verbs?: readonly VerbEntry[],
): Promise<Result> {
  let out = '';
  let err = '';
  const context: VerbContext = {
    stdout(text) {
      out += text;
    },
    stderr(text) {
      err += text;
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
    cwd: folder,
    stdin: async () => '',
    ...change,
  };
  const code = await runCommandLine(argv, context, verbs ?? VERBS);
  return { code, out, err };
}

/** A verb that shows what it was given, or throws. */
function echo(name: string, error?: unknown): VerbEntry {
  const verb: Verb = {
    name,
    summary: `${name} summary`,
    configure: (command) =>
      void command.argument('<first>').argument('[rest...]').option('--flag <value>', 'a flag', '7'),
    async run(args, options, context) {
      if (error !== undefined) throw error;
      context.stdout(JSON.stringify([args, options]));
      return 3;
    },
  };
  return { name, summary: verb.summary, load: async () => verb };
}

describe('the command line', () => {
  it('hands arguments and options to the verb and returns its exit code', async () => {
    const result = await querent(['echo', 'a', 'b', 'c', '--flag', 'x'], {}, [echo('echo')]);
    expect(result).toEqual({ code: 3, out: '[["a",["b","c"]],{"flag":"x"}]', err: '' });
    expect((await querent(['echo', 'a'], {}, [echo('echo')])).out).toBe('[["a",[]],{"flag":"7"}]');
  });

  it('loads only the verb that is named', async () => {
    const never: VerbEntry = { name: 'never', summary: 's', load: () => Promise.reject(new Error('loaded')) };
    expect((await querent(['echo', 'a'], {}, [never, echo('echo')])).code).toBe(3);
    expect((await querent(['--help'], {}, [never])).code).toBe(EXIT.done);
  });

  it('lists its verbs and exit codes, and prints its version', async () => {
    const help = await querent(['--help']);
    expect(help.code).toBe(EXIT.done);
    for (const { name, summary } of VERBS) expect(help.out).toMatch(new RegExp(`${name}.*${summary.slice(0, 20)}`));
    expect(help.out).toContain('Exit codes: 0 done');
    expect((await querent(['--version'])).out).toBe(`${packageVersion()}\n`);
    expect(await querent([])).toMatchObject({ code: EXIT.usage });
  });

  it('shows the help of a verb, both ways, with an example', async () => {
    for (const argv of [
      ['status', '--help'],
      ['help', 'status'],
    ]) {
      const { code, out } = await querent(argv);
      expect(code).toBe(EXIT.done);
      expect(out).toContain('Usage: querent status [options] <directory>');
      expect(out).toContain('Example:');
    }
  });

  it.each([
    [['statsu', 'x'], /unknown command 'statsu'[\s\S]*Did you mean status/],
    [['status'], /missing required argument 'directory'/],
    [['status', 'x', '--jsn'], /unknown option '--jsn'[\s\S]*--json/],
    [['status', 'x', 'y'], /too many arguments/],
  ])('refuses %j with exit code 2', async (argv, message) => {
    const { code, err, out } = await querent(argv);
    expect(code).toBe(EXIT.usage);
    expect(err).toMatch(message);
    expect(out).toBe('');
  });

  it('prints errors without a stack, and their exit code says whose fault it is', async () => {
    const usage = await querent(['echo', 'a'], {}, [echo('echo', new InputError('BAD_OPTION', 'x must be 1, got 2'))]);
    expect(usage).toEqual({ code: EXIT.usage, out: '', err: 'error: x must be 1, got 2\n' });
    const machine = await querent(['echo', 'a'], {}, [echo('echo', new EnvironmentError('DISK_FULL', 'full'))]);
    expect(machine).toEqual({ code: EXIT.error, out: '', err: 'error: full\n' });
    const fault = await querent(['echo', 'a'], {}, [echo('echo', new TypeError('oops'))]);
    expect(fault.code).toBe(EXIT.error);
    expect(fault.err).toBe(
      'error: oops (a fault of the program itself)\nSet QUERENT_DEBUG=1 to see where it happened.\n',
    );
    const debug = await querent(['echo', 'a'], { env: { QUERENT_DEBUG: '1' } }, [echo('echo', new TypeError('oops'))]);
    expect(debug.err).toMatch(/command-line\.test\.ts/);
  });

  it('has verbs whose names and summaries are those of the table', async () => {
    for (const entry of VERBS) {
      const verb = await entry.load();
      expect([verb.name, verb.summary]).toEqual([entry.name, entry.summary]);
    }
  });
});

describe('init', () => {
  it('writes each template as a run file that says how to run it', async () => {
    expect(templates()).toEqual(expect.arrayContaining(['silicon', 'silicon-qe', 'toy']));
    for (const template of ['silicon', 'silicon-qe', 'toy']) {
      const { code, err } = await querent(['init', '--template', template]);
      expect(code).toBe(EXIT.done);
      expect(err).toBe(`${template}.yaml written; next: querent run ${template}.yaml\n`);
      const text = readFileSync(join(folder, `${template}.yaml`), 'utf8');
      expect(text).toContain(`querent run ${template}.yaml`);
      expect(text).not.toContain(' run.yaml');
    }
  });

  it('replaces nothing unless told to', async () => {
    writeFileSync(join(folder, 'mine.yaml'), 'mine');
    const refused = await querent(['init', 'mine.yaml']);
    expect(refused).toMatchObject({
      code: EXIT.error,
      err: 'error: mine.yaml: is there already; --force replaces it\n',
    });
    expect(readFileSync(join(folder, 'mine.yaml'), 'utf8')).toBe('mine');
    expect((await querent(['init', 'mine.yaml', '--force'])).code).toBe(EXIT.done);
    expect((await querent(['init', '-', '--template', 'toy'])).out).toContain('kind: sw-si');
    expect((await querent(['init', '--template', 'gold'])).code).toBe(EXIT.usage);
  });
});

describe('schema', () => {
  it('is JSON Schema', async () => {
    const { code, out } = await querent(['schema']);
    expect(code).toBe(EXIT.done);
    expect(JSON.parse(out).$schema).toMatch(/2020-12/);
  });
});

describe('run, before anything is computed', () => {
  it('tells everything that is wrong with the run file, with exit code 2', async () => {
    writeFileSync(join(folder, 'run.yaml'), 'name: a\nbasis: {cutof: 5}\n');
    const { code, err } = await querent(['run', 'run.yaml', '--set', 'sed=3']);
    expect(code).toBe(EXIT.usage);
    expect(err).toContain('run.yaml:2:9: basis: Unrecognized key "cutof" — did you mean "cutoff"?');
    expect(err).toContain('--set sed=3: Unrecognized key "sed" — did you mean "seed"?');
  });

  it('says that there is no such file', async () => {
    const { code, err } = await querent(['run', 'none.yaml']);
    expect(code).toBe(EXIT.error);
    expect(err).toMatch(/file must exist, got ".*none\.yaml"/);
  });

  it('finds what a run file extends, and paths that start from it', () => {
    mkdirSync(join(folder, 'sub'));
    const base =
      'name: base\nstructures: [{file: cells.xyz}]\nconditions: {temperatures: [300, 900]}\nreference: {kind: sw-si}\n';
    writeFileSync(join(folder, 'sub', 'base.yaml'), base);
    writeFileSync(join(folder, 'own.yaml'), 'extends: sub/base.yaml\nseed: 5\n');
    const file = readRunFile(join(folder, 'own.yaml'), [], { cwd: folder, env: {} });
    expect(file).toMatchObject({ name: 'base', seed: 5, structures: [{ file: 'sub/cells.xyz' }] });
    writeFileSync(join(folder, 'own.yaml'), 'extends: nowhere.yaml\n');
    expect(() => readRunFile(join(folder, 'own.yaml'), [], { cwd: folder, env: {} })).toThrow(
      /file must exist, got ".*nowhere/,
    );
  });
});

describe('status and explain', () => {
  it('say where a run is missing, empty or newer', async () => {
    expect((await querent(['status', 'none'])).err).toBe('error: run directory must exist, got "none"\n');
    mkdirSync(join(folder, 'empty'));
    expect((await querent(['explain', 'empty'])).err).toMatch(/store\.sqlite: must exist, got no such file/);
    openStore(join(folder, 'empty', 'store.sqlite')).close();
    expect((await querent(['status', 'empty'])).err).toMatch(/the run must have begun/);
  });
});

describe('the program', () => {
  const root = fileURLToPath(new URL('../..', import.meta.url));

  it('runs from the sources', () => {
    const out = execFileSync(process.execPath, ['src/cli/main.ts', '--version'], { cwd: root, encoding: 'utf8' });
    expect(out).toBe(`${packageVersion()}\n`);
  });

  it('says on an old Node which one it needs, in syntax that the old one reads', () => {
    const text = readFileSync(join(root, 'bin', 'querent.js'), 'utf8');
    expect(text).not.toMatch(/\b(const|let|=>|await)\b|`/);
    // The shim with an old version number in place of the real one.
    const old = text.replace('process.versions.node.split', "'20.1.0'.split").replace(/^#!.*/, '');
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', old], { encoding: 'utf8' });
    expect(status).toBe(EXIT.error);
    expect(stderr).toMatch(/^querent needs Node\.js 24 or newer, but this is/);
  });
});
