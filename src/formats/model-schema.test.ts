import { afterAll, describe, expect, it } from 'vitest';
import { alloyFrames, alloyPotential, siliconFrames, TINY_FIT } from '../../test/support/models.ts';
import { FormatError } from '../core/errors.ts';
import { fitModel } from '../node/training/fit.ts';
import { createPool } from '../node/workers/pool.ts';
import { readModel, writeModel } from './model-file.ts';
import { headerDefect, MODEL_FILE_VERSION, modelJsonSchema } from './model-schema.ts';
import { readZip, writeZip } from './zip.ts';

type Json = Record<string, unknown>;

const headerOf = (bytes: Uint8Array): Json =>
  JSON.parse(new TextDecoder().decode(readZip(bytes, 'a.model').get('model.json'))) as Json;

/** A header with the value at a path of keys replaced, or taken away. */
function changed(header: Json, path: string, value: unknown): Json {
  const copy = structuredClone(header);
  const keys = path.split('.');
  const owner = keys.slice(0, -1).reduce<Json>((node, key) => node[key] as Json, copy);
  if (value === undefined) delete owner[keys.at(-1)!];
  else owner[keys.at(-1)!] = value;
  return copy;
}

describe('the header of a model file', async () => {
  const pool = createPool(1, null);
  afterAll(() => pool.dispose());
  const silicon = await fitModel(siliconFrames(12), TINY_FIT, pool);
  const alloy = await fitModel(alloyFrames(12, alloyPotential(['C', 'Si'], [-3, -4])), TINY_FIT, pool);
  const bytes = writeModel(silicon.model, silicon.basis);
  const header = headerOf(bytes);

  it('is what the schema says, for one and two elements and chosen bases', () => {
    expect(headerDefect(header)).toBeNull();
    expect(headerDefect(headerOf(writeModel(alloy.model, alloy.basis)))).toBeNull();
    const sets = [
      { nmax: [4], lmax: [0] },
      { order: 2, degree: 4.5, weight: 1 },
    ];
    expect(headerDefect(changed(header, 'model.specification.sets', sets))).toBeNull();
    expect(headerDefect(changed(header, 'model.specification.kept', [0, 2]))).toBeNull();
  });

  it('may hold more than is known, and less in version 1', () => {
    expect(headerDefect(changed(header, 'model.remark', 'hello'))).toBeNull();
    expect(headerDefect(changed(changed(header, 'version', 1), 'model.activeSets', undefined))).toBeNull();
    expect(headerDefect(changed(header, 'model.activeSets', [null]))).toBeNull();
  });

  it.each([
    ['format', 'other'],
    ['version', MODEL_FILE_VERSION + 1],
    ['version', 0],
    ['units.energy', 'Ry'],
    ['selfCheck', []],
    ['model.specification.radial', 'ChebPow'],
    ['model.specification.elements', 'Si'],
    ['model.posterior.mean', [1, 2]],
    ['model.posterior.mean', undefined],
    ['model.posterior.hyperparameters.alpha', { $number: 'NaN' }],
    ['model.uncertainty.limits.noveltyBreak', '5'],
    ['model.uncertainty.limits.noveltyBreak', { $number: 'nan' }],
    ['model.layout.species', [14.5]],
    ['model.training.settings', undefined],
    ['model.activeSets', [{ inverse: { $array: 'x' } }]],
  ])('is refused where %s is %j, and the place is named', (path, value) => {
    expect(headerDefect(changed(header, path, value))).toContain(path.split('.')[0]);
  });

  it('is checked on opening, before anything is computed', () => {
    const damaged = changed(header, 'model.uncertainty.novelty', [{ columns: 3 }]);
    const members = [...readZip(bytes, 'a.model')].map(([name, content]) => ({
      name,
      bytes: name === 'model.json' ? new TextEncoder().encode(JSON.stringify(damaged)) : content,
    }));
    let error: unknown;
    try {
      readModel(writeZip(members), 'a.model');
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toContain('model.uncertainty.novelty.0.blocks');
  });

  it('of version 1 opens, with no grades', () => {
    const { activeSets: _, ...older } = silicon.model;
    const written = readZip(writeModel(older, silicon.basis), 'a.model');
    const first = changed(headerOf(writeModel(older, silicon.basis)), 'version', 1);
    expect(JSON.stringify(first)).not.toContain('grade');
    const members = [...written].map(([name, content]) => ({
      name,
      bytes: name === 'model.json' ? new TextEncoder().encode(JSON.stringify(first)) : content,
    }));
    const { model } = readModel(writeZip(members), 'a.model');
    expect(model.activeSets).toBeUndefined();
  });

  it('of version 2 opens with error bars of the posterior alone', () => {
    const { forms: _, envelope: __, labelNoise: ___, forceTrigger: ____, ...uncertainty } = silicon.model.uncertainty;
    const written = writeModel({ ...silicon.model, uncertainty }, silicon.basis);
    const second = changed(headerOf(written), 'version', 2);
    expect(JSON.stringify(second)).not.toContain('intervals');
    const members = [...readZip(written, 'a.model')].map(([name, content]) => ({
      name,
      bytes: name === 'model.json' ? new TextEncoder().encode(JSON.stringify(second)) : content,
    }));
    const { model } = readModel(writeZip(members), 'a.model');
    expect(model.uncertainty.forms).toBeUndefined();
    expect(model.uncertainty.scales).toEqual(silicon.model.uncertainty.scales);
  });

  it('finds a root or a factor that was changed by its own interval sigmas', () => {
    const { envelope } = silicon.model.uncertainty;
    const [first, ...rest] = envelope!.energy;
    const wider = [{ ...first!, scale: { ...first!.scale, b: 1.001 * first!.scale.b } }, ...rest];
    const json = changed(header, 'model.uncertainty.envelope.energy', wider);
    const members = [...readZip(bytes, 'a.model')].map(([name, content]) => ({
      name,
      bytes: name === 'model.json' ? new TextEncoder().encode(JSON.stringify(json)) : content,
    }));
    expect(() => readModel(writeZip(members), 'a.model')).toThrow(/must reproduce its own numbers/);
    const roots = [...readZip(bytes, 'a.model').keys()].filter((name) => name.includes('forms'));
    expect(roots).toContain('model.uncertainty.forms.pops.root.npy'.replace('model.', ''));
  });

  it('has a JSON Schema with every key described or plain, that names what is required', () => {
    const schema = modelJsonSchema() as { $schema: string; required: string[]; title: string; properties: Json };
    expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
    expect(schema.required).toEqual(['format', 'version', 'units', 'model', 'selfCheck']);
    expect(schema.title).toContain(`version ${MODEL_FILE_VERSION}`);
    const model = schema.properties.model as { required: string[]; properties: Json };
    expect(model.required).not.toContain('activeSets');
    expect(model.required).not.toContain('neural');
    expect(Object.keys(model.properties)).toEqual(expect.arrayContaining(Object.keys(header.model as Json)));
  });
});
