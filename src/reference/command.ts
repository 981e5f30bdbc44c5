import { FormatError, InputError } from '../core/errors.ts';
import { fractionalPositions, isSingularCell } from '../core/structure/cell.ts';
import { type Frame, type Structure, atomCount } from '../core/structure/structure.ts';
import { parseExtxyzText } from '../formats/extxyz.ts';
import { writeExtxyz } from '../formats/extxyz-writer.ts';
import { outcomeComplaint } from './engine-complaint.ts';
import {
  type CodecReference,
  type EngineOutcome,
  type FailureReason,
  type FileSet,
  type LabelResult,
  STDERR_FILE,
  STDOUT_FILE,
  sumOfForces,
} from './reference.ts';

/** A program of the user's that labels one structure: extended XYZ in, extended XYZ out. */
export interface CommandSettings {
  /** Program and arguments; `{input}` and `{output}` stand for the two files in the working directory. */
  readonly command: readonly string[];
  /** Key of the energy in the output; found by itself when absent. */
  readonly energyKey?: string | undefined;
  /** Column of the forces in the output; found by itself when absent. */
  readonly forcesKey?: string | undefined;
  /** Key of the stress, or of the virial when its name says so; found by itself when absent. */
  readonly stressKey?: string | undefined;
  /** The command as the user wrote it, where paths in `command` were made absolute: the fingerprint names this one. */
  readonly written?: readonly string[] | undefined;
  /** The user's name of the settings that change the numbers; it then stands for command and files in the fingerprint. */
  readonly fingerprint?: string | undefined;
  /** sha256 of files that the command names (a script, a parameter file), by name. */
  readonly files: Readonly<Record<string, string>>;
}

/** File that the program reads. */
export const COMMAND_INPUT = 'input.extxyz';
/** File that the program writes. */
export const COMMAND_OUTPUT = 'output.extxyz';

// How far an atom or cell vector of the output may be from the request, Å: programs print seven digits or more.
const AGREEMENT = 1e-4;

/** A structure as a frame without labels. */
export function unlabelledFrame(structure: Structure, info: Frame['info'] = {}): Frame {
  return {
    structure,
    labels: { energy: null, forces: null, virial: null },
    group: '',
    info,
    columns: {},
    source: { file: '', index: 0, line: 1 },
  };
}

/**
 * How a structure that came back differs from the one that was asked for, or null: number of atoms, elements and their
 * order, cell, positions (up to lattice vectors, since programs wrap atoms into the cell), within 1e-4 Å.
 */
export function structureDifference(found: Structure, asked: Structure): string | null {
  const n = atomCount(asked);
  if (atomCount(found) !== n) return `${atomCount(found)} atoms instead of ${n}`;
  const atom = found.species.findIndex((z, i) => z !== asked.species[i]);
  if (atom >= 0) return `another element as atom ${atom}`;
  const shift = found.positions.map((x, k) => x - asked.positions[k]!);
  const { cell, pbc } = asked;
  if (cell !== null && pbc.some(Boolean)) {
    if (found.cell === null) return 'no cell';
    const off = cell.findIndex((x, k) => pbc[Math.floor(k / 3)] && !(Math.abs(found.cell![k]! - x) <= AGREEMENT));
    if (off >= 0) return `another lattice vector ${Math.floor(off / 3) + 1}`;
    if (!isSingularCell(cell)) {
      const fractional = fractionalPositions(shift, cell);
      for (let k = 0; k < fractional.length; k++) {
        const turns = pbc[k % 3] ? Math.round(fractional[k]!) : 0;
        if (turns === 0) continue;
        const base = k - (k % 3);
        for (let d = 0; d < 3; d++) shift[base + d] = shift[base + d]! - turns * cell[3 * (k % 3) + d]!;
      }
    }
  }
  const moved = shift.findIndex((x) => !(Math.abs(x) <= AGREEMENT));
  return moved < 0
    ? null
    : `atom ${Math.floor(moved / 3)} moved by ${Math.abs(shift[moved]!).toExponential(1)} Å or more`;
}

/**
 * A command as a reference. It runs in a directory of its own with the structure in `input.extxyz` and must leave the
 * same structure with energy and forces (and stress, where it has one) in `output.extxyz`, in eV and Å, and exit with
 * code 0. `converged=F` in the comment line says that self-consistency failed, which is tried once more; the attempt is
 * in the environment as QUERENT_ATTEMPT_NUMBER. A structure that differs is rejected as inconsistent.
 * @throws InputError `COMMAND_SETTINGS`
 */
export function commandReference(settings: CommandSettings): CodecReference {
  const { command, energyKey, forcesKey, stressKey } = settings;
  if (command.length === 0) throw new InputError('COMMAND_SETTINGS', 'command must name a program, got nothing');
  const placed = command.map((word) =>
    word.replaceAll('{input}', COMMAND_INPUT).replaceAll('{output}', COMMAND_OUTPUT),
  );
  const own = settings.fingerprint;
  const described = JSON.stringify(own === undefined ? { command: settings.written ?? command } : { fingerprint: own });
  const hashes = Object.entries(own === undefined ? settings.files : {}).sort(([a], [b]) => (a < b ? -1 : 1));
  const files = Object.fromEntries(hashes);
  const keys = {
    ...(energyKey === undefined ? {} : { energyKey }),
    ...(forcesKey === undefined ? {} : { forcesKey }),
    ...(stressKey === undefined ? {} : /virial/i.test(stressKey) ? { virialKey: stressKey } : { stressKey }),
  };

  const parse = (outputs: FileSet, structure: Structure, outcome: EngineOutcome): LabelResult => {
    const cost = outcome.seconds;
    const failed = (reason: FailureReason, message: string): LabelResult => ({
      status: 'failed',
      reason,
      message,
      cost,
    });
    const complaint = outcomeComplaint(outcome, outputs.get(STDERR_FILE) ?? '');
    if (complaint) return failed(complaint.reason, complaint.message);
    const text = outputs.get(COMMAND_OUTPUT);
    if (text === undefined) return failed('crash', `the command ended with exit code 0 but wrote no ${COMMAND_OUTPUT}`);
    let frames: readonly { readonly frame: Frame }[];
    try {
      frames = parseExtxyzText(text, COMMAND_OUTPUT, keys);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return failed('crash', error.message);
    }
    if (frames.length !== 1) return failed('crash', `${COMMAND_OUTPUT} must hold one structure, got ${frames.length}`);
    const { frame } = frames[0]!;
    if (frame.info.converged === false) return failed('scf', 'the command says that self-consistency was not reached');
    const difference = structureDifference(frame.structure, structure);
    if (difference)
      return { status: 'rejected', reason: 'inconsistent', message: `${COMMAND_OUTPUT} has ${difference}`, cost };
    const { energy, forces, virial } = frame.labels;
    if (energy === null || forces === null)
      return failed('crash', `${COMMAND_OUTPUT} has no ${energy === null ? 'energy' : 'forces'}`);
    const code = typeof frame.info.code === 'string' ? frame.info.code : `command ${(settings.written ?? command)[0]}`;
    return {
      status: 'done',
      energy,
      internalEnergy: null,
      forces,
      virial: virial?.some(Number.isNaN) ? null : virial,
      netForce: Math.hypot(...sumOfForces(forces)),
      cost,
      fingerprint: { code, settings: described, files },
    };
  };

  return {
    kind: 'codec',
    name: 'command',
    identity: JSON.stringify({ code: 'command', settings: JSON.parse(described), files }),
    prepare: (structure, attempt) => ({
      files: new Map([[COMMAND_INPUT, writeExtxyz(unlabelledFrame(structure))]]),
      run: {
        command: placed[0]!,
        args: placed.slice(1),
        environment: { QUERENT_ATTEMPT_NUMBER: String(attempt) },
        outputs: [STDOUT_FILE, STDERR_FILE, COMMAND_OUTPUT],
        scratch: [],
      },
    }),
    parse,
  };
}
