import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { siliconFrames } from '../../../../test/support/models.ts';
import { embed } from './embedding.ts';
import { buildAceBasis } from './enumerate.ts';
import { presetSpecification } from './presets.ts';
import { TWO_DENSITIES } from './product-basis.ts';
import { createAceProgram } from './program.ts';
import { basisColumns, rootEmbedding, withSecondDensity } from './two-density.ts';
import { typescriptKernels } from '../../../kernels/typescript-kernels.ts';
import { nodeKernels } from '../../../node/kernels.ts';
import { RandomStream } from '../../random.ts';
import { prototypeStructure } from '../../structure/prototypes.ts';
import { basisSmoothness } from './smoothness.ts';

describe('rootEmbedding', () => {
  const out = new Float64Array(3);
  const densities = fc.double({ min: -50, max: 50, noNaN: true });

  it('is the embedding of files, with its slope', () => {
    fc.assert(
      fc.property(densities, (rho) => {
        const slopes = new Float64Array(2);
        const value = embed(TWO_DENSITIES, Float64Array.of(0, rho), slopes);
        rootEmbedding(rho, out);
        const why = 'rounding of two forms of one function';
        expect(out[0]!).toAgree(value, { rtol: 1e-12, atol: 1e-14, why });
        expect(out[1]!).toAgree(slopes[1]!, { rtol: 1e-12, why });
      }),
    );
  });

  it('has the second derivative of its slope', () => {
    for (const rho of [-7, -0.9, -0.02, 0.02, 0.4, 1, 3, 20]) {
      const h = 1e-4 * Math.abs(rho);
      rootEmbedding(rho + h, out);
      const above = out[1]!;
      rootEmbedding(rho - h, out);
      const below = out[1]!;
      rootEmbedding(rho, out);
      expect(out[2]!).toAgree((above - below) / (2 * h), { rtol: 1e-5, atol: 1e-8, why: 'central differences' });
    }
  });

  it('starts with slope 5/4 and is odd', () => {
    rootEmbedding(0, out);
    expect(out[0]).toBe(0);
    expect(out[1]).toBe(1.25);
    fc.assert(
      fc.property(densities, (rho) => {
        const other = new Float64Array(3);
        rootEmbedding(rho, out);
        rootEmbedding(-rho, other);
        if (rho !== 0) expect([other[0], other[1], other[2]]).toEqual([-out[0]!, out[1], -out[2]!]);
      }),
    );
  });
});

/** A basis of two elements with a second density, and weights whose second half is near it. */
function problem(elements: readonly string[]) {
  const specification = { ...presetSpecification('small', elements, 4.2), nmax: [3, 2, 1], lmax: [0, 1, 1] };
  const single = buildAceBasis(specification);
  const random = new RandomStream(4, 'two densities');
  const d = single.offsets.at(-1)!;
  const second = Float64Array.from({ length: d }, () => 0.4 * random.normal());
  const first = Float64Array.from({ length: d }, () => 0.3 * random.normal());
  return { single, basis: withSecondDensity(single, second), first, second, d };
}

const structures = [
  ...siliconFrames(2, { rattle: 0.15 }).map(({ structure }) => structure),
  // A cell so small that an atom meets images of itself and of its neighbour.
  {
    ...prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.4, repeat: [1, 1, 1] }),
    positions: Float64Array.of(0, 0, 0, 1.5, 1.3, 1.2),
    species: Uint8Array.of(14, 6),
    cell: Float64Array.of(3.1, 0, 0, 0.2, 3, 0, 0.1, 0.3, 2.9),
  },
].map((structure, s) => ({
  ...structure,
  species: structure.species.map((z, i) => (s < 2 && i % 3 === 0 ? 6 : z)),
}));

const dotted = (rows: Float64Array, row: number, w: Float64Array): number =>
  w.reduce((sum, x, v) => sum + x * rows[row * w.length + v]!, 0);

describe('programs of a basis with a second density', () => {
  const { single, basis, first, second, d } = problem(['C', 'Si']);
  const weights = Float64Array.of(...first, ...second);

  it('have rows that with their baseline are the potential', () => {
    const program = createAceProgram(basis);
    expect(program.size).toBe(2 * d);
    expect(basisColumns(basis)).toBe(2 * d);
    expect(basisColumns(single)).toBe(d);
    const evaluated = program.evaluate(structures, weights);
    const why = 'rounding of rows against the adjoint';
    program.rows(structures, (s, rows) => {
      const { energy, forces, virial, atomEnergies } = evaluated[s]!;
      expect(dotted(rows.energy, 0, weights) + rows.baseline.energy).toAgree(energy, { rtol: 1e-11, why });
      const made = forces.map((_, k) => dotted(rows.forces, k, weights) + rows.baseline.forces[k]!);
      expect(made).toAgree(forces, { rtol: 1e-10, atol: 1e-10, why });
      const strained = virial.map((_, k) => dotted(rows.virial, k, weights) + rows.baseline.virial[k]!);
      expect(strained).toAgree(virial, { rtol: 1e-10, atol: 1e-10, why });
      const sum = atomEnergies.reduce((a, b) => a + b, 0);
      expect(sum).toAgree(energy, { rtol: 1e-12, why });
      const widest = rows.atoms.length / structures[s]!.species.length;
      structures[s]!.species.forEach((z, i) => {
        const mu = z === 6 ? 0 : 1;
        const size = single.offsets[mu + 1]! - single.offsets[mu]!;
        let own = rows.baseline.atomEnergies[i]!;
        for (let v = 0; v < size; v++) own += rows.atoms[i * widest + v]! * first[single.offsets[mu]! + v]!;
        expect(own).toAgree(atomEnergies[i]!, { rtol: 1e-11, atol: 1e-11, why });
      });
    });
  });

  it('have rows that are derivatives of the potential by its weights', () => {
    const program = createAceProgram(basis);
    const [structure] = structures;
    program.rows([structure!], (_, rows) => {
      for (const column of [0, 3, d + 1, d + 5, 2 * d - 1]) {
        const step = 1e-5;
        const moved = (sign: number) => {
          const w = weights.slice();
          w[column]! += sign * step;
          return program.evaluate([structure!], w)[0]!;
        };
        const [plus, minus] = [moved(1), moved(-1)];
        const why = 'central differences';
        expect(rows.energy[column]!).toAgree((plus.energy - minus.energy) / (2 * step), {
          rtol: 1e-6,
          atol: 1e-8,
          why,
        });
        const slopes = plus.forces.map((f, k) => (f - minus.forces[k]!) / (2 * step));
        expect(slopes.map((_, k) => rows.forces[k * 2 * d + column]!)).toAgree(slopes, { rtol: 1e-5, atol: 1e-7, why });
        const strains = plus.virial.map((f, k) => (f - minus.virial[k]!) / (2 * step));
        expect(strains.map((_, k) => rows.virial[k * 2 * d + column]!)).toAgree(strains, {
          rtol: 1e-5,
          atol: 1e-7,
          why,
        });
      }
    });
  });

  it('are alike in the compiled kernels and in plain TypeScript', () => {
    const kernels = nodeKernels(null);
    const fast = kernels.prepare(basis);
    const plain = typescriptKernels().prepare(basis);
    const why = 'tabulated radial functions';
    plain.evaluate(structures, weights).forEach((expected, s) => {
      const found = fast.evaluate(structures, weights)[s]!;
      expect(found.energy).toAgree(expected.energy, { rtol: 1e-10, why });
      expect(found.forces).toAgree(expected.forces, { rtol: 1e-8, atol: 1e-8, why });
    });
    expect(fast.descriptors(structures)[1]!).toAgree(plain.descriptors(structures)[1]!, {
      rtol: 1e-8,
      atol: 1e-9,
      why,
    });
    fast.dispose();
    kernels.dispose();
  });

  it('have an identity and a prior of their own', () => {
    expect(basis.id).not.toBe(single.id);
    expect(withSecondDensity(single, second).id).toBe(basis.id);
    expect(withSecondDensity(single, first).id).not.toBe(basis.id);
    const smooth = basisSmoothness(single);
    expect([...basisSmoothness(basis)]).toEqual([...smooth, ...smooth]);
    expect(() => withSecondDensity(single, new Float64Array(3))).toThrow(
      /second density must have \d+ coefficients, got 3/,
    );
  });
});
