import { EnvironmentError } from '../../core/errors.ts';

/** Memory of a process that fits before it holds any factor: programs, kernels, frames. Bytes. */
const BASE = 600 * 2 ** 20;
/** Squares of the columns that the first thread holds at most (factors and moments of the folds), and every thread besides. */
const SQUARES = 20;
const SQUARES_OF_THREAD = 11;

/** What a choice of the basis is going to need. */
export interface MemoryPlan {
  /** Functions of all elements in the union of the bases. */
  readonly functions: number;
  /** Largest resident memory, about. */
  readonly bytes: number;
}

/** Memory of a choice among bases whose union has so many functions, measured on up to 2500 of them. */
export function memoryPlan(functions: number, threads: number): MemoryPlan {
  return { functions, bytes: BASE + 8 * functions * functions * (SQUARES + SQUARES_OF_THREAD * threads) };
}

/** Bytes in words: `2.6 GB`. */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Functions beyond which the need is said beforehand. */
const LARGE = 3000;

/** What is said of a plan before the fit: nothing where it is small. */
export function planLine({ functions, bytes }: MemoryPlan): string {
  return functions > LARGE ? `bases of ${functions} functions together: about ${gigabytes(bytes)} of memory\n` : '';
}

/**
 * Refuses a choice that the machine has no memory for.
 * @param available bytes that this process has or may still take
 * @throws EnvironmentError `NOT_ENOUGH_MEMORY`
 */
export function requireMemory(
  { functions, bytes }: MemoryPlan,
  available: number = process.availableMemory() + process.memoryUsage.rss(),
): void {
  if (bytes <= available) return;
  throw new EnvironmentError(
    'NOT_ENOUGH_MEMORY',
    `free memory must be about ${gigabytes(bytes)} to choose among bases of ${functions} functions together, got ${gigabytes(available)}; lower --budget or --threads`,
    { functions, bytes, available },
  );
}
