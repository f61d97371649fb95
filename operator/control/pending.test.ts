import { expect, it } from 'vitest';
import { podModel, reportOf } from '../testing/model.ts';
import { MAX_FORWARD_MESSAGE_BYTES, Pending } from './pending.ts';
import { ReportRegistry } from './reports.ts';

it('passes over what the leader would refuse, and tells the rest', () => {
  const reports = new ReportRegistry({ now: () => 0 });
  const [long, short] = [podModel('cart-1'), podModel('cart-2')];
  reports.accept({ ...reportOf(long), proxyVersion: 'x'.repeat(MAX_FORWARD_MESSAGE_BYTES) }, {});
  reports.accept(reportOf(short), {});
  const dropped: string[] = [];
  const pending = new Pending({
    reports,
    used: () => new Set(),
    onTooLong: ({ type }) => dropped.push(type),
  });
  pending.all([long.uid, short.uid], []);
  const lines = pending.take(1_000_000).trim().split('\n');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(short.uid);
  expect(dropped).toEqual(['report']);
});
