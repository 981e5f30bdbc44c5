/** What authors of replaceable parts run against their own: imported as `querent/testing`. */
export { type KernelSample, kernelConformance, type TestRunner } from './kernels.ts';
