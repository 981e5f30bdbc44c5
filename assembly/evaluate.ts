// Energies, forces and virial of atoms of one structure, in batches of one element.
//
//   gather → blocks of neighbours: radial functions, harmonics → A       for every atom of the batch
//   products and densities → embedding → derivatives by A                for the batch
//   blocks again → forces                                                for every atom

import { addToBase } from './atomic-base';
import { byCore, byGap, byProducts, embedDensity, joinByCore, joinByGap, slopeOfDensity } from './embedding';
import { addForces, addRadially } from './force';
import { fillUp, gather, gatheredBytes } from './gather';
import { computeFactors, computeHarmonics } from './harmonics';
import { addDensities, computeProducts, differentiate } from './product-graph';
import { coreRow, fillBlock, sumRow } from './radial';
import {
  BLOCK,
  BLOCK_BOND,
  BLOCK_DISTANCE,
  BLOCK_PAIRS,
  BLOCK_RADIAL,
  Bond,
  Element,
  Evaluator,
  LANES,
  LONG_ROW,
  NODE,
  ROW,
} from './records';

/** Numbers that the host needs to lay out memory. */
export const ATOMS_PER_BATCH: i32 = LANES;
export const NEIGHBORS_PER_BLOCK: i32 = BLOCK;
export const BYTES_PER_NODE: i32 = <i32>NODE;
export const BYTES_PER_ROW: i32 = <i32>ROW;
export const BYTES_PER_LONG_ROW: i32 = <i32>LONG_ROW;
export const BYTES_PER_BLOCK_HEADER: i32 = <i32>BLOCK_RADIAL;

/** Bytes of a block up to its harmonics, and with them. */
function bytesBeforeHarmonics(bond: Bond): usize {
  return BLOCK_RADIAL + <usize>bond.functions * LONG_ROW;
}

function blockBytes(bond: Bond): usize {
  const height = bond.lmax + 1;
  return bytesBeforeHarmonics(bond) + <usize>(((height * (height + 1)) >> 1) + 2 * height) * ROW;
}

/** Factors of harmonics stay in the block, from the sums over neighbours to their forces. */
function useFactorsOf(evaluator: Evaluator, bond: Bond, block: usize): void {
  const height = bond.lmax + 1;
  evaluator.legendre = block + bytesBeforeHarmonics(bond);
  evaluator.powers = evaluator.legendre + <usize>((height * (height + 1)) >> 1) * ROW;
}

/** Makes the blocks of a gathered atom, and sums its components, its single functions and its core. */
function sumNeighbors(evaluator: Evaluator, element: Element, lane: i32, i: i32): void {
  let block = evaluator.blocks + <usize>lane * <usize>evaluator.laneBytes;
  const density = evaluator.densities + 8 * <usize>lane;
  const core = evaluator.cores + 8 * <usize>lane;
  let blocks = 0;
  for (let mu = 0; mu < evaluator.elements; mu++) {
    const bond = changetype<Bond>(load<usize>(element.bonds + 4 * <usize>mu));
    fillUp(evaluator, bond, mu, i);
    const count = (load<i32>(evaluator.gatheredCounts + 4 * <usize>mu) + 3) & ~3;
    const start = evaluator.gathered + <usize>mu * gatheredBytes(evaluator.capacity);
    const atoms = start + 24 * <usize>evaluator.capacity;
    for (let first = 0; first < count; first += BLOCK, blocks++) {
      const own = min(BLOCK, count - first);
      fillBlock(evaluator, bond, block, start + 8 * <usize>first, atoms + 4 * <usize>first, own);
      if (bond.lmax >= 0) {
        useFactorsOf(evaluator, bond, block);
        computeFactors(evaluator, block, bond.lmax);
        computeHarmonics(evaluator, block, bond.lmax);
        addToBase(evaluator, block, lane);
      }
      for (let p = 0; p < bond.densities; p++) {
        const rho = density + 32 * <usize>p;
        store<f64>(rho, load<f64>(rho) + sumRow(block, bond.radials + p));
      }
      if (bond.hasCore) store<f64>(core, load<f64>(core) + sumRow(block, coreRow(bond)));
      block += blockBytes(bond);
    }
  }
  store<i32>(evaluator.blockCounts + 4 * <usize>lane, blocks);
}

/** Energy of one lane, and what its derivatives begin with. */
function joinAtom(evaluator: Evaluator, element: Element, lane: i32, i: i32): void {
  const density = evaluator.densities + 8 * <usize>lane;
  const slope = evaluator.slopes + 8 * <usize>lane;
  let products = embedDensity(element, load<f64>(density), element.weight0, element.exponent0);
  store<f64>(slope, slopeOfDensity());
  if (element.densities > 1) {
    products += embedDensity(element, load<f64>(density, 32), element.weight1, element.exponent1);
    store<f64>(slope, slopeOfDensity(), 32);
  }
  const core = load<f64>(evaluator.cores + 8 * <usize>lane);
  // The neighbour with the smallest gap to its inner cutoff, if any switches.
  let gap = Infinity;
  let width = 1.0;
  let nearest: usize = 0;
  let place = 0;
  let block = evaluator.blocks + <usize>lane * <usize>evaluator.laneBytes;
  for (let left = load<i32>(evaluator.blockCounts + 4 * <usize>lane); left > 0; left--) {
    const bond = changetype<Bond>(load<usize>(block, BLOCK_BOND));
    const count = bond.switchesByGap ? 2 * load<i32>(block, BLOCK_PAIRS) : 0;
    for (let k = 0; k < count; k++) {
      const own = load<f64>(block + 8 * <usize>k, BLOCK_DISTANCE) - bond.gapStart;
      if (own < gap) {
        gap = own;
        width = bond.gapWidth;
        nearest = block;
        place = k;
      }
    }
    block += blockBytes(bond);
  }
  const energy = nearest ? joinByGap(products, core, gap, width) : joinByCore(element, products, core);
  store<f64>(evaluator.energies + 8 * <usize>i, element.e0 + energy);
  store<f64>(slope, load<f64>(slope) * byProducts);
  if (element.densities > 1) store<f64>(slope, load<f64>(slope, 32) * byProducts, 32);
  store<f64>(evaluator.coreSlopes + 8 * <usize>lane, byCore);
  if (byGap !== 0) addRadially(evaluator, nearest, place, byGap, i);
}

/** Forces of one lane. */
function addNeighborForces(evaluator: Evaluator, lane: i32, i: i32): void {
  let block = evaluator.blocks + <usize>lane * <usize>evaluator.laneBytes;
  for (let left = load<i32>(evaluator.blockCounts + 4 * <usize>lane); left > 0; left--) {
    const bond = changetype<Bond>(load<usize>(block, BLOCK_BOND));
    useFactorsOf(evaluator, bond, block);
    addForces(evaluator, block, lane, i);
    block += blockBytes(bond);
  }
}

/** Evaluates `count` atoms of `order`. Returns the first pair of atoms that coincide, or −1. */
export function evaluateAtoms(address: usize, count: i32): i32 {
  const evaluator = changetype<Evaluator>(address);
  const order = evaluator.order;
  for (let base = 0, lanes = 0; base < count; base += lanes) {
    const mu = load<i32>(evaluator.species + 4 * <usize>load<i32>(order + 4 * <usize>base));
    const element = changetype<Element>(load<usize>(evaluator.elementTable + 4 * <usize>mu));
    memory.fill(evaluator.nodes, 0, <usize>element.components * NODE);
    memory.fill(evaluator.densities, 0, 64);
    memory.fill(evaluator.slopes, 0, 64);
    memory.fill(evaluator.cores, 0, 32);
    for (lanes = 0; lanes < LANES && base + lanes < count; lanes++) {
      const i = load<i32>(order + 4 * <usize>(base + lanes));
      if (load<i32>(evaluator.species + 4 * <usize>i) !== mu) break;
      const coinciding = gather(evaluator, element, i);
      if (coinciding >= 0) return coinciding;
      sumNeighbors(evaluator, element, lanes, i);
    }
    computeProducts(evaluator, element);
    addDensities(evaluator, element);
    for (let lane = 0; lane < lanes; lane++) {
      joinAtom(evaluator, element, lane, load<i32>(order + 4 * <usize>(base + lane)));
    }
    differentiate(evaluator, element);
    for (let lane = 0; lane < lanes; lane++) {
      addNeighborForces(evaluator, lane, load<i32>(order + 4 * <usize>(base + lane)));
    }
  }
  return -1;
}
