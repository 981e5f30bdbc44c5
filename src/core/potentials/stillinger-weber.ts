import { addBondForce } from '../structure/bond-force.ts';
import type { NeighborList } from '../structure/neighbor-list.ts';
import type { Structure } from '../structure/structure.ts';
import type { Potential, PotentialResult } from './potential.ts';
import { siliconNeighbors } from './silicon-neighbors.ts';

/**
 * Parameters of Stillinger and Weber (Phys. Rev. B 31, 5262, 1985) for silicon, in eV and Å; ε is 50 kcal/mol. The pair
 * exponents are p = 4 and q = 0.
 */
const EPSILON = 2.1683;
const SIGMA = 2.0951;
const CUTOFF = 1.8 * SIGMA;
const A = 7.049556277;
const B = 0.6022245584;
const LAMBDA = 21;
const GAMMA = 1.2;

/** The potential with scratch memory that grows with the largest number of neighbours. */
class StillingerWeber implements Potential {
  readonly name = 'Stillinger–Weber silicon (1985)';
  /** [m] e^{γσ/(r − r_c)} of the neighbours of one atom, and its logarithmic derivative −γσ/(r − r_c)², 1/Å. */
  private decay = new Float64Array(32);
  private slope = new Float64Array(32);
  /** [3m] unit vectors to the neighbours. */
  private unit = new Float64Array(96);
  /** [3m] gradient of the atom's energy with respect to each bond vector, eV/Å. */
  private gradient = new Float64Array(96);

  evaluate(structure: Structure): PotentialResult {
    const list = siliconNeighbors(structure, CUTOFF, this.name);
    const atoms = structure.species.length;
    const atomEnergies = new Float64Array(atoms);
    const forces = new Float64Array(3 * atoms);
    const virial = new Float64Array(6);
    let energy = 0;
    for (let i = 0; i < atoms; i++) {
      const first = list.offsets[i]!;
      const count = list.offsets[i + 1]! - first;
      this.reserve(count);
      const own = this.pairs(list, first, count) + this.triples(list, first, count);
      atomEnergies[i] = own;
      energy += own;
      this.scatter(list, i, first, count, forces, virial);
    }
    return { energy, atomEnergies, forces, virial };
  }

  private reserve(count: number): void {
    if (count <= this.decay.length) return;
    this.decay = new Float64Array(2 * count);
    this.slope = new Float64Array(2 * count);
    this.unit = new Float64Array(6 * count);
    this.gradient = new Float64Array(6 * count);
  }

  /** Half of every pair energy εA[B(σ/r)⁴ − 1]e^{σ/(r − r_c)}; sets the unit vectors, decays and gradients. */
  private pairs(list: NeighborList, first: number, count: number): number {
    const { decay, slope, unit, gradient } = this;
    let energy = 0;
    for (let a = 0; a < count; a++) {
      const r = list.distances[first + a]!;
      const inverse = 1 / (r - CUTOFF);
      const ratio = SIGMA / r;
      const power = B * ratio * ratio * ratio * ratio;
      const envelope = 0.5 * EPSILON * A * Math.exp(SIGMA * inverse);
      energy += envelope * (power - 1);
      const radial = envelope * ((-4 * power) / r - (power - 1) * SIGMA * inverse * inverse);
      decay[a] = Math.exp(GAMMA * SIGMA * inverse);
      slope[a] = -GAMMA * SIGMA * inverse * inverse;
      for (let d = 0; d < 3; d++) {
        const u = list.vectors[3 * (first + a) + d]! / r;
        unit[3 * a + d] = u;
        gradient[3 * a + d] = radial * u;
      }
    }
    return energy;
  }

  /** Every angle's energy ελ(cos θ + 1/3)² e^{γσ/(r − r_c)} e^{γσ/(s − r_c)} at this atom, added to the gradients. */
  private triples(list: NeighborList, first: number, count: number): number {
    const { decay, slope, unit, gradient } = this;
    let energy = 0;
    for (let a = 1; a < count; a++) {
      const ax = unit[3 * a]!;
      const ay = unit[3 * a + 1]!;
      const az = unit[3 * a + 2]!;
      const perR = 1 / list.distances[first + a]!;
      const height = EPSILON * LAMBDA * decay[a]!;
      let gx = 0;
      let gy = 0;
      let gz = 0;
      for (let b = 0; b < a; b++) {
        const bx = unit[3 * b]!;
        const by = unit[3 * b + 1]!;
        const bz = unit[3 * b + 2]!;
        const cosine = ax * bx + ay * by + az * bz;
        const open = cosine + 1 / 3;
        const weight = height * decay[b]! * open;
        const value = weight * open;
        energy += value;
        // ∂cos/∂r⃗_a = (u_b − cos·u_a)/r_a, and the decay changes along u_a.
        const turn = 2 * weight;
        const acrossA = turn * perR;
        const alongA = value * slope[a]! - acrossA * cosine;
        gx += alongA * ax + acrossA * bx;
        gy += alongA * ay + acrossA * by;
        gz += alongA * az + acrossA * bz;
        const acrossB = turn / list.distances[first + b]!;
        const alongB = value * slope[b]! - acrossB * cosine;
        gradient[3 * b] = gradient[3 * b]! + alongB * bx + acrossB * ax;
        gradient[3 * b + 1] = gradient[3 * b + 1]! + alongB * by + acrossB * ay;
        gradient[3 * b + 2] = gradient[3 * b + 2]! + alongB * bz + acrossB * az;
      }
      gradient[3 * a] = gradient[3 * a]! + gx;
      gradient[3 * a + 1] = gradient[3 * a + 1]! + gy;
      gradient[3 * a + 2] = gradient[3 * a + 2]! + gz;
    }
    return energy;
  }

  /** Turns gradients with respect to the bond vectors of atom i into forces and virial. */
  private scatter(
    list: NeighborList,
    i: number,
    first: number,
    count: number,
    forces: Float64Array,
    virial: Float64Array,
  ): void {
    const { indices, vectors } = list;
    for (let a = 0; a < count; a++) {
      const p = first + a;
      const [gx, gy, gz] = [this.gradient[3 * a]!, this.gradient[3 * a + 1]!, this.gradient[3 * a + 2]!];
      const [x, y, z] = [vectors[3 * p]!, vectors[3 * p + 1]!, vectors[3 * p + 2]!];
      addBondForce(forces, virial, i, indices[p]!, gx, gy, gz, x, y, z);
    }
  }
}

/**
 * The classical silicon potential of Stillinger and Weber (1985): pairs and angles, linear in the number of atoms, with
 * every energy term vanishing smoothly at 1.8σ = 3.771 Å. Diamond at r = 2^{1/6}σ has −2ε per atom.
 * @throws InputError when evaluated: `NO_ATOMS`, `SPECIES_NOT_IN_POTENTIAL`, `ATOMS_COINCIDE`
 */
export function stillingerWeberSilicon(): Potential {
  return new StillingerWeber();
}
