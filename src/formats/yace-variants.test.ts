import { describe, expect, it } from 'vitest';
import { golden } from '../../test/support/golden.ts';
import { createYacePotential } from './yace-potential.ts';
import { readYace } from './yace-reader.ts';

interface Variant {
  readonly name: string;
  readonly npoti: string;
  readonly densities: readonly (readonly [weight: number, exponent: number])[];
  readonly core: readonly [cutoff: number, width: number];
  readonly prehc: number;
  readonly inner: readonly [type: string, cutoff: number, width: number];
  readonly results: readonly { readonly energy: number; readonly forces: readonly (readonly number[])[] }[];
}
const { structures, variants } = golden<{
  structures: readonly { readonly species: readonly number[]; readonly positions: readonly (readonly number[])[] }[];
  variants: readonly Variant[];
}>('pace-variants');
const { yace } = golden<{ A: { A5_P2: { yace: string } } }>('reference-values').A.A5_P2;

/** The reference potential with another embedding, core and inner cutoff. */
function textOf({ npoti, densities, core, prehc, inner }: Variant): string {
  let text = yace;
  if (densities.length === 2) {
    text = text.replaceAll('ndensity: 1', 'ndensity: 2').replace(/ctildes: \[(.*)\]/g, (_, all: string) => {
      const doubled = all.split(', ').map((c, k) => `${c}, ${0.5 * Number(c) + 0.01 * (k + 1)}`);
      return `ctildes: [${doubled.join(', ')}]`;
    });
  }
  return text
    .replaceAll('[1, 1], npoti: FinnisSinclairShiftedScaled', `[${densities.flat().join(', ')}], npoti: ${npoti}`)
    .replaceAll('_cutoff: 100000, drho_core_cutoff: 250', `_cutoff: ${core[0]}, drho_core_cutoff: ${core[1]}`)
    .replaceAll('prehc: 0', `prehc: ${prehc}`)
    .replace(
      /rcut_in: .*?inner_cutoff_type: \w+/g,
      `rcut_in: ${inner[1]}, dcut_in: ${inner[2]}, inner_cutoff_type: ${inner[0]}`,
    );
}

describe('the public evaluator', () => {
  it.each(variants)('agrees: $name', (variant) => {
    const potential = createYacePotential(readYace(textOf(variant), 'variant.yace'));
    variant.results.forEach((expected, k) => {
      const { species, positions } = structures[k]!;
      const { energy, forces } = potential.evaluate({
        positions: Float64Array.from(positions.flat()),
        cell: null,
        pbc: [false, false, false],
        species: Uint8Array.from(species),
      });
      const largest = Math.max(...expected.forces.flat().map(Math.abs));
      expect(energy).toAgree(expected.energy, { rtol: 1e-14, atol: 1e-14, why: 'the same formula' });
      expect(forces).toAgree(expected.forces.flat(), { atol: 1e-11 * largest, why: 'its splines of 5e-5 Å' });
    });
  });
});
