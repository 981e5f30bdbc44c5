import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { ATTEMPT_VARIABLE, bootId, endProcesses, isRunning, markedProcesses, parseProcessStat } from './processes.ts';

const LINUX = existsSync('/proc/self/stat');
const started: number[] = [];
const mark = `/tmp/querent-mark-${process.pid}`;

/** A detached shell that carries the mark. */
function shell(script: string): number {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    stdio: 'ignore',
    env: { ...process.env, [ATTEMPT_VARIABLE]: mark },
  });
  started.push(child.pid!);
  return child.pid!;
}

afterEach(() => {
  for (const pid of started.splice(0)) {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // ended already
    }
  }
});

const identityOf = (pid: number) => parseProcessStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))!;

describe('processes of engines', () => {
  it('reads number, state and start time, whatever the program is called', () => {
    const fields = Array.from({ length: 30 }, (_, i) => i + 4).join(' ');
    expect(parseProcessStat(`42 (pw.x) S ${fields}`)).toEqual({ pid: 42, state: 'S', startTime: '22' });
    expect(parseProcessStat(`42 (a) b (c) R ${fields}`)).toEqual({ pid: 42, state: 'R', startTime: '22' });
    expect(parseProcessStat('42\n')).toMatchObject({ pid: 42, startTime: '' });
    expect(parseProcessStat('')).toBeNull();
  });

  it.runIf(LINUX)('tells a process from a later one with the same number', () => {
    const own = identityOf(process.pid);
    expect(isRunning(own)).toBe(true);
    expect(isRunning({ pid: own.pid, startTime: String(Number(own.startTime) + 1) })).toBe(false);
    expect(isRunning({ pid: 2 ** 22 + 1, startTime: '1' })).toBe(false);
    expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.runIf(LINUX)('ends a whole family, also those that moved to a session of their own', async () => {
    const pid = shell('setsid sleep 60 & sleep 60 & wait');
    while (markedProcesses(mark).length < 3) await sleep(10);
    await endProcesses(identityOf(pid), mark, 2);
    expect(markedProcesses(mark)).toEqual([]);
  });

  it.runIf(LINUX)('kills what does not listen to SIGTERM, after the grace', async () => {
    const pid = shell('trap "" TERM; while :; do sleep 0.05; done');
    await sleep(100);
    const start = performance.now();
    await endProcesses(identityOf(pid), mark, 0.3);
    expect(performance.now() - start).toBeGreaterThan(290);
    expect(markedProcesses(mark)).toEqual([]);
  });

  it.runIf(LINUX)('leaves processes alone that carry another mark', async () => {
    const pid = shell('sleep 60');
    await sleep(50);
    await endProcesses(null, `${mark}-other`, 0.1);
    expect(isRunning(identityOf(pid))).toBe(true);
  });
});
