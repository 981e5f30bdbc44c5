import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../random.ts';
import type { Structure } from '../../structure/structure.ts';
import type { StructureRows } from '../descriptors.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { buildAceBasis } from './enumerate.ts';
import { createAceProgram } from './program.ts';

function specification(
  elements: readonly string[],
  nmax: readonly number[],
  lmax: readonly number[],
): AceSpecification {
  const pair = (mu: number, nu: number): AcePair => ({
    cutoff: 4 + 0.1 * (mu + nu),
    innerCutoff: 1.2,
    innerWidth: 0.3,
    core: { prefactor: 5, lambda: 1 },
  });
  return {
    elements,
    radial: 'SBessel',
    nmax,
    lmax,
    pairs: elements.map((_, mu) => elements.map((__, nu) => pair(mu, nu))),
  };
}

/** Atoms on a jittered grid, all periodic; species in turn. */
function crystal(numbers: readonly number[], seed: number): Structure {
  const stream = new RandomStream(seed, 'crystal');
  const positions: number[] = [];
  for (let a = 0; a < 2; a++)
    for (let b = 0; b < 2; b++)
      for (let c = 0; c < 2; c++) positions.push(...[a, b, c].map((k) => 1.9 * k + 0.3 * stream.normal()));
  return {
    positions: Float64Array.from(positions),
    cell: Float64Array.of(3.9, 0, 0.3, 0.2, 4.1, 0, 0, -0.4, 4),
    pbc: [true, true, true],
    species: Uint8Array.from({ length: 8 }, (_, i) => numbers[i % numbers.length]!),
  };
}

function rowsOf(program: ReturnType<typeof createAceProgram>, structure: Structure): StructureRows {
  const found: StructureRows[] = [];
  program.rows([structure], (_, rows) => found.push(rows));
  return found[0]!;
}

describe.each([
  ['one element', ['Si'], [14], [6, 3, 2, 2], [0, 3, 2, 1]],
  ['two elements', ['C', 'Si'], [6, 14], [4, 2, 2], [0, 2, 2]],
  ['three elements', ['C', 'O', 'Si'], [6, 14, 8], [3, 2, 1], [0, 1, 1]],
  ['one of two elements absent', ['C', 'Si'], [14], [4, 2, 2], [0, 2, 2]],
] as const)('design rows, %s', (_, elements, numbers, nmax, lmax) => {
  const program = createAceProgram(buildAceBasis(specification(elements, nmax, lmax)));
  const structure = crystal(numbers, 1);
  const n = structure.species.length;
  const d = program.size;
  const rows = rowsOf(program, structure);
  const widest = rows.atoms.length / n;

  it('each column is what the program gives for that function alone', () => {
    const none = program.evaluate([structure], new Float64Array(d))[0]!;
    for (let v = 0; v < d; v += Math.max(1, Math.floor(d / 40))) {
      const one = new Float64Array(d);
      one[v] = 1;
      const alone = program.evaluate([structure], one)[0]!;
      const scale = 1 + Math.max(...alone.forces.map(Math.abs));
      const tolerance = { atol: 1e-12 * scale, why: 'two routes to the same sum' };
      expect(rows.energy[v]).toAgree(alone.energy - none.energy, {
        atol: 1e-11 * scale,
        why: 'a difference of energies',
      });
      const forces = Array.from({ length: 3 * n }, (__, r) => rows.forces[r * d + v]!);
      expect(forces).toAgree(
        alone.forces.map((f, k) => f - none.forces[k]!),
        tolerance,
      );
      const virial = Array.from({ length: 6 }, (__, r) => rows.virial[r * d + v]!);
      expect(virial).toAgree(
        alone.virial.map((x, k) => x - none.virial[k]!),
        { ...tolerance, atol: 1e-11 * scale },
      );
    }
  });

  it('energy is the sum over atoms, each in the block of its element', () => {
    const { offsets, specification: spec } = program.basis;
    const expected = new Float64Array(d);
    for (let i = 0; i < n; i++) {
      const mu = spec.elements.indexOf(structure.species[i] === 6 ? 'C' : structure.species[i] === 8 ? 'O' : 'Si');
      for (let v = 0; v < offsets[mu + 1]! - offsets[mu]!; v++)
        expected[offsets[mu]! + v]! += rows.atoms[i * widest + v]!;
    }
    expect(rows.energy).toAgree(expected, { atol: 1e-13, rtol: 1e-13, why: 'the same sum' });
  });

  it('no column exerts a net force, and each is periodic', () => {
    for (let v = 0; v < d; v++) {
      for (let c = 0; c < 3; c++) {
        let net = 0;
        let size = 1;
        for (let i = 0; i < n; i++) {
          net += rows.forces[(3 * i + c) * d + v]!;
          size += Math.abs(rows.forces[(3 * i + c) * d + v]!);
        }
        expect(Math.abs(net)).toBeLessThan(1e-13 * size * n);
      }
    }
    const moved = structure.positions.map((x, k) => x + (k < 3 ? structure.cell![3 + k]! : 0));
    const again = rowsOf(program, { ...structure, positions: moved });
    const scale = Math.max(...rows.forces.map(Math.abs));
    expect(again.forces).toAgree(rows.forces, { atol: 1e-11 * scale, why: 'positions rounded anew' });
  });

  it('arrays are the receiver’s: a second call does not touch them', () => {
    const kept = rows.forces.slice();
    rowsOf(program, crystal(numbers, 2));
    expect(rows.forces).toEqual(kept);
    expect(rowsOf(program, structure).forces).toEqual(kept);
  });
});

describe('a small periodic cell', () => {
  it('gives per-atom columns although every neighbour is an image', () => {
    const program = createAceProgram(buildAceBasis(specification(['Si'], [4, 2, 2], [0, 2, 2])));
    const structure: Structure = {
      positions: Float64Array.of(0.3, 0.2, 0.1),
      cell: Float64Array.of(2.1, 0, 0.1, 0.4, 2.2, 0, 0, 0.3, 2.4),
      pbc: [true, true, true],
      species: Uint8Array.of(14),
    };
    const rows = rowsOf(program, structure);
    expect(Math.max(...rows.forces.map(Math.abs))).toBe(0);
    expect(Math.max(...rows.virial.map(Math.abs))).toBeGreaterThan(0.1);
  });
});
