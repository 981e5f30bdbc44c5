import { tightBindingSilicon } from '../../core/potentials/tight-binding/tight-binding.ts';
import type { ComputeReference } from '../reference.ts';
import { potentialReference } from './potential-reference.ts';

/** Settings of the tight-binding reference; give one of `mesh` and `spacing`. */
export interface TightBindingReferenceSettings {
  readonly kind: 'tb-si';
  /** Divisions of the Brillouin zone along the three reciprocal vectors. */
  readonly mesh?: readonly [number, number, number] | undefined;
  /** Largest distance of k-points, 1/Å (with the 2π). */
  readonly spacing?: number | undefined;
  /** Whether the mesh is moved by half a step off Γ. */
  readonly shifted: boolean;
  /** Electronic temperature k_B·T, eV. */
  readonly smearing: number;
}

/**
 * Silicon by tight binding as a reference: electrons, k-points and a free energy, in milliseconds. A stand-in for density
 * functional theory, not DFT: see docs/theory/references.md for what it gets right. The energy is the free energy.
 * @throws InputError `K_POINTS` or `SMEARING`
 */
export function tightBindingReference(settings: TightBindingReferenceSettings): ComputeReference {
  const { mesh, spacing, shifted, smearing } = settings;
  const sampling = { ...(mesh === undefined ? {} : { mesh }), ...(spacing === undefined ? {} : { spacing }) };
  return potentialReference(
    'silicon by tight binding, not DFT (embedded)',
    tightBindingSilicon({ ...sampling, shifted, smearing }),
    {
      code: 'querent tb-si 1',
      settings: JSON.stringify(
        mesh === undefined ? { shifted, smearing, spacing } : { mesh: [...mesh], shifted, smearing },
      ),
      files: {},
    },
    (result) => result.internalEnergy,
  );
}
