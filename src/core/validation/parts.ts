/** Root mean square standard deviations of what intervals are made of; their squares add up. */
export interface UncertaintyParts {
  /** Of the labels; 0 where it has not been measured. */
  readonly label: number;
  /** What the form of the model leaves, whatever the labels. */
  readonly modelForm: number;
  /** What more labels would remove. */
  readonly epistemic: number;
}

/** Names of the parts, in the order in which they are told. */
export const PART_NAMES = ['label', 'modelForm', 'epistemic'] as const satisfies readonly (keyof UncertaintyParts)[];

/** What the intervals of one structure are made of. Energy of the whole cell, eV; forces eV/Å; stress eV/Å³. */
export interface FrameParts {
  readonly energy: UncertaintyParts;
  /** By atom. */
  readonly forces: readonly UncertaintyParts[];
  /** By component; null without a periodic cell. */
  readonly stress: readonly UncertaintyParts[] | null;
}

/** Root mean square of each part; null of none. */
export function meanParts(list: readonly UncertaintyParts[]): UncertaintyParts | null {
  if (list.length === 0) return null;
  const root = (name: keyof UncertaintyParts): number =>
    Math.sqrt(list.reduce((sum, parts) => sum + parts[name] * parts[name], 0) / list.length);
  return { label: root('label'), modelForm: root('modelForm'), epistemic: root('epistemic') };
}

/** Root mean square parts over structures: energies eV/atom, forces eV/Å, stress eV/Å³. */
export interface PartsSummary {
  readonly energy: UncertaintyParts | null;
  readonly forces: UncertaintyParts | null;
  readonly stress: UncertaintyParts | null;
}

/** What the intervals of some structures are made of; null where none of them says. */
export function summarizeParts(
  frames: readonly { readonly atoms: number; readonly parts?: FrameParts }[],
): PartsSummary | null {
  const known = frames.flatMap(({ atoms, parts }) => (parts === undefined ? [] : [{ atoms, parts }]));
  if (known.length === 0) return null;
  return {
    energy: meanParts(
      known.map(({ atoms, parts: { energy } }) => ({
        label: energy.label / atoms,
        modelForm: energy.modelForm / atoms,
        epistemic: energy.epistemic / atoms,
      })),
    ),
    forces: meanParts(known.flatMap(({ parts }) => parts.forces)),
    stress: meanParts(known.flatMap(({ parts }) => parts.stress ?? [])),
  };
}
