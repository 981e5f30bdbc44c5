/** Whole runs of the real program, started as a person starts them, and killed. */
import { fileURLToPath } from 'node:url';
import type { Ended as CommandEnded } from './command.ts';
import { querent as command } from './command.ts';

/** Root of this repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** How the program ended, what it printed and how long it took, s. */
export interface Ended extends CommandEnded {
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
  let timer: NodeJS.Timeout | undefined;
  const ended = await command(args, {
    cwd: ROOT,
    started(child) {
      let lines = 0;
      child.stderr!.on('data', (text: string) => {
        lines += text.split('\n').length - 1;
        if (kill?.lines !== undefined && lines >= kill.lines) child.kill(kill.signal);
      });
      if (kill?.milliseconds !== undefined) timer = setTimeout(() => child.kill(kill.signal), kill.milliseconds);
    },
  });
  clearTimeout(timer);
  return { ...ended, seconds: (performance.now() - start) / 1000 };
}

/** What a verb prints with `--json`; throws what it says instead when it fails. */
export async function querentJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await querent([...args, '--json']);
  if (code !== 0) throw new Error(`querent ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return JSON.parse(stdout) as T;
}
