/** Inputs for LAMMPS: the lines that a potential needs, and molecular dynamics that keeps what extrapolates. */
import { atomicNumberOf, massOf } from '../core/elements.ts';
import { numeral } from './yace.ts';

/** Grade from which structures are kept. */
export const KEEP_GRADE = 2;
/** Grade at which the simulation stops. */
export const HALT_GRADE = 25;
/** Steps between two looks at the grade. */
const GRADE_STEPS = 10;

/** A potential as LAMMPS is to find it. */
export interface LammpsPotential {
  readonly elements: readonly string[];
  /** Path of the potential. */
  readonly file: string;
  /** Path of its active set; null for a potential without grades. */
  readonly activeSet: string | null;
}

/** A path for an input, quoted where it holds white space. */
function path(name: string): string {
  return /\s/.test(name) ? `"${name}"` : name;
}

/** The lines that declare a potential, to be pasted into an input. */
export function potentialLines({ elements, file, activeSet }: LammpsPotential): string[] {
  const types = elements.join(' ');
  if (activeSet === null) {
    return ['units metal', 'atom_style atomic', 'pair_style pace', `pair_coeff * * ${path(file)} ${types}`];
  }
  return [
    'units metal',
    'atom_style atomic',
    'pair_style pace/extrapolation',
    `pair_coeff * * ${path(file)} ${path(activeSet)} ${types}`,
  ];
}

/** The lines that grade every atom, keep structures above one grade and halt at another. */
export function gradeLines(elements: readonly string[], dump = 'extrapolating.lammpstrj'): string[] {
  return [
    `fix gamma all pair ${GRADE_STEPS} pace/extrapolation gamma 1`,
    'compute max_gamma all reduce max f_gamma',
    'variable max_gamma equal c_max_gamma',
    `variable skip equal "c_max_gamma < ${KEEP_GRADE}"`,
    `dump extrapolating all custom ${GRADE_STEPS} ${dump} id type element x y z f_gamma`,
    `dump_modify extrapolating element ${elements.join(' ')} sort id format float %.10g skip v_skip`,
    `fix halt all halt ${GRADE_STEPS} v_max_gamma > ${HALT_GRADE} error soft`,
  ];
}

/**
 * A whole input: molecular dynamics at constant temperature of `structure.data`, at the mean grade up to which nothing is
 * kept, with the most extrapolating structures in `extrapolating.lammpstrj`.
 */
export function lammpsInput(potential: LammpsPotential): string {
  const { elements, activeSet } = potential;
  const [units, style, ...pair] = potentialLines(potential);
  const masses = elements.map((symbol, k) => `mass ${k + 1} ${numeral(massOf(atomicNumberOf(symbol)))} # ${symbol}`);
  const graded = activeSet !== null;
  return `${[
    '# Molecular dynamics with a potential written by querent. Change what follows by -var, as: lmp -in in.querent -var T 600',
    'variable T index 300          # temperature, K',
    'variable steps index 10000',
    'variable dt index 0.001       # ps',
    'variable structure index structure.data',
    'variable seed index 1',
    '',
    units!,
    style!,
    'boundary p p p',
    '# Atom types are elements in this order; querent convert STRUCTURE -o structure.data writes such a file.',
    'read_data ${structure}',
    ...masses,
    '',
    ...pair,
    'neighbor 1.0 bin',
    '',
    'velocity all create ${T} ${seed} mom yes rot no dist gaussian',
    'timestep ${dt}',
    'fix md all nvt temp ${T} ${T} $(100.0*dt)',
    '',
    ...(graded
      ? [
          `# Extrapolation grade of every atom. Structures with an atom above ${KEEP_GRADE} are kept for labelling; above ${HALT_GRADE} the run ends.`,
          ...gradeLines(elements),
          '',
        ]
      : []),
    'thermo 100',
    `thermo_style custom step temp pe press${graded ? ' v_max_gamma' : ''}`,
    'run ${steps}',
  ].join('\n')}\n`;
}
