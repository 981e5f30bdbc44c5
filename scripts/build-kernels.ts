/**
 * Compiles assembly/ to src/kernels/generated/ when its sources, flags or compiler changed: kernels.wasm with plain
 * 128-bit SIMD, kernels-fma.wasm with the fused multiply-add of relaxed SIMD. Silent when there is nothing to do. An
 * installed package carries the binaries and needs no compiler.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = join(root, 'assembly');
const generated = join(root, 'src/kernels/generated');
/** The builds, by file name, and the flags that only they have. */
const BUILDS: readonly (readonly [string, readonly string[]])[] = [
  ['kernels.wasm', []],
  ['kernels-fma.wasm', ['--enable', 'relaxed-simd']],
];
const binaries = BUILDS.map(([name]) => join(generated, name));
const stamp = join(generated, 'kernels.sha256');

const FLAGS = [
  '-O3',
  '--noAssert',
  '--uncheckedBehavior',
  'always',
  '--runtime',
  'stub',
  '--enable',
  'simd',
  // Vectors pass between files of the module only: nobody needs to be told that hosts cannot take them.
  '--disableWarning',
  '112',
];

interface Compiler {
  main(
    args: readonly string[],
    options: { stdout: NodeJS.WritableStream; stderr: NodeJS.WritableStream },
  ): Promise<{ readonly error: Error | null }>;
}

function compilerVersion(): string | null {
  try {
    const file = createRequire(import.meta.url).resolve('assemblyscript/package.json');
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  } catch {
    return null;
  }
}

function hashOfInputs(version: string): string {
  const hash = createHash('sha256').update(JSON.stringify([version, FLAGS, BUILDS]));
  for (const name of readdirSync(sources).sort()) hash.update(`\0${name}\0`).update(readFileSync(join(sources, name)));
  return hash.digest('hex');
}

async function build(): Promise<number> {
  const version = existsSync(sources) ? compilerVersion() : null;
  if (version === null) {
    if (binaries.every(existsSync)) return 0;
    process.stderr.write(
      'the kernels are not there and cannot be built without assemblyscript; the TypeScript kernels will be used\n',
    );
    // Installing without development dependencies must not fail; packing or testing without the binary must.
    return process.env.npm_lifecycle_event === 'prepare' ? 0 : 1;
  }
  const hash = hashOfInputs(version);
  if (binaries.every(existsSync) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return 0;
  // Not by its name: the compiler's own types declare a console of AssemblyScript for the whole project.
  const entry: string = 'assemblyscript/asc';
  const { default: asc } = (await import(entry)) as { default: Compiler };
  mkdirSync(generated, { recursive: true });
  for (const [name, flags] of BUILDS) {
    const draft = join(generated, `.${process.pid}.${name}`);
    const { error } = await asc.main([join(sources, 'index.ts'), '--outFile', draft, ...FLAGS, ...flags], {
      stdout: process.stdout,
      stderr: process.stderr,
    });
    if (error) {
      process.stderr.write(`${name} could not be built: ${error.message}\n`);
      return 1;
    }
    renameSync(draft, join(generated, name));
    process.stdout.write(`built ${name} (${readFileSync(join(generated, name)).length} bytes)\n`);
  }
  writeFileSync(stamp, hash);
  return 0;
}

process.exitCode = await build();
