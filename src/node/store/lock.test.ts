import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { heldBy, isAlive, isEnding, type LockHolder, processStartTime, thisProcess } from './lock.ts';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(program: string, ...args: string[]): { child: ChildProcess; holder: LockHolder } {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'ignore'] });
  children.push(child);
  const pid = child.pid!;
  return { child, holder: { pid, startTime: processStartTime(pid), host: hostname() } };
}

describe('the holder of a store', () => {
  it('is this process, and alive', () => {
    const holder = thisProcess();
    expect(holder).toMatchObject({ pid: process.pid, host: hostname() });
    expect(isAlive(holder)).toBe(true);
    expect(isEnding(process.pid)).toBe(false);
  });

  it('is dead once its process is gone, and when its number belongs to another process', async () => {
    const { child, holder } = start('sleep', '60');
    expect(isAlive(holder)).toBe(true);
    expect(isAlive({ ...holder, startTime: 'another boot:1' })).toBe(false);
    // Where start times cannot be told, the number alone counts.
    expect(isAlive({ ...holder, startTime: null })).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(isAlive(holder)).toBe(false);
    expect(processStartTime(holder.pid)).toBeNull();
  });

  it('counts as alive on another machine, and the message says what to do there', () => {
    const elsewhere = { pid: 1, startTime: null, host: 'elsewhere' };
    expect(isAlive(elsewhere)).toBe(true);
    expect(heldBy('store.sqlite', elsewhere).message).toBe(
      'store.sqlite: must not be used by two runs at once, but process 1 on elsewhere holds it; if that machine no longer runs it, run again with --break-lock',
    );
    expect(heldBy('store.sqlite', thisProcess()).message).not.toContain('--break-lock');
  });
});

describe.runIf(existsSync('/proc/self/stat'))('a process that was killed (needs /proc)', () => {
  it('is dead although nobody has asked for its exit code', async () => {
    // The shell becomes a program that never asks for the code of the child which the shell started.
    const { child } = start('sh', '-c', 'sleep 60 & echo $!; exec sleep 60');
    const [line] = (await once(child.stdout!, 'data')) as [Buffer];
    const pid = Number(String(line).trim());
    const holder = { pid, startTime: processStartTime(pid), host: hostname() };
    expect(isAlive(holder)).toBe(true);
    process.kill(pid, 'SIGKILL');
    while (!isEnding(pid)) await sleep(5);
    expect(isAlive(holder)).toBe(false);
    // Its number is still taken, which is why that alone says nothing.
    expect(() => process.kill(pid, 0)).not.toThrow();
    expect(processStartTime(pid)).toBe(holder.startTime);
  });

  it('is dead at once, whatever it is doing, while it is not gone yet', () => {
    // Many threads and a large memory take their time to go.
    for (let k = 0; k < 5; k++) {
      const { child, holder } = start(
        process.execPath,
        '-e',
        'globalThis.a = Buffer.alloc(3e8, 1); setInterval(() => {}, 1e3)',
      );
      expect(isAlive(holder)).toBe(true);
      child.kill('SIGKILL');
      expect(isAlive(holder), `kill ${k}`).toBe(false);
    }
  });
});
