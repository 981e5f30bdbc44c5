import { afterAll, describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../test/support/models.ts';
import { presetSpecification } from '../../core/descriptors/ace/presets.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import { RandomStream } from '../../core/random.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { writeYace } from '../../formats/yace.ts';
import { createPool } from '../workers/pool.ts';
import { evaluateWithFile } from './file-potential.ts';

const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 3.6), nmax: [3, 2], lmax: [0, 1] });
const stream = new RandomStream(3, 'file potential');
const coefficients = Float64Array.from({ length: basis.offsets.at(-1)! }, () => 0.1 * stream.normal());
const text = writeYace({ basis, coefficients, e0: [-1] });
const potential = { id: 'a', name: 'si.yace', text };

const [small] = siliconFrames(1);
const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [4, 4, 5] });
const large: Frame = {
  ...small!,
  structure: { ...crystal, positions: crystal.positions.map((x) => x + 0.05 * stream.normal()) },
};

const pools = [1, 2].map((threads) => createPool(threads, null));
afterAll(() => Promise.all(pools.map((pool) => pool.dispose())));

describe('evaluateWithFile', () => {
  it('gives the same bits on any number of threads, of small and large structures in order', async () => {
    const [one, two] = [
      await evaluateWithFile(potential, [large, small!, large], pools[0]!),
      await evaluateWithFile(potential, [large, small!, large], pools[1]!),
    ];
    expect(two).toEqual(one);
    expect(one[2]).toEqual(one[0]);
    expect(one.map(({ forces }) => forces.length)).toEqual([3 * 640, 3 * 8, 3 * 640]);
  });

  it('adds the shares of a structure up to the whole', async () => {
    const [shared] = await evaluateWithFile(potential, [large], pools[0]!);
    const whole = createYacePotential(readYace(text, 'si.yace'), 'splines').evaluate(large.structure);
    const why = 'sums in another order';
    expect(shared!.energy).toAgree(whole.energy, { rtol: 1e-12, why });
    expect(shared!.forces).toAgree(whole.forces, { atol: 1e-11, why });
    expect(shared!.virial).toAgree(whole.virial, { atol: 1e-9, why });
    expect(shared!.atomEnergies!).toAgree(whole.atomEnergies!, { atol: 1e-11, why });
  });

  it('names the frame that it cannot evaluate', async () => {
    const foreign = { ...small!, structure: { ...small!.structure, species: new Uint8Array(8).fill(32) } };
    await expect(evaluateWithFile(potential, [small!, foreign], pools[1]!)).rejects.toThrow(
      /made\.xyz:1: structure 0: species must be one of Si, got Ge/,
    );
  });
});
