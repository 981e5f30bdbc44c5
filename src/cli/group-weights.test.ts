import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { groupWeights } from './group-weights.ts';

const folder = mkdtempSync(join(tmpdir(), 'querent-weights-'));
afterAll(() => rmSync(folder, { recursive: true }));

function weightsOf(text: string): ReturnType<typeof groupWeights> {
  writeFileSync(join(folder, 'weights'), text);
  return groupWeights('weights', folder);
}

const COLUMNS = ['training_size', 'testing_size', 'eweight', 'fweight', 'vweight'];
const table = (groups: Record<string, unknown>, columns = COLUMNS): string => JSON.stringify({ columns, groups });

describe('weights of groups', () => {
  it('are those of a map, in either name of a kind', async () => {
    expect(await weightsOf('bulk: {energy: 2, forces: 0.5}\nliquid: {force: 3, stress: 0}')).toEqual({
      bulk: { energy: 2, forces: 0.5 },
      liquid: { forces: 3, virial: 0 },
    });
    expect(await groupWeights(undefined, folder)).toEqual({});
  });

  it('of a FitSNAP table are squares relative to the median, and nothing where they are negligible', async () => {
    const groups = { a: [1, 0, 100, 1, 1e-8], b: [1, 0, 200, 1, 1e-8], c: [1, 0, 100, 1e-8, 1], d: [1, 0, 1e-9, 2, 1] };
    expect(await weightsOf(table(groups))).toEqual({
      a: { energy: 1, forces: 1, virial: 0 },
      b: { energy: 4, forces: 1, virial: 0 },
      c: { energy: 1, forces: 0, virial: 1 },
      d: { energy: 0, forces: 4, virial: 1 },
    });
  });

  it.each([
    [table({ a: [1, 0, 1, 1, 1] }, ['eweight']), /columns must hold "fweight", got eweight/],
    [table({ a: [1, 0, -1, 1, 1] }), /eweight of group "a" must be a finite number ≥ 0, got -1/],
    [table({ a: 3 }), /eweight of group "a" must be a finite number ≥ 0, got undefined/],
    ['a: {energy: 1, forse: 2}', /weights must be of energy, forces, virial, got "forse"/],
    ['a: 3', /weights of "a" must be a map/],
    ['- a', /weights must map each config_type/],
    ['a: {energy: -1}', /weight of energy of group "a" must be a finite number ≥ 0, got -1/],
  ])('refuse %s', async (text, message) => {
    await expect(weightsOf(text)).rejects.toThrow(message);
  });
});
