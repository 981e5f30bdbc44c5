import { describe, expect, it } from 'vitest';
import { stillingerWeberSilicon } from '../core/potentials/stillinger-weber.ts';
import { propertyCard } from '../core/properties/property-card.ts';
import type { CrystalProperties } from '../core/properties/properties.ts';
import { crystalLines, writePropertyCardSvg } from './property-card-svg.ts';

const card = propertyCard(stillingerWeberSilicon(), {
  name: 'a & b.model',
  elements: [{ symbol: 'Si', bonds: [1.8, 3.4] }],
  reach: 4,
  judge: () => ({ state: 'extrapolating', reason: 'novelty 1.2' }),
});

describe('property card', () => {
  it('reads like a data sheet', () => {
    const lines = new Map(crystalLines(card.crystals[0]!));
    expect(lines.get('cell')).toMatch(/^(5\.4309|5\.4310)(, \1){2} Å; 90\.00, 90\.00, 90\.00°$/);
    expect(lines.get('cohesive energy')).toBe('4.3366 eV/atom');
    expect(lines.get('bulk modulus')).toMatch(/^101\.\d GPa, derivative \d\.\d\d$/);
    expect(lines.get('elastic constants, GPa')).toBe('   151.4    76.4    76.4     0.0     0.0     0.0');
    expect(lines.get('vacancy')).toMatch(/^4\.33\d eV, unrelaxed 4\.337 eV \(64 sites\)$/);
    expect(lines.get('trust')).toBe('extrapolating: novelty 1.2');
  });

  it('says what is missing and what is wrong', () => {
    const missing = { missing: 'it diverged' };
    const crystal: CrystalProperties = {
      ...card.crystals[0]!,
      equationOfState: missing,
      elastic: missing,
      vacancy: missing,
    };
    const text = crystalLines(crystal).map((line) => line.join(': '));
    for (const name of ['bulk modulus', 'elastic constants', 'vacancy'])
      expect(text).toContain(`${name}: none: it diverged`);
    const { elastic } = card.crystals[0]!;
    if ('missing' in elastic) throw new Error(elastic.missing);
    const soft = { ...card.crystals[0]!, elastic: { value: { ...elastic.value, stable: false } } };
    expect(crystalLines(soft)).toContainEqual(['', 'not stable: some small strain lowers the energy']);
  });

  it('is one page with a plot of volumes and one of each pair', () => {
    const svg = writePropertyCardSvg(card);
    expect(svg).toContain('Properties of a &amp; b.model');
    expect(svg.match(/<polyline/g)).toHaveLength(6);
    for (const word of ['diamond', 'hcp', 'Si–Si in vacuum', 'Si: energy against volume']) expect(svg).toContain(word);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });
});
