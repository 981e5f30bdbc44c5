import { summarizeErrors } from '../../core/validation/errors.ts';
import { symbolOf } from '../../core/elements.ts';
import type { EvaluatedFrame } from '../../core/validation/summary.ts';
import type { Fit } from './fit.ts';
import { stressVolume } from './evaluate.ts';

/** Errors of one set of structures under one name: energies eV/atom, forces eV/Å, stress eV/Å³. */
export interface ErrorRow {
  readonly name: string;
  readonly structures: number;
  /** [sets] what each set gives; null where it has no such structure. */
  readonly sets: readonly (ErrorCell | null)[];
}

/** Mean absolute errors and force RMSE of one row in one set. */
export interface ErrorCell {
  readonly energyMae: number;
  readonly forceMae: number;
  readonly forceRmse: number;
  readonly stressMae: number;
}

interface Errors {
  readonly group: string;
  readonly symbols: readonly string[];
  readonly energyPerAtom: number;
  /** force errors with the atom each belongs to */
  readonly forces: Float64Array;
  readonly owners: ArrayLike<number>;
  readonly stress: Float64Array;
}

function cellOf(list: readonly Errors[], symbol: string | null): ErrorCell | null {
  if (list.length === 0) return null;
  const forces = list.flatMap((errors) =>
    [...errors.forces].filter((_, k) => symbol === null || errors.symbols[errors.owners[k]!] === symbol),
  );
  const force = summarizeErrors(forces);
  return {
    energyMae: symbol === null ? summarizeErrors(list.map((errors) => errors.energyPerAtom)).mae : Number.NaN,
    forceMae: force.mae,
    forceRmse: force.rmse,
    stressMae: symbol === null ? summarizeErrors(list.flatMap((errors) => [...errors.stress])).mae : Number.NaN,
  };
}

function rowsOf(sets: readonly (readonly Errors[])[]): ErrorRow[] {
  const groups = [...new Set(sets.flat().map((errors) => errors.group))].filter((group) => group !== '');
  const symbols = [...new Set(sets.flat().flatMap((errors) => errors.symbols))].sort();
  const row = (name: string, keep: (errors: Errors) => boolean, symbol: string | null): ErrorRow => ({
    name,
    structures: sets[0]!.filter(keep).length,
    sets: sets.map((set) => cellOf(set.filter(keep), symbol)),
  });
  return [
    row('all', () => true, null),
    ...(groups.length > 1 ? groups.map((group) => row(group, (errors) => errors.group === group, null)) : []),
    ...(symbols.length > 1
      ? symbols.map((symbol) => row(`on ${symbol}`, (errors) => errors.symbols.includes(symbol), symbol))
      : []),
  ];
}

function testErrors(frame: EvaluatedFrame): Errors {
  return {
    group: frame.group,
    symbols: frame.symbols,
    energyPerAtom: frame.energyError / frame.atoms,
    forces: Float64Array.from(frame.forceErrors),
    owners: Int32Array.from(frame.forceErrors, (_, k) => Math.floor(k / 3)),
    stress: frame.stressErrors ?? new Float64Array(0),
  };
}

/** Errors of every labelled force component of a training structure: symmetry makes the potential's force 0 where no row was kept. */
function allForceErrors(fit: Fit, f: number, which: 'fitted' | 'leftOut'): Float64Array {
  const labels = fit.frames[f]!.labels.forces;
  if (labels === null) return new Float64Array(0);
  const { forces } = fit.leftOut[f]!;
  const errors = labels.map((force) => -force);
  forces.components.forEach((component, k) => {
    errors[component] = forces[which][k]!;
  });
  return errors;
}

/**
 * Errors of a fit with every structure in it, without it (leave one structure out), and on a test set, side by side.
 * @param test evaluated frames of the test set, allowing for an offset of the stress labels as the fit does
 */
export function trainingTables(
  fit: Fit,
  test: readonly EvaluatedFrame[] | null,
): { columns: string[]; rows: ErrorRow[] } {
  const sets = (['fitted', 'leftOut'] as const).map((which) =>
    fit.leftOut.map((errors, f): Errors => {
      const frame = fit.frames[f]!;
      const volume = stressVolume(frame.structure);
      const forces = allForceErrors(fit, f, which);
      return {
        group: frame.group,
        symbols: Array.from(frame.structure.species, symbolOf),
        energyPerAtom: errors.energy[which].length === 0 ? Number.NaN : errors.energy[which][0]! / errors.atoms,
        forces,
        owners: Int32Array.from(forces, (_, k) => Math.floor(k / 3)),
        stress: volume === null ? new Float64Array(0) : errors.virial[which].map((w) => -w / volume),
      };
    }),
  );
  const columns = ['train', 'left out', ...(test === null ? [] : ['test'])];
  return { columns, rows: rowsOf([...sets, ...(test === null ? [] : [test.map(testErrors)])]) };
}

/** Errors of evaluated structures: all, by group, by element. */
export function evaluationTable(frames: readonly EvaluatedFrame[]): { columns: string[]; rows: ErrorRow[] } {
  return { columns: ['test'], rows: rowsOf([frames.map(testErrors)]) };
}

export { gigapascal } from '../../core/units.ts';
