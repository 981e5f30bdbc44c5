/** Crystal structures in CIF 1.1. */
import { atomicNumberOf, isElement, symbolOf } from '../core/elements.ts';
import { FormatError, InputError, type SourcePosition } from '../core/errors.ts';
import { cartesianPositions, fractionalPositions } from '../core/structure/cell.ts';
import { type AtomPair, minimumDistance } from '../core/structure/checks.ts';
import type { Frame, InfoValue, Structure } from '../core/structure/structure.ts';
import { checkedStructure } from './checked-structure.ts';
import { type SymmetryOperation, symmetryOperations } from './cif-symmetry.ts';
import { type CifBlock, type CifLoop, type CifValue, isAbsent, parseCifBlocks, positionOf } from './cif-tokens.ts';
import { excerpt, formatNumber, readNumber } from './extxyz-tokens.ts';
import { type BoxedStructure, boxedStructure } from './lammps-box.ts';

/** Images of one site closer than this are one atom on a special position, Å. */
const SAME_SITE = 0.05;

/** A number with or without its standard uncertainty: 5.43(1) is 5.43. */
function numberOf(value: CifValue | undefined, what: string, file: string, block: CifBlock): number {
  if (value === undefined || isAbsent(value)) {
    const position = value === undefined ? { file, line: block.line } : positionOf(value, file);
    throw new FormatError('MISSING_VALUE', position, `${what} must be given`);
  }
  const number = readNumber(value.text.trim().replace(/\(\d+\)$/, ''));
  if (number === undefined || !Number.isFinite(number))
    throw new FormatError(
      'NOT_A_NUMBER',
      positionOf(value, file),
      `${what} must be a finite number, got "${excerpt(value.text)}"`,
    );
  return number;
}

/** Lattice vectors with a along x and b in the xy plane. @throws FormatError `BAD_CELL` */
function cellOf(block: CifBlock, file: string): Float64Array {
  const read = (name: string): number => numberOf(block.items.get(`_cell_${name}`), `_cell_${name}`, file, block);
  const lengths = ['length_a', 'length_b', 'length_c'].map(read) as [number, number, number];
  const angles = ['angle_alpha', 'angle_beta', 'angle_gamma'].map(read) as [number, number, number];
  const [a, b, c] = lengths;
  const cosine = (degrees: number): number => (degrees === 90 ? 0 : Math.cos((degrees * Math.PI) / 180));
  const [ca, cb, cg] = angles.map(cosine) as [number, number, number];
  const sg = angles[2] === 90 ? 1 : Math.sin((angles[2] * Math.PI) / 180);
  const y = (ca - cb * cg) / sg;
  const z2 = 1 - cb * cb - y * y;
  if (!lengths.every((x) => x > 0) || !angles.every((x) => x > 0 && x < 180) || !(z2 > 1e-10)) {
    const at = block.items.get('_cell_length_a')!;
    throw new FormatError(
      'BAD_CELL',
      positionOf(at, file),
      `cell must have positive edges and angles that span a volume, got ${lengths.join(' ')} Å and ${angles.join(' ')}°`,
    );
  }
  return Float64Array.of(a, 0, 0, b * cg, b * sg, 0, c * cb, c * y, c * Math.sqrt(z2));
}

/** Element of a type symbol as Si, Si4+, O2-, Cval, or of a label as Si1, O2A; deuterium counts as hydrogen. */
function elementOf(value: CifValue, file: string, isLabel: boolean): number {
  const letters = /^[A-Za-z]{1,2}/.exec(value.text.trim())?.[0] ?? '';
  const capital = letters.charAt(0).toUpperCase() + letters.slice(1);
  const tries = [capital, capital.charAt(0)];
  // In type symbols SI or si must be silicon.
  if (!isLabel && letters.length === 2) tries.splice(1, 0, capital.charAt(0) + capital.slice(1).toLowerCase());
  for (const symbol of tries) {
    if (symbol === 'D' || symbol === 'T') return 1;
    if (isElement(symbol)) return atomicNumberOf(symbol);
  }
  throw new FormatError(
    'UNKNOWN_ELEMENT',
    positionOf(value, file),
    `site must name an element, got "${excerpt(value.text)}"`,
  );
}

/** One site of the asymmetric unit. */
interface Site {
  readonly z: number;
  readonly at: readonly [number, number, number];
  readonly value: CifValue;
}

function sitesOf(block: CifBlock, loop: CifLoop, file: string): Site[] {
  const column = (name: string): readonly CifValue[] | undefined => loop.columns.get(`_atom_site_${name}`);
  const [x, y, z] = ['fract_x', 'fract_y', 'fract_z'].map(column);
  if (x === undefined || y === undefined || z === undefined)
    throw new FormatError(
      'MISSING_VALUE',
      { file, line: loop.line },
      'sites must have fractional coordinates (_atom_site_fract_x, _y, _z)',
    );
  const symbols = column('type_symbol');
  const labels = column('label');
  const occupancies = column('occupancy');
  if (symbols === undefined && labels === undefined)
    throw new FormatError(
      'MISSING_VALUE',
      { file, line: loop.line },
      'sites must have _atom_site_type_symbol or _atom_site_label',
    );
  return Array.from({ length: loop.rows }, (_, k): Site => {
    const name = labels?.[k]?.text ?? symbols?.[k]?.text ?? String(k);
    const occupancy = occupancies?.[k];
    if (!isAbsent(occupancy)) {
      const share = numberOf(occupancy, `occupancy of ${excerpt(name)}`, file, block);
      if (Math.abs(share - 1) > 1e-3)
        throw new FormatError(
          'PARTIAL_OCCUPANCY',
          positionOf(occupancy!, file),
          `occupancy of site ${excerpt(name)} must be 1, got ${share}: a disordered crystal is no set of atoms; make an ordered cell of it first`,
          { occupancy: share },
        );
    }
    const symbol = symbols?.[k];
    const named = symbol !== undefined && !isAbsent(symbol) ? symbol : labels?.[k];
    if (named === undefined || isAbsent(named))
      throw new FormatError('UNKNOWN_ELEMENT', { file, line: loop.line }, `site ${k} must name its element`);
    const coordinate = (values: readonly CifValue[], axis: string): number =>
      numberOf(values[k], `fract_${axis} of ${excerpt(name)}`, file, block);
    return {
      z: elementOf(named, file, named !== symbol),
      at: [coordinate(x, 'x'), coordinate(y, 'y'), coordinate(z, 'z')],
      value: x[k]!,
    };
  });
}

/** Squared distance of two fractional points, the nearest images, Å². */
function distance2(a: ArrayLike<number>, b: ArrayLike<number>, cell: Float64Array): number {
  const d = [0, 1, 2].map((k) => {
    const x = a[k]! - b[k]!;
    return x - Math.round(x);
  }) as [number, number, number];
  const [x, y, z] = [
    d[0] * cell[0]! + d[1] * cell[3]! + d[2] * cell[6]!,
    d[1] * cell[4]! + d[2] * cell[7]!,
    d[2] * cell[8]!,
  ];
  return x * x + y * y + z * z;
}

/** All atoms that the operations make of a site: its own place first, coinciding images once. */
function orbit(site: Site, operations: readonly SymmetryOperation[], cell: Float64Array): Float64Array[] {
  const images: Float64Array[] = [];
  for (const [k, { rotation, translation }] of operations.entries()) {
    const image = Float64Array.from({ length: 3 }, (_, d) => {
      const row = 3 * d;
      const [x, y, z] = site.at;
      const f = rotation[row]! * x + rotation[row + 1]! * y + rotation[row + 2]! * z + translation[d]!;
      return k === 0 ? f : f - Math.floor(f);
    });
    if (images.every((other) => distance2(image, other, cell) > SAME_SITE * SAME_SITE)) images.push(image);
  }
  return images;
}

/** The closest pair of atoms, where it is closer than twice the distance of images that are one. */
function closestPair(structure: Structure, position: SourcePosition): AtomPair | null {
  try {
    return minimumDistance(structure, 2 * SAME_SITE);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    throw new FormatError(error.code, position, error.message, error.details, error);
  }
}

function frameOf(block: CifBlock, loop: CifLoop, file: string, index: number): Frame {
  const cell = cellOf(block, file);
  const operations = symmetryOperations(block, file);
  const sites = sitesOf(block, loop, file);
  const species: number[] = [];
  const owners: number[] = [];
  const fractional: number[] = [];
  sites.forEach((site, s) => {
    for (const image of orbit(site, operations, cell)) {
      species.push(site.z);
      owners.push(s);
      fractional.push(image[0]!, image[1]!, image[2]!);
    }
  });
  const structure: Structure = {
    positions: cartesianPositions(fractional, cell),
    cell,
    pbc: [true, true, true],
    species: Uint8Array.from(species),
  };
  checkedStructure(structure, `block ${excerpt(block.name)}`, { file, line: block.line });
  const pair = closestPair(structure, { file, line: block.line });
  if (pair !== null && owners[pair.i] !== owners[pair.j]) {
    const later = sites[Math.max(owners[pair.i]!, owners[pair.j]!)]!;
    throw new FormatError(
      'DUPLICATE_ATOM',
      positionOf(later.value, file),
      `site ${owners[pair.j]} must be apart from the images of site ${owners[pair.i]}, got ${pair.distance.toFixed(4)} Å: are atoms listed that the symmetry makes already?`,
      { distance: pair.distance },
    );
  }
  const info: Record<string, InfoValue> = block.name === '' ? {} : { name: block.name };
  return {
    structure,
    labels: { energy: null, forces: null, virial: null },
    group: '',
    info,
    columns: {},
    source: { file, index, line: block.line },
  };
}

/**
 * The structures of a CIF, one per data block that lists sites: symmetry operations applied, images on special positions
 * (within 0.05 Å) once, a along x and b in the xy plane, periodic in all directions. The name of a block is kept as info
 * `name`.
 * @throws FormatError with file, line and column: `PARTIAL_OCCUPANCY`, `MISSING_SYMMETRY`, `MISSING_VALUE`, …
 */
export function parseCif(text: string, file: string): Frame[] {
  if (text.includes('\0')) throw new FormatError('BINARY_FILE', { file }, 'file must be text (UTF-8), got binary data');
  const frames: Frame[] = [];
  for (const block of parseCifBlocks(text.replace(/^\ufeff/, ''), file)) {
    const loop = block.loops.find(({ columns }) =>
      [...columns.keys()].some((name) => /^_atom_site_(?:fract_x|label|type_symbol)$/.test(name)),
    );
    if (loop !== undefined) frames.push(frameOf(block, loop, file, frames.length));
  }
  if (frames.length === 0)
    throw new FormatError('NO_FRAMES', { file }, 'file must hold at least one data block with atom sites, got none');
  return frames;
}

/** A written data block and how the structure stands in it. */
export interface WrittenCif {
  readonly text: string;
  readonly boxed: BoxedStructure;
}

/** Angle of two rows of a cell, degrees. */
function angle(cell: Float64Array, i: number, j: number): number {
  let [dot, ii, jj] = [0, 0, 0];
  for (let k = 0; k < 3; k++) {
    dot += cell[i + k]! * cell[j + k]!;
    ii += cell[i + k]! * cell[i + k]!;
    jj += cell[j + k]! * cell[j + k]!;
  }
  return dot === 0 ? 90 : (Math.acos(Math.max(-1, Math.min(1, dot / Math.sqrt(ii * jj)))) * 180) / Math.PI;
}

/**
 * A data block with every atom in P1, fractional coordinates. A CIF holds no orientation: read back, a lies along x.
 * @throws InputError `SINGULAR_CELL`
 */
export function writeCif(frame: Frame, place: number): WrittenCif {
  const boxed = boxedStructure(frame.structure);
  const { cell, positions, species } = boxed.structure;
  const shifted = positions.map((x, k) => x - boxed.origin[k % 3]!);
  const fractional = fractionalPositions(shifted, cell);
  const { name } = frame.info;
  const given = typeof name === 'string' ? name.replace(/[^\w.+-]+/g, '_') : '';
  const length = (k: number): number =>
    Math.sqrt(cell[k]! * cell[k]! + cell[k + 1]! * cell[k + 1]! + cell[k + 2]! * cell[k + 2]!);
  const lines = [
    `data_${given === '' ? `structure_${place}` : given}`,
    ...['a', 'b', 'c'].map((axis, d) => `_cell_length_${axis} ${formatNumber(length(3 * d))}`),
    `_cell_angle_alpha ${formatNumber(angle(cell, 3, 6))}`,
    `_cell_angle_beta ${formatNumber(angle(cell, 0, 6))}`,
    `_cell_angle_gamma ${formatNumber(angle(cell, 0, 3))}`,
    "_space_group_name_H-M_alt 'P 1'",
    '_space_group_IT_number 1',
    'loop_',
    '_space_group_symop_operation_xyz',
    "'x, y, z'",
    'loop_',
    '_atom_site_label',
    '_atom_site_type_symbol',
    '_atom_site_fract_x',
    '_atom_site_fract_y',
    '_atom_site_fract_z',
    '_atom_site_occupancy',
  ];
  const counts = new Map<number, number>();
  for (let i = 0; i < species.length; i++) {
    const symbol = symbolOf(species[i]!);
    const count = (counts.get(species[i]!) ?? 0) + 1;
    counts.set(species[i]!, count);
    const at = [0, 1, 2].map((d) => formatNumber(fractional[3 * i + d]!)).join(' ');
    lines.push(`${symbol}${count} ${symbol} ${at} 1`);
  }
  return { text: `${lines.join('\n')}\n\n`, boxed };
}
