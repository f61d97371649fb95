import { defineConfig } from 'vitest/config';
import { ByName } from './support/byName.ts';

/**
 * Three projects, one file at a time: `peers` needs other people's servers, `netns` needs root, neither a cluster;
 * `cluster` needs KUBECONFIG (docs/testing.md). `--project netns` runs one alone, without installing anything anywhere.
 */
export default defineConfig({
  test: {
    fileParallelism: false,
    sequence: { sequencer: ByName },
    reporters: ['default', './scripts/countReporter.ts'],
    projects: [
      {
        test: {
          name: 'peers',
          include: ['e2e/**/*.peers.test.ts'],
          testTimeout: 30_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 0 },
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'netns',
          include: ['e2e/netns/**/*.e2e.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'cluster',
          include: ['e2e/**/*.e2e.test.ts'],
          exclude: ['e2e/netns/**'],
          globalSetup: ['./e2e/support/globalSetup.ts'],
          setupFiles: ['./e2e/support/onFailure.ts'],
          testTimeout: 180_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
          fileParallelism: false,
          // of the few tests that say so, since they mostly wait
          maxConcurrency: 16,
        },
      },
    ],
  },
});
