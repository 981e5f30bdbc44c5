import { describe, expect, it } from 'vitest';
import type { ErrorRow } from '../node/training/tables.ts';
import { errorTable } from './error-table.ts';
import { cell, percent, renderTable } from './table.ts';

describe('renderTable', () => {
  it('aligns numbers right and words left, with a rule under the headers', () => {
    const table = renderTable(
      [{ header: 'name', align: 'left' }, { header: 'E eV' }],
      [
        ['bulk', '-4.5'],
        ['a surface', '12'],
      ],
    );
    expect(table).toBe('name       E eV\n---------  ----\nbulk       -4.5\na surface    12\n');
  });

  it('puts the title of a group in the middle above its columns, and widens them where it must', () => {
    const table = renderTable(
      [
        { header: '', align: 'left' },
        { header: 'train', group: 'energy meV/atom' },
        { header: 'test', group: 'energy meV/atom' },
        { header: 'train', group: 'F' },
        { header: 'test', group: 'F' },
      ],
      [['all', '1', '2', '3', '4']],
    );
    expect(table.split('\n')).toEqual([
      '     energy meV/atom       F',
      '         train  test  train  test',
      '---  ---------  ----  -----  ----',
      'all          1     2      3     4',
      '',
    ]);
  });
});

describe('cell', () => {
  it('has three significant digits, exponents for the very large and small, and a dash for nothing', () => {
    expect([1.23456, 12.3456, 123.456, 1234.56, 0.0123456].map((x) => cell(x))).toEqual([
      '1.23',
      '12.3',
      '123',
      '1235',
      '0.0123',
    ]);
    expect(cell(1.23e-5)).toBe('1.23e-5');
    expect(cell(2.5e7)).toBe('2.50e+7');
    expect(cell(-3.74088, 6)).toBe('-3.74088');
    expect(cell(0)).toBe('0');
    expect([null, undefined, Number.NaN].map((x) => cell(x))).toEqual(['-', '-', '-']);
    expect(cell(Number.POSITIVE_INFINITY)).toBe('inf');
    expect(cell(Number.NEGATIVE_INFINITY)).toBe('-inf');
  });

  it('shows shares in percent', () => {
    expect(percent(0.9468)).toBe('94.7 %');
    expect(percent(1)).toBe('100.0 %');
    expect(percent(Number.NaN)).toBe('-');
  });
});

describe('errorTable', () => {
  const row = (name: string, stressMae: number, sets = 1): ErrorRow => ({
    name,
    structures: 3,
    sets: Array.from({ length: sets }, () => ({ energyMae: 0.0021, forceMae: 0.075, forceRmse: 0.11, stressMae })),
  });

  it('gives meV/atom, meV/Å and GPa, the unit in the header', () => {
    const lines = errorTable(['test'], [row('all', 0.001)]).split('\n');
    expect(lines[0]).toMatch(/structures +E MAE meV\/atom +F MAE meV\/Å +F RMSE meV\/Å +stress MAE GPa/);
    expect(lines[2]).toMatch(/^all +3 +2\.10 +75\.0 +110 +0\.160$/);
  });

  it('has no column for stresses where there are none', () => {
    expect(errorTable(['test'], [row('all', Number.NaN)])).not.toMatch(/stress/);
  });

  it('names the sets under each quantity and stays narrow', () => {
    const table = errorTable(
      ['train', 'left out', 'test'],
      [row('all', 0.001, 3), { ...row('b', 0.001, 3), sets: [null, null, null] }],
    );
    const lines = table.split('\n');
    expect(lines[0]).toMatch(/E MAE meV\/atom +F MAE meV\/Å +F RMSE meV\/Å +stress MAE GPa/);
    expect(lines[1]!.match(/train/g)).toHaveLength(4);
    expect(lines[4]).toMatch(/^b +3( +-){12}$/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(120);
  });
});
