import { InputError } from '../../errors.ts';
import { buildAceBasis } from '../../descriptors/ace/enumerate.ts';
import { EnvironmentGradients } from '../../descriptors/ace/environment-gradients.ts';
import type { AceProgram, Evaluation, EvaluationOptions } from '../../descriptors/descriptors.ts';
import type { LinearKernels } from '../../numerics/kernels.ts';
import type { Structure } from '../../structure/structure.ts';
import { trustLimits } from '../../uncertainty/trust-region.ts';
import type { Prediction } from '../ace-potential.ts';
import { AcePotential } from '../ace-potential.ts';
import type { LinearModel } from '../linear-model.ts';
import type { PotentialResult, TrustSignals } from '../potential.ts';
import type { NeuralEnsemble } from './ensemble.ts';
import { atomVariances, spreadOf } from './ensemble.ts';
import { mapInputs, unmapGradient } from './inputs.ts';
import { NetworkPass, parameterCount } from './network.ts';

/** The error bars and limits of a model whose networks are in force: those of the committee in place of the posterior's. */
export function withCommittee(model: LinearModel, ensemble: NeuralEnsemble): LinearModel {
  const { leaveOneOut, leverageMedian, novelty, limits } = model.uncertainty;
  const { forceSigmaSelect, forceSigmaBreak } = trustLimits({ forceRmse: ensemble.heldOut.forces });
  return {
    ...model,
    uncertainty: {
      leaveOneOut,
      leverageMedian,
      novelty,
      scales: ensemble.scales,
      conformal: ensemble.conformal,
      limits: { ...limits, forceSigmaSelect, forceSigmaBreak },
    },
  };
}

/** Networks ready to run on structures: what they add to the linear model. */
export class EnsembleProgram {
  readonly ensemble: NeuralEnsemble;
  private readonly program: EnvironmentGradients;
  private readonly pass: NetworkPass;
  private readonly perElement: number;

  /** @throws InputError `NEURAL_BASIS` when the basis of the ensemble does not come out again */
  constructor(ensemble: NeuralEnsemble) {
    const basis = buildAceBasis(ensemble.specification);
    if (basis.id !== ensemble.basisId) {
      throw new InputError('NEURAL_BASIS', `basis of the networks must be ${ensemble.basisId}, got ${basis.id}`);
    }
    this.ensemble = ensemble;
    this.program = new EnvironmentGradients(basis);
    this.pass = new NetworkPass(ensemble.shape);
    this.perElement = parameterCount(ensemble.shape);
  }

  /** The mean of the members: one pass through the products, whatever their number. */
  mean(structure: Structure, options: EvaluationOptions = {}): Evaluation {
    const { pass, perElement } = this;
    const { maps, members, shape } = this.ensemble;
    const x = new Float64Array(shape.inputs);
    const own = new Float64Array(shape.inputs);
    const sum = new Float64Array(shape.inputs);
    const share = 1 / members.length;
    return this.program.evaluate(
      structure,
      1,
      (_, element, values, energies, gradients) => {
        mapInputs(maps[element]!, values, 0, x, 0);
        sum.fill(0);
        let energy = 0;
        for (const parameters of members) {
          energy += share * pass.energyAndGradient(parameters, element * perElement, x, 0, own, 0);
          for (let k = 0; k < own.length; k++) sum[k] = sum[k]! + share * own[k]!;
        }
        energies[0] = energy;
        unmapGradient(maps[element]!, sum, 0, gradients, 0);
      },
      options,
    )[0]!;
  }

  /** [members] what each of them adds. */
  members(structure: Structure, options: EvaluationOptions = {}): Evaluation[] {
    const { pass, perElement } = this;
    const { maps, members, shape } = this.ensemble;
    const x = new Float64Array(shape.inputs);
    const own = new Float64Array(shape.inputs);
    const { columns } = this.program;
    return this.program.evaluate(
      structure,
      members.length,
      (_, element, values, energies, gradients) => {
        mapInputs(maps[element]!, values, 0, x, 0);
        members.forEach((parameters, m) => {
          energies[m] = pass.energyAndGradient(parameters, element * perElement, x, 0, own, 0);
          unmapGradient(maps[element]!, own, 0, gradients, m * columns);
        });
      },
      options,
    );
  }
}

/** Adds what the networks say to what the linear model says. */
function corrected(linear: PotentialResult, { energy, atomEnergies, forces, virial }: Evaluation): PotentialResult {
  const sum = (a: Float64Array, b: Float64Array): Float64Array => a.map((value, k) => value + b[k]!);
  return {
    energy: linear.energy + energy,
    atomEnergies: linear.atomEnergies === null ? null : sum(linear.atomEnergies, atomEnergies),
    forces: sum(linear.forces, forces),
    virial: sum(linear.virial, virial),
  };
}

/**
 * A linear model corrected by the mean of networks. Its error bars are the calibrated spread of the members; leverage,
 * novelty, grades and distances are those of the linear model.
 */
export class NeuralPotential extends AcePotential {
  override readonly name: string = 'ace-neural';
  private readonly networks: EnsembleProgram;

  /** Arguments as of `AcePotential`; the model holds networks. @throws InputError `NO_NETWORKS`, `NEURAL_BASIS` */
  constructor(
    model: LinearModel,
    program: AceProgram,
    whiten?: (rows: Float64Array, m: number) => Float64Array,
    multiply?: LinearKernels['multiply'],
  ) {
    const ensemble = model.neural;
    if (ensemble === undefined) throw new InputError('NO_NETWORKS', 'model must hold networks, but is linear');
    super(withCommittee(model, ensemble), program, whiten, multiply);
    this.networks = new EnsembleProgram(ensemble);
  }

  override evaluate(structure: Structure): PotentialResult {
    const linear = super.evaluate(structure);
    return corrected(linear, this.networks.mean(structure, { lists: [this.neighbors(structure)] }));
  }

  override evaluateShare(structure: Structure, atoms: readonly [from: number, to: number]): PotentialResult {
    return corrected(super.evaluateShare(structure, atoms), this.networks.mean(structure, { atoms }));
  }

  /** Signals by the spread of the members, not by the posterior of the linear model. */
  override trust(structure: Structure): TrustSignals {
    return this.signals(structure, this.predict(structure));
  }

  override predict(structure: Structure): Prediction {
    const linear = super.predict(structure);
    const members = this.networks.members(structure);
    const energy = spreadOf(members.map((member) => [member.energy]));
    const shares = spreadOf(members.map((member) => member.atomEnergies));
    const forces = spreadOf(members.map((member) => member.forces));
    const virial = spreadOf(members.map((member) => member.virial));
    const forceVariances = atomVariances(forces.variances, linear.fixedComponents);
    const mean = { energy: energy.means[0]!, atomEnergies: shares.means, forces: forces.means, virial: virial.means };
    return {
      ...linear,
      ...corrected(linear, mean),
      energyVariance: energy.variances[0]!,
      forceVariances,
      virialVariances: virial.variances,
      forms: {
        posterior: { energy: energy.variances[0]!, forces: forceVariances, virial: virial.variances },
      },
    };
  }
}

/** The potential of a model: of its networks where they are in force, otherwise the linear one. Arguments as of `AcePotential`. */
export function potentialOf(
  model: LinearModel,
  program: AceProgram,
  whiten?: (rows: Float64Array, m: number) => Float64Array,
  multiply?: LinearKernels['multiply'],
): AcePotential {
  const Kind = model.neural?.active === true ? NeuralPotential : AcePotential;
  return new Kind(model, program, whiten, multiply);
}
