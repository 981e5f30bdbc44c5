import { FormatError } from '../core/errors.ts';
import { sha256Hex } from '../core/hash.ts';
import type { Frame, Structure } from '../core/structure/structure.ts';
import { canonicalJson } from '../protocol/canonical-json.ts';
import type { OriginData } from '../protocol/events.ts';
import type { LabelSuccess } from '../reference/reference.ts';
import type { Candidate, FrameAssessment, Origin } from './ports.ts';

/** Some bytes and the name under which a store keeps them. */
export interface NamedBlob {
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** The bytes with their name, the sha256 of them. */
export function namedBlob(bytes: Uint8Array): NamedBlob {
  return { id: sha256Hex(bytes), bytes };
}

/** Plain data as a blob of canonical JSON. */
export function jsonBlob(value: unknown): NamedBlob {
  return namedBlob(new TextEncoder().encode(canonicalJson(value)));
}

/** Plain data of a JSON blob. */
export function parseBlob<T>(bytes: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(bytes)) as T;
}

interface StructureData {
  readonly positions: readonly number[];
  readonly cell: readonly number[] | null;
  readonly pbc: readonly [boolean, boolean, boolean];
  readonly species: readonly number[];
}

function structureOf(data: StructureData): Structure {
  const { positions, cell, pbc, species } = data;
  if (positions.length !== 3 * species.length || (cell !== null && cell.length !== 9)) {
    throw new FormatError(
      'BLOB',
      { file: 'blob' },
      `structure must have three coordinates per atom, got ${positions.length} for ${species.length}`,
    );
  }
  return {
    positions: Float64Array.from(positions),
    cell: cell === null ? null : Float64Array.from(cell),
    pbc,
    species: Uint8Array.from(species),
  };
}

/** A structure as a blob; doubles survive exactly. */
export function structureBlob(structure: Structure): NamedBlob {
  const { positions, cell, pbc, species } = structure;
  return jsonBlob({ positions, cell, pbc, species });
}

/** The structure of a blob. @throws FormatError `BLOB` when its arrays do not fit together */
export function readStructure(bytes: Uint8Array): Structure {
  return structureOf(parseBlob(bytes));
}

/** An origin as events carry it: signals that are not finite become null. */
export function originData(origin: Origin): OriginData {
  return JSON.parse(canonicalJson(origin)) as OriginData;
}

/** An origin as the ports know it: null signals become NaN, which counts as untrusted. */
export function readOrigin(data: OriginData): Origin {
  const signals = Object.fromEntries(Object.entries(data.signals).map(([name, value]) => [name, value ?? Number.NaN]));
  return { ...data, signals };
}

/** A pool of candidates as one blob. */
export function poolBlob(candidates: readonly Candidate[]): NamedBlob {
  return jsonBlob(candidates);
}

/** The candidates of a pool blob. */
export function readPool(bytes: Uint8Array): readonly Candidate[] {
  const list = parseBlob<{ id: string; structure: StructureData; origin: OriginData }[]>(bytes);
  return list.map(({ id, structure, origin }) => ({
    id,
    structure: structureOf(structure),
    origin: readOrigin(origin),
  }));
}

/** What a label says of its structure; cost and times are left out, since they differ from run to run. */
export interface LabelValues {
  readonly energy: number;
  readonly internalEnergy: number | null;
  readonly forces: Float64Array;
  readonly virial: Float64Array | null;
  readonly netForce: number;
}

/** The values of a label as a blob. */
export function labelBlob(result: LabelSuccess): NamedBlob {
  const { energy, internalEnergy, forces, virial, netForce } = result;
  return jsonBlob({ energy, internalEnergy, forces, virial, netForce });
}

/** The values of a label blob. */
export function readLabel(bytes: Uint8Array): LabelValues {
  const data = parseBlob<{
    energy: number;
    internalEnergy: number | null;
    forces: number[];
    virial: (number | null)[] | null;
    netForce: number;
  }>(bytes);
  return {
    ...data,
    forces: Float64Array.from(data.forces),
    virial: data.virial === null ? null : Float64Array.from(data.virial, (value) => value ?? Number.NaN),
  };
}

/** Errors of a model on the assessment frames as a blob. */
export function assessmentBlob(frames: readonly FrameAssessment[]): NamedBlob {
  return jsonBlob(frames);
}

/** The errors of an assessment blob; null deviations become NaN (fixed by symmetry). */
export function readAssessment(bytes: Uint8Array): readonly FrameAssessment[] {
  type Data = Omit<FrameAssessment, 'forceErrors' | 'forceSigmas'> & {
    forceErrors: (number | null)[];
    forceSigmas: (number | null)[];
  };
  const numbers = (list: (number | null)[]): number[] => list.map((value) => value ?? Number.NaN);
  return parseBlob<Data[]>(bytes).map((frame) => ({
    ...frame,
    forceErrors: numbers(frame.forceErrors),
    forceSigmas: numbers(frame.forceSigmas),
  }));
}

/** A labelled structure as a frame, with what `labelled.extxyz` says of it. */
export function labelledFrame(
  id: string,
  structure: Structure,
  values: LabelValues,
  origin: OriginData,
  role: 'training' | 'assessment',
  index: number,
): Frame {
  return {
    structure,
    labels: { energy: values.energy, forces: values.forces, virial: values.virial },
    group: origin.kind,
    info: {
      querent_id: id,
      querent_role: role,
      al_iteration: origin.round,
      al_reason: origin.reason,
      temperature: origin.temperature,
      walker: origin.walker,
    },
    columns: {},
    source: { file: 'labelled.extxyz', index, line: 0 },
  };
}
