import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appliedVerdict, type AppliedFacts } from './applied.ts';
import { conditionsOf } from './conditions.ts';
import { meshConfigStatus } from './meshConfig.ts';
import { policyStatus } from './policy.ts';
import { counts, proxyState, unprotected, type ProxyState } from './proxies.ts';
import { inForce, meshPolicy, podModel, reportOf } from '../testing/model.ts';

const NOW = '2026-06-01T00:00:00.000Z';
const refused = { code: 'DOCUMENT_HASH_MISMATCH', field: 'hash', message: 'is another', since: NOW };
const proxy = (pod: string, fields: Partial<ProxyState> = {}): ProxyState => ({
  pod,
  applied: true,
  silent: false,
  ...fields,
});
const applied = (fields: Partial<AppliedFacts>) =>
  appliedVerdict({ generation: 2, accepted: true, proxies: [], unprotected: [], ...fields });

describe('Applied', () => {
  it.each<[string, Partial<AppliedFacts>, object]>([
    [
      'every proxy runs it',
      { proxies: [proxy('shop/a'), proxy('shop/b')] },
      { status: 'True', reason: 'Applied', message: '2/2 proxies run generation 2' },
    ],
    [
      'one is late',
      { proxies: [proxy('shop/a'), proxy('shop/b', { applied: false })] },
      {
        status: 'False',
        reason: 'Pending',
        message: '1/2 proxies run generation 2; waiting for shop/b',
      },
    ],
    [
      'one does not answer',
      { proxies: [proxy('shop/a'), proxy('shop/b', { applied: false, away: 'unresponsive' })] },
      {
        status: 'False',
        reason: 'Pending',
        message: '1/2 proxies run generation 2; waiting for shop/b (unresponsive)',
      },
    ],
    [
      'it is known how long it took',
      { proxies: [proxy('shop/a')], appliedIn: '84ms' },
      { status: 'True', message: '1/1 proxies run generation 2, after 84ms' },
    ],
    [
      'one refuses it',
      { proxies: [proxy('shop/a'), proxy('shop/b', { applied: false, refused })] },
      {
        status: 'False',
        reason: 'Refused',
        message:
          '1/2 proxies run generation 2; shop/b refused the newest document (DOCUMENT_HASH_MISMATCH hash: is another)',
      },
    ],
    [
      'one runs it and refuses something newer',
      { proxies: [proxy('shop/a'), proxy('shop/b', { refused })] },
      { status: 'True', reason: 'LastGoodInForce' },
    ],
    [
      'no pod has a proxy',
      { unprotected: ['shop/a'] },
      {
        status: 'False',
        reason: 'ProxyMissing',
        message: 'no selected pod has a proxy; without proxy: shop/a',
      },
    ],
    [
      'some pod has no proxy',
      { proxies: [proxy('shop/a')], unprotected: ['shop/b'] },
      {
        status: 'True',
        reason: 'Applied',
        message: '1/1 proxies run generation 2; without proxy: shop/b',
      },
    ],
    ['it selects nothing', {}, { status: 'True', reason: 'NothingSelected' }],
    ['it is not accepted', { accepted: false }, { status: 'False', reason: 'NotAccepted' }],
  ])('where %s', (_what, facts, expected) => {
    expect(applied(facts)).toMatchObject({ type: 'Applied', ...expected });
  });

  it('is True only where every proxy runs it, whatever else they say', () => {
    const state = fc.record({
      pod: fc.string(),
      applied: fc.boolean(),
      silent: fc.boolean(),
      refused: fc.constantFrom(undefined, refused),
    });
    const outcome = fc.check(
      fc.property(fc.array(state, { minLength: 1 }), fc.array(fc.string()), (states, pods) => {
        const proxies = states.map(({ refused: reason, ...rest }) => ({
          ...rest,
          ...(reason ? { refused: reason } : {}),
        }));
        const all = proxies.every((one) => one.applied);
        return applied({ proxies, unprotected: pods }).status === (all ? 'True' : 'False');
      }),
    );
    expect(outcome).toMatchObject({ failed: false, counterexample: null });
  });
});

describe('a proxy', () => {
  const policy = meshPolicy('payment', { mtls: { mode: 'Strict' } });
  const wanted = { key: 'MeshPolicy/shop/payment', uid: 'uid-payment', generation: 1 };
  const pod = podModel('payment-1');

  it.each([
    ['this generation', reportOf(pod, { inForce: inForce([policy]) }), { applied: true, silent: false }],
    ['nothing yet', reportOf(pod), { applied: false, silent: false }],
    [
      'an older generation',
      reportOf(pod, { inForce: inForce([{ ...policy, metadata: { ...policy.metadata, generation: 0 } }]) }),
      { applied: false },
    ],
    [
      'a policy of that name that is gone',
      reportOf(pod, { inForce: inForce([{ ...policy, metadata: { ...policy.metadata, uid: 'old' } }]) }),
      { applied: false },
    ],
    [
      'a newer generation',
      reportOf(pod, { inForce: inForce([{ ...policy, metadata: { ...policy.metadata, generation: 2 } }]) }),
      { applied: false },
    ],
    ['nothing to us', undefined, { applied: false, silent: true }],
  ])('that says %s', (_what, report, expected) => {
    const heard = report && { report, connected: true, responsive: true };
    expect(proxyState(pod, wanted, { heard, lostMs: 0, graceMs: 100 })).toMatchObject({
      pod: 'shop/payment-1',
      ...expected,
    });
  });

  it.each([
    ['answers', { connected: true, responsive: true, lostMs: 0 }, { applied: true }],
    [
      'does not answer',
      { connected: true, responsive: false, lostMs: 0 },
      { applied: false, away: 'unresponsive' },
    ],
    [
      'lost its stream just now',
      { connected: false, responsive: true, lostMs: 40 },
      { applied: true, holdsMs: 60 },
    ],
    [
      'lost its stream a while ago',
      { connected: false, responsive: true, lostMs: 100 },
      { applied: false, away: 'disconnected' },
    ],
  ])('that ran it and %s', (_what, { lostMs, ...state }, expected) => {
    const heard = { report: reportOf(pod, { inForce: inForce([policy]) }), ...state };
    expect(proxyState(pod, wanted, { heard, lostMs, graceMs: 100 })).toMatchObject(expected);
  });

  it.each([
    ['runs', {}, true],
    ['has not started', { proxy: { wires: [], started: false } }, false],
    ['belongs to a pod on its way out', { terminating: true }, false],
    ['belongs to a pod that is pending', { phase: 'Pending' }, false],
  ])('that %s', (_what, fields, counted) => {
    expect(counts(podModel('a', fields))).toBe(counted);
    expect(unprotected(podModel('a', fields))).toBe(false);
  });

  it('that is missing', () => {
    const { proxy: _proxy, ...bare } = podModel('a');
    expect(counts(bare)).toBe(false);
    expect(unprotected(bare)).toBe(true);
    expect(unprotected({ ...bare, phase: 'Succeeded' })).toBe(false);
    // it could not have one
    expect(unprotected({ ...bare, hostNetwork: true })).toBe(false);
  });
});

describe('conditions', () => {
  const verdict = { type: 'Applied', status: 'True', reason: 'Applied', message: 'm' } as const;
  const [before] = conditionsOf([verdict], {
    previous: undefined,
    generation: 1,
    now: '2026-01-01T00:00:00Z',
  });

  it('keep the time of their last transition while the status stays, though generation and reason change', () => {
    const next = conditionsOf([{ ...verdict, reason: 'Other' }], {
      previous: [before!],
      generation: 2,
      now: NOW,
    });
    expect(next).toMatchObject([
      { lastTransitionTime: '2026-01-01T00:00:00Z', observedGeneration: 2, reason: 'Other' },
    ]);
  });

  it('get a new one when the status changes', () => {
    const next = conditionsOf([{ ...verdict, status: 'False' }], {
      previous: [before!],
      generation: 1,
      now: NOW,
    });
    expect(next[0]?.lastTransitionTime).toBe(NOW);
  });
});

describe('the status of a policy', () => {
  const { spec } = meshPolicy('payment', {
    authorization: { rules: [{ action: 'Allow' }, { action: 'Deny' }] },
  });

  it('counts rules and proxies and names those that are late, ten at most', () => {
    const proxies = Array.from({ length: 13 }, (_, index) =>
      proxy(`shop/p-${index}`, { applied: index === 0 }),
    );
    const status = policyStatus({ generation: 3, spec, problems: [], proxies, unprotected: [] }, NOW);
    expect(status).toMatchObject({ observedGeneration: 3, applied: '1/13', rules: 2 });
    expect(status.late).toHaveLength(10);
    expect(status.conditions?.map(({ type, status }) => `${type}=${status}`)).toEqual([
      'Accepted=True',
      'Applied=False',
      'Conflicted=False',
    ]);
  });

  it('names the field of what is not accepted, and keeps the rules of what was', () => {
    const problems = [{ code: 'UNKNOWN_FIELD' as const, field: 'spec.mtl', message: 'unknown field' }];
    const status = policyStatus(
      {
        generation: 4,
        previous: { rules: 2 },
        problems,
        proxies: [proxy('a', { applied: false })],
        unprotected: [],
      },
      NOW,
    );
    expect(status).toMatchObject({ rules: 2, applied: '0/1' });
    expect(status.conditions?.[0]).toMatchObject({
      status: 'False',
      reason: 'UnknownField',
      message: 'spec.mtl: unknown field',
      observedGeneration: 4,
    });
    expect(status.conditions?.[1]).toMatchObject({ reason: 'NotAccepted' });
  });

  it('is computed for the MeshConfig in the same way', () => {
    const facts = {
      generation: 1,
      problems: [],
      proxies: [proxy('a'), proxy('b')],
      streams: { connected: 1, without: [{ pod: 'shop/b', heardAt: NOW }] },
      oversized: ['shop/weft.deployment.a'],
      appliedIn: '84ms',
    };
    const status = meshConfigStatus(facts, NOW);
    expect(status).toMatchObject({ proxies: 2, applied: '2/2', appliedIn: '84ms', observedGeneration: 1 });
    expect(status.conditions?.map(({ type, status: value }) => `${type}=${value}`)).toEqual([
      'Accepted=True',
      'Applied=True',
      'Connected=False',
      'Stored=False',
    ]);
    const [, applied, connected, stored] = status.conditions ?? [];
    expect(applied?.message).toBe('2/2 proxies run generation 1, after 84ms');
    expect(connected?.message).toBe(
      `1/2 proxies have a stream; without one: shop/b; the oldest state is that of shop/b, of ${NOW}`,
    );
    expect(stored?.message).toContain('shop/weft.deployment.a');
  });
});
