import { describe, expect, it, vi } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { bondLengths } from '../dataset/bond-lengths.ts';
import type { AceBasis } from '../descriptors/ace/basis.ts';
import { createAceProgram } from '../descriptors/ace/program.ts';
import { switchedCoreRepulsion } from '../descriptors/ace/radial.ts';
import { zblHalfPair } from '../descriptors/ace/zbl.ts';
import { dimer } from './dimer-scan.ts';
import type { CoreRequest } from './repulsive-cores.ts';
import { repulsiveCores } from './repulsive-cores.ts';

const frames = siliconFrames(12);
const structures = frames.map(({ structure }) => structure);
const { shortest } = bondLengths(structures, [14]);

/** A fit whose cores are as the basis has them. */
async function requestOf(settings: Partial<typeof TINY_FIT> = {}): Promise<CoreRequest> {
  const fit = await fitOn(1, frames, { ...TINY_FIT, mendCores: false, ...settings });
  const weights = fit.model.posterior.mean.slice(0, fit.model.layout.basis);
  return { basis: fit.basis, weights, shortest, periodic: true, widen: true };
}

/** −dE/dr of the dimer, eV/Å. */
function forcesOf(basis: AceBasis, weights: Float64Array, distances: readonly number[]): number[] {
  const program = createAceProgram(basis);
  try {
    return program
      .evaluate(
        distances.map((r) => dimer(14, 14, r)),
        weights,
      )
      .map(({ forces }) => forces[3]!);
  } finally {
    program.dispose();
  }
}

const below = Array.from({ length: 140 }, (_, k) => 0.5 + 0.0101 * k).filter((r) => r < shortest[0]![0]!);

describe('repulsiveCores', async () => {
  const request = await requestOf();
  const { basis, weights } = request;
  const found = repulsiveCores(request, createAceProgram)!;
  const mended = { ...basis, specification: found.specification, id: 'mended' };

  it('makes a dimer repulsive that was not', () => {
    expect(Math.min(...forcesOf(basis, weights, below))).toBeLessThan(-1);
    expect(Math.min(...forcesOf(mended, weights, below))).toBeGreaterThan(0);
    expect(found.mending.failing).toEqual([]);
  });

  it('says what it did', () => {
    const [core, ...others] = found.mending.cores;
    expect(others).toEqual([]);
    expect(core!.pair).toEqual(['Si', 'Si']);
    expect(core!.strength).toBeGreaterThan(1);
    expect(core!.strength).toBeLessThanOrEqual(3);
    const [from, to] = core!.attracted;
    const forces = forcesOf(basis, weights, [from - 0.025, from, to, to + 0.025]);
    expect(forces.map((force) => force > 0)).toEqual([true, false, false, true]);
  });

  it('is as strong as it says, over ZBL in the middle of the switch', () => {
    const pair = found.specification.pairs[0]![0]!;
    const middle = pair.innerCutoff - pair.innerWidth / 2;
    const out = new Float64Array(2);
    switchedCoreRepulsion(middle, pair, out);
    expect(out[0]! / 0.5 / zblHalfPair('Si', 'Si', middle).energy).toAgree(found.mending.cores[0]!.strength, {
      rtol: 1e-9,
      why: 'the switch is one half in its middle; rounding',
    });
  });

  it('changes nothing at distances of the data, to the bit', () => {
    const [before, after] = [createAceProgram(basis), createAceProgram(mended)];
    expect(after.evaluate(structures, weights)).toEqual(before.evaluate(structures, weights));
    before.rows(structures, (k, rows) => {
      after.rows([structures[k]!], (_, same) => expect(same).toEqual(rows));
    });
  });

  it('finds nothing to do in what it mended', () => {
    expect(repulsiveCores({ ...request, basis: mended }, createAceProgram)).toBeNull();
  });

  it('leaves a sound fit alone', () => {
    // Without coefficients the core alone acts, which repels all the way to its end.
    const alone = { weights: new Float64Array(weights.length), shortest: [[Number.POSITIVE_INFINITY]] };
    expect(repulsiveCores({ ...request, ...alone }, createAceProgram)).toBeNull();
  });

  it('disposes of every program it has made', () => {
    const disposed: { mock: { calls: unknown[] } }[] = [];
    repulsiveCores(request, (own) => {
      const program = createAceProgram(own);
      disposed.push(vi.spyOn(program, 'dispose'));
      return program;
    });
    expect(disposed.length).toBeGreaterThan(2);
    for (const { mock } of disposed) expect(mock.calls).toHaveLength(1);
  });

  it('has the same functions and ranges elsewhere', () => {
    const { pairs, ...rest } = found.specification;
    const { pairs: given, ...before } = basis.specification;
    expect(rest).toEqual(before);
    expect({ ...pairs[0]![0]!, core: null }).toEqual({ ...given[0]![0]!, core: null });
    expect(pairs[0]![0]!.core.lambda).toBe(given[0]![0]!.core.lambda);
  });
});

describe('wider cores', async () => {
  // Orders up to 3 from 12 cells of 8 atoms: what few data leave open, products of three bonds fill.
  const request = await requestOf({ nmax: [6, 3, 2], lmax: [0, 2, 1] });

  it('are tried where a stronger one is no help, and stay below the distances of the data', () => {
    const found = repulsiveCores(request, createAceProgram)!;
    const [core] = found.mending.cores;
    expect(core!.innerCutoff[1]).toBeGreaterThan(core!.innerCutoff[0]);
    expect(core!.innerCutoff[1]).toBeLessThanOrEqual(0.95 * shortest[0]![0]! + 1e-12);
    const mended = { ...request.basis, specification: found.specification, id: 'wider' };
    expect(Math.min(...forcesOf(mended, request.weights, below))).toBeGreaterThan(0);
  });

  it('are not tried where a person has said where the core takes over', () => {
    const found = repulsiveCores({ ...request, widen: false }, createAceProgram)!;
    for (const { innerCutoff } of found.mending.cores) expect(innerCutoff[1]).toBe(innerCutoff[0]);
  });

  it('name what they cannot mend, here a crystal that collapses at distances of the data', () => {
    const { failing } = repulsiveCores(request, createAceProgram)!.mending;
    expect(failing).toHaveLength(1);
    expect(failing[0]).toMatch(/^Si /);
    expect(repulsiveCores({ ...request, periodic: false }, createAceProgram)!.mending.failing).toEqual([]);
  });

  it('leave a dimer that attracts where the data begin as it is', () => {
    // All attraction, up to the cutoff.
    const weights = request.weights.map((_, v) => (v === 0 ? -50 : 0));
    const signs = [1, -1].map((sign) =>
      repulsiveCores({ ...request, periodic: false, weights: weights.map((w) => sign * w) }, createAceProgram),
    );
    const failing = signs.filter((one) => one !== null && one.mending.failing.length > 0);
    expect(failing).toHaveLength(1);
    expect(failing[0]!.specification).toEqual(request.basis.specification);
    expect(failing[0]!.mending.cores).toEqual([]);
  });
});
