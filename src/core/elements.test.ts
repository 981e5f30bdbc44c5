import { describe, expect, it } from 'vitest';
import { atomicNumberOf, covalentRadiusOf, isElement, MAX_ATOMIC_NUMBER, massOf, symbolOf } from './elements.ts';
import { InputError } from './errors.ts';

const numbers = Array.from({ length: MAX_ATOMIC_NUMBER }, (_, k) => k + 1);

describe('elements', () => {
  it('have symbols that lead back to their number', () => {
    for (const z of numbers) {
      expect(symbolOf(z)).toMatch(/^[A-Z][a-z]?$/);
      expect(atomicNumberOf(symbolOf(z))).toBe(z);
      expect(isElement(symbolOf(z))).toBe(true);
    }
    expect(new Set(numbers.map(symbolOf)).size).toBe(MAX_ATOMIC_NUMBER);
  });

  it.each([
    ['H', 1, 1.008, 0.31],
    ['C', 6, 12.011, 0.76],
    ['Al', 13, 26.9815385, 1.21],
    ['Si', 14, 28.085, 1.11],
    ['Fe', 26, 55.845, 1.32],
    ['Cu', 29, 63.546, 1.32],
    ['Ag', 47, 107.8682, 1.45],
    ['La', 57, 138.90547, 2.07],
    ['Ta', 73, 180.94788, 1.7],
    ['W', 74, 183.84, 1.62],
    ['Au', 79, 196.966569, 1.36],
    ['U', 92, 238.02891, 1.96],
    ['Cm', 96, 247.07035, 1.69],
  ])('%s is number %i of %f u and %f Å', (symbol, z, mass, radius) => {
    expect(symbolOf(z)).toBe(symbol);
    expect(massOf(z)).toBe(mass);
    expect(covalentRadiusOf(z)).toBe(radius);
  });

  it('have masses near 2.6 Z at most, rising but for six known inversions', () => {
    const inverted = numbers.filter((z) => z > 1 && massOf(z) < massOf(z - 1)).map(symbolOf);
    expect(inverted).toEqual(['K', 'Ni', 'I', 'Pa', 'Np', 'Am']);
    for (const z of numbers) {
      expect(massOf(z) / z).toBeGreaterThan(0.99);
      expect(massOf(z) / z).toBeLessThan(2.63);
      expect(covalentRadiusOf(z)).toBeGreaterThan(0.2);
      expect(covalentRadiusOf(z)).toBeLessThan(2.7);
    }
  });

  it('that are none are refused by name', () => {
    for (const z of [0, -1, 97, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => symbolOf(z)).toThrow(`atomic number must be 1 to 96, got ${z}`);
      expect(() => massOf(z)).toThrow(InputError);
      expect(() => covalentRadiusOf(z)).toThrow(InputError);
    }
    for (const symbol of ['X', '', 'si', 'SI', 'Si ', 'Xx', 'constructor', '__proto__', '14']) {
      expect(isElement(symbol)).toBe(false);
      expect(() => atomicNumberOf(symbol)).toThrow(`species must be a chemical symbol, got "${symbol}"`);
    }
    expect(() => atomicNumberOf('Q')).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_ELEMENT', details: { symbol: 'Q' } }),
    );
  });
});
