import { defineConfig } from 'vitest/config';

const DATA_PLANE = ['proxy/inbound/**/*.test.ts', 'proxy/outbound/**/*.test.ts'];
const EXCLUDED = ['node_modules/**', 'dist/**', 'e2e/**', 'bench/results/**'];

/**
 * `make test` runs everything that needs no cluster; the cluster's own tests have their configuration in e2e/. The data
 * plane's tests run twice, once for each form in which two proxies speak.
 */
export default defineConfig({
  test: {
    testTimeout: 20_000,
    hookTimeout: 30_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', './scripts/countReporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'all',
          include: ['**/*.test.ts'],
          exclude: EXCLUDED,
          provide: { wire: 'weft/1' },
        },
      },
      {
        extends: true,
        test: { name: 'weft-tcp/1', include: DATA_PLANE, exclude: EXCLUDED, provide: { wire: 'weft-tcp/1' } },
      },
    ],
  },
});
