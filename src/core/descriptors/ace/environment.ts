/** The surroundings of one atom: radial functions and harmonics of its neighbours, and the atomic base A they sum to. */
import { requireDistance } from '../../structure/checks.ts';
import type { NeighborList } from '../../structure/neighbor-list.ts';
import type { AcePair, AceSpecification } from './basis.ts';
import { HARMONIC_STRIDE, SphericalHarmonics } from './harmonics.ts';
import type { ComponentLayout } from './products.ts';
import { innerSwitch, SphericalBessel, switchedCoreRepulsion } from './radial.ts';

/** Radial functions of every pair of elements, inner switch included, and the core repulsion that takes their place. */
export class PairFunctions {
  /** Number of radial functions. */
  readonly count: number;
  /** Switched core repulsion of the last distance (eV) and its slope (eV/Å). */
  readonly core: Float64Array = new Float64Array(2);
  private readonly pairs: readonly (readonly AcePair[])[];
  private readonly bases: readonly (readonly SphericalBessel[])[];
  private readonly inner = new Float64Array(2);

  constructor(pairs: readonly (readonly AcePair[])[], count: number) {
    this.pairs = pairs;
    this.count = count;
    this.bases = pairs.map((row) => row.map((pair) => new SphericalBessel(pair.cutoff, count)));
  }

  /** Writes values and slopes at r of the pair (mu0, mu) to `values` and `slopes` from `offset` on, and fills `core`. */
  evaluate(mu0: number, mu: number, r: number, values: Float64Array, slopes: Float64Array, offset: number): void {
    const { inner, core } = this;
    const pair = this.pairs[mu0]![mu]!;
    this.bases[mu0]![mu]!.evaluate(r, values, slopes, offset);
    core[0] = 0;
    core[1] = 0;
    if (r >= pair.innerCutoff) return;
    innerSwitch(r, pair.innerCutoff, pair.innerWidth, inner);
    const keep = 1 - inner[0]!;
    const dKeep = -inner[1]!;
    for (let k = offset; k < offset + this.count; k++) {
      slopes[k] = slopes[k]! * keep + values[k]! * dKeep;
      values[k] = values[k]! * keep;
    }
    switchedCoreRepulsion(r, pair, core);
  }
}

/** Neighbours of one atom within the cutoffs of its pairs. Buffers are reused from atom to atom. */
export class Environment {
  /** Number of neighbours. */
  size = 0;
  /** [size] index of the atom, and element index, of each neighbour; sorted by atom. */
  atoms: Int32Array = new Int32Array(0);
  elements: Int32Array = new Int32Array(0);
  /** [size] distance (Å), and [3·size] unit vector from the central atom. */
  distances: Float64Array = new Float64Array(0);
  directions: Float64Array = new Float64Array(0);
  /** [size, nRadial] radial functions and their slopes, inner switch included. */
  radial: Float64Array = new Float64Array(0);
  slopes: Float64Array = new Float64Array(0);
  /** [size, 8·nHarmonics] harmonics and their gradients on the sphere. */
  harmonics: Float64Array = new Float64Array(0);
  /** [size] slope of the switched core repulsion, eV/Å. */
  coreSlopes: Float64Array = new Float64Array(0);
  /** Σ of the switched core repulsion, eV. */
  coreEnergy = 0;
  readonly nRadial: number;
  readonly nHarmonics: number;
  private readonly layout: ComponentLayout;
  private readonly pairs: readonly (readonly AcePair[])[];
  private readonly functions: PairFunctions;
  private readonly angular: SphericalHarmonics;

  constructor(specification: AceSpecification, layout: ComponentLayout) {
    this.layout = layout;
    this.pairs = specification.pairs;
    this.nRadial = Math.max(...layout.counts);
    this.functions = new PairFunctions(specification.pairs, this.nRadial);
    this.angular = new SphericalHarmonics(layout.lmax);
    this.nHarmonics = this.angular.count;
  }

  private reserve(size: number): void {
    if (size <= this.atoms.length) return;
    const room = Math.ceil(1.25 * size);
    this.atoms = new Int32Array(room);
    this.elements = new Int32Array(room);
    this.distances = new Float64Array(room);
    this.directions = new Float64Array(3 * room);
    this.radial = new Float64Array(room * this.nRadial);
    this.slopes = new Float64Array(room * this.nRadial);
    this.harmonics = new Float64Array(room * HARMONIC_STRIDE * this.nHarmonics);
    this.coreSlopes = new Float64Array(room);
  }

  /** Gathers the neighbours of atom i; `elementOf[j]` is the element index of atom j. @throws InputError `ATOMS_COINCIDE` */
  gather(list: NeighborList, i: number, elementOf: Uint8Array): void {
    const first = list.offsets[i]!;
    const last = list.offsets[i + 1]!;
    this.reserve(last - first);
    const { nRadial, functions } = this;
    const mu0 = elementOf[i]!;
    const pairs = this.pairs[mu0]!;
    const stride = HARMONIC_STRIDE * this.nHarmonics;
    let size = 0;
    this.coreEnergy = 0;
    for (let p = first; p < last; p++) {
      const r = list.distances[p]!;
      const j = list.indices[p]!;
      const mu = elementOf[j]!;
      if (r >= pairs[mu]!.cutoff) continue;
      requireDistance(r, i, j);
      const x = list.vectors[3 * p]! / r;
      const y = list.vectors[3 * p + 1]! / r;
      const z = list.vectors[3 * p + 2]! / r;
      this.atoms[size] = j;
      this.elements[size] = mu;
      this.distances[size] = r;
      this.directions[3 * size] = x;
      this.directions[3 * size + 1] = y;
      this.directions[3 * size + 2] = z;
      functions.evaluate(mu0, mu, r, this.radial, this.slopes, size * nRadial);
      this.coreEnergy += functions.core[0]!;
      this.coreSlopes[size] = functions.core[1]!;
      this.angular.evaluate(x, y, z, this.harmonics, size * stride);
      size++;
    }
    this.size = size;
  }

  /** Writes A = Σ_j R_n(r_j) Y_lm(r̂_j) to values[2c] (Re) and values[2c+1] (Im), c as laid out. */
  atomicBase(values: Float64Array): void {
    const { layout, size, nRadial, radial, harmonics, elements } = this;
    const { counts, starts, lmax, perElement, nElements } = layout;
    const stride = HARMONIC_STRIDE * this.nHarmonics;
    values.fill(0, 0, 2 * perElement * nElements);
    for (let j = 0; j < size; j++) {
      const block = elements[j]! * perElement;
      const g = j * nRadial;
      let h = j * stride;
      for (let l = 0, lm = 0; l <= lmax; l++) {
        const count = counts[l]!;
        for (let m = 0; m <= l; m++, lm++, h += HARMONIC_STRIDE) {
          const re = harmonics[h]!;
          const im = harmonics[h + 1]!;
          let c = 2 * (block + starts[lm]!);
          for (let n = 0; n < count; n++, c += 2) {
            const r = radial[g + n]!;
            values[c] = values[c]! + r * re;
            values[c + 1] = values[c + 1]! + r * im;
          }
        }
      }
    }
  }
}
