import { describe, expect, it } from 'vitest';
import { fitOn, siliconFrames } from '../../test/support/models.ts';
import { RandomStream } from '../core/random.ts';
import type { EvaluatedFrame } from '../core/validation/summary.ts';
import { summarizeEvaluation, summarizeGroups } from '../core/validation/summary.ts';
import { calibratedKinds, calibrationTable, groupCalibrationTable, uncalibratedWarning } from './calibration-table.ts';

/** A frame of two atoms whose forces are off by what its sigmas say. */
function frame(index: number, group: string, scale = 1): EvaluatedFrame {
  const random = new RandomStream(1, 'calibration table', index);
  const sigmas = Float64Array.from({ length: 6 }, (_, i) => scale * (i < 3 ? 0.05 : 0.4));
  return {
    atoms: 2,
    group,
    symbols: ['Si', 'Si'],
    energyError: 0.02 * random.normal(),
    energySigma: 0.02,
    forceErrors: sigmas.map((s) => s * random.normal()),
    forceSigmas: sigmas,
    stressErrors: null,
    stressSigmas: null,
  };
}

const frames = Array.from({ length: 40 }, (_, k) => frame(k, k % 2 === 0 ? 'bulk' : 'surface'));

describe('calibrationTable', () => {
  const text = calibrationTable(summarizeEvaluation(frames, 3));

  it('has one line for each quantity, and the floor of each figure in brackets', () => {
    const [header, , energy, forces, stress] = text.split('\n');
    expect(header).toMatch(/^error bars +rms z +in 90 % +in 95 % +ECE +ENCE +NLL +CRPS +worst \|z\|$/);
    expect(energy).toMatch(/^energy .* meV\/cell +\d\.\d+ \(3\.2\)$/);
    expect(forces).toMatch(/^forces .* 0\.\d+ \(0\.\d+\) .* meV\/Å /);
    expect(stress).toMatch(/^stress( +-){8}$/);
  });

  it('says how well the bars rank, beside what perfect ones would', () => {
    const found =
      /rank correlation with \|ΔF\| (0\.\d+), (0\.\d+) if the bars were perfect; the (\d+) beyond 0\.3/.exec(text)!;
    expect(Math.abs(Number(found[1]) - Number(found[2]))).toBeLessThan(0.2);
    expect(Number(found[3])).toBeGreaterThan(20);
    expect(text).toContain('% of the worst 1 % of errors are among the largest 10 % of bars');
    expect(text).toContain('nominal 95 %');
  });

  it('says what the bars are made of, and that the noise of labels has not been measured', () => {
    expect(text).not.toContain('sigma made of');
    const parts = (label: number) => ({ label, modelForm: 0.03, epistemic: 0.04 });
    const known = frames.map((own) => ({
      ...own,
      parts: { energy: parts(0), forces: [parts(0.001), parts(0.001)], stress: null },
    }));
    const lines = calibrationTable(summarizeEvaluation(known, 3)).split('\n');
    const at = lines.findIndex((line) => line.startsWith('sigma made of'));
    expect(lines[at]).toMatch(/^sigma made of +labels +model form +epistemic +rms/);
    expect(lines[at + 2]).toMatch(/^energy +not measured +15\.0 +20\.0 +meV\/atom/);
    expect(lines[at + 3]).toMatch(/^forces +1\.000 +30\.0 +40\.0 +meV\/Å/);
    expect(lines[at + 4]).toMatch(/^stress +- +- +- /);
  });
});

describe('uncalibratedWarning', () => {
  it('names the kinds that have labels and no calibration', async () => {
    const { model } = await fitOn(1, siliconFrames(6));
    expect(uncalibratedWarning(model)).toBe(
      'warning: error bars of energies, forces, stress are not calibrated: 6 structures are fewer than 10\n',
    );
    expect(calibratedKinds(model)).toEqual({ energy: false, forces: false, stress: false });
    const training = { ...model.training, rows: { energy: 0, forces: 1, virial: 0 } };
    expect(uncalibratedWarning({ ...model, training })).toMatch(/^warning: error bars of forces are not calibrated/);
    expect(uncalibratedWarning((await fitOn(1, siliconFrames(11))).model)).toBe('');
  });
});

describe('groupCalibrationTable', () => {
  it('has one line for each group and is nothing for a single one', () => {
    const text = groupCalibrationTable(summarizeGroups(frames, 3));
    expect(text).toMatch(/bulk +20 +\d/);
    expect(text).toMatch(/surface +20 +\d/);
    expect(groupCalibrationTable(summarizeGroups([frame(0, 'bulk')], 3))).toBe('');
  });
});
