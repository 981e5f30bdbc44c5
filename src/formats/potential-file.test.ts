import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { FormatError } from '../core/errors.ts';
import { potentialFormat, readBBasisFile, readPotentialFile } from './potential-file.ts';

const { A5_P1, A5_P2 } = golden<{ A: Record<'A5_P1' | 'A5_P2', { yace: string; bbasis_yaml: string }> }>(
  'reference-values',
).A;

describe('potential files', () => {
  it('are told by their ending', () => {
    expect(['a.yace', 'b/A.YACE', 'c.yaml', 'd.yml', 'e.model'].map(potentialFormat)).toEqual([
      'yace',
      'yace',
      'yaml',
      'yaml',
      null,
    ]);
    expect(() => readPotentialFile(A5_P1.yace, 'a.txt')).toThrow(FormatError);
  });

  it('are parsed once where the same text is read again, and anew for another text or name', () => {
    const first = readBBasisFile(A5_P1.bbasis_yaml, 'a.yaml');
    expect(readBBasisFile(A5_P1.bbasis_yaml, 'a.yaml')).toBe(first);
    expect(readBBasisFile(A5_P1.bbasis_yaml, 'b.yaml')).not.toBe(first);
    expect(readBBasisFile(A5_P2.bbasis_yaml, 'a.yaml').elements).toEqual(['Al', 'Ni']);
    expect(readBBasisFile(A5_P1.bbasis_yaml, 'a.yaml')).toEqual(first);
    expect(readPotentialFile(A5_P1.yace, 'a.yace')).toBe(readPotentialFile(A5_P1.yace, 'a.yace'));
  });

  it('that are damaged name the file of each reading', () => {
    for (const name of ['a.yace', 'b.yace', 'a.yace'])
      expect(() => readPotentialFile('elements: [', name)).toThrow(new RegExp(`^${name}:`));
    expect(readPotentialFile(A5_P2.yace, 'a.yace').potential.elements).toEqual(['Al', 'Ni']);
  });
});
