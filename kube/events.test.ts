import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventRecorder, type Happening } from './events.ts';
import { resources, type KubeEvent, type Pod } from './resource.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { ManualClock } from './testing/manualClock.ts';

let server: ApiServer;
let clock: ManualClock;
let errors: Error[];
let recorder: EventRecorder;
let pod: Pod;

beforeEach(async () => {
  server = await startApiServer({ namespaces: ['shop'] });
  clock = new ManualClock();
  errors = [];
  recorder = new EventRecorder({
    client: server.client({ random: () => 0 }),
    component: 'weft-operator',
    instance: 'weft-operator-1',
    clock,
    onError: (error) => errors.push(error),
  });
  pod = server.objects.put(resources.pods, { metadata: { namespace: 'shop', name: 'cart-1' } });
});
afterEach(() => server.close());

const happening = (change: Partial<Happening> = {}): Happening => ({
  resource: resources.pods,
  object: pod,
  type: 'Warning',
  reason: 'IssueFailed',
  action: 'IssueCertificate',
  note: 'the issuer has expired',
  ...change,
});
const events = (namespace = 'shop'): KubeEvent[] => server.objects.list(resources.events, namespace);

describe('EventRecorder', () => {
  it('writes what happened to which object', async () => {
    recorder.record(happening());
    await recorder.flush();
    expect(events()).toMatchObject([
      {
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'weft-operator',
        reportingInstance: 'weft-operator-1',
        type: 'Warning',
        reason: 'IssueFailed',
        action: 'IssueCertificate',
        note: 'the issuer has expired',
        regarding: {
          apiVersion: 'v1',
          kind: 'Pod',
          namespace: 'shop',
          name: 'cart-1',
          uid: pod.metadata.uid,
        },
      },
    ]);
  });

  it('writes those of what has no namespace where kubectl looks for them', async () => {
    const object = server.objects.put(resources.nodes, { metadata: { name: 'node1' } });
    recorder.record(happening({ resource: resources.nodes, object }));
    await recorder.flush();
    expect(events('default')).toMatchObject([{ regarding: { kind: 'Node', name: 'node1' } }]);
  });

  it('counts equal ones in one Event, and begins anew after some minutes', async () => {
    for (let n = 0; n < 4; n++) {
      recorder.record(happening());
      clock.advance(60_000);
    }
    await recorder.flush();
    recorder.record(happening({ note: 'something else' }));
    await recorder.flush();
    expect(events().map(({ note, series }) => [note, series?.count])).toEqual([
      ['the issuer has expired', 4],
      ['something else', undefined],
    ]);
    clock.advance(6 * 60_000);
    recorder.record(happening());
    await recorder.flush();
    expect(events()).toHaveLength(3);
  });

  it('writes a new Event where the counted one is gone', async () => {
    recorder.record(happening());
    await recorder.flush();
    server.objects.delete(resources.events, { namespace: 'shop', name: events()[0]!.metadata.name });
    recorder.record(happening());
    await recorder.flush();
    expect(events()).toHaveLength(1);
  });

  it('drops what one object has too much of, not what others have', async () => {
    for (let n = 0; n < 40; n++) recorder.record(happening({ note: `number ${n}` }));
    const other = server.objects.put(resources.pods, { metadata: { namespace: 'shop', name: 'web-1' } });
    recorder.record(happening({ object: other }));
    await recorder.flush();
    expect(events()).toHaveLength(26);
    expect(recorder.dropped).toBe(15);
    clock.advance(5 * 60_000);
    recorder.record(happening({ note: 'later' }));
    await recorder.flush();
    expect(events()).toHaveLength(27);
  });

  it('never throws: refusals are told aside', async () => {
    server.faults.respond({ status: 403, path: '/events' });
    recorder.record(happening());
    recorder.record(happening({ note: 'n'.repeat(5000), reason: 'R'.repeat(500) }));
    await recorder.flush();
    expect(errors).toMatchObject([{ status: 403 }]);
    expect(recorder.dropped).toBe(1);
    expect(events()).toHaveLength(1);
    expect(events()[0]?.note).toHaveLength(1024);
    await recorder.stop();
    recorder.record(happening());
    expect(recorder.dropped).toBe(2);
  });
});
