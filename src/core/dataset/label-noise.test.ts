import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { transformRows } from '../structure/cell.ts';
import { rotatedTensor } from '../structure/rigid-motion.ts';
import type { Labels, Structure } from '../structure/structure.ts';
import type { RepeatedLabel, Variation } from './label-noise.ts';
import { labelNoise, repeatOf } from './label-noise.ts';

const N = 8;
const random = new RandomStream(1, 'label noise');
const structure: Structure = {
  positions: Float64Array.from({ length: 3 * N }, () => 4 * random.uniform()),
  cell: Float64Array.of(5, 0, 0, 0, 5, 0, 0, 0, 5),
  pbc: [true, true, true],
  species: new Uint8Array(N).fill(14),
};
const SIGMA = { energy: 0.003, forces: 0.02, virial: 0.05 };

/** Labels of a structure with noise of a known size, or none; the truth turns with the structure. */
function labelsOf(rotation: Float64Array | null, noise: RandomStream | null, offset = 0): Labels {
  const truth = new RandomStream(99, 'truth');
  const error = (sigma: number): number => (noise === null ? 0 : sigma * noise.normal());
  const forces = Float64Array.from({ length: 3 * N }, () => truth.normal());
  // Forces of a potential add up to nothing.
  for (let c = 0; c < 3; c++) {
    let mean = 0;
    for (let i = 0; i < N; i++) mean += forces[3 * i + c]! / N;
    for (let i = 0; i < N; i++) forces[3 * i + c]! -= mean;
  }
  const virial = Float64Array.from({ length: 6 }, () => truth.normal());
  const turned = rotation === null ? forces : transformRows(forces, rotation);
  const stressed = rotation === null ? virial : rotatedTensor(virial, rotation);
  return {
    energy: (offset - 5) * N + error(SIGMA.energy * Math.sqrt(N)),
    forces: turned.map((f) => f + error(SIGMA.forces)),
    virial: stressed.map((w) => w + error(SIGMA.virial * Math.sqrt(N))),
  };
}

function repeats(variation: Variation, count: number, offset = 0): RepeatedLabel[] {
  return Array.from({ length: count }, (_, k) => {
    const repeat = repeatOf(structure, variation, new RandomStream(k, 'repeat'));
    const noise = variation === 'settings' ? null : new RandomStream(k, 'second');
    return {
      repeat,
      first: labelsOf(null, new RandomStream(k, 'first')),
      second: labelsOf(repeat.rotation, noise, offset),
    };
  });
}

const SCATTER = { rtol: 0.2, why: 'standard deviation of 200 values, or of 200 structures, is known to a tenth' };

describe('repeatOf', () => {
  it('moves all atoms alike, turns the whole, or leaves the structure as it is', () => {
    const moved = repeatOf(structure, 'shift', random);
    const step = moved.structure.positions.map((x, k) => x - structure.positions[k]!);
    expect(step.every((x, k) => Math.abs(x - step[k % 3]!) < 1e-12 && Math.abs(x) <= 0.5)).toBe(true);
    expect(repeatOf(structure, 'rotation', random).rotation).toHaveLength(9);
    expect(repeatOf(structure, 'settings', random).structure).toBe(structure);
  });
});

describe('labelNoise', () => {
  it.each(['shift', 'rotation'] as const)('finds the noise of labels and of their copies by %s', (variation) => {
    const list = repeats(variation, 200);
    const noise = labelNoise(
      list,
      list.map(({ first }) => first),
    );
    expect(noise.energy).toAgree(SIGMA.energy, SCATTER);
    expect(noise.forces).toAgree(SIGMA.forces, SCATTER);
    expect(noise.virial).toAgree(SIGMA.virial, SCATTER);
    expect(noise.netForce).toAgree(SIGMA.forces, SCATTER);
    expect(noise.variations).toMatchObject([{ variation, count: 200 }]);
  });

  it('takes other settings for the truth, but for what is common to all energies', () => {
    const list = repeats('settings', 200, 0.05);
    const noise = labelNoise(list, []);
    expect(noise.energy).toAgree(SIGMA.energy, SCATTER);
    expect(noise.forces).toAgree(SIGMA.forces, SCATTER);
    expect(noise.netForce).toBeNaN();
  });

  it('adds errors of different origin in squares', () => {
    const list = [...repeats('shift', 100), ...repeats('settings', 100)];
    expect(labelNoise(list, []).energy).toAgree(Math.SQRT2 * SIGMA.energy, SCATTER);
  });

  it('says nothing of labels that are not there, and needs repeats', () => {
    const list = repeats('shift', 3).map(({ repeat, first, second }) => ({
      repeat,
      first: { ...first, virial: null },
      second: { ...second, forces: null },
    }));
    expect(labelNoise(list, [])).toMatchObject({ forces: Number.NaN, virial: Number.NaN });
    expect(() => labelNoise([], [])).toThrow('repeated labels must be at least one');
  });
});
