import { describe, expect, it } from 'vitest';
import { stillingerWeberSilicon } from '../potentials/stillinger-weber.ts';
import { RandomStream } from '../random.ts';
import { strained, transformRows } from '../structure/cell.ts';
import { prototypeStructure } from '../structure/prototypes.ts';
import type { Frame, Structure } from '../structure/structure.ts';
import { nearPairs, stressWork } from './check-pairs.ts';

const potential = stillingerWeberSilicon();
const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43, repeat: [1, 1, 1] });

function labelled(structure: Structure, index: number, group = ''): Frame {
  const { energy, forces, virial } = potential.evaluate(structure);
  return {
    structure,
    labels: { energy, forces, virial },
    group,
    info: {},
    columns: {},
    source: { file: 'a', index, line: 1 },
  };
}

function rattled(structure: Structure, size: number, index: number): Structure {
  const random = new RandomStream(3, 'pairs', index);
  return { ...structure, positions: structure.positions.map((x) => x + size * random.normal()) };
}

/** A rotation about a skew axis. */
function turned(structure: Structure, angle: number): Structure {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const rotation = transformRows([c, s, 0, -s, c, 0, 0, 0, 1], [1, 0, 0, 0, c, s, 0, -s, c]);
  return {
    ...structure,
    positions: transformRows(structure.positions, rotation),
    cell: structure.cell === null ? null : transformRows(structure.cell, rotation),
  };
}

const everything = (frames: readonly Frame[]): number[] => frames.map((_, f) => f);
/** dE against the work of forces and stresses of each pair. */
function works(frames: readonly Frame[]): { energy: number; work: number }[] {
  return nearPairs(frames, everything(frames), false).map((pair) => ({
    energy: pair.energy,
    work: pair.forceWork + stressWork(pair, (f) => frames[f]!.labels.virial!),
  }));
}

describe('work between near frames', () => {
  it('is the difference of energies, with third order errors, for displacements', () => {
    const errors = [0.02, 0.01].map((size) => {
      const frames = [0, 1, 2, 3].map((k) => labelled(rattled(crystal, size, k), k));
      const list = works(frames);
      expect(list.length).toBeGreaterThanOrEqual(3);
      return Math.max(...list.map(({ energy, work }) => Math.abs(energy - work)));
    });
    // Half the step, an eighth of the error of the trapezoid.
    expect(errors[0]! / errors[1]!).toBeGreaterThan(5);
    expect(errors[1]!).toBeLessThan(1e-3);
  });

  it('is that for strains of any kind, in whatever frame the cells stand', () => {
    const errors = [0.004, 0.002].map((size) => {
      const random = new RandomStream(1, 'strains');
      const frames = Array.from({ length: 8 }, (_, k) => {
        const strain = Array.from({ length: 9 }, () => size * random.normal());
        return labelled(turned(strained(rattled(crystal, 0.01, 0), strain), k), k);
      });
      const list = works(frames);
      const largest = Math.max(...list.map(({ energy }) => Math.abs(energy)));
      return Math.max(...list.map(({ energy, work }) => Math.abs(energy - work))) / largest;
    });
    expect(errors[0]!).toBeLessThan(0.02);
    // The error is of third order in the strain, the energy of second: half the strain, half the relative error.
    expect(errors[1]! / errors[0]!).toBeLessThan(0.65);
  });

  it('does not see wrapping, translation or the choice of the first atom’s image', () => {
    const a = labelled(rattled(crystal, 0.01, 0), 0);
    const moved = rattled(crystal, 0.01, 1);
    const shifted: Structure = {
      ...moved,
      positions: moved.positions.map((x, k) => x + 0.7 + (k < 6 && k % 3 === 0 ? 5.43 : 0)),
    };
    const [plain] = nearPairs([a, labelled(moved, 1)], [0, 1], false);
    const [other] = nearPairs([a, labelled(shifted, 1)], [0, 1], false);
    expect(other!.forceWork).toAgree(plain!.forceWork, { atol: 1e-9, why: 'the same geometry' });
    expect(other!.displacement).toAgree(plain!.displacement, { atol: 1e-9, why: 'the same geometry' });
  });

  it('turns molecules onto each other first', () => {
    const cluster = (k: number): Structure => ({
      ...rattled(crystal, 0.01, k),
      cell: null,
      pbc: [false, false, false],
    });
    const plain = [labelled(cluster(0), 0), labelled(cluster(1), 1)];
    const spun = [plain[0]!, labelled(turned(cluster(1), 2.1), 1)];
    const [a, b] = [plain, spun].map((frames) => nearPairs(frames, [0, 1], false)[0]!) as [
      ReturnType<typeof nearPairs>[number],
      ReturnType<typeof nearPairs>[number],
    ];
    expect(b.displacement).toAgree(a.displacement, { atol: 1e-9, why: 'a rotation taken off' });
    expect(b.forceWork).toAgree(a.forceWork, { atol: 1e-9, why: 'forces turned along' });
    expect(b.forceWork).toAgree(b.energy, { atol: 5e-3, why: 'the trapezoid' });
    expect(b.strain).toBe(0);
  });

  it('pairs the same atoms of the same group with an energy only', () => {
    const frames = [
      labelled(rattled(crystal, 0.01, 0), 0, 'a'),
      labelled(rattled(crystal, 0.01, 1), 1, 'b'),
      { ...labelled(crystal, 2, 'a'), labels: { energy: null, forces: null, virial: null } },
    ];
    expect(nearPairs(frames, everything(frames), true)).toEqual([]);
    expect(nearPairs(frames, everything(frames), false)).toHaveLength(1);
    const bare = [frames[0]!, { ...frames[1]!, labels: { ...frames[1]!.labels, forces: null } }];
    expect(nearPairs(bare, [0, 1], false)[0]!.forceWork).toBeNaN();
  });
});
