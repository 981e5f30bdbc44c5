/**
 * CPython inside this process, on this thread: what it runs takes turns with our kernels under one clock. Only for
 * benchmarks; without koffi or a shared libpython there is the co-process of `co-process.ts`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { threadSeconds } from '../clock.ts';

/** Where Python code runs. `run` throws when the code raised. */
export interface PythonSide {
  /** How it runs, for the reader. */
  readonly how: string;
  run(code: string): Promise<void>;
  /** Calls a function of no argument, by name, so many times; CPU seconds of the thread that ran it. */
  time(name: string, calls: number): number | Promise<number>;
  dispose(): void;
}

/** Functions of the C library of Python that are used here. */
interface PythonLibrary {
  run(code: string): number;
}

let library: PythonLibrary | null = null;

async function openLibrary(python: string): Promise<PythonLibrary> {
  const script =
    'import os, sysconfig; v = sysconfig.get_config_var; print(os.path.join(v("LIBDIR") or "", v("LDLIBRARY") or ""))';
  const path = spawnSync(python, ['-c', script], { encoding: 'utf8' }).stdout.trim();
  if (!/\.(so|dylib)/.test(path) || !existsSync(path)) throw new Error(`${python} has no shared library (${path})`);
  const { default: koffi } = await import('koffi');
  // Extension modules expect the symbols of Python to be there for everybody.
  const shared = koffi.load(path, { global: true } as never);
  const decode = shared.func('void *Py_DecodeLocale(const char *text, void *size)');
  // By the program's name Python finds the packages of its virtual environment.
  shared.func('void Py_SetProgramName(void *name)')(decode(python, null));
  shared.func('void Py_InitializeEx(int handlers)')(0);
  return { run: shared.func('int PyRun_SimpleString(const char *code)') as (code: string) => number };
}

/** Starts Python in this process, once. @param python interpreter whose packages are to be seen */
export async function embedPython(python: string): Promise<PythonSide> {
  library ??= await openLibrary(python);
  const { run } = library;
  const must = (code: string): void => {
    if (run(code) !== 0) throw new Error(`Python raised an error in: ${code.slice(0, 80)}`);
  };
  must('def _repeat(work, calls):\n    for _ in range(calls): work()\n');
  return {
    how: 'in this process, on this thread',
    run: async (code) => must(code),
    time(name, calls) {
      const start = threadSeconds();
      must(`_repeat(${name}, ${calls})`);
      return threadSeconds() - start;
    },
    dispose() {},
  };
}
