import { describe, expect, it } from 'vitest';
import {
  columnOfToken,
  formatNumber,
  nearestSymbol,
  readBoolean,
  readNumber,
  requireNumber,
  requireSpecies,
} from './extxyz-tokens.ts';

const at = { file: 'a.xyz', line: 3, column: 7 };

describe('readNumber', () => {
  it.each([
    ['1', 1],
    ['-.5', -0.5],
    ['+2.', 2],
    ['1.5e-3', 0.0015],
    ['1.5D+02', 150],
    ['1d2', 100],
    ['nan', Number.NaN],
    ['-Infinity', Number.NEGATIVE_INFINITY],
    ['inf', Number.POSITIVE_INFINITY],
  ])('reads %s', (token, value) => {
    expect(readNumber(token)).toBe(value);
  });

  it.each(['', '0x10', '1e', '.', '1_000', '1,5', '****', '--1', '1.0-105', 'None'])('does not read "%s"', (token) => {
    expect(readNumber(token)).toBeUndefined();
  });
});

describe('readBoolean', () => {
  it('knows the usual spellings', () => {
    expect(['T', 'true', 'True', 'TRUE'].map(readBoolean)).toEqual([true, true, true, true]);
    expect(['F', 'false', 'False', 'FALSE'].map(readBoolean)).toEqual([false, false, false, false]);
    expect(['t', 'f', 'yes', '1', ''].map(readBoolean)).toEqual(new Array(5).fill(undefined));
  });
});

describe('requireNumber', () => {
  it('says what and where', () => {
    expect(() => requireNumber('abc', 'energy', at)).toThrow('a.xyz:3:7: energy must be a number, got "abc"');
    expect(() => requireNumber('1e999', 'energy', at)).toThrow('a.xyz:3:7: energy must be finite, got "1e999"');
    expect(() => requireNumber('inf', 'energy', at)).toThrow(expect.objectContaining({ code: 'NOT_FINITE' }));
    expect(requireNumber('NaN', 'energy', at)).toBeNaN();
  });
});

describe('requireSpecies', () => {
  it('takes symbols and atomic numbers', () => {
    expect(requireSpecies('Si', at)).toBe(14);
    expect(requireSpecies('74', at)).toBe(74);
  });

  it.each([
    ['SI', 'Si'],
    ['si', 'Si'],
    ['Si1', 'Si'],
    ['O_w', 'O'],
    ['Sj', 'Si'],
    ['Xe2+', 'Xe'],
    ['Coo', 'Co'],
  ])('suggests for %s', (token, symbol) => {
    expect(() => requireSpecies(token, at)).toThrow(
      `a.xyz:3:7: species must be a chemical symbol, got "${token}"; did you mean ${symbol}?`,
    );
  });

  it('suggests nothing for what is no symbol at all', () => {
    expect(nearestSymbol('1.5')).toBeUndefined();
    expect(() => requireSpecies('0', at)).toThrow(/got "0"$/);
    expect(() => requireSpecies('97', at)).toThrow(/got "97"$/);
  });
});

describe('columnOfToken', () => {
  it('counts from 1 and points behind the line for a missing token', () => {
    expect([0, 1, 2].map((k) => columnOfToken('  Si  1.5', k))).toEqual([3, 7, 10]);
  });
});

describe('formatNumber', () => {
  it('gives back the same number', () => {
    for (const x of [0.1, 1 / 3, -2.5e-300, 5e-324, 1.7976931348623157e308, 12])
      expect(readNumber(formatNumber(x))).toBe(x);
    expect([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map(formatNumber)).toEqual([
      'nan',
      'inf',
      '-inf',
    ]);
  });
});
