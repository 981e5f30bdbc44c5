import { describe, expect, it } from 'vitest';
import type { BasisChoice } from '../node/training/choose-basis.ts';
import { choiceJson, choiceReport } from './choice-report.ts';

const judged = (energyMae: number, forces: number) => ({
  rmse: { energy: 1.3 * energyMae, forces, virial: Number.NaN },
  energyMae,
  score: forces,
});

const choice: BasisChoice = {
  curve: [
    { functions: 122, microseconds: 11.4, description: '8,4,3/0,3,2', ...judged(0.0205, 0.1362) },
    { functions: 391, microseconds: 28.3, description: '12,5,4/0,4,3', ...judged(0.0153, 0.1109) },
  ],
  best: 1,
  rule: 'the smallest basis whose left-out loss is within 0.5 % of the least',
  strengths: [
    { strength: 4e-7, ...judged(0.0153, 0.1109) },
    { strength: 4e-8, ...judged(0.0154, 0.111) },
  ],
  strength: 4e-7,
  balances: [
    { ratio: 0.1, ...judged(0.016, 0.11) },
    { ratio: 0.05, ...judged(0.0153, 0.1109) },
  ],
  ratio: 0.05,
  folds: 5,
  natural: { stiffness: 4e-7, virialToForce: 1 },
  cutoffs: null,
};
const cutoffs = {
  cutoff: 4.3,
  rule: 5,
  trials: [
    { cutoff: 4.3, score: 0.0551 },
    { cutoff: 5, score: 0.0694 },
  ],
  structures: 333,
};

describe('report of a choice', () => {
  it('shows the curve with the chosen basis marked, and what else was chosen', () => {
    const text = choiceReport(choice);
    const lines = text.split('\n');
    expect(lines[0]).toBe(
      'chosen from the training data (5 folds of whole structures; the loss weighs energies as σ_E/σ_F asks):',
    );
    expect(lines[1]).toBe(
      '   functions  µs/atom (est.)  E MAE meV/√atom  F RMSE meV/Å  loss meV/Å  nmax/lmax by order',
    );
    expect(lines[3]).toMatch(/^ +122 +11 +20\.5 +136 +136 {2}8,4,3\/0,3,2$/);
    expect(lines[4]).toMatch(/^→ +391 +28 +15\.3 +111 +111 {2}12,5,4\/0,4,3$/);
    expect(text).toContain('basis: 391 functions, the smallest basis whose left-out loss is within 0.5 % of the least');
    expect(text).toContain('balance: σ_E/σ_F 0.0500 Å of 0.05 to 0.1');
  });

  it('leaves the range of a balance out that was not chosen', () => {
    expect(choiceReport({ ...choice, balances: choice.balances.slice(1) })).toContain('σ_E/σ_F 0.0500 Å\n');
  });

  it('says which cutoff was taken and what others came to', () => {
    expect(choiceReport(choice)).not.toContain('cutoff');
    expect(choiceReport({ ...choice, cutoffs })).toContain(
      'cutoff: 4.3 Å, instead of the 5 Å of the rule; loss on 333 structures, meV/Å: 4.3 Å 55.1, 5 Å 69.4\n',
    );
    expect(choiceReport({ ...choice, cutoffs: { ...cutoffs, cutoff: 5 } })).toContain('5 Å, that of the rule;');
    const { choices } = choiceJson({ ...choice, cutoffs }) as { choices: Record<string, unknown> };
    expect(choices).toMatchObject({ cutoff: 4.3, cutoffs: cutoffs.trials });
  });

  it('is JSON with choices and curve', () => {
    const { choices, curve } = choiceJson(choice) as { choices: Record<string, unknown>; curve: unknown[] };
    expect(choices).toMatchObject({ functions: 391, ratio: 0.05, priorStrength: 4e-7, folds: 5, microseconds: 28.3 });
    expect(curve).toHaveLength(2);
    expect(curve[1]).toMatchObject({ functions: 391, energyMae: 0.0153, forceRmse: 0.1109, chosen: true });
    expect(choiceJson(null)).toEqual({ choices: null, curve: [] });
  });
});
