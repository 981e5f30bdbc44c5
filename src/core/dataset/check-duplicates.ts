/** Frames that repeat a geometry. */
import { cellVolume } from '../structure/cell.ts';
import type { Frame } from '../structure/structure.ts';
import { gigapascal } from '../units.ts';
import type { Finding } from './check-findings.ts';

/** Coordinates of a repeated geometry differ by no more than this, Å. */
const SAME = 1e-3;
/** Energies of the same geometry that differ by more contradict each other, eV/atom. */
const SAME_ENERGY = 1e-3;
/** Forces of the same geometry that differ by more contradict each other, eV/Å. */
const SAME_FORCE = 0.05;

/** Stresses of the same geometry that differ by more, eV/Å³ and of their size, contradict each other. */
const SAME_STRESS = 2e-3;
const SAME_STRESS_SHARE = 0.05;

/** A frame that repeats an earlier one. */
export interface Duplicate {
  readonly first: number;
  readonly repeat: number;
  /** Largest difference of a coordinate, Å; 0 for the very same numbers. */
  readonly distance: number;
}

/** Cell and positions of a frame, one after the other. */
function coordinatesOf(frame: Frame): Float64Array {
  const { cell, positions } = frame.structure;
  const out = new Float64Array((cell?.length ?? 0) + positions.length);
  if (cell !== null) out.set(cell);
  out.set(positions, cell?.length ?? 0);
  return out;
}

/** Coordinates for a sort of neighbours: a sum with signs of no pattern, in which like geometries have like values. */
function projection(coordinates: Float64Array): number {
  let sum = 0;
  let state = 1;
  for (let k = 0; k < coordinates.length; k++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    sum += coordinates[k]! * (state / 2147483648);
  }
  return sum;
}

/** Largest difference of two lists, Infinity as soon as it exceeds the limit. */
function difference(a: Float64Array, b: Float64Array, limit: number): number {
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    const d = Math.abs(a[k]! - b[k]!);
    if (d > limit) return Number.POSITIVE_INFINITY;
    if (d > largest) largest = d;
  }
  return largest;
}

/** Frames whose atoms, cell and positions are those of an earlier frame to 1e-3 Å; atoms in the same order. */
export function findDuplicates(frames: readonly Frame[]): Duplicate[] {
  const kinds = new Map<string, number[]>();
  frames.forEach(({ structure }, f) => {
    const key = `${structure.pbc.join()};${structure.cell === null};${structure.species.join()}`;
    const list = kinds.get(key);
    if (list === undefined) kinds.set(key, [f]);
    else list.push(f);
  });
  const found: Duplicate[] = [];
  for (const list of kinds.values()) {
    if (list.length < 2) continue;
    const entries = list.map((frame) => {
      const coordinates = coordinatesOf(frames[frame]!);
      return { frame, coordinates, at: projection(coordinates) };
    });
    entries.sort((a, b) => a.at - b.at || a.frame - b.frame);
    // No two that are the same to 1e-3 Å lie further apart on the sorted line.
    const reach = SAME * entries[0]!.coordinates.length;
    const nearest = new Map<number, Duplicate>();
    for (let i = 0; i < entries.length; i++) {
      for (let j = i + 1; j < entries.length && entries[j]!.at - entries[i]!.at <= reach; j++) {
        const distance = difference(entries[i]!.coordinates, entries[j]!.coordinates, SAME);
        if (distance > SAME) continue;
        const [first, repeat] = [entries[i]!.frame, entries[j]!.frame].sort((a, b) => a - b) as [number, number];
        const known = nearest.get(repeat);
        if (known === undefined || distance < known.distance || (distance === known.distance && first < known.first))
          nearest.set(repeat, { first, repeat, distance });
      }
    }
    for (const duplicate of nearest.values()) found.push(duplicate);
  }
  return found.sort((a, b) => a.repeat - b.repeat);
}

/** Largest |a − b| of labels both have; 0 where one has none. */
function labelDifference(a: Float64Array | null, b: Float64Array | null): number {
  if (a === null || b === null) return 0;
  let largest = 0;
  for (let k = 0; k < a.length; k++) {
    const d = Math.abs(a[k]! - b[k]!);
    if (d > largest) largest = d;
  }
  return largest;
}

/** Findings about repeated geometries: how many, across files, and with labels that contradict each other. */
export function duplicateFindings(frames: readonly Frame[]): Finding[] {
  const duplicates = findDuplicates(frames);
  if (duplicates.length === 0) return [];
  const exact = duplicates.filter(({ distance }) => distance === 0);
  const across = duplicates.filter(({ first, repeat }) => frames[first]!.source.file !== frames[repeat]!.source.file);
  const findings: Finding[] = [
    {
      code: 'DUPLICATES',
      severity: 'warning',
      message: `${duplicates.length} ${duplicates.length === 1 ? 'structure repeats a geometry' : 'structures repeat a geometry'} to ${SAME} Å (${exact.length} exactly)`,
      evidence: { repeats: duplicates.length, exact: exact.length },
      frames: duplicates.map(({ repeat }) => repeat),
      advice: 'repeats weigh a geometry twice and tell a cross-validation what it should guess: keep one of each',
    },
  ];
  if (across.length > 0) {
    findings.push({
      code: 'DUPLICATES_ACROSS_FILES',
      severity: 'warning',
      message: `${across.length} ${across.length === 1 ? 'structure is' : 'structures are'} in more than one of the files`,
      evidence: { repeats: across.length },
      frames: across.map(({ repeat }) => repeat),
      advice: 'where one file is to test what another teaches, take these out of one of them',
    });
  }
  const contradictions = duplicates
    .map(({ first, repeat }) => {
      const [a, b] = [frames[first]!, frames[repeat]!];
      const n = a.structure.species.length;
      const [ea, eb] = [a.labels.energy, b.labels.energy];
      return {
        repeat,
        energy: ea === null || eb === null ? 0 : Math.abs(ea - eb) / n,
        force: labelDifference(a.labels.forces, b.labels.forces),
        stress:
          a.structure.cell === null
            ? 0
            : labelDifference(a.labels.virial, b.labels.virial) / Math.max(cellVolume(a.structure.cell), 1e-6),
        stressSize:
          a.structure.cell === null || a.labels.virial === null
            ? 0
            : labelDifference(a.labels.virial, new Float64Array(6)) / Math.max(cellVolume(a.structure.cell), 1e-6),
      };
    })
    .filter(
      ({ energy, force, stress, stressSize }) =>
        energy > SAME_ENERGY || force > SAME_FORCE || stress > Math.max(SAME_STRESS, SAME_STRESS_SHARE * stressSize),
    );
  if (contradictions.length > 0) {
    const largest = (kind: 'energy' | 'force' | 'stress'): number =>
      contradictions.reduce((most, entry) => Math.max(most, entry[kind]), 0);
    const stress = gigapascal(largest('stress'));
    findings.push({
      code: 'CONTRADICTING_DUPLICATES',
      severity: 'error',
      message: `${contradictions.length} ${contradictions.length === 1 ? 'structure repeats' : 'structures repeat'} a geometry with other labels: energies differ by up to ${(1000 * largest('energy')).toPrecision(3)} meV/atom, forces by up to ${largest('force').toPrecision(3)} eV/Å, stresses by up to ${stress.toPrecision(3)} GPa`,
      evidence: {
        structures: contradictions.length,
        energyPerAtom: largest('energy'),
        force: largest('force'),
        stress: largest('stress'),
      },
      frames: contradictions.map(({ repeat }) => repeat),
      advice: 'the labels come from different settings, or one calculation did not converge: keep one kind',
    });
  }
  return findings;
}
