/** Memory of a fit as a user starts it: it grows with the data, never with data times functions. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freshFolder, querent } from '../support/command.ts';
import { writeSyntheticFrames } from '../support/synthetic.ts';

/** Conventional silicon cells along each direction: 64 atoms. */
const REPEAT = 2;
const [FEW, MANY] = [300, 2000];
const BASIS = ['--nmax', '10,5,3', '--lmax', '0,4,2', '--cutoff', '4.5'];
/** What the larger fit may take more, beside its data: heaps of three threads that have grown. */
const MARGIN = 300e6;

/** Every thread tells the largest resident memory of the process, bytes, when it ends. */
const TELL_PEAK = `--import "data:text/javascript,process.on('exit',()=>process.stderr.write('[peak%20'+process.resourceUsage().maxRSS*1024+']'))"`;

let folder: string;
beforeAll(() => {
  folder = freshFolder('scaling');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Measured {
  readonly bytes: number;
  readonly peak: number;
  readonly functions: number;
  readonly rows: number;
  readonly forceError: number;
}

async function fitOf(count: number): Promise<Measured> {
  const bytes = writeSyntheticFrames(join(folder, `${count}.xyz`), count, REPEAT);
  const { code, stdout, stderr } = await querent(
    ['fit', `${count}.xyz`, '-o', `${count}.model`, ...BASIS, '--threads', '2', '--json'],
    { cwd: folder, env: { NODE_OPTIONS: TELL_PEAK } },
  );
  expect(code, stderr).toBe(0);
  const peaks = [...stderr.matchAll(/\[peak (\d+)\]/g)].map((match) => Number(match[1]));
  const { nFunctions, nRows, leaveOneOut } = JSON.parse(stdout);
  return { bytes, peak: Math.max(...peaks), functions: nFunctions, rows: nRows, forceError: leaveOneOut.forces };
}

describe('the memory of a fit', () => {
  it(`of ${MANY} structures is that of ${FEW} and the further data`, async () => {
    const few = await fitOf(FEW);
    const many = await fitOf(MANY);
    expect(many.functions).toBe(few.functions);
    // As design rows the further structures alone would be more than what is allowed.
    const asRows = 8 * many.functions * (many.rows - few.rows);
    expect(asRows).toBeGreaterThan(1.4 * MARGIN);
    expect(many.peak - few.peak).toBeLessThan(many.bytes - few.bytes + MARGIN);
    expect(many.peak).toBeLessThan(1000e6);
    // And both are fits of the same kind of structures.
    expect(Math.abs(Math.log(many.forceError / few.forceError))).toBeLessThan(0.6);
    process.stdout.write(
      `${few.functions} functions: ${(few.peak / 1e6).toFixed(0)} MB for ${FEW} structures, ${(many.peak / 1e6).toFixed(0)} MB for ${MANY}\n`,
    );
  });
});
