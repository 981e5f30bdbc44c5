import { isIsolatedAtom } from '../../core/dataset/reference-energies.ts';
import { InputError, NumericalError } from '../../core/errors.ts';
import { covalentRadiusOf, symbolOf } from '../../core/elements.ts';
import { assertNoOverlap, checkStructure, minimumDistance } from '../../core/structure/checks.ts';
import type { Frame } from '../../core/structure/structure.ts';

/** Atoms closer than this share of the sum of their covalent radii are an error of the file, not a repulsive pair (Si-Si 0.44 Å, H-H 0.12 Å). */
const OVERLAP = 0.2;
/** Below this share the shortest distance is worth a remark. */
const CLOSE = 0.5;

/** What a frame is called in messages: `file:line: structure index`. */
export function frameName(frame: Pick<Frame, 'source'>): string {
  const { file, line, index } = frame.source;
  return `${file}:${line}: structure ${index}`;
}

/** Runs some work on a frame; what it throws says which frame it was. */
export function onFrame<T>(frame: Pick<Frame, 'source'>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof InputError) && !(error instanceof NumericalError)) throw error;
    const message = `${frameName(frame)}: ${error.message}`;
    const details = { ...error.details, ...frame.source };
    if (error instanceof InputError) throw new InputError(error.code, message, details, error);
    throw new NumericalError(error.code, message, details, error);
  }
}

/**
 * Refuses frames that no fit can use: structures that make no sense, atoms on top of each other, no label at all.
 * @throws InputError `NO_STRUCTURES`, `NO_LABELS`, `ATOMS_OVERLAP` and those of `checkStructure`, naming file and line
 */
export function checkFrames(frames: readonly Frame[]): void {
  if (frames.length === 0)
    throw new InputError('NO_STRUCTURES', 'data must hold at least one labelled structure, got none');
  for (const frame of frames) {
    const name = frameName(frame);
    checkStructure(frame.structure, name);
    assertNoOverlap(frame.structure, OVERLAP, name);
    const { energy, forces, virial } = frame.labels;
    if (energy === null && forces === null && virial === null) {
      throw new InputError(
        'NO_LABELS',
        `${name} must carry an energy, forces or a stress, got none; name its keys with --energy-key and --forces-key`,
      );
    }
  }
}

/** Refuses frames of a species that is not in the list. @throws InputError `SPECIES_NOT_IN_BASIS` naming file and line */
export function checkSpecies(frames: readonly Frame[], species: readonly number[]): void {
  for (const frame of frames) {
    const foreign = frame.structure.species.find((z) => !species.includes(z));
    if (foreign === undefined) continue;
    throw new InputError(
      'SPECIES_NOT_IN_BASIS',
      `${frameName(frame)}: species must be one of ${species.map(symbolOf).join(', ')}, got ${symbolOf(foreign)}`,
    );
  }
}

/** The frames by which a model is judged: all but isolated atoms. */
export function judgedFrames(frames: readonly Frame[]): Frame[] {
  return frames.filter((frame) => !isIsolatedAtom(frame));
}

/**
 * Refuses data by which no model can be judged: isolated atoms only, or no label anywhere.
 * @throws InputError `NO_STRUCTURES`, `NO_LABELS`
 */
export function checkJudgeable(frames: readonly Frame[]): void {
  const judged = judgedFrames(frames);
  if (judged.length === 0)
    throw new InputError('NO_STRUCTURES', 'data must hold structures of more than one atom, got isolated atoms only');
  const labelled = judged.some(
    ({ labels }) => labels.energy !== null || labels.forces !== null || labels.virial !== null,
  );
  if (!labelled)
    throw new InputError(
      'NO_LABELS',
      `${frameName(judged[0]!)} and all others must carry an energy, forces or a stress to judge a model by, got none; name their keys with --energy-key and --forces-key`,
    );
}

/** `1 of 40 structures has`, `2 of 40 structures have`. */
function share(count: number, total: number, whole: string): string {
  return `${count} of ${total} ${whole} ${count === 1 ? 'has' : 'have'}`;
}

/** What a person should know of the labels: some are missing where most are there, or atoms are very close. */
export function labelWarnings(frames: readonly Frame[]): string[] {
  const total = frames.length;
  const warnings: string[] = [];
  for (const [kind, name] of [
    ['energy', 'energy'],
    ['forces', 'forces'],
    ['virial', 'stress'],
  ] as const) {
    const missing = frames.filter((frame) => frame.labels[kind] === null);
    if (missing.length === 0 || missing.length === total) continue;
    warnings.push(
      `labels: ${share(missing.length, total, 'structures')} no ${name} (first: ${frameName(missing[0]!)})`,
    );
  }
  const absent = (x: number): boolean => Number.isNaN(x);
  const partial = frames.filter((frame) => frame.labels.forces?.some(absent) || frame.labels.virial?.some(absent));
  if (partial.length > 0) {
    const count = partial.reduce(
      (sum, { labels }) =>
        sum + (labels.forces?.filter(absent).length ?? 0) + (labels.virial?.filter(absent).length ?? 0),
      0,
    );
    warnings.push(
      `labels: ${count} ${count === 1 ? 'component of forces or stress is' : 'components of forces or stress are'} not a number and left out (first: ${frameName(partial[0]!)})`,
    );
  }
  const close = closest(frames);
  if (close !== null) warnings.push(close);
  return warnings;
}

/** The closest pair of all frames, when it is closer than half the sum of its covalent radii. */
function closest(frames: readonly Frame[]): string | null {
  let smallest = CLOSE;
  let found: string | null = null;
  for (const frame of frames) {
    const { structure } = frame;
    const largest = structure.species.reduce((r, z) => Math.max(r, covalentRadiusOf(z)), 0);
    const pair = minimumDistance(structure, 2 * CLOSE * largest);
    if (pair === null) continue;
    const [a, b] = [structure.species[pair.i]!, structure.species[pair.j]!];
    const ratio = pair.distance / (covalentRadiusOf(a) + covalentRadiusOf(b));
    if (ratio >= smallest) continue;
    smallest = ratio;
    found = `structures: atoms ${pair.i} (${symbolOf(a)}) and ${pair.j} (${symbolOf(b)}) of ${frameName(frame)} are only ${pair.distance.toFixed(2)} Å apart; the repulsive core begins below the shortest distance of the data`;
  }
  return found;
}
