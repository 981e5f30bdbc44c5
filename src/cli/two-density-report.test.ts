import { describe, expect, it } from 'vitest';
import type { TwoDensityReport } from '../node/training/two-density-fit.ts';
import { twoDensityReport } from './two-density-report.ts';

const report: TwoDensityReport = {
  accepted: true,
  frames: { fitted: 171, heldOut: 43 },
  linear: { loss: 0.1363, energy: 0.0418, forces: 0.1218 },
  best: { loss: 0.1147, energy: 0.0327, forces: 0.1042 },
  passes: [
    { loss: 0.13, damping: 0.01 },
    { loss: 0.1147, damping: 0.001 },
  ],
};

describe('twoDensityReport', () => {
  it('says what was gained and what kind of model it is', () => {
    expect(twoDensityReport(report)).toBe(
      'two densities, E_i = ρ₁ + F(ρ₂): 2 passes over 171 structures; loss on 43 held-out ones 115 meV/Å, ' +
        '16 % below that of one density (F RMSE 104 against 122 meV/Å)\n' +
        'the model is nonlinear; its error bars are those of its linearisation at the fitted weights\n',
    );
  });

  it('says that nothing was gained', () => {
    const text = twoDensityReport({ ...report, accepted: false, best: { ...report.best, loss: 0.14 } });
    expect(text).toContain('2.7 % above that of one density');
    expect(text).toContain('that is no gain worth having: the model is linear\n');
    expect(text).not.toContain('nonlinear');
  });
});
