/**
 * Compiles the sources to dist/ for publishing: plain `tsc` emit, then the WebAssembly binary beside its loader.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const kernels = join(root, 'src/kernels/generated');

function build(): number {
  if (!existsSync(join(kernels, 'kernels.wasm'))) {
    process.stderr.write('kernels.wasm must be built first: npm run build:kernels\n');
    return 1;
  }
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) return status ?? 1;
  cpSync(kernels, join(root, 'dist/kernels/generated'), { recursive: true });
  return 0;
}

process.exitCode = build();
