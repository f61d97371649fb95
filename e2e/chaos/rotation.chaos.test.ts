/** Six minutes of 100 requests per second while each certificate lives two minutes. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setLeafLifetime } from '../support/install.ts';
import { applyPolicy, removePolicies } from '../support/policies.ts';
import { rotateUnderLoad } from '../support/rotation.ts';

beforeAll(async () => {
  await removePolicies();
  await applyPolicy('strict', { mtls: { mode: 'Strict' } });
});

afterAll(async () => {
  await setLeafLifetime('24h');
  await removePolicies();
});

it('at least four rotations are seen by a client, and 0 requests fail', async () => {
  const { summary, shown } = await rotateUnderLoad({ seconds: 360, rate: 100 });
  process.stdout.write(`rotation: ${shown.length} certificates, ${JSON.stringify(summary)}\n`);
  expect(summary.failures).toEqual([]);
  expect(summary.failed).toBe(0);
  expect(summary.sent).toBe(36_000);
  expect(shown.length).toBeGreaterThanOrEqual(5);
});
