import { InputError } from '../errors.ts';
import type { CandidatePool, CandidateRows, Choose, RowKind, Selection, SelectionContext } from './acquisition.ts';
import { selectBald } from './bald.ts';
import { betterBargain } from './cost.ts';
import { type GreedyOptions, selectDOptimal } from './d-optimality.ts';
import { selectDeterminantal, selectDeterminantalMap } from './determinantal-batch.ts';
import { selectCentres, selectFarthest } from './farthest-point.ts';
import { byScore } from './gain.ts';
import { selectIOptimal, selectStratified, selectTargetVariance } from './i-optimality.ts';
import { selectMaxVariance } from './max-variance.ts';
import { selectMaxvol } from './maxvol-batch.ts';
import { committeeInformation } from './mixture-information.ts';
import { columnsOf } from './pool.ts';
import { selectBalancedRandom, selectRandom } from './random.ts';
import { selectUncertainClusters } from './uncertainty-clusters.ts';

/** A strategy and what it asks of a pool. */
export interface StrategyEntry {
  /** One line for tables. */
  readonly summary: string;
  /** What the gain of a pick is. */
  readonly gain: string;
  /** Without these it cannot choose. */
  readonly needs: readonly ('descriptors' | 'kinds' | 'committee' | 'targets')[];
  readonly choose: Choose;
}

function allRows(pool: CandidatePool, kind: RowKind): CandidateRows[] {
  return pool.candidates.map(({ id }, index) => ({ id, ...pool.rows(index, kind) }));
}

/** Least gain of each candidate; one number where all have as many atoms. */
function leastGains({ candidates }: CandidatePool, perAtom = 0): number | Float64Array {
  const first = candidates[0]?.atoms ?? 1;
  return candidates.every(({ atoms }) => atoms === first)
    ? perAtom * first
    : Float64Array.from(candidates, ({ atoms }) => perAtom * atoms);
}

const dOptimality: Choose = (pool, batchSize, context) =>
  betterBargain(pool, context, (costPower) => {
    const { minNatsPerAtom, minShare, budget, kernels } = context;
    const options: GreedyOptions = {
      minNats: leastGains(pool, minNatsPerAtom),
      costs: pool.candidates.map(({ cost }) => cost),
      costPower,
      ...(minShare === undefined ? {} : { minShare }),
      ...(budget === undefined ? {} : { budget }),
      ...(kernels === undefined ? {} : { kernels }),
    };
    return selectDOptimal(pool.learner.r, columnsOf(pool.learner.r), allRows(pool, 'all'), batchSize, options);
  });

const bald =
  (kind: RowKind): Choose =>
  (pool, batchSize, { minNatsPerAtom }) =>
    selectBald(
      pool.learner.r,
      columnsOf(pool.learner.r),
      allRows(pool, kind),
      batchSize,
      leastGains(pool, minNatsPerAtom),
    );

const maxVariance =
  (kind: RowKind): Choose =>
  (pool, batchSize) =>
    selectMaxVariance(pool.learner.r, columnsOf(pool.learner.r), allRows(pool, kind), batchSize, kind);

/** Structures about whose labels the members of a committee disagree most, each judged alone. */
function selectCommittee(pool: CandidatePool, batchSize: number, context: SelectionContext): Selection {
  const { candidates } = pool;
  const estimates = candidates.map(({ id }, index) => {
    const committee = pool.committee(index);
    if (committee === null)
      throw new InputError('NO_COMMITTEE', `predictions of a committee must be given for ${id}, got none`, { id });
    return committeeInformation(committee, context.seed);
  });
  const scores = estimates.map(({ value }) => value);
  const selected = [...candidates.keys()]
    .sort(byScore(scores, candidates))
    .slice(0, batchSize)
    .map((index) => {
      const { value, standardError } = estimates[index]!;
      const error = standardError > 0 ? ` ± ${standardError.toPrecision(1)}` : '';
      const reason = `its labels would tell ${value.toPrecision(3)}${error} nats about which member of the committee is right`;
      return { id: candidates[index]!.id, index, gain: value, reason };
    });
  return { selected, certificate: null };
}

/** All strategies by name. */
export const STRATEGY_TABLE = {
  'stratified-i-optimal': {
    summary: 'in each stratum of the pool, by √size, what lowers its mean force and energy variance most',
    gain: 'share of the mean force and energy variance of the stratum',
    needs: ['descriptors', 'kinds'],
    choose: selectStratified,
  },
  'i-optimal': {
    summary: 'what lowers the mean force and energy variance of the pool most',
    gain: 'share of the mean force and energy variance of the pool',
    needs: ['kinds'],
    choose: selectIOptimal,
  },
  'target-variance': {
    summary: 'what lowers the variance of given quantities most',
    gain: 'share of the variance of the target',
    needs: ['targets'],
    choose: selectTargetVariance,
  },
  'd-optimality': {
    summary: 'greedily by information gain given the batch so far, with a certificate',
    gain: 'nats given those before',
    needs: [],
    choose: dOptimality,
  },
  bald: {
    summary: 'by information gain of each structure alone',
    gain: 'nats alone',
    needs: [],
    choose: bald('all'),
  },
  'bald-energy': {
    summary: 'by information gain of the energy of each structure alone',
    gain: 'nats alone',
    needs: ['kinds'],
    choose: bald('energy'),
  },
  'max-variance': {
    summary: 'by the largest variance of an energy, force or virial component over its noise',
    gain: 'variance over that of the noise',
    needs: [],
    choose: maxVariance('all'),
  },
  'max-force-variance': {
    summary: 'by the largest variance of a force component',
    gain: 'variance over that of the noise',
    needs: ['kinds'],
    choose: maxVariance('forces'),
  },
  'max-energy-variance': {
    summary: 'by the variance of the energy over its noise',
    gain: 'variance over that of the noise',
    needs: ['kinds'],
    choose: maxVariance('energy'),
  },
  'committee-information': {
    summary: 'by what labels tell about which member of a committee is right',
    gain: 'nats alone',
    needs: ['committee'],
    choose: selectCommittee,
  },
  'uncertainty-clusters': {
    summary: 'the most uncertain structure of each of as many clusters as picks',
    gain: 'sum of force and energy standard deviations, each over its mean',
    needs: ['descriptors', 'kinds'],
    choose: selectUncertainClusters,
  },
  maxvol: {
    summary: 'what enters the active set of largest volume, by extrapolation grade',
    gain: 'grade γ by what is labelled',
    needs: ['descriptors'],
    choose: selectMaxvol,
  },
  'k-dpp': {
    summary: 'drawn from a determinantal point process of quality and likeness',
    gain: 'quality',
    needs: ['descriptors'],
    choose: selectDeterminantal,
  },
  'k-dpp-map': {
    summary: 'the greedy most probable batch of that process',
    gain: 'factor of the determinant',
    needs: ['descriptors'],
    choose: selectDeterminantalMap,
  },
  'farthest-point': {
    summary: 'each farthest from all that is labelled or chosen',
    gain: 'distance of standardised descriptors',
    needs: ['descriptors'],
    choose: selectFarthest,
  },
  'k-centre': {
    summary: 'centres of cells that cover the pool',
    gain: 'distance of standardised descriptors',
    needs: ['descriptors'],
    choose: selectCentres,
  },
  'balanced-random': {
    summary: 'at random from each stratum of the pool, by √size',
    gain: 'none',
    needs: ['descriptors'],
    choose: selectBalancedRandom,
  },
  random: {
    summary: 'at random',
    gain: 'none',
    needs: [],
    choose: (pool, batchSize, { seed = 0, round = 0 }) => selectRandom(pool.candidates, batchSize, seed, round),
  },
} as const satisfies Record<string, StrategyEntry>;

/** Name of a strategy. */
export type Strategy = keyof typeof STRATEGY_TABLE;
/** Names of the strategies. */
export const STRATEGIES = Object.keys(STRATEGY_TABLE) as readonly Strategy[];

/** Strategies that need neither a committee nor targets: those that a run can use. */
export const RUN_STRATEGIES = STRATEGIES.filter(
  (name) => !STRATEGY_TABLE[name].needs.some((need) => need === 'committee' || need === 'targets'),
) as readonly Exclude<Strategy, 'committee-information' | 'target-variance'>[];

/** The strategy of a name. @throws InputError `STRATEGY` */
export function strategyOf(name: string): StrategyEntry {
  if (Object.hasOwn(STRATEGY_TABLE, name)) return STRATEGY_TABLE[name as Strategy];
  throw new InputError('STRATEGY', `strategy must be one of ${STRATEGIES.join(', ')}, got ${name}`, { name });
}
