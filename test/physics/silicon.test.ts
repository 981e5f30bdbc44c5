import { describe, expect, it } from 'vitest';
import type { Potential } from '../../src/core/potentials/potential.ts';
import { stillingerWeberSilicon } from '../../src/core/potentials/stillinger-weber.ts';
import { tightBindingSilicon } from '../../src/core/potentials/tight-binding/tight-binding.ts';
import { RandomStream } from '../../src/core/random.ts';
import { strained } from '../../src/core/structure/cell.ts';
import { minimumDistance } from '../../src/core/structure/checks.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { repeated } from '../../src/core/structure/supercell.ts';
import { EV_PER_CUBIC_ANGSTROM_IN_GPA } from '../../src/core/units.ts';
import { golden } from '../support/golden.ts';

/** The two-atom cell of diamond. */
function primitive(a: number): Structure {
  const h = a / 2;
  return {
    positions: Float64Array.of(0, 0, 0, a / 4, a / 4, a / 4),
    cell: Float64Array.of(0, h, h, h, 0, h, h, h, 0),
    pbc: [true, true, true],
    species: Uint8Array.of(14, 14),
  };
}

function rattled(structure: Structure, seed: number): Structure {
  const random = new RandomStream(seed, 'rattle');
  return { ...structure, positions: structure.positions.map((x) => x + 0.1 * random.normal()) };
}

/** Lattice constant at zero pressure, Å, and clamped-ion elastic constants, GPa, of diamond. */
function elasticity(potential: Potential): { a0: number; c11: number; c12: number; c44: number } {
  let [low, high] = [5.2, 5.7];
  for (let step = 0; step < 40; step++) {
    const a = (low + high) / 2;
    if (potential.evaluate(primitive(a)).virial[0]! > 0) low = a;
    else high = a;
  }
  const a0 = (low + high) / 2;
  const stress = (strain: Float64Array): Float64Array => {
    const scale = (-EV_PER_CUBIC_ANGSTROM_IN_GPA * 4) / (a0 * a0 * a0);
    return potential.evaluate(strained(primitive(a0), strain)).virial.map((w) => w * scale);
  };
  const slope = (component: number, make: (h: number) => Float64Array): number =>
    (stress(make(1e-4))[component]! - stress(make(-1e-4))[component]!) / 2e-4;
  const along = (h: number): Float64Array => Float64Array.of(h, 0, 0, 0, 0, 0, 0, 0, 0);
  const shear = (h: number): Float64Array => Float64Array.of(0, 0, 0, 0, 0, h / 2, 0, h / 2, 0);
  return { a0, c11: slope(0, along), c12: slope(1, along), c44: slope(3, shear) };
}

describe('silicon by tight binding', () => {
  const dense = tightBindingSilicon({ mesh: [6, 6, 6], shifted: true });

  it('has the lattice constant and the elastic constants known of the model', () => {
    const { a0, c11, c12, c44 } = elasticity(dense);
    expect(a0).toAgree(5.43, { atol: 1e-3, why: 'experiment 5.431 Å; the mesh moves it by 2e-4 Å' });
    expect((c11 + 2 * c12) / 3).toAgree(99.5, { atol: 0.2, why: 'bulk modulus, GPa; mesh 0.1 GPa' });
    expect([c11, c12]).toAgree([147.4, 75.5], { atol: 0.3, why: 'GPa; mesh 0.1 GPa' });
    expect(c44).toAgree(109.5, { atol: 0.3, why: 'GPa, ions not relaxed; mesh 0.1 GPa' });
  });

  it('stiffens under pressure and softens under tension', () => {
    const at = (a: number): number => (1000 * dense.evaluate(primitive(a)).energy) / 2;
    const a = 5.43;
    expect(at(0.94 * a) - at(a)).toAgree(245.5, { atol: 1.5, why: 'meV/atom at −6 %; meshes differ by 0.7' });
    expect(at(1.06 * a) - at(a)).toAgree(170.3, { atol: 1.5, why: 'meV/atom at +6 %; meshes differ by 0.7' });
  });

  it('has k-point errors of a few meV for shifted meshes, of tens for meshes with Γ', () => {
    const cube = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 });
    const sixteen = repeated(primitive(5.43), [2, 2, 2]);
    /** Mean error of six rattled frames, meV/atom. */
    const error = (crystal: Structure, n: number, shifted: boolean): number => {
      const potential = tightBindingSilicon({ mesh: [n, n, n], shifted });
      const reference = tightBindingSilicon({ mesh: [4, 4, 4], shifted: true });
      const errors = [0, 1, 2, 3, 4, 5].map((seed) => {
        const structure = rattled(crystal, seed);
        return potential.evaluate(structure).energy - reference.evaluate(structure).energy;
      });
      return (1000 * errors.reduce((sum, e) => sum + e, 0)) / errors.length / crystal.species.length;
    };
    // Expected: means ± standard deviations of eight frames, meV/atom, against a dense mesh.
    expect(error(cube, 2, true)).toAgree(-5.2, { atol: 2.2, why: '−5.2 ± 2.2 meV/atom' });
    expect(error(cube, 2, false)).toAgree(38, { atol: 4, why: '38 ± 2 meV/atom, six frames' });
    expect(error(sixteen, 2, true)).toAgree(-0.2, { atol: 1, why: '−0.2 ± 1 meV/atom' });
    expect(error(sixteen, 3, false)).toAgree(1.2, { atol: 0.3, why: '1.2 ± 0.2 meV/atom' });
  });

  it('samples a spacing as the mesh that it stands for', () => {
    const structure = rattled(prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.43 }), 5);
    // 2π/5.43 Å = 1.157 1/Å, in halves.
    const bySpacing = tightBindingSilicon({ spacing: 0.6, shifted: true }).evaluate(structure);
    expect(bySpacing.energy).toBe(tightBindingSilicon({ mesh: [2, 2, 2], shifted: true }).evaluate(structure).energy);
  });
});

describe('silicon by Stillinger-Weber', () => {
  it('has the lattice constant and the elastic constants of the literature', () => {
    const { a0, c11, c12 } = elasticity(stillingerWeberSilicon());
    expect(a0).toAgree(5.43095, { atol: 2e-5, why: 'four over the root of three times 2^{1/6}σ' });
    expect([c11, c12]).toAgree([151.4, 76.4], { atol: 0.1, why: 'GPa, Cowley, Phys. Rev. Lett. 60, 2379 (1988)' });
  });
});

/** A strained, rattled cell of eight atoms labelled by Quantum ESPRESSO (LDA, shifted 2 × 2 × 2 mesh). */
interface LabelledCell {
  /** Rattle, Å. */
  readonly sigma: number;
  readonly cell: number[];
  readonly pos: number[];
  /** [24] eV/Å. */
  readonly F: number[];
}

describe('forces against density functional theory', () => {
  const cells = golden<LabelledCell[]>('si8-qe-lda').map(({ sigma, cell, pos, F }) => {
    const structure: Structure = {
      positions: Float64Array.from(pos),
      cell: Float64Array.from(cell),
      pbc: [true, true, true],
      species: new Uint8Array(8).fill(14),
    };
    return { sigma, structure, forces: F };
  });
  // Below 1.6 Å a single pair would outweigh everything else.
  const sound = cells.filter(({ structure }) => minimumDistance(structure, 1.6) === null);

  /** RMSE of the forces of the cells rattled by `low` to `high` Å, eV/Å. */
  function rmse(potential: Potential, low: number, high: number): number {
    let sum = 0;
    let count = 0;
    for (const { sigma, structure, forces } of sound) {
      if (sigma < low || sigma > high) continue;
      const found = potential.evaluate(structure).forces;
      forces.forEach((f, k) => {
        sum += (f - found[k]!) * (f - found[k]!);
        count++;
      });
    }
    return Math.sqrt(sum / count);
  }

  function correlation(potential: Potential): number {
    let [own, theirs, both] = [0, 0, 0];
    for (const { structure, forces } of sound) {
      const found = potential.evaluate(structure).forces;
      forces.forEach((f, k) => {
        own += found[k]! * found[k]!;
        theirs += f * f;
        both += f * found[k]!;
      });
    }
    return both / Math.sqrt(own * theirs);
  }

  it('leaves 26 of 28 cells without overlapping atoms', () => expect([cells.length, sound.length]).toEqual([28, 26]));

  it('finds tight binding close for small rattles and of the right kind for large ones', () => {
    const potential = tightBindingSilicon({ mesh: [2, 2, 2], shifted: true });
    const errors = [rmse(potential, 0, 0.06), rmse(potential, 0.1, 0.15), rmse(potential, 0.2, 0.4)];
    // Forces of the cells are 0.71, 3.05 and 5.40 eV/Å rms.
    expect(errors).toAgree([0.24, 1.46, 2.71], { atol: 0.01, why: 'measured; the model is not DFT' });
    expect(correlation(potential)).toBeGreaterThan(0.97);
  });

  it('finds Stillinger-Weber worse close to the crystal', () => {
    const potential = stillingerWeberSilicon();
    const errors = [rmse(potential, 0, 0.06), rmse(potential, 0.1, 0.15), rmse(potential, 0.2, 0.4)];
    expect(errors).toAgree([0.295, 0.95, 1.89], { atol: 0.005, why: 'measured independently' });
    expect(correlation(potential)).toBeGreaterThan(0.97);
  });
});
