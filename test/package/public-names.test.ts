/** The public names of the library: adding one is a decision, removing one is a breaking change. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as library from '../../src/index.ts';
import * as testing from '../../src/testing/testing.ts';

const NAMES = [
  'AcePotential',
  'DEFAULT_FIT',
  'DEFAULT_NEURAL',
  'EnvironmentError',
  'FormatError',
  'InputError',
  'MotionScreen',
  'NeuralPotential',
  'NumericalError',
  'QuerentError',
  'RandomStream',
  'buildAceBasis',
  'checkDataset',
  'classifyTrust',
  'createAceProgram',
  'createFactor',
  'createLabeller',
  'createPool',
  'createReference',
  'createRuntime',
  'createYacePotential',
  'decideStopping',
  'deleteCluster',
  'envelopeVariance',
  'estimatorsOf',
  'evaluateModel',
  'explainLabel',
  'explainRun',
  'exportYace',
  'fitEnvelope',
  'fitModel',
  'fitNeural',
  'fitPosterior',
  'formVariances',
  'formsOf',
  'isotropicPrior',
  'langevinStep',
  'leftOutFormVariances',
  'maximizeEvidence',
  'memoryPool',
  'minimise',
  'neighborList',
  'nodeKernels',
  'openModel',
  'openStore',
  'parseExtxyzText',
  'parsePoscar',
  'popsEnsemble',
  'posteriorVariances',
  'potentialOf',
  'predictiveSigmas',
  'presetSpecification',
  'propertyCard',
  'prototypeStructure',
  'readFrames',
  'readModel',
  'readPotentialFile',
  'readYace',
  'resolveRunFile',
  'runLoop',
  'selectBatch',
  'selectFromPool',
  'smoothnessPrior',
  'startMotion',
  'statusOf',
  'stillingerWeberSilicon',
  'structureId',
  'structureOf',
  'summarizeEvaluation',
  'supercell',
  'tightBindingSilicon',
  'unreachableTolerances',
  'velocityVerletStep',
  'writeExtxyz',
  'writeModel',
  'writePoscar',
];
const TYPES = [
  'AceBasis',
  'AceProgram',
  'AceSpecification',
  'CandidatePool',
  'CandidateRows',
  'EnvelopeTerm',
  'FitSettings',
  'Frame',
  'Kernels',
  'LabelResult',
  'Labels',
  'Learner',
  'LinearModel',
  'NeuralSettings',
  'Potential',
  'Reference',
  'RunFile',
  'Selection',
  'Structure',
  'TrustedPotential',
  'VarianceForm',
  'WhitenedCluster',
];

describe('public names', () => {
  it('are exactly these values', () => {
    expect(Object.keys(library).sort()).toEqual(NAMES);
  });

  it('and these types', () => {
    const text = readFileSync(new URL('../../src/index.ts', import.meta.url), 'utf8');
    const found = [...text.matchAll(/^export type \{([^}]*)\}/gm)].flatMap((match) =>
      match[1]!.split(',').map((name) => name.trim()),
    );
    expect(found.sort()).toEqual(TYPES);
  });

  it('of the conformance suites', () => {
    expect(Object.keys(testing).sort()).toEqual(['kernelConformance', 'referenceConformance', 'storeConformance']);
  });
});
