import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../errors.ts';
import type { StructureRows } from '../descriptors/descriptors.ts';
import { RandomStream } from '../random.ts';
import type { Frame, Structure } from '../structure/structure.ts';
import type { ColumnLayout, ReferenceEnergies } from './dataset.ts';
import { columnCount, columnOffsets } from './dataset.ts';
import { labelledBlocks, structureBlocks, whitened } from './observations.ts';
import { isIsolatedAtom, referenceEnergies } from './reference-energies.ts';
import { groupedFolds } from './splits.ts';
import { frameWeights } from './weights.ts';

const ROUNDING = { rtol: 1e-12, why: 'rounding of a handful of operations' };

function frameOf(
  species: number[],
  options: Partial<Frame> & { energy?: number | null; cell?: number[] | null; forces?: Float64Array | null } = {},
): Frame {
  const cell = options.cell === undefined ? [10, 0, 0, 0, 10, 0, 0, 0, 10] : options.cell;
  const structure: Structure = {
    positions: new Float64Array(3 * species.length).map((_, i) => i * 0.9),
    cell: cell === null ? null : Float64Array.from(cell),
    pbc: cell === null ? [false, false, false] : [true, true, true],
    species: Uint8Array.from(species),
  };
  return {
    structure,
    labels: { energy: options.energy === undefined ? 0 : options.energy, forces: options.forces ?? null, virial: null },
    group: options.group ?? '',
    info: options.info ?? {},
    columns: {},
    source: { file: 'test.xyz', index: 0, line: 2 },
  };
}

describe('referenceEnergies', () => {
  it('takes the isolated atoms when every element has one', () => {
    const frames = [
      frameOf([14], { cell: null, energy: -1.5 }),
      frameOf([8], { cell: null, energy: -2.5 }),
      frameOf([14, 8], { energy: -10 }),
    ];
    expect(referenceEnergies(frames, [8, 14])).toEqual({
      values: [-2.5, -1.5],
      origin: 'isolated-atoms',
      degenerate: false,
    });
  });

  it('otherwise solves least squares on compositions exactly when it can', () => {
    const energy = (si: number, o: number): number => -5 * si - 3 * o;
    const frames = [
      [2, 1],
      [1, 3],
      [4, 4],
    ].map(([si, o]) => frameOf([...Array(si).fill(14), ...Array(o).fill(8)], { energy: energy(si!, o!) }));
    const found = referenceEnergies(frames, [8, 14]);
    expect(found.origin).toBe('least-squares');
    expect(found.degenerate).toBe(false);
    expect(found.values).toAgree([-3, -5], { atol: 1e-10, why: 'an exactly solvable 2 × 2 system' });
  });

  it('gives the minimum-norm split and says so when all compositions are alike', () => {
    const frames = [frameOf([14, 8], { energy: -8 }), frameOf([14, 14, 8, 8], { energy: -16 })];
    const found = referenceEnergies(frames, [8, 14]);
    expect(found.degenerate).toBe(true);
    expect(found.values).toAgree([-4, -4], { atol: 1e-10, why: 'the minimum-norm solution is symmetric' });
  });

  it('prefers given values and refuses data without any energy or force', () => {
    expect(referenceEnergies([frameOf([14])], [14], { 14: -4 }).origin).toBe('given');
    expect(() => referenceEnergies([frameOf([14, 14], { energy: null })], [14])).toThrow(InputError);
  });

  it('joins given energies and isolated atoms, and refuses what is given for some elements only', () => {
    const silicon = frameOf([14], { cell: null, energy: -1.5 });
    const frames = [silicon, frameOf([14, 8], { energy: -10 })];
    expect(referenceEnergies(frames, [8, 14], { 8: -2 })).toEqual({
      values: [-2, -1.5],
      origin: 'isolated-atoms',
      degenerate: false,
    });
    expect(referenceEnergies([silicon], [14], { 14: -4 })).toEqual({
      values: [-4],
      origin: 'given',
      degenerate: false,
    });
    expect(() => referenceEnergies(frames.slice(1), [8, 14], { 8: -2 })).toThrow(
      /given for every element or for none, got none for Si/,
    );
    expect(() => referenceEnergies(frames, [8, 14], { 32: -2 })).toThrow(/elements of the data \(O, Si\), got Ge/);
  });

  it('averages several isolated atoms of one element and passes over those without an energy', () => {
    const atoms = [-1, -2, null].map((energy) => frameOf([14], { cell: null, energy }));
    expect(referenceEnergies(atoms, [14]).values).toEqual([-1.5]);
    // Without an energy there is no isolated atom to take, nor is it a composition to fit.
    const bulk = [frameOf([14, 14], { energy: -8 })];
    expect(referenceEnergies([atoms[2]!, ...bulk], [14])).toMatchObject({ values: [-4], origin: 'least-squares' });
  });

  it('counts from zero where there are forces only', () => {
    const forces = frameOf([14, 14], { energy: null, forces: new Float64Array(6) });
    expect(referenceEnergies([forces], [14])).toEqual({ values: [0], origin: 'least-squares', degenerate: true });
  });

  it('refuses elements outside the list by symbol', () => {
    expect(() => referenceEnergies([frameOf([14, 32], { energy: -8 })], [14])).toThrow(
      /species must be one of Si, got Ge/,
    );
  });

  it('knows an isolated atom from a one-atom crystal', () => {
    expect(isIsolatedAtom(frameOf([14], { cell: [3.8, 0, 0, 0, 3.8, 0, 0, 0, 3.8] }))).toBe(false);
    expect(isIsolatedAtom(frameOf([14], { cell: [15, 0, 0, 0, 15, 0, 0, 0, 15] }))).toBe(true);
    expect(isIsolatedAtom(frameOf([14], { cell: [3.8, 0, 0, 0, 3.8, 0, 0, 0, 3.8], group: 'IsolatedAtom' }))).toBe(
      true,
    );
    expect(isIsolatedAtom(frameOf([14, 14], { cell: null }))).toBe(false);
  });
});

describe('frameWeights', () => {
  it('multiplies the weights of group and frame', () => {
    const weights = frameWeights({ surface: { energy: 4, forces: 0.25 } });
    expect(weights(frameOf([14], { group: 'surface', info: { config_weight: 2, forces_weight: 3 } }))).toEqual({
      energy: 8,
      forces: 1.5,
      virial: 2,
    });
    expect(weights(frameOf([14], { group: 'bulk' }))).toEqual({ energy: 1, forces: 1, virial: 1 });
  });

  it('counts 1 what is not named, per kind', () => {
    const info = { energy_weight: 0, config_stress_weight: 0.5 };
    expect(frameWeights()(frameOf([14], { info }))).toEqual({ energy: 0, forces: 1, virial: 0.5 });
  });

  it('refuses negative and non-finite weights by name and place', () => {
    expect(() => frameWeights({ bulk: { energy: -1 } })).toThrow(
      /weight of energy of group "bulk" must be a finite number ≥ 0, got -1/,
    );
    expect(() => frameWeights()(frameOf([14], { info: { energy_weight: 'much' } }))).toThrow(
      /test\.xyz:2: energy_weight must be/,
    );
  });
});

describe('groupedFolds', () => {
  it('keeps frames of one parent together and uses every fold', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 20, maxLength: 60 }),
        fc.integer(),
        (parents, seed) => {
          const frames = parents.map((parent) => frameOf([14], { info: { parent } }));
          const folds = groupedFolds(frames, 3, seed);
          const seen = new Map<number, number>();
          parents.forEach((parent, f) => {
            expect(seen.get(parent) ?? folds[f]).toBe(folds[f]);
            seen.set(parent, folds[f]!);
          });
          expect(new Set(folds).size).toBe(Math.min(3, new Set(parents).size));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('is the same for the same seed and differs for another', () => {
    const frames = Array.from({ length: 40 }, () => frameOf([14]));
    expect(groupedFolds(frames, 5, 1)).toEqual(groupedFolds(frames, 5, 1));
    expect(groupedFolds(frames, 5, 1)).not.toEqual(groupedFolds(frames, 5, 2));
  });
});

const LAYOUT: ColumnLayout = {
  basis: 3,
  species: [8, 14],
  referenceEnergies: true,
  stressOffset: true,
  offsetGroups: ['coarse'],
};
const REFERENCE: ReferenceEnergies = { values: [-2, -5], origin: 'given', degenerate: false };

function rowsOf(atoms: number, seed: number): StructureRows {
  const random = new RandomStream(seed, 'rows');
  const fill = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());
  return {
    energy: fill(3),
    forces: fill(9 * atoms),
    virial: fill(18),
    atoms: fill(3 * atoms),
    baseline: {
      energy: 0.25,
      atomEnergies: new Float64Array(atoms),
      forces: new Float64Array(3 * atoms).fill(0.1),
      virial: new Float64Array(6).fill(0.5),
    },
  };
}

describe('structureBlocks', () => {
  const frame = frameOf([14, 8, 14, 14], { energy: -30, forces: new Float64Array(12).fill(1) });
  const rows = rowsOf(4, 1);
  const options = { energyNoise: 'sqrt' as const, mask: null, offsetGroup: '' };
  const d = columnCount(LAYOUT);

  it('has the columns of its layout', () => {
    expect(d).toBe(3 + 2 + 1 + 1);
    expect(columnOffsets(LAYOUT)).toEqual({ referenceEnergies: 3, stressOffset: 5, groups: 6 });
  });

  it('scales energies by √N and carries the composition and group columns', () => {
    const { energy } = structureBlocks(frame.structure, rows, LAYOUT, { ...options, offsetGroup: 'coarse' });
    expect(energy.scale).toBe(2);
    expect(energy.rows).toAgree([...[...rows.energy].map((x) => x / 2), 1 / 2, 3 / 2, 0, 4 / 2], ROUNDING);
    const perAtom = structureBlocks(frame.structure, rows, LAYOUT, { ...options, energyNoise: 'atom' });
    expect(perAtom.energy.scale).toBe(4);
  });

  it('puts the hydrostatic offset on the diagonal of the virial only', () => {
    const { virial } = structureBlocks(frame.structure, rows, LAYOUT, options);
    expect(Array.from({ length: 6 }, (_, c) => virial.rows[c * d + 5])).toAgree([2, 2, 2, 0, 0, 0], ROUNDING);
  });

  it('leaves out force components whose rows vanish by symmetry', () => {
    const fixed = rowsOf(4, 2);
    for (const r of [0, 7]) fixed.forces.fill(1e-4, 3 * r, 3 * r + 3);
    const { forces } = structureBlocks(frame.structure, fixed, LAYOUT, {
      ...options,
      mask: { scale: new Float64Array(3).fill(1) },
    });
    expect([...forces.components]).toEqual([1, 2, 3, 4, 5, 6, 8, 9, 10, 11]);
    expect(forces.rows.length).toBe(10 * d);
  });

  it('forms targets as label minus reference energies and baseline, without absent labels', () => {
    const blocks = structureBlocks(frame.structure, rows, LAYOUT, options);
    const forces = new Float64Array(12).fill(1);
    forces[4] = Number.NaN;
    const observed = labelledBlocks(
      { ...frame, labels: { energy: -30, forces, virial: null } },
      rows,
      blocks,
      LAYOUT,
      REFERENCE,
    );
    expect(observed.energy.targets).toAgree([(-30 - (-2 - 15) - 0.25) / 2], ROUNDING);
    expect(observed.forces.count).toBe(11);
    expect([...observed.forces.components]).not.toContain(4);
    expect(observed.forces.targets).toAgree(new Float64Array(11).fill(0.9), ROUNDING);
    expect(observed.forces.rows.subarray(4 * d, 4 * d + 3)).toAgree(rows.forces.subarray(15, 18), ROUNDING);
    expect(observed.virial.count).toBe(0);
  });

  it('whitens by noise and weight, energy first', () => {
    const blocks = structureBlocks(frame.structure, rows, LAYOUT, options);
    const stacked = whitened(blocks, { energy: 2, forces: 0.5, virial: 4 }, { energy: 4, forces: 1, virial: 1 }, d);
    expect(stacked.count).toBe(1 + 12 + 6);
    expect(stacked.rows[0]).toAgree(blocks.energy.rows[0], ROUNDING);
    expect(stacked.rows[d]).toAgree(blocks.forces.rows[0]! * 2, ROUNDING);
    expect(stacked.rows[13 * d]).toAgree(blocks.virial.rows[0]! / 4, ROUNDING);
  });
});
