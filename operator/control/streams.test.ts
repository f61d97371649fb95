import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Streams, type Listener } from './streams.ts';
import { TestSource } from './testing/source.ts';

describe('the streams of a replica', () => {
  it('hear of changes, also after one of them has failed, which ends alone', () => {
    const source = new TestSource();
    const streams = new Streams({ source, clock: new ManualClock() });
    const heard: string[] = [];
    const listener = (name: string, changed: () => void): Listener => ({
      workload: `deployment/shop/${name}`,
      namespace: 'shop',
      changed,
      fail: (error) => heard.push(`${name} failed: ${(error as Error).message}`),
    });
    streams.add(
      listener('bad', () => {
        throw new Error('for the test');
      }),
    );
    streams.add(listener('good', () => heard.push('good')));
    source.set('bad', {});
    source.set('good', {});
    source.set('good', { parts: { policy: '2' } });
    expect(heard).toEqual(['bad failed: for the test', 'good', 'good']);
    streams.stop();
  });
});
