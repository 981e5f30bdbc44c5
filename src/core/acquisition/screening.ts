import { dot, squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { plainKernels } from '../numerics/plain-kernels.ts';
import { kMeans } from '../uncertainty/clusters.ts';
import { squareRootQuota } from './strata.ts';

/** Rows that are kept together. */
const BLOCK = 4096;
/** Gains that differ by less than this share are ties, decided by position. */
const TIE = 1e-10;
/** Structures whose rows are this close, as a part of the spread of the pool, are the same. */
const SAME_SPREAD = 3e-3;
/** Structures that the centres of strata are found from. */
const SAMPLE = 3000;

/** One structure that was picked, and what its energy teaches given those before it, nats. */
export interface ScreenPick {
  readonly index: number;
  readonly gain: number;
}

/** A list of picks and the largest gain that was left. */
export interface ScreenOutcome {
  readonly picks: readonly ScreenPick[];
  readonly left: number;
  /** Lower bound of the gain of the picks over that of the best ones: F(A)/(F(A) + Σ of the |A| largest gains left) or 1 − 1/e. */
  readonly certificate: number | null;
}

/**
 * Candidates that are too many for all their rows: of each only the energy row is kept, whitened by the posterior, and
 * information gains follow the picks by updates of rank one. A pick p takes S to S − t tᵀ, t = S u_p/√(1 + u_pᵀS u_p), so
 * that the variance of candidate i falls by (u_i·t)²; a candidate is brought up to date only when its old gain, an upper
 * bound, is the largest. The picks are those of plain greedy.
 *
 * Memory: 12 bytes for each column of each candidate (8 for the whitened row, 4 for strata).
 */
export class EnergyScreen {
  private readonly r: Float64Array;
  private readonly d: number;
  private readonly kernels: LinearKernels;
  private readonly whitened: Float64Array[] = [];
  private readonly plain: Float32Array[] = [];
  private size = 0;

  /** @param r [d, d] upper-triangular factor of the posterior precision */
  constructor(r: Float64Array, d: number, kernels: LinearKernels = plainKernels) {
    this.r = r;
    this.d = d;
    this.kernels = kernels;
  }

  /** Candidates so far. */
  get count(): number {
    return this.size;
  }

  /** Adds candidates. @param rows [m, d] energy rows over their noise  @cost m d² flops */
  add(rows: Float64Array, m: number): void {
    const { d } = this;
    const u = this.kernels.whitenRows(this.r, d, rows, m);
    for (let i = 0; i < m; i++) {
      const at = this.size % BLOCK;
      if (at === 0) {
        this.whitened.push(new Float64Array(BLOCK * d));
        this.plain.push(new Float32Array(BLOCK * d));
      }
      this.whitened.at(-1)!.set(u.subarray(i * d, (i + 1) * d), at * d);
      this.plain.at(-1)!.set(rows.subarray(i * d, (i + 1) * d), at * d);
      this.size++;
    }
  }

  private offset(index: number): number {
    return (index % BLOCK) * this.d;
  }

  /**
   * Strata by k-means of the standardised energy rows of a sample, evenly spread, and the nearest centre for the others.
   * @returns [count] stratum of each candidate
   */
  strata(clusters: number): { ofCandidate: Int32Array; count: number } {
    const { d, size } = this;
    const stride = Math.max(1, Math.ceil(size / SAMPLE));
    const n = Math.ceil(size / stride);
    const sample = new Float64Array(n * d);
    for (let k = 0; k < n; k++) {
      const [block, at] = [this.plain[Math.floor((k * stride) / BLOCK)]!, this.offset(k * stride)];
      sample.set(block.subarray(at, at + d), k * d);
    }
    const [mean, scale] = columnSpread(sample, n, d);
    for (let k = 0; k < n; k++) {
      for (let v = 0; v < d; v++) sample[k * d + v] = (sample[k * d + v]! - mean[v]!) * scale[v]!;
    }
    const { centers, count } = kMeans(sample, n, d, Math.min(clusters, n));
    const ofCandidate = new Int32Array(size);
    const row = new Float64Array(d);
    for (let i = 0; i < size; i++) {
      const [block, at] = [this.plain[Math.floor(i / BLOCK)]!, this.offset(i)];
      for (let v = 0; v < d; v++) row[v] = (block[at + v]! - mean[v]!) * scale[v]!;
      let least = Number.POSITIVE_INFINITY;
      for (let c = 0; c < count; c++) {
        let square = 0;
        for (let v = 0; v < d && square < least; v++) {
          const difference = row[v]! - centers[c * d + v]!;
          square += difference * difference;
        }
        if (square < least) {
          least = square;
          ofCandidate[i] = c;
        }
      }
    }
    return { ofCandidate, count };
  }

  /**
   * The candidates of largest information gain, each given those before it.
   *
   * @param may      candidates that may be picked; all by default
   * @param order    stratum of each pick; any stratum when left out
   * @param distinct whether candidates that are the same as a pick are left out from then on
   */
  select(
    picks: number,
    options: {
      readonly may?: (index: number) => boolean;
      readonly strata?: { readonly ofCandidate: Int32Array; readonly order: Int32Array };
      readonly distinct?: boolean;
    } = {},
  ): ScreenOutcome {
    const { may, strata, distinct = true } = options;
    const { size } = this;
    const search = new Search(this.whitened, size, this.d);
    if (may !== undefined) for (let i = 0; i < size; i++) if (!may(i)) search.drop(i);
    const same = distinct ? SAME_SPREAD * search.spread() : -1;
    const selected: ScreenPick[] = [];
    let total = 0;
    const everyone = Int32Array.from({ length: size }, (_, i) => i);
    const members = strata === undefined ? [] : membersOf(strata.ofCandidate);
    while (selected.length < picks) {
      let index = -1;
      if (strata !== undefined) {
        const stratum = strata.order[selected.length];
        if (stratum === undefined) break;
        index = search.best(members[stratum]!);
      }
      // A stratum that ran out of different structures gives its picks to the whole pool.
      if (index < 0) index = search.best(everyone);
      if (index < 0 || !(search.gain(index) > 0)) break;
      const gain = search.gain(index);
      selected.push({ index, gain });
      total += gain;
      search.take(index, same);
    }
    const left = search.largest(Math.max(1, selected.length));
    const bound = total / (total + left.reduce((sum, gain) => sum + gain, 0));
    const guarantee = strata === undefined && !distinct ? 1 - 1 / Math.E : 0;
    return {
      picks: selected,
      left: left[0] ?? 0,
      certificate: selected.length === 0 ? null : Math.max(guarantee, bound),
    };
  }
}

/** Indices of the candidates of each stratum. */
function membersOf(ofCandidate: Int32Array): Int32Array[] {
  const lists: number[][] = [];
  ofCandidate.forEach((stratum, i) => {
    while (lists.length <= stratum) lists.push([]);
    lists[stratum]!.push(i);
  });
  return lists.map((list) => Int32Array.from(list));
}

/** Mean and inverse spread (0 where there is none) of each column. */
function columnSpread(rows: Float64Array, n: number, d: number): [Float64Array, Float64Array] {
  const mean = new Float64Array(d);
  const scale = new Float64Array(d);
  for (let i = 0; i < n; i++) for (let v = 0; v < d; v++) mean[v] = mean[v]! + rows[i * d + v]! / n;
  for (let i = 0; i < n; i++) {
    for (let v = 0; v < d; v++) {
      const difference = rows[i * d + v]! - mean[v]!;
      scale[v] = scale[v]! + (difference * difference) / n;
    }
  }
  for (let v = 0; v < d; v++) {
    const spread = Math.sqrt(scale[v]!);
    scale[v] = spread > 1e-6 * Math.abs(mean[v]!) ? 1 / spread : 0;
  }
  return [mean, scale];
}

/** Variances of a pool under a growing batch; stale ones are upper bounds. */
class Search {
  private readonly blocks: readonly Float64Array[];
  private readonly d: number;
  private readonly size: number;
  /** [size] variance over the noise, as of `version`; −1 once a candidate is out. */
  private readonly variances: Float64Array;
  private readonly norms: Float64Array;
  private readonly versions: Int32Array;
  private readonly directions: Float64Array[] = [];

  constructor(blocks: readonly Float64Array[], size: number, d: number) {
    this.blocks = blocks;
    this.d = d;
    this.size = size;
    this.variances = Float64Array.from({ length: size }, (_, i) => squaredNorm(this.block(i), d, this.offset(i)));
    this.norms = this.variances.map(Math.sqrt);
    this.versions = new Int32Array(size);
  }

  private block(index: number): Float64Array {
    return this.blocks[Math.floor(index / BLOCK)]!;
  }

  private offset(index: number): number {
    return (index % BLOCK) * this.d;
  }

  /** Root mean square distance of the rows from their mean. */
  spread(): number {
    const mean = new Float64Array(this.d);
    let square = 0;
    for (let i = 0; i < this.size; i++) {
      const [block, at] = [this.block(i), this.offset(i)];
      for (let v = 0; v < this.d; v++) mean[v] = mean[v]! + block[at + v]! / this.size;
      square += (this.norms[i]! * this.norms[i]!) / this.size;
    }
    return Math.sqrt(Math.max(0, square - squaredNorm(mean)));
  }

  drop(index: number): void {
    this.variances[index] = -1;
  }

  /** Information gain of a candidate, as of when it was last brought up to date, nats. */
  gain(index: number): number {
    return 0.5 * Math.log1p(this.variances[index]!);
  }

  private refresh(index: number): boolean {
    const version = this.versions[index]!;
    if (version === this.directions.length) return false;
    const [block, at] = [this.block(index), this.offset(index)];
    let variance = this.variances[index]!;
    for (let k = version; k < this.directions.length; k++) {
      const overlap = dot(block, this.directions[k]!, this.d, at, 0);
      variance -= overlap * overlap;
    }
    this.variances[index] = Math.max(0, variance);
    this.versions[index] = this.directions.length;
    return true;
  }

  /**
   * The candidate of largest gain among some, the first one of equals; −1 where none is left. Two passes: the old gain that
   * is largest sets a level, and only old gains above the level reached so far are brought up to date.
   */
  best(members: Int32Array): number {
    const { variances } = this;
    let level = -1;
    let start = -1;
    for (const i of members) {
      if (variances[i]! > level) {
        level = variances[i]!;
        start = i;
      }
    }
    if (start < 0) return -1;
    this.refresh(start);
    level = variances[start]!;
    for (const i of members) {
      if (!(variances[i]! >= 0 && variances[i]! >= level * (1 - TIE))) continue;
      this.refresh(i);
      if (variances[i]! > level) level = variances[i]!;
    }
    const now = this.directions.length;
    for (const i of members) {
      if (variances[i]! >= 0 && this.versions[i] === now && variances[i]! >= level * (1 - TIE)) return i;
    }
    return start;
  }

  /** Moves the posterior on by the label of a candidate and takes it out, with those that are within a distance of it. */
  take(index: number, same: number): void {
    const { d } = this;
    this.refresh(index);
    const [block, at] = [this.block(index), this.offset(index)];
    const t = block.slice(at, at + d);
    for (const known of this.directions) {
      const overlap = dot(known, block, d, 0, at);
      for (let v = 0; v < d; v++) t[v] = t[v]! - overlap * known[v]!;
    }
    const factor = 1 / Math.sqrt(1 + this.variances[index]!);
    for (let v = 0; v < d; v++) t[v] = t[v]! * factor;
    this.directions.push(t);
    this.drop(index);
    if (same < 0) return;
    for (let i = 0; i < this.size; i++) {
      if (this.variances[i]! < 0 || Math.abs(this.norms[i]! - this.norms[index]!) > same) continue;
      const [other, from] = [this.block(i), this.offset(i)];
      let square = 0;
      for (let v = 0; v < d && square <= same * same; v++) {
        const difference = other[from + v]! - block[at + v]!;
        square += difference * difference;
      }
      if (square <= same * same) this.drop(i);
    }
  }

  /** The k largest gains that are left, falling. */
  largest(k: number): number[] {
    for (;;) {
      const order = Array.from(this.variances.keys())
        .filter((i) => this.variances[i]! >= 0)
        .sort((a, b) => this.variances[b]! - this.variances[a]! || a - b)
        .slice(0, k);
      if (order.filter((i) => this.refresh(i)).length === 0) return order.map((i) => this.gain(i));
    }
  }
}

/** Picks of a square-root quota of strata without labels, in order. */
export function quotaOrder(ofCandidate: Int32Array, count: number, picks: number): Int32Array {
  const sizes = new Int32Array(count);
  for (const stratum of ofCandidate) sizes[stratum] = sizes[stratum]! + 1;
  const names = Array.from({ length: count }, (_, c) => `cluster ${c + 1} of ${count}`);
  return squareRootQuota({ count, ofCandidate, sizes, labelled: new Int32Array(count), names }, picks);
}
