import { once } from 'node:events';
import { createServer, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestMesh, type TestMesh } from '../../certs/testing/pki.ts';
import type { Service } from '../../core/proxyConfig/index.ts';
import {
  directoryText,
  documentText,
  sectionOf,
  temporaryFolder,
} from '../../proxy/config/testing/volumes.ts';
import { startProxyProcess, type ProxyProcess } from '../../proxy/testing/proxyProcess.ts';
import { waitFor } from '../support/waitFor.ts';
import { exceptions, type Listener } from './exceptions.ts';
import { tlsRelay, type TlsRelay } from './relay.ts';
import { buildH2spec, h2spec } from './run.ts';

const SERVICE_ADDRESS = '10.96.0.5';
const PORT = 8080;

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let program: string;
let application: Http2Server;
let mesh: TestMesh;
let proxy: ProxyProcess;
let relay: TlsRelay;

/** The application as a service without a proxy: what the outbound listener carries to it is HTTP/2 in plain text. */
const service = (port: number): Service => ({
  hash: 'h',
  namespace: 'shop',
  name: 'catalog',
  addresses: [SERVICE_ADDRESS],
  hosts: ['catalog'],
  ports: [{ port: PORT, protocol: 'Http2', endpoints: [{ address: '127.0.0.1', port, state: 'Ready' }] }],
});

async function startProxy(port: number): Promise<void> {
  proxy = await startProxyProcess({
    folder: folder.path,
    application: port,
    destination: `${SERVICE_ADDRESS}:${PORT}`,
    environment: { WEFT_LOG_LEVEL: 'Warn' },
  });
  await proxy.podInfo.write({ labels: 'app="cart"\n' });
  const section = { ...sectionOf({ app: 'cart' }), protocols: { [String(PORT)]: 'Http2' as const } };
  await proxy.config.write({
    'config.json': documentText({
      sections: [section],
      services: [service(port)],
      telemetry: { accessLog: 'Off' },
    }),
  });
  await proxy.directory.write({ 'directory.json': directoryText() });
  await proxy.identity.write({ ...(await mesh.workload('shop', 'cart')) });
  await waitFor('the proxy to be ready', async () => {
    const health = await fetch(`http://127.0.0.1:${proxy.ports.health}/healthz/startup`).catch(
      () => undefined,
    );
    return health?.status === 200 ? true : undefined;
  });
}

beforeAll(async () => {
  folder = await temporaryFolder();
  program = await buildH2spec(folder.path);
  // answered at its end: an answer before it ends the stream too, and hides what comes of the frames after it
  application = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('an answer with some bytes\n'));
  });
  application.listen(0, '127.0.0.1');
  await once(application, 'listening');
  mesh = await createTestMesh();
  await startProxy((application.address() as AddressInfo).port);
  relay = await tlsRelay(proxy.ports.inbound, await mesh.workload('shop', 'web'), 'weft/1');
});

afterAll(async () => {
  await relay.close();
  proxy.child.kill('SIGKILL');
  await proxy.ended;
  application.close();
  await folder.remove();
});

describe('h2spec', () => {
  const ports: Record<Listener, () => number> = {
    inbound: () => proxy.ports.inbound,
    outbound: () => proxy.ports.outbound,
    mesh: () => relay.port,
  };

  it.each(Object.keys(ports) as Listener[])(
    'passes every case against the %s listener',
    async (listener) => {
      const cases = await h2spec(program, ports[listener](), folder.path);
      expect(cases.length).toBeGreaterThan(140);
      const failed = cases.filter(({ outcome }) => outcome !== 'passed');
      const excepted = exceptions[listener];
      const unexpected = failed.filter(({ name }) => !Object.hasOwn(excepted, name));
      expect(unexpected.map(({ name, detail }) => `${name}: ${detail}`)).toEqual([]);
      expect(Object.keys(excepted).filter((name) => !failed.some((each) => each.name === name))).toEqual([]);
      // the proxy is still the one that was started
      expect(proxy.child.exitCode).toBeNull();
    },
    280_000,
  );
});
