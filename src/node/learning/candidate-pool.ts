import type { CandidatePool } from '../../core/acquisition/acquisition.ts';
import { memoryPool } from '../../core/acquisition/pool.ts';
import type { LinearModel } from '../../core/potentials/linear-model.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import { chunksOf } from '../training/chunks.ts';
import type { ModelHandle } from '../workers/machine.ts';
import type { TaskPool } from '../workers/pool.ts';

/** A structure that may be labelled. */
export interface PoolStructure {
  readonly id: string;
  readonly structure: Structure;
  readonly group?: string | null;
  /** 1 by default. */
  readonly cost?: number;
  /** Why it may not be chosen, or null. */
  readonly excluded?: string | null;
}

/** Structures that are labelled, and their groups where strata are groups. */
export interface LabelledStructures {
  readonly structures: readonly Structure[];
  readonly groups?: readonly (string | null)[];
}

/** Scaled mean descriptors of structures, [n, basis]. */
export async function describeStructures(
  model: ModelHandle,
  structures: readonly Structure[],
  tasks: TaskPool,
): Promise<Float64Array> {
  const parts = await tasks.map(
    'scaledDescriptors',
    chunksOf(structures.map((structure) => ({ structure }))).map((chunk) => ({
      model,
      structures: chunk.map(({ structure }) => structure),
    })),
  );
  const all = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/**
 * The pool of some candidates under a model: rows and descriptors are computed on the worker threads.
 * @param leading rows of a kind that are kept at most; all of them when left out
 */
export async function openCandidatePool(
  handle: ModelHandle,
  model: LinearModel,
  candidates: readonly PoolStructure[],
  labelled: LabelledStructures,
  tasks: TaskPool,
  leading?: number,
): Promise<CandidatePool> {
  const chunks = chunksOf(candidates);
  const rows = (
    await tasks.map(
      'candidateRows',
      chunks.map((chunk) => ({
        model: handle,
        candidates: chunk.map(({ id, structure }) => ({ id, structure })),
        ...(leading === undefined ? {} : { leading }),
      })),
    )
  ).flat();
  const columns = model.layout.basis;
  const descriptors = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    descriptors.set(row.descriptor, i * columns);
  });
  const known = { rows: await describeStructures(handle, labelled.structures, tasks), columns };
  return memoryPool(
    {
      r: model.posterior.r,
      energyNoise: model.energyNoise,
      labelled: { ...known, count: labelled.structures.length },
      ...(labelled.groups === undefined ? {} : { labelledGroups: labelled.groups }),
    },
    rows,
    {
      atoms: candidates.map(({ structure }) => atomCount(structure)),
      groups: candidates.map(({ group }) => group ?? null),
      costs: candidates.map(({ cost }) => cost ?? 1),
      excluded: candidates.map(({ excluded }) => excluded ?? null),
      descriptors: { rows: descriptors, count: rows.length, columns },
      displacementNorms: Float64Array.from(rows, (row) => row.displacementNorm),
    },
  );
}
