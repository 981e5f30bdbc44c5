import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

/** How one command ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Surroundings of a command. */
export interface CommandOptions {
  readonly cwd: string;
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  /** A shell line before the command, as `ulimit -f 8`. */
  readonly shell?: string;
  /** Called with the process once it runs. */
  readonly started?: (child: ReturnType<typeof spawn>) => void;
}

/** Runs the real command line, `querent …argv`, in a process of its own, and waits for its end. */
export function querent(argv: readonly string[], options: CommandOptions): Promise<Ended> {
  const { cwd, stdin = '', env = {}, shell, started } = options;
  const [command, args] =
    shell === undefined
      ? [process.execPath, [MAIN, ...argv]]
      : ['bash', ['-c', `${shell}; exec "$@"`, 'bash', process.execPath, MAIN, ...argv]];
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, QUERENT_DEBUG: '', ...env } });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    // A command that fails early may have closed its input.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    started?.(child);
  });
}

/** A fresh folder, in memory where there is such a place. */
export function freshFolder(name: string): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), `querent-${name}-`));
}
