/** Python in a process of its own that works strictly in its turns, for machines where it cannot live in this one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { PythonSide } from './embedded-python.ts';

/** Reads requests line by line and answers each with one line that begins with a mark. */
const SERVER = `
import json, sys, time, traceback
scope = {}
for line in sys.stdin:
    request = json.loads(line)
    try:
        start = time.thread_time()
        if 'code' in request: exec(request['code'], scope)
        else:
            work = scope[request['name']]
            start = time.thread_time()
            for _ in range(request['calls']): work()
        answer = {'seconds': time.thread_time() - start}
    except Exception: answer = {'error': traceback.format_exc()}
    print('\\n=> ' + json.dumps(answer), flush=True)
`;

type Answer = { readonly seconds: number } | { readonly error: string };

/** Starts the process. */
export function coProcess(python: string): PythonSide {
  const child: ChildProcess = spawn(python, ['-c', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
  const waiting: { resolve(seconds: number): void; reject(error: Error): void }[] = [];
  createInterface({ input: child.stdout! }).on('line', (line) => {
    if (!line.startsWith('=> ')) return;
    const answer = JSON.parse(line.slice(3)) as Answer;
    const next = waiting.shift();
    if ('seconds' in answer) next?.resolve(answer.seconds);
    else next?.reject(new Error(answer.error));
  });
  const fail = (error: Error): void => {
    for (const { reject } of waiting.splice(0)) reject(error);
  };
  child.on('error', fail);
  child.on('exit', (code) => fail(new Error(`Python ended with ${code}`)));
  const ask = (request: object): Promise<number> =>
    new Promise((resolve, reject) => {
      waiting.push({ resolve, reject });
      child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  return {
    how: 'in a process of its own, in strict turns',
    run: async (code) => void (await ask({ code })),
    time: (name, calls) => ask({ name, calls }),
    dispose: () => child.stdin!.end(),
  };
}
