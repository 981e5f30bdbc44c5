import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { findExecutable } from './execution/local.ts';
import { DEBIAN_PSEUDOPOTENTIALS } from './labeller-reference.ts';

/** How an engine is looked for. */
export interface EngineProbe {
  readonly name: string;
  /** What it would be used for here. */
  readonly use: string;
  /** Programs, best first. */
  readonly commands: readonly string[];
  /** Arguments that make it say its version. */
  readonly args: readonly string[];
  /** Finds the version in what it printed. */
  readonly version: RegExp;
  /** Debian packages. */
  readonly packages: string;
  /** Something more that its output tells. */
  readonly note?: (output: string) => string;
}

/** What was found of an engine. */
export interface EngineFinding {
  readonly name: string;
  readonly use: string;
  /** Absolute path of the program, null when there is none. */
  readonly path: string | null;
  /** null when the program did not say. */
  readonly version: string | null;
  readonly usable: boolean;
  readonly note: string;
  /** How to install it, where it is missing. */
  readonly install: string | null;
}

/** A folder of pseudopotentials or basis sets. */
export interface DataFolder {
  readonly path: string;
  readonly use: string;
  readonly files: number;
}

/** Engines that this program or its models can make use of. */
export const ENGINES: readonly EngineProbe[] = [
  {
    name: 'Quantum ESPRESSO',
    use: 'reference, kind quantum-espresso',
    commands: ['pw.x'],
    args: [],
    version: /Program PWSCF v\.?\s*(\S+)/,
    packages: 'quantum-espresso quantum-espresso-data',
  },
  {
    name: 'CP2K',
    use: 'reference, kind command',
    commands: ['cp2k.psmp', 'cp2k'],
    args: ['--version'],
    version: /CP2K version\s+(\S+)/,
    packages: 'cp2k cp2k-data',
  },
  {
    name: 'ABINIT',
    use: 'reference, kind command',
    commands: ['abinit'],
    args: ['--version'],
    version: /^(\d+\.\d+\S*)/m,
    packages: 'abinit abinit-data',
  },
  {
    name: 'xtb',
    use: 'reference, kind command',
    commands: ['xtb'],
    args: ['--version'],
    version: /xtb version\s+(\S+)/,
    packages: 'xtb',
  },
  {
    name: 'GPAW',
    use: 'reference, kind command',
    commands: ['/usr/bin/python3', 'python3'],
    args: ['-c', 'import gpaw; print("gpaw", gpaw.__version__)'],
    version: /gpaw (\S+)/,
    packages: 'gpaw gpaw-data',
  },
  {
    name: 'LAMMPS',
    use: 'molecular dynamics with exported potentials',
    commands: ['lmp', 'lmp_mpi', 'lmp_serial'],
    args: ['-h'],
    version: /Simulator - (\d+ \w+ \d+(?: - Update \d+)?)/,
    packages: 'lammps',
    note: (output) =>
      /\bML-PACE\b|\bpace\b/.test(output) ? 'has pair_style pace: runs .yace' : 'has no ML-PACE: cannot run .yace',
  },
  {
    name: 'Slurm',
    use: 'batch queue',
    commands: ['sbatch'],
    args: ['--version'],
    version: /slurm\S*\s+(\S+)/,
    packages: 'slurm-client',
  },
];

/** Longest that a program may take to say its version, ms. */
const PATIENCE = 20_000;

/** Looks for one engine and asks for its version, in an empty folder of its own and on one thread. */
export async function probeEngine(probe: EngineProbe): Promise<EngineFinding> {
  const { name, use } = probe;
  const install = `apt-get install --no-install-recommends ${probe.packages}`;
  const missing: EngineFinding = { name, use, path: null, version: null, usable: false, note: '', install };
  const path = probe.commands.map((command) => findExecutable(command)).find((found) => found !== null);
  if (path === undefined) return missing;
  const folder = mkdtempSync(join(tmpdir(), 'querent-doctor-'));
  try {
    const root = process.getuid?.() === 0 ? { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' } : {};
    const result = await execa(path, probe.args, {
      cwd: folder,
      env: { ...root, OMP_NUM_THREADS: '1' },
      stdin: 'ignore',
      timeout: PATIENCE,
      reject: false,
      all: true,
      maxBuffer: 1_000_000,
    });
    const output = String(result.all ?? '');
    const version = probe.version.exec(output)?.[1] ?? null;
    // An interpreter is there without the library: that is not the engine.
    if (version === null && probe.args[0] === '-c') return missing;
    const told =
      version === null
        ? `does not say its version (${result.timedOut ? 'timed out' : `exit code ${result.exitCode}`})`
        : '';
    return {
      name,
      use,
      path,
      version,
      usable: version !== null,
      note: told || (probe.note?.(output) ?? ''),
      install: null,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Looks for all engines, one after the other. */
export async function probeEngines(probes: readonly EngineProbe[] = ENGINES): Promise<EngineFinding[]> {
  const findings: EngineFinding[] = [];
  for (const probe of probes) findings.push(await probeEngine(probe));
  return findings;
}

/** Folders of pseudopotentials and basis sets that exist here, with the number of their files. */
export function dataFolders(env: Readonly<Record<string, string | undefined>>): DataFolder[] {
  const own = (env.ESPRESSO_PSEUDO ?? '').split(delimiter).filter((folder) => folder !== '');
  const folders = [
    ...[...own, DEBIAN_PSEUDOPOTENTIALS].map((path) => ({
      path,
      use: 'pseudopotentials of Quantum ESPRESSO',
      pattern: /\.upf$/i,
    })),
    { path: '/usr/share/cp2k', use: 'basis sets and pseudopotentials of CP2K', pattern: /BASIS|POTENTIAL/ },
    { path: '/usr/share/gpaw-setups', use: 'PAW data sets of GPAW', pattern: /\.gz$/ },
    { path: '/usr/share/abinit/psp', use: 'pseudopotentials of ABINIT', pattern: /\.(psp8|xml|hgh|fhi)$/i },
  ];
  return folders.flatMap(({ path, use, pattern }) => {
    if (!existsSync(path)) return [];
    const files = readdirSync(path, { recursive: true }).filter((name) => pattern.test(String(name))).length;
    return [{ path, use, files }];
  });
}
