/**
 * Choosing from a pool that does not fit into memory: time against that of its descriptors alone, and memory. In full
 * (100 of 10⁵ structures of 64 atoms, 391 functions) with QUERENT_SCALING=full, or as many structures as it says.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readModel } from '../../src/formats/model-file.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import { RandomStream } from '../../src/core/random.ts';
import { readBytes } from '../../src/node/files.ts';
import { openFrames } from '../../src/node/frames.ts';
import { openModel } from '../../src/node/training/open-model.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import type { Frame } from '../../src/core/structure/structure.ts';
import { freshFolder, querent } from '../support/command.ts';
import { writeSyntheticFrames } from '../support/synthetic.ts';

const WANTED = process.env.QUERENT_SCALING ?? '';
const IS_FULL = WANTED !== '';
const STRUCTURES = IS_FULL ? Number(WANTED === 'full' ? 100_000 : WANTED) : 2500;
const BATCH = IS_FULL ? 100 : 20;
/** Conventional silicon cells along each direction. */
const REPEAT = IS_FULL ? 2 : 1;
const BASIS = ['--nmax', '12,5,4', '--lmax', '0,4,3', '--cutoff', '5'];
/** Every thread tells the largest resident memory of the process, bytes, and its processor time, µs, when it ends. */
const TELL = `--import "data:text/javascript,process.on('exit',()=>{const{maxRSS,userCPUTime,systemCPUTime}=process.resourceUsage();process.stderr.write('[used%20'+maxRSS*1024+'%20'+(userCPUTime+systemCPUTime)+']')})"`;

let folder: string;
beforeAll(() => {
  folder = freshFolder('selection');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rattled, strained cells without labels. */
function writePool(path: string, count: number): void {
  const crystal = prototypeStructure({
    prototype: 'diamond',
    element: 'Si',
    a: 5.43,
    repeat: [REPEAT, REPEAT, REPEAT],
  });
  const n = crystal.species.length;
  const file = openSync(path, 'w');
  for (let s = 0; s < count; s++) {
    const stream = new RandomStream(7, 'pool', s);
    const strain = 0.96 + 0.08 * stream.uniform();
    const rattle = 0.02 + 0.13 * stream.uniform();
    const cell = Array.from(crystal.cell!, (x) => (strain * x).toFixed(4)).join(' ');
    let text = `${n}\nLattice="${cell}" Properties=species:S:1:pos:R:3 pbc="T T T"\n`;
    for (let i = 0; i < n; i++) {
      const at = (k: number): string => (strain * crystal.positions[3 * i + k]! + rattle * stream.normal()).toFixed(4);
      text += `Si ${at(0)} ${at(1)} ${at(2)}\n`;
    }
    writeSync(file, text);
  }
  closeSync(file);
}

/** Processor time of the descriptors of all structures alone, s. */
async function descriptorTime(pool: string, model: string): Promise<number> {
  const bytes = await readBytes(model);
  const handle = openModel(bytes);
  const tasks = createPool(2, null);
  let seconds = 0;
  let waiting: Frame[] = [];
  const flush = async (): Promise<void> => {
    const before = process.cpuUsage();
    const half = Math.ceil(waiting.length / 2);
    await tasks.map(
      'scaledDescriptors',
      [waiting.slice(0, half), waiting.slice(half)].map((part) => ({
        model: handle,
        structures: part.map(({ structure }) => structure),
      })),
    );
    const { user, system } = process.cpuUsage(before);
    seconds += (user + system) / 1e6;
    waiting = [];
  };
  try {
    await tasks.run('scaledDescriptors', { model: handle, structures: [] });
    for await (const frame of openFrames(pool)) {
      waiting.push(frame);
      if (waiting.length === 256) await flush();
    }
    await flush();
  } finally {
    await tasks.dispose();
  }
  return seconds;
}

describe('a choice from a large pool', () => {
  it(`of ${STRUCTURES} structures takes little longer than their descriptors, and little memory`, {
    timeout: IS_FULL ? 4 * 3600e3 : 600e3,
  }, async () => {
    const [pool, model] = [join(folder, 'pool.xyz'), join(folder, 'si.model')];
    writeSyntheticFrames(join(folder, 'train.xyz'), IS_FULL ? 60 : 120, REPEAT);
    writePool(pool, STRUCTURES);
    const fit = await querent(['fit', 'train.xyz', '-o', 'si.model', ...BASIS, '--threads', '2'], { cwd: folder });
    expect(fit.code, fit.stderr).toBe(0);
    const functions = readModel(await readBytes(model), 'si.model').model.layout.basis;
    const alone = await descriptorTime(pool, model);
    const chosen = await querent(
      ['select', 'si.model', pool, '-n', String(BATCH), '--threads', '2', '--json', '--labelled', 'train.xyz'],
      { cwd: folder, env: { NODE_OPTIONS: TELL } },
    );
    expect(chosen.code, chosen.stderr).toBe(0);
    const used = [...chosen.stderr.matchAll(/\[used (\d+) (\d+)\]/g)];
    const peak = Math.max(...used.map((match) => Number(match[1])));
    const seconds = Math.max(...used.map((match) => Number(match[2]))) / 1e6;
    const { selected, poolSize, shortList } = JSON.parse(chosen.stdout);
    expect([selected.length, poolSize]).toEqual([BATCH, STRUCTURES]);
    expect(shortList).toBeGreaterThanOrEqual(5 * BATCH);
    process.stdout.write(
      `${functions} functions: ${STRUCTURES} structures, descriptors ${alone.toFixed(1)} s of processor time, choice ${seconds.toFixed(1)} s, ${(peak / 1e6).toFixed(0)} MB\n`,
    );
    expect(peak).toBeLessThan(4 * 2 ** 30);
    // A start of the program and the rows of the short list do not shrink with the pool.
    if (STRUCTURES >= 100_000) expect(seconds).toBeLessThan(3 * alone);
    else expect(seconds).toBeLessThan(3 * alone + 60);
  });
});
