import { describe, expect, it } from 'vitest';
import { AcePotential } from '../../src/core/potentials/ace-potential.ts';
import { minimise } from '../../src/core/dynamics/minimise.ts';
import { bondScan } from '../../src/core/properties/bond-scan.ts';
import { minimumDistance } from '../../src/core/structure/checks.ts';
import { prototypeStructure } from '../../src/core/structure/prototypes.ts';
import { repeated } from '../../src/core/structure/supercell.ts';
import { readFrames } from '../../src/node/frames.ts';
import { nodeKernels } from '../../src/node/kernels.ts';
import { fitModel } from '../../src/node/training/fit.ts';
import { DEFAULT_FIT } from '../../src/node/training/settings.ts';
import { createPool } from '../../src/node/workers/pool.ts';
import { dataFile, skipReason } from '../support/data.ts';

/** Groups of bulk crystals: nothing in them is far from equilibrium, and no atom has lost its neighbours. */
const SETS = [
  { element: 'Si', prototype: 'diamond', a: 5.46, file: 'mlearn/Si_train.xyz.gz', bulk: /^(Elastic|AIMD)/ },
  { element: 'Ge', prototype: 'diamond', a: 5.76, file: 'mlearn/Ge_train.xyz.gz', bulk: /^(Elastic|AIMD)/ },
  { element: 'Cu', prototype: 'fcc', a: 3.63, file: 'mlearn/Cu_train.xyz.gz', bulk: /^(Elastic|AIMD)/ },
  { element: 'Ta', prototype: 'bcc', a: 3.32, file: 'fitsnap_Ta/Ta.xyz.gz', bulk: /^(Displaced|Elastic)_BCC/ },
] as const;

describe.each(SETS)('a potential of bulk $element', ({ element, prototype, a, file, bulk }) => {
  const path = dataFile(file);
  const absent = path === null && !process.env.CI;
  it.skipIf(absent)(`says that it does not know bonds far from equilibrium${skipReason(file)}`, async () => {
    const { frames } = await readFrames([path!]);
    const pool = createPool(1, null);
    const kernels = nodeKernels(null);
    const { model, basis } = await fitModel(
      frames.filter(({ group }) => bulk.test(group)),
      { ...DEFAULT_FIT, preset: 'small' },
      pool,
    );
    await pool.dispose();
    const potential = new AcePotential(model, kernels.prepare(basis));
    const primitive = prototypeStructure({ prototype, element, a, cell: 'primitive' });
    const relaxed = minimise(primitive, potential, { cell: 'volume' }).structure;
    const { cutoff } = model.specification.pairs[0]![0]!;
    const { limits } = model.uncertainty;
    const scan = bondScan(
      repeated(relaxed, [2, 2, 2]),
      minimumDistance(relaxed, cutoff)!.distance,
      cutoff,
      (structure) => potential.trust(structure),
      { forceSigma: limits.forceSigmaSelect, novelty: limits.noveltySelect },
    );
    potential.program.dispose();
    // Wanted: five times the value at equilibrium, below 0.8 and beyond 1.4 bonds and for two atoms alone.
    expect(scan.equilibrium).toBeLessThan(1);
    expect(scan.compressed).toBeGreaterThan(5);
    expect(scan.stretched).toBeGreaterThan(5);
  });
});
