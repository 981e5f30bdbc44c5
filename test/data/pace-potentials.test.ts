import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../src/core/structure/structure.ts';
import { formatYace } from '../../src/formats/yace.ts';
import { createYacePotential } from '../../src/formats/yace-potential.ts';
import { readYace } from '../../src/formats/yace-reader.ts';
import { readFrames } from '../../src/node/frames.ts';
import { freshFolder, querent } from '../support/command.ts';
import { DATA, dataFile, skipReason } from '../support/data.ts';

/** Where the sets should be, as in a full check, a missing one fails instead of being skipped. */
const MUST_BE_THERE = Boolean(process.env.CI) && existsSync(DATA);

/** Published potentials with energies and forces of the public C++ evaluator, and what splines do to their forces. */
const POTENTIALS = [
  // Two densities, orders 1 to 6, a core everywhere.
  { file: 'Cu.yace.gz', crystal: 'Cu_fcc256_rattled.xyz.gz', splines: 2e-9 },
  // Linear; the last 0.01 Å before the cutoff are a cosine step that ten bins of a spline cannot follow.
  { file: 'Ta_pot.yace.gz', crystal: 'Ta_bcc250_rattled.xyz.gz', splines: 1e-6 },
  // Four elements; the nearest neighbour switches to a repulsion.
  { file: 'YBCO.yace.gz', crystal: 'YBCO_fcc256_rattled.xyz.gz', splines: 2e-9 },
];

const cwd = freshFolder('pace');
afterAll(() => rmSync(cwd, { recursive: true }));

describe.each(POTENTIALS)('$file', ({ file, crystal, splines }) => {
  const names = [file, crystal].map((name) => `pace_potentials/${name}`);
  const absent = !MUST_BE_THERE && names.some((name) => dataFile(name) === null);
  const why = names.map(skipReason).find((text) => text !== '') ?? '';
  const [potential, structures] = names.map((name) => dataFile(name) ?? join(DATA, name)) as [string, string];
  const text = (): string => gunzipSync(readFileSync(potential)).toString();
  const frame = async (): Promise<Frame> => (await readFrames([structures], {})).frames[0]!;

  it.skipIf(absent)(`predict gives what the public evaluator gives${why}`, async () => {
    const path = join(cwd, file.replace('.gz', ''));
    writeFileSync(path, text());
    const { code, stdout, stderr } = await querent(['predict', path, structures, '--json'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    const [prediction] = JSON.parse(stdout) as { energy: number; forces: number[][] }[];
    const { labels } = await frame();
    const largest = labels.forces!.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
    expect(prediction!.energy).toAgree(labels.energy!, { rtol: 1e-12, why: 'the same splines of radial functions' });
    expect(prediction!.forces.flat()).toAgree(labels.forces!, {
      atol: 1e-10 * largest,
      why: 'the same splines of radial functions; those of cores differ',
    });
  });

  it.skipIf(absent)(`exact radial functions differ by what splines miss${why}`, async () => {
    const { structure, labels } = await frame();
    const result = createYacePotential(readYace(text(), file)).evaluate(structure);
    const largest = labels.forces!.reduce((most, f) => Math.max(most, Math.abs(f)), 0);
    expect(result.energy).toAgree(labels.energy!, { rtol: 1e-11, why: 'h⁴ of splines of 0.001 Å' });
    expect(result.forces).toAgree(labels.forces!, { atol: splines * largest, why: 'h³ of splines of 0.001 Å' });
  });

  it.skipIf(absent)(`is read within seconds, and written so that it reads as the same${why}`, () => {
    const start = performance.now();
    const document = readYace(text(), file);
    expect(performance.now() - start).toBeLessThan(5000);
    const written = formatYace(document);
    expect(readYace(written, file)).toEqual(document);
    expect(formatYace(readYace(written, file))).toBe(written);
  });
});
