import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'querent-doctor-verb-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const doctor = (...argv: string[]): Promise<Shown> => commandLine(cwd, ['doctor', ...argv]);

/** A program that puts two atoms on a spring, force −k(r − 1) along x, energy k/2 (r − 1)² times `scale`. */
const spring = (scale: number) => `
import { readFileSync, writeFileSync } from 'node:fs';
const [count, , ...atoms] = readFileSync(process.argv[2], 'utf8').trim().split('\\n');
const r = atoms.map((line) => line.trim().split(/\\s+/).slice(1, 4).map(Number));
const d = [0, 1, 2].map((k) => r[1][k] - r[0][k]);
const length = Math.hypot(...d);
const f = d.map((x) => (-3 * (length - 1) * x) / length);
const lines = atoms.map((line, i) => [line, ...f.map((x) => (i === 0 ? -x : x))].join(' '));
writeFileSync(process.argv[3], [count, 'Properties=species:S:1:pos:R:3:forces:R:3 energy=' + ${scale} * 1.5 * (length - 1) ** 2 + ' pbc="F F F"', ...lines, ''].join('\\n'));
`;

describe('querent doctor', () => {
  it('lists engines and what to install', async () => {
    const { code, stdout } = await doctor();
    expect(code).toBe(0);
    expect(stdout).toMatch(/Quantum ESPRESSO[\s\S]*LAMMPS[\s\S]*Built in: tb-si/);
    const { engines } = JSON.parse((await doctor('--json')).stdout);
    expect(engines).toHaveLength(7);
    for (const { path, install } of engines) expect((path === null) === (install !== null)).toBe(true);
  });

  it('passes a reference whose derivatives follow its energy', async () => {
    writeFileSync(join(cwd, 'r.yaml'), 'reference: {kind: tb-si, mesh: [3, 3, 3]}\n');
    const { code, stdout } = await doctor('--reference', 'r.yaml');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(
      /force[\s\S]*agrees[\s\S]*stress[\s\S]*shear xy.*GPa {3}agrees\nForces and stress follow the energy\.\n$/,
    );
    const result = JSON.parse(
      (await doctor('--reference', 'r.yaml', '--set', 'reference.smearing=0.2', '--json')).stdout,
    );
    expect(result).toMatchObject({ agrees: true, atoms: 2, labels: 11 });
  });

  it('fails a program whose energy is not the one its forces belong to', async () => {
    writeFileSync(join(cwd, 'h2.xyz'), '2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0.9 0.5 0.7\n');
    const check = async (scale: number) => {
      writeFileSync(join(cwd, 'spring.mjs'), spring(scale));
      writeFileSync(
        join(cwd, 'r.yaml'),
        'reference: {kind: command, command: [node, spring.mjs, "{input}", "{output}"]}\n',
      );
      return await doctor('--reference', 'r.yaml', '--structure', join(cwd, 'h2.xyz'));
    };
    expect((await check(1)).code).toBe(0);
    const wrong = await check(0.5);
    expect(wrong.code).toBe(1);
    expect(wrong.stdout).toMatch(/DIFFERS[\s\S]*check units, signs/);
  });

  it('says what is missing before it computes anything', async () => {
    writeFileSync(join(cwd, 'r.yaml'), 'reference: {kind: command, command: [sh, x.sh]}\n');
    expect(await doctor('--reference', 'r.yaml')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--structure'),
    });
    writeFileSync(join(cwd, 'm.yaml'), 'reference: {kind: manual}\n');
    expect(await doctor('--reference', 'm.yaml')).toMatchObject({ code: 2, stderr: expect.stringContaining('manual') });
    writeFileSync(join(cwd, 'f.yaml'), 'reference: {kind: command, command: [sh, -c, exit 3]}\n');
    writeFileSync(join(cwd, 'h2.xyz'), '2\nProperties=species:S:1:pos:R:3 pbc="F F F"\nH 0 0 0\nH 0.9 0.5 0.7\n');
    const failing = await doctor('--reference', 'f.yaml', '--structure', join(cwd, 'h2.xyz'), '--json');
    expect(failing.code).toBe(1);
    expect(JSON.parse(failing.stdout)).toMatchObject({ agrees: false, error: expect.stringContaining('exit code 3') });
  });
});
