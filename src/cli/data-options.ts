import type { Command } from 'commander';
import { EnvironmentError, InputError } from '../core/errors.ts';
import type { LinearModel } from '../core/potentials/linear-model.ts';
import { isolatedAtomEnergies } from '../core/potentials/linear-model.ts';
import type { FrameReadOptions } from '../node/frames.ts';
import type { TaskPool } from '../node/workers/pool.ts';
import { allowedThreads, createPool } from '../node/workers/pool.ts';
import { cell } from './table.ts';
import type { VerbContext, VerbOptions } from './verb.ts';

/** Adds the options by which every verb that reads labelled structures finds their labels. */
export function addLabelKeyOptions(command: Command): Command {
  return command
    .option('--energy-key <key>', 'key of the energy; found by itself among energy, free_energy, REF_energy, …')
    .option('--forces-key <key>', 'column of the forces; found by itself among forces, force, REF_forces, …')
    .option('--stress-key <key>', 'key of the stress (or virial); found by itself among stress, virial, …');
}

/** Adds `--threads`. */
export function addThreadsOption(command: Command): Command {
  return command.option('--threads <n>', 'worker threads; by default what the machine, its cgroup or Slurm allow');
}

/** Adds `--regime`. */
export function addRegimeOption(command: Command): Command {
  return command.option('--regime <name>', 'error bars that the model was calibrated with for this regime');
}

/** The regime that was asked for, or null. */
export function regimeOption(options: VerbOptions): string | null {
  return (options.regime as string | undefined) ?? null;
}

/** Label keys that were asked for. */
export function labelKeys(options: VerbOptions): FrameReadOptions {
  const text = (name: string): string | undefined => options[name] as string | undefined;
  const { energyKey, forcesKey, stressKey } = {
    energyKey: text('energyKey'),
    forcesKey: text('forcesKey'),
    stressKey: text('stressKey'),
  };
  return {
    ...(energyKey === undefined ? {} : { energyKey }),
    ...(forcesKey === undefined ? {} : { forcesKey }),
    ...(stressKey === undefined ? {} : /virial/i.test(stressKey) ? { virialKey: stressKey } : { stressKey }),
  };
}

/** A number given on the command line, or the fallback. @throws InputError `BAD_OPTION` naming the option */
export function numberOption<T>(
  options: VerbOptions,
  name: string,
  flag: string,
  rule: (x: number) => boolean,
  description: string,
  fallback: T,
): number | T {
  const given = options[name];
  if (given === undefined) return fallback;
  const value = Number(given);
  if (String(given).trim() === '' || !rule(value))
    throw new InputError('BAD_OPTION', `${flag} must be ${description}, got "${String(given)}"`);
  return value;
}

/** Comma-separated whole numbers, or null when not given. @throws InputError `BAD_OPTION` */
export function integersOption(options: VerbOptions, name: string, flag: string): number[] | null {
  const given = options[name];
  if (given === undefined) return null;
  const values = String(given)
    .split(',')
    .map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (!values.every((value) => Number.isInteger(value) && value >= 0)) {
    throw new InputError('BAD_OPTION', `${flag} must be whole numbers with commas between, got "${String(given)}"`);
  }
  return values;
}

/** Number of worker threads. */
export function threadsOption(options: VerbOptions): number {
  return numberOption(
    options,
    'threads',
    '--threads',
    (n) => Number.isInteger(n) && n >= 1,
    'a whole number ≥ 1',
    allowedThreads(),
  );
}

/**
 * Runs some work on a pool of threads and disposes of it. A signal ends the work at once: nothing here needs a checkpoint.
 * @throws EnvironmentError `INTERRUPTED`
 */
export async function withPool<T>(
  threads: number,
  context: Pick<VerbContext, 'signal'>,
  work: (pool: TaskPool) => Promise<T>,
): Promise<T> {
  const pool = createPool(threads, null);
  let onAbort = (): void => undefined;
  const interrupted = new Promise<never>((_, reject) => {
    onAbort = () => reject(new EnvironmentError('INTERRUPTED', 'interrupted by a signal before the end'));
    if (context.signal.aborted) onAbort();
    context.signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([work(pool), interrupted]);
  } finally {
    context.signal.removeEventListener('abort', onAbort);
    await pool.dispose();
  }
}

/** Replacer for JSON.stringify: numbers that JSON cannot hold become null. */
export function finiteOrNull(_key: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? null : value;
}

/** `Si -3.74088 eV, O -2.1 eV`: energies of a model's isolated atoms. */
export function elementEnergies(model: LinearModel): string {
  const energies = isolatedAtomEnergies(model);
  return model.specification.elements.map((symbol, e) => `${symbol} ${cell(energies[e], 6)} eV`).join(', ');
}
