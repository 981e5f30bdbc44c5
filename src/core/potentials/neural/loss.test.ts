import { describe, expect, it } from 'vitest';
import { buildAceBasis } from '../../descriptors/ace/enumerate.ts';
import { EnvironmentGradients } from '../../descriptors/ace/environment-gradients.ts';
import { presetSpecification } from '../../descriptors/ace/presets.ts';
import { RandomStream } from '../../random.ts';
import { prototypeStructure } from '../../structure/prototypes.ts';
import type { Structure } from '../../structure/structure.ts';
import { environmentsOf, pullBack, pushForward } from './environments.ts';
import { addMoments, type InvariantMoments, noMoments, principalInputs } from './inputs.ts';
import type { NeuralFrame } from './loss.ts';
import { NetworkModel, noLoss, totalLoss } from './loss.ts';

const basis = buildAceBasis({ ...presetSpecification('small', ['C', 'Si'], 4.4), nmax: [4, 2], lmax: [0, 2] });
const program = new EnvironmentGradients(basis);
const random = new RandomStream(8, 'loss test');
const normals = (n: number, scale = 1) => Float64Array.from({ length: n }, () => scale * random.normal());

function cell(): Structure {
  const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 4.7, repeat: [1, 1, 1] });
  const species = crystal.species.map((z, i) => (i % 3 === 0 ? 6 : z));
  return { ...crystal, species, positions: crystal.positions.map((x) => x + 0.1 * random.normal()) };
}

const structures = [cell(), cell(), cell()];
const moments: InvariantMoments[] = basis.functions.map((list) => noMoments(list.length));
for (const structure of structures) program.visit(structure, (at) => addMoments(moments[at.element]!, at.values, 0));
const maps = moments.map((own) => principalInputs(own, 6, 1));
const model = new NetworkModel({ inputs: 6, hidden: [5, 4], activation: 'silu' }, 2);
const parameters = normals(model.count, 0.4);
const noises = { energy: 0.03, forces: 0.2, virial: 0.5 };

const environments = (structure: Structure) => environmentsOf(program, maps, structure, true);

/** Labels with gaps, which must not count. */
function frameOf(structure: Structure): NeuralFrame {
  const forces = normals(3 * structure.species.length, 0.3);
  forces[4] = Number.NaN;
  const virial = normals(6, 2);
  virial[5] = Number.NaN;
  return { environments: environments(structure), residuals: { energy: random.normal(), forces, virial } };
}

/** A structure with its cell and positions strained by ε (Voigt, symmetric). */
function strained(structure: Structure, component: number, size: number): Structure {
  const [a, b] = [
    [0, 0],
    [1, 1],
    [2, 2],
    [1, 2],
    [0, 2],
    [0, 1],
  ][component]!;
  const apply = (vectors: Float64Array) => {
    const out = vectors.slice();
    for (let k = 0; k < vectors.length; k += 3) {
      if (a === b) out[k + a!]! += size * vectors[k + a!]!;
      else {
        out[k + a!]! += 0.5 * size * vectors[k + b!]!;
        out[k + b!]! += 0.5 * size * vectors[k + a!]!;
      }
    }
    return out;
  };
  return { ...structure, positions: apply(structure.positions), cell: apply(structure.cell!) };
}

describe('energies of networks on environments', () => {
  it('have forces and virial that are their derivatives', () => {
    const structure = structures[0]!;
    const n = structure.species.length;
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    const shares = new Float64Array(n);
    const energy = model.evaluate(environments(structure), parameters, forces, virial, shares);
    expect(shares.reduce((a, b) => a + b)).toAgree(energy, { rtol: 1e-13, atol: 1e-13, why: 'sum of shares' });
    const h = 1e-4;
    const energyOf = (moved: Structure) => model.evaluate(environments(moved), parameters, null, null);
    const moved = (k: number, d: number): Structure => {
      const positions = structure.positions.slice();
      positions[k]! += d;
      return { ...structure, positions };
    };
    const numeric = Float64Array.from(
      [0, 4, 11, 17],
      (k) => -(energyOf(moved(k, h)) - energyOf(moved(k, -h))) / (2 * h),
    );
    const why = 'central differences with a step of 1e-4';
    expect(Float64Array.of(forces[0]!, forces[4]!, forces[11]!, forces[17]!)).toAgree(numeric, {
      atol: 2e-6,
      rtol: 1e-6,
      why,
    });
    for (let v = 0; v < 6; v++) {
      const at = (e: number) => energyOf(strained(structure, v, e)) - energyOf(strained(structure, v, -e));
      const slope = (8 * at(h) - at(2 * h)) / (12 * h);
      expect(virial[v]!).toAgree(-slope, { atol: 1e-6, rtol: 1e-7, why: 'central differences of fourth order' });
    }
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += forces[3 * i + c]!;
      expect(sum).toAgree(0, { atol: 1e-12, why: 'nothing pulls itself' });
    }
  });

  it('pull back and push forward are transposes', () => {
    const at = environments(structures[1]!);
    const n = structures[1]!.species.length;
    const [g, along, strain] = [normals(6 * n), normals(3 * n), normals(6)];
    const forces = new Float64Array(3 * n);
    const virial = new Float64Array(6);
    pullBack(at, g, forces, virial);
    const tangents = new Float64Array(6 * n);
    pushForward(at, along, strain, tangents);
    const dot = (a: Float64Array, b: Float64Array) => a.reduce((sum, x, k) => sum + x * b[k]!, 0);
    expect(dot(g, tangents)).toAgree(dot(forces, along) + dot(virial, strain), {
      rtol: 1e-12,
      atol: 1e-10,
      why: 'the same bilinear form',
    });
  });
});

describe('the loss', () => {
  const frames = structures.map(frameOf);
  const lossAt = (p: Float64Array): number => {
    const sums = noLoss();
    for (const frame of frames) model.addLoss(frame, p, noises, sums);
    return totalLoss(sums);
  };

  it('has the gradient that finite differences say, forces and virials included', () => {
    const gradient = new Float64Array(model.count);
    const sums = noLoss();
    for (const frame of frames) model.addLoss(frame, parameters, noises, sums, gradient, 1);
    expect(totalLoss(sums)).toBe(lossAt(parameters));
    const h = 1e-5;
    const numeric = parameters.map((_, k) => {
      const at = (d: number): number => {
        const moved = parameters.slice();
        moved[k]! += d;
        return lossAt(moved);
      };
      // Richardson: the error of fourth order is below that of rounding.
      return (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    });
    const scale = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const worst = gradient.reduce((most, g, k) => Math.max(most, Math.abs(g - numeric[k]!) / scale), 0);
    expect(worst).toBeLessThan(3e-11);
  });

  it('counts labels that are there, and scales with its weight', () => {
    const sums = noLoss();
    const [once, thrice] = [new Float64Array(model.count), new Float64Array(model.count)];
    model.addLoss(frames[0]!, parameters, noises, sums, once, 1);
    model.addLoss(frames[0]!, parameters, noises, noLoss(), thrice, 3);
    expect(sums).toMatchObject({ energies: 1, components: 23, virials: 5 });
    expect(thrice).toAgree(
      once.map((g) => 3 * g),
      { rtol: 1e-11, atol: 1e-9, why: 'a common factor' },
    );
  });

  it('of structures without some kind of label is of the others alone', () => {
    const { environments: at, residuals } = frames[0]!;
    const energyOnly = noLoss();
    const gradient = new Float64Array(model.count);
    model.addLoss(
      { environments: at, residuals: { ...residuals, forces: null, virial: null } },
      parameters,
      noises,
      energyOnly,
      gradient,
    );
    expect(energyOnly).toMatchObject({ energies: 1, forces: 0, virial: 0 });
    expect(gradient.some((g) => g !== 0)).toBe(true);
    const forcesOnly = noLoss();
    model.addLoss(
      { environments: { ...at, strain: null }, residuals: { ...residuals, energy: Number.NaN } },
      parameters,
      noises,
      forcesOnly,
    );
    expect(forcesOnly).toMatchObject({ energies: 0, energy: 0, virials: 0, components: 23 });
  });
});
