import { atomicNumberOf, massOf, symbolOf } from '../core/elements.ts';
import { InputError } from '../core/errors.ts';
import type { BrillouinZoneSampling } from '../core/structure/brillouin-zone.ts';
import { fractionalPositions, isSingularCell, planeHeights } from '../core/structure/cell.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { RYDBERG } from '../core/units.ts';
import { kPointMesh } from './k-points.ts';

/** A pseudopotential file of `pseudoDirectory`. */
export interface Pseudopotential {
  /** File name without folder. */
  readonly file: string;
  /** sha256 of its bytes, hexadecimal: part of the fingerprint. */
  readonly sha256: string;
}

/** Values of a Fortran namelist by key; a key may name an element, `starting_magnetization(Fe)`. */
export type Namelist = Readonly<Record<string, string | number | boolean>>;

/** Everything that says what pw.x computes. Keys that pw.x knows keep its names and its units (Ry). */
export interface QuantumEspressoSettings {
  /** Command line up to pw.x, `['mpirun', '-np', '2', 'pw.x', '-nk', '2']`; `-in pw.in` is appended unless it holds `{input}`. */
  readonly command: readonly string[];
  /** Absolute folder of the pseudopotentials. */
  readonly pseudoDirectory: string;
  /** Pseudopotential by chemical symbol. */
  readonly pseudopotentials: Readonly<Record<string, Pseudopotential>>;
  /** Cutoff of the wave functions, Ry. */
  readonly ecutwfc: number;
  /** Cutoff of the density, Ry; 4 ecutwfc when absent (right for norm-conserving pseudopotentials only). */
  readonly ecutrho?: number;
  readonly kPoints: BrillouinZoneSampling;
  /** Smeared occupations; fixed (an insulator) when absent. `width` in eV. */
  readonly smearing?: {
    readonly type: 'gaussian' | 'methfessel-paxton' | 'marzari-vanderbilt' | 'fermi-dirac';
    readonly width: number;
  };
  /** Estimated energy error at which the self-consistency stops, Ry; 1e-9 when absent. */
  readonly convThr?: number;
  /**
   * Whether pw.x may use symmetry; false when absent. With symmetry pw.x reduces the mesh by the rotations of the lattice and
   * expands it again by those of the crystal, so that the points, and with them the energy, change abruptly when a cell is
   * strained (by 8 GPa of apparent shear stress for Si2 on a shifted 2×2×2 mesh); without it the mesh is always the one
   * asked for, halved by time reversal, which also costs less for structures without symmetry.
   */
  readonly symmetry?: boolean;
  /** Most iterations of the first attempt; 100 when absent. */
  readonly electronMaxstep?: number;
  /** Density mixing of the first attempt; 0.7 when absent. */
  readonly mixingBeta?: number;
  /** Further keys of the namelists (`nspin`, `vdw_corr`, `input_dft`, …), passed on as they are. */
  readonly namelists?: { readonly control?: Namelist; readonly system?: Namelist; readonly electrons?: Namelist };
}

/** Name of the input file. */
export const QUANTUM_ESPRESSO_INPUT = 'pw.in';

// Least gap between periodic images along a direction that is meant to be open, Å.
const MINIMUM_VACUUM = 5;

// Keys that decide what is computed or where it lands and are therefore not the user's to pass through.
const RESERVED = new Set(
  ['calculation', 'prefix', 'outdir', 'pseudo_dir', 'tprnfor', 'tstress', 'disk_io', 'wf_collect', 'restart_mode']
    .concat([
      'ibrav',
      'nat',
      'ntyp',
      'ecutwfc',
      'ecutrho',
      'occupations',
      'smearing',
      'degauss',
      'nosym',
      'celldm',
      'a',
      'b',
      'c',
    ])
    .concat(['conv_thr', 'electron_maxstep', 'mixing_beta', 'startingpot', 'startingwfc', 'scf_must_converge']),
);

/** Chemical symbols of the structure, by atomic number: the order of pw.x's atomic types. */
export function atomicTypes(structure: Structure): readonly string[] {
  return [...new Set(structure.species)].sort((a, b) => a - b).map(symbolOf);
}

function formatValue(value: string | number | boolean): string {
  if (typeof value === 'boolean') return value ? '.true.' : '.false.';
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  return String(value);
}

/** Writes one namelist; a key that names an element becomes its type's index, or nothing when the element is absent. */
function formatNamelist(name: string, own: Namelist, extra: Namelist | undefined, types: readonly string[]): string {
  const lines = Object.entries(own).map(([key, value]) => `  ${key} = ${formatValue(value)}`);
  for (const [key, value] of Object.entries(extra ?? {})) {
    const match = /^([a-z]\w*)(?:\((\w+)\))?$/i.exec(key);
    const base = match?.[1]?.toLowerCase();
    if (base === undefined || RESERVED.has(base)) {
      throw new InputError(
        'NAMELIST_KEY',
        `namelist key must be one that this program does not set itself, got "${key}" in &${name}`,
        { key },
      );
    }
    const index = match![2];
    if (index === undefined || /^\d+$/.test(index)) lines.push(`  ${key} = ${formatValue(value)}`);
    else {
      atomicNumberOf(index);
      if (types.includes(index)) lines.push(`  ${base}(${types.indexOf(index) + 1}) = ${formatValue(value)}`);
    }
  }
  return `&${name}\n${lines.join('\n')}\n/\n`;
}

/** Widest empty gap along lattice vector i, measured between lattice planes, Å; the whole height for one atom. */
function widestGap(structure: Structure, i: 0 | 1 | 2): number {
  const cell = structure.cell!;
  const fractional = fractionalPositions(structure.positions, cell);
  const fractions = Array.from({ length: atomCount(structure) }, (_, a) => {
    const f = fractional[3 * a + i]!;
    return f - Math.floor(f);
  }).sort((a, b) => a - b);
  let widest = fractions[0]! + 1 - fractions.at(-1)!;
  for (let a = 1; a < fractions.length; a++) widest = Math.max(widest, fractions[a]! - fractions[a - 1]!);
  return widest * planeHeights(cell)[i]!;
}

function checkStructure(structure: Structure, settings: QuantumEspressoSettings): void {
  if (atomCount(structure) === 0) throw new InputError('NO_ATOMS', 'structure must have at least one atom, got 0');
  if (structure.cell === null || isSingularCell(structure.cell)) {
    throw new InputError(
      'CELL_MISSING',
      `structure must have a cell with three independent vectors for plane waves, got ${structure.cell === null ? 'none' : 'fewer'}; put a molecule into a box with at least ${MINIMUM_VACUUM} Å of vacuum`,
    );
  }
  for (const i of [0, 1, 2] as const) {
    if (structure.pbc[i]) continue;
    const gap = widestGap(structure, i);
    if (gap < MINIMUM_VACUUM) {
      throw new InputError(
        'VACUUM',
        `vacuum along lattice vector ${i + 1}, which is not periodic, must be at least ${MINIMUM_VACUUM} Å, got ${gap.toFixed(2)} Å`,
        { direction: i, gap },
      );
    }
  }
  const missing = atomicTypes(structure).filter((symbol) => settings.pseudopotentials[symbol] === undefined);
  if (missing.length > 0) {
    throw new InputError(
      'PSEUDOPOTENTIAL_MISSING',
      `pseudopotentials must cover every element, got none for ${missing.join(', ')}`,
      { missing },
    );
  }
}

function rows(values: Float64Array, prefix: (row: number) => string): string {
  return Array.from({ length: values.length / 3 }, (_, row) => {
    const numbers = Array.from(values.subarray(3 * row, 3 * row + 3), (x) => x.toFixed(12));
    return `${prefix(row)}${numbers.join(' ')}\n`;
  }).join('');
}

/**
 * Text of pw.x's input: one self-consistent calculation with forces and, where anything is periodic, stress. Attempt 0
 * uses the settings as given; each later one (after an unconverged attempt) has three times the iterations and half the
 * mixing of the one before. These change the way to the result, not the result.
 * @throws InputError without a cell, with too little vacuum along an open direction, without a pseudopotential
 */
export function quantumEspressoInput(structure: Structure, settings: QuantumEspressoSettings, attempt: number): string {
  checkStructure(structure, settings);
  const types = atomicTypes(structure);
  const { divisions, shift } = kPointMesh(structure, settings.kPoints);
  const { control, system, electrons } = settings.namelists ?? {};
  let electronMaxstep = settings.electronMaxstep ?? 100;
  let mixingBeta = settings.mixingBeta ?? 0.7;
  for (let a = 0; a < attempt; a++) {
    electronMaxstep *= 3;
    mixingBeta /= 2;
  }
  const ownControl: Namelist = {
    calculation: 'scf',
    prefix: 'pw',
    outdir: './out',
    pseudo_dir: settings.pseudoDirectory,
    tprnfor: true,
    tstress: structure.pbc.some(Boolean),
    disk_io: 'low',
  };
  const ownSystem: Namelist = {
    ibrav: 0,
    nat: atomCount(structure),
    ntyp: types.length,
    ecutwfc: settings.ecutwfc,
    ...(settings.ecutrho === undefined ? {} : { ecutrho: settings.ecutrho }),
    ...(settings.smearing === undefined
      ? { occupations: 'fixed' }
      : { occupations: 'smearing', smearing: settings.smearing.type, degauss: settings.smearing.width / RYDBERG }),
    nosym: settings.symmetry !== true,
  };
  const ownElectrons: Namelist = {
    conv_thr: settings.convThr ?? 1e-9,
    electron_maxstep: electronMaxstep,
    mixing_beta: mixingBeta,
  };
  // Γ alone has real wave functions: half the work, same numbers; not with spinors.
  const gammaOnly = [...divisions].every((n) => n === 1) && !shift.includes(1) && !(system && 'noncolin' in system);
  return [
    formatNamelist('CONTROL', ownControl, control, types),
    formatNamelist('SYSTEM', ownSystem, system, types),
    formatNamelist('ELECTRONS', ownElectrons, electrons, types),
    'ATOMIC_SPECIES\n',
    ...types.map(
      (symbol) => `  ${symbol} ${massOf(atomicNumberOf(symbol))} ${settings.pseudopotentials[symbol]!.file}\n`,
    ),
    'CELL_PARAMETERS angstrom\n',
    rows(structure.cell!, () => '  '),
    'ATOMIC_POSITIONS angstrom\n',
    rows(structure.positions, (row) => `  ${symbolOf(structure.species[row]!)} `),
    gammaOnly ? 'K_POINTS gamma\n' : `K_POINTS automatic\n  ${divisions.join(' ')} ${shift.join(' ')}\n`,
  ].join('');
}
