import { InputError } from '../core/errors.ts';
import type { Structure } from '../core/structure/structure.ts';
import { kPointMesh } from './k-points.ts';
import {
  type Namelist,
  QUANTUM_ESPRESSO_INPUT,
  type QuantumEspressoSettings,
  atomicTypes,
  quantumEspressoInput,
} from './quantum-espresso-input.ts';
import { outcomeComplaint } from './engine-complaint.ts';
import { findComplaint, readQuantumEspressoXml, structureMismatch } from './quantum-espresso-output.ts';
import {
  type CodecReference,
  type EngineOutcome,
  type FailureReason,
  type FileSet,
  type Fingerprint,
  type LabelResult,
  STDERR_FILE,
  STDOUT_FILE,
  sumOfForces,
} from './reference.ts';

/** Settings of pw.x and their parts. */
export type { Namelist, Pseudopotential, QuantumEspressoSettings } from './quantum-espresso-input.ts';

// pw.x writes the first when it ends normally and the second while it runs; both have the same content.
const XML_FILES = ['out/pw.xml', 'out/pw.save/data-file-schema.xml'] as const;

function sorted(namelist: Namelist | undefined): Namelist | undefined {
  return namelist && Object.fromEntries(Object.entries(namelist).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Canonical JSON of the settings that change the numbers: not the command, the mixing or the number of iterations. */
function describeSettings(settings: QuantumEspressoSettings): string {
  const { ecutwfc, ecutrho, kPoints, smearing, convThr, symmetry, pseudopotentials, namelists } = settings;
  return JSON.stringify({
    ecutwfc,
    ecutrho: ecutrho ?? 4 * ecutwfc,
    mesh: kPoints.mesh,
    kspacing: kPoints.spacing,
    shifted: kPoints.shifted,
    smearing: smearing && { type: smearing.type, width: smearing.width },
    convThr: convThr ?? 1e-9,
    symmetry: symmetry ?? false,
    pseudopotentials: Object.fromEntries(
      Object.entries(pseudopotentials)
        .map(([symbol, { file }]) => [symbol, file] as const)
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    ),
    control: sorted(namelists?.control),
    system: sorted(namelists?.system),
    electrons: sorted(namelists?.electrons),
  });
}

function checkSettings(settings: QuantumEspressoSettings): void {
  const positive = (name: string, value: number | undefined, unit: string) => {
    if (value !== undefined && !(value > 0 && Number.isFinite(value))) {
      throw new InputError('QUANTUM_ESPRESSO_SETTINGS', `${name} must be positive, got ${value} ${unit}`, {
        name,
        value,
      });
    }
  };
  positive('ecutwfc', settings.ecutwfc, 'Ry');
  positive('ecutrho', settings.ecutrho, 'Ry');
  positive('convThr', settings.convThr, 'Ry');
  positive('smearing width', settings.smearing?.width, 'eV');
  if (settings.ecutrho !== undefined && settings.ecutrho < settings.ecutwfc) {
    const { ecutwfc, ecutrho } = settings;
    throw new InputError(
      'QUANTUM_ESPRESSO_SETTINGS',
      `ecutrho must be at least ecutwfc = ${ecutwfc} Ry, got ${ecutrho} Ry`,
      { ecutwfc, ecutrho },
    );
  }
  if (settings.command.length === 0)
    throw new InputError('QUANTUM_ESPRESSO_SETTINGS', 'command must name a program, got nothing');
  const { pseudoDirectory } = settings;
  if (!pseudoDirectory.startsWith('/') || pseudoDirectory.length > 250 || /['\n]/.test(pseudoDirectory)) {
    throw new InputError(
      'QUANTUM_ESPRESSO_SETTINGS',
      `folder of the pseudopotentials must be an absolute path of at most 250 characters without quotes, got "${pseudoDirectory}"`,
      { pseudoDirectory },
    );
  }
}

function commandLine(command: readonly string[]): readonly string[] {
  if (!command.some((word) => word.includes('{input}'))) return [...command, '-in', QUANTUM_ESPRESSO_INPUT];
  return command.map((word) => word.replaceAll('{input}', QUANTUM_ESPRESSO_INPUT));
}

/**
 * Quantum ESPRESSO's pw.x as a reference. The verdict on a run never rests on its exit code alone: a label needs exit
 * code 0, no ignored card, no error box, the convergence flag of the XML, a finite energy and finite forces, and an echo
 * of the atoms, the cell, the k-point mesh and the folder of the pseudopotentials that agrees with the request (pw.x
 * falls back to a folder of its own when a file is missing). Energies are the free energy, which forces and stress are
 * derivatives of. Failures: `input` (error box, ignored card), `scf` (not converged), `timeout`, `crash` (the rest).
 * @throws InputError `QUANTUM_ESPRESSO_SETTINGS`
 */
export function quantumEspresso(settings: QuantumEspressoSettings): CodecReference {
  checkSettings(settings);
  const described = describeSettings(settings);
  const [command, ...args] = commandLine(settings.command);
  const hashes = (symbols: readonly string[]) =>
    Object.fromEntries(
      symbols.map((symbol) => settings.pseudopotentials[symbol]!).map(({ file, sha256 }) => [file, sha256]),
    );

  const prepare = (structure: Structure, attempt: number) => ({
    files: new Map([[QUANTUM_ESPRESSO_INPUT, quantumEspressoInput(structure, settings, attempt)]]),
    run: {
      command: command!,
      args,
      environment: {},
      outputs: [STDOUT_FILE, STDERR_FILE, ...XML_FILES],
      scratch: ['out/pw.save'],
    },
  });

  const parse = (files: FileSet, structure: Structure, outcome: EngineOutcome): LabelResult => {
    const cost = outcome.seconds;
    const stdout = files.get(STDOUT_FILE) ?? '';
    const stderr = files.get(STDERR_FILE) ?? '';
    const failed = (reason: FailureReason, message: string): LabelResult => ({
      status: 'failed',
      reason,
      message,
      cost,
    });
    const inconsistent = (message: string): LabelResult => ({
      status: 'rejected',
      reason: 'inconsistent',
      message,
      cost,
    });

    // The time limit first: whatever the output says then was cut. Otherwise the code's own words say more than its exit code.
    const complaint = outcome.timedOut
      ? outcomeComplaint(outcome, stderr)
      : (findComplaint(stdout, stderr) ?? outcomeComplaint(outcome, stderr));
    if (complaint) return failed(complaint.reason, complaint.message);
    const xml = XML_FILES.map((name) => files.get(name)).find((text) => text !== undefined);
    const output = xml === undefined ? null : readQuantumEspressoXml(xml);
    if (!output) return failed('crash', 'pw.x ended with exit code 0 but left no complete XML');
    if (output.converged !== true) return failed('scf', 'the XML does not say that self-consistency was reached');
    if (output.energy === null || !output.forces) return failed('crash', 'the XML has no energy or no forces');
    const mismatch = structureMismatch(output, structure);
    if (mismatch) return inconsistent(mismatch);
    const { forces, virial, mesh, pseudoDirectory } = output;
    if (forces.length !== structure.positions.length)
      return inconsistent(`the XML has ${forces.length} force components instead of ${structure.positions.length}`);
    const wanted = kPointMesh(structure, settings.kPoints);
    const asked = [...wanted.divisions, ...wanted.shift];
    if (mesh?.some((n, i) => n !== asked[i]))
      return inconsistent(`pw.x used the k-points ${mesh.join(' ')} instead of ${asked.join(' ')}`);
    if (
      pseudoDirectory?.startsWith('/') &&
      pseudoDirectory.replace(/\/+$/, '') !== settings.pseudoDirectory.replace(/\/+$/, '')
    ) {
      return inconsistent(
        `pw.x took the pseudopotentials from ${pseudoDirectory} instead of ${settings.pseudoDirectory}`,
      );
    }
    const needsVirial = structure.pbc.some(Boolean);
    if (needsVirial && !virial) return failed('crash', 'the XML has no stress');
    if (![output.energy, ...forces, ...(virial ?? [])].every(Number.isFinite))
      return failed('crash', 'the XML has an energy, force or stress that is not finite');
    const fingerprint: Fingerprint = {
      code: `quantum-espresso ${output.version ?? 'of unknown version'}`,
      settings: described,
      files: hashes(atomicTypes(structure)),
    };
    return {
      status: 'done',
      energy: output.energy,
      internalEnergy: output.internalEnergy,
      forces,
      virial: needsVirial ? virial : null,
      netForce: Math.hypot(...sumOfForces(forces)),
      cost,
      fingerprint,
    };
  };

  const identity = JSON.stringify({
    code: 'quantum-espresso',
    settings: JSON.parse(described),
    files: hashes(Object.keys(settings.pseudopotentials).sort()),
  });
  return { kind: 'codec', name: 'quantum-espresso', identity, prepare, parse };
}
