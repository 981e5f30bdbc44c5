import type { ComputeReference } from '../reference.ts';
import { type StillingerWeberSettings, stillingerWeberReference } from './sw-si.ts';
import { type TightBindingReferenceSettings, tightBindingReference } from './tb-si.ts';

/** Settings of the references that are computed in this process, told apart by `kind`. */
export type EmbeddedSettings = TightBindingReferenceSettings | StillingerWeberSettings;

/** The embedded reference of `settings`. @throws InputError for settings out of range, see each reference */
export function createEmbeddedReference(settings: EmbeddedSettings): ComputeReference {
  switch (settings.kind) {
    case 'tb-si':
      return tightBindingReference(settings);
    case 'sw-si':
      return stillingerWeberReference();
  }
}
