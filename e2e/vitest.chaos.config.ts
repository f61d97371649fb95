import { defineConfig } from 'vitest/config';

/**
 * The long ones, and those that need the machine for themselves: certificates rotated under load, the control plane
 * away, a server that grows and shrinks.
 */
export default defineConfig({
  test: {
    name: 'chaos',
    include: ['e2e/chaos/**/*.chaos.test.ts'],
    globalSetup: ['./e2e/support/globalSetup.ts'],
    setupFiles: ['./e2e/support/onFailure.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    reporters: ['default', './scripts/countReporter.ts'],
  },
});
