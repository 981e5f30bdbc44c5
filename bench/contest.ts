/**
 * Contests: contenders for the same work take turns within one process, so that whatever else the machine does meets all
 * of them. Only quotients of times of the same round are believed; times themselves drift by a factor of two on a shared
 * machine.
 */
import { threadSeconds } from './clock.ts';
import { type Quartiles, quartiles, quotients } from './statistics.ts';

/** One way to do the work of a contest. */
export interface Contender {
  readonly name: string;
  /** Units of work (atoms, multiply-adds) that one call does. */
  readonly units: number;
  /** Does the work `calls` times and returns the seconds that took, by a clock of its own kind. */
  turn(calls: number): number | Promise<number>;
}

/** A quotient that a contest is about: how many times faster `name` is than `over` per unit of work. */
export interface RatioRequest {
  readonly name: string;
  readonly over: string;
  /** What the quotient is called; default `name / over`. */
  readonly label?: string;
  /** Both sides' work differs by this factor beyond their units, for example functions per atom. */
  readonly factor?: number;
  /** What is hoped for; `atMost` where small is good. */
  readonly target?: { readonly atLeast: number } | { readonly atMost: number };
}

/** What is to be measured. */
export interface ContestPlan {
  /** Name of the subject, as the command line knows it. */
  readonly subject: string;
  /** What the contenders do. */
  readonly title: string;
  /** A unit of work. */
  readonly unit: string;
  readonly contenders: readonly Contender[];
  readonly ratios: readonly RatioRequest[];
  /** Remarks for the reader: agreement of results, counts. */
  readonly notes?: readonly string[];
}

/** A quotient with its rounds. */
export interface Ratio extends RatioRequest, Quartiles {
  readonly label: string;
  readonly rounds: readonly number[];
  /** Whether the median meets the target; null without one. */
  readonly met: boolean | null;
}

/** What was measured. */
export interface Contest {
  readonly subject: string;
  readonly title: string;
  readonly unit: string;
  readonly notes: readonly string[];
  /** Microseconds per unit of each contender, round by round. */
  readonly times: readonly { readonly name: string; readonly rounds: readonly number[] }[];
  readonly ratios: readonly Ratio[];
}

/** How long and how often. */
export interface ContestOptions {
  /** Rounds that count. */
  readonly rounds: number;
  /** Least length of a turn, s; calls are repeated to fill it. */
  readonly turn: number;
  /** A contest of long turns ends early after so many seconds of them, but not before `FEWEST_ROUNDS`. */
  readonly budget: number;
}

/** Rounds below which no contest ends early: quartiles of fewer say little. */
export const FEWEST_ROUNDS = 7;

/** Two rounds and at least this long, s, go before the first that counts: engines compile what runs hot only then. */
const WARM_UP = 0.4;
/** Most time that warming up one contender may take, s; a contender whose single call is longer gets one call. */
const LONG_CALL = 1.5;

/** A contender that is a function of this thread. */
export function contender(name: string, units: number, work: () => unknown): Contender {
  return {
    name,
    units,
    turn(calls) {
      const start = threadSeconds();
      for (let call = 0; call < calls; call++) work();
      return threadSeconds() - start;
    },
  };
}

/** Calls that fill a turn, found while warming up. */
async function warmUp(player: Contender, turn: number): Promise<number> {
  let spent = await player.turn(1);
  if (spent > LONG_CALL) return 1;
  let calls = 1;
  let last = spent;
  while (spent < WARM_UP || last < turn) {
    // A clock of a few milliseconds' grain may say zero.
    calls = last >= turn ? calls : Math.ceil(Math.min(calls * 10, (1.2 * calls * turn) / Math.max(last, 1e-6)));
    last = await player.turn(calls);
    spent += Math.max(last, 1e-6);
  }
  return Math.max(1, Math.round((calls * turn) / last));
}

/** The order of a round: whoever began the last one comes last, and every other round runs backwards. */
export function orderOfRound(count: number, round: number): number[] {
  const order = Array.from({ length: count }, (_, k) => (k + round) % count);
  return round % 2 === 0 ? order : order.reverse();
}

/** Medians and quartiles of the quotients that were asked for; those without both contenders are left out. */
export function ratiosOf(times: Contest['times'], requests: readonly RatioRequest[]): Ratio[] {
  return requests.flatMap((request) => {
    const own = times.find(({ name }) => name === request.name);
    const other = times.find(({ name }) => name === request.over);
    if (own === undefined || other === undefined) return [];
    const factor = request.factor ?? 1;
    const rounds = quotients(other.rounds, own.rounds).map((value) => factor * value);
    const summary = quartiles(rounds);
    const { target } = request;
    const met =
      target === undefined
        ? null
        : 'atLeast' in target
          ? summary.median >= target.atLeast
          : summary.median <= target.atMost;
    return [{ ...request, ...summary, label: request.label ?? `${request.name} / ${request.over}`, rounds, met }];
  });
}

/** Holds a contest. */
export async function holdContest(plan: ContestPlan, options: ContestOptions): Promise<Contest> {
  const { contenders } = plan;
  const calls: number[] = [];
  for (const player of contenders) calls.push(await warmUp(player, options.turn));
  const rounds: number[][] = contenders.map(() => []);
  let spent = 0;
  for (let round = 0; round < options.rounds; round++) {
    if (round >= FEWEST_ROUNDS && spent > options.budget) break;
    for (const k of orderOfRound(contenders.length, round)) {
      const player = contenders[k]!;
      const seconds = await player.turn(calls[k]!);
      spent += seconds;
      rounds[k]!.push((1e6 * seconds) / (calls[k]! * player.units));
    }
  }
  const times = contenders.map(({ name }, k) => ({ name, rounds: rounds[k]! }));
  const { subject, title, unit, notes = [] } = plan;
  return { subject, title, unit, notes, times, ratios: ratiosOf(times, plan.ratios) };
}
