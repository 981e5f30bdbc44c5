/**
 * Compiles the sources to dist/ for publishing: plain `tsc` emit, then the WebAssembly binaries beside their loader. What
 * docstrings say stands in the declarations; the code goes without them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildBrowser } from './build-browser.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const kernels = join(root, 'src/kernels/generated');
const BINARIES = ['kernels.wasm', 'kernels-fma.wasm'];

async function build(): Promise<number> {
  const missing = BINARIES.filter((name) => !existsSync(join(kernels, name)));
  if (missing.length > 0) {
    process.stderr.write(`${missing.join(', ')} must be built first: npm run build:kernels\n`);
    return 1;
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  for (const emit of [['--declaration', 'false', '--removeComments'], ['--emitDeclarationOnly']]) {
    const argv = [compiler, '-p', 'tsconfig.build.json', ...emit];
    const { status } = spawnSync(process.execPath, argv, { cwd: root, stdio: 'inherit' });
    if (status !== 0) return status ?? 1;
  }
  for (const name of BINARIES) cpSync(join(kernels, name), join(root, 'dist/kernels/generated', name));
  const page = join(root, 'dist/browser');
  for (const name of readdirSync(page)) if (name.endsWith('.js')) rmSync(join(page, name));
  await buildBrowser(page);
  return 0;
}

process.exitCode = await build();
