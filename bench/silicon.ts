/** A task of learning that needs no data of others: rattled silicon cells labelled by the Stillinger–Weber potential. */
import { accumulateFactors, forceColumnScale } from '../src/core/dataset/accumulate.ts';
import { type ColumnLayout, columnCount } from '../src/core/dataset/dataset.ts';
import type { ObservationSettings } from '../src/core/dataset/observations.ts';
import { referenceEnergies } from '../src/core/dataset/reference-energies.ts';
import { frameWeights } from '../src/core/dataset/weights.ts';
import type { AceBasis } from '../src/core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../src/core/descriptors/ace/enumerate.ts';
import { type PresetName, presetLimits, presetSpecification } from '../src/core/descriptors/ace/presets.ts';
import { basisSmoothness, DEFAULT_SMOOTHNESS } from '../src/core/descriptors/ace/smoothness.ts';
import type { AceProgram } from '../src/core/descriptors/descriptors.ts';
import { columnScales } from '../src/core/regression/factor.ts';
import { smoothnessPrior } from '../src/core/regression/prior.ts';
import type { FactorState, PerKind, Prior } from '../src/core/regression/regression.ts';
import type { Frame } from '../src/core/structure/structure.ts';
import type { Kernels } from '../src/kernels/kernels.ts';
import { DEFAULT_FIT, type FitSettings } from '../src/node/training/settings.ts';
import { siliconFrames } from '../test/support/models.ts';

const SILICON = 14;

/** Frames and what turns them into observations. */
export interface SiliconTask {
  readonly basis: AceBasis;
  readonly frames: readonly Frame[];
  readonly observation: ObservationSettings;
}

/** Settings of a fit of that task. */
export function siliconFit(preset: 'small' | 'medium' | 'large'): FitSettings {
  return { ...DEFAULT_FIT, preset, cutoff: 6, balance: 'fixed' };
}

/** Makes the task with so many structures of 8 atoms times `repeat`. */
export function siliconTask(
  preset: PresetName,
  structures: number,
  repeat: readonly [number, number, number],
  kernels: Kernels,
): SiliconTask {
  const basis = buildAceBasis(
    presetSpecification(preset, ['Si'], 6, () => 2.2),
    presetLimits(preset),
  );
  const frames = siliconFrames(structures, { repeat });
  const layout: ColumnLayout = {
    basis: basis.offsets.at(-1)!,
    species: [SILICON],
    referenceEnergies: true,
    stressOffset: false,
    offsetGroups: [],
  };
  const program = kernels.prepare(basis);
  const scale = forceColumnScale(
    program,
    frames.slice(0, 4).map(({ structure }) => structure),
  );
  program.dispose();
  const observation: ObservationSettings = {
    layout,
    reference: referenceEnergies(frames, [SILICON], {}),
    energyNoise: 'sqrt',
    mask: { scale },
    offsetKey: null,
    stress: true,
  };
  return { basis, frames, observation };
}

/** The first pass of a fit over frames: rows and triangular factors. */
export function firstPassOf(
  task: SiliconTask,
  frames: readonly Frame[],
  program: AceProgram,
  kernels: Kernels,
): PerKind<FactorState> {
  return accumulateFactors(program, frames, task.observation, frameWeights(), (columns) => kernels.factor(columns));
}

/** The prior of a fit. */
export function priorOf(task: SiliconTask, factors: PerKind<FactorState>): Prior {
  const { layout } = task.observation;
  const scales = columnScales(factors.forces).slice(0, layout.basis);
  const smoothness = basisSmoothness(task.basis, DEFAULT_SMOOTHNESS);
  return smoothnessPrior(
    scales,
    smoothness,
    Array.from({ length: columnCount(layout) - layout.basis }, () => 0.01),
  );
}
