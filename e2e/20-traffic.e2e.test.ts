/** Calls of the shop: they work, they are encrypted between pods, and both sides know who the other is. */
import { beforeAll, describe, expect, it } from 'vitest';
import { call, caller, shopPod } from './support/calls.ts';
import { capture } from './support/capture.ts';
import { identityOf, namespaces } from './support/environment.ts';
import { get, livingPods, type Pod } from './support/kubectl.ts';
import { chosenTlsVersion, showsHttp, type Segment } from './support/pcap.ts';
import { accessLogs } from './support/proxy.ts';
import { waitFor } from './support/waitFor.ts';

const TLS_1_3 = 0x0304;
const { shop } = namespaces;

let pods: Pod[];

beforeAll(async () => {
  pods = await livingPods(shop);
});

const addressesOf = (app: string) =>
  pods.filter(({ metadata }) => metadata.labels?.['app'] === app).map(({ status }) => status.podIP!);

/** Segments with a payload between pods of two services, both ways. */
function between(segments: Segment[], one: string, other: string): Segment[] {
  const [a, b] = [addressesOf(one), addressesOf(other)];
  return segments.filter(
    ({ source, destination, payload }) =>
      payload.length > 0 &&
      ((a.includes(source) && b.includes(destination)) || (b.includes(source) && a.includes(destination))),
  );
}

describe('the shop in the mesh', () => {
  it('answers through all of its services', async () => {
    const web = await shopPod('web');
    const front = await call(web, 'http://web:8080/');
    expect(front).toMatchObject({
      status: 200,
      body: {
        catalog: { status: 200, body: { service: 'catalog', inventory: { status: 200 } } },
        cart: { status: 200, body: { service: 'cart' } },
      },
    });
    const checkout = await call(web, 'http://web:8080/checkout', { method: 'POST' });
    expect(checkout).toMatchObject({
      status: 200,
      body: { cart: { body: { payment: { status: 200, body: { charged: true } } } } },
    });
  });

  it('reaches both versions of the catalog', async () => {
    const web = await shopPod('web');
    const seen = new Set<string>();
    await waitFor('an answer of each version', async () => {
      const { body } = await call(web, 'http://catalog:8080/whoami');
      seen.add((body as { version: string }).version);
      return seen.size === 2;
    });
    expect(seen).toEqual(new Set(['v1', 'v2']));
  });

  it('shows on the node TLS 1.3 and no plain request between pods', async () => {
    const web = await shopPod('web');
    const segments = await capture('tcp port 8080', async () => {
      for (let i = 0; i < 3; i += 1) {
        expect((await call(web, 'http://web:8080/')).status).toBe(200);
        expect((await call(web, 'http://web:8080/checkout', { method: 'POST' })).status).toBe(200);
      }
    });
    const pairs = [
      ['web', 'cart'],
      ['web', 'catalog'],
      ['cart', 'payment'],
      ['catalog', 'inventory'],
    ] as const;
    for (const [one, other] of pairs) {
      const payloads = between(segments, one, other).map(({ payload }) => payload);
      expect({
        pair: [one, other],
        // application data records of TLS begin like this
        encrypted: payloads.some((payload) => payload[0] === 23 && payload[1] === 3),
        plain: payloads.filter(showsHttp),
      }).toEqual({ pair: [one, other], encrypted: true, plain: [] });
    }
    const own = pods.map(({ status }) => status.podIP!);
    const versions = segments
      .filter(({ source, destination }) => own.includes(source) && own.includes(destination))
      .map(({ payload }) => chosenTlsVersion(payload))
      .filter((version) => version !== undefined);
    expect(new Set([TLS_1_3, ...versions])).toEqual(new Set([TLS_1_3]));
  });

  it('makes each new connection between pods by a TLS 1.3 handshake', async () => {
    // a pod that was not there before has no connections yet
    const from = await caller(namespaces.workloads);
    const segments = await capture('tcp port 8080', async () => {
      expect((await call(from, `http://cart.${shop}:8080/cart`)).status).toBe(200);
    });
    const { status } = await get<Pod>(['pod', from.pod, '-n', from.namespace]);
    // kubelet's probes of other pods are in the capture too, and are plain by nature
    const own = segments.filter(({ source, destination }) => [source, destination].includes(status.podIP!));
    const chosen = own.map(({ payload }) => chosenTlsVersion(payload));
    expect(chosen.filter((version) => version !== undefined)).toContain(TLS_1_3);
    expect(own.filter(({ payload }) => showsHttp(payload))).toEqual([]);
  });

  it('would have seen a plain request: one from outside the mesh is in the capture', async () => {
    const from = await caller(namespaces.outside);
    const segments = await capture('tcp port 8080', async () => {
      expect((await call(from, `http://cart.${shop}:8080/cart`)).status).toBe(200);
    });
    expect(segments.some(({ payload }) => showsHttp(payload))).toBe(true);
  });

  it('has both identities in the access logs of both sides', async () => {
    const cart = await shopPod('cart');
    const both = { source: identityOf(shop, 'cart'), destination: identityOf(shop, 'payment') };
    const id = 'both-sides';
    expect((await call(cart, 'http://payment:8080/charge', { method: 'POST', id })).status).toBe(200);
    for (const [app, direction] of [
      ['cart', 'outbound'],
      ['payment', 'inbound'],
    ] as const) {
      const line = await waitFor(`the line of ${app}`, async () =>
        (await accessLogs(shop, `app=${app}`)).find(
          (line) => line.requestId === id && line.direction === direction,
        ),
      );
      expect(line).toMatchObject({ direction, security: 'mtls', status: 200, ...both });
    }
  });

  it('tells the application who called', async () => {
    const web = await shopPod('web');
    const { body } = await call(web, 'http://cart:8080/whoami');
    expect(body).toMatchObject({ service: 'cart', source: identityOf(shop, 'web') });
  });
});
