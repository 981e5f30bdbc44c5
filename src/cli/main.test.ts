/** The program as the operating system sees it: exit codes and pipes. Signals are tested with whole runs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EXIT } from './errors.ts';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

let folder = '';
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'querent-main-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Starts the program in the folder. */
function start(...argv: string[]) {
  const child = spawn(process.execPath, [MAIN, ...argv], { cwd: folder, stdio: ['pipe', 'pipe', 'pipe'] });
  children.push(child);
  const printed = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (printed.out += String(chunk)));
  child.stderr.on('data', (chunk) => (printed.err += String(chunk)));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, ...printed }));
  return { child, ended };
}

describe('the program', () => {
  it('ends with the exit code of its verb', async () => {
    expect(await start('status', 'nowhere').ended).toMatchObject({
      ...{ code: EXIT.error, signal: null, out: '' },
      err: 'error: run directory must exist, got "nowhere"\n',
    });
    expect((await start('walk').ended).code).toBe(EXIT.usage);
    expect(await start('--version').ended).toMatchObject({ code: EXIT.done, err: '' });
  });

  it('ends quietly when nobody reads on', async () => {
    const { child, ended } = start('schema');
    child.stdout.destroy();
    expect(await ended).toMatchObject({ code: EXIT.done, err: '' });
  });

  it('reads standard input', async () => {
    const { child, ended } = start('label', '-', '--reference', 'r.yaml', '-o', 'out.extxyz');
    writeFileSync(join(folder, 'r.yaml'), 'reference: {kind: sw-si}\n');
    child.stdin.end('2\nLattice="0 2.7 2.7 2.7 0 2.7 2.7 2.7 0" pbc="T T T"\nSi 0 0 0\nSi 1.3 1.4 1.35\n');
    const { code, err } = await ended;
    expect([code, err.split('@')[0]]).toEqual([EXIT.done, '1/1 <stdin>']);
    expect(readFileSync(join(folder, 'out.extxyz'), 'utf8')).toMatch(/^2\nLattice="0 2\.7 .* energy=-8\.6\d+ /);
  });
});
