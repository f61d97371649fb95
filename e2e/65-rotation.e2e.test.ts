/** The short form of e2e/chaos/rotation: certificates of two minutes, renewed at half life, under load. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setLeafLifetime } from './support/install.ts';
import { appliedEverywhere, applyPolicy, removePolicies } from './support/policies.ts';
import { rotateUnderLoad } from './support/rotation.ts';

beforeAll(async () => {
  await removePolicies();
  await applyPolicy('strict', { mtls: { mode: 'Strict' } });
  await appliedEverywhere('strict');
});

afterAll(async () => {
  await setLeafLifetime('24h');
  await removePolicies();
});

it('a proxy shows new certificates, and no request fails', { timeout: 420_000 }, async () => {
  const { summary, shown } = await rotateUnderLoad({ seconds: 140, rate: 50 });
  expect(summary.failures).toEqual([]);
  expect(summary.failed).toBe(0);
  // half life is one minute: the first, and two more
  expect(shown.length).toBeGreaterThanOrEqual(3);
  expect(new Set(shown.map(({ version }) => version))).toEqual(new Set(['TLSv1.3']));
});
