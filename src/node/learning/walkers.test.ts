import { beforeAll, describe, expect, it } from 'vitest';
import { fitOn, siliconFrames } from '../../../test/support/models.ts';
import { explorationPlans } from '../../core/sampling/plans.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import { writeModel } from '../../formats/model-file.ts';
import { openModel } from '../training/open-model.ts';
import { type ModelHandle, Machine } from '../workers/machine.ts';
import { exploreWalker, WORTH_WATCHING } from './walkers.ts';

const CRYSTAL = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [2, 2, 2] });
const CONDITIONS = { temperatures: { values: [300] }, strain: { diagonal: 0.01, shear: 0.01 } };

let model: ModelHandle;

beforeAll(async () => {
  const fit = await fitOn(1, siliconFrames(20, { rattle: 0.2 }));
  model = openModel(writeModel(fit.model, fit.basis));
});

const walk = (machine: Machine, steps: number, walker = 0) => {
  const plan = explorationPlans([CRYSTAL], CONDITIONS, 2, 1, 1, { steps, timeStep: 2 })[walker]!;
  return exploreWalker(machine, { model, plan, seed: 1, options: { trustInterval: 10 } });
};
const spared = ({ decisions }: ReturnType<typeof walk>) =>
  decisions.filter(({ reason }) => reason.startsWith('estimated')).length;

describe('walkers of a run', () => {
  const enough = Math.ceil(WORTH_WATCHING / 64);

  it('are watched where that is worth its preparation', () => {
    const machine = new Machine('typescript');
    expect(spared(walk(machine, 20))).toBe(0);
    expect(spared(walk(machine, enough))).toBeGreaterThan(3);
    machine.dispose();
  });

  it('go the same way whatever ran on their thread before', () => {
    const [fresh, used] = [new Machine('typescript'), new Machine('typescript')];
    walk(used, enough, 1);
    expect(walk(used, enough)).toEqual(walk(fresh, enough));
    fresh.dispose();
    used.dispose();
  });
});
