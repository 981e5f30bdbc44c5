import { describe, expect, it } from 'vitest';
import { golden } from '../../../../test/support/golden.ts';
import { AtomEnergy, embed } from './embedding.ts';
import { type Embedding, LINEAR_EMBEDDING } from './product-basis.ts';

const { G2_FS_embedding: published } = golden<{
  G: { G2_FS_embedding: { m: number; rho: number; F: number; dF: number }[] };
}>('reference-values').G;

const of = (kind: Embedding['kind'], ...densities: (readonly [weight: number, exponent: number])[]): Embedding => ({
  ...LINEAR_EMBEDDING,
  kind,
  densities: densities.map(([weight, exponent]) => ({ weight, exponent })),
});
const KINDS = ['FinnisSinclair', 'FinnisSinclairShiftedScaled'] as const;

function at(embedding: Embedding, ...densities: number[]): { energy: number; slopes: number[] } {
  const slopes = new Float64Array(densities.length);
  return { energy: embed(embedding, Float64Array.from(densities), slopes), slopes: Array.from(slopes) };
}

describe('embed', () => {
  it('has the published values', () => {
    const got = published.map(({ m, rho }) => at(of('FinnisSinclairShiftedScaled', [1, m]), rho));
    expect(got.map(({ energy }) => energy)).toAgree(
      published.map(({ F }) => F),
      { atol: 1e-14, why: 'the same formula' },
    );
    expect(got.map(({ slopes }) => slopes[0])).toAgree(
      published.map(({ dF }) => dF),
      { atol: 1e-14, why: 'the same formula' },
    );
  });

  it.each(KINDS)('%s: exponent 1 is the identity, and nothing at density 0', (kind) => {
    for (const rho of [-3, -1e-7, 0, 1e-7, 2]) {
      expect(at(of(kind, [1, 1]), rho)).toEqual({ energy: rho, slopes: [1] });
    }
    expect(at(of(kind, [1, 0.5]), 0).energy).toBe(0);
    expect(at(of(kind, [1, 2]), 0).energy).toBe(0);
  });

  it.each(KINDS)('%s: odd, and the slope is the derivative', (kind) => {
    for (const exponent of [0.5, 0.8, 1.7, 2]) {
      const embedding = of(kind, [1.3, exponent]);
      for (const rho of [2e-7, 8e-7, 3e-6, 1e-3, 0.2, 1.7, 30]) {
        const { energy, slopes } = at(embedding, rho);
        const mirrored = at(embedding, -rho);
        expect(mirrored.energy).toBe(-energy);
        expect(mirrored.slopes).toEqual(slopes);
        const h = 1e-4 * rho;
        const slope = (at(embedding, rho + h).energy - at(embedding, rho - h).energy) / (2 * h);
        expect(slopes[0]).toAgree(slope, {
          rtol: 3e-7,
          atol: 3e-16 / h,
          why: 'h² of a central difference and rounding over h',
        });
      }
    }
  });

  it('FinnisSinclair is a power beyond 1e-5 and a straight line below 1e-7', () => {
    const root = of('FinnisSinclair', [1, 0.5]);
    expect(at(root, 4)).toEqual({ energy: 2, slopes: [0.25] });
    expect(at(root, 1e-5).energy).toAgree(Math.sqrt(1e-5), { rtol: 1e-14, why: 'e^−1000 of the line' });
    expect(at(root, 1e-9).energy).toAgree(1e-6, { rtol: 1e-6, why: 'a line of slope 10³' });
    expect(at(root, 1e-9).slopes[0]).toAgree(1000, { rtol: 1e-6, why: 'slope 10³ below 1e-6' });
  });

  it('adds the densities with their weights', () => {
    const both = of('FinnisSinclairShiftedScaled', [2, 1], [-0.5, 0.5]);
    const { energy, slopes } = at(both, 0.7, 2);
    expect(energy).toAgree(2 * 0.7 - 0.5 * 1.3584578159797105, { atol: 1e-15, why: 'published value' });
    expect(slopes).toAgree([2, -0.5 * 0.4064057849013431], { atol: 1e-15, why: 'published value' });
  });
});

describe('AtomEnergy', () => {
  const joined = new AtomEnergy();
  const derivatives = (join: (products: number, core: number, gap: number) => void, from: readonly number[]): void => {
    const energy = (values: readonly number[]): number => {
      join(values[0]!, values[1]!, values[2]!);
      return joined.energy;
    };
    energy(from);
    const got = [joined.byProducts, joined.byCore, joined.byGap];
    const expected = from.map((_, k) => {
      const moved = (h: number): number => energy(from.map((x, q) => x + (q === k ? h : 0)));
      return (moved(1e-6) - moved(-1e-6)) / 2e-6;
    });
    expect(got).toAgree(expected, { atol: 1e-8, why: 'h² of a central difference and rounding over h' });
  };

  it('a core below its limit adds, one above takes over, and between they join smoothly', () => {
    const embedding: Embedding = { ...LINEAR_EMBEDDING, coreCutoff: 3, coreWidth: 1 };
    joined.joinByCore(embedding, -4, 1.5);
    expect([joined.energy, joined.byProducts, joined.byCore, joined.byGap]).toEqual([-2.5, 1, 1, 0]);
    joined.joinByCore(embedding, -4, 3.5);
    expect([joined.energy, joined.byProducts, joined.byCore, joined.byGap]).toEqual([3.5, 0, 1, 0]);
    for (const core of [1.9, 2.2, 2.5, 2.9]) {
      derivatives((products, c) => joined.joinByCore(embedding, products, c), [-4, core, 0]);
    }
  });

  it('the nearest neighbour decides between products and core', () => {
    joined.joinByGap(-4, 100, 0.3, 0.3);
    expect([joined.energy, joined.byProducts, joined.byCore]).toEqual([-4, 1, 0]);
    joined.joinByGap(-4, 100, -0.1, 0.3);
    expect([joined.energy, joined.byProducts, joined.byCore]).toEqual([100, 0, 1]);
    joined.joinByGap(-4, 10, 0.15, 0.3);
    expect(joined.energy).toAgree(3, { atol: 1e-14, why: 'half of each in the middle' });
    for (const gap of [0.05, 0.15, 0.28]) {
      derivatives((products, core, g) => joined.joinByGap(products, core, g, 0.3), [-4, 10, gap]);
    }
  });
});
