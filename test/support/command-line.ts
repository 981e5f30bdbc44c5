import { runCommandLine } from '../../src/cli/command-line.ts';

/** What a command printed and its exit code. */
export interface Shown {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command line in this process, in a folder, without a terminal and with nothing on standard input. */
export async function commandLine(cwd: string, argv: readonly string[]): Promise<Shown> {
  const out = { stdout: '', stderr: '' };
  const code = await runCommandLine(argv, {
    stdout: (text) => {
      out.stdout += text;
    },
    stderr: (text) => {
      out.stderr += text;
    },
    isTTY: false,
    env: {},
    signal: new AbortController().signal,
    cwd,
    stdin: () => Promise.resolve(''),
  });
  return { code, ...out };
}
