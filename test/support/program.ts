/** The real program in a process of its own, as a person starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** Root of this repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How the program ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
  /** Wall time, s. */
  readonly seconds: number;
}

/** When a program is sent a signal: so many lines of progress, or so many milliseconds, after its start. */
export interface Kill {
  readonly signal: NodeJS.Signals;
  readonly lines?: number;
  readonly milliseconds?: number;
}

/** Runs `querent …` from the root of this repository until it ends, by itself or by the signal. */
export async function querent(args: readonly string[], kill?: Kill): Promise<Ended> {
  const start = performance.now();
  const child = spawn(process.execPath, ['bin/querent.js', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  const send = (): void => void child.kill(kill!.signal);
  child.stdout.on('data', (chunk) => (out += String(chunk)));
  child.stderr.on('data', (chunk) => {
    err += String(chunk);
    if (kill?.lines !== undefined && err.split('\n').length > kill.lines) send();
  });
  const timer = kill?.milliseconds === undefined ? null : setTimeout(send, kill.milliseconds);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  if (timer !== null) clearTimeout(timer);
  return { code, signal, out, err, seconds: (performance.now() - start) / 1000 };
}

/** What a verb prints with `--json`; throws what it says instead when it fails. */
export async function querentJson<T>(...args: readonly string[]): Promise<T> {
  const { code, out, err } = await querent([...args, '--json']);
  if (code !== 0) throw new Error(`querent ${args.join(' ')}: exit code ${code}\n${err}`);
  return JSON.parse(out) as T;
}
