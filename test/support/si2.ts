import type { Structure } from '../../src/core/structure/structure.ts';
import type { QuantumEspressoSettings } from '../../src/reference/quantum-espresso.ts';

const h = 2.715;

/** The displaced silicon crystal of the saved outputs in test/golden/qe. */
export const SI2: Structure = {
  positions: Float64Array.of(0.03, -0.02, 0.01, 1.3575, 1.3775, 1.3575),
  cell: Float64Array.of(0, h, h, h, 0, h, h, h, 0),
  pbc: [true, true, true],
  species: Uint8Array.of(14, 14),
};

/** The settings that they were made with. */
export const SI2_SETTINGS: QuantumEspressoSettings = {
  command: ['pw.x'],
  pseudoDirectory: '/usr/share/espresso/pseudo',
  pseudopotentials: { Si: { file: 'Si.pz-vbc.UPF', sha256: 'ab' } },
  ecutwfc: 12,
  kPoints: { mesh: [2, 2, 2], shifted: true },
};
