/** The published package: packed, installed into an empty folder and used there, under the Node it needs and an older one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stillingerWeberSilicon } from '../../src/core/potentials/stillinger-weber.ts';
import { RandomStream } from '../../src/core/random.ts';
import { rattle } from '../../src/core/sampling/rattle.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import { writeExtxyz } from '../../src/formats/extxyz-writer.ts';
import * as library from '../../src/index.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  exports: Record<string, unknown>;
};
const ENVIRONMENT = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}` };

/** A Node older than the package needs, on the search path of this machine, or null. */
function olderNode(): { path: string; version: string } | null {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, process.platform === 'win32' ? 'node.exe' : 'node');
    if (!existsSync(path)) continue;
    const version = spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout?.trim() ?? '';
    const major = Number(version.slice(1).split('.')[0]);
    // Below 16 not even this much of the language is there.
    if (major >= 16 && major < 24) return { path, version };
  }
  return null;
}

const OLD = olderNode();

let folder: string;
let app: string;
let tarball: string;

interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function inApp(command: string, args: readonly string[]): Finished {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: app, env: ENVIRONMENT, encoding: 'utf8' });
  return { status, stdout, stderr };
}

const querent = (...args: string[]): Finished => inApp(join(app, 'node_modules/.bin/querent'), args);

function runScript(name: string, text: string): string {
  writeFileSync(join(app, name), text);
  const { status, stdout, stderr } = inApp(process.execPath, [name]);
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

/** Rattled silicon cells labelled by the Stillinger-Weber potential. */
function trainingSet(count: number): string {
  const potential = stillingerWeberSilicon();
  const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
  const frames = Array.from({ length: count }, (_, k) => {
    const { structure } = rattle(crystal, [0.03, 0.1], new RandomStream(k, 'pack test'));
    const { energy, forces, virial } = potential.evaluate(structure);
    return writeExtxyz({
      structure,
      labels: { energy, forces, virial },
      group: '',
      info: {},
      columns: {},
      source: { file: '', index: k, line: 1 },
    });
  });
  return frames.join('');
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-pack-'));
  app = join(folder, 'app');
  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), '{"private": true, "type": "module"}\n');
  const npm = (args: string[], cwd: string): string =>
    execFileSync('npm', args, { cwd, env: ENVIRONMENT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const packed = npm(['pack', '--json', '--pack-destination', folder], ROOT);
  const { filename } = (JSON.parse(packed.slice(packed.indexOf('[\n'))) as { filename: string }[])[0]!;
  tarball = join(folder, filename);
  npm(['install', '--no-audit', '--no-fund', '--prefer-offline', tarball], app);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the packed package', () => {
  it('holds what it needs and nothing else', () => {
    const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
    const foreign = files.filter((file) => !/^package\/(bin|dist|examples)\/|^package\/[\w.]+$/.test(file));
    expect(foreign).toEqual([]);
    expect(files.filter((file) => file.startsWith('package/dist/kernels/generated/')).sort()).toEqual([
      'package/dist/kernels/generated/kernels-fma.wasm',
      'package/dist/kernels/generated/kernels.wasm',
    ]);
    expect(files.filter((file) => /\.test\.|(?<!\.d)\.ts$|\.map$|\.xyz/.test(file))).toEqual([]);
    expect(readFileSync(tarball).length).toBeLessThan(1_000_000);
  });

  it('passes publint', () => {
    const { status, stdout } = inApp(join(ROOT, 'node_modules/.bin/publint'), ['run', tarball, '--strict']);
    expect(stdout).toContain('All good!');
    expect(status).toBe(0);
  });

  it('exports its entry points and no others', () => {
    expect(Object.keys(PACKAGE.exports)).toEqual(['.', './browser', './testing', './package.json']);
    const out = runScript(
      'names.js',
      `import * as library from 'querent';
import { kernelConformance } from 'querent/testing';
const refused = await import('querent/dist/index.js').catch((error) => error.code);
console.log(JSON.stringify([Object.keys(library), typeof kernelConformance, refused]));`,
    );
    expect(JSON.parse(out)).toEqual([Object.keys(library).sort(), 'function', 'ERR_PACKAGE_PATH_NOT_EXPORTED']);
  });

  it('has types that a program in TypeScript can use', () => {
    writeFileSync(
      join(app, 'consumer.ts'),
      `import { createPool, DEFAULT_FIT, fitModel, readFrames, type LinearModel, type Structure } from 'querent';
import { kernelConformance } from 'querent/testing';
export async function fit(path: string): Promise<LinearModel> {
  const { frames } = await readFrames([path]);
  const structure: Structure = frames[0]!.structure;
  const pool = createPool(2, null);
  const { model } = await fitModel(frames, { ...DEFAULT_FIT, preset: 'small' }, pool);
  const atoms: number = model.training.atoms + structure.species.length;
  await pool.dispose();
  return atoms > 0 && typeof kernelConformance === 'function' ? model : model;
}
`,
    );
    const { status, stdout } = inApp(join(ROOT, 'node_modules/.bin/tsc'), [
      ...['--noEmit', '--strict', '--target', 'es2024', '--module', 'nodenext', '--types', 'node'],
      ...['--typeRoots', join(ROOT, 'node_modules/@types'), 'consumer.ts'],
    ]);
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  it('finds its WebAssembly kernels', () => {
    const url = pathToFileURL(join(app, 'node_modules/querent/dist/node/kernels.js')).href;
    expect(runScript('kernels.js', `import { nodeKernels } from '${url}';\nconsole.log(nodeKernels(null).name);`)).toBe(
      'wasm-fma',
    );
  });

  it('says its version and writes a run file', () => {
    expect(querent('--version').stdout.trim()).toBe(PACKAGE.version);
    expect(querent('init', '--template', 'toy').status).toBe(0);
    expect(readFileSync(join(app, 'toy.yaml'), 'utf8')).toContain('querent run toy.yaml');
  });

  it('fits on two worker threads what it fits on one', () => {
    writeFileSync(join(app, 'train.xyz'), trainingSet(90));
    const options = ['train.xyz', '--nmax', '6,3', '--lmax', '0,2', '--cutoff', '5', '--json'];
    const two = querent('fit', ...options, '--threads', '2', '-o', 'two.model');
    expect(two.status, two.stderr).toBe(0);
    const { nStructures, evidenceConverged } = JSON.parse(two.stdout);
    expect([nStructures, evidenceConverged]).toEqual([90, true]);
    expect(querent('fit', ...options, '--threads', '1', '-o', 'one.model').status).toBe(0);
    expect(readFileSync(join(app, 'two.model')).equals(readFileSync(join(app, 'one.model')))).toBe(true);
    const { forces } = JSON.parse(querent('evaluate', 'two.model', 'train.xyz@:10', '--threads', '2', '--json').stdout);
    expect(forces.rmse).toBeLessThan(0.05);
  });

  it(`tells an older Node what it needs, in one line${OLD === null ? ' (skipped: no Node 16-23 on the search path)' : ` (${OLD.version})`}`, (context) => {
    if (OLD === null) return context.skip('no Node 16-23 on the search path');
    const { status, stdout, stderr } = inApp(OLD.path, [join(app, 'node_modules/querent/bin/querent.js'), '--version']);
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(`querent needs Node.js 24 or newer, but this is ${OLD.version.slice(1)}`);
  });
});
