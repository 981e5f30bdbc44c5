import type { AceBasis } from '../core/descriptors/ace/basis.ts';
import { buildAceBasis, DEFAULT_BASIS_LIMITS } from '../core/descriptors/ace/enumerate.ts';
import { createAceProgram } from '../core/descriptors/ace/program.ts';
import { withSecondDensity } from '../core/descriptors/ace/two-density.ts';
import { FormatError, InputError, NumericalError } from '../core/errors.ts';
import type { AcePotential, Prediction } from '../core/potentials/ace-potential.ts';
import type { LinearModel } from '../core/potentials/linear-model.ts';
import { potentialOf } from '../core/potentials/neural/neural-potential.ts';
import { predictiveSigmas } from '../core/potentials/predictive.ts';
import type { Structure } from '../core/structure/structure.ts';
import { headerDefect, MODEL_FILE_VERSION } from './model-schema.ts';
import { readNpy, writeNpy } from './npy.ts';
import { readZip, writeZip } from './zip.ts';

export { MODEL_FILE_VERSION };
/** Largest relative difference of a stored and a recomputed number of the self-check. */
const SELF_CHECK_TOLERANCE = 1e-9;

/** The structures of the self-check are a few bond lengths wide; larger ones are damage, Å. */
const LARGEST_SELF_CHECK = 1e4;

interface SelfCheck {
  readonly positions: number[];
  readonly cell: number[];
  readonly species: number[];
  readonly energy: number;
  readonly forces: number[];
  readonly forceSigma: number;
  /** Energy sigma and largest force sigma of intervals; absent without variance forms. */
  readonly intervals?: { readonly energy: number; readonly forces: number };
  readonly novelty: number;
  /** Largest extrapolation grade; absent without active sets. */
  readonly grade?: number;
}

/** One structure per element and one of all elements: a distorted dimer-like cell within the cutoff. */
function checkStructures(model: LinearModel): Structure[] {
  const { species } = model.layout;
  const cells = [...species.map((z) => [z, z, z]), ...(species.length > 1 ? [species] : [])];
  return cells.map((atoms) => {
    const spacing = Math.max(...model.specification.pairs.flat().map((pair) => pair.innerCutoff)) + 1;
    const edge = spacing * (atoms.length + 0.5);
    return {
      species: Uint8Array.from(atoms),
      cell: Float64Array.of(edge, 0, 0, 0.2 * spacing, 1.7 * spacing, 0, 0, 0.1 * spacing, 1.9 * spacing),
      pbc: [true, true, true],
      positions: Float64Array.from(atoms.flatMap((_, i) => [i * spacing, 0.1 * spacing * i * i, 0.05 * spacing * i])),
    };
  });
}

function checkOf(potential: AcePotential, structure: Structure): SelfCheck {
  const { energy, forces } = potential.evaluate(structure);
  const prediction = potential.predict(structure);
  const { forceSigma, novelty } = potential.signals(structure, prediction);
  const grades = potential.grades(structure);
  return {
    positions: [...structure.positions],
    cell: [...structure.cell!],
    species: [...structure.species],
    energy,
    forces: [...forces],
    forceSigma,
    ...(potential.model.uncertainty.forms === undefined ? {} : { intervals: intervalsOf(potential.model, prediction) }),
    novelty,
    ...(grades === null ? {} : { grade: grades.reduce((a, b) => Math.max(a, b), 0) }),
  };
}

function intervalsOf(model: LinearModel, prediction: Prediction): NonNullable<SelfCheck['intervals']> {
  const { energy, forces } = predictiveSigmas(model, prediction);
  return { energy, forces: forces.reduce((a, b) => Math.max(a, b), 0) };
}

/** Numbers that JSON cannot hold. */
const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

/** Name of a number that JSON would lose, or null. */
function specialName(value: number): string | null {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? null : String(value);
}

/** Splits typed arrays and special numbers off some plain data: arrays become members, JSON keeps references. */
function dissect(value: unknown, path: string, arrays: Map<string, Float64Array>): unknown {
  if (value instanceof Float64Array) {
    arrays.set(path, value);
    return { $array: path };
  }
  if (typeof value === 'number') {
    const name = specialName(value);
    return name === null ? value : { $number: name };
  }
  if (Array.isArray(value)) return value.map((item, i) => dissect(item, `${path}.${i}`, arrays));
  if (value !== null && typeof value === 'object') {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, dissect(item, path === '' ? key : `${path}.${key}`, arrays)]),
    );
  }
  return value;
}

function assemble(value: unknown, arrayOf: (name: string) => Float64Array): unknown {
  if (Array.isArray(value)) return value.map((item) => assemble(item, arrayOf));
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value);
    if (entries.length === 1 && entries[0]![0] === '$array') return arrayOf(entries[0]![1] as string);
    if (entries.length === 1 && entries[0]![0] === '$number') return SPECIAL[entries[0]![1] as string];
    return Object.fromEntries(entries.map(([key, item]) => [key, assemble(item, arrayOf)]));
  }
  return value;
}

/** [d, d] for square matrices of the posterior, [d, rank] for roots of covariances, flat otherwise. */
function shapeOf(name: string, array: Float64Array, columns: number): number[] {
  if (name.endsWith('.root')) return [columns, array.length / columns];
  return array.length === columns * columns && columns > 1 ? [columns, columns] : [array.length];
}

/**
 * Bytes of a model: a ZIP without compression of `model.json` and one .npy per array (numpy.load opens it). Equal models
 * give equal bytes. Energies, forces and trust signals of small structures go along, and are recomputed on reading.
 */
export function writeModel(model: LinearModel, basis: AceBasis): Uint8Array {
  const arrays = new Map<string, Float64Array>();
  const body = dissect(model, '', arrays);
  const program = createAceProgram(basis);
  const potential = potentialOf(model, program);
  const selfCheck = checkStructures(model).map((structure) =>
    dissect(checkOf(potential, structure), 'selfCheck', arrays),
  );
  program.dispose();
  const units = { energy: 'eV', forces: 'eV/Å', virial: 'eV', length: 'Å' };
  const json = JSON.stringify(
    { format: 'querent model', version: MODEL_FILE_VERSION, units, model: body, selfCheck },
    null,
    1,
  );
  const columns = model.posterior.mean.length;
  return writeZip([
    { name: 'model.json', bytes: new TextEncoder().encode(json) },
    ...[...arrays].map(([name, data]) => ({
      name: `${name}.npy`,
      bytes: writeNpy({ shape: shapeOf(name, data, columns), data }),
    })),
  ]);
}

/**
 * Opens a model and checks it: checksums of every member, version, identity of the rebuilt basis, and that the stored
 * energies, forces and signals come out again to 1e-9 relative.
 *
 * @throws FormatError `DAMAGED`, `NOT_A_MODEL`, `NEWER_VERSION`, `BASIS_CHANGED`, `SELF_CHECK`
 */
export function readModel(bytes: Uint8Array, file: string): { readonly model: LinearModel; readonly basis: AceBasis } {
  const fail = (code: string, message: string): FormatError => new FormatError(code, { file }, message);
  const members = openArchive(bytes, file);
  const header = members.get('model.json');
  if (header === undefined)
    throw fail('NOT_A_MODEL', 'file must be a model written by querent, but holds no model.json');
  let json: { format?: unknown; version?: unknown; model?: unknown; selfCheck?: unknown };
  try {
    json = JSON.parse(new TextDecoder().decode(header)) as typeof json;
  } catch {
    throw fail('DAMAGED', 'model.json must be JSON, but does not parse');
  }
  if (json.format !== 'querent model' || typeof json.version !== 'number')
    throw fail('NOT_A_MODEL', 'file must be a model written by querent, but its model.json is of something else');
  if (json.version > MODEL_FILE_VERSION) {
    throw fail(
      'NEWER_VERSION',
      `model has version ${json.version}, this program reads up to ${MODEL_FILE_VERSION}: update querent`,
    );
  }
  const defect = headerDefect(json);
  if (defect !== null) throw fail('DAMAGED', `model.json must describe a whole model, but ${defect}`);
  const arrayOf = (name: string): Float64Array => {
    const member = members.get(`${name}.npy`);
    if (member === undefined) throw fail('DAMAGED', `model must hold the array ${name}, but the archive has none`);
    return readNpy(member, `${file}:${name}.npy`).data;
  };
  const model = assemble(json.model, arrayOf) as LinearModel;
  try {
    return verified(model, assemble(json.selfCheck, arrayOf) as SelfCheck[], fail);
  } catch (error) {
    // Checksums were right and the JSON was not: what it lacks shows only when it is used.
    if (
      !(
        error instanceof TypeError ||
        error instanceof RangeError ||
        error instanceof InputError ||
        error instanceof NumericalError
      )
    )
      throw error;
    throw new FormatError(
      'DAMAGED',
      { file },
      'model.json must describe a whole model, but parts of it are missing or of another kind',
      {},
      error,
    );
  }
}

/** The basis of a model, with the second density of its weights where it has one. */
function basisOf(model: LinearModel, single: AceBasis): AceBasis {
  if (model.embedding === undefined) return single;
  const d = single.offsets.at(-1)!;
  return withSecondDensity(single, model.posterior.mean.slice(d, 2 * d));
}

/** The model with its basis, once its own numbers have come out again. */
function verified(
  model: LinearModel,
  selfCheck: readonly SelfCheck[],
  fail: (code: string, message: string) => FormatError,
): { readonly model: LinearModel; readonly basis: AceBasis } {
  // A basis has no more functions than the model has weights: no specification makes this program build a larger one.
  const weights = model.posterior.mean.length;
  const within = (size: number): boolean => Number.isInteger(size) && size >= 0 && size <= weights;
  const blocks = model.uncertainty.novelty.flatMap((novelty) => novelty?.blocks ?? []);
  if (!within(model.layout.basis) || !blocks.every(within))
    throw fail(
      'DAMAGED',
      'model must have weights and sizes within their number, but some are missing or of another kind',
    );
  // Where some of a list are kept, the list is longer.
  const limits =
    model.specification.kept === undefined ? { perElement: weights, total: weights } : DEFAULT_BASIS_LIMITS;
  const basis = basisOf(model, buildAceBasis(model.specification, limits));
  if (basis.id !== model.basisId)
    throw fail('BASIS_CHANGED', 'model was made with another ordering or normalisation of its basis; refit it');
  const program = createAceProgram(basis);
  const potential = potentialOf(model, program);
  const small = (values: readonly number[]): boolean => values.every((x) => Math.abs(x) <= LARGEST_SELF_CHECK);
  for (const stored of selfCheck) {
    if (!small(stored.positions) || !small(stored.cell))
      throw fail('DAMAGED', `structures of the self-check must lie within ${LARGEST_SELF_CHECK} Å`);
    const structure: Structure = {
      positions: Float64Array.from(stored.positions),
      cell: Float64Array.from(stored.cell),
      pbc: [true, true, true],
      species: Uint8Array.from(stored.species),
    };
    const found = checkOf(potential, structure);
    const scale = Math.max(...stored.forces.map(Math.abs), 1e-6);
    const worst = Math.max(
      Math.abs(found.energy - stored.energy) / Math.max(Math.abs(stored.energy), 1e-6),
      ...found.forces.map((f, k) => Math.abs(f - stored.forces[k]!) / scale),
      relative(found.forceSigma, stored.forceSigma),
      relative(found.novelty, stored.novelty),
      ...(stored.intervals === undefined
        ? []
        : [
            relative(found.intervals?.energy ?? Number.NaN, stored.intervals.energy),
            relative(found.intervals?.forces ?? Number.NaN, stored.intervals.forces),
          ]),
      ...(stored.grade === undefined ? [] : [relative(found.grade ?? Number.NaN, stored.grade)]),
    );
    if (!(worst <= SELF_CHECK_TOLERANCE)) {
      throw fail(
        'SELF_CHECK',
        `model must reproduce its own numbers to ${SELF_CHECK_TOLERANCE}, but they differ by ${worst.toExponential(1)}: the file is damaged or this program computes otherwise`,
      );
    }
  }
  program.dispose();
  return { model, basis };
}

/** Members of the archive; what is no archive at all is no model. */
function openArchive(bytes: Uint8Array, file: string): ReturnType<typeof readZip> {
  try {
    return readZip(bytes, file);
  } catch (error) {
    if (!(error instanceof FormatError) || error.code !== 'NOT_A_ZIP') throw error;
    throw new FormatError(
      'NOT_A_MODEL',
      { file },
      'file must be a model written by querent, but is something else',
      {},
      error,
    );
  }
}

function relative(found: number, stored: number): number {
  if (Object.is(found, stored)) return 0;
  return Math.abs(found - stored) / Math.max(Math.abs(stored), 1e-12);
}
