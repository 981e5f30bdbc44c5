/**
 * The public C++ evaluator of `.yace` potentials, as the Python package `python-ace` ships it, in a throw-away virtual
 * environment outside this project: a yardstick for tests and benchmarks, never a dependency (its licence is academic).
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

/** What is installed; the environment's folder carries these versions in its name. */
const REQUIREMENTS = ['--pre', 'python-ace==0.4.0rc1'];
const FOLDER = 'querent-python-ace-0.4.0rc1';
/** Interpreters for which wheels exist, best first. */
const INTERPRETERS = ['python3.11', 'python3.12', 'python3.10', 'python3'];
const IMPORTS = 'import ase, numpy, pyace';

/** A Python interpreter of the throw-away environment, or why there is none. */
export type PaceEnvironment = { readonly python: string } | { readonly reason: string };

let known: PaceEnvironment | null = null;

function run(command: string, args: readonly string[]): { readonly ok: boolean; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8', timeout: 900_000 });
  const said = error?.message ?? `${stderr}\n${stdout}`.trim().split('\n').at(-1)!;
  return { ok: status === 0, said };
}

/** Locks older than this were left behind, ms. */
const STALE = 1_200_000;

/** Runs `work` while no other process does for the same folder. */
function alone<T>(folder: string, work: () => T): T {
  const lock = `${folder}.lock`;
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      mkdirSync(lock);
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const age = existsSync(lock)
        ? Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
        : 0;
      if (age > STALE) rmSync(lock, { recursive: true, force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Makes a virtual environment at `folder` with what `requirements` name, or says why that failed. */
export function virtualEnvironment(
  folder: string,
  requirements: readonly string[],
  imports: string,
  interpreters: readonly string[] = INTERPRETERS,
): PaceEnvironment {
  return alone(folder, () => makeEnvironment(folder, requirements, imports, interpreters));
}

function makeEnvironment(
  folder: string,
  requirements: readonly string[],
  imports: string,
  interpreters: readonly string[],
): PaceEnvironment {
  const python = join(folder, 'bin/python');
  if (existsSync(python)) {
    const works = run(python, ['-c', imports]);
    if (works.ok) return { python };
    rmSync(folder, { recursive: true });
  }
  const interpreter = interpreters.find((name) => run(name, ['-c', 'import venv, ensurepip']).ok);
  if (interpreter === undefined) return { reason: `no Python among ${interpreters.join(', ')} can make environments` };
  mkdirSync(folder, { recursive: true });
  for (const [command, args] of [
    [interpreter, ['-m', 'venv', folder]],
    [python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...requirements]],
    [python, ['-c', imports]],
  ] as const) {
    const done = run(command, args);
    if (done.ok) continue;
    rmSync(folder, { recursive: true, force: true });
    return { reason: `${command} ${args.join(' ')}: ${done.said}` };
  }
  return { python };
}

/** Folder that keeps throw-away environments from run to run: QUERENT_CACHE, or the user's cache folder. */
export function environmentFolder(name: string): string {
  const cache = process.env.QUERENT_CACHE ?? process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
  return join(cache, name);
}

/**
 * The environment with pyace, ase and numpy: the virtual environment that QUERENT_PACE_VENV names, otherwise one in the
 * user's cache folder, made when it is not there (a few minutes, once).
 */
export function paceEnvironment(): PaceEnvironment {
  if (known !== null) return known;
  const given = process.env.QUERENT_PACE_VENV;
  if (given === undefined) known = virtualEnvironment(environmentFolder(FOLDER), REQUIREMENTS, IMPORTS);
  else {
    const python = join(given, 'bin/python');
    const works = run(python, ['-c', IMPORTS]);
    known = works.ok ? { python } : { reason: `QUERENT_PACE_VENV=${given}: ${works.said}` };
  }
  return known;
}
