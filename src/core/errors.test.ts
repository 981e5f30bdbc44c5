import { describe, expect, it } from 'vitest';
import { EnvironmentError, FormatError, formatPosition, InputError, NumericalError, QuerentError } from './errors.ts';

describe('errors', () => {
  it('carry a stable code, plain details and the cause', () => {
    const cause = new RangeError('inner');
    for (const [Kind, name] of [
      [InputError, 'InputError'],
      [NumericalError, 'NumericalError'],
      [EnvironmentError, 'EnvironmentError'],
    ] as const) {
      const error = new Kind('SOME_CODE', 'cutoff must be positive, got -1 Å', { cutoff: -1 }, cause);
      expect(error).toBeInstanceOf(QuerentError);
      expect(error).toBeInstanceOf(Error);
      expect(error).toMatchObject({ name, code: 'SOME_CODE', details: { cutoff: -1 }, cause });
      expect(String(error)).toBe(`${name}: cutoff must be positive, got -1 Å`);
      expect(structuredClone(error.details)).toEqual({ cutoff: -1 });
    }
    const bare = new InputError('CODE', 'message');
    expect(bare.details).toEqual({});
    expect('cause' in bare).toBe(false);
  });

  it('are told apart by class', () => {
    expect(new InputError('A', 'b')).not.toBeInstanceOf(NumericalError);
    expect(new FormatError('A', { file: 'f' }, 'b')).not.toBeInstanceOf(InputError);
  });

  it('of a format begin with the place as editors understand it', () => {
    const error = new FormatError('BAD', { file: 'a.xyz', line: 3, column: 7 }, 'x must be a number, got "y"', {
      token: 'y',
    });
    expect(error.message).toBe('a.xyz:3:7: x must be a number, got "y"');
    expect(error.position).toEqual({ file: 'a.xyz', line: 3, column: 7 });
    expect(error.details).toEqual({ token: 'y', file: 'a.xyz', line: 3, column: 7 });
    expect(formatPosition({ file: 'a' })).toBe('a');
    expect(formatPosition({ file: 'a', line: 2 })).toBe('a:2');
    expect(formatPosition({ file: 'dir/a b', line: 1, column: 1 })).toBe('dir/a b:1:1');
  });
});
