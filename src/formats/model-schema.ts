/** The header `model.json` of a model file: what the reader demands, and the JSON Schema of it. */
import { z } from 'zod';
import { VARIANCE_FORMS } from '../core/uncertainty/variance-forms.ts';

/** Version of the format that is written; older ones are read, newer ones refused. */
export const MODEL_FILE_VERSION = 3;

const number = z
  .union([z.number(), z.object({ $number: z.enum(['NaN', 'Infinity', '-Infinity', '-0']) })])
  .describe('a number; those that JSON lacks by name');
const finite = z.number();
const whole = z.int().min(0);
const flag = z.boolean();
const array = (shape: string) =>
  z.object({ $array: z.string().describe('the member NAME.npy of the archive') }).describe(`array ${shape}`);
const perKind = <T extends z.ZodType>(value: T) => z.object({ energy: value, forces: value, virial: value });

const pair = z.object({
  cutoff: finite.describe('r_c, Å'),
  innerCutoff: finite.describe('r_in, Å; 0 for none'),
  innerWidth: finite.describe('width of the inner switch, Å'),
  core: z.object({ prefactor: finite, lambda: finite }).describe('core repulsion p·exp(−|λ| r²)/r'),
});
const functionSet = z.union([
  z.object({ nmax: z.array(whole), lmax: z.array(whole) }),
  z.object({ order: whole, degree: finite, weight: finite }),
]);
const specification = z
  .object({
    elements: z.array(z.string()).min(1).describe('chemical symbols in alphabetical order'),
    radial: z.literal('SBessel'),
    nmax: z.array(whole).describe('largest radial index by order'),
    lmax: z.array(whole).describe('largest angular momentum by order'),
    sets: z
      .array(functionSet)
      .optional()
      .describe('the basis is the union of these sets; left out: all within nmax and lmax'),
    kept: z
      .array(whole)
      .optional()
      .describe('places in the canonical list of one element that are kept; left out: all'),
    pairs: z.array(z.array(pair)).describe('by central element and neighbour, symmetric'),
  })
  .describe('everything that fixes the basis');

const scale = z
  .object({
    a: number,
    b: number,
    structures: whole,
    observations: whole,
    gain: number,
    calibrated: flag,
    reason: z.string(),
  })
  .describe('predictive variance a·noise + b·epistemic');
const term = z
  .object({ form: z.enum(VARIANCE_FORMS), scale })
  .describe('one candidate of the variance of an interval, a·noise + b·(variance of the form)');
const root = {
  root: array('[columns, rank] A: the covariance of the form is A Aᵀ'),
  rank: whole,
};
const forms = z
  .object({
    jackknife: z.object(root).describe('leaving out one cluster of structures at a time'),
    pops: z
      .object({
        ...root,
        lower: array('[rank] least change of the weights that fits a row exactly, in standard deviations of its axis'),
        upper: array('[rank] largest'),
      })
      .describe('fitting rows exactly, one at a time, along principal axes'),
  })
  .describe('epistemic covariances of the weights beside the posterior');
const novelty = z.object({
  columns: whole,
  blocks: z.array(whole).describe('first column of each body order, and the end'),
  columnFactors: array('[columns]'),
  normFloors: array('[blocks]'),
  mean: array('[columns]'),
  components: whole,
  directions: array('[components, columns]'),
  residualScale: number,
  covarianceFactor: array('[channels, channels] upper triangle'),
  centers: array('[clusters, channels]'),
  threshold: number,
});
const activeSet = z.object({
  inverse: array('[functions, functions]: γ(b) = max_k |Σ_v b_v inverse[v][k]|'),
  pseudoRows: whole.describe('directions that no training atom covers'),
  atoms: whole.describe('training atoms it was chosen from'),
  excluded: whole.describe('training atoms left out since the fit does not describe them'),
});

const neural = z
  .object({
    specification,
    basisId: z.string(),
    shape: z.object({ inputs: whole, hidden: z.array(whole).min(1), activation: z.enum(['silu', 'tanh']) }),
    maps: z
      .array(
        z.object({ functions: whole, inputs: whole, mean: array('[functions]'), map: array('[inputs, functions]') }),
      )
      .min(1)
      .describe('by element: x = map (B − mean)'),
    members: z.array(array('[parameters] of all elements')).min(2),
    scales: perKind(scale),
    rescaling: perKind(number).describe('α² of the committee'),
    conformal: z.object({ level: finite, energy: number, forces: number }),
    heldOut: perKind(number).describe('root mean square errors: eV/atom, eV/Å, eV/atom'),
    active: flag.describe('whether the networks are in force'),
    verdict: z.object({
      structures: whole,
      linearForceError: number,
      forceError: number,
      ence: number,
      reason: z.string(),
    }),
    training: z.object({ settings: z.record(z.string(), z.unknown()), members: z.array(z.record(z.string(), number)) }),
  })
  .describe('networks whose mean is added to the linear model; left out without any');

const model = z.object({
  specification,
  basisId: z.string().describe('hash of the specification and the ordered functions'),
  embedding: z
    .enum(['two-density'])
    .optional()
    .describe('from version 3 on: E_i = ρ₁ + F(ρ₂), nonlinear, columns of ρ₁ before those of ρ₂; left out: linear'),
  layout: z
    .object({
      basis: whole.describe('number of basis functions'),
      species: z.array(whole).describe('atomic numbers in the order of the basis'),
      referenceEnergies: flag,
      stressOffset: flag,
      offsetGroups: z.array(z.string()),
    })
    .describe('columns: basis, reference energies, stress offset, offsets of label groups'),
  reference: z
    .object({
      values: z.array(number).describe('eV'),
      origin: z.enum(['isolated-atoms', 'least-squares', 'given']),
      degenerate: flag,
    })
    .describe('energies of isolated atoms before the correction by the fit'),
  energyNoise: z.enum(['sqrt', 'atom']),
  posterior: z.object({
    mean: array('[columns] coefficients, eV'),
    r: array('[columns, columns] upper triangle R: covariance = (RᵀR)⁻¹'),
    hyperparameters: z.object({ alpha: finite, noise: perKind(finite) }),
  }),
  forceColumnScale: array('[basis]'),
  uncertainty: z.object({
    scales: perKind(scale),
    envelope: perKind(z.array(term).min(1))
      .optional()
      .describe('the variance of an interval is the largest of these; from version 3 on'),
    forms: forms.optional().describe('from version 3 on'),
    labelNoise: perKind(finite)
      .optional()
      .describe('eV/√atom, eV/Å, eV/√atom; 0 where it was not measured; from version 3 on'),
    forceTrigger: number
      .optional()
      .describe('√(b v), eV/Å, that 99 % of left-out force components stay below; from version 3 on'),
    leaveOneOut: perKind(number).describe('eV/atom, eV/Å, eV/atom'),
    conformal: z.object({ level: finite, energy: number, forces: number }),
    leverageMedian: z.array(number).describe('by element'),
    novelty: z.array(novelty.nullable()).describe('by element; null without training atoms'),
    limits: z.object({
      forceSigmaSelect: number,
      forceSigmaBreak: number,
      noveltySelect: number,
      noveltyBreak: number,
      leverageSelect: number,
      leverageBreak: number,
    }),
    regimes: z
      .array(
        z.object({
          name: z.string(),
          structures: whole,
          envelope: perKind(z.array(term).min(1)),
          conformal: z.object({ level: finite, energy: number, forces: number }),
        }),
      )
      .optional()
      .describe('error bars calibrated on labelled structures of one kind'),
  }),
  activeSets: z
    .array(activeSet.nullable())
    .optional()
    .describe('by element, from version 2 on; null without training atoms'),
  neural: neural.optional(),
  training: z.object({
    structures: whole,
    atoms: whole,
    rows: perKind(whole),
    dataHash: z.string(),
    groups: z.record(z.string(), whole),
    logEvidence: number,
    evidenceConverged: flag,
    balance: z.object({
      mode: z.enum(['fixed', 'cv', 'evidence']),
      ratio: number,
      curve: z.array(z.object({ ratio: number, energy: number, forces: number })),
    }),
    stressOffset: number.describe('eV per atom on the diagonal of the virial'),
    cores: z
      .object({
        cores: z.array(
          z.object({
            pair: z.array(z.string()).length(2),
            strength: finite.describe('over ZBL'),
            innerCutoff: z.array(finite).length(2).describe('before and after, Å'),
            attracted: z.array(finite).length(2).describe('first and last distance at which the fit attracted, Å'),
          }),
        ),
        failing: z.array(z.string()).describe('dimers and crystals that attract all the same'),
      })
      .optional()
      .describe('cores that were made stronger or wider after the fit; left out where none was'),
    settings: z.record(z.string(), z.unknown()).describe('of the fit, resolved'),
  }),
});

const selfCheck = z.object({
  positions: z.array(number),
  cell: z.array(number).length(9),
  species: z.array(whole),
  energy: number,
  forces: z.array(number),
  forceSigma: number,
  intervals: z
    .object({ energy: number, forces: number })
    .optional()
    .describe('energy sigma and largest force sigma of intervals, from version 3 on'),
  novelty: number,
  grade: number.optional().describe('largest extrapolation grade, from version 2 on'),
});

/** The header of a model file. Keys that are not listed are kept and mean nothing. */
export const modelHeaderSchema: z.ZodType = z.object({
  format: z.literal('querent model'),
  version: z.int().min(1).max(MODEL_FILE_VERSION),
  units: z.object({
    energy: z.literal('eV'),
    forces: z.literal('eV/Å'),
    virial: z.literal('eV'),
    length: z.literal('Å'),
  }),
  model,
  selfCheck: z.array(selfCheck).min(1).describe('small structures whose numbers must come out again'),
});

/** First thing in which a header is not what the schema says, as `model.posterior.mean: …`; null if there is none. */
export function headerDefect(header: unknown): string | null {
  const result = modelHeaderSchema.safeParse(header);
  if (result.success) return null;
  const [issue] = result.error.issues;
  return `${issue!.path.map(String).join('.') || 'the header'}: ${issue!.message}`;
}

/** JSON Schema (2020-12) of the header of a model file. */
export function modelJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(modelHeaderSchema, { io: 'input' }) as Record<string, unknown>;
  return { ...schema, title: `Querent model file, model.json of version ${MODEL_FILE_VERSION}` };
}
