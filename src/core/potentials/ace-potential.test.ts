import { beforeAll, describe, expect, it } from 'vitest';
import { golden } from '../../../test/support/golden.ts';
import { alloyFrames, alloyPotential, fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { permuted, randomRotation, replicated, rewrapped, shape, turned } from '../../../test/support/physics.ts';
import { createYacePotential } from '../../formats/yace-potential.ts';
import { readYace } from '../../formats/yace-reader.ts';
import { columnCount, columnOffsets } from '../dataset/dataset.ts';
import type { StructureBlocks } from '../dataset/observations.ts';
import { structureBlocks, whitened } from '../dataset/observations.ts';
import type { AceBasis } from '../descriptors/ace/basis.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import type { AceProgram, Evaluation, StructureRows } from '../descriptors/descriptors.ts';
import { InputError } from '../errors.ts';
import { informationGain, posteriorCovariance, updatePosterior } from '../regression/posterior.ts';
import type { PosteriorState } from '../regression/regression.ts';
import { repeated } from '../structure/supercell.ts';
import type { Structure } from '../structure/structure.ts';
import { AcePotential } from './ace-potential.ts';
import { coefficientsOf, distanceGates, isolatedAtomEnergies } from './linear-model.ts';
import type { LinearModel, ModelUncertainty } from './linear-model.ts';

const BRUTE = { rtol: 1e-4, why: 'an explicit inverse of a matrix whose condition number nears 1e12' };
const SUMS = { rtol: 1e-11, atol: 1e-12, why: 'rounding of sums in another order' };

let silicon: AcePotential;
let alloy: AcePotential;

beforeAll(async () => {
  const one = await fitOn(1, siliconFrames(12));
  silicon = new AcePotential(one.model, createAceProgram(one.basis));
  const two = await fitOn(1, alloyFrames(14, alloyPotential(['C', 'Si'], [-3, -1])));
  alloy = new AcePotential(two.model, createAceProgram(two.basis));
});

function rowsOf(program: AceProgram, structure: Structure): StructureRows {
  let rows!: StructureRows;
  program.rows([structure], (_, found) => {
    rows = found;
  });
  return rows;
}

/** C = A Aᵀ. */
function rootSquared({ root, rank }: { readonly root: Float64Array; readonly rank: number }): number[][] {
  const rows = Array.from({ length: root.length / rank }, (_, v) => root.subarray(v * rank, (v + 1) * rank));
  return rows.map((a) => rows.map((b) => a.reduce((sum, value, k) => sum + value * b[k]!, 0)));
}

/** S = (RᵀR)⁻¹ by Gauss–Jordan elimination: slow, and nothing to do with triangular solves. */
function covarianceMatrix({ r, mean }: PosteriorState): number[][] {
  const d = mean.length;
  const p = Array.from({ length: d }, (_, i) =>
    Array.from({ length: 2 * d }, (__, j) => {
      if (j >= d) return i === j - d ? 1 : 0;
      let sum = 0;
      for (let k = 0; k <= Math.min(i, j); k++) sum += r[k * d + i]! * r[k * d + j]!;
      return sum;
    }),
  );
  // Rows and columns are scaled to unit diagonal first, for the sake of the pivots.
  const scale = p.map((row, i) => 1 / Math.sqrt(row[i]!));
  p.forEach((row, i) => {
    for (let j = 0; j < d; j++) row[j] = row[j]! * scale[i]! * scale[j]!;
  });
  for (let c = 0; c < d; c++) {
    let pivot = c;
    for (let i = c; i < d; i++) if (Math.abs(p[i]![c]!) > Math.abs(p[pivot]![c]!)) pivot = i;
    [p[c], p[pivot]] = [p[pivot]!, p[c]!];
    const value = p[c]![c]!;
    for (let j = 0; j < 2 * d; j++) p[c]![j]! /= value;
    for (let i = 0; i < d; i++) {
      const factor = p[i]![c]!;
      if (i !== c && factor !== 0) for (let j = 0; j < 2 * d; j++) p[i]![j]! -= factor * p[c]![j]!;
    }
  }
  return p.map((row, i) => row.slice(d).map((x, j) => x * scale[i]! * scale[j]!));
}

/** x S xᵀ of a row of the basis, padded with zeros to all columns, plus extra entries. */
function bruteVariance(s: number[][], row: ArrayLike<number>, extra: Readonly<Record<number, number>> = {}): number {
  const x = s.map((_, v) => (v < row.length ? row[v]! : 0) + (extra[v] ?? 0));
  let sum = 0;
  for (let i = 0; i < x.length; i++) for (let j = 0; j < x.length; j++) sum += x[i]! * s[i]![j]! * x[j]!;
  return sum;
}

describe.each(['silicon', 'alloy'] as const)('prediction of %s', (which) => {
  const potentialOf = (): AcePotential => (which === 'silicon' ? silicon : alloy);
  const elements = which === 'silicon' ? ['Si'] : ['C', 'Si'];
  const structures = (['molecule', 'slab', 'triclinic', 'cell smaller than the cutoff'] as const).map((name) =>
    shape(name, elements, 2.3),
  );

  it('has the means of evaluate', () => {
    const potential = potentialOf();
    for (const structure of structures) {
      const mean = potential.evaluate(structure);
      const prediction = potential.predict(structure);
      const size = Math.max(1, ...mean.forces.map(Math.abs));
      const why = 'both sum coefficients times functions; rounding of sums in another order';
      expect(prediction.energy).toAgree(mean.energy, { rtol: 1e-12, atol: 1e-12, why });
      expect(prediction.forces).toAgree(mean.forces, { atol: 1e-12 * size, why });
      expect(prediction.virial).toAgree(mean.virial, { atol: 1e-11 * size, why });
      expect(prediction.atomEnergies!).toAgree(mean.atomEnergies!, { atol: 1e-11, why });
      const sum = mean.atomEnergies!.reduce((a, b) => a + b, 0);
      expect(sum).toAgree(mean.energy, { rtol: 1e-12, atol: 1e-12, why: 'a partition of the energy' });
    }
  });

  it.each(['posterior', 'jackknife', 'pops'] as const)('has the variances X C Xᵀ of the %s', (form) => {
    const potential = potentialOf();
    const { model, program } = potential;
    const s = form === 'posterior' ? covarianceMatrix(model.posterior) : rootSquared(model.uncertainty.forms![form]);
    const { basis } = model.layout;
    const offset = columnOffsets(model.layout).referenceEnergies;
    for (const structure of structures) {
      const rows = rowsOf(program, structure);
      const prediction = potential.predict(structure);
      const { fixedComponents } = prediction;
      const found = prediction.forms[form]!;
      if (form === 'posterior') {
        const { energyVariance, forceVariances, virialVariances } = prediction;
        expect(found).toEqual({ energy: energyVariance, forces: forceVariances, virial: virialVariances });
      }
      const counts: Record<number, number> = {};
      for (const z of structure.species) {
        const column = offset + model.layout.species.indexOf(z);
        counts[column] = (counts[column] ?? 0) + 1;
      }
      const tolerance = BRUTE;
      expect(found.energy).toAgree(bruteVariance(s, rows.energy, counts), tolerance);
      for (let c = 0; c < 6; c++) {
        const row = rows.virial.subarray(c * basis, (c + 1) * basis);
        expect(found.virial[c]).toAgree(bruteVariance(s, row), tolerance);
      }
      for (let i = 0; i < structure.species.length; i++) {
        const free = [0, 1, 2].filter((c) => fixedComponents[3 * i + c] === 0);
        const variances = free.map((c) =>
          bruteVariance(s, rows.forces.subarray((3 * i + c) * basis, (3 * i + c + 1) * basis)),
        );
        expect(found.forces[i]).toAgree(variances.reduce((a, b) => a + b, 0) / free.length, tolerance);
      }
    }
  });

  it('has the leverage b S bᵀ over the median of the training atoms of that element', () => {
    const potential = potentialOf();
    const { model, program } = potential;
    const s = covarianceMatrix(model.posterior);
    const structure = structures[0]!;
    const rows = rowsOf(program, structure);
    const block = rows.atoms.length / structure.species.length;
    const { leverage } = potential.predict(structure);
    structure.species.forEach((z, i) => {
      const e = model.layout.species.indexOf(z);
      const start = program.basis.offsets[e]!;
      const wide = new Float64Array(model.layout.basis);
      wide.set(rows.atoms.subarray(i * block, i * block + program.basis.offsets[e + 1]! - start), start);
      expect(leverage[i]).toAgree(bruteVariance(s, wide) / model.uncertainty.leverageMedian[e]!, BRUTE);
    });
  });

  it('repeats itself for the same structure turned, moved and renumbered', () => {
    const potential = potentialOf();
    const structure = structures[2]!;
    const original = potential.predict(structure);
    const why = 'exact symmetry: rounding of variances of an ill-conditioned posterior';
    for (const transformed of [turned(structure, randomRotation(3)), rewrapped(structure, 4)]) {
      const found = potential.predict(transformed.structure);
      expect(found.energyVariance).toAgree(original.energyVariance, { rtol: 1e-6, why });
      expect(found.forceVariances).toAgree(original.forceVariances, { rtol: 1e-6, why });
      expect(found.leverage).toAgree(original.leverage, { rtol: 1e-6, why });
      expect(found.novelty).toAgree(original.novelty, { rtol: 1e-6, why });
    }
    const shuffled = permuted(structure, 5).structure;
    const found = potential.predict(shuffled);
    expect([...found.forceVariances].sort()).toAgree([...original.forceVariances].sort(), { rtol: 1e-6, why });
    expect(found.energyVariance).toAgree(original.energyVariance, { rtol: 1e-6, why });
  });

  it('has an energy variance that grows with the square of the number of copies', () => {
    const potential = potentialOf();
    const structure = structures[2]!;
    const { energyVariance, forceVariances } = potential.predict(structure);
    const four = potential.predict(replicated(structure).structure);
    const why = 'copies share their weights, so their errors are the same';
    expect(four.energyVariance).toAgree(16 * energyVariance, { rtol: 1e-8, why });
    expect(four.forceVariances.subarray(0, structure.species.length)).toAgree(forceVariances, { rtol: 1e-8, why });
  });
});

describe('components fixed by symmetry', () => {
  it('are all of a perfect crystal, and none where an atom has moved', () => {
    const perfect = shape('crystal', ['Si'], 2.35);
    const a = 2.35 * (4 / Math.sqrt(3));
    const sites = [0, 0, 0, 0, 2, 2, 2, 0, 2, 2, 2, 0, 1, 1, 1, 1, 3, 3, 3, 1, 3, 3, 3, 1].map((x) => (x * a) / 4);
    const crystal = { ...perfect, positions: Float64Array.from(sites) };
    const fixed = silicon.predict(crystal);
    expect([...fixed.fixedComponents]).toEqual(new Array(24).fill(1));
    expect([...fixed.forceVariances]).toEqual(new Array(8).fill(0));
    expect(silicon.trust(crystal).forceSigma).toBe(0);

    const moved = crystal.positions.slice();
    moved[4] = moved[4]! + 0.05;
    const free = silicon.predict({ ...crystal, positions: moved });
    // Atom 1 moved along y by 0.05 Å; along y nothing holds its force at zero any more.
    expect(free.fixedComponents[4]).toBe(0);
    expect(free.forceVariances[1]).toBeGreaterThan(0);
    // Of what the others feel much is beyond symmetry, too.
    expect(free.fixedComponents.reduce((sum, x) => sum + x, 0)).toBeLessThan(20);
  });
});

describe('signals of trust', () => {
  const structure = shape('crystal', ['Si'], 2.35);

  it('are the largest over atoms, with b of the calibration', () => {
    const prediction = silicon.predict(structure);
    const signals = silicon.trust(structure);
    const { b } = silicon.model.uncertainty.scales.forces;
    expect(signals.forceSigma).toAgree(Math.sqrt(b * Math.max(...prediction.forceVariances)), SUMS);
    expect(signals.leverage).toBe(Math.max(...prediction.leverage));
    expect(signals.novelty).toBe(Math.max(...prediction.novelty));
    expect(signals.atom).toBeGreaterThanOrEqual(0);
  });

  it('know the distance gate of the pair, images included', () => {
    const gate = distanceGates(silicon.model.specification)[0]![0]!;
    expect(gate).toAgree(1.554, { atol: 1e-12, why: '0.7 of twice the covalent radius of silicon, 1.11 Å' });
    const pair = (d: number): Structure => ({
      positions: Float64Array.of(0, 0, 0, d, 0, 0),
      cell: Float64Array.of(12, 0, 0, 0, 12, 0, 0, 0, 12),
      pbc: [true, true, true],
      species: Uint8Array.of(14, 14),
    });
    expect(silicon.distanceOverGate(pair(2))).toAgree(2 / gate, SUMS);
    expect(silicon.distanceOverGate(pair(1.2))).toAgree(1.2 / gate, SUMS);
    // Across the boundary of the cell.
    expect(silicon.distanceOverGate(pair(11))).toAgree(1 / gate, SUMS);
    // Nothing within twice the gate.
    expect(silicon.distanceOverGate(pair(6))).toBe(Number.POSITIVE_INFINITY);
  });

  it('grow where the structure leaves the training set', () => {
    const crystal = silicon.trust(structure);
    const stretched = silicon.trust(shape('crystal', ['Si'], 3.4));
    const molecule = silicon.trust(shape('molecule', ['Si'], 2.35));
    expect(crystal.novelty).toBeLessThan(1.5);
    expect(stretched.novelty).toBeGreaterThan(2 * crystal.novelty);
    expect(molecule.novelty).toBeGreaterThan(2 * crystal.novelty);
  });

  it('are not a number when any atom is not, and name that atom', () => {
    const prediction = silicon.predict(structure);
    for (const bad of [0, 3, 7]) {
      const forceVariances = prediction.forceVariances.slice();
      forceVariances[bad] = Number.NaN;
      const signals = silicon.signals(structure, { ...prediction, forceVariances });
      expect(signals.forceSigma).toBeNaN();
      expect(signals.atom).toBe(bad);
      const novelty = prediction.novelty.slice();
      novelty[bad] = Number.NaN;
      expect(silicon.signals(structure, { ...prediction, novelty }).novelty).toBeNaN();
      const leverage = prediction.leverage.slice();
      leverage[bad] = Number.NaN;
      expect(silicon.signals(structure, { ...prediction, leverage }).leverage).toBeNaN();
    }
  });

  it('say of an atom without neighbours that it is infinitely new', () => {
    const lonely: Structure = {
      positions: Float64Array.of(0, 0, 0),
      cell: null,
      pbc: [false, false, false],
      species: Uint8Array.of(14),
    };
    expect(silicon.trust(lonely).novelty).toBe(Number.POSITIVE_INFINITY);
    const energy = silicon.evaluate(lonely).energy;
    expect(energy).toAgree(isolatedAtomEnergies(silicon.model)[0]!, SUMS);
  });

  it('are infinite for an element without training atoms', () => {
    const { novelty } = alloy.model.uncertainty;
    const blind = new AcePotential(
      { ...alloy.model, uncertainty: { ...alloy.model.uncertainty, novelty: [null, novelty[1]!] } },
      alloy.program,
    );
    const mixed = shape('crystal', ['C', 'Si'], 2.2);
    const found = blind.predict(mixed).novelty;
    mixed.species.forEach((z, i) => {
      expect(found[i] === Number.POSITIVE_INFINITY).toBe(z === 6);
    });
  });
});

describe('what is no part of the potential', () => {
  it('the offset of the stress labels adds nothing to the virial or its variance', () => {
    const { model, program } = silicon;
    const { stressOffset } = columnOffsets(model.layout);
    expect(model.layout.stressOffset).toBe(true);
    const mean = model.posterior.mean.slice();
    mean[stressOffset] = 5;
    const shifted = new AcePotential({ ...model, posterior: { ...model.posterior, mean } }, program);
    const structure = shape('triclinic', ['Si'], 2.35);
    expect(shifted.predict(structure).virial).toEqual(silicon.predict(structure).virial);
    expect(shifted.evaluate(structure).energy).toBe(silicon.evaluate(structure).energy);
    expect(coefficientsOf(model).length).toBe(model.layout.basis);
    expect(columnCount(model.layout)).toBe(model.layout.basis + 2);
  });

  it('refuses a species that the model does not know', () => {
    const foreign = { ...shape('molecule', ['Ge'], 2.4) };
    expect(() => silicon.evaluate(foreign)).toThrow(InputError);
    expect(() => silicon.predict(foreign)).toThrow(/species must be one of Si, got Ge/);
  });
});

interface Listed {
  readonly c: number;
}
interface ForceCovariance {
  readonly alpha: number;
  readonly sigma_E: number;
  readonly sigma_F: number;
  readonly query_positions: number[][];
  readonly sigma_E_total: number;
  readonly grad_sigma_E: number[][];
  readonly sigma_F_components: number[][];
  readonly sigma_atom_energy: number[];
  readonly trace_cov_F: number;
  readonly bald_energy_only: number;
  readonly bald_energy_forces: number;
}

/** Error bars of a model before version 3: the posterior's form only. */
function posteriorAlone(uncertainty: ModelUncertainty): ModelUncertainty {
  const { envelope: _, forms: __, ...rest } = uncertainty;
  return rest;
}

describe('golden reference: force covariances of a basis of 26 functions', () => {
  const reference = golden<{
    A: { A5_P1: { positions: number[][]; yace: string; functions: { Si: Listed[] } } };
    B: { B8_ace_force_covariance_and_HAL: ForceCovariance };
  }>('reference-values');
  const { A5_P1: P1 } = reference.A;
  const B8 = reference.B.B8_ace_force_covariance_and_HAL;
  const d = P1.functions.Si.length;

  /** Rows of the published basis, whose radial functions are mixed: each function's derivatives by its own potential. */
  function productProgram(): AceProgram {
    const document = readYace(P1.yace, 'P1.yace');
    const { potential } = document;
    const own = P1.functions.Si.map((listed, v) => {
      const functions = [
        potential.functions[0]!.map((fn, u) => ({
          ...fn,
          coefficients: fn.coefficients.map((x) => (u === v ? x / listed.c : 0)),
        })),
      ];
      const bonds = potential.bonds.map((row) => row.map((bond) => ({ ...bond, core: { prefactor: 0, lambda: 1 } })));
      return createYacePotential({ ...document, potential: { ...potential, e0: [0], bonds, functions } });
    });
    const nothing = (n: number): Evaluation => ({
      energy: 0,
      atomEnergies: new Float64Array(n),
      forces: new Float64Array(3 * n),
      virial: new Float64Array(6),
    });
    const rows = (structure: Structure): StructureRows => {
      const n = structure.species.length;
      const results = own.map((function_) => function_.evaluate(structure));
      const columns = (m: number, of: (v: number) => ArrayLike<number>): Float64Array =>
        Float64Array.from({ length: m * d }, (_, k) => of(k % d)[Math.floor(k / d)]!);
      return {
        energy: Float64Array.from(results, (result) => result.energy),
        forces: columns(3 * n, (v) => results[v]!.forces),
        virial: columns(6, (v) => results[v]!.virial),
        atoms: columns(n, (v) => results[v]!.atomEnergies!),
        baseline: nothing(n),
      };
    };
    return {
      basis: { offsets: [0, d] } as unknown as AceBasis,
      size: d,
      evaluate: (batch, weights) =>
        batch.map((structure) => {
          const { energy, forces, virial, atoms } = rows(structure);
          const product = (m: Float64Array): Float64Array =>
            Float64Array.from({ length: m.length / d }, (_, i) =>
              weights.reduce((sum, w, v) => sum + w * m[i * d + v]!, 0),
            );
          return {
            energy: product(energy)[0]!,
            atomEnergies: product(atoms),
            forces: product(forces),
            virial: product(virial),
          };
        }),
      rows: (batch, sink) => {
        for (const [i, structure] of batch.entries()) sink(i, rows(structure));
      },
      descriptors: (batch) => batch.map((structure) => rows(structure).atoms),
      dispose: () => undefined,
    };
  }

  const cluster = (positions: number[][]): Structure => ({
    positions: Float64Array.from(positions.flat()),
    cell: null,
    pbc: [false, false, false],
    species: new Uint8Array(positions.length).fill(14),
  });

  function referencePotential(): AcePotential {
    const program = productProgram();
    const noise = { energy: B8.sigma_E, forces: B8.sigma_F, virial: 1 };
    let posterior: PosteriorState = {
      mean: new Float64Array(d),
      r: Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? Math.sqrt(B8.alpha) : 0)),
      hyperparameters: { alpha: B8.alpha, noise },
    };
    for (let k = -2; k <= 2; k++) {
      const rows = rowsOf(program, cluster(P1.positions.map((site) => site.map((x) => x * (1 + 0.02 * k)))));
      const energy = rows.energy.map((x) => x / noise.energy);
      const forces = rows.forces.map((x) => x / noise.forces);
      posterior = updatePosterior(posterior, energy, new Float64Array(1), 1);
      posterior = updatePosterior(posterior, forces, new Float64Array(15), 15);
    }
    const { model } = silicon;
    const golden: LinearModel = {
      ...model,
      layout: { basis: d, species: [14], referenceEnergies: false, stressOffset: false, offsetGroups: [] },
      reference: { values: [0], origin: 'given', degenerate: false },
      posterior,
      forceColumnScale: new Float64Array(d).fill(1e-6),
      uncertainty: { ...posteriorAlone(model.uncertainty), leverageMedian: [1], novelty: [null] },
    };
    return new AcePotential(golden, program);
  }

  const query = cluster(B8.query_positions);
  const EXACT = { rtol: 1e-6, why: 'reference computed with normal equations in double precision' };

  it('gives the published standard deviations of energy, forces and atoms', () => {
    const found = referencePotential().predict(query);
    expect(Math.sqrt(found.energyVariance)).toAgree(B8.sigma_E_total, EXACT);
    B8.sigma_F_components.forEach((sigmas, i) => {
      const trace = sigmas.reduce((sum, s) => sum + s * s, 0);
      expect(3 * found.forceVariances[i]!).toAgree(trace, EXACT);
    });
    const total = found.forceVariances.reduce((sum, v) => sum + 3 * v, 0);
    expect(total).toAgree(B8.trace_cov_F, EXACT);
    expect(found.leverage.map(Math.sqrt)).toAgree(B8.sigma_atom_energy, EXACT);
    // Why a site energy's variance is no error bar: it is many times that of the sum.
    for (const variance of found.leverage) expect(Math.sqrt(variance)).toBeGreaterThan(10 * B8.sigma_E_total);
  });

  it('is certain of the net force and the torque', () => {
    const potential = referencePotential();
    const rows = rowsOf(potential.program, query);
    const covariance = posteriorCovariance(potential.model.posterior, rows.forces, 15);
    for (let j = 0; j < 15; j++) {
      for (let c = 0; c < 3; c++) {
        let net = 0;
        let torque = 0;
        for (let i = 0; i < 5; i++) {
          const at = (axis: number): number => covariance[(3 * i + axis) * 15 + j]!;
          const x = (axis: number): number => query.positions[3 * i + axis]!;
          net += at(c);
          torque += x((c + 1) % 3) * at((c + 2) % 3) - x((c + 2) % 3) * at((c + 1) % 3);
        }
        expect(net).toAgree(0, { atol: 1e-12, why: 'every function is invariant under translation' });
        expect(torque).toAgree(0, { atol: 1e-12, why: 'every function is invariant under rotation' });
      }
    }
  });

  it('gives the published gradient of the energy sigma', () => {
    const potential = referencePotential();
    const sigma = (positions: Float64Array): number =>
      Math.sqrt(potential.predict({ ...query, positions }).energyVariance);
    const h = 1e-4;
    const gradient = query.positions.map((_, k) => {
      const moved = (by: number): Float64Array => query.positions.map((x, j) => (j === k ? x + by : x));
      return (sigma(moved(h)) - sigma(moved(-h))) / (2 * h);
    });
    expect(gradient).toAgree(B8.grad_sigma_E.flat(), { atol: 1e-6, why: 'central differences with h = 1e-4 Å' });
  });

  it('gives the published information gain of its labels', () => {
    const { model, program } = referencePotential();
    const rows = rowsOf(program, query);
    const blocks = structureBlocks(query, rows, model.layout, { energyNoise: 'sqrt', mask: null, offsetGroup: '' });
    const none = { ...blocks.virial, rows: new Float64Array(0), count: 0 };
    // The published noise is that of the whole energy, without √N.
    const noise = { energy: B8.sigma_E / blocks.energy.scale, forces: B8.sigma_F, virial: 1 };
    const ones = { energy: 1, forces: 1, virial: 1 };
    const gain = (parts: StructureBlocks): number => {
      const stacked = whitened(parts, noise, ones, d);
      return informationGain(model.posterior, stacked.rows, stacked.count);
    };
    const energyOnly = gain({ energy: blocks.energy, forces: none, virial: none });
    expect(energyOnly).toAgree(B8.bald_energy_only, EXACT);
    expect(gain({ ...blocks, virial: none })).toAgree(B8.bald_energy_forces, EXACT);
  });
});

describe('reference energies', () => {
  it('shift energies and nothing else', () => {
    const structure = repeated(shape('triclinic', ['C', 'Si'], 2.2), [2, 1, 1]);
    const shifted = new AcePotential(
      { ...alloy.model, reference: { ...alloy.model.reference, values: [1, 10] } },
      alloy.program,
    );
    const [before, after] = [alloy.predict(structure), shifted.predict(structure)];
    const [c, si] = isolatedAtomEnergies(alloy.model).map((e, k) => isolatedAtomEnergies(shifted.model)[k]! - e);
    const carbon = structure.species.filter((z) => z === 6).length;
    const expected = carbon * c! + (structure.species.length - carbon) * si!;
    expect(after.energy - before.energy).toAgree(expected, { rtol: 1e-11, why: 'a sum of constants' });
    expect(after.forces).toEqual(before.forces);
    expect(after.energyVariance).toBe(before.energyVariance);
    expect(TINY_FIT.isolatedAtoms).toEqual({});
  });
});
