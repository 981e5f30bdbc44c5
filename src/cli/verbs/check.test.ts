import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandLine, type Shown } from '../../../test/support/command-line.ts';
import { extxyzOf, siliconFrames } from '../../../test/support/models.ts';

let cwd: string;
const text = extxyzOf(siliconFrames(24));
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'querent-check-'));
  writeFileSync(join(cwd, 'good.xyz'), text);
  // Every stress with the opposite sign.
  const turned = text.replace(
    /stress="([^"]+)"/g,
    (_, numbers: string) =>
      `stress="${numbers
        .split(' ')
        .map((x) => -Number(x))
        .join(' ')}"`,
  );
  writeFileSync(join(cwd, 'bad.xyz'), turned);
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const check = (...argv: string[]): Promise<Shown> =>
  commandLine(cwd, ['check', ...argv.map((word) => (word.endsWith('.xyz') ? join(cwd, word) : word))]);

describe('querent check', () => {
  it('ends with 0 and a summary where nothing is wrong', async () => {
    const { code, stdout, stderr } = await check('good.xyz');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^24 structures, 192 atoms; labels from energy, forces, stress\n/);
    expect(stdout).toMatch(/note NO_ISOLATED_ATOMS: .*\n {2}→ .*\n\n0 errors, 0 warnings, 1 note\n$/s);
  });

  it('ends with 1, and says what is wrong, by what evidence and what to do', async () => {
    const { code, stdout } = await check('bad.xyz');
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /ERROR STRESS_SIGN: .*stresses have the opposite sign \(positive under compression\)\n {2}all structures\n {2}→ convert/,
    );
    expect(stdout).toMatch(/\n1 error, 0 warnings, 1 note\n$/);
  });

  it('prints JSON with the places of the structures', async () => {
    const { code, stdout } = await check('bad.xyz', 'good.xyz', '--json');
    expect(code).toBe(1);
    const { structures, atoms, keys, findings } = JSON.parse(stdout);
    expect({ structures, atoms, keys }).toEqual({
      structures: 48,
      atoms: 384,
      keys: { energy: ['energy'], forces: ['forces'], virial: ['stress'] },
    });
    const across = findings.find(({ code: name }: { code: string }) => name === 'DUPLICATES_ACROSS_FILES');
    expect(across).toMatchObject({ severity: 'warning', evidence: { repeats: 24 } });
    expect(across.frames[5]).toEqual({ file: join(cwd, 'good.xyz'), index: 5 });
    expect(findings.map(({ code: name }: { code: string }) => name)).toContain('CONTRADICTING_DUPLICATES');
  });

  it('warns of energies under two names', async () => {
    writeFileSync(join(cwd, 'mixed.xyz'), text.replace(' energy=', ' free_energy='));
    const { stdout } = await check('mixed.xyz');
    expect(stdout).toContain('warning MIXED_ENERGY_KEYS: energies come from different keys: free_energy, energy');
  });
});
