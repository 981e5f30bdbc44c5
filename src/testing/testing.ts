/** What authors of replaceable parts run against their own: imported as `querent/testing`. */
export { type KernelSample, kernelConformance } from './kernels.ts';
export { referenceConformance } from './reference.ts';
/** The test framework that a suite is written against. */
export type { TestRunner } from './runner.ts';
export { storeConformance } from './store.ts';
