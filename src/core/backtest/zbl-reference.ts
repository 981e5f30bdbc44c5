import { SmoothedZbl } from '../descriptors/ace/zbl.ts';
import { symbolOf } from '../elements.ts';
import { addBondForce } from '../structure/bond-force.ts';
import { neighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import { atomCount } from '../structure/structure.ts';

/** Range over which a repulsion goes to zero, Å: as it is below `inner`, nothing from `outer` on. */
export interface RepulsionRange {
  readonly inner: number;
  readonly outer: number;
}

/** Energy (eV), forces (eV/Å) and virial (eV) of a pair repulsion. */
export interface Repulsion {
  readonly energy: number;
  readonly forces: Float64Array;
  readonly virial: Float64Array;
}

/**
 * Repulsion of nuclei (Ziegler, Biersack and Littmark), brought smoothly to zero: a reference that labels are counted
 * from, so that a basis need not describe compressed pairs.
 */
export function zblReference(structure: Structure, { inner, outer }: RepulsionRange): Repulsion {
  const n = atomCount(structure);
  const list = neighborList(structure, outer);
  const pairs = new Map<number, SmoothedZbl>();
  const out = new Float64Array(2);
  const forces = new Float64Array(3 * n);
  const virial = new Float64Array(6);
  let energy = 0;
  for (let i = 0; i < n; i++) {
    for (let p = list.offsets[i]!; p < list.offsets[i + 1]!; p++) {
      const j = list.indices[p]!;
      const [a, b] = [structure.species[i]!, structure.species[j]!];
      let pair = pairs.get(256 * a + b);
      if (pair === undefined) {
        pair = new SmoothedZbl(symbolOf(a), symbolOf(b), outer, outer - inner);
        pairs.set(256 * a + b, pair);
      }
      const r = list.distances[p]!;
      pair.evaluate(r, out);
      energy += out[0]!;
      const scale = out[1]! / r;
      const [x, y, z] = [list.vectors[3 * p]!, list.vectors[3 * p + 1]!, list.vectors[3 * p + 2]!];
      addBondForce(forces, virial, i, j, scale * x, scale * y, scale * z, x, y, z);
    }
  }
  return { energy, forces, virial };
}
