import { beforeEach, describe, expect, it } from 'vitest';
import { inForce, meshPolicy, podModel, reportOf } from '../testing/model.ts';
import { ReportRegistry, type ReportEntry } from './reports.ts';

const cart = podModel('cart-1');
const { uid } = cart;
const policies = [meshPolicy('cart', {})];
const report = reportOf(cart, { inForce: inForce(policies, { hash: 'a' }) });
let now: number;
let reports: ReportRegistry;
let heard: { hash: string | undefined; before: ReportEntry | undefined }[];

beforeEach(() => {
  [now, heard] = [1_000, []];
  reports = new ReportRegistry({ now: () => now });
  reports.onChange((changed, before) => heard.push({ hash: changed.inForce?.hash, before }));
});

describe('the registry', () => {
  it('keeps what a proxy said last, after its stream too, until the pod is gone', () => {
    const session = {};
    reports.accept(report, session);
    now = 5_000;
    reports.disconnected(session);
    expect(reports.get(uid)).toEqual({ report, connected: false, responsive: false, receivedAt: 5_000 });
    reports.retain(new Set([uid]));
    expect([...reports.entries()].map(([key]) => key)).toEqual([uid]);
    reports.retain(new Set());
    expect(reports.get(uid)).toBeUndefined();
  });

  it('does not forget a proxy with a stream, whose pod this replica may not know yet', () => {
    reports.accept(report, {});
    reports.retain(new Set());
    expect(reports.get(uid)?.connected).toBe(true);
  });

  it('tells listeners what was known before, and of equal resources by the same value', () => {
    const session = {};
    reports.accept(report, session);
    reports.moved(uid, session, { epoch: 1, revision: '101', hash: 'b', since: 'later' });
    expect(heard.map(({ hash, before }) => [before?.report.inForce?.hash, hash])).toEqual([
      [undefined, 'a'],
      ['a', 'b'],
    ]);
    expect(reports.get(uid)?.report.inForce?.resources).toBe(report.inForce!.resources);
    // the same again is no news
    reports.moved(uid, session, { epoch: 1, revision: '101', hash: 'b', since: 'later' });
    expect(heard).toHaveLength(2);
    // the same document at a later place in the order is
    reports.moved(uid, session, { epoch: 1, revision: '102', hash: 'b', since: 'later' });
    expect(reports.get(uid)?.report.inForce?.revision).toBe('102');
  });

  it('forgets a refusal when something newer is in force, and keeps it otherwise', () => {
    const session = {};
    const refused = { code: 'DOCUMENT_INVALID', message: '', since: 'now' };
    reports.accept(report, session);
    reports.answered(uid, session, { inForce: report.inForce!, refused });
    reports.moved(uid, session, { epoch: 1, revision: '101', hash: 'b', since: 'later' });
    expect(reports.get(uid)?.report.refused).toEqual(refused);
    reports.answered(uid, session, { inForce: report.inForce! });
    expect(reports.get(uid)?.report.refused).toBeUndefined();
  });

  it('takes answers only of streams that have reported for the pod', () => {
    reports.answered(uid, {}, {});
    reports.responsive(uid, {}, false);
    reports.gone(uid, {});
    expect(reports.get(uid)).toBeUndefined();
    expect(heard).toEqual([]);
  });

  it('tells when a proxy stops to answer: since it was heard last, not since then', () => {
    const session = {};
    reports.accept(report, session);
    now = 9_000;
    reports.responsive(uid, session, false);
    expect(reports.get(uid)).toMatchObject({ connected: true, responsive: false, receivedAt: 1_000 });
    reports.responsive(uid, session, false);
    expect(heard).toHaveLength(2);
    reports.disconnected(session);
    expect(reports.get(uid)?.receivedAt).toBe(1_000);
  });

  it('knows a proxy as connected while one of its streams is open, in whatever order they end', () => {
    const [first, second] = [{}, {}];
    reports.accept(report, first);
    reports.accept(reportOf(cart, { inForce: inForce(policies, { hash: 'b' }) }), second);
    reports.disconnected(second);
    expect(reports.get(uid)).toMatchObject({ connected: true, report: { inForce: { hash: 'a' } } });
    expect(reports.counts()).toEqual({ known: 1, connected: 1, unresponsive: 0 });
    reports.disconnected(first);
    expect(reports.counts()).toEqual({ known: 1, connected: 0, unresponsive: 0 });
  });
});
