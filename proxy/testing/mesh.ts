/** Two workloads with real proxies, real certificates and real sockets, in one process. */
import http from 'node:http';
import { once } from 'node:events';
import { inject } from 'vitest';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Endpoint, Protocol, Service, Wire } from '../../core/proxyConfig/index.ts';
import type { IdentityFiles } from '../../certs/verify/index.ts';
import type { Address, Running } from '../context.ts';
import { loadIdentity } from '../config/identity.ts';
import { startInbound } from '../inbound/stack.ts';
import { startOutbound } from '../outbound/stack.ts';
import { configState, testPlane, type ConfigParts, type TestPlane } from './plane.ts';
import { deadPort as freePort } from './sockets.ts';

/** In which form the proxies of a test speak to each other: vitest.config.ts runs all with each. */
declare module 'vitest' {
  interface ProvidedContext {
    wire: Wire;
  }
}

export const id = (serviceAccount: string) => `spiffe://cluster.local/ns/shop/sa/${serviceAccount}`;

/** Issues the files of `shop/<service account>`: certs/testing has one. */
export type Issue = (serviceAccount: string) => Promise<IdentityFiles>;

/** The virtual address of the one service that clients call. */
export const SERVICE: Address = { host: '10.96.0.5', port: 8080 };
/** The port of the workload that policy sees. */
export const PORT = 8080;

export interface ProxyOfServer {
  readonly plane: TestPlane;
  readonly inbound: Running;
  readonly port: number;
  endpoint(change?: Partial<Endpoint>): Endpoint;
}

export class TestMeshOfTwo {
  private readonly issue: Issue;
  private readonly stops: (() => Promise<void>)[] = [];

  constructor(issue: Issue) {
    this.issue = issue;
  }

  async identity(plane: TestPlane, serviceAccount: string): Promise<void> {
    const files = await this.issue(serviceAccount);
    plane.identity.set(loadIdentity({ ...files }, { spiffeId: id(serviceAccount), now: new Date() }));
  }

  /** An inbound proxy before an application at `port` of loopback. */
  async server(
    application: number,
    parts: ConfigParts = {},
    serviceAccount = 'cart',
  ): Promise<ProxyOfServer> {
    const plane = testPlane();
    plane.config.set(configState(parts));
    await this.identity(plane, serviceAccount);
    const inbound = await startInbound({
      listen: [
        {
          listen: { host: '127.0.0.1', port: 0 },
          fixed: { port: PORT, dial: { host: '127.0.0.1', port: application } },
        },
      ],
      plane,
    });
    this.stops.push(() => inbound.stop(0));
    const { port } = inbound.addresses[0]!;
    const endpoint = (change: Partial<Endpoint> = {}): Endpoint => ({
      address: '127.0.0.1',
      port,
      state: 'Ready',
      wire: inject('wire'),
      identity: id(serviceAccount),
      ...change,
    });
    return { plane, inbound, port, endpoint };
  }

  /** An outbound proxy whose listener leads to `destination`, by default the service. */
  async client(parts: ConfigParts, destination: Address = SERVICE) {
    const plane = testPlane();
    plane.config.set(configState(parts));
    await this.identity(plane, 'web');
    const outbound = await startOutbound({
      listen: [{ listen: { host: '127.0.0.1', port: 0 }, fixed: destination }],
      plane,
    });
    this.stops.push(() => outbound.stop(0));
    return { plane, outbound, port: outbound.addresses[0]!.port };
  }

  /** The port of another outbound proxy of `plane`, which goes where the Host of a request says. */
  async direct(plane: TestPlane): Promise<number> {
    const own = { host: '127.0.0.1', port: await freePort() };
    const outbound = await startOutbound({ listen: [{ listen: own, fixed: own }], plane });
    this.stops.push(() => outbound.stop(0));
    return own.port;
  }

  /** Anything else to end with the test. */
  onEnd(stop: () => Promise<void>): void {
    this.stops.push(stop);
  }

  async stop(): Promise<void> {
    await Promise.all(this.stops.splice(0).map((stop) => stop()));
  }

  /** An application that speaks bytes; returns its port. */
  async bytes(handler: (socket: Socket) => void): Promise<number> {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      this.onEnd(async () => void socket.destroy());
      handler(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.onEnd(async () => void server.close());
    return (server.address() as AddressInfo).port;
  }

  /** An HTTP application; returns its port. */
  async application(handler: http.RequestListener): Promise<number> {
    const server = http.createServer(handler);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.stops.push(async () => {
      server.closeAllConnections();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
}

/** The service cart with these endpoints. */
export const cart = (endpoints: Endpoint[], protocol: Protocol = 'Auto'): Service => ({
  hash: 'h',
  namespace: 'shop',
  name: 'cart',
  addresses: [SERVICE.host],
  hosts: ['cart', 'cart.shop', 'cart.shop.svc', 'cart.shop.svc.cluster.local'],
  ports: [{ port: SERVICE.port, protocol, endpoints }],
});

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: string;
}

/** One request by Node's own client. */
export function call(port: number, options: http.RequestOptions & { body?: string } = {}): Promise<Answer> {
  const { body, ...request } = options;
  return new Promise((resolve, reject) => {
    const outgoing = http.request({ host: '127.0.0.1', port, agent: false, ...request }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => (text += String(part)));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}
