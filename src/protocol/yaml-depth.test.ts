import { describe, expect, it } from 'vitest';
import { nestsTooDeep } from './yaml-depth.ts';

describe('nestsTooDeep', () => {
  it('tells files that exhaust a reader from those that people write', () => {
    const deep = ['['.repeat(1000), '{a: '.repeat(300), `x:\n  ${'- '.repeat(300)}a`, `${' '.repeat(3000)}a: 1`];
    expect(deep.map(nestsTooDeep)).toEqual([true, true, true, true]);
    const plain = [
      '',
      'a: [1, [2, 3]]',
      '[1]\n'.repeat(1000),
      ']'.repeat(1000) + '['.repeat(100),
      '- - - a',
      '# ---------',
    ];
    expect(plain.map(nestsTooDeep)).toEqual(plain.map(() => false));
  });
});
