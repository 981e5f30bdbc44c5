import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import { prototypeStructure } from '../../structure/prototypes.ts';
import type { Structure } from '../../structure/structure.ts';
import type { StructureRows } from '../descriptors.ts';
import { EnvironmentGradients } from './environment-gradients.ts';
import { buildAceBasis } from './enumerate.ts';
import { presetSpecification } from './presets.ts';
import { createAceProgram } from './program.ts';

const basis = buildAceBasis({ ...presetSpecification('small', ['C', 'Si'], 4.2), nmax: [3, 2, 1], lmax: [0, 2, 1] });
const random = new RandomStream(3, 'environment gradients');

/** A small alloy cell whose atoms see images of themselves. */
function alloyCell(): Structure {
  const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 4.6, repeat: [1, 1, 1] });
  const species = crystal.species.map((z, i) => (i % 3 === 0 ? 6 : z));
  return { ...crystal, species, positions: crystal.positions.map((x) => x + 0.1 * random.normal()) };
}

function rowsOf(structure: Structure): StructureRows {
  let found!: StructureRows;
  createAceProgram(basis).rows([structure], (_, rows) => {
    found = rows;
  });
  return found;
}

describe('derivatives of invariants, atom by atom', () => {
  const structure = alloyCell();
  const n = structure.species.length;
  const gradients = new EnvironmentGradients(basis);
  const rows = rowsOf(structure);

  it('add up to the design rows, and move with the centre so that nothing pulls itself', () => {
    const d = basis.offsets.at(-1)!;
    const forces = new Float64Array(3 * n * d);
    const virial = new Float64Array(6 * d);
    const values = new Float64Array(n * gradients.columns);
    gradients.visit(structure, (at) => {
      const size = basis.functions[at.element]!.length;
      const offset = basis.offsets[at.element]!;
      values.set(at.values, at.atom * gradients.columns);
      expect(at.neighbors.subarray(0, at.count)).not.toContain(at.atom);
      for (let v = 0; v < size; v++) {
        for (let k = 0; k < at.count; k++) {
          for (let c = 0; c < 3; c++) {
            const f = at.forces[(3 * k + c) * gradients.columns + v]!;
            forces[(3 * at.neighbors[k]! + c) * d + offset + v]! += f;
            forces[(3 * at.atom + c) * d + offset + v]! -= f;
          }
        }
        for (let c = 0; c < 6; c++) virial[c * d + offset + v]! += at.virial[c * gradients.columns + v]!;
      }
    });
    const why = 'the same sums in another order';
    expect(forces).toAgree(rows.forces, { atol: 1e-11, rtol: 1e-11, why });
    expect(virial).toAgree(rows.virial, { atol: 1e-11, rtol: 1e-11, why });
    expect(values).toAgree(rows.atoms, { atol: 1e-12, rtol: 1e-12, why });
  });

  it('give the forces of potentials linear in the invariants, several at once', () => {
    const weights = [0, 1].map(() => Float64Array.from({ length: basis.offsets.at(-1)! }, () => random.normal()));
    const results = gradients.evaluate(structure, 2, (_, mu, values, energies, out) => {
      const size = basis.functions[mu]!.length;
      weights.forEach((w, m) => {
        energies[m] = 0;
        for (let v = 0; v < size; v++) {
          out[m * gradients.columns + v] = w[basis.offsets[mu]! + v]!;
          energies[m]! += w[basis.offsets[mu]! + v]! * values[v]!;
        }
      });
    });
    const program = createAceProgram(basis);
    results.forEach((result, m) => {
      const expected = program.evaluate([structure], weights[m]!)[0]!;
      const why = 'the same potential without its core, which no pair is close enough to feel';
      expect(result.energy).toAgree(expected.energy, { atol: 1e-10, rtol: 1e-10, why });
      expect(result.forces).toAgree(expected.forces, { atol: 1e-9, rtol: 1e-9, why });
      expect(result.virial).toAgree(expected.virial, { atol: 1e-9, rtol: 1e-9, why });
    });
  });

  it('of a share of the atoms are theirs alone', () => {
    const half = (range: readonly [number, number]) =>
      gradients.evaluate(
        structure,
        1,
        (_, __, values, energies, out) => {
          energies[0] = values[0]! * values[1]!;
          out.fill(0);
          out[0] = values[1]!;
          out[1] = values[0]!;
        },
        { atoms: range },
      )[0]!;
    const [all, first, second] = [half([0, n]), half([0, 3]), half([3, n])];
    expect(first.atomEnergies[4]).toBe(0);
    expect(first.energy + second.energy).toAgree(all.energy, { atol: 1e-12, rtol: 1e-12, why: 'sums of shares' });
    expect(first.forces.map((f, k) => f + second.forces[k]!)).toAgree(all.forces, {
      atol: 1e-11,
      rtol: 1e-11,
      why: 'sums of shares',
    });
  });
});
