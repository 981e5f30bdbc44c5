import type { Environments } from './environments.ts';
import { pullBack, pushForward } from './environments.ts';
import type { NetworkShape } from './network.ts';
import { NetworkPass, parameterCount } from './network.ts';

/** What the networks have to make up for in one structure: labels minus the linear model. Plain data. */
export interface Residuals {
  /** eV; NaN without a label. */
  readonly energy: number;
  /** [3n] eV/Å; NaN for components without a label, or fixed by symmetry. */
  readonly forces: Float64Array | null;
  /** [6] eV; NaN for components without a label. */
  readonly virial: Float64Array | null;
}

/** One structure as training sees it. */
export interface NeuralFrame {
  readonly environments: Environments;
  readonly residuals: Residuals;
}

/** Standard deviations that make residuals comparable: energies and virials per √atom. */
export interface LossNoises {
  readonly energy: number;
  readonly forces: number;
  readonly virial: number;
}

/** Squared, whitened residuals by kind, and how many they are. */
export interface LossSums {
  energy: number;
  forces: number;
  virial: number;
  energies: number;
  components: number;
  virials: number;
}

/** No residuals yet. */
export function noLoss(): LossSums {
  return { energy: 0, forces: 0, virial: 0, energies: 0, components: 0, virials: 0 };
}

/** Sum over all kinds. */
export function totalLoss({ energy, forces, virial }: LossSums): number {
  return energy + forces + virial;
}

/**
 * Energies, forces and losses of the networks of all elements, whose parameters follow one another in one array. Scratch
 * memory is kept from structure to structure.
 */
export class NetworkModel {
  readonly shape: NetworkShape;
  /** Parameters of one element, and of all. */
  readonly perElement: number;
  readonly count: number;
  private readonly pass: NetworkPass;
  private gradients = new Float64Array(0);
  private tangents = new Float64Array(0);
  private residual = new Float64Array(0);
  private readonly virialResidual = new Float64Array(6);

  constructor(shape: NetworkShape, elements: number) {
    this.shape = shape;
    this.perElement = parameterCount(shape);
    this.count = elements * this.perElement;
    this.pass = new NetworkPass(shape);
  }

  /**
   * Energy of all atoms, eV; their forces and the virial are added to `forces` [3n] and `virial` [6], each atom's energy
   * to `atomEnergies` [n] where it is given.
   */
  evaluate(
    environments: Environments,
    parameters: Float64Array,
    forces: Float64Array | null,
    virial: Float64Array | null,
    atomEnergies: Float64Array | null = null,
  ): number {
    const { elements, values, inputs } = environments;
    const n = elements.length;
    if (this.gradients.length < n * inputs) this.gradients = new Float64Array(n * inputs);
    const { pass, gradients, perElement } = this;
    let energy = 0;
    for (let i = 0; i < n; i++) {
      const at = i * inputs;
      const own = pass.energyAndGradient(parameters, elements[i]! * perElement, values, at, gradients, at);
      if (atomEnergies !== null) atomEnergies[i] = atomEnergies[i]! + own;
      energy += own;
    }
    if (forces !== null) pullBack(environments, gradients, forces, virial);
    return energy;
  }

  /**
   * Adds the loss of a structure to `sums` and, where `gradient` is given, `weight` times its derivative by the parameters:
   *
   *   L = (ΔE/(σ_E √N))² + Σ (ΔF/σ_F)² + Σ (ΔW/(σ_W √N))²,  ∂L/∂θ = Σ_i ∂/∂θ (e E_i + t_i·∂E_i/∂x_i)
   *
   * with e = ∂L/∂E, and the directions t made by `pushForward` of ∂L/∂F and ∂L/∂W.
   */
  addLoss(
    { environments, residuals }: NeuralFrame,
    parameters: Float64Array,
    noises: LossNoises,
    sums: LossSums,
    gradient: Float64Array | null = null,
    weight = 1,
  ): void {
    const { elements, values, inputs } = environments;
    const n = elements.length;
    if (this.residual.length !== 3 * n) this.residual = new Float64Array(3 * n);
    const { residual, virialResidual, pass, perElement } = this;
    residual.fill(0);
    virialResidual.fill(0);
    const withForces = residuals.forces !== null;
    const withVirial = residuals.virial !== null && environments.strain !== null;
    const energy = this.evaluate(
      environments,
      parameters,
      withForces || withVirial ? residual : null,
      withVirial ? virialResidual : null,
    );
    let onEnergy = 0;
    if (!Number.isNaN(residuals.energy)) {
      const sigma = noises.energy * Math.sqrt(n);
      const e = (energy - residuals.energy) / sigma;
      sums.energy += e * e;
      sums.energies++;
      onEnergy = (2 * weight * e) / sigma;
    }
    for (let k = 0; k < 3 * n; k++) {
      const target = withForces ? residuals.forces![k]! : Number.NaN;
      if (Number.isNaN(target)) {
        residual[k] = 0;
        continue;
      }
      const e = (residual[k]! - target) / noises.forces;
      sums.forces += e * e;
      sums.components++;
      residual[k] = (2 * weight * e) / noises.forces;
    }
    for (let v = 0; v < 6; v++) {
      const target = withVirial ? residuals.virial![v]! : Number.NaN;
      if (Number.isNaN(target)) {
        virialResidual[v] = 0;
        continue;
      }
      const sigma = noises.virial * Math.sqrt(n);
      const e = (virialResidual[v]! - target) / sigma;
      sums.virial += e * e;
      sums.virials++;
      virialResidual[v] = (2 * weight * e) / sigma;
    }
    if (gradient === null) return;
    if (this.tangents.length < n * inputs) this.tangents = new Float64Array(n * inputs);
    const { tangents } = this;
    if (withForces || withVirial) pushForward(environments, residual, withVirial ? virialResidual : null, tangents);
    else tangents.fill(0);
    for (let i = 0; i < n; i++) {
      const first = elements[i]! * perElement;
      pass.addParameterGradient(parameters, first, values, tangents, i * inputs, onEnergy, gradient);
    }
  }
}
