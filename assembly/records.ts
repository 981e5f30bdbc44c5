// Records that the host lays out in memory for the evaluation of potentials, and the layout of what the kernels keep.
//
// Memory map of an instance that evaluates, low to high addresses:
//
//   Evaluator             one record; everything else is found from it
//   Element, Bond …       tables of the potential: written once, coefficients anew when they change
//   scratch               structure, pairs of a share of its atoms, one batch of atoms; sized by the host
//
// A batch is up to LANES atoms of one element. Products of a batch lie in nodes: Re of every lane, then Im of every lane,
// one cache line. Neighbours lie in blocks of up to BLOCK of one element; a quantity of a block is a row of doubles in the
// order of the neighbours, two to a vector. A row of a radial function holds its values and behind them its slopes by w.

/** Atoms that pass through the products together. */
export const LANES: i32 = 4;
/** Bytes of a node, and where its imaginary part is. */
export const NODE: usize = 64;
export const IMAGINARY: usize = 32;

/** Most neighbours in a block, a multiple of 4: few blocks, whose rows still pass through the second-level cache. */
export const BLOCK: i32 = 72;
/** Bytes between rows of a block, a little more than a row so that they do not meet in the same set of the cache. */
export const ROW: usize = 8 * BLOCK + 16;
/** The same for rows that hold values and slopes. */
export const LONG_ROW: usize = 16 * BLOCK + 16;

/**
 * Offsets in a block: rows of the unit vectors, of distances and their inverses, of dw/dr; atoms; then LONG_ROWs of the
 * functions of the bond, and behind them the factors of the harmonics, which stay for the forces.
 */
export const BLOCK_BOND: usize = 0;
export const BLOCK_PAIRS: usize = 4;
export const BLOCK_X: usize = 16;
export const BLOCK_Y: usize = BLOCK_X + ROW;
export const BLOCK_Z: usize = BLOCK_Y + ROW;
export const BLOCK_DISTANCE: usize = BLOCK_Z + ROW;
export const BLOCK_INVERSE: usize = BLOCK_DISTANCE + ROW;
export const BLOCK_SCALE: usize = BLOCK_INVERSE + ROW;
export const BLOCK_ATOMS: usize = BLOCK_SCALE + ROW;
export const BLOCK_RADIAL: usize = BLOCK_ATOMS + ROW;

/** An ordered pair of elements. */
@unmanaged
export class Bond {
  cutoff: f64;
  /** Å: the gap to the inner cutoff is r − gapStart, and the switch is gapWidth wide. */
  gapStart: f64;
  gapWidth: f64;
  /** [segmentCount] start (Å), bins per Å, first bin; the last begins at the cutoff and its bin is zero. */
  segments: usize;
  segmentCount: i32;
  /** [bins, functions/4, degree + 1, 4] coefficients, highest power first. */
  table: usize;
  degree: i32;
  /** Functions, a multiple of 4: R_nl, one for each density, r times the core, nothing. */
  functions: i32;
  /** Number of R_nl, and of densities. */
  radials: i32;
  densities: i32;
  /** Whether there is a core, and whether the nearest neighbour switches to it. */
  hasCore: i32;
  switchesByGap: i32;
  /** Largest l, −1 for none. */
  lmax: i32;
  /** [lmax + 1] first R_nl, number of R_nl, byte offset of the node of the first component. */
  momenta: usize;
}

/** A central element. */
@unmanaged
export class Element {
  e0: f64;
  coreCutoff: f64;
  coreWidth: f64;
  /** Weight and exponent of each density. */
  weight0: f64;
  exponent0: f64;
  weight1: f64;
  exponent1: f64;
  shiftedScaled: i32;
  densities: i32;
  /** [elements] addresses of bonds. */
  bonds: usize;
  components: i32;
  nodes: i32;
  /** [nodes − components] byte offsets of left and right, whether right is conjugated. */
  products: usize;
  /** Edges by head and by tail: rows as product-graph.ts has them, and [edges, densities] coefficients in their order. */
  headRows: i32;
  heads: usize;
  headCoefficients: usize;
  tailRows: i32;
  tails: usize;
  tailCoefficients: usize;
  /** Derivatives that reach each node from the products it is a factor of. */
  factorRows: i32;
  factors: usize;
}

/** The structure at hand, its pairs, and scratch memory. */
@unmanaged
export class Evaluator {
  /** [9] rows are lattice vectors, Å. */
  cell0: f64;
  cell1: f64;
  cell2: f64;
  cell3: f64;
  cell4: f64;
  cell5: f64;
  cell6: f64;
  cell7: f64;
  cell8: f64;
  elements: i32;
  lmax: i32;
  /** [elements] addresses. */
  elementTable: usize;
  /** [lmax + 1, lmax + 1] a and b of Q_lm = a z Q_{l−1,m} − b Q_{l−2,m}, m outer. */
  recursion: usize;
  /** [n, 3] Å, [n] element, [n, 3] eV/Å, [n] eV, [6] eV. */
  positions: usize;
  species: usize;
  forces: usize;
  energies: usize;
  virial: usize;
  /** Central atoms of this share, sorted by element, and the number of the atom that `offsets` begins with. */
  order: usize;
  firstAtom: i32;
  /** Pairs of this share: [atoms + 1] first pair, [pairs] neighbour, [pairs, 3] lattice vectors. */
  offsets: usize;
  neighbors: usize;
  images: usize;
  /** Neighbours of one atom by element: [elements] of x, y, z, atom, `capacity` each; [elements] how many. */
  gathered: usize;
  gatheredCounts: usize;
  capacity: i32;
  /** [LANES] number of blocks, and [LANES] areas of `laneBytes` for them. */
  blockCounts: usize;
  blocks: usize;
  laneBytes: i32;
  /** Nodes and the derivatives by them; sums of edges by head and density. */
  nodes: usize;
  adjoint: usize;
  sums: usize;
  /** Per density and lane: ρ and ∂E/∂ρ; per lane: core, ∂E/∂core. */
  densities: usize;
  slopes: usize;
  cores: usize;
  coreSlopes: usize;
  /** Factors of the harmonics of the block at hand, within the block. */
  legendre: usize;
  powers: usize;
  /** Rows that live as long as a block is worked on. */
  bins: usize;
  harmonics: usize;
  contracted: usize;
  gradients: usize;
}
