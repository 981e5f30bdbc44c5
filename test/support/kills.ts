/** A run of the real program that is killed with SIGKILL at random moments and resumed until it ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RandomStream } from '../../src/core/random.ts';
import { type Ended, querent } from './program.ts';

/** How often and when a run is killed. */
export interface KillPlan {
  /** Kills before it may end. */
  readonly kills: number;
  readonly seed: number;
  /** Time that the undisturbed run takes, s. */
  readonly whole: number;
  /** Longest pause between a kill and the resumption, s; engines may end meanwhile. */
  readonly pause?: number;
}

/** What became of it: the session that ended by itself, and how many were killed before. */
export interface KilledRun {
  readonly last: Ended;
  readonly kills: number;
}

/** Shortest life of a session, s: dead before it has looked at its run. */
const SHORTEST = 0.2;

/**
 * Runs `querent …` again and again until it has been killed so many times, then lets it end. The first session dies as soon
 * as it says something, the others after a random time from 0.2 s on: the longest is such that all of them together
 * may be expected to do a third of the work.
 */
export async function killedAgainAndAgain(args: readonly string[], plan: KillPlan): Promise<KilledRun> {
  const random = new RandomStream(plan.seed, 'kills');
  const first = await querent(args, { signal: 'SIGKILL', lines: 1 });
  const start = first.seconds;
  // A session that lives uniformly from s to S + P, where S is what it needs to start, works for P²/2(S + P − s) on average.
  const share = ((2 / 3) * Math.max(0.1, plan.whole - start)) / plan.kills;
  const longest = start + (share + Math.sqrt(share * share + 4 * share * Math.max(0, start - SHORTEST))) / 2;
  let kills = 1;
  while (kills < plan.kills) {
    await sleep(1000 * (plan.pause ?? 0) * random.uniform());
    const life = SHORTEST + (longest - SHORTEST) * random.uniform();
    const session = await querent(args, { signal: 'SIGKILL', milliseconds: 1000 * life });
    if (session.signal !== 'SIGKILL') return { last: session, kills };
    kills++;
  }
  return { last: await querent(args), kills };
}
