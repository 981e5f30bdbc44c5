/** The few functions of a test runner that the suites need; vitest and node:test with an `expect` have them. */
export interface TestRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => void): void;
  expect(
    actual: unknown,
    message?: string,
  ): { toBe(expected: unknown): void; toBeLessThanOrEqual(limit: number): void };
}
