import { expect, test } from 'vitest';
import { workersOf } from './workers.ts';

test.each([
  [{}, 1],
  [{ memory: '256Mi' }, 1],
  [{ cpu: '500m' }, 1],
  [{ cpu: '1999m' }, 1],
  [{ cpu: '2' }, 2],
  [{ cpu: '2500m', memory: '256Mi' }, 2],
  [{ cpu: '4', memory: '160Mi' }, 2],
  [{ cpu: '4', memory: '64Mi' }, 1],
  [{ cpu: '4', memory: '10M' }, 1],
  [{ cpu: '64', memory: '4Gi' }, 8],
])('limits %j make %i', (limits, workers) => {
  expect(workersOf({ limits })).toBe(workers);
});
