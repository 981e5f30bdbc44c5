import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { EnvironmentError, InputError } from '../core/errors.ts';
import type { ReferenceSettings } from '../protocol/run-file-reference.ts';
import { resolveReferenceFile } from '../protocol/run-file-resolve.ts';
import { commandReference } from '../reference/command.ts';
import { createEmbeddedReference } from '../reference/embedded/embedded.ts';
import { MANUAL_REFERENCE } from '../reference/manual.ts';
import { type Pseudopotential, quantumEspresso } from '../reference/quantum-espresso.ts';
import type { Reference } from '../reference/reference.ts';
import type { Gates } from '../reference/verdict.ts';
import { findExecutable } from './execution/local.ts';
import { readError, sha256File } from './files.ts';

type QuantumEspressoSection = Extract<ReferenceSettings, { kind: 'quantum-espresso' }>;
type CommandSection = Extract<ReferenceSettings, { kind: 'command' }>;

/** Folder in which Debian's quantum-espresso-data puts pseudopotentials. */
export const DEBIAN_PSEUDOPOTENTIALS = '/usr/share/espresso/pseudo';

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw readError(error, path);
  }
}

/**
 * The `reference:` section of a run file, or of a file with that section alone, and the folder its paths are relative to.
 * @param sets arguments of `--set`
 * @throws FormatError `RUN_FILE` with every fault and its place; InputError `FILE_NOT_FOUND`
 */
export function readReferenceFile(
  path: string,
  sets: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly settings: ReferenceSettings; readonly baseDirectory: string } {
  const settings = resolveReferenceFile(readText(path), path, sets, env, (parent, file) => {
    const above = resolve(dirname(file), parent);
    const between = relative(dirname(file), dirname(above));
    return { text: readText(above), file: above, rebase: (name) => (isAbsolute(name) ? name : join(between, name)) };
  });
  return { settings, baseDirectory: dirname(resolve(path)) };
}

/** The gates of a `reference:` section; without a distance of its own, half the sum of the covalent radii. */
export function gatesOf(gates: ReferenceSettings['gates'], minimumDistance?: number): Gates {
  const { maximumForce, netForce } = gates;
  return {
    minimumDistance: gates.minimumDistance ?? minimumDistance ?? { covalentRadii: 0.5 },
    maximumForce,
    netForce,
  };
}

/** Folders in which a pseudopotential given by `name` may be, best first. */
function pseudopotentialFolders(settings: QuantumEspressoSection, baseDirectory: string): string[] {
  if (settings.pseudoDir !== undefined) return [resolve(baseDirectory, settings.pseudoDir)];
  const environment = process.env.ESPRESSO_PSEUDO;
  return [baseDirectory, ...(environment ? environment.split(delimiter) : []), DEBIAN_PSEUDOPOTENTIALS];
}

async function createQuantumEspresso(settings: QuantumEspressoSection, baseDirectory: string): Promise<Reference> {
  const pseudopotentials: Record<string, Pseudopotential> = {};
  let pseudoDirectory: string | null = null;
  for (const [symbol, name] of Object.entries(settings.pseudopotentials)) {
    const folders = pseudopotentialFolders(settings, baseDirectory);
    const path = folders.map((folder) => resolve(folder, name)).find((candidate) => existsSync(candidate));
    if (path === undefined) {
      throw new InputError(
        'PSEUDOPOTENTIAL_NOT_FOUND',
        `pseudopotential of ${symbol} must exist, got "${name}" in none of ${folders.join(', ')}`,
        {
          symbol,
          name,
          folders,
        },
      );
    }
    const folder = dirname(path);
    if (pseudoDirectory !== null && folder !== pseudoDirectory) {
      throw new InputError(
        'PSEUDOPOTENTIAL_FOLDERS',
        `pseudopotentials must be in one folder, got ${pseudoDirectory} and ${folder}`,
        {
          folders: [pseudoDirectory, folder],
        },
      );
    }
    pseudoDirectory = folder;
    pseudopotentials[symbol] = { file: path.slice(folder.length + 1), sha256: await sha256File(path) };
  }
  if (pseudoDirectory === null)
    throw new InputError('PSEUDOPOTENTIAL_NOT_FOUND', 'pseudopotentials must name at least one element, got none');
  const { ecutwfc, ecutrho, mesh, kspacing, shifted, smearing, convThr, extra } = settings;
  return quantumEspresso({
    command: resolvedCommand(
      settings.command,
      baseDirectory,
      'apt-get install --no-install-recommends quantum-espresso quantum-espresso-data',
    ),
    pseudoDirectory,
    pseudopotentials,
    ecutwfc,
    ...(ecutrho === undefined ? {} : { ecutrho }),
    kPoints: {
      shifted,
      ...(mesh === undefined ? {} : { mesh }),
      ...(kspacing === undefined ? {} : { spacing: kspacing }),
    },
    ...(smearing === undefined ? {} : { smearing }),
    convThr,
    ...(extra === undefined
      ? {}
      : {
          namelists: {
            ...(extra.control === undefined ? {} : { control: extra.control }),
            ...(extra.system === undefined ? {} : { system: extra.system }),
            ...(extra.electrons === undefined ? {} : { electrons: extra.electrons }),
          },
        }),
  });
}

/**
 * The command with its program checked and, where it is a path, made absolute: it will run in another directory.
 * @throws EnvironmentError `ENGINE_MISSING`
 */
function resolvedCommand(command: readonly string[], baseDirectory: string, hint: string): string[] {
  const [program, ...args] = command as [string, ...string[]];
  const found = findExecutable(program, baseDirectory);
  if (found === null) {
    const where = program.includes('/') ? `at ${resolve(baseDirectory, program)}` : 'on PATH';
    throw new EnvironmentError('ENGINE_MISSING', `program "${program}" must be ${where}, got none there; ${hint}`, {
      program,
    });
  }
  return [program.includes('/') ? found : program, ...args];
}

/** A command's arguments that name a file beside the run file become absolute paths; their bytes are part of the fingerprint. */
async function createCommand(settings: CommandSection, baseDirectory: string): Promise<Reference> {
  const { energyKey, forcesKey, stressKey, fingerprint } = settings;
  const files: Record<string, string> = {};
  const [program, ...args] = resolvedCommand(
    settings.command,
    baseDirectory,
    'check the command of the reference section',
  );
  const isFile = (path: string): boolean => existsSync(path) && statSync(path).isFile();
  const placed: string[] = [program!];
  for (const [index, word] of args.entries()) {
    const path = resolve(baseDirectory, word);
    const named = !/^-|\{(input|output)\}/.test(word) && isFile(path);
    placed.push(named ? path : word);
    if (named) files[settings.command[index + 1]!] = await sha256File(path);
  }
  if (program!.includes('/') && isFile(program!)) files[settings.command[0]!] = await sha256File(program!);
  return commandReference({
    command: placed,
    written: settings.command,
    energyKey,
    forcesKey,
    stressKey,
    fingerprint,
    files,
  });
}

/**
 * The reference of a run file's `reference:` section. Paths are relative to `baseDirectory`, the folder of that file;
 * pseudopotentials without `pseudoDir` are looked for there, in $ESPRESSO_PSEUDO and in Debian's folder.
 * @throws InputError `PSEUDOPOTENTIAL_NOT_FOUND`, `PSEUDOPOTENTIAL_FOLDERS`, settings out of range
 * @throws EnvironmentError `ENGINE_MISSING` with what to install
 */
export async function createReference(settings: ReferenceSettings, baseDirectory: string): Promise<Reference> {
  switch (settings.kind) {
    case 'tb-si':
    case 'sw-si':
      return createEmbeddedReference(settings);
    case 'quantum-espresso':
      return await createQuantumEspresso(settings, baseDirectory);
    case 'command':
      return await createCommand(settings, baseDirectory);
    case 'manual':
      return MANUAL_REFERENCE;
  }
}
