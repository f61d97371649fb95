import { describe, expect, it } from 'vitest';
import { EventRecorder } from '../events.ts';
import { LeaderElector } from '../leaderElector.ts';
import { resources } from '../resource.ts';
import { configMap, type Subject } from './conformanceSubject.ts';
import { until } from './until.ts';

/** What is built upon the API works with what the server really accepts. */
export function useChecks(subject: Subject): void {
  describe('election and Events', () => {
    it('elects one, and the next as soon as the first gives way', async () => {
      const { client, namespace } = subject;
      const log: string[] = [];
      const times = { leaseDurationMs: 3000, renewDeadlineMs: 2000, retryPeriodMs: 100 };
      const candidate = (identity: string): LeaderElector => {
        const onStarted = (): void => void log.push(identity);
        return new LeaderElector({
          client,
          namespace,
          name: 'elected',
          identity,
          onStarted,
          ...times,
        }).start();
      };
      const first = candidate('one/10.0.0.1:15010');
      await until('the first leads', () => first.isLeader);
      const second = candidate('two/10.0.0.2:15010');
      await until('the second sees it', () => second.leader === 'one/10.0.0.1:15010');
      await first.stop();
      await until('the second leads', () => second.isLeader);
      const lease = await client.get(resources.leases, { namespace, name: 'elected' });
      expect(lease.spec).toMatchObject({ holderIdentity: 'two/10.0.0.2:15010', leaseTransitions: 1 });
      await second.stop();
      expect(log).toEqual(['one/10.0.0.1:15010', 'two/10.0.0.2:15010']);
    });

    it('writes an Event, and counts what happens again', async () => {
      const { client, namespace } = subject;
      const object = await client.create(resources.configMaps, configMap(subject, 'regarded'));
      const errors: Error[] = [];
      const onError = (error: Error): void => void errors.push(error);
      const recorder = new EventRecorder({
        client,
        component: 'weft-operator',
        instance: 'weft-operator-1',
        onError,
      });
      const happening = { type: 'Warning' as const, reason: 'TestFailed', action: 'Test', note: 'it failed' };
      for (let n = 0; n < 3; n++) recorder.record({ resource: resources.configMaps, object, ...happening });
      await recorder.flush();
      expect(errors).toEqual([]);
      const { items } = await client.list(resources.events, { namespace });
      const mine = items.filter(({ regarding }) => regarding?.name === 'regarded');
      expect(mine).toMatchObject([
        { ...happening, series: { count: 3 }, regarding: { uid: object.metadata.uid } },
      ]);
    });
  });
}
