import type { Verb } from './verb.ts';

/** A verb that is loaded when it is used. */
export interface VerbEntry {
  readonly name: string;
  /** The verb's own summary, repeated so that `querent --help` loads nothing. */
  readonly summary: string;
  load(): Promise<Verb>;
}

/** All verbs in the order in which help lists them. */
export const VERBS: readonly VerbEntry[] = [
  {
    name: 'init',
    summary: 'a commented run file from a template',
    load: async () => (await import('./verbs/init.ts')).verb,
  },
  {
    name: 'doctor',
    summary: 'which reference engines are usable here; whether forces and stress of a reference follow its energy',
    load: async () => (await import('./verbs/doctor.ts')).verb,
  },
  {
    name: 'run',
    summary: 'the active-learning loop; the same command resumes it',
    load: async () => (await import('./verbs/run.ts')).verb,
  },
  {
    name: 'status',
    summary: 'where a run stands and which criterion binds',
    load: async () => (await import('./verbs/status.ts')).verb,
  },
  {
    name: 'explain',
    summary: 'why a structure was chosen, or why the run has not stopped',
    load: async () => (await import('./verbs/explain.ts')).verb,
  },
  {
    name: 'label',
    summary: 'reference calculations of structures, resumable; or labels computed elsewhere, taken into a run',
    load: async () => (await import('./verbs/label.ts')).verb,
  },
  {
    name: 'fit',
    summary: 'Bayesian fit of a potential to labelled structures',
    load: async () => (await import('./verbs/fit.ts')).verb,
  },
  {
    name: 'neural',
    summary: 'an ensemble of small networks on top of a fitted model, in force where it is better and calibrated',
    load: async () => (await import('./verbs/neural.ts')).verb,
  },
  {
    name: 'evaluate',
    summary: 'errors and calibration of a model on labelled structures',
    load: async () => (await import('./verbs/evaluate.ts')).verb,
  },
  {
    name: 'calibrate',
    summary: 'error bars for a regime, from labelled structures of it, beside the general ones',
    load: async () => (await import('./verbs/calibrate.ts')).verb,
  },
  {
    name: 'predict',
    summary: 'energies, forces and stresses with their standard deviations and trust',
    load: async () => (await import('./verbs/predict.ts')).verb,
  },
  {
    name: 'select',
    summary: 'which structures of a pool to label next, and why',
    load: async () => (await import('./verbs/select.ts')).verb,
  },
  {
    name: 'properties',
    summary: 'lattice, bulk modulus, elastic constants, vacancy and pair energies of a potential',
    load: async () => (await import('./verbs/properties.ts')).verb,
  },
  {
    name: 'export',
    summary: 'a potential for LAMMPS (.yace, or .yaml with .asi for extrapolation grades), re-read and re-evaluated',
    load: async () => (await import('./verbs/export.ts')).verb,
  },
  {
    name: 'import',
    summary: 'a potential of the PACE family (.yace, .yaml with .asi): what it holds, checked and converted',
    load: async () => (await import('./verbs/import.ts')).verb,
  },
  {
    name: 'check',
    summary: 'looks over labelled data: units, signs and order of stress, force against energy, repeats, outliers',
    load: async () => (await import('./verbs/check.ts')).verb,
  },
  {
    name: 'backtest',
    summary: 'plays active learning on labelled data against random selection, many seeds side by side',
    load: async () => (await import('./verbs/backtest.ts')).verb,
  },
  {
    name: 'convert',
    summary: 'structures from one format to another: extended XYZ, POSCAR, LAMMPS data and dump, CIF',
    load: async () => (await import('./verbs/convert.ts')).verb,
  },
  {
    name: 'schema',
    summary: 'JSON Schema of the run file, for editors; or of the header of a model file',
    load: async () => (await import('./verbs/schema.ts')).verb,
  },
];
