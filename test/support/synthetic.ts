/**
 * Labelled structures in any number, for tests of time and memory. As a command:
 * `node test/support/synthetic.ts 10000 2 train.xyz` writes 10 000 rattled silicon cells of 8·2³ atoms.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { writeExtxyz } from '../../src/formats/extxyz-writer.ts';
import { siliconFrames } from './models.ts';

/** Structures that are made and written at once. */
const BATCH = 50;

/**
 * Writes rattled and strained silicon cells of 8·repeat³ atoms, labelled by the Stillinger–Weber potential.
 *
 * @returns bytes written
 */
export function writeSyntheticFrames(path: string, count: number, repeat: number): number {
  const file = openSync(path, 'w');
  let bytes = 0;
  for (let first = 0; first < count; first += BATCH) {
    const frames = siliconFrames(Math.min(BATCH, count - first), { seed: first, repeat: [repeat, repeat, repeat] });
    bytes += writeSync(file, frames.map((frame) => writeExtxyz(frame)).join(''));
  }
  closeSync(file);
  return bytes;
}

if (import.meta.main) {
  const [count, repeat, path] = process.argv.slice(2);
  if (path === undefined) throw new Error('usage: synthetic.ts COUNT REPEAT FILE');
  process.stdout.write(`${writeSyntheticFrames(path, Number(count), Number(repeat))} bytes\n`);
}
