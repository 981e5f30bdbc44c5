import { bondLengths } from '../../core/dataset/bond-lengths.ts';
import type { AceBasis, AcePair, AceSpecification } from '../../core/descriptors/ace/basis.ts';
import { buildAceBasis } from '../../core/descriptors/ace/enumerate.ts';
import {
  type PresetName,
  presetLimits,
  presetSpecification,
  suggestCutoff,
  suggestInnerWidth,
  zblCore,
} from '../../core/descriptors/ace/presets.ts';
import { atomicNumberOf, symbolOf } from '../../core/elements.ts';
import { InputError } from '../../core/errors.ts';
import type { Structure } from '../../core/structure/structure.ts';
import type { FitSettings } from './settings.ts';

/** Atomic numbers in some structures, by alphabetical order of their symbols: the order of the basis. */
export function speciesOf(structures: readonly Structure[]): number[] {
  const seen = new Set<number>();
  for (const structure of structures) for (const z of structure.species) seen.add(z);
  return [...seen].sort((a, b) => (symbolOf(a) < symbolOf(b) ? -1 : 1));
}

/**
 * The basis that a fit to these structures uses: the preset's sizes, the cutoff from the typical bond length, inner
 * cutoff and core repulsion of each pair from covalent radii and the shortest distance seen.
 *
 * @throws InputError `NO_NEIGHBOURS` when the cutoff must be guessed and no structure has two atoms near each other
 */
export function resolveSpecification(structures: readonly Structure[], settings: FitSettings): AceSpecification {
  const species = speciesOf(structures);
  const symbols = species.map(symbolOf);
  const bonds = bondLengths(structures, species);
  if (settings.cutoff === null && bonds.typical === null) {
    throw new InputError('NO_NEIGHBOURS', 'cutoff must be given when no structure has two atoms near each other');
  }
  const cutoff = settings.cutoff ?? suggestCutoff(bonds.typical!);
  const shortest = (a: string, b: string): number =>
    bonds.shortest[species.indexOf(atomicNumberOf(a))]![species.indexOf(atomicNumberOf(b))]!;
  const suggested = presetSpecification(presetOf(settings), symbols, cutoff, shortest);
  return {
    ...suggested,
    nmax: settings.nmax ?? suggested.nmax,
    lmax: settings.lmax ?? suggested.lmax,
    pairs: suggested.pairs.map((row, i) =>
      row.map((pair, j) => {
        if (settings.innerCutoff === null) return pair;
        const innerCutoff = settings.innerCutoff;
        const range: Omit<AcePair, 'core'> = { cutoff, innerCutoff, innerWidth: suggestInnerWidth(innerCutoff) };
        const [a, b] = i <= j ? [symbols[i]!, symbols[j]!] : [symbols[j]!, symbols[i]!];
        return { ...range, core: zblCore(a, b, range) };
      }),
    ),
  };
}

/** The preset that stands in for a basis that is not chosen: `medium`, where none is named. */
function presetOf({ preset }: FitSettings): PresetName {
  return preset === 'auto' ? 'medium' : preset;
}

/** The basis of a specification within the limits of its preset. */
export function resolveBasis(specification: AceSpecification, settings: FitSettings): AceBasis {
  return buildAceBasis(specification, presetLimits(presetOf(settings)));
}
