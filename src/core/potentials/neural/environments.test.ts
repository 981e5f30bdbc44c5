import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapsOf } from '../../../../test/support/neural.ts';
import { siliconFrames } from '../../../../test/support/models.ts';
import { buildAceBasis } from '../../descriptors/ace/enumerate.ts';
import { EnvironmentGradients } from '../../descriptors/ace/environment-gradients.ts';
import { presetSpecification } from '../../descriptors/ace/presets.ts';
import { RandomStream } from '../../random.ts';
import { prototypeStructure } from '../../structure/prototypes.ts';
import { randomRotation, rotated, rotatedTensor, shifted } from '../../structure/rigid-motion.ts';
import type { Structure } from '../../structure/structure.ts';
import { repeated } from '../../structure/supercell.ts';
import type { Environments, Storage } from './environments.ts';
import { environmentsOf } from './environments.ts';
import { NetworkModel } from './loss.ts';

const K = 6;
const basis = buildAceBasis({ ...presetSpecification('small', ['Si'], 4.2), nmax: [4, 2], lmax: [0, 2] });
const program = new EnvironmentGradients(basis);
const frames = siliconFrames(6);
const maps = mapsOf(basis, frames, K);
const model = new NetworkModel({ inputs: K, hidden: [5, 4], activation: 'silu' }, 1);
const random = new RandomStream(12, 'environments test');
const parameters = Float64Array.from({ length: model.count }, () => 0.5 * random.normal());

/** Memory of this thread, Jacobians in single precision. */
const SINGLE: Storage = {
  floats: (length) => new Float32Array(length),
  doubles: (length) => new Float64Array(length),
  ints: (length) => new Int32Array(length),
  bytes: (length) => new Uint8Array(length),
};

function evaluated(environments: Environments): { energy: number; forces: Float64Array; virial: Float64Array } {
  const forces = new Float64Array(3 * environments.elements.length);
  const virial = new Float64Array(6);
  return { energy: model.evaluate(environments, parameters, forces, virial), forces, virial };
}

const of = (structure: Structure) => evaluated(environmentsOf(program, maps, structure, true));
const { structure } = frames[1]!;
const here = of(structure);

describe('energies on environments', () => {
  it('do not change when a structure is turned and moved, and forces turn with it', () => {
    fc.assert(
      fc.property(fc.nat({ max: 1000 }), (seed) => {
        const stream = new RandomStream(seed, 'turns');
        const rotation = randomRotation(stream);
        const there = of(shifted(rotated(structure, rotation), [stream.normal(), stream.normal(), stream.normal()]));
        const why = 'rounding of a few thousand terms near 1';
        expect(there.energy).toAgree(here.energy, { atol: 1e-9, why });
        // Rows of `rotation` act on row vectors.
        const turned = rotated(
          { ...structure, positions: here.forces, cell: null, pbc: [false, false, false] },
          rotation,
        );
        expect(there.forces).toAgree(turned.positions, { atol: 1e-8, why });
        expect(there.virial).toAgree(rotatedTensor(here.virial, rotation), { atol: 1e-7, why });
      }),
      { numRuns: 8 },
    );
  });

  it('go with the atoms when these are numbered otherwise', () => {
    const order = new RandomStream(3, 'numbering').permutation(8);
    const positions = new Float64Array(24);
    order.forEach((from, to) => {
      positions.set(structure.positions.subarray(3 * from, 3 * from + 3), 3 * to);
    });
    const there = of({ ...structure, positions });
    const why = 'the same sums in another order';
    expect(there.energy).toAgree(here.energy, { atol: 1e-10, why });
    order.forEach((from, to) => {
      expect(there.forces.subarray(3 * to, 3 * to + 3)).toAgree(here.forces.subarray(3 * from, 3 * from + 3), {
        atol: 1e-9,
        why,
      });
    });
  });

  it('of a repeated cell are as many times as large, whether neighbours are images or atoms of their own', () => {
    const there = of(repeated(structure, [2, 1, 1]));
    const why = 'images of an atom are summed in the small cell only';
    expect(there.energy).toAgree(2 * here.energy, { rtol: 1e-10, atol: 1e-9, why });
    expect(there.virial).toAgree(
      here.virial.map((w) => 2 * w),
      { atol: 1e-7, why },
    );
    expect(there.forces.subarray(0, 24)).toAgree(here.forces, { atol: 1e-8, why });
  });

  it('of a perfect crystal have no forces, and a pressure alone', () => {
    const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.2, repeat: [1, 1, 1] });
    const { forces, virial } = of(crystal);
    const why = 'every atom is a centre of symmetry of its kind';
    expect(forces).toAgree(new Float64Array(24), { atol: 1e-9, why });
    expect(virial.subarray(3)).toAgree([0, 0, 0], { atol: 1e-8, why });
    expect(virial[0]!).toAgree(virial[2]!, { rtol: 1e-9, atol: 1e-9, why });
  });

  it('in single precision have forces within 1e-6 of their size, and the same energies', () => {
    const environments = environmentsOf(program, maps, structure, true, SINGLE);
    expect(environments.jacobian).toBeInstanceOf(Float32Array);
    const single = evaluated(environments);
    const size = here.forces.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
    expect(single.energy).toBe(here.energy);
    expect(single.forces).toAgree(here.forces, { atol: 1e-6 * size, why: 'rounding of the stored derivatives' });
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let i = 0; i < 8; i++) sum += single.forces[3 * i + c]!;
      expect(sum).toAgree(0, {
        atol: 1e-12,
        why: 'the central atom takes the same rounded numbers with the other sign',
      });
    }
  });

  it('need no strains where no virial is wanted', () => {
    const bare = environmentsOf(program, maps, structure, false);
    expect(bare.strain).toBeNull();
    const forces = new Float64Array(24);
    const virial = new Float64Array(6);
    model.evaluate(bare, parameters, forces, virial);
    expect(forces).toEqual(here.forces);
    expect([...virial]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('of an atom alone are what the network says of no neighbours', () => {
    const alone: Structure = {
      positions: new Float64Array(3),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(14),
    };
    const environments = environmentsOf(program, maps, alone, true);
    expect(environments.neighbors).toHaveLength(0);
    const { forces, energy } = evaluated(environments);
    expect([...forces].map(Math.abs)).toEqual([0, 0, 0]);
    expect(Number.isFinite(energy)).toBe(true);
  });

  it('take any matrix product', () => {
    let calls = 0;
    const counted = environmentsOf(program, maps, structure, true, SINGLE, (a, b, m, k, n) => {
      calls++;
      const out = new Float64Array(m * n);
      for (let r = 0; r < m; r++) {
        for (let c = 0; c < n; c++) {
          for (let v = 0; v < k; v++) out[r * n + c]! += a[r * k + v]! * b[v * n + c]!;
        }
      }
      return out;
    });
    expect(calls).toBe(16);
    const plain = environmentsOf(program, maps, structure, true);
    expect(Float64Array.from(counted.jacobian)).toAgree(Float64Array.from(plain.jacobian), {
      rtol: 1e-6,
      atol: 1e-6,
      why: 'single precision',
    });
  });
});
