import { describe, expect, it } from 'vitest';
import { nestsTooDeep } from './nesting.ts';

describe('nestsTooDeep', () => {
  it('tells files that exhaust a reader from those that people write', () => {
    const deep = [
      '['.repeat(1000),
      '{a: '.repeat(300),
      `x:\n  ${'- '.repeat(300)}a`,
      `x: 1${'- '.repeat(300)}`,
      `${' '.repeat(3000)}a: 1`,
    ];
    expect(deep.map(nestsTooDeep)).toEqual(deep.map(() => true));
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
