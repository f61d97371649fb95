import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh } from '../../certs/testing/pki.ts';
import type { Endpoint, Service } from '../../core/proxyConfig/index.ts';
import { temporaryFolder } from '../../proxy/config/testing/volumes.ts';
import { run } from '../support/run.ts';
import { startGreeters, whoAnswers } from './support/greeters.ts';
import { createNetwork, type Network, type PodNamespace } from './support/namespaces.ts';
import { startPodProxy, type PodProxy } from './support/proxies.ts';

const APPLICATION = { uid: 1000, gid: 1000 };
/** Addresses of the service: nobody has them, only redirection and the proxy know what is meant. */
const VIRTUAL = ['10.96.0.5', 'fd00:96::5'];
const id = (account: string) => `spiffe://cluster.local/ns/shop/sa/${account}`;

/** An HTTP application on every address, and a client that prints what it got. */
const SERVER = `
require('node:http').createServer((request, response) =>
  response.end(JSON.stringify({ path: request.url, from: request.socket.remoteAddress, source: request.headers['x-weft-source'] ?? null })),
).listen(Number(process.argv[1]), '::', () => console.log('ready'));
`;
const CLIENT = `
require('node:http').get(process.argv[1], { timeout: 5000 }, (response) => {
  let text = '';
  response.on('data', (part) => (text += part)).on('end', () => console.log(JSON.stringify({ status: response.statusCode, reason: response.headers['x-weft-reason'] ?? null, text })));
}).on('error', (error) => console.log(JSON.stringify({ error: error.code })));
`;

interface Got {
  status?: number;
  reason?: string | null;
  text?: string;
  error?: string;
}

let network: Network;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let web: PodNamespace;
let cart: PodNamespace;
let outside: PodNamespace;
let proxies: { web: PodProxy; cart: PodProxy };
const children: ChildProcess[] = [];

async function serve(pod: PodNamespace, port: number): Promise<void> {
  const [command, args] = pod.exec([process.execPath, '-e', SERVER, '--', String(port)], APPLICATION);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
}

async function get(pod: PodNamespace, url: string): Promise<Got> {
  const [command, args] = pod.exec([process.execPath, '-e', CLIENT, '--', url], APPLICATION);
  return JSON.parse(await run(command, args)) as Got;
}

const seen = (got: Got) =>
  JSON.parse(got.text ?? '{}') as { path: string; from: string; source: string | null };
const url = (address: string, port: number, path = '/') =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}${path}`;

beforeAll(async () => {
  network = await createNetwork();
  [web, cart, outside] = [await network.addPod(), await network.addPod(), await network.addPod()];
  folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  const mesh = await createTestMesh();
  const endpoint = (address: string): Endpoint => ({
    address,
    port: 9080,
    state: 'Ready',
    wire: 'weft-tcp/1',
    identity: id('cart'),
  });
  const service: Service = {
    hash: 'h',
    namespace: 'shop',
    name: 'cart',
    addresses: VIRTUAL,
    hosts: ['cart', 'cart.shop'],
    ports: [{ port: 8080, protocol: 'Auto', endpoints: [endpoint(cart.ipv4), endpoint(cart.ipv6)] }],
  };
  const options = { folder: folder.path, mesh };
  const config = { services: [service] };
  proxies = {
    // each thread asks the kernel for itself where a connection was meant to go
    web: await startPodProxy({
      ...options,
      pod: web,
      serviceAccount: 'web',
      config: { ...config, mtls: 'Permissive' },
      workers: 2,
    }),
    cart: await startPodProxy({
      ...options,
      pod: cart,
      serviceAccount: 'cart',
      config: { ...config, mtls: 'Strict' },
    }),
  };
  await Promise.all([serve(cart, 9080), serve(web, 7000), serve(outside, 8000)]);
  for (const pod of [web, cart])
    children.push(await startGreeters(pod, [{ name: 'own', host: '127.0.0.1', port: 9082 }]));
  children.push(await startGreeters(outside, [{ name: '220 outside', host: '::', port: 25 }]));
});

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const proxy of Object.values(proxies ?? {})) proxy.stop();
  await network.remove();
  await folder.remove();
});

describe.each([
  ['IPv4', 0, (pod: PodNamespace) => pod.ipv4],
  ['IPv6', 1, (pod: PodNamespace) => pod.ipv6],
] as const)('redirected %s', (_family, index, addressOf) => {
  it("a call to the service's address goes to an endpoint by mTLS, with the caller's identity", async () => {
    const got = await get(web, url(VIRTUAL[index]!, 8080, '/service'));
    expect(got).toMatchObject({ status: 200, reason: null });
    expect(seen(got)).toMatchObject({ path: '/service', source: id('web') });
    // the source address by which redirection lets the proxy through
    expect(['::ffff:127.0.0.6', '::6']).toContain(seen(got).from);
  });

  it("a call to the pod's own address goes to that pod, by mTLS", async () => {
    const got = await get(web, url(addressOf(cart), 9080, '/pod'));
    expect(got).toMatchObject({ status: 200 });
    expect(seen(got)).toMatchObject({ path: '/pod', source: id('web') });
  });

  it('plain text from a pod without a proxy is refused where Strict, and taken where Permissive', async () => {
    expect(await get(outside, url(addressOf(cart), 9080))).toMatchObject({
      status: 403,
      reason: 'MTLS_REQUIRED',
    });
    const got = await get(outside, url(addressOf(web), 7000, '/plain'));
    expect(got).toMatchObject({ status: 200 });
    expect(seen(got)).toMatchObject({ path: '/plain', source: null });
  });

  it('what is outside the mesh is reached as it is', async () => {
    const got = await get(web, url(addressOf(outside), 8000, '/outside'));
    expect(got).toMatchObject({ status: 200 });
    expect(seen(got)).toMatchObject({ path: '/outside', source: null });
  });

  it('a server that speaks first is heard', async () => {
    expect(await whoAnswers({ from: web, to: addressOf(outside), port: 25, user: APPLICATION })).toBe(
      '220 outside',
    );
  });

  it('the port of the inbound proxy itself is refused', async () => {
    expect(await get(outside, url(addressOf(cart), 15006))).toEqual({ error: 'ECONNRESET' });
  });

  it('a port that the application opened for itself alone is not published', async () => {
    expect(await get(cart, url('127.0.0.1', 9082))).toMatchObject({
      error: expect.stringMatching(/^HPE_/) as string,
    });
    expect(await get(outside, url(addressOf(web), 9082))).toMatchObject({
      status: 503,
      reason: 'APPLICATION_UNAVAILABLE',
    });
  });
});

it('a pod that calls itself by its service keeps mTLS', async () => {
  const got = await get(cart, url(VIRTUAL[0]!, 8080, '/self'));
  expect(got).toMatchObject({ status: 200 });
  expect(seen(got)).toMatchObject({ path: '/self', source: id('cart') });
});

it('both logs name both identities', async () => {
  await get(web, url(VIRTUAL[0]!, 8080, '/logged'));
  for (const { output } of Object.values(proxies)) {
    const deadline = Date.now() + 5_000;
    while (!output().includes('/logged') && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 20));
    const line = output()
      .split('\n')
      .find((text) => text.includes('/logged'))!;
    expect(line).toContain(id('web'));
    expect(line).toContain(id('cart'));
  }
});
