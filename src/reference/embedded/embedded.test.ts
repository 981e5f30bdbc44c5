import { describe, expect, it } from 'vitest';
import { NumericalError } from '../../core/errors.ts';
import { stillingerWeberSilicon } from '../../core/potentials/stillinger-weber.ts';
import { tightBindingSilicon } from '../../core/potentials/tight-binding/tight-binding.ts';
import { prototypeStructure } from '../../core/structure/prototypes.ts';
import type { LabelSuccess } from '../reference.ts';
import { checkLabel } from '../verdict.ts';
import { createEmbeddedReference } from './embedded.ts';
import { potentialReference } from './potential-reference.ts';

const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.5 });
const structure = { ...crystal, positions: crystal.positions.map((x, k) => x + 0.05 * Math.sin(7 * k)) };
const TIGHT_BINDING = { kind: 'tb-si', mesh: [2, 2, 2], shifted: true, smearing: 0.1 } as const;

describe('embedded references', () => {
  it('label with the numbers of the tight-binding potential', () => {
    const reference = createEmbeddedReference(TIGHT_BINDING);
    const label = reference.label(structure) as LabelSuccess;
    const expected = tightBindingSilicon(TIGHT_BINDING).evaluate(structure);
    expect(label).toMatchObject({ status: 'done', energy: expected.energy, internalEnergy: expected.internalEnergy });
    expect(Array.from(label.forces)).toEqual(Array.from(expected.forces));
    expect(Array.from(label.virial!)).toEqual(Array.from(expected.virial));
    expect(label.netForce).toBeLessThan(1e-10);
    expect(checkLabel(label, structure, { minimumDistance: 1.6, maximumForce: 30, netForce: 0.02 })).toBe(label);
  });

  it('label with the numbers of the Stillinger-Weber potential, which has no internal energy', () => {
    const label = createEmbeddedReference({ kind: 'sw-si' }).label(structure) as LabelSuccess;
    const expected = stillingerWeberSilicon().evaluate(structure);
    expect(label).toMatchObject({ status: 'done', energy: expected.energy, internalEnergy: null });
    expect(Array.from(label.forces)).toEqual(Array.from(expected.forces));
  });

  it('say honestly what they are', () => {
    expect(createEmbeddedReference(TIGHT_BINDING).name).toBe('silicon by tight binding, not DFT (embedded)');
    expect(createEmbeddedReference({ kind: 'sw-si' }).name).toBe('silicon by Stillinger–Weber, classical (embedded)');
  });

  it('have fingerprints that tell every setting that changes the numbers', () => {
    const print = (settings: Parameters<typeof createEmbeddedReference>[0]) =>
      (createEmbeddedReference(settings).label(structure) as LabelSuccess).fingerprint;
    expect(print(TIGHT_BINDING)).toEqual({
      code: 'querent tb-si 1',
      settings: '{"mesh":[2,2,2],"shifted":true,"smearing":0.1}',
      files: {},
    });
    expect(print({ kind: 'tb-si', spacing: 0.5, shifted: false, smearing: 0.2 }).settings).toBe(
      '{"shifted":false,"smearing":0.2,"spacing":0.5}',
    );
    expect(print({ kind: 'sw-si' })).toEqual({ code: 'querent sw-si 1', settings: '{}', files: {} });
  });

  it('give the same label twice, cost left to the caller', () => {
    for (const settings of [TIGHT_BINDING, { kind: 'sw-si' } as const]) {
      const label = createEmbeddedReference(settings).label(structure);
      expect(label).toEqual(createEmbeddedReference(settings).label(structure));
      expect(label.cost).toBe(0);
    }
  });

  it('fail instead of throwing for structures that they cannot label', () => {
    const carbon = { ...structure, species: new Uint8Array(8).fill(6) };
    expect(createEmbeddedReference(TIGHT_BINDING).label(carbon)).toEqual({
      status: 'failed',
      reason: 'input',
      message: 'species for tight-binding silicon must be Si, got C at atom 0',
      cost: 0,
    });
    expect(createEmbeddedReference({ kind: 'sw-si' }).label(carbon)).toMatchObject({ reason: 'input' });
  });

  it('refuse settings out of range at once', () => {
    expect(() => createEmbeddedReference({ ...TIGHT_BINDING, smearing: -1 })).toThrow('smearing must be positive');
    expect(() => createEmbeddedReference({ kind: 'tb-si', shifted: true, smearing: 0.1 })).toThrow('k-points must be');
  });
});

describe('a potential as a reference', () => {
  const failing = (error: unknown) =>
    potentialReference(
      'failing',
      {
        evaluate: () => {
          throw error;
        },
      },
      { code: 'failing 1', settings: '{}', files: {} },
      () => null,
    );

  it('turns numerical trouble into a crash and lets defects through', () => {
    const trouble = new NumericalError('EIGEN_NO_CONVERGENCE', 'eigenvalue must converge');
    expect(failing(trouble).label(structure)).toEqual({
      status: 'failed',
      reason: 'crash',
      message: 'eigenvalue must converge',
      cost: 0,
    });
    expect(() => failing(new TypeError('defect')).label(structure)).toThrow('defect');
  });
});
