import { pino } from 'pino';
import { expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { OperatorMetrics } from '../metrics.ts';
import { countEvents } from './events.ts';

it('counts all failures, and logs no more of them than somebody reads', async () => {
  const lines: string[] = [];
  const clock = new ManualClock();
  const metrics = new OperatorMetrics({
    leading: () => true,
    connections: () => 0,
    reports: () => ({ known: 0, connected: 0, unresponsive: 0 }),
    depths: () => ({}),
  });
  const events = countEvents(metrics, pino({}, { write: (line) => void lines.push(line) }), clock);
  const peer = { namespace: 'shop', serviceAccount: 'cart' };
  for (let count = 0; count < 100; count += 1) events.failed('MESSAGE_INVALID', peer, '');
  expect(lines).toHaveLength(20);
  clock.advance(1_000);
  events.skipped('MESSAGE_INVALID', '');
  expect(lines).toHaveLength(21);
  expect(await metrics.registry.metrics()).toMatch(/stream_errors_total\{code="MESSAGE_INVALID"\} 101/);
});
