/**
 * Installs what the tests need (real engines by apt on Debian as root; elsewhere it says what is missing), checks types
 * and style, runs every test, and ends with one line: `N passed, N failed, N skipped`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { paceEnvironment } from '../test/support/python-ace.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const started = Date.now();
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Programs that the tests drive, and what shows that they are there. */
const PROGRAMS: readonly { readonly here: () => boolean; readonly packages: readonly string[] }[] = [
  { here: () => existsSync('/usr/bin/pw.x'), packages: ['quantum-espresso', 'quantum-espresso-data'] },
  { here: () => existsSync('/usr/bin/chromium'), packages: ['chromium'] },
  // Where a Python can make environments, the public evaluator of potential files is put into a throw-away one.
  {
    here: () => spawnSync('python3.11', ['-c', 'import venv, ensurepip']).status === 0,
    packages: ['python3.11', 'python3.11-venv'],
  },
];

/** Runs a command here; tools whose first line asks for `node` get the one that runs this. */
function run(command: string, args: readonly string[], environment: NodeJS.ProcessEnv = {}): number {
  const path = [dirname(process.execPath), process.env.PATH].join(delimiter);
  const env = { ...process.env, PATH: path, ...environment };
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env });
  if (error !== undefined) say(`${command}: ${error.message}`);
  return status ?? 1;
}

function installPrograms(): void {
  const missing = PROGRAMS.filter(({ here }) => !here()).flatMap(({ packages }) => packages);
  if (missing.length === 0) return;
  const names = missing.join(' ');
  if (!existsSync('/etc/debian_version') || process.getuid?.() !== 0) {
    say(`Not installed: ${names} (that takes Debian and root). The tests that need them are skipped.`);
    return;
  }
  say(`Installing ${names}`);
  const apt = (...args: string[]): number =>
    run('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=300', ...args], { DEBIAN_FRONTEND: 'noninteractive' });
  if (apt('update') !== 0 || apt('install', '-y', '--no-install-recommends', ...missing) !== 0)
    say(`Could not install ${names}; the tests that need them say so.`);
}

/** What is read of vitest's JSON report. */
interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: 'passed' | 'failed';
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/** Every test of the project; null when the runner left no report. */
function runTests(): Report | null {
  const folder = mkdtempSync(join(tmpdir(), 'querent-verify-'));
  const file = join(folder, 'report.json');
  run(bin('vitest'), ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`]);
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : null;
  rmSync(folder, { recursive: true });
  return report;
}

const bin = (name: string): string => join(root, 'node_modules', '.bin', name);

installPrograms();
const pace = paceEnvironment();
say('reason' in pace ? `python-ace: ${pace.reason}` : `python-ace in ${pace.python}`);
let passed = 0;
let failed = 0;
for (const [name, command, args] of [
  ['kernels', process.execPath, ['scripts/build-kernels.ts']],
  ['types', bin('tsc'), ['--noEmit']],
  ['types of ring 0', bin('tsc'), ['--noEmit', '-p', 'tsconfig.core.json']],
  ['lint', bin('biome'), ['lint', '--error-on-warnings', '.']],
] as const) {
  const ok = run(command, args) === 0;
  say(`${name}: ${ok ? 'ok' : 'FAILED'}`);
  if (ok) passed++;
  else failed++;
}

const report = runTests();
let skipped = 0;
if (report === null) {
  say('The test runner left no report.');
  failed++;
} else {
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped = report.numPendingTests + report.numTodoTests;
  for (const { name, status, message, assertionResults } of report.testResults) {
    const file = relative(root, name);
    for (const test of assertionResults) {
      if (test.status === 'failed') say(`failed:  ${file}: ${test.fullName}`);
      // A test that may be skipped says why in its title.
      else if (test.status !== 'passed') say(`skipped: ${file}: ${test.fullName}`);
    }
    // A file that cannot be loaded, or a hook of it, fails without failing a test.
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) {
      say(`failed:  ${file}: ${message.split('\n')[0]}`);
      failed++;
    }
  }
  if (passed === 0) failed++;
}
say(`${Math.round((Date.now() - started) / 1000)} s`);
say(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;
