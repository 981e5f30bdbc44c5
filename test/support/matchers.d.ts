import 'vitest';

declare module 'vitest' {
  // biome-ignore lint/suspicious/noExplicitAny: the shape of vitest's own declaration
  interface Matchers<T = any> {
    toAgree(expected: unknown, tolerance: { atol?: number; rtol?: number; why: string }): T;
  }
}
