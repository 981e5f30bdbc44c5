import { describe, expect, it } from 'vitest';
import type { Structure } from '../../structure/structure.ts';
import type { PotentialProgram } from '../descriptors.ts';
import { basisEnergies } from './basis-energies.ts';
import { buildAceBasis } from './enumerate.ts';
import { createPotentialProgram } from './potential-program.ts';
import type { ProductPotential } from './product-basis.ts';
import { createAceProgram } from './program.ts';
import { withSecondDensity } from './two-density.ts';

const pair = { cutoff: 4, innerCutoff: 1.6, innerWidth: 0.4, core: { prefactor: 8, lambda: 0.6 } };
const basis = buildAceBasis({ elements: ['Si'], radial: 'SBessel', nmax: [3, 2], lmax: [0, 2], pairs: [[pair]] });
const size = basis.offsets.at(-1)!;
const weights = (seed: number): Float64Array => Float64Array.from({ length: size }, (_, k) => Math.sin(seed + 2 * k));

const triangle: Structure = {
  positions: Float64Array.of(0, 0, 0, 2.2, 0.1, 0, 0.3, 2.4, 0.2),
  cell: null,
  pbc: [false, false, false],
  species: Uint8Array.of(14, 14, 14),
};

/** Compiles in plain TypeScript and counts how often, with or without a way to take over coefficients. */
function counted(takesOver: boolean) {
  const calls = { compiled: 0, replaced: 0, disposed: 0 };
  const compile = (potential: ProductPotential): PotentialProgram => {
    calls.compiled++;
    let program = createPotentialProgram(potential, 'exact');
    const counting = {
      potential,
      cutoff: program.cutoff,
      evaluate: (...args: Parameters<PotentialProgram['evaluate']>) => program.evaluate(...args),
      dispose: () => void calls.disposed++,
    };
    if (!takesOver) return counting;
    const setCoefficients = (next: ProductPotential): void => {
      calls.replaced++;
      program = createPotentialProgram(next, 'exact');
    };
    return { ...counting, setCoefficients } as PotentialProgram;
  };
  return { calls, compile };
}

describe('basisEnergies', () => {
  it.each([true, false])(
    'follows the weights, and makes nothing anew for the same ones (takes over: %s)',
    (takesOver) => {
      const { calls, compile } = counted(takesOver);
      const energies = basisEnergies(basis, compile);
      const plain = createAceProgram(basis);
      for (const seed of [1, 1, 2, 2, 1]) {
        const [got] = energies.evaluate([triangle], weights(seed));
        const [want] = plain.evaluate([triangle], weights(seed));
        expect(got!.energy).toAgree(want!.energy, { rtol: 1e-11, why: 'the same sum in another order' });
        expect(got!.forces).toAgree(want!.forces, { rtol: 1e-10, atol: 1e-11, why: 'the same sum in another order' });
      }
      expect(calls).toEqual(
        takesOver ? { compiled: 1, replaced: 2, disposed: 0 } : { compiled: 3, replaced: 0, disposed: 2 },
      );
      energies.dispose();
      expect(calls.disposed).toBe(takesOver ? 1 : 3);
      expect(() => energies.evaluate([triangle], weights(1))).toThrow('program must be open to be evaluated');
    },
  );

  it('compiles nothing before it is asked, and asks for as many weights as there are columns', () => {
    const { calls, compile } = counted(false);
    const energies = basisEnergies(basis, compile);
    expect(() => energies.evaluate([triangle], new Float64Array(3))).toThrow(`weights must have length ${size}, got 3`);
    expect(calls.compiled).toBe(0);
    const two = basisEnergies(withSecondDensity(basis, weights(3)), compile);
    expect(() => two.evaluate([triangle], weights(1))).toThrow(`weights must have length ${2 * size}, got ${size}`);
  });
});
