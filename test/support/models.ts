import { buildAceBasis } from '../../src/core/descriptors/ace/enumerate.ts';
import { presetSpecification } from '../../src/core/descriptors/ace/presets.ts';
import { createAceProgram } from '../../src/core/descriptors/ace/program.ts';
import { atomicNumberOf } from '../../src/core/elements.ts';
import type { Potential } from '../../src/core/potentials/potential.ts';
import { stillingerWeberSilicon } from '../../src/core/potentials/stillinger-weber.ts';
import { RandomStream } from '../../src/core/random.ts';
import { cellVolume } from '../../src/core/structure/cell.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import type { Frame, InfoValue, Structure } from '../../src/core/structure/structure.ts';
import type { Fit, FitProgress } from '../../src/node/training/fit.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import type { FitSettings } from '../../src/node/training/settings.ts';
import { DEFAULT_FIT } from '../../src/node/training/settings.ts';
import { createPool } from '../../src/node/workers/pool.ts';

/** A basis of 18 functions per element pair of orders: fits in a fraction of a second. */
export const TINY_FIT: FitSettings = { ...DEFAULT_FIT, nmax: [4, 2], lmax: [0, 2], cutoff: 4.6 };

/** A structure with what a potential says of it as labels. */
export function labelled(structure: Structure, potential: Potential, index: number, extra: Partial<Frame> = {}): Frame {
  const { energy, forces, virial } = potential.evaluate(structure);
  return {
    structure,
    labels: { energy, forces, virial },
    group: '',
    info: {},
    columns: {},
    source: { file: 'made.xyz', index, line: 1 + index * (structure.species.length + 2) },
    ...extra,
  };
}

/** How made frames differ. */
export interface MadeOptions {
  readonly seed?: number;
  /** Standard deviation of each coordinate, Å. */
  readonly rattle?: number;
  /** Conventional cells along each direction. */
  readonly repeat?: readonly [number, number, number];
}

function rattledCell(element: string, a: number, index: number, options: MadeOptions): Structure {
  const { seed = 1, rattle = 0.1, repeat = [1, 1, 1] } = options;
  const random = new RandomStream(seed, 'made structure', index);
  const strained = a * (0.97 + 0.06 * random.uniform());
  const crystal = prototypeStructure({ prototype: 'diamond', element, a: strained, repeat });
  return { ...crystal, positions: crystal.positions.map((x) => x + rattle * random.normal()) };
}

/** Rattled and strained silicon cells of 8 atoms (times `repeat`), labelled by the Stillinger–Weber potential. */
export function siliconFrames(count: number, options: MadeOptions = {}): Frame[] {
  const potential = stillingerWeberSilicon();
  return Array.from({ length: count }, (_, k) => labelled(rattledCell('Si', 5.43, k, options), potential, k));
}

/** A made-up alloy: ACE potential of random weights on top of energies of isolated atoms, eV. */
export function alloyPotential(elements: readonly string[], isolated: readonly number[]): Potential {
  const specification = { ...presetSpecification('small', elements, 4.6), nmax: [3, 2], lmax: [0, 1] };
  const program = createAceProgram(buildAceBasis(specification));
  const random = new RandomStream(5, 'alloy');
  const weights = Float64Array.from({ length: program.size }, () => 0.3 * random.normal());
  return {
    name: 'alloy',
    evaluate(structure) {
      const result = program.evaluate([structure], weights)[0]!;
      const shift = structure.species.reduce(
        (sum, z) => sum + isolated[elements.findIndex((symbol) => atomicNumberOf(symbol) === z)]!,
        0,
      );
      return { ...result, energy: result.energy + shift };
    },
  };
}

/** Diamond cells of two elements; the share of the first one varies from cell to cell unless `share` fixes it. */
export function alloyFrames(count: number, potential: Potential, share: number | null = null, seed = 2): Frame[] {
  return Array.from({ length: count }, (_, k) => {
    const cell = rattledCell('Si', 5.0, k, { seed });
    const first = share === null ? 1 + (k % 7) : Math.round(8 * share);
    const order = new RandomStream(seed, 'occupation', k).permutation(8);
    const species = Uint8Array.from({ length: 8 }, (_, i) => atomicNumberOf(order[i]! < first ? 'C' : 'Si'));
    return labelled({ ...cell, species }, potential, k);
  });
}

/** One atom in vacuum with an energy. */
export function isolatedAtom(symbol: string, energy: number): Frame {
  return {
    structure: {
      positions: Float64Array.of(0, 0, 0),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(atomicNumberOf(symbol)),
    },
    labels: { energy, forces: null, virial: null },
    group: 'isolated_atom',
    info: {},
    columns: {},
    source: { file: 'atoms.xyz', index: 0, line: 1 },
  };
}

/** Fits on some number of threads and ends them. */
export async function fitOn(
  threads: number,
  frames: readonly Frame[],
  settings: FitSettings = TINY_FIT,
  progress?: FitProgress,
): Promise<Fit> {
  const pool = createPool(threads, null);
  try {
    return await fitModel(frames, settings, pool, progress === undefined ? {} : { progress });
  } finally {
    await pool.dispose();
  }
}

const text = (value: InfoValue): string => (typeof value === 'string' ? `"${value}"` : String(value));

/** Frames as extended XYZ, written independently of the program's own writer. */
export function extxyzOf(frames: readonly Frame[]): string {
  return frames
    .map(({ structure, labels, group, info }) => {
      const { species, positions, cell, pbc } = structure;
      const forces = labels.forces;
      const comment = [
        cell === null ? '' : `Lattice="${[...cell].join(' ')}"`,
        `Properties=species:S:1:pos:R:3${forces === null ? '' : ':forces:R:3'}`,
        labels.energy === null ? '' : `energy=${labels.energy}`,
        labels.virial === null || cell === null ? '' : `stress="${stressOf(labels.virial, cell).join(' ')}"`,
        `pbc="${pbc.map((p) => (p ? 'T' : 'F')).join(' ')}"`,
        group === '' ? '' : `config_type=${group}`,
        ...Object.entries(info).map(([key, value]) => `${key}=${text(value)}`),
      ];
      const atoms = Array.from(species, (z, i) => {
        const own = (all: Float64Array): string => [...all.subarray(3 * i, 3 * i + 3)].join(' ');
        return `${SYMBOLS[z] ?? 'X'} ${own(positions)}${forces === null ? '' : ` ${own(forces)}`}`;
      });
      return `${species.length}\n${comment.filter((part) => part !== '').join(' ')}\n${atoms.join('\n')}\n`;
    })
    .join('');
}

const SYMBOLS: Readonly<Record<number, string>> = { 6: 'C', 14: 'Si', 32: 'Ge' };

/** [9] stress −W/V, row-major. */
function stressOf(virial: Float64Array, cell: Float64Array): number[] {
  const [xx, yy, zz, yz, xz, xy] = Array.from(virial, (w) => -w / cellVolume(cell)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return [xx, xy, xz, xy, yy, yz, xz, yz, zz];
}
