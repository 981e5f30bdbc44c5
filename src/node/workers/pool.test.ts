import { afterEach, describe, expect, it } from 'vitest';
import { fitOn, siliconFrames, TINY_FIT } from '../../../test/support/models.ts';
import { EnvironmentError, FormatError, InputError, NumericalError } from '../../core/errors.ts';
import type { Frame } from '../../core/structure/structure.ts';
import { writeModel } from '../../formats/model-file.ts';
import { chunksOf } from '../training/chunks.ts';
import { openModel } from '../training/open-model.ts';
import { resolveBasis, resolveSpecification } from '../training/specification.ts';
import { carried, uncarried } from '../../protocol/carried-error.ts';
import { nodeKernels } from '../kernels.ts';
import type { TaskPool } from './pool.ts';
import { allowedThreads, createPool } from './pool.ts';

const open: TaskPool[] = [];
function poolOf(threads: number): TaskPool {
  const pool = createPool(threads, null);
  open.push(pool);
  return pool;
}
afterEach(async () => {
  await Promise.all(open.splice(0).map((pool) => pool.dispose()));
});

const frames = siliconFrames(9);
const basis = resolveBasis(
  resolveSpecification(
    frames.map((frame) => frame.structure),
    TINY_FIT,
  ),
  TINY_FIT,
);
const structureList = frames.map((frame) => ({ basis, structures: [frame.structure] }));

/** The frame with a species that the basis does not have. */
const foreign = (frame: Frame): Frame => ({
  ...frame,
  structure: { ...frame.structure, species: frame.structure.species.map((z, i) => (i === 0 ? 32 : z)) },
});

describe('a pool', () => {
  it('gives the same bits in the same order on 1, 2 and 3 threads', async () => {
    const expected = await poolOf(1).map('columnScale', structureList);
    expect(expected).toHaveLength(9);
    for (const threads of [2, 3]) {
      const pool = poolOf(threads);
      expect(pool.threads).toBe(threads);
      expect(await pool.map('columnScale', structureList)).toEqual(expected);
      expect(await pool.run('columnScale', structureList[4]!)).toEqual(expected[4]);
    }
  });

  it('tells how many tasks are done, and runs none of an empty list', async () => {
    for (const threads of [1, 2]) {
      const told: number[] = [];
      const pool = poolOf(threads);
      await pool.map('columnScale', structureList, (done) => told.push(done));
      expect(told).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await pool.map('columnScale', [])).toEqual([]);
    }
  });

  it('hands results over one by one, and has kernels of the same variant as its workers', async () => {
    const expected = await poolOf(1).map('columnScale', structureList);
    for (const threads of [1, 2]) {
      const pool = poolOf(threads);
      const got = new Map<number, Float64Array>();
      await pool.each('columnScale', structureList, (result, index, done) => {
        got.set(index, result);
        expect(done).toBe(got.size);
      });
      expect(structureList.map((_, index) => got.get(index))).toEqual(expected);
      const broken = pool.each('columnScale', structureList, (_, index) => {
        if (index === 2) throw new InputError('NOT_WANTED', 'index must not be 2');
      });
      await expect(broken).rejects.toThrow('index must not be 2');
      expect(pool.kernels.name).toBe(nodeKernels(null).name);
      expect(pool.kernels).toBe(pool.kernels);
    }
    const plain = createPool(2, 'typescript');
    open.push(plain);
    expect(plain.kernels.name).toBe('typescript');
  });

  it('throws the error of the first failing argument with its class, whichever thread was faster', async () => {
    const list = frames.map((frame, f) => (f === 4 || f === 6 ? foreign(frame) : frame));
    const fit = await fitOn(1, frames);
    const model = openModel(writeModel(fit.model, fit.basis));
    for (const threads of [1, 2, 3]) {
      const pool = poolOf(threads);
      const caught = await pool
        .map(
          'evaluate',
          list.map((frame) => ({ model, frames: [frame] })),
        )
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(InputError);
      const { code, message, details } = caught as InputError;
      expect(code).toBe('SPECIES_NOT_IN_BASIS');
      expect(message).toBe('made.xyz:41: structure 4: species must be one of Si, got Ge (atom 0)');
      expect(details).toMatchObject({ file: 'made.xyz', line: 41, index: 4 });
      // It goes on working.
      expect(await pool.run('columnScale', structureList[0]!)).toHaveLength(basis.offsets.at(-1)!);
    }
  });

  it('carries the position of a damaged model', async () => {
    for (const threads of [1, 2]) {
      const model = { id: 'x.model', bytes: new TextEncoder().encode('nothing of the kind') };
      const caught = await poolOf(threads)
        .run('predict', { model, frames })
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(FormatError);
      expect((caught as FormatError).position).toMatchObject({ file: 'x.model' });
      expect((caught as FormatError).message).toBe(
        'x.model: file must be a model written by querent, but is something else',
      );
    }
  });

  it('does not disguise a fault of the program as an error of the machine', async () => {
    for (const threads of [1, 2]) {
      const caught = await poolOf(threads)
        .run('columnScale', { basis, structures: null as never })
        .catch((error: unknown) => error);
      expect(caught).toBeInstanceOf(Error);
      expect(caught).not.toBeInstanceOf(EnvironmentError);
      expect((caught as Error).stack).toMatch(/program\.ts|accumulate\.ts/);
    }
  });

  it('runs nothing any more once it is disposed of', async () => {
    for (const threads of [1, 2]) {
      const pool = createPool(threads, null);
      await pool.dispose();
      await expect(pool.run('columnScale', structureList[0]!)).rejects.toThrow(EnvironmentError);
    }
  });

  it('refuses kernels that are not there', () => {
    expect(() => createPool(1, 'abacus')).toThrow(InputError);
  });
});

describe('errors between threads', () => {
  it.each([
    new InputError('A', 'x must be 1, got 2', { x: 2 }),
    new NumericalError('B', 'pivot must be positive, got -1', { pivot: -1 }),
    new FormatError('C', { file: 'a.xyz', line: 3, column: 7 }, 'pos must be finite'),
    new FormatError('D', { file: 'a.xyz' }, 'file must be text'),
    new EnvironmentError('E', 'disk must have room'),
  ])('keep class, code, message and details: $code', (error) => {
    const back = uncarried(structuredClone(carried(error)));
    expect(back).toBeInstanceOf(error.constructor);
    expect(back).toMatchObject({ name: error.name, code: error.code, message: error.message, details: error.details });
    if (error instanceof FormatError) expect((back as FormatError).position).toEqual(error.position);
  });

  it('stay plain where they were plain, with their stack', () => {
    const fault = new TypeError('x is undefined');
    const back = uncarried(structuredClone(carried(fault)));
    expect(back.message).toBe('x is undefined');
    expect(back.stack).toBe(fault.stack);
    expect(uncarried(carried('a word')).message).toBe('a word');
  });
});

describe('allowedThreads', () => {
  it('is at least one and obeys Slurm', () => {
    expect(allowedThreads()).toBeGreaterThanOrEqual(1);
    const before = process.env.SLURM_CPUS_PER_TASK;
    try {
      process.env.SLURM_CPUS_PER_TASK = '1';
      expect(allowedThreads()).toBe(1);
      process.env.SLURM_CPUS_PER_TASK = 'many';
      expect(allowedThreads()).toBeGreaterThanOrEqual(1);
    } finally {
      if (before === undefined) delete process.env.SLURM_CPUS_PER_TASK;
      else process.env.SLURM_CPUS_PER_TASK = before;
    }
  });
});

describe('chunksOf', () => {
  const list = (count: number, atoms: number) =>
    Array.from({ length: count }, (_, index) => ({
      index,
      structure: {
        positions: new Float64Array(3 * atoms),
        cell: null,
        pbc: [false, false, false] as const,
        species: new Uint8Array(atoms),
      },
    }));

  it('holds about 512 atoms each, every frame once and in order', () => {
    const chunks = chunksOf(list(100, 50));
    expect(chunks.flat().map(({ index }) => index)).toEqual(Array.from({ length: 100 }, (_, k) => k));
    expect(chunks.map((chunk) => chunk.length)).toEqual([11, 11, 11, 11, 11, 11, 11, 11, 11, 1]);
    expect(chunksOf(list(3, 2000)).map((chunk) => chunk.length)).toEqual([1, 1, 1]);
    expect(chunksOf([])).toEqual([]);
  });

  it('makes no more chunks than asked for', () => {
    for (const most of [1, 2, 7, 32]) {
      const chunks = chunksOf(list(1000, 50), most);
      expect(chunks.length).toBeLessThanOrEqual(most);
      expect(chunks.length).toBeGreaterThan(0.8 * most);
      expect(chunks.flat()).toHaveLength(1000);
    }
    // Few frames need no larger chunks.
    expect(chunksOf(list(20, 50), 32)).toHaveLength(2);
  });
});
