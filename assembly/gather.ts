// Neighbours of one atom: vectors from positions, cell and images, sorted by element and filled up to whole blocks.

import { Bond, Element, Evaluator } from './records';

/** Å²; atoms that are closer have no direction that could be trusted. */
const SHORTEST_SQUARED: f64 = 1e-6;

/** Bytes of the gathered neighbours of one element. */
export function gatheredBytes(capacity: i32): usize {
  return 28 * <usize>capacity;
}

/** Gathers the neighbours of atom i within the cutoffs of its bonds. Returns the first pair that coincides, or −1. */
export function gather(evaluator: Evaluator, element: Element, i: i32): i32 {
  const capacity = <usize>evaluator.capacity;
  const bytes = gatheredBytes(evaluator.capacity);
  const counts = evaluator.gatheredCounts;
  memory.fill(counts, 0, 4 * <usize>evaluator.elements);
  const own = evaluator.positions + 24 * <usize>i;
  const xi = load<f64>(own);
  const yi = load<f64>(own, 8);
  const zi = load<f64>(own, 16);
  const offset = evaluator.offsets + 4 * <usize>(i - evaluator.firstAtom);
  const end = load<i32>(offset, 4);
  for (let p = load<i32>(offset); p < end; p++) {
    const j = load<i32>(evaluator.neighbors + 4 * <usize>p);
    const image = evaluator.images + 12 * <usize>p;
    const a = <f64>load<i32>(image);
    const b = <f64>load<i32>(image, 4);
    const c = <f64>load<i32>(image, 8);
    const other = evaluator.positions + 24 * <usize>j;
    const x = load<f64>(other) - xi + (a * evaluator.cell0 + b * evaluator.cell3 + c * evaluator.cell6);
    const y = load<f64>(other, 8) - yi + (a * evaluator.cell1 + b * evaluator.cell4 + c * evaluator.cell7);
    const z = load<f64>(other, 16) - zi + (a * evaluator.cell2 + b * evaluator.cell5 + c * evaluator.cell8);
    const mu = <usize>load<i32>(evaluator.species + 4 * <usize>j);
    const cutoff = changetype<Bond>(load<usize>(element.bonds + 4 * mu)).cutoff;
    const square = x * x + y * y + z * z;
    if (square >= cutoff * cutoff) continue;
    if (!(square >= SHORTEST_SQUARED)) return p;
    const count = counts + 4 * mu;
    const k = <usize>load<i32>(count);
    store<i32>(count, <i32>k + 1);
    const place = evaluator.gathered + mu * bytes + 8 * k;
    store<f64>(place, x);
    store<f64>(place + 8 * capacity, y);
    store<f64>(place + 16 * capacity, z);
    store<i32>(evaluator.gathered + mu * bytes + 24 * capacity + 4 * k, j);
  }
  return -1;
}

/** Fills the places behind the neighbours of one element up to a multiple of four with atom i far beyond the cutoff. */
export function fillUp(evaluator: Evaluator, bond: Bond, mu: i32, i: i32): void {
  const capacity = <usize>evaluator.capacity;
  const start = evaluator.gathered + <usize>mu * gatheredBytes(evaluator.capacity);
  const count = load<i32>(evaluator.gatheredCounts + 4 * <usize>mu);
  for (let k = <usize>count; (k & 3) !== 0; k++) {
    store<f64>(start + 8 * k, 0);
    store<f64>(start + 8 * (capacity + k), 0);
    store<f64>(start + 8 * (2 * capacity + k), bond.cutoff + 0.5);
    store<i32>(start + 24 * capacity + 4 * k, i);
  }
}
