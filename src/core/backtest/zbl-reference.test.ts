import { describe, expect, it } from 'vitest';
import { zblHalfPair } from '../descriptors/ace/zbl.ts';
import { atomicNumberOf } from '../elements.ts';
import type { Structure } from '../structure/structure.ts';
import { zblReference } from './zbl-reference.ts';

const range = { inner: 2, outer: 3 };
const tantalum = atomicNumberOf('Ta');
const carbon = atomicNumberOf('C');
const dimer = (r: number): Structure => ({
  positions: Float64Array.of(0, 0, 0, r, 0, 0),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(tantalum, carbon),
});
const crystal = (a: number, shift = 0): Structure => ({
  positions: Float64Array.of(shift, 0, 0, a / 2, a / 2, a / 2),
  cell: Float64Array.of(a, 0, 0, 0, a, 0, 0, 0, a),
  pbc: [true, true, true],
  species: Uint8Array.of(tantalum, tantalum),
});

describe('zblReference', () => {
  it('has the slope of the bare repulsion at short distance, nothing beyond its range', () => {
    const { energy, forces } = zblReference(dimer(1), range);
    expect(energy).toBeGreaterThan(0);
    expect(forces[3]!).toAgree(-2 * zblHalfPair('Ta', 'C', 1).slope, {
      rtol: 1e-9,
      why: 'a constant shift has no force',
    });
    expect(zblReference(dimer(3.01), range)).toEqual({
      energy: 0,
      forces: new Float64Array(6),
      virial: new Float64Array(6),
    });
  });

  it('goes to zero smoothly', () => {
    const near = zblReference(dimer(3 - 1e-4), range);
    expect(near.energy).toBeLessThan(1e-9);
    expect(Math.abs(near.forces[0]!)).toBeLessThan(1e-6);
  });

  it('has forces that are the derivatives of its energy, in a crystal', () => {
    const h = 1e-5;
    const slope =
      (zblReference(crystal(2.9, 0.1 + h), range).energy - zblReference(crystal(2.9, 0.1 - h), range).energy) / (2 * h);
    expect(zblReference(crystal(2.9, 0.1), range).forces[0]!).toAgree(-slope, {
      rtol: 1e-6,
      why: 'central differences',
    });
  });

  it('has a virial that is the derivative by strain', () => {
    const h = 1e-5;
    const at = (scale: number): number => zblReference(crystal(2.9 * scale), range).energy;
    const { virial } = zblReference(crystal(2.9), range);
    const trace = virial[0]! + virial[1]! + virial[2]!;
    expect(trace).toAgree(-(at(1 + h) - at(1 - h)) / (2 * h), { rtol: 1e-6, why: 'central differences' });
  });
});
