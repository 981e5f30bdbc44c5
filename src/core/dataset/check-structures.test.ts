import { describe, expect, it } from 'vitest';
import { RandomStream } from '../random.ts';
import type { Frame, InfoValue } from '../structure/structure.ts';
import { duplicateFindings, findDuplicates } from './check-duplicates.ts';
import { sortedFindings, type Finding } from './check-findings.ts';
import { robustDeviation, robustRatio, trimmedFit, weightedQuantile } from './check-statistics.ts';
import { structureFindings } from './check-structures.ts';

/** Two Si atoms in a box, unlike each other from frame to frame, with sound labels. */
function frame(k: number, change: Partial<Frame> = {}, info: Record<string, InfoValue> = {}): Frame {
  const random = new RandomStream(4, 'made', k);
  const d = 2.3 + 0.1 * random.uniform();
  const f = 0.5 + random.uniform();
  return {
    structure: {
      positions: Float64Array.of(0, 0, 0, d, 0, 0),
      cell: Float64Array.of(6, 0, 0, 0, 6, 0, 0, 0, 6),
      pbc: [true, true, true],
      species: Uint8Array.of(14, 14),
    },
    labels: {
      energy: -10 + 0.1 * random.normal(),
      forces: Float64Array.of(f, 0, 0, -f, 0, 0),
      virial: Float64Array.from({ length: 6 }, () => random.normal()),
    },
    group: '',
    info,
    columns: {},
    source: { file: 'a.xyz', index: k, line: 1 + 4 * k },
    ...change,
  };
}
const many = (count: number): Frame[] => Array.from({ length: count }, (_, k) => frame(k));
const withLabels = (k: number, labels: Partial<Frame['labels']>): Frame => {
  const made = frame(k);
  return { ...made, labels: { ...made.labels, ...labels } };
};
const only = (findings: readonly Finding[], code: string): Finding | undefined =>
  findings.find((finding) => finding.code === code);
const atom = (z: number, energy: number | null): Frame =>
  frame(0, {
    structure: { positions: new Float64Array(3), cell: null, pbc: [false, false, false], species: Uint8Array.of(z) },
    labels: { energy, forces: null, virial: null },
    group: 'isolated_atom',
  });

describe('structureFindings', () => {
  it('has only a note for sound frames without isolated atoms, and none with them', () => {
    expect(structureFindings(many(20)).map(({ code }) => code)).toEqual(['NO_ISOLATED_ATOMS']);
    expect(structureFindings([...many(20), atom(14, 0)])).toEqual([]);
    expect(only(structureFindings([...many(4), atom(8, 0)]), 'INCOMPLETE_ISOLATED_ATOMS')).toMatchObject({
      severity: 'warning',
      evidence: { missing: 'Si' },
    });
    expect(only(structureFindings([...many(4), atom(14, 0), atom(8, 0)]), 'FOREIGN_ISOLATED_ATOMS')?.frames).toEqual([
      5,
    ]);
  });

  it('sees atoms that overlap or come close', () => {
    const at = (x: number): Frame => {
      const made = frame(1);
      return { ...made, structure: { ...made.structure, positions: Float64Array.of(0, 0, 0, x, 0, 0) } };
    };
    const findings = structureFindings([...many(3), at(0.4), at(1)]);
    expect(only(findings, 'OVERLAP')).toMatchObject({ severity: 'error', frames: [3] });
    expect(only(findings, 'OVERLAP')!.message).toContain('Si-Si 0.40 Å');
    expect(only(findings, 'CLOSE_ATOMS')).toMatchObject({ severity: 'note', frames: [4] });
    const bohr = many(5).map((made) => ({
      ...made,
      structure: {
        ...made.structure,
        positions: made.structure.positions.map((x) => x * 1.89),
        cell: made.structure.cell!.map((x) => x * 1.89),
      },
    }));
    expect(only(structureFindings(bohr), 'LENGTH_UNIT')!.message).toContain('are lengths in bohr?');
  });

  it('sees mixed periodicity and cells that are too small', () => {
    const slab = frame(5);
    const findings = structureFindings([
      ...many(3),
      { ...slab, structure: { ...slab.structure, pbc: [true, true, false] } },
    ]);
    expect(only(findings, 'MIXED_PBC')).toMatchObject({ frames: [3], evidence: { 'pbc T T T': 3, 'pbc T T F': 1 } });
    const dense = { ...slab, structure: { ...slab.structure, cell: Float64Array.of(3, 0, 0, 0, 0.9, 0, 0, 0, 0.9) } };
    expect(only(structureFindings([...many(3), dense]), 'DENSITY')!.frames).toEqual([3]);
  });

  it('sees absent, partial and zero labels', () => {
    const findings = structureFindings([
      ...many(4),
      withLabels(4, { virial: null }),
      withLabels(5, { forces: Float64Array.of(1, Number.NaN, 0, -1, 0, 0) }),
      withLabels(6, { virial: new Float64Array(6) }),
      withLabels(7, { virial: new Float64Array(6) }),
      withLabels(8, { energy: null, forces: null, virial: null }),
    ]);
    expect(only(findings, 'MISSING_LABELS')!.evidence).toEqual({ without: 1, of: 9 });
    expect(only(findings, 'PARTIAL_LABELS')!.frames).toEqual([5]);
    expect(only(findings, 'ZERO_STRESS')).toMatchObject({ severity: 'error', frames: [6, 7] });
    expect(only(findings, 'NO_LABELS')).toMatchObject({ severity: 'error', frames: [8] });
    const three = many(6).map((made) => ({
      ...made,
      structure: {
        ...made.structure,
        species: Uint8Array.of(14, 14, 14),
        positions: Float64Array.of(0, 0, 0, 2.3, 0, 0, 0, 2.3, 0),
      },
      labels: { ...made.labels, forces: new Float64Array(9) },
    }));
    expect(only(structureFindings(three), 'ZERO_FORCES')!.severity).toBe('error');
  });

  it('compares a virial with the stress, and a free energy with the energy', () => {
    const virial = (made: Frame, factor: number): InfoValue =>
      [0, 5, 4, 5, 1, 3, 4, 3, 2].map((c) => factor * made.labels.virial![c]!);
    const good = many(3).map((made) => ({ ...made, info: { virial: virial(made, 1) } }));
    expect(only(structureFindings(good), 'VIRIAL_AGAINST_STRESS')).toBeUndefined();
    const bad = many(3).map((made) => ({ ...made, info: { REF_virial: virial(made, -1) } }));
    expect(only(structureFindings(bad), 'VIRIAL_AGAINST_STRESS')).toMatchObject({
      evidence: { ratio: -1, structures: 3 },
    });
    const free = [...many(2), ...[2, 3].map((k) => frame(k, {}, { energy: -10.5 }))];
    const findings = structureFindings(free);
    expect(only(findings, 'FREE_ENERGY')!.frames).toEqual([2, 3]);
    expect(only(findings, 'MIXED_ENERGY_KEYS')!.frames).toEqual([0, 1]);
  });

  it('sees net forces and outliers', () => {
    const net = withLabels(3, { forces: Float64Array.of(0.1, 0, 0, 0, 0, 0) });
    expect(only(structureFindings([...many(3), net]), 'NET_FORCE')).toMatchObject({
      frames: [3],
      evidence: { largest: 0.1 },
    });
    const wild = withLabels(30, { energy: 40, forces: Float64Array.of(900, 0, 0, -900, 0, 0) });
    const findings = structureFindings([...many(30), wild]);
    expect(only(findings, 'ENERGY_OUTLIERS')!.frames).toEqual([30]);
    expect(only(findings, 'ENERGY_OUTLIERS')!.evidence.farthest).toAgree(25, {
      atol: 0.3,
      why: '(40 + 10)/2 eV/atom and a tenth of scatter',
    });
    expect(only(findings, 'FORCE_OUTLIERS')!.frames).toEqual([30]);
  });
});

describe('duplicates', () => {
  const shifted = (made: Frame, by: number): Frame => ({
    ...made,
    structure: { ...made.structure, positions: made.structure.positions.map((x) => x + by) },
  });

  it('are geometries within 1e-3 Å of an earlier one', () => {
    const frames = [...many(6), shifted(frame(2), 0), shifted(frame(4), 5e-4), shifted(frame(1), 2e-3)];
    expect(findDuplicates(frames)).toEqual([
      { first: 2, repeat: 6, distance: 0 },
      { first: 4, repeat: 7, distance: expect.any(Number) },
    ]);
    expect(duplicateFindings(frames)).toHaveLength(1);
    expect(duplicateFindings(many(6))).toEqual([]);
  });

  it('contradict each other, or stand in two files', () => {
    const other = { ...withLabels(2, { energy: 3 }), source: { file: 'b.xyz', index: 0, line: 1 } };
    const findings = duplicateFindings([...many(4), other]);
    expect(findings.map(({ code }) => code)).toEqual([
      'DUPLICATES',
      'DUPLICATES_ACROSS_FILES',
      'CONTRADICTING_DUPLICATES',
    ]);
    expect(sortedFindings(findings)[0]!.code).toBe('CONTRADICTING_DUPLICATES');
  });

  it('are found among many in little time', () => {
    const frames = Array.from({ length: 4000 }, (_, k) => frame(k));
    expect(findDuplicates([...frames, frame(17)])).toContainEqual({ first: 17, repeat: 4000, distance: 0 });
  });
});

describe('robust statistics', () => {
  it('stand against a minority of wild values', () => {
    const random = new RandomStream(9, 'robust');
    const x = Array.from({ length: 200 }, () => random.normal());
    const y = x.map((value, k) => 2.5 * value + 0.01 * random.normal() + (k % 9 === 0 ? 50 * random.normal() : 0));
    expect(robustRatio(x, y).value).toAgree(2.5, {
      atol: 0.02,
      why: 'a weighted median of 200 ratios with 1 % of noise',
    });
    const rows = Float64Array.from(x.flatMap((value) => [value, 1]));
    const fit = trimmedFit(rows, y, 2)!;
    expect(fit.coefficients).toAgree([2.5, 0], { atol: 0.01, why: 'least squares of the points that are left' });
    expect(fit.deviation).toAgree(0.01, { atol: 0.004, why: 'the noise' });
    expect(robustDeviation(x)).toAgree(1, { atol: 0.25, why: '200 normal deviates' });
  });

  it('have plain values in plain cases', () => {
    expect(weightedQuantile([3, 1, 2], [1, 1, 1], 0.5)).toBe(2);
    expect(weightedQuantile([3, 1, 2], [8, 1, 1], 0.5)).toBe(3);
    expect(robustRatio([0, 0], [1, 2]).count).toBe(0);
    expect(trimmedFit(Float64Array.of(1), [1], 1)).toBeNull();
  });
});
