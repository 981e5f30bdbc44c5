/**
 * Data of any size for whole fits: rattled and strained silicon cells of 64 atoms, labelled by the embedded Stillinger–Weber
 * potential, as extended XYZ, written as they are made: node bench/rattled-silicon.ts 10000 silicon.xyz
 */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeExtxyz } from '../src/formats/extxyz-writer.ts';
import { siliconFrames } from '../test/support/models.ts';

/** Frames held at a time; each lot has a seed of its own. */
const LOT = 100;

const [count, path] = [Number(process.argv[2]), process.argv[3]];
if (!(Number.isInteger(count) && count > 0) || path === undefined) {
  console.error('usage: node bench/rattled-silicon.ts COUNT FILE');
  process.exitCode = 2;
} else {
  const out = createWriteStream(path);
  for (let from = 0, seed = 1; from < count; from += LOT, seed++) {
    const frames = siliconFrames(Math.min(LOT, count - from), { seed, repeat: [2, 2, 2] });
    if (!out.write(frames.map((frame) => writeExtxyz(frame)).join(''))) await once(out, 'drain');
  }
  out.end();
}
