import { ElementIndex, listedPairs } from '../core/descriptors/ace/pair-list.ts';
import type { ProductPotential } from '../core/descriptors/ace/product-basis.ts';
import type { Evaluation, EvaluationOptions, PotentialProgram } from '../core/descriptors/descriptors.ts';
import { InputError, NumericalError } from '../core/errors.ts';
import { completedCell } from '../core/structure/cell.ts';
import { requireDistance } from '../core/structure/checks.ts';
import type { NeighborList } from '../core/structure/neighbor-list.ts';
import { atomCount, type Structure } from '../core/structure/structure.ts';
import { multiplyAddsOf } from './multiply-adds.ts';
import { type ElementTable, TableWriter, writeElements } from './potential-tables.ts';
import type { WasmMemory, WasmModule } from './wasm-module.ts';

/** What assembly/evaluate.ts exports; addresses are byte offsets into its memory. */
interface EvaluateExports {
  readonly ATOMS_PER_BATCH: { readonly value: number };
  readonly NEIGHBORS_PER_BLOCK: { readonly value: number };
  readonly BYTES_PER_NODE: { readonly value: number };
  readonly BYTES_PER_ROW: { readonly value: number };
  readonly BYTES_PER_LONG_ROW: { readonly value: number };
  readonly BYTES_PER_BLOCK_HEADER: { readonly value: number };
  evaluateAtoms(evaluator: number, count: number): number;
}

/** Pairs that are in the memory of an instance at a time; an atom with more is alone. */
const PAIRS_PER_SHARE = 1 << 17;

/** Densities that the kernels know. */
export const MAX_DENSITIES = 2;

/** A program whose coefficients can be replaced. */
export interface WasmPotential extends PotentialProgram {
  /**
   * Takes over the coefficients of a potential whose functions have the same indices in the same order, with the same bonds
   * and embeddings.
   */
  setCoefficients(potential: ProductPotential): void;
  /** Multiply-adds that the formulation needs for energy and forces of a structure; padding does not count. */
  multiplyAdds(structure: Structure, list: NeighborList): number;
}

/** Sizes of scratch memory. */
interface Capacity {
  readonly atoms: number;
  readonly pairs: number;
  /** Neighbours of one atom, a multiple of 4. */
  readonly neighbors: number;
}

/** Where what comes and goes with a structure stands. */
interface Scratch {
  readonly evaluator: number;
  readonly positions: number;
  readonly species: number;
  readonly forces: number;
  readonly energies: number;
  readonly virial: number;
  readonly order: number;
  readonly offsets: number;
  readonly neighbors: number;
  readonly images: number;
}

/** Coefficients a and b of Q_lm = a z Q_{l−1,m} − b Q_{l−2,m}, [lmax + 1, lmax + 1] with m outer. */
function legendreRecursion(lmax: number): Float64Array {
  const out = new Float64Array(2 * (lmax + 1) * (lmax + 1));
  for (let m = 0; m <= lmax; m++) {
    for (let l = m + 1; l <= lmax; l++) {
      const at = 2 * (m * (lmax + 1) + l);
      out[at] = l / (l - m);
      out[at + 1] = ((l + m - 1) * l * (l - 1)) / ((l - m) * (2 * l - 1) * (2 * l - 3));
    }
  }
  return out;
}

class WasmPotentialProgram implements WasmPotential {
  readonly cutoff: number;
  private current: ProductPotential;
  private kernels: (EvaluateExports & WasmMemory) | null;
  private readonly elements: ElementIndex;
  private readonly writer: TableWriter;
  private readonly tables: readonly ElementTable[];
  private readonly lmax: number;
  private readonly elementTable: number;
  private readonly recursion: number;
  /** Where scratch memory begins. */
  private readonly mark: number;
  private capacity: Capacity = { atoms: 0, pairs: 0, neighbors: 0 };
  private scratch: Scratch | null = null;

  constructor(module: WasmModule, potential: ProductPotential) {
    const kernels = module.instantiate<EvaluateExports>();
    this.current = potential;
    this.kernels = kernels;
    this.cutoff = Math.max(...potential.bonds.flat().map(({ radial }) => radial.cutoff));
    this.elements = new ElementIndex(potential.elements);
    this.writer = new TableWriter(kernels);
    this.tables = writeElements(this.writer, potential, kernels.BYTES_PER_NODE.value);
    this.lmax = Math.max(0, ...this.tables.flatMap(({ bonds }) => bonds.map(({ lmax }) => lmax)));
    this.elementTable = this.writer.ints(this.tables.map(({ address }) => address));
    this.recursion = this.writer.doubles(legendreRecursion(this.lmax));
    this.mark = kernels.allocate(0);
  }

  get potential(): ProductPotential {
    return this.current;
  }

  setCoefficients(potential: ProductPotential): void {
    for (const table of this.tables) table.setCoefficients(this.writer, potential);
    this.current = potential;
  }

  multiplyAdds(structure: Structure, list: NeighborList): number {
    return multiplyAddsOf(this.tables, this.elements.of(structure), structure, list);
  }

  evaluate(batch: readonly Structure[], options: EvaluationOptions = {}): Evaluation[] {
    return batch.map((structure, index) => this.evaluateOne(structure, options, index));
  }

  private evaluateOne(structure: Structure, options: EvaluationOptions, index: number): Evaluation {
    const { kernels } = this;
    if (kernels === null) {
      throw new InputError('KERNEL_DISPOSED', 'potential must be open to be evaluated, but was disposed of');
    }
    const n = atomCount(structure);
    const species = this.elements.of(structure);
    const { list, from, to } = listedPairs(structure, this.cutoff, options, index);
    const scratch = this.reserve(kernels, sizesOf(n, list, from, to));
    const { buffer } = kernels.memory;
    new Float64Array(buffer, scratch.evaluator, 9).set(completedCell(structure));
    new Float64Array(buffer, scratch.positions, 3 * n).set(structure.positions);
    new Int32Array(buffer, scratch.species, n).set(species);
    const energies = new Float64Array(buffer, scratch.energies, n).fill(0);
    const forces = new Float64Array(buffer, scratch.forces, 3 * n).fill(0);
    const virial = new Float64Array(buffer, scratch.virial, 6).fill(0);
    for (let first = from; first < to; ) {
      const end = shareEnd(list, first, to);
      this.evaluateShare(kernels, scratch, structure, species, list, first, end);
      first = end;
    }
    const atomEnergies = energies.slice();
    let energy = 0;
    for (let i = from; i < to; i++) energy += atomEnergies[i]!;
    const evaluation = { energy, atomEnergies, forces: forces.slice(), virial: virial.slice() };
    requireFinite(evaluation);
    return evaluation;
  }

  /** Atoms first ≤ i < end, whose pairs fit into memory. */
  private evaluateShare(
    kernels: EvaluateExports & WasmMemory,
    scratch: Scratch,
    structure: Structure,
    species: Uint8Array,
    list: NeighborList,
    first: number,
    end: number,
  ): void {
    const { buffer } = kernels.memory;
    const begin = list.offsets[first]!;
    const pairs = list.offsets[end]! - begin;
    const offsets = new Int32Array(buffer, scratch.offsets, end - first + 1);
    for (let i = first; i <= end; i++) offsets[i - first] = list.offsets[i]! - begin;
    new Int32Array(buffer, scratch.neighbors, pairs).set(list.indices.subarray(begin, begin + pairs));
    new Int32Array(buffer, scratch.images, 3 * pairs).set(list.images.subarray(3 * begin, 3 * (begin + pairs)));
    const order = new Int32Array(buffer, scratch.order, end - first);
    let next = 0;
    for (let mu = 0; mu < this.tables.length; mu++) {
      for (let i = first; i < end; i++) if (species[i] === mu) order[next++] = i;
    }
    new Int32Array(buffer, scratch.evaluator + FIRST_ATOM, 1)[0] = first;
    const pair = kernels.evaluateAtoms(scratch.evaluator, end - first);
    if (pair >= 0) throw this.refuse(structure, list, begin + pair);
  }

  /** The error for a pair that is too close, or nowhere. */
  private refuse(structure: Structure, list: NeighborList, pair: number): Error {
    let i = 0;
    while (list.offsets[i + 1]! <= pair) i++;
    const j = list.indices[pair]!;
    const { positions } = structure;
    const cell = completedCell(structure);
    let square = 0;
    for (let d = 0; d < 3; d++) {
      let x = positions[3 * j + d]! - positions[3 * i + d]!;
      for (let v = 0; v < 3; v++) x += list.images[3 * pair + v]! * cell[3 * v + d]!;
      square += x * x;
    }
    if (Number.isFinite(square)) requireDistance(Math.sqrt(square), i, j);
    return notFinite(`distance of atoms ${i} and ${j}`, Math.sqrt(square), i);
  }

  /** Scratch memory for at least these sizes. Views made before are detached when it grows. */
  private reserve(kernels: EvaluateExports & WasmMemory, sizes: Capacity): Scratch {
    const { capacity, tables } = this;
    const fits =
      sizes.atoms <= capacity.atoms && sizes.pairs <= capacity.pairs && sizes.neighbors <= capacity.neighbors;
    if (this.scratch !== null && fits) return this.scratch;
    const atoms = Math.max(sizes.atoms, capacity.atoms);
    const pairs = Math.max(sizes.pairs, capacity.pairs);
    const neighbors = Math.max(sizes.neighbors, capacity.neighbors);
    kernels.releaseTo(this.mark);
    const allocate = (bytes: number): number => (kernels.allocate(bytes + 48) + 63) & ~63;
    const lanes = kernels.ATOMS_PER_BATCH.value;
    const node = kernels.BYTES_PER_NODE.value;
    const row = kernels.BYTES_PER_ROW.value;
    const longRow = kernels.BYTES_PER_LONG_ROW.value;
    const functions = Math.max(...tables.flatMap(({ bonds }) => bonds.map((bond) => bond.functions)));
    const blocks = Math.ceil(neighbors / kernels.NEIGHBORS_PER_BLOCK.value) + tables.length;
    const height = this.lmax + 1;
    const factors = (height * (height + 1)) / 2 + 2 * height;
    const laneBytes = blocks * (kernels.BYTES_PER_BLOCK_HEADER.value + functions * longRow + factors * row);
    const nodes = Math.max(...tables.map(({ graph }) => graph.nodes));
    const headRows = Math.max(...tables.map((table) => table.headRows));
    const squared = height * height;
    const scratch: Scratch = {
      evaluator: allocate(256),
      positions: allocate(24 * atoms),
      species: allocate(4 * atoms),
      forces: allocate(24 * atoms),
      energies: allocate(8 * atoms),
      virial: allocate(48),
      order: allocate(4 * atoms),
      offsets: allocate(4 * (atoms + 1)),
      neighbors: allocate(4 * pairs),
      images: allocate(12 * pairs),
    };
    this.writer.rewrite(scratch.evaluator, new Array<number>(9).fill(0), [
      tables.length,
      this.lmax,
      this.elementTable,
      this.recursion,
      scratch.positions,
      scratch.species,
      scratch.forces,
      scratch.energies,
      scratch.virial,
      scratch.order,
      0,
      scratch.offsets,
      scratch.neighbors,
      scratch.images,
      allocate(28 * neighbors * tables.length),
      allocate(4 * tables.length),
      neighbors,
      allocate(4 * lanes),
      allocate(lanes * laneBytes),
      laneBytes,
      allocate(nodes * node),
      allocate(nodes * node),
      allocate(MAX_DENSITIES * headRows * node),
      allocate(8 * MAX_DENSITIES * lanes),
      allocate(8 * MAX_DENSITIES * lanes),
      allocate(8 * lanes),
      allocate(8 * lanes),
      0,
      0,
      allocate(2 * row),
      allocate(2 * squared * row),
      allocate(2 * squared * longRow),
      allocate(4 * row),
    ]);
    this.capacity = { atoms, pairs, neighbors };
    this.scratch = scratch;
    return scratch;
  }

  dispose(): void {
    this.kernels = null;
  }
}

/** Place of `firstAtom` in an Evaluator. */
const FIRST_ATOM = 72 + 4 * 10;

/** First atom behind those whose pairs fit into memory. */
function shareEnd({ offsets }: NeighborList, first: number, to: number): number {
  let end = first + 1;
  while (end < to && offsets[end + 1]! - offsets[first]! <= PAIRS_PER_SHARE) end++;
  return end;
}

function sizesOf(atoms: number, list: NeighborList, from: number, to: number): Capacity {
  let most = 0;
  for (let i = from; i < to; i++) most = Math.max(most, list.offsets[i + 1]! - list.offsets[i]!);
  const all = list.offsets[to]! - list.offsets[from]!;
  return { atoms, pairs: Math.max(most, Math.min(all, PAIRS_PER_SHARE)), neighbors: 4 * Math.ceil(most / 4) + 4 };
}

function notFinite(what: string, value: number, atom: number): NumericalError {
  return new NumericalError('NOT_FINITE', `${what} must be finite, got ${value}`, { atom });
}

/** Energies and forces of structures that are torn apart overflow. */
function requireFinite({ atomEnergies, forces }: Evaluation): void {
  for (let i = 0; i < atomEnergies.length; i++) {
    if (!Number.isFinite(atomEnergies[i]!)) throw notFinite(`energy of atom ${i}`, atomEnergies[i]!, i);
  }
  for (let k = 0; k < forces.length; k++) {
    if (!Number.isFinite(forces[k]!))
      throw notFinite(`force on atom ${Math.floor(k / 3)}`, forces[k]!, Math.floor(k / 3));
  }
}

/**
 * Makes a potential ready to run in WebAssembly: products as a graph of half the conjugates, atoms four at a time, radial
 * functions as piecewise polynomials. One or two densities.
 *
 * @throws InputError `TOO_MANY_DENSITIES`, NumericalError `TABLE_NOT_CONVERGED`; when evaluated those of
 *   `PotentialProgram`, `KERNEL_DISPOSED` and NumericalError `NOT_FINITE` naming the atom
 */
export function compileWasmPotential(module: WasmModule, potential: ProductPotential): WasmPotential {
  const densities = potential.embeddings[0]!.densities.length;
  if (densities > MAX_DENSITIES) {
    const message = `potential must have at most ${MAX_DENSITIES} densities, got ${densities}`;
    throw new InputError('TOO_MANY_DENSITIES', message, { densities });
  }
  return new WasmPotentialProgram(module, potential);
}
