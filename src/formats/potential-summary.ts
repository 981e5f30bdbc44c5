import type { ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import type { BBasisDocument } from './bbasis.ts';

/** What a potential file holds, in plain data. */
export interface PotentialSummary {
  readonly elements: readonly string[];
  /** By element: energy of the isolated atom, eV; functions of each order, from order 1 on. */
  readonly e0: Readonly<Record<string, number>>;
  readonly functions: Readonly<Record<string, readonly number[]>>;
  /** Number of densities, and embedding of the first element: `linear` or its name with weights and exponents. */
  readonly densities: number;
  readonly embedding: string;
  /** By pair: radial functions, cutoff, inner cutoff and its kind, Å; core repulsion. */
  readonly pairs: readonly {
    readonly pair: string;
    readonly radial: string;
    readonly cutoff: number;
    readonly inner: string;
    readonly core: string;
  }[];
  /** Whether the energy is linear in the functions, core aside. */
  readonly linear: boolean;
}

/** Counts by order of some functions. */
export function countsByOrder(functions: readonly { readonly mus: readonly number[] }[]): number[] {
  const counts = new Array<number>(Math.max(0, ...functions.map(({ mus }) => mus.length))).fill(0);
  for (const { mus } of functions) counts[mus.length - 1]!++;
  return counts;
}

/** A number to six digits. */
function short(x: number): string {
  return String(Number(x.toPrecision(6)));
}

function embeddingOf({ embeddings }: ProductPotential): string {
  const texts = embeddings.map(({ kind, densities }) =>
    densities.every(({ exponent }) => Math.abs(exponent - 1) < 1e-10)
      ? `linear${densities.length > 1 ? ` in ${densities.length} densities` : ''}`
      : `${kind} of ${densities.map(({ weight, exponent }) => `${weight}·ρ^${exponent}`).join(' + ')}`,
  );
  return [...new Set(texts)].join('; ');
}

/** Describes a potential; `invariants` are those of a B-basis file, whose functions are counted instead of products. */
export function summarizePotential(
  potential: ProductPotential,
  invariants: BBasisDocument['functions'] | null = null,
): PotentialSummary {
  const { elements, e0, bonds, functions, embeddings } = potential;
  const embedding = embeddingOf(potential);
  const pairs = bonds.flatMap((row, mu) =>
    row.map((bond, nu) => {
      const { radial, radialName, nmax, lmax, inner, core } = bond;
      return {
        pair: `${elements[mu]!}-${elements[nu]!}`,
        radial: `${radial.count} ${radialName}, ${nmax} × ${lmax + 1} mixed`,
        cutoff: radial.cutoff,
        inner:
          inner.cutoff > 0 || inner.type === 'zbl'
            ? `${short(inner.cutoff)} (${short(inner.width)}) ${inner.type}`
            : '-',
        core:
          core.prefactor === 0
            ? '-'
            : inner.type === 'zbl'
              ? 'ZBL'
              : `${short(core.prefactor)} exp(−${short(core.lambda)} r²)/r`,
      };
    }),
  );
  return {
    elements,
    e0: Object.fromEntries(elements.map((symbol, mu) => [symbol, e0[mu]!])),
    functions: Object.fromEntries(
      elements.map((symbol, mu) => [symbol, countsByOrder((invariants ?? functions)[mu]!)]),
    ),
    densities: embeddings[0]!.densities.length,
    embedding,
    pairs,
    linear: /^linear/.test(embedding),
  };
}
