import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import { createFactor, emptyFactor, squaredResidual } from './factor.ts';
import {
  packedLength,
  packedResidual,
  packedRow,
  packFactor,
  packUpper,
  unpackFactor,
  unpackFactors,
  unpackUpper,
} from './packed.ts';
import type { FactorState } from './regression.ts';

function factorOf(columns: number, rows: number): FactorState {
  const stream = new RandomStream(columns, 'packed', rows);
  const factor = createFactor(columns);
  factor.append(
    Float64Array.from({ length: rows * columns }, () => stream.normal()),
    Float64Array.from({ length: rows }, () => stream.normal()),
    rows,
    0.25,
  );
  return factor.state();
}

describe('packed triangles', () => {
  it('keep every bit of the upper triangle in half the numbers', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 20 }), (columns, rows) => {
        const state = factorOf(columns, rows);
        const packed = packFactor(state);
        expect(packed.packed).toHaveLength(packedLength(columns));
        expect(unpackFactor(packed)).toEqual(state);
      }),
      { numRuns: 40 },
    );
  });

  it('place element (i, j) at the beginning of its row plus j', () => {
    const n = 5;
    const square = Float64Array.from({ length: n * n }, (_, k) => k);
    const packed = packUpper(square, n);
    for (let i = 0; i < n; i++) for (let j = i; j < n; j++) expect(packed[packedRow(i, n) + j]).toBe(i * n + j);
    expect(unpackUpper(packed, n)[n]).toBe(0);
  });

  it('are made in memory of the caller', () => {
    const memory = new Float64Array(packedLength(3));
    expect(packFactor(factorOf(3, 4), () => memory).packed).toBe(memory);
  });

  it('take no room without observations', () => {
    const packed = packFactor(emptyFactor(4));
    expect(packed.packed).toHaveLength(0);
    expect(unpackFactor(packed)).toEqual(emptyFactor(4));
    expect(packedResidual(packed, new Float64Array(4))).toBe(0);
    const states = { energy: factorOf(4, 2), forces: factorOf(4, 9), virial: emptyFactor(4) };
    const all = { energy: packFactor(states.energy), forces: packFactor(states.forces), virial: packed };
    expect(unpackFactors(all)).toEqual(states);
  });

  it('give the squared residual of the factor to the last bit', () => {
    const state = factorOf(7, 15);
    const weights = Float64Array.from({ length: 7 }, (_, v) => Math.sin(v));
    expect(packedResidual(packFactor(state), weights)).toBe(squaredResidual(state, weights));
  });
});
