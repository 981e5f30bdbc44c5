import { describe, expect, it } from 'vitest';
import { shape } from '../../test/support/physics.ts';
import { buildAceBasis } from '../core/descriptors/ace/enumerate.ts';
import { productPotential } from '../core/descriptors/ace/product-basis.ts';
import { typescriptKernels } from './typescript-kernels.ts';

const pair = { cutoff: 4.5, innerCutoff: 1.5, innerWidth: 0.3, core: { prefactor: 50, lambda: 0.8 } };
const basis = buildAceBasis({ elements: ['Si'], radial: 'SBessel', nmax: [5, 3, 2], lmax: [0, 2, 1], pairs: [[pair]] });
const weights = Float64Array.from({ length: basis.offsets.at(-1)! }, (_, k) => 0.1 * Math.sin(1 + k));
const structure = shape('crystal', ['Si'], 2.3);

describe('typescriptKernels', () => {
  const kernels = typescriptKernels();
  const expected = kernels.prepare(basis).evaluate([structure], weights)[0]!;
  const isolated = -2 * structure.species.length;

  it.each([
    ['exact', 1e-13],
    ['tabulated', 1e-10],
    [undefined, 1e-10],
  ] as const)('compile a potential, with radial functions %s', (radial, tolerance) => {
    const program = kernels.compile(productPotential(basis, weights, [-2]), radial);
    const { energy, forces } = program.evaluate([structure])[0]!;
    const scale = Math.max(...expected.forces.map(Math.abs));
    expect(energy - isolated).toAgree(expected.energy, {
      rtol: tolerance,
      atol: tolerance,
      why: 'one sum by two routes',
    });
    expect(forces).toAgree(expected.forces, { atol: 10 * tolerance * scale, why: 'one sum by two routes' });
    program.dispose();
  });

  it('have a name and factors', () => {
    expect(kernels.name).toBe('typescript');
    expect(kernels.factor(3).columns).toBe(3);
  });
});
