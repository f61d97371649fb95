import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reflector } from './reflector.ts';
import { resources } from './resource.ts';
import { startApiServer, type ApiServer } from './testing/apiServer.ts';
import { settle } from './testing/manualClock.ts';
import { until } from './testing/until.ts';

const { configMaps } = resources;
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');

type Step = (server: ApiServer) => void;
const named = (make: (name: string) => Step): fc.Arbitrary<Step> => name.map(make);
const always = (step: Step): fc.Arbitrary<Step> => fc.constant(step);

let serial = 0;
const put =
  (key: string): Step =>
  ({ objects }) => {
    serial += 1;
    objects.put(configMaps, { metadata: { namespace: 'shop', name: key }, data: { serial: String(serial) } });
  };
const remove =
  (key: string): Step =>
  ({ objects }) =>
    void objects.delete(configMaps, { namespace: 'shop', name: key });

const change = fc.oneof(
  named(put),
  named(remove),
  named((key) => (server) => {
    remove(key)(server);
    put(key)(server);
  }),
);
const fault = fc.oneof(
  always(({ watches }) => watches.drop()),
  always(({ watches }) => watches.end()),
  always(({ watches }) => watches.expire()),
  always(({ watches }) => watches.garbage()),
  always(({ watches }) => watches.stall()),
  always(({ watches }) => watches.bookmark()),
  always((server) => server.compact()),
  // What happened in this turn is lost for the client: only a new list can tell.
  always((server) => {
    server.compact();
    server.watches.drop();
  }),
  always(({ faults }) => void faults.drop({ path: '/configmaps' })),
  always(({ faults }) => void faults.drop({ path: '/configmaps', afterwards: true })),
  always(({ faults }) => void faults.respond({ status: 500, path: '/configmaps' })),
  always(({ faults }) => void faults.respond({ status: 410, reason: 'Expired', path: '/configmaps' })),
  always(({ faults }) => void faults.delay({ ms: 3, path: '/configmaps' })),
);
const step = fc.oneof({ weight: 3, arbitrary: change }, { weight: 2, arbitrary: fault });

/** What the changes that were told amount to. */
class Listener {
  readonly known = new Map<string, string>();
  readonly wrong: string[] = [];

  hear(type: string, key: string, uid: string): void {
    const had = this.known.get(key);
    if ((type === 'Added') !== (had === undefined)) this.wrong.push(`${type} ${key}`);
    if (type !== 'Added' && had !== uid) this.wrong.push(`${type} ${key} of another uid`);
    if (type === 'Deleted') this.known.delete(key);
    else this.known.set(key, uid);
  }
}

const versionsOf = (objects: Iterable<{ metadata: { name: string; resourceVersion?: string } }>): object =>
  Object.fromEntries(Array.from(objects, ({ metadata }) => [metadata.name, metadata.resourceVersion]));

describe('Reflector, whatever happens', () => {
  it('ends with what the server has, and has told every step of it', async () => {
    const server = await startApiServer();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(step, fc.boolean()), { minLength: 20, maxLength: 60 }),
        async (steps) => {
          const listener = new Listener();
          const reflector = new Reflector({
            client: server.client(),
            resource: configMaps,
            pageSize: 2,
            livenessMs: 60,
            backoff: { baseMs: 1, maxMs: 4 },
            onChange: ({ type, key, object }) => listener.hear(type, key, object.metadata.uid ?? ''),
          }).start();
          for (const [act, breathe] of steps) {
            act(server);
            if (breathe) await settle();
          }
          server.faults.clear();
          const expected = (): object => versionsOf(server.objects.list(configMaps));
          await until('the store equals the server', () => {
            const same =
              JSON.stringify(versionsOf(reflector.store.values().toSorted(byName))) ===
              JSON.stringify(expected());
            return same && reflector.isSynced;
          });
          await reflector.stop();
          expect(listener.wrong).toEqual([]);
          expect([...listener.known.keys()].toSorted()).toEqual([...reflector.store.keys()].toSorted());
        },
      ),
      { numRuns: 60 },
    );
    await server.close();
  }, 60_000);
});

const byName = (a: { metadata: { name: string } }, b: { metadata: { name: string } }): number =>
  a.metadata.name < b.metadata.name ? -1 : 1;
