import { stillingerWeberSilicon } from '../../core/potentials/stillinger-weber.ts';
import type { ComputeReference } from '../reference.ts';
import { potentialReference } from './potential-reference.ts';

/** Settings of the Stillinger–Weber reference, which has none but its name. */
export interface StillingerWeberSettings {
  readonly kind: 'sw-si';
}

/** Silicon by the classical potential of Stillinger and Weber as a reference: for trying things out in seconds. */
export function stillingerWeberReference(): ComputeReference {
  return potentialReference(
    'silicon by Stillinger–Weber, classical (embedded)',
    stillingerWeberSilicon(),
    { code: 'querent sw-si 1', settings: '{}', files: {} },
    () => null,
  );
}
