import { text } from 'node:stream/consumers';
import { runCommandLine } from './command-line.ts';
import { EXIT } from './errors.ts';

/** Time that what is still open may take to close before the process ends anyway, ms. */
const GRACE = 3000;

const stop = new AbortController();
let signalled: number | null = null;

function onSignal(code: number): void {
  // The second signal does not wait: the store is safe at every instant.
  if (signalled !== null) process.exit(code);
  signalled = code;
  process.stderr.write('\nstopping safely; once more to stop at once\n');
  stop.abort();
}

process.on('SIGINT', () => onSignal(EXIT.interrupted));
process.on('SIGTERM', () => onSignal(EXIT.terminated));
// A reader that goes away, as in `querent schema | head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

runCommandLine(process.argv.slice(2), {
  stdout: (output) => void process.stdout.write(output),
  stderr: (output) => void process.stderr.write(output),
  isTTY: process.stderr.isTTY === true,
  get columns() {
    return process.stderr.columns;
  },
  env: process.env,
  signal: stop.signal,
  cwd: process.cwd(),
  stdin: () => text(process.stdin),
}).then((code) => {
  process.exitCode = signalled ?? code;
  setTimeout(() => process.exit(), GRACE).unref();
});
