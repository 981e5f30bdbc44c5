import { z } from 'zod';
import { RUN_STRATEGIES } from '../core/acquisition/strategies.ts';
import { referenceSchema } from './run-file-reference.ts';

const positive = z.number().positive();
const nonNegative = z.number().nonnegative();
const count = z.number().int().positive();
const triple = z.tuple([count, count, count]);

const fileStructure = z
  .strictObject({
    file: z.string().min(1).describe('Structure file relative to this file, with an optional slice: cells.xyz@0:10.'),
  })
  .describe('Structures of a file (extended XYZ or POSCAR).');

const prototypeStructure = z
  .strictObject({
    prototype: z.enum(['diamond', 'fcc', 'bcc', 'sc', 'hcp']).describe('Crystal structure.'),
    element: z
      .string()
      .regex(/^[A-Z][a-z]?$/, 'must be a chemical symbol')
      .describe('Chemical symbol.'),
    a: positive.describe('Lattice parameter a of the conventional cell, Å.'),
    c: positive.optional().describe('Lattice parameter c (hcp), Å; √(8/3) a when absent.'),
    cell: z.enum(['primitive', 'conventional']).default('conventional').describe('Which cell is repeated.'),
    repeat: triple.default([1, 1, 1]).describe('Repetitions along the three cell vectors.'),
  })
  .describe('A crystal built from its name.');

const temperatures = z
  .union([
    z.tuple([positive, positive]).describe('[lowest, highest], K, drawn uniformly.'),
    z
      .strictObject({ list: z.array(positive).min(1).describe('Temperatures, K.') })
      .describe('These temperatures, K, in turn.'),
  ])
  .describe('Temperatures at which the potential will be used, K.');

const strain = z.strictObject({
  diagonal: nonNegative.lt(0.5).default(0).describe('Largest normal strain, drawn uniformly in ±, as a fraction.'),
  shear: nonNegative.lt(0.5).default(0).describe('Largest shear strain, drawn uniformly in ±, as a fraction.'),
});

const conditions = z
  .strictObject({ temperatures, strain: strain.prefault({}).describe('Strains of the cells.') })
  .describe('Where the potential will be used: errors are judged there.');

const execution = z
  .strictObject({
    concurrency: count.default(1).describe('Reference calculations at once.'),
    timeout: positive.default(3600).describe('Longest time of one reference calculation, s.'),
    threads: count.default(1).describe('Threads of one reference calculation.'),
    workers: count.optional().describe('Threads of this program; what the machine allows when absent.'),
  })
  .prefault({})
  .describe('How this machine runs things; never changes a result.');

const basis = z
  .strictObject({
    preset: z
      .enum(['small', 'medium', 'large', 'xlarge'])
      .default('small')
      .describe('122, 391, 989 or 1628 functions for one element.'),
    cutoff: positive.optional().describe('Cutoff radius, Å; 2.6 bond lengths when absent.'),
    nmax: z.array(count).min(1).optional().describe('Radial functions by rank, instead of the preset.'),
    lmax: z
      .array(z.number().int().nonnegative())
      .min(1)
      .optional()
      .describe('Highest angular momentum by rank, instead of the preset.'),
    innerCutoff: positive
      .optional()
      .describe('Distance below which a core repulsion takes over, Å; from covalent radii when absent.'),
  })
  .prefault({})
  .describe('Basis of the atomic cluster expansion.');

const fit = z
  .strictObject({
    balance: z.enum(['fixed', 'cv', 'evidence']).default('fixed').describe('How energies are weighed against forces.'),
    ratio: positive.default(0.05).describe('σ_E/σ_F of the fixed balance, Å.'),
    prior: z.enum(['smoothness', 'isotropic']).default('smoothness').describe('Prior of the coefficients.'),
    exponent: nonNegative.default(4).describe('Exponent of the smoothness prior.'),
    stress: z.boolean().default(true).describe('Whether stresses are fitted.'),
  })
  .prefault({})
  .describe('Bayesian linear regression.');

const start = z
  .strictObject({
    count: count.default(8).describe('Structures labelled before the first fit.'),
    rattle: z
      .tuple([nonNegative, nonNegative])
      .default([0.03, 0.1])
      .describe('[least, most] standard deviation of displacements, Å.'),
    strain: strain.optional().describe('Strains of the first cells; those of the conditions, 10 % wider, when absent.'),
    shortDistance: z.number().int().nonnegative().default(0).describe('How many of them are compressed pairs.'),
  })
  .prefault({})
  .describe('Cold start: structures that need no model.');

const exploration = z
  .strictObject({
    walkers: count.default(6).describe('Trajectories per round.'),
    steps: count.default(400).describe('Steps of each.'),
    timeStep: positive.default(2).describe('Time step, fs.'),
    trustInterval: count.default(10).describe('Steps between looks at the force uncertainty.'),
    bufferInterval: count.default(20).describe('Steps between candidates.'),
    afterBreak: z
      .enum(['stop', 'rollback'])
      .default('stop')
      .describe('What a walker does when it leaves the trust region.'),
    temperatures: temperatures
      .optional()
      .describe('Temperatures, K; those of the conditions, 10 % higher, when absent.'),
    strain: strain.optional().describe('Strains; those of the conditions, 10 % wider, when absent.'),
  })
  .prefault({})
  .describe('Molecular dynamics with the current model in search of what it does not know.');

const assessment = z
  .strictObject({
    size: count.default(80).describe('Freshest labels that judge a model.'),
    perRound: count.default(30).describe('New ones per round.'),
    steps: count.default(90).describe('Steps of the trajectory that leads to one.'),
    timeStep: positive.default(2).describe('Time step, fs.'),
  })
  .prefault({})
  .describe('Labels drawn from the conditions without looking at uncertainty; they judge and never teach.');

const acquisition = z
  .strictObject({
    strategy: z.enum(RUN_STRATEGIES).default('d-optimality').describe('How the next batch is chosen.'),
    batch: count.default(8).describe('Structures per round.'),
    minNats: nonNegative.default(0.05).describe('Least information per atom that is worth a label, nats.'),
    minimumSpacing: nonNegative
      .optional()
      .describe('Least time between two chosen frames of one walker, fs; none when absent.'),
  })
  .prefault({})
  .describe('Choice of the structures to label.');

const stopping = z
  .strictObject({
    energyMae: positive.default(0.002).describe('Mean absolute energy error, upper bound, eV/atom.'),
    forceRmse: positive.default(0.09).describe('Root mean square force error per component, upper bound, eV/Å.'),
    forceEce: positive.lt(1).default(0.08).describe('Expected calibration error of force intervals.'),
    energyEce: positive.lt(1).default(0.15).describe('Expected calibration error of energy intervals.'),
    forceWorst: positive.default(10).describe('Worst standardised force residual.'),
    energyWorst: positive.default(6).describe('Worst standardised energy residual.'),
    patience: count.default(2).describe('Consecutive rounds that must meet everything.'),
    alpha: positive.lt(0.5).default(0.05).describe('Level of the upper bounds, spread over the looks.'),
    brokenWalkers: nonNegative
      .lt(1)
      .default(0.17)
      .describe('Share of walkers that may leave the trust region in the last exploration.'),
    giveUp: z
      .boolean()
      .default(true)
      .describe('Whether to stop when learning curves say that a tolerance is out of reach or labels no longer help.'),
  })
  .prefault({})
  .describe('When the potential is good enough: all of these at once.');

const budget = z
  .strictObject({
    labels: count.default(60).describe('Training labels (those for assessment are counted apart).'),
    rounds: count.default(20).describe('Rounds.'),
    cost: positive.optional().describe('Computing time of all labels together, s.'),
    wallTime: positive.optional().describe('Wall time of the run, s.'),
  })
  .prefault({})
  .describe('When to give up.');

/** Schema of a run file with every default filled in. Unknown keys are errors. */
export const runFileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]*$/, 'must consist of letters, digits, dots, dashes and underscores')
      .describe('Name of the run.'),
    seed: z.number().int().nonnegative().default(1).describe('Seed of every random choice.'),
    structures: z
      .array(z.union([fileStructure, prototypeStructure]))
      .min(1)
      .describe('Cells to start from.'),
    conditions,
    reference: referenceSchema.describe('What labels structures.'),
    execution,
    basis,
    fit,
    start,
    exploration,
    assessment,
    acquisition,
    stopping,
    budget,
  })
  .describe('Run file of Querent.');

/** A run file, complete: every default filled in. */
export type RunFile = z.infer<typeof runFileSchema>;
/** One entry of `structures:`. */
export type StructureSource = RunFile['structures'][number];
/** A `temperatures:` entry: a range or a list, K. */
export type Temperatures = RunFile['conditions']['temperatures'];
/** A `strain:` entry, fractions. */
export type Strain = RunFile['conditions']['strain'];
