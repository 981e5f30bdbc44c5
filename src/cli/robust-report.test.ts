import { describe, expect, it } from 'vitest';
import type { RobustReport } from '../node/training/robust-fit.ts';
import { robustReport } from './robust-report.ts';

const report: RobustReport = {
  threshold: 2,
  passes: 7,
  converged: true,
  scales: { energy: 0.0123, forces: 0.05, virial: 0.2 },
  downweighted: { energy: 0.1, forces: 0.025, virial: 0 },
  lowest: [
    { name: 'a.xyz:381: structure 38', energy: 1, forces: 0.0126, virial: 1, atoms: 2 },
    { name: 'a.xyz:11: structure 1', energy: 0.5, forces: null, virial: null, atoms: 0 },
  ],
};

describe('robustReport', () => {
  it('says what counts less and where', () => {
    const [head, ...table] = robustReport(report).split('\n');
    expect(head).toBe(
      'robust loss (Huber, 2.0 robust σ; weights settled after 7 passes): less weight for 10 % of the energies beyond ' +
        '24.6 meV/√atom, 2.5 % of the forces on atoms beyond 100 meV/Å, 0 % of the virials beyond 0.400 eV/√atom',
    );
    expect(table.find((line) => line.includes('structure 38'))).toMatch(/1\.0 +0\.013 +1\.0 +2$/);
    expect(table.find((line) => line.includes('structure 1 '))).toMatch(/0\.50? +- +- +0$/);
  });

  it('leaves out what there is none of', () => {
    const none = { ...report, converged: false, scales: { ...report.scales, virial: null }, lowest: [] };
    const text = robustReport(none);
    expect(text).toContain('not settled after 7 passes');
    expect(text).not.toContain('virials');
    expect(text.trim().split('\n')).toHaveLength(1);
  });
});
