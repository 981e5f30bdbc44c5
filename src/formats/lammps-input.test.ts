import { describe, expect, it } from 'vitest';
import { gradeLines, HALT_GRADE, KEEP_GRADE, lammpsInput, potentialLines } from './lammps-input.ts';
import { potentialFormat, readPotentialFile } from './potential-file.ts';

const SILICA = { elements: ['O', 'Si'], file: 'pot.yaml', activeSet: 'pot.asi' };

describe('lines for LAMMPS', () => {
  it('name the pair style, the files and the elements in the order of atom types', () => {
    expect(potentialLines(SILICA)).toEqual([
      'units metal',
      'atom_style atomic',
      'pair_style pace/extrapolation',
      'pair_coeff * * pot.yaml pot.asi O Si',
    ]);
    expect(potentialLines({ elements: ['Cu'], file: 'my cu.yace', activeSet: null }).slice(2)).toEqual([
      'pair_style pace',
      'pair_coeff * * "my cu.yace" Cu',
    ]);
  });

  it('keep what extrapolates and halt before it breaks', () => {
    const lines = gradeLines(['O', 'Si']).join('\n');
    expect(lines).toContain('pace/extrapolation gamma 1');
    expect(lines).toContain(`c_max_gamma < ${KEEP_GRADE}`);
    expect(lines).toContain(`v_max_gamma > ${HALT_GRADE}`);
    expect(lines).toContain('dump_modify extrapolating element O Si');
  });

  it('make a whole input: every variable and fix that is used is defined before', () => {
    for (const potential of [SILICA, { ...SILICA, activeSet: null }]) {
      const text = lammpsInput(potential);
      expect(text).toMatch(/^mass 1 15\.999 # O$/m);
      expect(text).toMatch(/^mass 2 28\.085 # Si$/m);
      const lines = text.split('\n').map((line) => line.replace(/#.*/, ''));
      const defined = new Set<string>();
      for (const line of lines) {
        for (const [, braced] of line.matchAll(/\$\{(\w+)\}/g)) expect(defined).toContain(`v_${braced}`);
        for (const [name] of line.matchAll(/\b[vcf]_\w+/g)) expect(defined).toContain(name);
        const own = /^(variable|compute|fix) (\w+)/.exec(line);
        if (own !== null) defined.add(`${own[1]![0]}_${own[2]}`);
      }
      expect(lines.findIndex((line) => line.startsWith('read_data'))).toBeLessThan(
        lines.findIndex((line) => line.startsWith('pair_style')),
      );
      expect(text.includes('gamma')).toBe(potential.activeSet !== null);
    }
  });
});

describe('potential files', () => {
  it('are told by their names', () => {
    expect(['a.yace', 'a.YAML', 'b.yml', 'c.asi', 'yace'].map(potentialFormat)).toEqual([
      'yace',
      'yaml',
      'yaml',
      null,
      null,
    ]);
    expect(() => readPotentialFile('', 'a.txt')).toThrow('a.txt: potential must be a file that ends in .yace or .yaml');
  });
});
