import { expect, it } from 'vitest';
import { inForce, meshPolicy, podModel, reportOf } from '../testing/model.ts';
import { newsOf } from './digest.ts';

const pod = podModel('cart-1');
const policy = meshPolicy('cart', { mtls: { mode: 'Strict' } });
const newer = { ...policy, metadata: { ...policy.metadata, generation: 2 } };
const refused = { code: 'DOCUMENT_INVALID', message: 'm', since: 'then' };
const heard = (fields: Parameters<typeof reportOf>[1] = {}, connected = true, responsive = true) => ({
  report: reportOf(pod, fields),
  connected,
  responsive,
});
const before = heard({ inForce: inForce([policy]) });
const nothing = { resources: [], refused: false, connection: false };

it.each([
  ['another document of the same resources', heard({ inForce: inForce([policy], { hash: 'other' }) }), {}],
  ['another generation', heard({ inForce: inForce([newer]) }), { resources: ['MeshPolicy/shop/cart'] }],
  ['a resource that is gone', heard({ inForce: inForce([]) }), { resources: ['MeshPolicy/shop/cart'] }],
  ['a refusal', heard({ inForce: inForce([policy]), refused }), { refused: true }],
  ['silence', heard({ inForce: inForce([policy]) }, true, false), { connection: true }],
  ['the end of its stream', heard({ inForce: inForce([policy]) }, false, false), { connection: true }],
])('of a proxy: %s', (_what, after, expected) => {
  expect(newsOf(before, after)).toEqual({ ...nothing, ...expected });
});

it('of a proxy: everything where nothing was known, and the same refusal not twice', () => {
  const first = heard({ inForce: inForce([policy]), refused });
  expect(newsOf(undefined, first)).toEqual({
    resources: ['MeshPolicy/shop/cart'],
    refused: true,
    connection: true,
  });
  expect(newsOf(first, heard({ inForce: inForce([policy]), refused: { ...refused, since: 'now' } }))).toEqual(
    nothing,
  );
});
