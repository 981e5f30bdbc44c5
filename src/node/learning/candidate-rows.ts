import type { CandidateRows } from '../../core/acquisition/acquisition.ts';
import { displacementNorm, leadingRows } from '../../core/acquisition/leading-rows.ts';
import { columnCount, columnOffsets } from '../../core/dataset/dataset.ts';
import { structureBlocks, whitened } from '../../core/dataset/observations.ts';
import type { AceBasis } from '../../core/descriptors/ace/basis.ts';
import { elementIndices, type LinearModel, requireLinear } from '../../core/potentials/linear-model.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';
import type { Machine, ModelHandle } from '../workers/machine.ts';

/** Rows of a candidate and what describes it. */
export interface DescribedRows extends CandidateRows {
  /** [basis] mean descriptor over the scale of the model's force columns: its unit is Å of displacement. */
  readonly descriptor: Float64Array;
  /** How far it moves when coordinates move at random by 1 Å. */
  readonly displacementNorm: number;
}

/** Mean descriptors from summed ones, over the scale of each column. @param sums [basis] */
function scaledMean(sums: Float64Array, atoms: number, scale: Float64Array): Float64Array {
  return sums.map((sum, v) => (scale[v]! > 0 ? sum / (atoms * scale[v]!) : 0));
}

/**
 * Whitened energy, force and virial rows of candidates under the noise of a model, and their descriptors: what acquisition
 * sees.
 * @param leading rows of a kind that are kept at most, each a combination of all; all rows as they are when left out
 */
export function candidateRows(
  machine: Machine,
  argument: {
    readonly model: ModelHandle;
    readonly candidates: readonly { readonly id: string; readonly structure: Structure }[];
    readonly leading?: number;
  },
): DescribedRows[] {
  const { model, program } = machine.potential(argument.model);
  requireLinear(model, 'candidates');
  const { noise } = model.posterior.hyperparameters;
  const d = columnCount(model.layout);
  const unweighted = { energy: 1, forces: 1, virial: 1 };
  const none = { rows: new Float64Array(0), count: 0 };
  return argument.candidates.map(({ id, structure }) => {
    let result!: DescribedRows;
    program.rows([structure], (_, rows) => {
      const blocks = structureBlocks(structure, rows, model.layout, {
        energyNoise: model.energyNoise,
        mask: { scale: model.forceColumnScale },
        offsetGroup: '',
      });
      // A run without stress labels gains nothing from virial rows.
      const virial = model.training.rows.virial > 0 ? blocks.virial : none;
      const all = whitened({ ...blocks, virial }, noise, unweighted, d);
      const kinds = { energy: 1, forces: blocks.forces.count, virial: virial.count };
      const atoms = atomCount(structure);
      const size = model.layout.basis;
      result = {
        id,
        ...(argument.leading === undefined
          ? { ...all, kinds }
          : condensed(machine, model, all.rows, kinds, d, argument.leading)),
        descriptor: scaledMean(rows.energy, atoms, model.forceColumnScale),
        displacementNorm: displacementNorm(rows.forces, size, atoms, model.forceColumnScale),
      };
    });
    return result;
  });
}

/** The leading rows of each kind, stacked again. */
function condensed(
  machine: Machine,
  model: LinearModel,
  rows: Float64Array,
  kinds: NonNullable<CandidateRows['kinds']>,
  d: number,
  most: number,
): Omit<CandidateRows, 'id'> {
  const { r } = model.posterior;
  let at = 0;
  const parts = (['energy', 'forces', 'virial'] as const).map((kind) => {
    const count = kinds[kind];
    const part = { rows: rows.slice(at * d, (at + count) * d), count };
    at += count;
    return leadingRows(r, d, part, { most, kernels: machine.kernels });
  });
  const stacked = new Float64Array(parts.reduce((sum, part) => sum + part.count * d, 0));
  let to = 0;
  for (const part of parts) {
    stacked.set(part.rows.subarray(0, part.count * d), to);
    to += part.count * d;
  }
  const [energy, forces, virial] = parts.map(({ count }) => count);
  return { rows: stacked, count: to / d, kinds: { energy: energy!, forces: forces!, virial: virial! } };
}

/** Σ_i B_i of each structure in the columns of a basis, by the species of the central atom. @returns [n, basis] */
function summedDescriptors(
  basis: AceBasis,
  program: ReturnType<Machine['program']>,
  species: readonly number[],
  structures: readonly Structure[],
): Float64Array {
  const size = basis.offsets.at(-1)!;
  const block = Math.max(...basis.functions.map((functions) => functions.length));
  const sums = new Float64Array(structures.length * size);
  program.descriptors(structures).forEach((atoms, s) => {
    const structure = structures[s]!;
    elementIndices(structure, species).forEach((e, i) => {
      const to = s * size + basis.offsets[e]!;
      const count = basis.functions[e]!.length;
      for (let v = 0; v < count; v++) sums[to + v] = sums[to + v]! + atoms[i * block + v]!;
    });
  });
  return sums;
}

/** Scaled mean descriptors of structures, as `DescribedRows` has them, without derivatives. @returns [n, basis] */
export function scaledDescriptors(
  machine: Machine,
  argument: { readonly model: ModelHandle; readonly structures: readonly Structure[] },
): Float64Array {
  const { model, program } = machine.potential(argument.model);
  requireLinear(model, 'candidates');
  const size = model.layout.basis;
  const sums = summedDescriptors(program.basis, program, model.layout.species, argument.structures);
  const scaled = new Float64Array(sums.length);
  argument.structures.forEach((structure, s) => {
    const row = sums.subarray(s * size, (s + 1) * size);
    scaled.set(scaledMean(row, atomCount(structure), model.forceColumnScale), s * size);
  });
  return scaled;
}

/** Energy rows of structures over their noise, without any derivative: one row each. @returns [n, d] */
export function energyRows(
  machine: Machine,
  argument: { readonly model: ModelHandle; readonly structures: readonly Structure[] },
): Float64Array {
  const { model, program } = machine.potential(argument.model);
  requireLinear(model, 'candidates');
  const { layout, energyNoise, posterior } = model;
  const d = columnCount(layout);
  const offset = columnOffsets(layout).referenceEnergies;
  const sums = summedDescriptors(program.basis, program, layout.species, argument.structures);
  const rows = new Float64Array(argument.structures.length * d);
  argument.structures.forEach((structure, s) => {
    const n = atomCount(structure);
    const noise = posterior.hyperparameters.noise.energy * (energyNoise === 'sqrt' ? Math.sqrt(n) : n);
    for (let v = 0; v < layout.basis; v++) rows[s * d + v] = sums[s * layout.basis + v]! / noise;
    if (!layout.referenceEnergies) return;
    for (const e of elementIndices(structure, layout.species)) rows[s * d + offset + e]! += 1 / noise;
  });
  return rows;
}
