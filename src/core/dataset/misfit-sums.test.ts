import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { buildAceBasis } from '../descriptors/ace/enumerate.ts';
import { presetSpecification } from '../descriptors/ace/presets.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { RandomStream } from '../random.ts';
import { createFactor, squaredResidual } from '../regression/factor.ts';
import { OBSERVATION_KINDS } from '../regression/regression.ts';
import { accumulateFactors } from './accumulate.ts';
import { columnCount } from './dataset.ts';
import { addMisfits, misfitSums, NO_MISFITS } from './misfit-sums.ts';
import type { ObservationSettings } from './observations.ts';
import type { ObservedFrame } from './robust-weights.ts';
import { frameWeights } from './weights.ts';

const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.2), nmax: [3, 2], lmax: [0, 1] });
const program = createAceProgram(basis);
const random = new RandomStream(6, 'misfit sums');

const frames: ObservedFrame[] = siliconFrames(5).map((frame, f) => {
  const forces = frame.labels.forces!.slice();
  if (f === 1) forces[4] = Number.NaN;
  return {
    ...frame,
    group: f === 2 ? 'heavy' : '',
    info: { origin: f % 2 === 0 ? 'a' : 'b' },
    labels: {
      energy: f === 3 ? null : frame.labels.energy,
      forces: f === 4 ? null : forces,
      virial: f === 0 ? null : frame.labels.virial,
    },
    ...(f === 2
      ? { shares: { energy: 0.5, forces: Float64Array.from({ length: 8 }, (_, i) => 1 / (1 + i)), virial: 0.25 } }
      : {}),
  };
});
const weightsOf = frameWeights({ heavy: { energy: 3, forces: 0.5 } });

function settingsOf(energyNoise: 'sqrt' | 'atom', stress: boolean): ObservationSettings {
  return {
    layout: {
      basis: program.size,
      species: [14],
      referenceEnergies: true,
      stressOffset: stress,
      offsetGroups: ['b'],
    },
    reference: { values: [-4], origin: 'given', degenerate: false },
    energyNoise,
    mask: null,
    offsetKey: 'origin',
    stress,
  };
}

describe('misfitSums', () => {
  it.each([
    ['sqrt', true],
    ['atom', false],
  ] as const)('are the squared residuals of the factors (%s, stress %s)', (energyNoise, stress) => {
    const settings = settingsOf(energyNoise, stress);
    const mean = Float64Array.from({ length: columnCount(settings.layout) }, () => 0.1 * random.normal());
    const factors = accumulateFactors(program, frames, settings, weightsOf, createFactor);
    const evaluated = program.evaluate(
      frames.map(({ structure }) => structure),
      mean.slice(0, program.size),
    );
    const found = frames
      .map((frame, f) => misfitSums(frame, evaluated[f]!, settings, weightsOf(frame), mean))
      .reduce(addMisfits, NO_MISFITS);
    for (const kind of OBSERVATION_KINDS) {
      expect(found.counts[kind]).toBe(factors[kind].count);
      expect(found.squares[kind]).toAgree(squaredResidual(factors[kind], mean), {
        rtol: 1e-9,
        why: 'rounding of the orthogonal factorization',
      });
    }
  });
});
