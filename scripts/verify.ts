/**
 * Installs what the tests need (real engines by apt on Debian as root; elsewhere it says what is missing), checks types
 * and style, runs every test, and ends with one line: `N passed, N failed, N skipped`.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Engines that the tests drive, by the binary that shows they are there. */
const ENGINES = [{ binary: '/usr/bin/pw.x', packages: ['quantum-espresso', 'quantum-espresso-data'] }];

function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): number {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...environment } });
  return result.status ?? 1;
}

function installEngines(): void {
  const missing = ENGINES.filter((engine) => !existsSync(engine.binary)).flatMap((engine) => engine.packages);
  if (missing.length === 0) return;
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    say(`Not installed (needs Debian and root): ${missing.join(' ')}. The tests that need them are skipped.`);
    return;
  }
  const apt = { DEBIAN_FRONTEND: 'noninteractive' };
  const failed =
    run('apt-get', ['update', '-qq'], apt) !== 0 ||
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], apt) !== 0;
  if (failed) say(`Could not install ${missing.join(' ')}; the tests that need them say so.`);
}

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

installEngines();
const bin = (name: string): string => join(root, 'node_modules', '.bin', name);
execFileSync(process.execPath, ['scripts/build-kernels.ts'], { cwd: root, stdio: 'inherit' });
let failed = 0;
for (const [name, command, args] of [
  ['types', bin('tsc'), ['--noEmit']],
  ['types of ring 0', bin('tsc'), ['--noEmit', '-p', 'tsconfig.core.json']],
  ['lint', bin('biome'), ['lint', '--error-on-warnings', '.']],
] as const) {
  const status = run(command, args);
  say(`${name}: ${status === 0 ? 'ok' : 'FAILED'}`);
  if (status !== 0) failed++;
}

const folder = mkdtempSync(join(tmpdir(), 'querent-verify-'));
const file = join(folder, 'report.json');
const status = run(bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile=${file}`]);
if (!existsSync(file)) {
  say('The test runner left no report.');
  say('0 passed, 1 failed, 0 skipped');
  process.exit(1);
}
const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
rmSync(folder, { recursive: true });
failed += report.numFailedTests;
// A suite that cannot even be loaded fails without failing a test.
if (status !== 0 && report.numFailedTests === 0) failed++;
say(`${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests + report.numTodoTests} skipped`);
process.exit(failed === 0 ? 0 : 1);
