import { InputError } from '../errors.ts';
import type { Frame } from '../structure/structure.ts';
import type { FrameWeights } from './dataset.ts';
import type { PerKind } from '../regression/regression.ts';

const ONE: PerKind<number> = { energy: 1, forces: 1, virial: 1 };

/** Keys of a comment line that weigh one frame, by kind; `config_weight` weighs all three. */
const FRAME_KEYS: PerKind<readonly string[]> = {
  energy: ['energy_weight', 'config_energy_weight'],
  forces: ['forces_weight', 'force_weight', 'config_forces_weight'],
  virial: ['virial_weight', 'stress_weight', 'config_virial_weight', 'config_stress_weight'],
};

function frameWeight(frame: Frame, keys: readonly string[]): number {
  for (const key of keys) {
    const value = frame.info[key];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
      throw new InputError(
        'BAD_WEIGHT',
        `${frame.source.file}:${frame.source.line}: ${key} must be a finite number ≥ 0, got ${JSON.stringify(value)}`,
      );
    }
    return value;
  }
  return 1;
}

/**
 * Weights u of a frame: the product of its group's, of its own keys (`energy_weight`, `forces_weight`,
 * `virial_weight`) and of `config_weight`. They multiply the precision; 0 drops the observation.
 *
 * @param groups weights by `config_type`; a group that is not listed counts 1
 * @throws InputError `BAD_WEIGHTS`, and `BAD_WEIGHT` from the function when a frame's own weight is bad
 */
export function frameWeights(groups: Readonly<Record<string, Partial<PerKind<number>>>> = {}): FrameWeights {
  for (const [group, weights] of Object.entries(groups)) {
    for (const [kind, value] of Object.entries(weights)) {
      if (typeof value !== 'number' || !(value >= 0) || !Number.isFinite(value)) {
        throw new InputError(
          'BAD_WEIGHTS',
          `weight of ${kind} of group "${group}" must be a finite number ≥ 0, got ${value}`,
        );
      }
    }
  }
  return (frame) => {
    const group = { ...ONE, ...groups[frame.group] };
    const all = frameWeight(frame, ['config_weight']);
    return {
      energy: group.energy * all * frameWeight(frame, FRAME_KEYS.energy),
      forces: group.forces * all * frameWeight(frame, FRAME_KEYS.forces),
      virial: group.virial * all * frameWeight(frame, FRAME_KEYS.virial),
    };
  };
}
