import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import { canonicalJson, type ProxyConfig, type Service } from '../../core/proxyConfig/index.ts';
import { documentHash } from '../../proxy/config/position.ts';
import { documentText, eventually, sectionOf, temporaryFolder } from '../../proxy/config/testing/volumes.ts';
import { call, startMeshPod, type MeshPod } from './support/meshPod.ts';
import { createNetwork, type Network, type PodNamespace } from './support/namespaces.ts';

const CART = 'spiffe://cluster.local/ns/shop/sa/cart';
const PAYMENT = 'spiffe://cluster.local/ns/shop/sa/payment';
/** Cluster addresses of payment: no host has them, only the proxies know what they mean. */
const SERVICE = { ipv4: '10.96.0.5', ipv6: 'fd00:96::5' };

let network: Network;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let cartPod: PodNamespace;
let paymentPod: PodNamespace;
let stranger: PodNamespace;
let cart: MeshPod;
let payment: MeshPod;

function service(name: string, address: string, endpoint: string): Service {
  const part = {
    namespace: 'shop',
    name,
    addresses: [address],
    hosts: [name],
    ports: [
      {
        port: 8080,
        protocol: 'Http' as const,
        endpoints: [
          {
            address: endpoint,
            port: 8080,
            state: 'Ready' as const,
            wire: 'weft-tcp/1' as const,
            identity: PAYMENT,
          },
        ],
      },
    ],
  };
  return { hash: documentHash(canonicalJson(part)), ...part };
}

function paymentSection(): ProxyConfig['sections'][number] {
  const section = sectionOf({ app: 'payment' });
  section.inbound = {
    mtls: { mode: 'Strict', ports: {}, policy: 'shop/payment' },
    authorization: {
      default: 'Deny',
      policies: ['shop/payment'],
      rules: [
        {
          policy: 'shop/payment',
          name: 'cart-charges',
          action: 'Allow',
          from: [{ principals: [CART, PAYMENT] }],
          to: [{ methods: ['POST'], paths: ['/charge'] }],
        },
      ],
    },
  };
  return section;
}

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  [cartPod, paymentPod, stranger] = [await network.addPod(), await network.addPod(), await network.addPod()];
  const mesh = await createTestMesh();
  const services = [
    service('payment', SERVICE.ipv4, paymentPod.ipv4),
    service('payment6', SERVICE.ipv6, paymentPod.ipv6),
  ];
  const probe = { httpGet: { path: '/healthz', port: 8080 } };
  payment = await startMeshPod({
    pod: paymentPod,
    folder: folder.path,
    name: 'payment',
    config: documentText({ sections: [paymentSection()], services }),
    identity: await mesh.workload('shop', 'payment'),
    environment: {
      WEFT_PROBES: JSON.stringify({
        '/app-health/payment/livez': probe,
        '/app-health/payment/readyz': { tcpSocket: { port: 8080 } },
        '/app-health/payment/startupz': { tcpSocket: { port: 8081 } },
      }),
    },
  });
  cart = await startMeshPod({
    pod: cartPod,
    folder: folder.path,
    name: 'cart',
    config: documentText({ services }),
    identity: await mesh.workload('shop', 'cart'),
  });
});

afterAll(async () => {
  cart?.stop();
  payment?.stop();
  await network.remove();
  await folder.remove();
});

describe.each([
  { protocol: 'IPv4', service: SERVICE.ipv4, address: (pod: PodNamespace) => pod.ipv4, source: '127.0.0.6' },
  {
    protocol: 'IPv6',
    service: `[${SERVICE.ipv6}]`,
    address: (pod: PodNamespace) => `[${pod.ipv6}]`,
    source: '::6',
  },
])('two pods over $protocol', ({ service, address, source }) => {
  it('a call goes through both proxies over mTLS, and both say who called whom', async () => {
    const path = `/charge?over=${encodeURIComponent(service)}`;
    const { status, reason, body } = await call(cartPod, `http://${service}:8080${path}`, [
      '-XPOST',
      '-d',
      'x',
    ]);
    expect([status, reason, body['url']]).toEqual([200, undefined, path]);
    expect(String(body['remote']).replace('::ffff:', '')).toBe(source);
    const line = ({ accessLog }: MeshPod, wanted: string) =>
      accessLog.find(
        ({ direction, host, status }) => direction === wanted && status === 200 && host === `${service}:8080`,
      );
    await eventually(() => line(cart, 'outbound') && line(payment, 'inbound'));
    const both = { source: CART, destination: PAYMENT, security: 'mtls', path: '/charge' };
    expect(line(cart, 'outbound')).toMatchObject(both);
    expect(line(payment, 'inbound')).toMatchObject({ ...both, policy: 'shop/payment', rule: 'cart-charges' });
  });

  it('what no rule allows is refused with its reason', async () => {
    const { status, reason, body } = await call(cartPod, `http://${service}:8080/refund`, [
      '-XPOST',
      '-d',
      'x',
    ]);
    expect([status, reason]).toEqual([403, 'AUTHORIZATION_DENIED']);
    expect(body).toMatchObject({ code: 'AUTHORIZATION_DENIED', policy: 'shop/payment' });
  });

  it('plain text from outside the mesh is refused', async () => {
    const { status, reason } = await call(stranger, `http://${address(paymentPod)}:8080/charge`, ['-XPOST']);
    expect([status, reason]).toEqual([403, 'MTLS_REQUIRED']);
  });

  it('a pod that calls itself is judged by its own identity', async () => {
    const own = `http://${service}:8080`;
    expect((await call(paymentPod, `${own}/charge`, ['-XPOST', '-d', 'x'])).status).toBe(200);
    expect((await call(paymentPod, `${own}/refund`, ['-XPOST', '-d', 'x'])).status).toBe(403);
    await eventually(() => payment.accessLog.some(({ source }) => source === PAYMENT));
  });

  it('the application reaches what is outside the mesh', async () => {
    const { status, body } = await call(paymentPod, `http://${address(cartPod)}:8080/hello`);
    expect([status, body['url']]).toEqual([200, '/hello']);
  });
});

describe('kubelet', () => {
  it('probes an application under Strict by way of its proxy', async () => {
    const probe = async (name: string) =>
      (await call(stranger, `http://${paymentPod.ipv4}:15021/app-health/payment/${name}`)).status;
    expect(await probe('livez')).toBe(200);
    expect(await probe('readyz')).toBe(200);
    expect(await probe('startupz')).toBe(503);
  });

  it('finds no admin port from outside', async () => {
    const { status } = await call(stranger, `http://${paymentPod.ipv4}:15000/config`);
    expect(status).toBe(403);
  });
});
