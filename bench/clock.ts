/**
 * CPU time of this thread: what other processes and the compiler threads of the engine do is not in it. Node's own
 * figure advances by ticks of some milliseconds on many kernels, so the clock of the C library is asked when it can be.
 */

interface ClockSource {
  readonly how: string;
  seconds(): number;
}

/** CLOCK_THREAD_CPUTIME_ID of the C library. */
const THREAD_CLOCK: Readonly<Record<string, readonly [library: string, id: number]>> = {
  linux: ['libc.so.6', 3],
  darwin: ['libSystem.dylib', 16],
};

async function openClock(): Promise<ClockSource> {
  const nodes: ClockSource = {
    how: "Node's threadCpuUsage (ticks of some milliseconds)",
    seconds() {
      const { user, system } = process.threadCpuUsage();
      return (user + system) / 1e6;
    },
  };
  const known = THREAD_CLOCK[process.platform];
  if (known === undefined) return nodes;
  try {
    const { default: koffi } = await import('koffi');
    const [library, id] = known;
    const read = koffi.load(library).func('int clock_gettime(int clock, _Out_ int64 *time)');
    const time = new BigInt64Array(2);
    return {
      how: 'clock_gettime of this thread',
      seconds() {
        read(id, time);
        return Number(time[0]) + 1e-9 * Number(time[1]);
      },
    };
  } catch {
    return nodes;
  }
}

const clock = await openClock();

/** How the time of this thread is read. */
export const CLOCK: string = clock.how;

/** CPU time of this thread, s, from an arbitrary zero. */
export function threadSeconds(): number {
  return clock.seconds();
}
