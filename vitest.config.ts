import { defineConfig } from 'vitest/config';

const setupFiles = ['test/support/setup.ts'];
export default defineConfig({
  test: {
    // Two projects: the quick tests beside the sources, and the suites that run whole commands, engines or data sets.
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts'], setupFiles, testTimeout: 60_000 } },
      { test: { name: 'integration', include: ['test/**/*.test.ts'], setupFiles, testTimeout: 1_200_000, hookTimeout: 1_200_000 } },
    ],
  },
});
