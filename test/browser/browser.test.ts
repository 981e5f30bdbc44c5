/** The bundle for web pages in a real browser: the numbers of Node, on one thread and on several. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { buildBrowser } from '../../scripts/build-browser.ts';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import { atomShares, sumOfShares } from '../../src/core/potentials/atom-shares.ts';
import { coefficientsOf, isolatedAtomEnergies } from '../../src/core/potentials/linear-model.ts';
import type { PotentialResult } from '../../src/core/potentials/potential.ts';
import { RandomStream } from '../../src/core/random.ts';
import { rattle } from '../../src/core/sampling/rattle.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import type { Structure } from '../../src/core/structure/structure.ts';
import { writeModel } from '../../src/formats/model-file.ts';
import { writeYace } from '../../src/formats/yace.ts';
import { KERNEL_VARIANTS } from '../../src/kernels/load.ts';
import { nodeKernels } from '../../src/node/kernels.ts';
import { describeWithChromium, launchChromium, type ServedFolder, serveFolder } from '../support/chromium.ts';
import { fitOn, siliconFrames } from '../support/models.ts';

/** Both run the same module; only elementary functions of the engines may differ in their last digit. */
const SAME = { rtol: 1e-12, atol: 1e-12, why: 'the same kernels in another engine' };

type Plain = { energy: number; forces: number[]; virial: number[]; atomEnergies: number[] };
/** What the page is asked: a potential, structures as plain numbers, and how to open it. */
interface Question {
  readonly file: 'silicon.model' | 'silicon.yace';
  readonly structures: readonly { positions: number[]; cell: number[]; species: number[] }[];
  readonly options: { readonly threads?: number; readonly kernels?: string };
}
interface Answer {
  readonly isolated: boolean;
  readonly threads: number;
  readonly kernels: string;
  readonly results: Plain[];
}

const PAGE = `<!doctype html><title>Querent</title><script type="module">
import { openPotential, canShareMemory } from './browser.js';
window.ask = async ({ file, structures, options }) => {
  const response = await fetch('./' + file);
  const source = file.endsWith('.yace')
    ? { kind: 'yace', text: await response.text() }
    : { kind: 'model', bytes: new Uint8Array(await response.arrayBuffer()) };
  const potential = await openPotential(source, options);
  try {
    const results = await potential.evaluate(structures.map(({ positions, cell, species }) => ({
      positions: Float64Array.from(positions), cell: Float64Array.from(cell), pbc: [true, true, true],
      species: Uint8Array.from(species),
    })));
    return {
      isolated: canShareMemory(), threads: potential.threads, kernels: potential.kernels,
      results: results.map(({ energy, forces, virial, atomEnergies }) =>
        ({ energy, forces: [...forces], virial: [...virial], atomEnergies: [...atomEnergies] })),
    };
  } finally { potential.dispose(); }
};
window.ready = true;
</script>`;

describeWithChromium('potentials in a web page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'querent-browser-'));
  let browser: Browser;
  const served: ServedFolder[] = [];
  let plain: Page;
  let isolated: Page;
  let structures: Structure[];
  let expected: PotentialResult[];

  async function openPage(isIsolated: boolean): Promise<Page> {
    const server = await serveFolder(folder, isIsolated);
    served.push(server);
    const page = await browser.newPage();
    await page.goto(`${server.url}/index.html`);
    await page.waitForFunction('window.ready === true');
    return page;
  }

  const ask = (page: Page, file: Question['file'], options: Question['options'] = {}): Promise<Answer> =>
    page.evaluate(
      (question: Question) => (globalThis as unknown as { ask(q: Question): Promise<Answer> }).ask(question),
      {
        file,
        options,
        structures: structures.map(({ positions, cell, species }) => ({
          positions: [...positions],
          cell: [...cell!],
          species: [...species],
        })),
      },
    );

  function expectNodesNumbers(answer: Answer): void {
    answer.results.forEach((result, s) => {
      expect(result.energy).toAgree(expected[s]!.energy, SAME);
      expect(result.forces).toAgree(expected[s]!.forces, SAME);
      expect(result.virial).toAgree(expected[s]!.virial, SAME);
      expect(result.atomEnergies).toAgree(expected[s]!.atomEnergies!, SAME);
    });
  }

  beforeAll(async () => {
    const fit = await fitOn(1, siliconFrames(9));
    const bytes = writeModel(fit.model, fit.basis);
    await buildBrowser(folder);
    writeFileSync(join(folder, 'index.html'), PAGE);
    writeFileSync(join(folder, 'silicon.model'), bytes);
    const coefficients = coefficientsOf(fit.model);
    writeFileSync(
      join(folder, 'silicon.yace'),
      writeYace({ basis: fit.basis, coefficients, e0: isolatedAtomEnergies(fit.model) }),
    );
    const stream = new RandomStream(4, 'browser');
    // The last one is large enough to be shared between threads.
    structures = [1, 2, 5].map((repeat) => {
      const crystal = prototypeStructure({
        prototype: 'diamond',
        element: 'Si',
        a: 5.43,
        repeat: [repeat, repeat, repeat],
      });
      return rattle(crystal, [0.05, 0.05], stream).structure;
    });
    const potential = new AcePotential(fit.model, nodeKernels(null).prepare(fit.basis));
    expected = structures.map((structure) =>
      sumOfShares(atomShares(structure.species.length).map((atoms) => potential.evaluateShare(structure, atoms))),
    );
    browser = await launchChromium();
    plain = await openPage(false);
    isolated = await openPage(true);
  });

  afterAll(async () => {
    await browser?.close();
    await Promise.all(served.map((server) => server.close()));
    rmSync(folder, { recursive: true });
  });

  it('gives the numbers of Node on one thread without cross-origin isolation', async () => {
    const answer = await ask(plain, 'silicon.model');
    expect(answer).toMatchObject({ isolated: false, threads: 1, kernels: nodeKernels(null).name });
    expectNodesNumbers(answer);
  });

  it('gives them on several threads with it, the same bits on any number', async () => {
    const [one, three] = [
      await ask(isolated, 'silicon.model', { threads: 1 }),
      await ask(isolated, 'silicon.model', { threads: 3 }),
    ];
    expect(three).toMatchObject({ isolated: true, threads: 3 });
    expectNodesNumbers(three);
    expect(three.results).toEqual(one.results);
    const byItself = await ask(isolated, 'silicon.model');
    expect(byItself.threads).toBe(await isolated.evaluate('navigator.hardwareConcurrency'));
    expect(byItself.results).toEqual(one.results);
  });

  it('evaluates what it exported for other programs', async () => {
    expectNodesNumbers(await ask(isolated, 'silicon.yace', { threads: 2 }));
  });

  it.each(KERNEL_VARIANTS)('runs the kernels %s', async (kernels) => {
    const answer = await ask(plain, 'silicon.model', { kernels });
    expect(answer.kernels).toBe(kernels);
    expectNodesNumbers(answer);
  });

  it('rejects with the errors of the library', async () => {
    const caught = (text: string): Promise<string> =>
      plain.evaluate(`import('./browser.js').then(async ({ openPotential }) => { ${text} })
        .then(() => 'nothing', (error) => error.name + ' ' + error.code + ': ' + error.message)`);
    expect(await caught(`await openPotential({ kind: 'model', bytes: new Uint8Array(9) })`)).toMatch(
      /^FormatError \w+: model: file must be a model written by querent/,
    );
    expect(await caught(`await openPotential({ kind: 'yace', text: 'elements: [Si]' })`)).toMatch(
      /^FormatError \w+: potential\.yace:1/,
    );
    expect(await caught(`await openPotential({ kind: 'yace', text: '' }, { threads: 0 })`)).toBe(
      'InputError BAD_THREADS: threads must be a positive integer, got 0',
    );
    const wrong = `const bytes = new Uint8Array(await (await fetch('./silicon.model')).arrayBuffer());
      const potential = await openPotential({ kind: 'model', bytes });
      await potential.evaluate([{ positions: new Float64Array(3), cell: null, pbc: [false, false, false], species: Uint8Array.of(32) }])`;
    expect(await caught(wrong)).toBe('InputError SPECIES_NOT_IN_BASIS: species must be one of Si, got Ge (atom 0)');
  });
});
