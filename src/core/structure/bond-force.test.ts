import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addBondForce } from './bond-force.ts';
import { VOIGT_AXES } from './cell.ts';

const component = fc.double({ min: -5, max: 5, noNaN: true });
const vector = fc.tuple(component, component, component);

describe('addBondForce', () => {
  it('is Newton’s third law with the virial −G ⊗ r, added to what is there', () => {
    fc.assert(
      fc.property(vector, vector, fc.constantFrom([0, 1], [2, 0], [1, 2]), (g, r, [i, j]) => {
        const forces = Float64Array.from({ length: 9 }, (_, k) => k);
        const virial = Float64Array.from({ length: 6 }, (_, k) => 10 * k);
        addBondForce(forces, virial, i!, j!, ...g, ...r);
        for (let d = 0; d < 3; d++) {
          for (let atom = 0; atom < 3; atom++) {
            const own = atom === i ? g[d]! : atom === j ? -g[d]! : 0;
            expect(forces[3 * atom + d]).toAgree(3 * atom + d + own, { atol: 1e-14, why: 'one sum' });
          }
        }
        VOIGT_AXES.forEach(([a, b], v) => {
          expect(virial[v]).toAgree(10 * v - g[a]! * r[b]!, { atol: 1e-13, why: 'one product' });
        });
      }),
    );
  });

  it('pulls no atom by its own image, yet stretches the cell', () => {
    const [forces, virial] = [new Float64Array(3), new Float64Array(6)];
    addBondForce(forces, virial, 0, 0, 1e-3, 0, 0, 4, 0, 0);
    expect(forces).toEqual(new Float64Array(3));
    expect(virial).toEqual(Float64Array.of(-4e-3, 0, 0, 0, 0, 0));
  });

  it('has the sign of forces: a bond whose energy grows with its length draws its atoms together', () => {
    // E = r: G = r/|r|.
    const [forces, virial] = [new Float64Array(6), new Float64Array(6)];
    addBondForce(forces, virial, 0, 1, 1, 0, 0, 2, 0, 0);
    expect([...forces]).toEqual([1, 0, 0, -1, 0, 0]);
    // Stretching costs energy: ∂E/∂ε > 0, W < 0, and the stress −W/V is tensile.
    expect(virial[0]).toBe(-2);
  });
});
