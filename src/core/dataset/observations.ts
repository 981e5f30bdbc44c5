import type { StructureRows } from '../descriptors/descriptors.ts';
import type { PerKind } from '../regression/regression.ts';
import type { Frame, Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';
import type { ColumnLayout, EnergyNoise, ReferenceEnergies } from './dataset.ts';
import { columnCount, columnOffsets } from './dataset.ts';

/**
 * Which force components symmetry fixes: their rows vanish against a typical row, so they carry no information, and
 * counting them would make any error bar look right (they are zero in model and reference alike).
 */
export interface ForceMask {
  /** [basis] root mean square of each column over force rows. */
  readonly scale: Float64Array;
}

/** A component is fixed by symmetry when its squared scaled row norm is below this share of the number of columns. */
export const SYMMETRY_THRESHOLD = 1e-4;

/** What turns frames into observations; plain data but for the weights. */
export interface ObservationSettings {
  readonly layout: ColumnLayout;
  readonly reference: ReferenceEnergies;
  readonly energyNoise: EnergyNoise;
  readonly mask: ForceMask | null;
  /** Info key that names a frame's label group, or null. */
  readonly offsetKey: string | null;
  /** Whether virial labels enter the fit. */
  readonly stress: boolean;
}

/** Label group of a frame for the offset columns. */
export function offsetGroupOf(frame: Pick<Frame, 'info'>, key: string | null): string {
  return key === null ? '' : String(frame.info[key] ?? '');
}

/** Observations of one kind of one structure: rows divided by their scale s, not yet by the noise. */
export interface ObservationBlock {
  /** [m, d] row-major, all columns of the layout. */
  readonly rows: Float64Array;
  readonly count: number;
  /** s of every row of this block. */
  readonly scale: number;
  /** [m] index of each row among the structure's components (force component 3i+c, Voigt index; 0 for the energy). */
  readonly components: Int32Array;
}

/** Design rows of one structure by kind, masked and scaled. */
export type StructureBlocks = PerKind<ObservationBlock>;

function forceRowsKept(rows: StructureRows, basis: number, mask: ForceMask | null): Int32Array {
  const count = rows.forces.length / basis;
  const kept: number[] = [];
  for (let r = 0; r < count; r++) {
    if (mask === null) {
      kept.push(r);
      continue;
    }
    let norm = 0;
    for (let v = 0; v < basis; v++) {
      const s = mask.scale[v]!;
      if (s > 0) {
        const x = rows.forces[r * basis + v]! / s;
        norm += x * x;
      }
    }
    if (norm >= SYMMETRY_THRESHOLD * basis) kept.push(r);
  }
  return Int32Array.from(kept);
}

function widened(rows: Float64Array, basis: number, kept: Int32Array, columns: number, scale: number): Float64Array {
  const out = new Float64Array(kept.length * columns);
  kept.forEach((source, target) => {
    const from = source * basis;
    const to = target * columns;
    for (let v = 0; v < basis; v++) out[to + v] = rows[from + v]! / scale;
  });
  return out;
}

/**
 * The rows of a structure in all columns of a layout: energy/s_E, forces without components fixed by symmetry,
 * virial/√N. s_E is √N or N.
 */
export function structureBlocks(
  structure: Structure,
  rows: StructureRows,
  layout: ColumnLayout,
  options: { readonly energyNoise: EnergyNoise; readonly mask: ForceMask | null; readonly offsetGroup: string },
): StructureBlocks {
  const n = atomCount(structure);
  const d = columnCount(layout);
  const offsets = columnOffsets(layout);
  const energyScale = options.energyNoise === 'sqrt' ? Math.sqrt(n) : n;
  const virialScale = Math.sqrt(n);

  const energy = widened(rows.energy, layout.basis, Int32Array.of(0), d, energyScale);
  if (layout.referenceEnergies) {
    for (const z of structure.species)
      energy[offsets.referenceEnergies + layout.species.indexOf(z)]! += 1 / energyScale;
  }
  const group = layout.offsetGroups.indexOf(options.offsetGroup);
  if (group >= 0) energy[offsets.groups + group] = n / energyScale;

  const kept = forceRowsKept(rows, layout.basis, options.mask);
  const forces = widened(rows.forces, layout.basis, kept, d, 1);

  const six = Int32Array.of(0, 1, 2, 3, 4, 5);
  const virial = widened(rows.virial, layout.basis, six, d, virialScale);
  if (layout.stressOffset) for (let c = 0; c < 3; c++) virial[c * d + offsets.stressOffset] = n / virialScale;

  return {
    energy: { rows: energy, count: 1, scale: energyScale, components: Int32Array.of(0) },
    forces: { rows: forces, count: kept.length, scale: 1, components: kept },
    virial: { rows: virial, count: 6, scale: virialScale, components: six },
  };
}

/** Rows and targets of the labels that a frame really has, ready for a factor. */
export interface LabelledBlock {
  readonly rows: Float64Array;
  /** [m] (label − baseline)/s. */
  readonly targets: Float64Array;
  readonly count: number;
  readonly scale: number;
  readonly components: Int32Array;
}

/** Σ of reference energies over the atoms of a structure, eV. */
export function referenceEnergyOf(
  structure: Structure,
  species: readonly number[],
  reference: ReferenceEnergies,
): number {
  let sum = 0;
  for (const z of structure.species) sum += reference.values[species.indexOf(z)]!;
  return sum;
}

/** Keeps the rows whose label is there and forms the targets: label minus what the model does not fit. */
function labelled(block: ObservationBlock, labelOf: (component: number) => number): LabelledBlock {
  const d = block.count === 0 ? 0 : block.rows.length / block.count;
  const targets = new Float64Array(block.count);
  const present: number[] = [];
  for (let r = 0; r < block.count; r++) {
    const value = labelOf(block.components[r]!);
    if (Number.isNaN(value)) continue;
    targets[present.length] = value / block.scale;
    present.push(r);
  }
  if (present.length === block.count) return { ...block, targets };
  const rows = new Float64Array(present.length * d);
  for (const [p, r] of present.entries()) rows.set(block.rows.subarray(r * d, (r + 1) * d), p * d);
  return {
    rows,
    targets: targets.slice(0, present.length),
    count: present.length,
    scale: block.scale,
    components: Int32Array.from(present, (r) => block.components[r]!),
  };
}

/** Observations of a frame by kind: its blocks with the targets of the labels it has (absent labels have no row). */
export function labelledBlocks(
  frame: Frame,
  rows: StructureRows,
  blocks: StructureBlocks,
  layout: ColumnLayout,
  reference: ReferenceEnergies,
): PerKind<LabelledBlock> {
  const { labels, structure } = frame;
  const fixed = referenceEnergyOf(structure, layout.species, reference) + rows.baseline.energy;
  return {
    energy: labelled(blocks.energy, () => (labels.energy === null ? Number.NaN : labels.energy - fixed)),
    forces: labelled(blocks.forces, (c) =>
      labels.forces === null ? Number.NaN : labels.forces[c]! - rows.baseline.forces[c]!,
    ),
    virial: labelled(blocks.virial, (c) =>
      labels.virial === null ? Number.NaN : labels.virial[c]! - rows.baseline.virial[c]!,
    ),
  };
}

/** All rows of some blocks over their noise σ·s/√u, stacked energy, forces, virial: what acquisition and PRESS see. */
export function whitened(
  blocks: PerKind<{ readonly rows: Float64Array; readonly count: number }>,
  noise: PerKind<number>,
  weights: PerKind<number>,
  columns: number,
): { rows: Float64Array; count: number } {
  const count = blocks.energy.count + blocks.forces.count + blocks.virial.count;
  const rows = new Float64Array(count * columns);
  let at = 0;
  for (const kind of ['energy', 'forces', 'virial'] as const) {
    const factor = Math.sqrt(weights[kind]) / noise[kind];
    const source = blocks[kind].rows;
    for (let i = 0; i < source.length; i++) rows[at + i] = source[i]! * factor;
    at += source.length;
  }
  return { rows, count };
}
