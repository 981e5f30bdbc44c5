import { InputError, NumericalError } from '../errors.ts';
import { cholesky } from '../numerics/cholesky.ts';
import { squaredNorm } from '../numerics/dense.ts';
import type { LinearKernels } from '../numerics/kernels.ts';
import { solveUpper, solveUpperTransposed } from '../numerics/triangular.ts';
import { whitenedCoordinates } from './coordinates.ts';
import {
  deriveEvidence,
  type Evidence,
  EVIDENCE_VARIABLES,
  type EvidenceProblem,
  evaluateEvidence,
  evidenceProblem,
  type LocatedEvidence,
  locateEvidence,
} from './evidence.ts';
import {
  type FactorState,
  type Hyperparameters,
  OBSERVATION_KINDS,
  type ObservationKind,
  type PerKind,
  type Prior,
} from './regression.ts';

/**
 * Which noises are free. `fixed`: σ_E = energyToForce · σ_F (Å, for energies over √N); σ_F, σ_V and α free, since the
 * evidence counts every force component as independent and would give the energies up. `evidence`: all free.
 */
export type Balance = { readonly mode: 'fixed'; readonly energyToForce: number } | { readonly mode: 'evidence' };

/** σ_E/σ_F = 0.05 Å, near the best for every element tried. */
export const DEFAULT_BALANCE: Balance = { mode: 'fixed', energyToForce: 0.05 };

/** Smallest noises that are believed: 0.1 meV per √atom, 1 meV/Å, 1 meV per √atom. */
export const NOISE_FLOORS: PerKind<number> = { energy: 1e-4, forces: 1e-3, virial: 1e-3 };

/** Noises at which the search begins without a better guess (eV/√atom, eV/Å, eV/√atom), with α = 1. */
export const STARTING_HYPERPARAMETERS: Hyperparameters = {
  alpha: 1,
  noise: { energy: 0.005, forces: 0.1, virial: 0.1 },
};

/** The optimum is accepted when one more Newton step would gain less, nats. */
export const ACCEPTED_GAIN = 1e-3;

/** Options of `maximizeEvidence`. */
export interface EvidenceOptions {
  /** Default `DEFAULT_BALANCE`. */
  readonly balance?: Balance;
  /** First start (last round's optimum); default `STARTING_HYPERPARAMETERS`. The second start is made from the data. */
  readonly start?: Hyperparameters;
  /** Default `NOISE_FLOORS`. */
  readonly floors?: PerKind<number>;
  /** Newton iterations per start, default 100. */
  readonly maxIterations?: number;
}

/** Where one start ended. */
export interface EvidenceSearch {
  readonly hyperparameters: Hyperparameters;
  readonly logEvidence: number;
  /** Gain of one more Newton step, nats; infinite where the evidence is not concave. */
  readonly remainingGain: number;
  readonly iterations: number;
}

/** The optimum of the evidence. */
export interface EvidenceOptimum {
  readonly hyperparameters: Hyperparameters;
  readonly logEvidence: number;
  /** Whether one more Newton step would gain less than `ACCEPTED_GAIN` nats. */
  readonly converged: boolean;
  readonly iterations: number;
  /** What each start found, best or not. */
  readonly starts: readonly EvidenceSearch[];
  /** Variables held by a floor or bound. */
  readonly atBound: readonly string[];
  /** The evidence and its parts at the optimum. */
  readonly evidence: Evidence;
}

const ALPHA_BOUNDS = [-60, 60] as const;
/** Largest change of a logarithm in one step. */
const MAX_STEP = 3;
const MACKAY_ITERATIONS = 4;
const ENOUGH = 1e-9;

/** One free variable φ and the logarithms ln θ_i = φ + offset_i that move with it. */
interface FreeVariable {
  readonly members: readonly { readonly index: number; readonly offset: number }[];
  readonly lower: number;
  readonly upper: number;
}

function freeVariables(
  factors: PerKind<FactorState>,
  governed: boolean,
  balance: Balance,
  floors: PerKind<number>,
): FreeVariable[] {
  const free: FreeVariable[] = governed
    ? [{ members: [{ index: 0, offset: 0 }], lower: ALPHA_BOUNDS[0], upper: ALPHA_BOUNDS[1] }]
    : [];
  const tied = balance.mode === 'fixed' && factors.energy.count > 0 && factors.forces.count > 0;
  const upper = (kind: ObservationKind) => -2 * Math.log(floors[kind]);
  for (const [t, kind] of OBSERVATION_KINDS.entries()) {
    if (factors[kind].count === 0 || (tied && kind === 'energy')) continue;
    const members = [{ index: t + 1, offset: 0 }];
    let limit = upper(kind);
    if (tied && kind === 'forces') {
      const offset = -2 * Math.log(balance.energyToForce);
      members.push({ index: 1, offset });
      limit = Math.min(limit, upper('energy') - offset);
    }
    free.push({ members, lower: -60, upper: limit });
  }
  return free;
}

function logarithms(hyperparameters: Hyperparameters): Float64Array {
  return Float64Array.of(
    Math.log(hyperparameters.alpha),
    ...OBSERVATION_KINDS.map((kind) => -2 * Math.log(hyperparameters.noise[kind])),
  );
}

function fromLogarithms(theta: Float64Array): Hyperparameters {
  const sigma = (i: number) => Math.exp(-0.5 * theta[i]!);
  return { alpha: Math.exp(theta[0]!), noise: { energy: sigma(1), forces: sigma(2), virial: sigma(3) } };
}

function clampTo(variable: FreeVariable, value: number): number {
  return Math.min(variable.upper, Math.max(variable.lower, value));
}

/** θ with the free variables set to φ. */
function place(theta: Float64Array, free: readonly FreeVariable[], phi: Float64Array): Float64Array {
  const placed = theta.slice();
  free.forEach((variable, k) => {
    for (const { index, offset } of variable.members) placed[index] = phi[k]! + offset;
  });
  return placed;
}

/** MacKay's fixed point: every θ takes the value that its own stationarity demands at the present posterior. */
function fixedPoint(
  evidence: Evidence,
  factors: PerKind<FactorState>,
  free: readonly FreeVariable[],
  phi: Float64Array,
): Float64Array {
  return phi.map((value, k) => {
    const variable = free[k]!;
    let freedom = 0;
    let misfit = 0;
    for (const { index, offset } of variable.members) {
      if (index === 0) {
        freedom += evidence.governed - evidence.priorDetermined;
        misfit += evidence.priorNorm;
      } else {
        const kind = OBSERVATION_KINDS[index - 1]!;
        freedom += factors[kind].count - evidence.determined[kind];
        misfit += Math.exp(offset) * evidence.squaredResiduals[kind];
      }
    }
    if (!(freedom > 0) || !(misfit > 0)) return value;
    const target = Math.log(freedom / misfit);
    return clampTo(variable, Math.min(value + MAX_STEP, Math.max(value - MAX_STEP, target)));
  });
}

/** Newton step in the variables that no bound holds, damped until the quadratic model is concave; and its gain. */
function newtonStep(
  evidence: Evidence,
  free: readonly FreeVariable[],
  phi: Float64Array,
): { readonly step: Float64Array; readonly gain: number; readonly held: boolean[] } {
  const n = EVIDENCE_VARIABLES.length;
  const gradient = free.map((variable) =>
    variable.members.reduce((sum, { index }) => sum + evidence.gradient[index]!, 0),
  );
  const held = free.map(
    (variable, k) => (phi[k]! >= variable.upper && gradient[k]! > 0) || (phi[k]! <= variable.lower && gradient[k]! < 0),
  );
  const open = free.flatMap((_, k) => (held[k] ? [] : [k]));
  const step = new Float64Array(free.length);
  const size = open.length;
  if (size === 0) return { step, gain: 0, held };
  const curvature = new Float64Array(size * size);
  open.forEach((a, i) => {
    open.forEach((b, j) => {
      for (const p of free[a]!.members)
        for (const q of free[b]!.members) curvature[i * size + j]! -= evidence.hessian![p.index * n + q.index]!;
    });
  });
  const right = Float64Array.from(open, (k) => gradient[k]!);
  let scale = 0;
  for (let i = 0; i < size; i++) scale = Math.max(scale, Math.abs(curvature[i * size + i]!));
  for (let damping = 0, attempt = 0; attempt < 60; attempt++) {
    const shifted = curvature.slice();
    for (let i = 0; i < size; i++) shifted[i * size + i]! += damping;
    try {
      const r = cholesky(shifted, size);
      const half = solveUpperTransposed(r, size, right);
      const solution = solveUpper(r, size, half);
      open.forEach((k, i) => {
        step[k] = solution[i]!;
      });
      return { step, gain: damping === 0 ? 0.5 * squaredNorm(half) : Number.POSITIVE_INFINITY, held };
    } catch (error) {
      if (!(error instanceof NumericalError)) throw error;
      damping = damping === 0 ? 1e-3 * Math.max(scale, 1e-12) : 4 * damping;
    }
  }
  throw new NumericalError('EVIDENCE_NOT_FINITE', 'second derivatives of the evidence must be finite', {
    curvature: Array.from(curvature),
  });
}

/** What one start found, with the evidence there. */
export interface EvidenceClimb extends EvidenceSearch {
  readonly evidence: Evidence;
  readonly atBound: readonly string[];
}

/** Evidence in coordinates that are renewed where they are no longer to be trusted. */
function locator(problem: EvidenceProblem, start: Hyperparameters): (at: Hyperparameters) => LocatedEvidence {
  const whiten = (at: Hyperparameters) => whitenedCoordinates(problem.factors, problem.prior, at, problem.kernels);
  let coordinates = whiten(start);
  return (at) => {
    const located = locateEvidence(problem, coordinates, at);
    if (located !== null) return located;
    coordinates = whiten(at);
    return locateEvidence(problem, coordinates, at)!;
  };
}

function climb(
  problem: EvidenceProblem,
  free: readonly FreeVariable[],
  start: Hyperparameters,
  maxIterations: number,
): EvidenceClimb {
  let theta = logarithms(start);
  let phi: Float64Array = Float64Array.from(free, (variable) =>
    clampTo(variable, theta[variable.members[0]!.index]! - variable.members[0]!.offset),
  );
  theta = place(theta, free, phi);
  const locate = locator(problem, fromLogarithms(theta));
  for (let k = 0; k < MACKAY_ITERATIONS; k++) {
    const here = deriveEvidence(problem, locate(fromLogarithms(theta)));
    phi = fixedPoint(here, problem.factors, free, phi);
    theta = place(theta, free, phi);
  }
  let here = locate(fromLogarithms(theta));
  let newton = newtonStep(deriveEvidence(problem, here, true), free, phi);
  let iterations = 0;
  while (newton.gain > ENOUGH && iterations < maxIterations) {
    iterations++;
    let length = Math.min(1, MAX_STEP / newton.step.reduce((most, s) => Math.max(most, Math.abs(s)), 0));
    let improved = false;
    for (let cut = 0; cut < 30 && !improved; cut++, length *= 0.4) {
      const trial = phi.map((value, k) => clampTo(free[k]!, value + length * newton.step[k]!));
      const there = locate(fromLogarithms(place(theta, free, trial)));
      if (there.logEvidence > here.logEvidence) {
        improved = true;
        phi = trial;
        theta = place(theta, free, phi);
        here = there;
      } else if (newton.gain < ACCEPTED_GAIN && cut >= 2) break;
    }
    if (!improved) break;
    newton = newtonStep(deriveEvidence(problem, here, true), free, phi);
  }
  // The end is judged by orthogonal factorization, whatever the coordinates of the search have lost.
  const evidence = evaluateEvidence(problem, fromLogarithms(theta), true);
  newton = newtonStep(evidence, free, phi);
  const atBound = free.flatMap((variable, k) =>
    newton.held[k] ? [EVIDENCE_VARIABLES[variable.members[0]!.index]!] : [],
  );
  return {
    hyperparameters: fromLogarithms(theta),
    logEvidence: evidence.logEvidence,
    remainingGain: newton.gain,
    iterations: iterations + MACKAY_ITERATIONS,
    evidence,
    atBound,
  };
}

/** A start from the data: noises a tenth of the spread of the targets, α so that the prior could have made them. */
function startFromData(factors: PerKind<FactorState>, prior: Prior, fallback: Hyperparameters): Hyperparameters {
  const noise = { ...fallback.noise };
  let alpha = fallback.alpha;
  for (const kind of OBSERVATION_KINDS) {
    const { z, residual, count, r, columns } = factors[kind];
    const variance = count === 0 ? 0 : (squaredNorm(z) + residual) / count;
    if (!(variance > 0)) continue;
    noise[kind] = 0.1 * Math.sqrt(variance);
    if (kind === 'virial') continue;
    let spread = 0;
    for (let i = 0; i < columns; i++) {
      for (let j = i; j < columns; j++) {
        if (Number.isNaN(prior.fixed[j]!))
          spread += (r[i * columns + j]! / prior.gamma[j]!) * (r[i * columns + j]! / prior.gamma[j]!);
      }
    }
    if (spread > 0) alpha = spread / count / variance;
  }
  return { alpha, noise };
}

function checkOptions(factors: PerKind<FactorState>, balance: Balance, floors: PerKind<number>): void {
  if (balance.mode === 'fixed' && !(balance.energyToForce > 0)) {
    throw new InputError(
      'BAD_BALANCE',
      `ratio of energy to force noise must be positive, got ${balance.energyToForce} Å`,
      { ...balance },
    );
  }
  if (OBSERVATION_KINDS.every((kind) => factors[kind].count === 0)) {
    throw new InputError('NO_OBSERVATIONS', 'observations must be at least one, got none');
  }
  for (const kind of OBSERVATION_KINDS) {
    if (!(floors[kind] > 0))
      throw new InputError('BAD_NOISE', `noise floor of ${kind} must be positive, got ${floors[kind]}`, { kind });
  }
}

/** Number of starts of a search: the one that is given or the default, and one made from the data. */
export const EVIDENCE_STARTS = 2;

/**
 * The search of `maximizeEvidence` from one of its starts. Starts know nothing of each other, so they may run on
 * different threads.
 *
 * @param index    0: the start of the options, 1: the one made from the data
 * @param kernels  default plain
 * @throws         as `maximizeEvidence`
 */
export function climbEvidence(
  factors: PerKind<FactorState>,
  prior: Prior,
  options: EvidenceOptions,
  index: number,
  kernels?: LinearKernels,
): EvidenceClimb {
  const {
    balance = DEFAULT_BALANCE,
    start = STARTING_HYPERPARAMETERS,
    floors = NOISE_FLOORS,
    maxIterations = 100,
  } = options;
  checkOptions(factors, balance, floors);
  const problem = evidenceProblem(factors, prior, kernels);
  const free = freeVariables(factors, prior.fixed.some(Number.isNaN), balance, floors);
  return climb(problem, free, index === 0 ? start : startFromData(factors, prior, start), maxIterations);
}

/** The best of what the starts found. @param found at least one */
export function bestOfClimbs(found: readonly EvidenceClimb[]): EvidenceOptimum {
  const best = found.reduce((a, b) => (b.logEvidence > a.logEvidence ? b : a));
  return {
    hyperparameters: best.hyperparameters,
    logEvidence: best.logEvidence,
    converged: best.remainingGain < ACCEPTED_GAIN,
    iterations: found.reduce((sum, { iterations }) => sum + iterations, 0),
    starts: found.map(({ hyperparameters, logEvidence, remainingGain, iterations }) => ({
      hyperparameters,
      logEvidence,
      remainingGain,
      iterations,
    })),
    atBound: best.atBound,
    evidence: best.evidence,
  };
}

/**
 * Hyperparameters of largest evidence, from the stored factors alone: MacKay's fixed point, then Newton's method with
 * exact second derivatives in the logarithms, from two starts. Floors and bounds that hold are reported, as is an
 * optimum that is not one.
 *
 * @param kernels  default plain
 * @throws         InputError `NO_OBSERVATIONS`, `BAD_NOISE`, `BAD_PRIOR`, `COLUMNS_DIFFER`; NumericalError `SINGULAR_PRECISION`
 * @cost           about 2d³ flops an iteration, 10 to 20 iterations, and 5d³ for each change of coordinates
 * @see            MacKay, Neural Computation 4 (1992) 415
 */
export function maximizeEvidence(
  factors: PerKind<FactorState>,
  prior: Prior,
  options: EvidenceOptions = {},
  kernels?: LinearKernels,
): EvidenceOptimum {
  return bestOfClimbs(
    Array.from({ length: EVIDENCE_STARTS }, (_, index) => climbEvidence(factors, prior, options, index, kernels)),
  );
}
