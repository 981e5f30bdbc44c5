import { describe, expect, it } from 'vitest';
import {
  PRESET_NAMES,
  type PresetName,
  presetLimits,
  presetSize,
  presetSpecification,
  suggestCutoff,
  suggestInnerCutoff,
  suggestInnerWidth,
  suggestPair,
  zblCore,
} from './presets.ts';
import { countFunctions } from './count.ts';
import { coreRepulsion, switchedCoreRepulsion } from './radial.ts';
import { zblHalfPair } from './zbl.ts';

describe('presets', () => {
  it.each([
    ['small', [122, 260, 161, 192]],
    ['medium', [391, 654, 577, 336]],
    ['large', [989, 765, 817, 526]],
    ['xlarge', [1628, 1237, 1045, 648]],
  ] as const)('%s: functions per element for 1 to 4 elements', (preset, expected) => {
    const counts = expected.map((_, k) => {
      const { nmax, lmax } = presetSize(preset, k + 1);
      return countFunctions(k + 1, nmax, lmax).reduce((sum, c) => sum + c, 0);
    });
    expect(counts).toEqual(expected);
  });

  it('all but xlarge fit the default limits for up to three elements', () => {
    for (const preset of PRESET_NAMES) {
      const limits = presetLimits(preset);
      for (let n = 1; n <= 3; n++) {
        const { nmax, lmax } = presetSize(preset, n);
        const count = countFunctions(n, nmax, lmax).reduce((sum, c) => sum + c, 0);
        expect(count).toBeLessThanOrEqual(limits.perElement);
        expect(count * n).toBeLessThanOrEqual(limits.total);
      }
    }
    expect(() => presetSize('huge' as PresetName, 1)).toThrowError(
      'preset must be one of small, medium, large, xlarge, got "huge"',
    );
  });

  it('needs an element', () => {
    for (const n of [0, -1, 1.5]) {
      expect(() => presetSize('small', n)).toThrowError(`number of elements must be a positive integer, got ${n}`);
    }
    expect(() => presetSpecification('small', [], 5)).toThrowError(
      'number of elements must be a positive integer, got 0',
    );
    expect(() => presetSize('huge' as 'large', 1)).toThrowError(
      'preset must be one of small, medium, large, xlarge, got "huge"',
    );
    expect(presetSize('medium', 9)).toBe(presetSize('medium', 4));
  });

  it('makes a specification with elements sorted and symmetric pairs', () => {
    const spec = presetSpecification('small', ['Si', 'C'], 4.5, (a, b) => (a === 'C' && b === 'Si' ? 1.5 : undefined));
    expect(spec.elements).toEqual(['C', 'Si']);
    expect(spec.pairs[0]![1]).toEqual(spec.pairs[1]![0]);
    expect(spec.pairs[0]![1]!.innerCutoff).toAgree(0.7 * (0.76 + 1.11), {
      rtol: 1e-15,
      why: 'radii: the smaller bound',
    });
    expect(spec.pairs[1]![1]!.cutoff).toBe(4.5);
  });
});

describe('distances', () => {
  it('cutoff is 2.6 bond lengths', () => {
    expect(suggestCutoff(2.352)).toAgree(6.1, { rtol: 1e-15, why: 'rounded to 0.1 Å' });
    expect([suggestCutoff(1.09), suggestCutoff(1.42)]).toEqual([5, 3.7]);
    expect(() => suggestCutoff(0)).toThrowError('cutoff must be positive and finite, got 0 Å');
  });

  it('inner cutoff stays below every distance in the data', () => {
    expect(suggestInnerCutoff('Si', 'Si')).toAgree(0.7 * 2.22, { rtol: 1e-15, why: 'covalent radii' });
    expect(suggestInnerCutoff('Si', 'Si', 1.5)).toAgree(0.95 * 1.5, { rtol: 1e-15, why: 'shortest distance' });
    expect(() => suggestInnerCutoff('Si', 'Si', 0)).toThrowError(
      'shortest distance of Si-Si must be positive, got 0 Å',
    );
    expect(suggestInnerWidth(1.6)).toBe(0.3);
    expect(suggestInnerWidth(0.4)).toBe(0.2);
  });
});

describe('core repulsion from ZBL', () => {
  const pairs = [
    ['H', 'H', 3],
    ['C', 'Si', 4.5],
    ['Si', 'Si', 6],
    ['Cu', 'Cu', 6.5],
    ['Cs', 'Cs', 8],
    ['Fr', 'H', 7],
    ['U', 'U', 7],
  ] as const;

  it.each(pairs)('%s-%s: value and slope of ZBL in the middle of the switch', (a, b, cutoff) => {
    const pair = suggestPair(a, b, cutoff);
    const r = pair.innerCutoff - pair.innerWidth / 2;
    const out = new Float64Array(2);
    coreRepulsion(r, cutoff, pair.core.prefactor, pair.core.lambda, out);
    const { energy, slope } = zblHalfPair(a, b, r);
    expect(pair.core.lambda).toBeGreaterThan(0);
    expect([...out]).toAgree([energy, slope], { rtol: 1e-12, why: 'two equations, two unknowns' });
  });

  it.each(pairs)('%s-%s: repels, ever more strongly, from the inner cutoff down to 0.3 Å', (a, b, cutoff) => {
    const pair = suggestPair(a, b, cutoff);
    const out = new Float64Array(2);
    let last = 0;
    for (let r = pair.innerCutoff - 1e-3; r >= 0.3; r -= 0.01) {
      switchedCoreRepulsion(r, pair, out);
      expect(out[0]).toBeGreaterThan(last);
      expect(out[1]).toBeLessThan(0);
      last = out[0]!;
    }
    // The pair carries 2φ: a wall of at least some eV well inside the inner cutoff.
    switchedCoreRepulsion(Math.max(0.3, 0.5 * pair.innerCutoff), pair, out);
    expect(2 * out[0]!).toBeGreaterThan(1);
  });

  it('drops the Gaussian where the cosine is steeper, and refuses an impossible range', () => {
    const near = { cutoff: 1.75, innerCutoff: 1.7, innerWidth: 0.05 };
    const core = zblCore('Si', 'Si', near);
    const out = new Float64Array(2);
    coreRepulsion(1.675, near.cutoff, core.prefactor, core.lambda, out);
    expect(core.lambda).toBe(0);
    expect(out[0]).toAgree(zblHalfPair('Si', 'Si', 1.675).energy, { rtol: 1e-12, why: 'the value still agrees' });
    expect(() => zblCore('Si', 'Si', { cutoff: 1.5, innerCutoff: 1.6, innerWidth: 0.3 })).toThrowError(
      'inner cutoff of Si-Si must lie between its width and 1.5 Å, got 1.6 Å',
    );
  });
});
