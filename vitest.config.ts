import { defineConfig } from 'vitest/config';

/** `make test` runs everything that needs no cluster; the cluster's own tests have their configuration in e2e/. */
export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**', 'e2e/**', 'bench/results/**'],
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', './scripts/countReporter.ts'],
  },
});
