import { InputError } from '../../errors.ts';
import { HermitianEigensolver } from '../../numerics/eigen-hermitian.ts';
import { SymmetricEigensolver } from '../../numerics/eigen-symmetric.ts';
import { type BrillouinZoneSampling, checkSampling } from '../../structure/brillouin-zone.ts';
import type { Structure } from '../../structure/structure.ts';
import type { Potential, PotentialResult } from '../potential.ts';
import { siliconNeighbors } from '../silicon-neighbors.ts';
import { addBlocks, addBondForces, BLOCK, type Bonds, findBonds } from './bonds.ts';
import { CUTOFF, ONSITE_P, ONSITE_S, VALENCE } from './bowler.ts';
import { electronicEnergy, fermiDirac, fermiLevel, type WeightedSpectrum } from './fermi.ts';
import { type KPoints, kPoints } from './k-points.ts';
import { ORBITALS } from './slater-koster.ts';

/** States occupied by less than this carry no force. */
const OCCUPIED = 1e-14;

/** Settings of the tight-binding model that change its numbers. */
export interface TightBindingSettings extends BrillouinZoneSampling {
  /** Width k_B·T of the Fermi–Dirac occupations, eV; 0.1 by default. */
  readonly smearing?: number;
}

/** What the model says of one structure. `energy` is the free energy E − TS, whose derivatives the forces are. */
export interface TightBindingResult extends PotentialResult {
  /** E without the −TS of the electrons, eV. */
  readonly internalEnergy: number;
  /** Chemical potential of the electrons, eV. */
  readonly fermiLevel: number;
  /** Number of k-points at which the Hamiltonian was diagonalised. */
  readonly kPoints: number;
}

/** A tight-binding potential. */
export interface TightBindingPotential extends Potential {
  evaluate(structure: Structure): TightBindingResult;
}

/** A Hamiltonian that is diagonalised and keeps its eigenvectors until the occupations are known. */
interface Solved extends WeightedSpectrum {
  readonly solver: SymmetricEigensolver | HermitianEigensolver;
  /** Phase e^{2πi k·R} of each bond. */
  readonly cosines: Float64Array;
  /** Null where all phases are real. */
  readonly sines: Float64Array | null;
}

/** Solvers of one matrix size, kept between evaluations so that a run of equal cells allocates them once. */
class SolverPool {
  private size = 0;
  private real: SymmetricEigensolver[] = [];
  private complex: HermitianEigensolver[] = [];
  private realUsed = 0;
  private complexUsed = 0;
  private hamiltonianRe = new Float64Array(0);
  private hamiltonianIm = new Float64Array(0);

  /** Makes all solvers free again, for matrices of `size` rows. */
  begin(size: number): void {
    if (size !== this.size) {
      this.size = size;
      this.real = [];
      this.complex = [];
      this.hamiltonianRe = new Float64Array(size * size);
      this.hamiltonianIm = new Float64Array(0);
    }
    this.realUsed = 0;
    this.complexUsed = 0;
  }

  /** Diagonalises H(k) = Σ_R H(R) e^{2πi k·R}, in real arithmetic where all phases are ±1. */
  solve(bonds: Bonds, points: KPoints, index: number): Solved {
    const n = this.size;
    const { images, count } = bonds;
    const [k0, k1, k2] = [points.points[3 * index]!, points.points[3 * index + 1]!, points.points[3 * index + 2]!];
    const isReal = Number.isInteger(2 * k0) && Number.isInteger(2 * k1) && Number.isInteger(2 * k2);
    const cosines = new Float64Array(count);
    const sines = isReal ? null : new Float64Array(count);
    for (let b = 0; b < count; b++) {
      const turns = k0 * images[3 * b]! + k1 * images[3 * b + 1]! + k2 * images[3 * b + 2]!;
      if (sines === null) cosines[b] = Number.isInteger(turns) ? 1 : -1;
      else {
        const angle = 2 * Math.PI * (turns - Math.floor(turns));
        cosines[b] = Math.cos(angle);
        sines[b] = Math.sin(angle);
      }
    }
    const h = this.hamiltonianRe;
    h.fill(0);
    for (let o = 0; o < n; o++) h[o * n + o] = o % ORBITALS === 0 ? ONSITE_S : ONSITE_P;
    addBlocks(h, n, bonds, cosines);
    const weight = points.weights[index]!;
    if (sines === null) {
      const solver = this.real[this.realUsed] ?? new SymmetricEigensolver(n);
      this.real[this.realUsed++] = solver;
      return { values: solver.decompose(h), weight, solver, cosines, sines };
    }
    if (this.hamiltonianIm.length === 0) this.hamiltonianIm = new Float64Array(n * n);
    this.hamiltonianIm.fill(0);
    addBlocks(this.hamiltonianIm, n, bonds, sines);
    const solver = this.complex[this.complexUsed] ?? new HermitianEigensolver(n);
    this.complex[this.complexUsed++] = solver;
    return { values: solver.decompose(h, this.hamiltonianIm), weight, solver, cosines, sines };
  }
}

/** Transposes the first `count` rows of `vectors`, scaled, to [n, count], so that sums over states are contiguous. */
function byOrbital(vectors: Float64Array, count: number, n: number, scales: Float64Array): Float64Array {
  const out = new Float64Array(n * count);
  for (let v = 0; v < count; v++) {
    const scale = scales[v]!;
    for (let o = 0; o < n; o++) out[o * count + v] = vectors[v * n + o]! * scale;
  }
  return out;
}

/** Adds Re[Σ_v 2wf c_a* c_b e^{iφ}] of every bond at one k-point to `density` [16b]. */
function addDensity(solved: Solved, bonds: Bonds, n: number, mu: number, width: number, density: Float64Array): void {
  const { solver, values, weight, cosines, sines } = solved;
  let occupied = 0;
  while (occupied < n && fermiDirac((values[occupied]! - mu) / width) > OCCUPIED) occupied++;
  const scales = new Float64Array(occupied);
  for (let v = 0; v < occupied; v++) scales[v] = Math.sqrt(2 * weight * fermiDirac((values[v]! - mu) / width));
  const vectors = new Float64Array(occupied * n);
  const { from, to } = bonds;
  if (solver instanceof SymmetricEigensolver || sines === null) {
    (solver as SymmetricEigensolver).vectors(occupied, vectors);
    const c = byOrbital(vectors, occupied, n, scales);
    for (let b = 0; b < bonds.count; b++) {
      for (let q = 0; q < BLOCK; q++) {
        const i = (ORBITALS * from[b]! + (q >> 2)) * occupied;
        const j = (ORBITALS * to[b]! + (q & 3)) * occupied;
        let sum = 0;
        for (let v = 0; v < occupied; v++) sum += c[i + v]! * c[j + v]!;
        density[BLOCK * b + q] = density[BLOCK * b + q]! + cosines[b]! * sum;
      }
    }
    return;
  }
  const imaginary = new Float64Array(occupied * n);
  solver.vectors(occupied, vectors, imaginary);
  const x = byOrbital(vectors, occupied, n, scales);
  const y = byOrbital(imaginary, occupied, n, scales);
  const blockRe = new Float64Array(BLOCK);
  const blockIm = new Float64Array(BLOCK);
  for (let b = 0; b < bonds.count; b++) {
    // Images of one pair stand side by side and share their block.
    if (b === 0 || from[b] !== from[b - 1] || to[b] !== to[b - 1]) {
      for (let q = 0; q < BLOCK; q++) {
        const i = (ORBITALS * from[b]! + (q >> 2)) * occupied;
        const j = (ORBITALS * to[b]! + (q & 3)) * occupied;
        let re = 0;
        let im = 0;
        for (let v = 0; v < occupied; v++) {
          re += x[i + v]! * x[j + v]! + y[i + v]! * y[j + v]!;
          im += x[i + v]! * y[j + v]! - y[i + v]! * x[j + v]!;
        }
        blockRe[q] = re;
        blockIm[q] = im;
      }
    }
    const cosine = cosines[b]!;
    const sine = sines[b]!;
    for (let q = 0; q < BLOCK; q++) {
      density[BLOCK * b + q] = density[BLOCK * b + q]! + blockRe[q]! * cosine - blockIm[q]! * sine;
    }
  }
}

/**
 * Tight-binding silicon (sp, orthogonal; parameters and sources in `bowler.ts`): the eigenvalues of H(k) with Fermi–Dirac
 * occupations plus a pair repulsion, with exact Hellmann–Feynman forces and virial of the free energy. It is an
 * electronic-structure model that costs milliseconds, not DFT. Molecules are sampled at Γ only.
 * Cost is cubic in the number of atoms and linear in that of k-points.
 * @throws InputError `K_POINTS` or `SMEARING`; when evaluated, `NO_ATOMS`, `SPECIES_NOT_IN_POTENTIAL`, `ATOMS_COINCIDE`
 */
export function tightBindingSilicon(settings: TightBindingSettings): TightBindingPotential {
  checkSampling(settings);
  const width = settings.smearing ?? 0.1;
  if (!(width > 0 && Number.isFinite(width))) {
    throw new InputError('SMEARING', `smearing must be positive, got ${width} eV`, { smearing: width });
  }
  const pool = new SolverPool();
  return {
    name: 'tight-binding silicon (Bowler 1997)',
    evaluate(structure: Structure): TightBindingResult {
      const list = siliconNeighbors(structure, CUTOFF, 'tight-binding silicon');
      const atoms = structure.species.length;
      const n = ORBITALS * atoms;
      const electrons = VALENCE * atoms;
      const bonds = findBonds(list, atoms);
      const points = kPoints(structure, settings);
      pool.begin(n);
      const solved: Solved[] = [];
      for (let k = 0; k < points.weights.length; k++) solved.push(pool.solve(bonds, points, k));
      const mu = fermiLevel(solved, electrons, width);
      const electronic = electronicEnergy(solved, electrons, mu, width);
      const density = new Float64Array(BLOCK * bonds.count);
      for (const one of solved) addDensity(one, bonds, n, mu, width, density);
      const forces = new Float64Array(3 * atoms);
      const virial = new Float64Array(6);
      const repulsive = addBondForces(bonds, density, forces, virial);
      return {
        energy: electronic.free + repulsive,
        internalEnergy: electronic.internal + repulsive,
        atomEnergies: null,
        forces,
        virial,
        fermiLevel: mu,
        kPoints: solved.length,
      };
    },
  };
}
