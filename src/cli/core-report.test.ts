import { describe, expect, it } from 'vitest';
import { fitOn, isolatedAtom, siliconFrames } from '../../test/support/models.ts';
import type { DimerSummary } from '../core/potentials/dimer-scan.ts';
import type { PropertyCard } from '../core/properties/properties.ts';
import { neighborList } from '../core/structure/neighbor-list.ts';
import { coreLines, coreWarnings, dimerLine, shortestDistances } from './core-report.ts';

const SOUND: DimerSummary = {
  pair: ['Si', 'Si'],
  gate: 1.55,
  gateBroken: true,
  repulsive: true,
  shortest: 2.05,
  attractive: null,
  trusted: [2.1, 2.6],
};
const cardOf = (fallsBelow: number | null): PropertyCard =>
  ({
    crystals: [{ name: 'Si diamond', compression: { value: { points: [], fallsBelow } } }],
  }) as unknown as PropertyCard;

describe('dimerLine', () => {
  it('says where the core repels, refuses and trusts', () => {
    expect(dimerLine(SOUND)).toBe('dimer Si-Si: repulsive core, refused below 1.55 Å, trusted from 2.10 to 2.60 Å');
    expect(dimerLine({ ...SOUND, trusted: null, attractive: [1.3, 1.4] })).toMatch(/attractive core.*trusted nowhere$/);
    expect(dimerLine({ ...SOUND, gateBroken: false })).toMatch(/^warning: .*not refused everywhere below 1.55 Å/);
  });
});

describe('coreLines', () => {
  const core = {
    pair: ['Si', 'Si'],
    strength: 1.9517,
    innerCutoff: [1.554, 1.554],
    attracted: [1.45, 1.5],
  } as const;

  it('are none where no core was touched', () => {
    expect(coreLines(null)).toEqual([]);
    expect(coreLines({ cores: [], failing: ['Si-Si'] })).toEqual([]);
  });

  it('say how strong a core is, where it takes over, and why', () => {
    expect(coreLines({ cores: [core], failing: [] })).toEqual([
      'core Si-Si: 2.0 times ZBL, since the fit attracted from 1.45 to 1.50 Å, which no data reach',
    ]);
    const wider = { ...core, innerCutoff: [1.554, 1.62], attracted: [1.5, 1.5] } as const;
    expect(coreLines({ cores: [wider], failing: [] })[0]).toMatch(
      /taking over below 1.62 Å instead of 1.55, since the fit attracted at 1.50 Å/,
    );
  });
});

describe('coreWarnings', () => {
  it('are none for a sound potential', () => {
    expect(coreWarnings([SOUND], cardOf(null))).toEqual([]);
    expect(coreWarnings([SOUND], null)).toEqual([]);
  });

  it('name pair and distances, and the labels that help', () => {
    expect(coreWarnings([{ ...SOUND, attractive: [1.3, 1.55] }], null)).toEqual([
      'warning: the dimer Si-Si attracts between 1.30 and 1.55 Å, where nothing was learned (the data end at 2.05 Å)',
      'help: add labelled dimers Si-Si from 1.10 to 2.05 Å and keep --inner-cutoff 1.55; up to 1.94 it narrows the gap',
    ]);
  });

  it('suggest no larger core where the core reaches to the data already, or there are no data', () => {
    const near = coreWarnings([{ ...SOUND, gate: 1.94, attractive: [1.9, 1.9] }], null);
    expect(near[0]).toContain('attracts at 1.90 Å');
    expect(near[1]).toBe('help: add labelled dimers Si-Si from 1.70 to 2.05 Å and keep --inner-cutoff 1.94');
    const without = { ...SOUND, pair: ['C', 'Si'] as const, shortest: Number.POSITIVE_INFINITY };
    const [warning, help] = coreWarnings([{ ...without, attractive: [1.1, 1.2] }], null);
    expect(warning).toContain('the data have no such pair');
    expect(help).toBe('help: add labelled dimers C-Si from 0.90 to 1.75 Å and keep --inner-cutoff 1.55');
  });

  it('name crystals that collapse', () => {
    expect(coreWarnings([SOUND], cardOf(0.78))).toEqual([
      'warning: Si diamond collapses under pressure: its energy falls where bonds are below 0.78 of their length',
      'help: add cells pressed that far to the data',
    ]);
  });
});

describe('shortestDistances', () => {
  it('are those of the frames, isolated atoms aside', async () => {
    const frames = [...siliconFrames(6), isolatedAtom('Si', -1)];
    const fit = await fitOn(1, frames);
    const all = frames.flatMap(({ structure }) => [...neighborList(structure, 4).distances]);
    expect(shortestDistances(fit)).toEqual([[Math.min(...all)]]);
  });
});
