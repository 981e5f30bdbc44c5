import { describe, expect, it } from 'vitest';
import { minimumDistance } from '../core/structure/checks.ts';
import type { Structure } from '../core/structure/structure.ts';
import type { Labeller } from '../loop/ports.ts';
import { createEmbeddedReference } from '../reference/embedded/embedded.ts';
import type { LabelResult, LabelSuccess } from '../reference/reference.ts';
import { checkReference, trialCell } from './doctor-reference.ts';
import { createLabeller } from './labeller.ts';

const never = new AbortController().signal;
const gates = { minimumDistance: 0.5, maximumForce: 1000, netForce: 10 };
const reference = createEmbeddedReference({ kind: 'sw-si' });

/** Stillinger-Weber silicon with its labels changed. */
function labeller(
  change: (label: LabelSuccess, structure: Structure) => LabelResult = (label) => label,
  concurrency = 1,
): Labeller {
  const honest = createLabeller({ reference, directory: '/', concurrency: 1, timeout: null, gates });
  return {
    ...honest,
    concurrency,
    async label(request, signal) {
      const { result } = await honest.label(request, signal);
      return { result: change(result as LabelSuccess, request.structure), directory: null };
    },
  };
}
const check = (change?: Parameters<typeof labeller>[0], concurrency?: number, structure = trialCell([14])) =>
  checkReference(labeller(change, concurrency), structure, never);
const wrong = async (change: Parameters<typeof labeller>[0]) => {
  const { checks } = await check(change);
  return [...new Set(checks.filter(({ agrees }) => !agrees).map(({ quantity }) => quantity))];
};

describe('trial cell', () => {
  it('has bonds near the covalent radii and no symmetry', () => {
    const cell = trialCell([14, 8]);
    expect([...cell.species]).toEqual([14, 8]);
    const pair = minimumDistance(cell, 5)!;
    expect(pair.distance).toAgree(1.77, {
      atol: 0.25,
      why: 'covalent radii 1.11 + 0.66 Å, rattled by 0.04 Å per component',
    });
    expect([...trialCell([14]).species]).toEqual([14, 14]);
    expect(new Set(trialCell([14]).positions.map(Math.abs)).size).toBe(6);
    expect(() => trialCell([])).toThrow(/at least one element/);
  });
});

describe('check of a reference', () => {
  it('finds nothing wrong with a potential, one label or two at a time', async () => {
    const one = await check();
    expect(one).toMatchObject({ atoms: 2, labels: 11, code: expect.stringContaining('sw-si') });
    expect(one.checks.every(({ agrees }) => agrees)).toBe(true);
    for (const { quantity, reported, difference } of one.checks) {
      const atol = quantity === 'force' ? 2e-3 : 2e-4;
      expect(reported).toAgree(difference, { atol, why: 'h²/6 times the third derivative, h = 0.01 Å or 0.01' });
    }
    expect((await check(undefined, 2)).checks).toEqual(one.checks);
  });

  it('finds the usual mistakes of a wrapper', async () => {
    const scaled =
      (factor: number) =>
      (label: LabelSuccess): LabelSuccess => ({ ...label, forces: label.forces.map((f) => factor * f) });
    expect(await wrong(scaled(-1)), 'gradients instead of forces').toEqual(['force']);
    expect(await wrong(scaled(0.529177)), 'eV/bohr instead of eV/Å').toEqual(['force']);
    expect(await wrong((label) => ({ ...label, virial: label.virial!.map((w) => -w) })), 'sign of the stress').toEqual([
      'stress',
    ]);
    expect(
      await wrong((label) => ({ ...label, virial: label.virial!.map((w) => 10 * w) })),
      'kbar instead of GPa',
    ).toEqual(['stress']);
    expect(
      await wrong((label) => ({
        ...label,
        virial: Float64Array.of(...label.virial!.slice(0, 3), label.virial![5]!, label.virial![4]!, label.virial![3]!),
      })),
      'xy and yz exchanged',
    ).toEqual(['stress']);
    expect(await wrong((label) => ({ ...label, energy: label.energy / 2 })), 'energy per atom').toEqual([
      'force',
      'stress',
    ]);
  });

  it('leaves the stress out where there is none', async () => {
    const { checks } = await check((label) => ({ ...label, virial: null }));
    expect(checks.map(({ quantity }) => quantity)).toEqual(['force', 'force']);
    const slab: Structure = { ...trialCell([14]), pbc: [true, true, false] };
    expect((await check(undefined, 1, slab)).checks).toHaveLength(2);
  });

  it('says why a label of the trial cell failed', async () => {
    const failing = check(() => ({ status: 'failed', reason: 'scf', message: 'not reached', cost: 1 }));
    await expect(failing).rejects.toThrow(/must succeed, got failed \(scf\): not reached/);
  });
});
