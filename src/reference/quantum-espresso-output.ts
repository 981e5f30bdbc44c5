import { atomicNumberOf, isElement } from '../core/elements.ts';
import { cellVolume } from '../core/structure/cell.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { BOHR, HARTREE } from '../core/units.ts';
import type { EngineComplaint } from './engine-complaint.ts';

/**
 * What pw.x's XML says (prefix.xml, or data-file-schema.xml of prefix.save), converted to canonical units. The XML is
 * written by pw.x itself in a fixed layout without attributes that matter inside values, so the few elements that are
 * needed are found by their tags; anything missing is null and anything unreadable NaN, and the caller judges.
 */
export interface QuantumEspressoOutput {
  /** `6.7MaX`. */
  readonly version: string | null;
  readonly converged: boolean | null;
  /** Free energy F = E − TS that the forces belong to, eV. */
  readonly energy: number | null;
  /** Internal energy E = F + TS, eV; null without smearing. */
  readonly internalEnergy: number | null;
  /** [3n] eV/Å. */
  readonly forces: Float64Array | null;
  /** [6] W = −V·stress, Voigt, eV. */
  readonly virial: Float64Array | null;
  readonly species: Uint8Array | null;
  /** [3n] Å. */
  readonly positions: Float64Array | null;
  /** [9] rows, Å. */
  readonly cell: Float64Array | null;
  /** Divisions and shifts of an automatic mesh; null for a list of points. */
  readonly mesh: readonly number[] | null;
  /** Folder in which the pseudopotentials were really found, with a trailing slash. */
  readonly pseudoDirectory: string | null;
}

/** Attributes and inner text of the first element `name` of `xml`, or null. */
function element(xml: string, name: string): { readonly attributes: string; readonly text: string } | null {
  const open = new RegExp(`<${name}(\\s[^>]*)?>`).exec(xml);
  if (!open) return null;
  const start = open.index + open[0].length;
  const end = xml.indexOf(`</${name}>`, start);
  return end < 0 ? null : { attributes: open[1] ?? '', text: xml.slice(start, end) };
}

function attribute(attributes: string, name: string): string | null {
  return new RegExp(`\\b${name}="([^"]*)"`).exec(attributes)?.[1] ?? null;
}

/** Numbers separated by blanks, each times `factor`; what is not a number (`NaN`, `*****`) becomes NaN. */
function numbers(text: string, factor: number): Float64Array {
  const words = text.trim().split(/\s+/);
  return Float64Array.from(words[0] === '' ? [] : words, (word) => Number(word) * factor);
}

/** The one number of an element times `factor`; NaN where there is not exactly one, null without the element. */
function scalar(xml: string, name: string, factor: number): number | null {
  const found = element(xml, name);
  if (found === null) return null;
  const [value = Number.NaN, ...others] = numbers(found.text, factor);
  return others.length === 0 ? value : Number.NaN;
}

function readAtoms(output: string): { species: Uint8Array; positions: Float64Array } | null {
  const block = element(output, 'atomic_positions');
  if (!block) return null;
  const atoms = [...block.text.matchAll(/<atom name="([^"]*)"[^>]*>([^<]*)<\/atom>/g)];
  const symbols = atoms.map(([, name]) => name!.trim());
  const positions = atoms.map(([, , text]) => numbers(text!, BOHR));
  if (!symbols.every(isElement) || positions.some((row) => row.length !== 3)) return null;
  return {
    species: Uint8Array.from(symbols, atomicNumberOf),
    positions: Float64Array.from(positions.flatMap((row) => [...row])),
  };
}

function readCell(output: string): Float64Array | null {
  const block = element(output, 'cell');
  const vectors = ['a1', 'a2', 'a3'].map((name) => (block ? element(block.text, name) : null));
  if (vectors.includes(null)) return null;
  const cell = vectors.flatMap((vector) => [...numbers(vector!.text, BOHR)]);
  return cell.length === 9 ? Float64Array.from(cell) : null;
}

function readMesh(xml: string): readonly number[] | null {
  const found = element(element(xml, 'k_points_IBZ')?.text ?? '', 'monkhorst_pack');
  if (!found) return null;
  return ['nk1', 'nk2', 'nk3', 'k1', 'k2', 'k3'].map((name) => Number(attribute(found.attributes, name) ?? Number.NaN));
}

/** Reads pw.x's XML; see {@link QuantumEspressoOutput}. Null when there is no complete `<output>` in it. */
export function readQuantumEspressoXml(xml: string): QuantumEspressoOutput | null {
  const output = element(xml, 'output')?.text;
  if (output === undefined) return null;
  const energies = element(output, 'total_energy')?.text ?? '';
  const energy = scalar(energies, 'etot', HARTREE);
  const minusTs = scalar(energies, 'demet', HARTREE);
  const atoms = readAtoms(output);
  const cell = readCell(output);
  const forces = element(output, 'forces');
  const stress = element(output, 'stress');
  let virial: Float64Array | null = null;
  if (stress && cell) {
    // pw.x counts compression positive, so its tensor times the volume is W itself.
    const s = numbers(stress.text, (HARTREE / (BOHR * BOHR * BOHR)) * cellVolume(cell));
    const component = (i: number, j: number) => (s.length === 9 ? 0.5 * (s[3 * i + j]! + s[3 * j + i]!) : Number.NaN);
    virial = Float64Array.of(
      component(0, 0),
      component(1, 1),
      component(2, 2),
      component(1, 2),
      component(0, 2),
      component(0, 1),
    );
  }
  const creator = element(xml, 'creator');
  const achieved = element(element(output, 'scf_conv')?.text ?? '', 'convergence_achieved')?.text.trim();
  return {
    version: creator ? attribute(creator.attributes, 'VERSION') : null,
    converged: achieved === undefined ? null : achieved === 'true',
    energy,
    internalEnergy: energy === null || minusTs === null || minusTs === 0 ? null : energy - minusTs,
    forces: forces ? numbers(forces.text, HARTREE / BOHR) : null,
    virial,
    species: atoms?.species ?? null,
    positions: atoms?.positions ?? null,
    cell,
    mesh: readMesh(xml),
    pseudoDirectory: attribute(element(output, 'atomic_species')?.attributes ?? '', 'pseudo_dir'),
  };
}

// Routines whose complaint means that the self-consistency went astray; gentler settings may help.
const SCF_ROUTINES = /^(c_bands|electrons|electrons_scf|cdiaghg|rdiaghg|pcdiaghg|prdiaghg|mix_rho|efermig|sum_band)/;
// Routines whose complaint is about the machine rather than the input.
const MACHINE_ROUTINES =
  /^(davcio|diropn|pw_readfile|pw_writefile|write_rhog|read_rhog|create_directory|check_tempdir|mp_|fft_)/;

/**
 * What pw.x complains of in its standard output, or null. An ignored card is an input error although pw.x only warns and
 * goes on: a misspelt `K_POINTS` would silently be Γ alone.
 */
export function findComplaint(stdout: string, stderr: string): EngineComplaint | null {
  const ignored = /Warning: card (.*) ignored/.exec(stdout);
  if (ignored) return { reason: 'input', message: `pw.x ignored the card "${ignored[1]!.trim()}"` };
  const box = /Error in routine\s+(\S+)\s+\(-?\d+\):\s*\n([\s\S]*?)\n\s*%%%/.exec(`${stdout}\n${stderr}`);
  if (box) {
    const [, routine, text] = box;
    const words = text!.trim().replace(/\s+/g, ' ');
    const reason = SCF_ROUTINES.test(routine!) ? 'scf' : MACHINE_ROUTINES.test(routine!) ? 'crash' : 'input';
    return { reason, message: `pw.x: ${routine}: ${words}` };
  }
  const unconverged = /convergence NOT achieved after\s+(\d+)\s+iterations/.exec(stdout);
  if (unconverged) return { reason: 'scf', message: `self-consistency not reached in ${unconverged[1]} iterations` };
  if (/Maximum CPU time exceeded/.test(stdout))
    return { reason: 'timeout', message: 'pw.x reached its own max_seconds' };
  if (/stopped by user request/.test(stdout)) return { reason: 'lost', message: 'pw.x was stopped by a .EXIT file' };
  return null;
}

/** Largest distance, Å, between positions of two equal lists of atoms. */
function largestShift(a: Float64Array, b: Float64Array): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** How the structure that pw.x reports differs from the one that was asked for, or null; tolerance 1e-5 Å. */
export function structureMismatch(output: QuantumEspressoOutput, structure: Structure): string | null {
  const { species, positions, cell } = output;
  if (!species || !positions || !cell) return 'the output does not say which atoms were computed';
  const n = atomCount(structure);
  if (species.length !== n) return `the output has ${species.length} atoms instead of ${n}`;
  if (species.some((z, i) => z !== structure.species[i])) return 'the output has other elements';
  const moved = largestShift(positions, structure.positions);
  if (!(moved < 1e-5)) return `an atom of the output is ${moved.toExponential(1)} Å away from where it was asked for`;
  const deformed = structure.cell ? largestShift(cell, structure.cell) : Number.NaN;
  return deformed < 1e-5 ? null : `the cell of the output differs by ${deformed.toExponential(1)} Å`;
}
