import { describe, expect, it } from 'vitest';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import { RandomStream } from '../random.ts';
import { cellVolume, strained } from '../structure/cell.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Frame, Structure } from '../structure/structure.ts';
import { checkDataset } from './check-dataset.ts';
import type { Finding } from './check-findings.ts';

const potential = stillingerWeberSilicon();
const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });

function labelled(structure: Structure, index: number, group: string): Frame {
  const { energy, forces, virial } = potential.evaluate(structure);
  return {
    structure,
    labels: { energy, forces, virial },
    group,
    info: {},
    columns: {},
    source: { file: 'a.xyz', index, line: 1 },
  };
}

/** Strained cells and rattled ones, as Stillinger and Weber have them, with an isolated atom. */
function made(): Frame[] {
  const random = new RandomStream(11, 'check');
  const elastic = Array.from({ length: 14 }, (_, k) => {
    const strain = new Float64Array(9);
    // Half of them sheared, in all three planes.
    if (k % 2 === 0) strain[[1, 2, 5][(k / 2) % 3]!] = 0.006 * (1 + Math.floor(k / 6));
    else for (let c = 0; c < 9; c += 4) strain[c] = 0.012 * random.normal();
    return labelled(strained(crystal, strain), k, 'elastic');
  });
  const rattled = Array.from({ length: 16 }, (_, k) => {
    const strain = Float64Array.from({ length: 9 }, () => 0.01 * random.normal());
    const moved = { ...crystal, positions: crystal.positions.map((x) => x + 0.12 * random.normal()) };
    return labelled(strained(moved, strain), 14 + k, 'rattled');
  });
  const atom: Frame = {
    ...labelled(crystal, 38, 'isolated_atom'),
    structure: { positions: new Float64Array(3), cell: null, pbc: [false, false, false], species: Uint8Array.of(14) },
    labels: { energy: 0, forces: null, virial: null },
  };
  return [...elastic, ...rattled, atom];
}

const FRAMES = made();
const check = (frames: readonly Frame[], witness = true): readonly Finding[] =>
  checkDataset(frames, { prepare: witness ? createAceProgram : null }).findings;
const errors = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ code }) => code);
const codes = (findings: readonly Finding[]): string[] => findings.map(({ code }) => code);

type Labels = Frame['labels'];
const changed =
  (change: (labels: Labels, frame: Frame) => Partial<Labels>, group: string | null = null) =>
  (frame: Frame): Frame =>
    group === null || frame.group === group
      ? { ...frame, labels: { ...frame.labels, ...change(frame.labels, frame) } }
      : frame;
const stress = (factor: number, group: string | null = null) =>
  changed(({ virial }) => ({ virial: virial?.map((w) => w * factor) ?? null }), group);
const forces = (factor: number, group: string | null = null) =>
  changed(({ forces: f }) => ({ forces: f?.map((x) => x * factor) ?? null }), group);
const energy = (factor: number) => changed(({ energy: e }) => ({ energy: e === null ? null : e * factor }));
const shear = (a: number, b: number, c: number, group: string | null = null) =>
  changed(
    ({ virial: w }) => ({ virial: w === null ? null : Float64Array.of(w[0]!, w[1]!, w[2]!, w[a]!, w[b]!, w[c]!) }),
    group,
  );

describe('checkDataset', () => {
  it('finds nothing in consistent data', () => {
    expect(codes(check(FRAMES))).toEqual([]);
    expect(codes(check(FRAMES, false))).toEqual([]);
  });

  it.each([
    [
      'kbar, positive under compression',
      stress(-1602.1766),
      'STRESS_UNIT',
      'stresses look like kbar and have the opposite sign',
    ],
    ['GPa', stress(160.21766), 'STRESS_UNIT', 'stresses look like GPa'],
    ['stresses of the opposite sign', stress(-1), 'STRESS_SIGN', 'stresses have the opposite sign'],
    ['energies in Ry', energy(1 / 13.605693), 'ENERGY_UNIT', 'energies look like Ry'],
    ['forces in Ry/bohr', forces(1 / 25.711), 'FORCE_UNIT', 'forces look like Ry/bohr'],
    ['gradients', forces(-1), 'FORCE_SIGN', 'forces have the opposite sign (gradients?)'],
    ['xx yy zz xy yz xz', shear(5, 3, 4), 'STRESS_ORDER', 'stand in the order xx yy zz xy yz xz'],
    ['xx yy zz xy xz yz', shear(5, 4, 3), 'STRESS_ORDER', 'stand in the order xx yy zz xy xz yz'],
  ] as const)('tells %s', (_, change, code, words) => {
    const findings = check(FRAMES.map(change));
    expect(errors(findings)).toEqual([code]);
    expect(findings[0]!.message).toContain(words);
    expect(Object.keys(findings[0]!.evidence).length).toBeGreaterThan(0);
    // The isolated atom has neither forces nor stress.
    expect(findings[0]!.frames).toHaveLength(code.startsWith('ENERGY') ? 31 : 30);
  });

  it.each([
    ['an order', shear(5, 3, 4, 'rattled'), 'STRESS_ORDER', 'rattled'],
    ['an order of strained cells', shear(5, 3, 4, 'elastic'), 'STRESS_ORDER', 'elastic'],
    ['a sign of stress', stress(-1, 'rattled'), 'GROUP_STRESS', 'rattled'],
    ['kbar', stress(1602.1766, 'elastic'), 'GROUP_STRESS', 'elastic'],
  ] as const)('tells %s that one group alone has', (_, change, code, group) => {
    const findings = check(FRAMES.map(change));
    expect(errors(findings)).toEqual([code]);
    expect(new Set(findings[0]!.frames.map((f) => FRAMES[f]!.group))).toEqual(new Set([group]));
  });

  it('measures a constant offset of the stress against the energies of strained cells', () => {
    const offset = 2.5 / 160.2176634;
    const frames = FRAMES.map(
      changed(({ virial }, { structure }) => ({
        virial: virial?.map((w, c) => (c < 3 ? w - offset * cellVolume(structure.cell!) : w)) ?? null,
      })),
    );
    const [finding] = check(frames);
    expect(finding).toMatchObject({ code: 'STRESS_OFFSET', severity: 'warning' });
    expect(finding!.evidence['elastic.offsetGPa']).toAgree(2.5, {
      atol: 0.1,
      why: 'the trapezoid at strains of some per cent',
    });
  });

  it('is the same each time', () => {
    const frames = FRAMES.map(stress(-1));
    expect(check(frames)).toEqual(check(frames));
  });

  it('says nothing about units of a handful of frames, nor fails on odd ones', () => {
    const atoms = FRAMES.slice(-1);
    expect(errors(check(atoms))).toEqual([]);
    expect(errors(check([...FRAMES.slice(0, 3), ...atoms]))).toEqual([]);
    const bare = FRAMES.slice(0, 12).map(changed(() => ({ energy: null, forces: null, virial: null })));
    expect(errors(check(bare))).toEqual(['NO_LABELS']);
  });
});
