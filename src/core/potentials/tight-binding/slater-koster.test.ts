import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hopping, PP_PI, PP_SIGMA, SP_SIGMA, SS_SIGMA } from './bowler.ts';
import { angularBlock, bondGradient } from './slater-koster.ts';

const unit = fc
  .tuple(fc.double({ min: 0, max: Math.PI, noNaN: true }), fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }))
  .map(([polar, azimuth]): [number, number, number] => [
    Math.sin(polar) * Math.cos(azimuth),
    Math.sin(polar) * Math.sin(azimuth),
    Math.cos(polar),
  ]);

function block(u: readonly [number, number, number]): Float64Array {
  const out = new Float64Array(16);
  angularBlock(...u, out);
  return out;
}

describe('Slater-Koster block', () => {
  it('is the table of integrals for a bond along z', () => {
    // biome-ignore format: a matrix
    const expected = [
      SS_SIGMA, 0, 0, SP_SIGMA,
      0, PP_PI, 0, 0,
      0, 0, PP_PI, 0,
      -SP_SIGMA, 0, 0, PP_SIGMA,
    ];
    expect(block([0, 0, 1])).toAgree(expected, { atol: 0, why: 'σ and π integrals do not mix along an axis' });
  });

  it('is the transpose of the block of the reversed bond', () => {
    fc.assert(
      fc.property(unit, (u) => {
        const there = block(u);
        const back = block([-u[0], -u[1], -u[2]]);
        const transposed = there.map((_, q) => there[4 * (q % 4) + Math.floor(q / 4)]!);
        expect(back).toAgree(transposed, { atol: 1e-15, why: 'H is Hermitian' });
      }),
      { numRuns: 50 },
    );
  });

  it('has invariants that do not depend on the direction', () => {
    const squares = SS_SIGMA ** 2 + 2 * SP_SIGMA ** 2 + PP_SIGMA ** 2 + 2 * PP_PI ** 2;
    fc.assert(
      fc.property(unit, (u) => {
        const b = block(u);
        expect(b.reduce((sum, x) => sum + x * x, 0)).toAgree(squares, { rtol: 1e-13, why: 'Frobenius norm' });
        expect(b[5]! + b[10]! + b[15]!).toAgree(PP_SIGMA + 2 * PP_PI, { rtol: 1e-13, why: 'trace of the p block' });
      }),
      { numRuns: 50 },
    );
  });
});

describe('gradient of a bond', () => {
  it('is the derivative of the energy of any density block', () => {
    const radial = new Float64Array(2);
    const density = Float64Array.from({ length: 20 }, (_, q) => Math.sin(3 * q + 1));
    const energy = (d: readonly number[]): number => {
      const r = Math.hypot(...d);
      hopping(r, radial);
      const b = block([d[0]! / r, d[1]! / r, d[2]! / r]);
      return radial[0]! * b.reduce((sum, x, q) => sum + x * density[4 + q]!, 0);
    };
    for (const d of [
      [1.2, -0.7, 1.9],
      [-0.3, 2.9, 0.4],
      [2, 0, 0],
    ]) {
      const r = Math.hypot(...d);
      hopping(r, radial);
      const gradient = new Float64Array(3);
      bondGradient(density, 4, d[0]! / r, d[1]! / r, d[2]! / r, r, radial[0]!, radial[1]!, gradient);
      for (let k = 0; k < 3; k++) {
        const moved = (h: number): number[] => d.map((x, c) => (c === k ? x + h : x));
        const slope = (energy(moved(1e-5)) - energy(moved(-1e-5))) / 2e-5;
        expect(gradient[k]).toAgree(slope, { atol: 1e-8, why: 'central difference, h = 1e-5 Å' });
      }
    }
  });
});
