/**
 * Potentials in a web page: the same kernels, formats and numbers as under Node. Work is done on worker threads, so the
 * page stays alive: on one of them, or on as many as there are processors where the page is cross-origin isolated and
 * threads may share memory (headers `Cross-Origin-Opener-Policy: same-origin` and `Cross-Origin-Embedder-Policy:
 * require-corp`). The result does not depend on their number.
 */
import { EnvironmentError, InputError } from '../core/errors.ts';
import { sharesOf, sumsOfShares } from '../core/potentials/atom-shares.ts';
import type { PotentialResult } from '../core/potentials/potential.ts';
import type { Structure } from '../core/structure/structure.ts';
import { atomCount } from '../core/structure/structure.ts';
import type { KernelBinaries } from '../kernels/wasm-module.ts';
import { uncarried } from '../protocol/carried-error.ts';
import type { PotentialSource, Reply, Request } from './messages.ts';

export type { PotentialResult } from '../core/potentials/potential.ts';
export type { Structure } from '../core/structure/structure.ts';
export { parseExtxyzText } from '../formats/extxyz.ts';
export type { PotentialSource } from './messages.ts';

interface PageWorker {
  onmessage: ((event: { readonly data: Reply }) => void) | null;
  onerror: ((event: { readonly message?: string }) => void) | null;
  postMessage(message: { readonly id: number; readonly request: Request }): void;
  terminate(): void;
}

declare const Worker: new (url: URL, options: { readonly type: 'module' }) => PageWorker;

/** How a potential is opened. */
export interface OpenOptions {
  /** Worker threads; by default one per processor where memory can be shared, otherwise one. */
  readonly threads?: number;
  /** Variant of the kernels by name; by default the fastest that the browser can run. */
  readonly kernels?: string;
}

/** A potential on the worker threads of a page. */
export interface PagePotential {
  readonly threads: number;
  /** Variant of the kernels that is used. */
  readonly kernels: string;
  /** Energy, forces and virial of each structure, in order. Rejects with the errors that a `Potential` throws. */
  evaluate(structures: readonly Structure[]): Promise<PotentialResult[]>;
  /** Ends the worker threads. */
  dispose(): void;
}

/** Whether threads of this page may share memory. */
export function canShareMemory(): boolean {
  const page = globalThis as { readonly crossOriginIsolated?: boolean };
  return page.crossOriginIsolated === true && typeof SharedArrayBuffer === 'function';
}

/** One worker thread and the answers it owes. */
class Thread {
  private readonly worker: PageWorker;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private last = 0;

  constructor() {
    this.worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    this.worker.onmessage = ({ data }) => {
      const { resolve, reject } = this.waiting.get(data.id)!;
      this.waiting.delete(data.id);
      if ('error' in data) reject(uncarried(data.error));
      else resolve(data.value);
    };
    this.worker.onerror = ({ message }) => {
      const error = new EnvironmentError(
        'WORKER_FAILED',
        `worker thread must not end, but did: ${message ?? 'unknown'}`,
      );
      for (const { reject } of this.waiting.values()) reject(error);
      this.waiting.clear();
    };
  }

  ask(request: Request): Promise<unknown> {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.worker.postMessage({ id, request });
    });
  }

  end(): void {
    this.worker.terminate();
  }
}

async function build(url: URL): Promise<Uint8Array | null> {
  const response = await fetch(url);
  return response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
}

/** The copies of a structure whose arrays every thread may read without a copy of its own. */
function shared(structure: Structure): Structure {
  const inSharedMemory = (values: Float64Array): Float64Array => {
    const copy = new Float64Array(new SharedArrayBuffer(values.byteLength));
    copy.set(values);
    return copy;
  };
  return {
    ...structure,
    positions: inSharedMemory(structure.positions),
    cell: structure.cell === null ? null : inSharedMemory(structure.cell),
  };
}

/**
 * Opens a potential.
 *
 * @throws InputError `BAD_THREADS`; what `readModel` or `readYace` throw; `KERNELS_UNSUPPORTED` for a variant this browser
 *   cannot run
 */
export async function openPotential(source: PotentialSource, options: OpenOptions = {}): Promise<PagePotential> {
  const sharing = canShareMemory();
  const threads = options.threads ?? (sharing ? Math.max(1, globalThis.navigator.hardwareConcurrency) : 1);
  if (!(Number.isInteger(threads) && threads >= 1)) {
    throw new InputError('BAD_THREADS', `threads must be a positive integer, got ${threads}`, { threads });
  }
  const binaries: KernelBinaries = {
    simd: await build(new URL('../kernels/generated/kernels.wasm', import.meta.url)),
    fma: await build(new URL('../kernels/generated/kernels-fma.wasm', import.meta.url)),
  };
  const pool = Array.from({ length: threads }, () => new Thread());
  const end = (): void => {
    for (const thread of pool) thread.end();
  };
  let names: unknown[];
  try {
    names = await Promise.all(
      pool.map((thread) => thread.ask({ kind: 'open', source, binaries, kernels: options.kernels ?? null })),
    );
  } catch (error) {
    end();
    throw error;
  }

  async function evaluate(structures: readonly Structure[]): Promise<PotentialResult[]> {
    const given = sharing ? structures.map(shared) : structures;
    const shares = sharesOf(structures.map(atomCount));
    const tasks = shares.map(({ index, atoms }) => ({
      kind: 'evaluate' as const,
      structure: given[index]!,
      atoms,
      forces: sharing ? new Float64Array(new SharedArrayBuffer(24 * atomCount(given[index]!))) : null,
    }));
    const results = new Array<PotentialResult>(tasks.length);
    let next = 0;
    await Promise.all(
      pool.map(async (thread) => {
        while (next < tasks.length) {
          const index = next++;
          const task = tasks[index]!;
          const result = (await thread.ask(task)) as PotentialResult;
          results[index] = task.forces === null ? result : { ...result, forces: task.forces.slice() };
        }
      }),
    );
    return sumsOfShares(shares, results);
  }

  return { threads, kernels: names[0] as string, evaluate, dispose: end };
}
