/**
 * The library: every public name, nothing else. Canonical units everywhere (eV, Å, fs, u, K); see docs/conventions.md.
 * Conformance suites for authors of kernels, references and stores are in `querent/testing`.
 */

/** Structures and their files. */
export type { Frame, Labels, Structure } from './core/structure/structure.ts';
export { prototypeStructure } from './core/structure/prototypes.ts';
export { supercell } from './core/structure/supercell.ts';
export { structureId } from './core/structure/identity.ts';
export { neighborList } from './core/structure/neighbor-list.ts';
export { parseExtxyzText } from './formats/extxyz.ts';
export { writeExtxyz } from './formats/extxyz-writer.ts';
export { parsePoscar, writePoscar } from './formats/poscar.ts';
export { readFrames } from './node/frames.ts';

/** Descriptors: the linear ACE basis. */
export type { AceBasis, AceSpecification } from './core/descriptors/ace/basis.ts';
/** A basis made ready to run. */
export type { AceProgram } from './core/descriptors/descriptors.ts';
export { presetSpecification } from './core/descriptors/ace/presets.ts';
export { buildAceBasis } from './core/descriptors/ace/enumerate.ts';
export { createAceProgram } from './core/descriptors/ace/program.ts';

/** A model: fit, errors, file, export. */
export type { FitSettings } from './node/training/settings.ts';
/** A fitted model as plain data. */
export type { LinearModel } from './core/potentials/linear-model.ts';
export { createPool } from './node/workers/pool.ts';
export { DEFAULT_FIT } from './node/training/settings.ts';
export { fitModel } from './node/training/fit.ts';
export { fitNeural } from './node/training/neural.ts';
export { DEFAULT_NEURAL } from './node/training/neural-settings.ts';
export type { NeuralSettings } from './node/training/neural-settings.ts';
export { openModel } from './node/training/open-model.ts';
export { evaluateModel } from './node/training/evaluate.ts';
export { summarizeEvaluation } from './core/validation/summary.ts';
export { readModel, writeModel } from './formats/model-file.ts';
export { exportYace } from './node/training/export-yace.ts';
export { readYace } from './formats/yace-reader.ts';
export { createYacePotential } from './formats/yace-potential.ts';
export { readPotentialFile } from './formats/potential-file.ts';
export { checkDataset } from './core/dataset/check-dataset.ts';

/** The kernels of this machine: compiled bases and potentials, dense linear algebra. */
export type { Kernels } from './kernels/kernels.ts';
export { nodeKernels } from './node/kernels.ts';

/** Potentials and dynamics. */
export type { Potential, TrustedPotential } from './core/potentials/potential.ts';
export { AcePotential } from './core/potentials/ace-potential.ts';
export { NeuralPotential, potentialOf } from './core/potentials/neural/neural-potential.ts';
export { MotionScreen } from './core/potentials/motion-screen.ts';
export { predictiveSigmas } from './core/potentials/predictive.ts';
export { stillingerWeberSilicon } from './core/potentials/stillinger-weber.ts';
export { tightBindingSilicon } from './core/potentials/tight-binding/tight-binding.ts';
export { startMotion, structureOf } from './core/dynamics/dynamics.ts';
export { langevinStep } from './core/dynamics/langevin.ts';
export { velocityVerletStep } from './core/dynamics/velocity-verlet.ts';
export { minimise } from './core/dynamics/minimise.ts';
export { propertyCard } from './core/properties/property-card.ts';
export { RandomStream } from './core/random.ts';

// Bayesian regression on rows: no atoms here.
export { createFactor } from './core/regression/factor.ts';
export { isotropicPrior, smoothnessPrior } from './core/regression/prior.ts';
export { maximizeEvidence } from './core/regression/maximize-evidence.ts';
export { fitPosterior, posteriorVariances } from './core/regression/posterior.ts';

/** Error bars: covariances of the weights from clusters of rows, and intervals that are right on what was left out. */
export type { EnvelopeTerm } from './core/uncertainty/envelope.ts';
export { envelopeVariance, fitEnvelope } from './core/uncertainty/envelope.ts';
export type { WhitenedCluster } from './core/uncertainty/estimators.ts';
export { deleteCluster, estimatorsOf, formsOf, leftOutFormVariances } from './core/uncertainty/estimators.ts';
export { popsEnsemble } from './core/uncertainty/pops.ts';
export type { VarianceForm } from './core/uncertainty/variance-forms.ts';
export { formVariances } from './core/uncertainty/variance-forms.ts';

/** Questions: trust, choice of a batch, when to stop. */
export type { CandidatePool, CandidateRows, Learner, Selection } from './core/acquisition/acquisition.ts';
export { memoryPool } from './core/acquisition/pool.ts';
export { classifyTrust } from './core/uncertainty/trust-region.ts';
export { selectBatch, selectFromPool } from './core/acquisition/select.ts';
export { decideStopping } from './core/stopping/joint.ts';
export { unreachableTolerances } from './core/stopping/reachable.ts';

/** References: what answers. */
export type { LabelResult, Reference } from './reference/reference.ts';
export { createReference } from './node/labeller-reference.ts';
export { createLabeller } from './node/labeller.ts';

/** The loop. */
export type { RunFile } from './protocol/run-file.ts';
export { resolveRunFile } from './protocol/run-file-resolve.ts';
export { openStore } from './node/store/store.ts';
export { createRuntime } from './node/runtime.ts';
export { runLoop } from './loop/driver.ts';
export { statusOf } from './loop/status.ts';
export { explainLabel, explainRun } from './loop/explain.ts';

// The only errors that this library throws on purpose.
export { EnvironmentError, FormatError, InputError, NumericalError, QuerentError } from './core/errors.ts';
