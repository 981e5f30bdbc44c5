import type { AceBasis, AceSpecification, FunctionSet } from '../../core/descriptors/ace/basis.ts';
import { countFunctions } from '../../core/descriptors/ace/count.ts';
import { buildAceBasis, functionLabel } from '../../core/descriptors/ace/enumerate.ts';
import { evaluationCost } from '../../core/descriptors/ace/evaluation-cost.ts';
import { describeSets, isDegreeSet } from '../../core/descriptors/ace/function-sets.ts';
import { basisLadder } from '../../core/descriptors/ace/ladder.ts';
import { unionOf } from '../../core/descriptors/ace/specification.ts';
import { InputError } from '../../core/errors.ts';
import { neighborList } from '../../core/structure/neighbor-list.ts';
import type { Structure } from '../../core/structure/structure.ts';
import { atomCount } from '../../core/structure/structure.ts';

/** Operations of `evaluationCost` that the compiled kernels do in a microsecond on one core, about. */
const OPERATIONS_PER_MICROSECOND = 11000;
/** Observations that a function must have on average, so that a basis is worth trying. */
const OBSERVATIONS_PER_FUNCTION = 4;
/** Structures whose neighbours are counted for the estimate of times. */
const NEIGHBOUR_SAMPLE = 8;

/** Most that a chosen basis may cost: functions of all elements together, or estimated µs for an atom and step. */
export type EvaluationBudget = { readonly functions: number } | { readonly microseconds: number };

/** Functions of all elements in a basis that is chosen, where the user names no number of them. */
export const USUAL_FUNCTIONS = 2500;
/** What a chosen basis may cost without a budget of the user's. */
export const DEFAULT_BUDGET: EvaluationBudget = { functions: USUAL_FUNCTIONS };

/** A basis that may be chosen. */
export interface Candidate {
  readonly sets: readonly FunctionSet[];
  readonly basis: AceBasis;
  /** Functions of all elements. */
  readonly functions: number;
  /** Estimated time of energy and forces of one atom on one core, µs. */
  readonly microseconds: number;
  /** Its sets in words. */
  readonly description: string;
}

/** The candidates and the basis that holds them all. */
export interface Candidates {
  readonly union: AceBasis;
  /** By rising number of functions. */
  readonly list: readonly Candidate[];
}

const UNLIMITED = { perElement: Number.MAX_SAFE_INTEGER, total: Number.MAX_SAFE_INTEGER };

/** Functions of all elements in the largest rectangle of a union, counted without building any. */
function leastFunctions(sets: readonly FunctionSet[], nElements: number): number {
  const counts = sets.map((set) =>
    isDegreeSet(set) ? 0 : countFunctions(nElements, set.nmax, set.lmax).reduce((sum, count) => sum + count, 0),
  );
  return nElements * Math.max(...counts);
}

/** Mean number of neighbours of an atom in a sample of the structures. */
function meanNeighbours(structures: readonly Structure[], cutoff: number): number {
  const stride = Math.max(1, Math.floor(structures.length / NEIGHBOUR_SAMPLE));
  const sample = structures.filter((_, i) => i % stride === 0);
  let pairs = 0;
  let atoms = 0;
  for (const structure of sample) {
    pairs += neighborList(structure, cutoff).indices.length;
    atoms += atomCount(structure);
  }
  return pairs / atoms;
}

/**
 * The bases of the ladder that fit the budget and the data, for the elements and pairs of a specification.
 *
 * @param observations number of labels that are to determine the coefficients
 * @throws InputError `BUDGET_TOO_SMALL` when not even the smallest one is within the budget
 */
export function candidatesFor(
  specification: AceSpecification,
  structures: readonly Structure[],
  observations: number,
  budget: EvaluationBudget,
): Candidates {
  const { elements, radial, pairs } = specification;
  const basisOf = (sets: readonly FunctionSet[]): AceBasis =>
    buildAceBasis({ elements, radial, ...unionOf(sets), pairs }, UNLIMITED);
  const cutoff = Math.max(...pairs.flat().map((pair) => pair.cutoff));
  const neighbours = meanNeighbours(structures, cutoff);
  // A budget of time says nothing of what the fit may take.
  const most = 'functions' in budget ? budget.functions : USUAL_FUNCTIONS;
  const list: Candidate[] = [];
  let refused = Number.POSITIVE_INFINITY;
  for (const sets of basisLadder(elements.length)) {
    const least = leastFunctions(sets, elements.length);
    if (least > most) {
      refused = Math.min(refused, least);
      continue;
    }
    const basis = basisOf(sets);
    const functions = basis.offsets.at(-1)!;
    if (functions > most) {
      refused = Math.min(refused, functions);
      continue;
    }
    if (list.length > 0 && functions * OBSERVATIONS_PER_FUNCTION > observations) continue;
    const microseconds = evaluationCost(basis, neighbours) / OPERATIONS_PER_MICROSECOND;
    if ('microseconds' in budget && microseconds > budget.microseconds) {
      refused = Math.min(refused, microseconds);
      continue;
    }
    list.push({ sets, basis, functions, microseconds, description: describeSets(sets) });
  }
  if (list.length === 0) {
    const unit = 'functions' in budget ? 'functions' : 'µs';
    throw new InputError(
      'BUDGET_TOO_SMALL',
      `budget must allow the smallest basis of ${Math.ceil(refused)} ${unit}, got ${'functions' in budget ? budget.functions : budget.microseconds}`,
      { budget },
    );
  }
  list.sort((a, b) => a.functions - b.functions);
  const sets = list.flatMap((candidate) => candidate.sets);
  const distinct = [...new Map(sets.map((set) => [JSON.stringify(set), set])).values()];
  const largest = list.at(-1)!;
  const union = basisOf(distinct);
  return { union: union.offsets.at(-1)! === largest.functions ? largest.basis : union, list };
}

/** Columns of a basis among those of a larger one that holds it; other columns of the layout follow unchanged. */
export function columnsOf(basis: AceBasis, union: AceBasis, columns: number): Int32Array {
  const places: number[] = [];
  basis.functions.forEach((functions, e) => {
    const at = new Map(union.functions[e]!.map((fn, v) => [functionLabel(fn), union.offsets[e]! + v]));
    for (const fn of functions) places.push(at.get(functionLabel(fn))!);
  });
  for (let column = union.offsets.at(-1)!; column < columns; column++) places.push(column);
  return Int32Array.from(places);
}
