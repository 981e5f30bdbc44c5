/**
 * Damages good files and reads them: every reader must give a valid result or an error of this project, soon, and in
 * bounded memory. `npm run fuzz -- --reader extxyz --count 100000 --seed 1`; without --reader, all of them in turn.
 * A damaged file that breaks a reader is written to the folder of --save.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { damagedFile, fuzzOnce, prepareModelMembers, READERS } from '../test/support/readers.ts';

/** One damaged file may take so long, ms; beyond HANG the thread is ended. */
const SLOW = 2000;
const HANG = 20_000;
/** Old-generation heap of a reading thread, MB. */
const HEAP = 512;
/** Array buffers of the process, bytes. */
const BUFFERS = 1e9;
/** Failures after which a reader is given up. */
const ENOUGH = 20;

interface Job {
  readonly reader: string;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly beat: Int32Array;
}

interface Tally {
  readonly files: number;
  readonly read: number;
  readonly codes: Readonly<Record<string, number>>;
  readonly slowest: number;
  readonly slowestRun: number;
  readonly failures: readonly { readonly run: number; readonly message: string }[];
}

/** Reads damaged files one after the other in this thread. */
async function fuzz({ reader: name, seed, from, count, beat }: Job): Promise<Tally> {
  const reader = READERS.find((candidate) => candidate.name === name)!;
  if (name === 'model-json') await prepareModelMembers();
  const seeds = await reader.seeds();
  const codes: Record<string, number> = {};
  const failures: { run: number; message: string }[] = [];
  let [read, slowest, slowestRun, run] = [0, 0, -1, from];
  for (; run < count && failures.length < ENOUGH; run++) {
    Atomics.store(beat, 0, run);
    const bytes = damagedFile(seeds, name, seed, run);
    try {
      const outcome = await fuzzOnce(reader, bytes);
      if (outcome.read) read++;
      else codes[outcome.code] = (codes[outcome.code] ?? 0) + 1;
      if (outcome.time > slowest) [slowest, slowestRun] = [outcome.time, run];
      if (outcome.time > SLOW) failures.push({ run, message: `took ${Math.round(outcome.time)} ms` });
    } catch (error) {
      failures.push({ run, message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
    if (run % 256 === 0 && process.memoryUsage().arrayBuffers > BUFFERS)
      failures.push({ run, message: `holds ${process.memoryUsage().arrayBuffers} bytes of array buffers` });
  }
  return { files: run - from, read, codes, slowest, slowestRun, failures };
}

/** Runs a job in a thread of its own, ended when one file takes too long or the heap is full. */
function watched(job: Omit<Job, 'beat'>): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const beat = new Int32Array(new SharedArrayBuffer(4));
    Atomics.store(beat, 0, -1);
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { ...job, beat },
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
    });
    let [last, since] = [-1, Date.now()];
    const failed = (message: string): void => {
      clearInterval(watch);
      void worker.terminate();
      const run = Atomics.load(beat, 0);
      resolve({ files: run - job.from, read: 0, codes: {}, slowest: 0, slowestRun: run, failures: [{ run, message }] });
    };
    const watch = setInterval(() => {
      const now = Atomics.load(beat, 0);
      if (now !== last) [last, since] = [now, Date.now()];
      else if (now >= 0 && Date.now() - since > HANG) failed(`did not end within ${HANG} ms`);
    }, 500);
    worker.on('message', (tally: Tally) => {
      clearInterval(watch);
      resolve(tally);
    });
    worker.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') failed(`needs more than ${HEAP} MB`);
      else {
        clearInterval(watch);
        reject(error);
      }
    });
  });
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      reader: { type: 'string', multiple: true },
      count: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      from: { type: 'string', default: '0' },
      save: { type: 'string' },
    },
  });
  const names = values.reader ?? READERS.map(({ name }) => name);
  const unknown = names.find((name) => !READERS.some((reader) => reader.name === name));
  if (unknown !== undefined) {
    console.error(`--reader must be one of ${READERS.map(({ name }) => name).join(', ')}, got "${unknown}"`);
    process.exitCode = 2;
    return;
  }
  const [count, seed] = [Number(values.count), Number(values.seed)];
  let bad = 0;
  for (const name of names) {
    const started = Date.now();
    const { files, read, codes, slowest, slowestRun, failures } = await watched({
      reader: name,
      seed,
      from: Number(values.from),
      count,
    });
    const refused = files - read - failures.length;
    console.log(
      `${name}: ${files} files, ${read} read, ${refused} refused (${Object.keys(codes).length} codes), ${failures.length} failures; slowest ${Math.round(slowest)} ms (file ${slowestRun}), ${((Date.now() - started) / 1000).toFixed(0)} s`,
    );
    bad += failures.length;
    if (failures.length === 0) continue;
    const seeds = await READERS.find((reader) => reader.name === name)!.seeds();
    for (const { run, message } of failures) {
      console.log(`  file ${run}: ${message}`);
      if (values.save !== undefined)
        writeFileSync(join(values.save, `${name}-${seed}-${run}`), damagedFile(seeds, name, seed, run));
    }
  }
  if (bad > 0) process.exitCode = 1;
}

if (isMainThread) await main();
else parentPort!.postMessage(await fuzz(workerData as Job));
