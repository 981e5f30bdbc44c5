import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { RandomStream } from '../core/random.ts';
import { rattle } from '../core/sampling/rattle.ts';
import { strained } from '../core/structure/cell.ts';
import { prototypeStructure } from '../core/structure/prototypes.ts';
import { openStore } from '../node/store/store.ts';
import { commandReference } from '../reference/command.ts';
import { stillingerWeberReference } from '../reference/embedded/sw-si.ts';
import { tightBindingReference } from '../reference/embedded/tb-si.ts';
import { quantumEspresso } from '../reference/quantum-espresso.ts';
import type { ComputeReference } from '../reference/reference.ts';
import { referenceConformance } from './reference.ts';
import type { TestRunner } from './runner.ts';
import { storeConformance } from './store.ts';

const runner = { describe, it, expect } as TestRunner;

const folder = mkdtempSync(join(tmpdir(), 'querent-testing-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
storeConformance(runner, 'SQLite', (key) => openStore(join(folder, `${key}.sqlite`)));

const crystal = prototypeStructure({ prototype: 'diamond', element: 'Si', a: 5.4, cell: 'primitive' });
const sheared = strained(crystal, Float64Array.of(0.02, 0.01, 0, 0.01, -0.01, 0.005, 0, 0.005, 0.01));
const sample = rattle(sheared, [0.05, 0.05], new RandomStream(3, 'testing')).structure;

referenceConformance(
  runner,
  'tb-si',
  () => tightBindingReference({ kind: 'tb-si', mesh: [2, 2, 2], shifted: true, smearing: 0.1 }),
  sample,
);
referenceConformance(runner, 'sw-si', stillingerWeberReference, sample);
referenceConformance(
  runner,
  'quantum-espresso',
  () =>
    quantumEspresso({
      pseudopotentials: { Si: { file: 'Si.UPF', sha256: '0'.repeat(64) } },
      pseudoDirectory: '/pseudo',
      ecutwfc: 20,
      kPoints: { mesh: [2, 2, 2], shifted: true },
      command: ['pw.x'],
    }),
  sample,
);
referenceConformance(
  runner,
  'command',
  () => commandReference({ command: ['label', '{input}', '{output}'], files: {} }),
  sample,
);

describe('the suites', () => {
  /** Runs a suite and tells which of its tests failed. */
  function failures(suite: (runner: TestRunner) => void): string[] {
    const failed: string[] = [];
    suite({
      describe: (_, body) => body(),
      it(name, body) {
        try {
          body();
        } catch {
          failed.push(name);
        }
      },
      expect: (actual, message) => runner.expect(actual, message),
    });
    return failed;
  }
  const good = stillingerWeberReference();
  const altered =
    (change: (label: Extract<ReturnType<ComputeReference['label']>, { status: 'done' }>) => object) =>
    (): ComputeReference => ({
      ...good,
      label(structure) {
        const label = good.label(structure);
        return label.status === 'done' ? ({ ...label, ...change(label) } as typeof label) : label;
      },
    });

  it('find a reference whose forces have the wrong sign, and one whose stress has', () => {
    const signs = (reference: () => ComputeReference) =>
      failures((r) => referenceConformance(r, 'x', reference, sample));
    expect(signs(() => good)).toEqual([]);
    expect(signs(altered(({ forces }) => ({ forces: forces.map((f) => -f) })))).toEqual([
      'has forces that are derivatives of its energy and sum to nothing',
    ]);
    expect(signs(altered(({ virial }) => ({ virial: virial!.map((w) => -w) })))).toEqual([
      'has a virial W = −∂E/∂ε, when it has one',
    ]);
    expect(signs(altered(({ energy }) => ({ energy: energy + Math.random() })))).toContain(
      'gives the same bits twice, in arrays of its own',
    );
  });

  it('find a store that forgets', () => {
    let key = 0;
    const forgetful = failures((r) =>
      storeConformance(r, 'x', () => openStore(join(folder, `forgetful-${key++}.sqlite`))),
    );
    expect(forgetful).toEqual(['gives everything back after it was closed']);
  });
});
