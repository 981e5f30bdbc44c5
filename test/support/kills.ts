/** A run of the real program that is killed with SIGKILL at random moments and resumed until it ends by itself. */
import { setTimeout as sleep } from 'node:timers/promises';
import { RandomStream } from '../../src/core/random.ts';
import { type Ended, querent } from './program.ts';

/** How often and when a run is killed. */
export interface KillPlan {
  /** Kills before it may end. */
  readonly kills: number;
  readonly seed: number;
  /** Time that the undisturbed run takes, s: sessions live so long that the last kill comes before its end. */
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
 * Runs `querent …` again and again until it has been killed so many times, then lets it end. A session lives from 0.2 s to
 * the time in which the program starts and does its share of the work.
 */
export async function killedAgainAndAgain(args: readonly string[], plan: KillPlan): Promise<KilledRun> {
  const random = new RandomStream(plan.seed, 'kills');
  const start = (await querent(['schema'])).seconds;
  const longest = start + Math.max(0.1, plan.whole - start) / plan.kills;
  let kills = 0;
  while (kills < plan.kills) {
    const life = SHORTEST + (longest - SHORTEST) * random.uniform();
    const session = await querent(args, { signal: 'SIGKILL', milliseconds: 1000 * life });
    if (session.signal !== 'SIGKILL') return { last: session, kills };
    kills++;
    await sleep(1000 * (plan.pause ?? 0) * random.uniform());
  }
  return { last: await querent(args), kills };
}
