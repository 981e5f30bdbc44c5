import type { Selection, SelectionContext } from '../../core/acquisition/acquisition.ts';
import { EnergyScreen, quotaOrder } from '../../core/acquisition/screening.ts';
import { selectFromPool } from '../../core/acquisition/select.ts';
import { strategyOf } from '../../core/acquisition/strategies.ts';
import { columnCount } from '../../core/dataset/dataset.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { InputError } from '../../core/errors.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import { RandomStream } from '../../core/random.ts';
import { structureId } from '../../core/structure/identity.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { openCandidatePool, type PoolStructure } from '../learning/candidate-pool.ts';
import { chunksOf } from '../training/chunks.ts';
import { checkSpecies, onFrame } from '../training/check-frames.ts';
import type { ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';
import { type CostRule, costOf, gateOf, groupOf, labelledGroupOf, type MaskRule, maskOf } from './candidate-frames.ts';
import { type CoverageReport, coverageReport } from './coverage-report.ts';

/** Candidates whose rows are all held in memory at most, of a model of so many columns at most. */
const [MOST_IN_MEMORY, COLUMNS_IN_MEMORY] = [1500, 800];
/** Rows of a kind that are kept of each candidate. */
const LEADING_ROWS = 32;
/** Candidates of a large pool that are looked at with all their rows, for each one that is to be chosen, and at least. */
const [SHORT_LIST, SHORTEST_LIST] = [5, 300];
/** Strata of a large pool. */
const STRATA = 12;
/** Structures that are read before they are handed to the workers. */
const READ_AHEAD = 256;

/** How structures are to be chosen. */
export interface SelectionSettings {
  readonly strategy: string;
  readonly batch: number;
  readonly seed: number;
  readonly cost: CostRule | null;
  readonly budget: number | null;
  readonly masks: readonly MaskRule[];
  /** Key of the comment line that says the stratum; null: strata are found by clustering. */
  readonly groupKey: string | null;
  readonly targets?: SelectionContext['targets'];
  /** Above this number of candidates the pool is screened; 1500 by default, fewer above 800 columns. */
  readonly mostInMemory?: number;
}

/** A model that is open. */
export interface OpenedModel {
  readonly handle: ModelHandle;
  readonly model: LinearModel;
  readonly basis: AceBasis;
}

/** One chosen structure. */
export interface SelectedStructure {
  /** Position in the pool, over all files in order. */
  readonly index: number;
  /** Content hash of the structure. */
  readonly id: string;
  readonly frame: Frame;
  readonly gain: number;
  readonly cost: number;
  readonly reason: string;
}

/** What was chosen from a pool. */
export interface StructureSelection {
  readonly selected: readonly SelectedStructure[];
  readonly excluded: readonly { readonly index: number; readonly reason: string }[];
  readonly certificate: number | null;
  /** Largest gains that were left, given the batch, falling; null where the strategy does not tell, or the pool was screened. */
  readonly leftGains: readonly number[] | null;
  readonly poolSize: number;
  /** Candidates that were looked at with all their rows; the whole pool unless it was screened. */
  readonly shortList: number;
  /** Null for a screened pool. */
  readonly coverage: CoverageReport | null;
}

/** Frames of a pool with their positions; may be read more than once. */
export type PoolSource = () => AsyncIterable<Frame>;

interface Entered extends PoolStructure {
  readonly index: number;
  readonly frame: Frame;
}

function entered(frame: Frame, index: number, model: LinearModel, settings: SelectionSettings): Entered {
  checkSpecies([frame], model.layout.species);
  const { structure } = frame;
  return {
    index,
    frame,
    structure,
    // Two equal structures may stand in one pool: the position tells them apart until the same ones are taken out.
    id: `${String(index).padStart(9, '0')}`,
    group: groupOf(frame, settings.groupKey),
    cost: costOf(frame, settings.cost),
    excluded: maskOf(frame, settings.masks) ?? onFrame(frame, () => gateOf(structure, model)),
  };
}

function requireBatch(batch: number, left: number, poolSize: number): void {
  if (poolSize === 0) throw new InputError('EMPTY_POOL', 'pool must hold at least one structure, got none');
  if (batch <= left) return;
  const out = poolSize === left ? '' : ` (${poolSize - left} of ${poolSize} are left out)`;
  throw new InputError('BATCH_SIZE', `batch must be at most the pool of ${left}${out}, got ${batch}`, { batch, left });
}

function contextOf(settings: SelectionSettings, tasks: TaskPool): SelectionContext {
  const { seed, cost, budget, targets } = settings;
  return {
    seed,
    kernels: tasks.kernels,
    costAware: cost !== null,
    minShare: 0,
    ...(budget === null ? {} : { budget }),
    ...(targets === undefined ? {} : { targets }),
  };
}

/** Chooses from candidates whose rows fit into memory. */
async function fromMemory(
  opened: OpenedModel,
  candidates: readonly Entered[],
  labelled: readonly Frame[],
  settings: SelectionSettings,
  tasks: TaskPool,
): Promise<Pick<StructureSelection, 'selected' | 'excluded' | 'certificate' | 'coverage'> & Selection> {
  const { handle, model, basis } = opened;
  const { groupKey } = settings;
  const groups = groupKey === null ? undefined : labelled.map((frame) => labelledGroupOf(frame, groupKey));
  // Structures that may not be chosen need no rows, and may be such that there are none.
  const may = candidates.filter(({ excluded }) => excluded === null);
  const pool = await openCandidatePool(
    handle,
    model,
    may,
    { structures: labelled.map(({ structure }) => structure), ...(groups === undefined ? {} : { groups }) },
    tasks,
    LEADING_ROWS,
  );
  const selection = selectFromPool(settings.strategy, pool, settings.batch, contextOf(settings, tasks));
  const masked = candidates.flatMap(({ index, excluded }) =>
    typeof excluded === 'string' ? [{ index, reason: excluded }] : [],
  );
  const names = new Map(may.map(({ id, index }) => [id, `structure ${index}`]));
  const copies = selection.excluded!.map(({ index, reason }) => ({
    index: may[index]!.index,
    reason: reason.replace(/\d{9}$/, (id) => names.get(id) ?? id),
  }));
  return {
    ...selection,
    selected: selection.selected.map(({ index, gain, reason }) => {
      const { frame, cost } = may[index]!;
      return { index: may[index]!.index, id: structureId(frame.structure), frame, gain, cost: cost!, reason };
    }),
    excluded: [...masked, ...copies].sort((a, b) => a.index - b.index),
    coverage: coverageReport(
      pool,
      selection.selected.map(({ index }) => index),
      { names: basis.specification.elements, offsets: basis.offsets },
    ),
  };
}

/** What is kept of each candidate of a large pool. */
interface Screened {
  readonly screen: EnergyScreen;
  readonly excluded: Map<number, string>;
  readonly groups: (string | null)[];
  readonly atoms: number;
}

/** Reads the whole pool once: one row of each candidate, no derivatives. */
async function screenPool(
  { handle, model }: OpenedModel,
  source: PoolSource,
  settings: SelectionSettings,
  tasks: TaskPool,
): Promise<Screened> {
  const d = columnCount(model.layout);
  const screen = new EnergyScreen(model.posterior.r, d, tasks.kernels);
  const excluded = new Map<number, string>();
  const groups: (string | null)[] = [];
  let waiting: Frame[] = [];
  let atoms = 0;
  const flush = async (): Promise<void> => {
    const chunks = chunksOf(waiting);
    const parts = await tasks.map(
      'energyRows',
      chunks.map((chunk) => ({ model: handle, structures: chunk.map(({ structure }) => structure) })),
    );
    for (const part of parts) screen.add(part, part.length / d);
    waiting = [];
  };
  for await (const frame of source()) {
    const index = groups.length;
    checkSpecies([frame], model.layout.species);
    groups.push(groupOf(frame, settings.groupKey));
    const reason = maskOf(frame, settings.masks) ?? onFrame(frame, () => gateOf(frame.structure, model));
    if (reason !== null) excluded.set(index, reason);
    atoms += atomCount(frame.structure);
    waiting.push(frame);
    if (waiting.length >= READ_AHEAD) await flush();
  }
  await flush();
  return { screen, excluded, groups, atoms };
}

/** Candidates of a large pool that are worth a closer look: by information gain of the energy, for most strategies in strata. */
function shortListOf({ screen, excluded, groups }: Screened, settings: SelectionSettings): number[] {
  const may = (index: number): boolean => !excluded.has(index);
  const picks = Math.min(Math.max(SHORT_LIST * settings.batch, SHORTEST_LIST), screen.count - excluded.size);
  if (settings.strategy === 'random') {
    const order = new RandomStream(settings.seed, 'random short list').permutation(screen.count);
    return Array.from(order).filter(may).slice(0, picks);
  }
  if (strategyOf(settings.strategy).needs.every((need) => need !== 'descriptors'))
    return screen.select(picks, { may }).picks.map(({ index }) => index);
  const names = [...new Set(groups)];
  const strata =
    settings.groupKey === null
      ? screen.strata(STRATA)
      : { ofCandidate: Int32Array.from(groups, (group) => names.indexOf(group)), count: names.length };
  const order = quotaOrder(strata.ofCandidate, strata.count, picks);
  return screen.select(picks, { may, strata: { ...strata, order } }).picks.map(({ index }) => index);
}

/** Candidates of which all rows are looked at: 1500, fewer where each takes more than a second. */
function mostInMemoryOf(columns: number): number {
  const share = Math.min(1, COLUMNS_IN_MEMORY / columns);
  return Math.max(SHORTEST_LIST, Math.round(MOST_IN_MEMORY * share * share));
}

/**
 * Chooses structures of a pool for labelling. Up to 1500 candidates (fewer above 800 columns, 300 at least) all are looked at with their leading rows. A larger
 * pool is read once for one energy row of each candidate (no derivatives, a few kB each); those whose energies teach most,
 * in strata by the square-root quota, five for each that is chosen, are read again and chosen from with all their rows.
 *
 * @param source the pool; read twice when it is large
 * @param labelled structures that are labelled already: they count in quotas, and are not chosen again
 * @throws InputError `EMPTY_POOL`, `BATCH_SIZE`, `STRATEGY`, `SPECIES_NOT_IN_BASIS`, and those of the rules for cost and group
 */
export async function selectStructures(
  opened: OpenedModel,
  source: PoolSource,
  labelled: readonly Frame[],
  settings: SelectionSettings,
  tasks: TaskPool,
): Promise<StructureSelection> {
  strategyOf(settings.strategy);
  checkSpecies(labelled, opened.model.layout.species);
  const { mostInMemory = mostInMemoryOf(columnCount(opened.model.layout)) } = settings;
  let candidates: Entered[] = [];
  let isLarge = false;
  for await (const frame of source()) {
    if (candidates.length === mostInMemory) {
      isLarge = true;
      break;
    }
    candidates.push(entered(frame, candidates.length, opened.model, settings));
  }
  if (!isLarge) {
    const left = candidates.filter(({ excluded }) => excluded === null).length;
    requireBatch(settings.batch, left, candidates.length);
    const found = await fromMemory(opened, candidates, labelled, settings, tasks);
    return {
      ...found,
      leftGains: found.leftGains ?? null,
      poolSize: candidates.length,
      shortList: candidates.length,
    };
  }
  candidates = [];
  const screened = await screenPool(opened, source, settings, tasks);
  const poolSize = screened.screen.count;
  requireBatch(settings.batch, poolSize - screened.excluded.size, poolSize);
  const wanted = new Set(shortListOf(screened, settings));
  let index = 0;
  for await (const frame of source()) {
    if (wanted.has(index)) candidates.push(entered(frame, index, opened.model, settings));
    index++;
  }
  const found = await fromMemory(opened, candidates, labelled, settings, tasks);
  const excluded = [...screened.excluded].map(([at, reason]) => ({ index: at, reason }));
  return {
    selected: found.selected,
    excluded: [...excluded, ...found.excluded].sort((a, b) => a.index - b.index),
    certificate: null,
    leftGains: null,
    poolSize,
    shortList: candidates.length,
    coverage: null,
  };
}
