import { describe, expect, it } from 'vitest';
import { threadSeconds } from '../../bench/clock.ts';
import { type Contender, contender, FEWEST_ROUNDS, holdContest, orderOfRound, ratiosOf } from '../../bench/contest.ts';

/** A contender whose every call takes as long as it says, on a clock of its own, and that writes down its turns. */
function clockwork(name: string, units: number, secondsOfCall: (turn: number) => number, log: string[]): Contender {
  let turns = 0;
  return {
    name,
    units,
    turn(calls) {
      log.push(name);
      return calls * secondsOfCall(turns++);
    },
  };
}

const plan = { subject: 'test', title: 'a test', unit: 'atom' };

describe('orderOfRound', () => {
  it('lets everybody begin and end equally often', () => {
    const rounds = Array.from({ length: 12 }, (_, round) => orderOfRound(3, round));
    for (const order of rounds) expect([...order].sort()).toEqual([0, 1, 2]);
    for (const who of [0, 1, 2]) {
      expect(rounds.filter((order) => order[0] === who)).toHaveLength(4);
      expect(rounds.filter((order) => order[2] === who)).toHaveLength(4);
    }
  });
});

describe('ratiosOf', () => {
  const times = [
    { name: 'slow', rounds: [10, 20, 30] },
    { name: 'fast', rounds: [1, 4, 5] },
  ];

  it('divides times of the same round: larger is faster', () => {
    const [ratio] = ratiosOf(times, [{ name: 'fast', over: 'slow' }]);
    expect(ratio).toMatchObject({ label: 'fast / slow', median: 6, rounds: [10, 5, 6], met: null });
    expect(ratiosOf(times, [{ name: 'slow', over: 'fast' }])[0]!.median).toAgree(1 / 6, {
      rtol: 1e-15,
      why: 'the reciprocal in every round, and an odd number of rounds',
    });
  });

  it('judges targets of both kinds, and scales by the factor', () => {
    const judged = (target: { atLeast: number } | { atMost: number }, factor = 1) =>
      ratiosOf(times, [{ name: 'fast', over: 'slow', target, factor }])[0]!;
    expect(judged({ atLeast: 6 }).met).toBe(true);
    expect(judged({ atLeast: 6.1 }).met).toBe(false);
    expect(judged({ atMost: 6 }).met).toBe(true);
    expect(judged({ atMost: 5 }).met).toBe(false);
    expect(judged({ atLeast: 12 }, 2)).toMatchObject({ median: 12, met: true });
  });

  it('leaves out what has no contender', () => {
    expect(ratiosOf(times, [{ name: 'fast', over: 'absent' }])).toEqual([]);
  });
});

describe('holdContest', () => {
  it('fills turns with calls and counts time per unit', async () => {
    const log: string[] = [];
    const contenders = [clockwork('a', 10, () => 1e-3, log), clockwork('b', 5, () => 2e-3, log)];
    const { times, ratios } = await holdContest(
      { ...plan, contenders, ratios: [{ name: 'a', over: 'b' }] },
      { rounds: 4, turn: 0.02, budget: 60 },
    );
    expect(times.map(({ rounds }) => rounds.length)).toEqual([4, 4]);
    expect(Float64Array.from(times[0]!.rounds)).toAgree(new Float64Array(4).fill(100), {
      rtol: 1e-12,
      why: '1 ms per call of 10 units, rounding only',
    });
    expect(ratios[0]!.median).toAgree(4, { rtol: 1e-12, why: 'twice the time for half the units' });
    for (let round = 0; round < 4; round++)
      expect(log.slice(-8 + 2 * round, log.length - 6 + 2 * round).sort()).toEqual(['a', 'b']);
  });

  it('is blind to a machine whose speed drifts', async () => {
    let now = 1;
    const drifting = (factor: number) => () => {
      now *= 1.2;
      return factor * now * 1e-2;
    };
    const log: string[] = [];
    const contenders = [clockwork('a', 1, drifting(1), log), clockwork('b', 1, drifting(3), log)];
    const { times, ratios } = await holdContest(
      { ...plan, contenders, ratios: [{ name: 'a', over: 'b' }] },
      { rounds: 15, turn: 0.01, budget: Number.POSITIVE_INFINITY },
    );
    expect(times[0]!.rounds.at(-1)! / times[0]!.rounds[0]!).toBeGreaterThan(50);
    expect(ratios[0]!.median).toAgree(3, { rtol: 0.21, why: 'drift between two turns of a round' });
  });

  it('gives a contender whose call is long one call a turn', async () => {
    const calls: number[] = [];
    const long: Contender = { name: 'long', units: 1, turn: (count) => calls.push(count) && 2 * count };
    await holdContest({ ...plan, contenders: [long], ratios: [] }, { rounds: 3, turn: 0.05, budget: 60 });
    expect(calls).toEqual([1, 1, 1, 1]);
  });

  it('ends early when turns are long, but not before quartiles mean something', async () => {
    const roundsWithin = async (budget: number): Promise<number> => {
      const slow: Contender = { name: 'slow', units: 1, turn: (count) => 3 * count };
      const options = { rounds: 15, turn: 0.05, budget };
      return (await holdContest({ ...plan, contenders: [slow], ratios: [] }, options)).times[0]!.rounds.length;
    };
    expect(await roundsWithin(0)).toBe(FEWEST_ROUNDS);
    expect(await roundsWithin(28)).toBe(10);
    expect(await roundsWithin(1000)).toBe(15);
  });

  it('survives a clock with a coarse grain', async () => {
    let spent = 0;
    const grainy: Contender = {
      name: 'grainy',
      units: 1,
      turn(count) {
        const before = Math.floor(spent / 0.004);
        spent += 1e-4 * count;
        return 0.004 * (Math.floor(spent / 0.004) - before);
      },
    };
    const { times } = await holdContest(
      { ...plan, contenders: [grainy], ratios: [] },
      { rounds: 5, turn: 0.05, budget: 60 },
    );
    for (const time of times[0]!.rounds) expect(time).toAgree(100, { rtol: 0.15, why: 'one tick of 4 ms in 50 ms' });
  });

  it('waits for contenders that answer later', async () => {
    const later: Contender = { name: 'later', units: 2, turn: async (count) => 0.1 * count };
    const { times } = await holdContest(
      { ...plan, contenders: [later], ratios: [] },
      { rounds: 2, turn: 0.05, budget: 60 },
    );
    expect(times[0]!.rounds).toEqual([50_000, 50_000]);
  });
});

describe('threadSeconds', () => {
  it('counts work of this thread and not its waiting', async () => {
    const start = threadSeconds();
    await new Promise((resolve) => setTimeout(resolve, 150));
    const waited = threadSeconds() - start;
    expect(waited).toBeLessThan(0.1);
    let sum = 0;
    const busy = contender('busy', 1, () => {
      for (let k = 0; k < 2e6; k++) sum += Math.sqrt(k);
    });
    expect(busy.turn(20)).toBeGreaterThan(0.01);
    expect(sum).toBeGreaterThan(0);
  });
});
