/** A control server over real mTLS, with a mesh that the test sets, and everything that was counted. */
import { connect as connectTcp, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createTestMesh, type TestMesh } from '../../../certs/testing/pki.ts';
import type { Snapshot } from '../../../core/model/index.ts';
import { systemClock, type Clock } from '../../../kube/index.ts';
import { ProxyClient, type Files } from '../../testing/proxyClient.ts';
import type { StreamEvents } from '../events.ts';
import { identifyPeer } from '../identify.ts';
import { ReportRegistry } from '../reports.ts';
import { startControlServer, type ControlServer } from '../server.ts';
import type { ControlLimits } from '../sessions.ts';
import { Streams } from '../streams.ts';
import type { Leadership } from '../types.ts';
import { TestSource } from './source.ts';

export interface Counted {
  /** `type` of each message. */
  readonly received: string[];
  readonly sent: string[];
  readonly refused: string[];
  readonly asked: string[];
  readonly failed: string[];
  readonly skipped: string[];
  readonly turnedAway: string[];
  readonly seconds: number[];
  bytes: number;
}

export function counter(): { counted: Counted; events: StreamEvents } {
  const counted: Counted = {
    received: [],
    sent: [],
    refused: [],
    asked: [],
    failed: [],
    skipped: [],
    turnedAway: [],
    seconds: [],
    bytes: 0,
  };
  const events: StreamEvents = {
    open: () => undefined,
    received: (type) => counted.received.push(type),
    sent: (type, bytes) => {
      counted.sent.push(type);
      counted.bytes += bytes;
    },
    refused: (code) => counted.refused.push(code),
    asked: (outcome, services) => counted.asked.push(...Array<string>(services).fill(outcome)),
    propagated: (seconds) => counted.seconds.push(seconds),
    failed: (code) => counted.failed.push(code),
    skipped: (code) => counted.skipped.push(code),
  };
  return { counted, events };
}

export interface HarnessOptions {
  readonly limits?: Partial<ControlLimits>;
  readonly clock?: Clock;
  readonly leadership?: () => Leadership;
  readonly snapshot: () => Snapshot | undefined;
  readonly onUsed?: (workload: string) => void;
}

export interface ConnectOptions {
  readonly namespace?: string;
  /** Another mesh. */
  readonly from?: TestMesh;
  /** Of a relay. */
  readonly port?: number;
}

export interface Relay {
  readonly port: number;
  pause(): void;
  resume(): void;
}

export class Harness {
  readonly mesh: TestMesh;
  readonly source = new TestSource();
  readonly reports = new ReportRegistry({ now: Date.now });
  readonly streams: Streams;
  readonly counted: Counted;
  server!: ControlServer;
  readonly #clients: ProxyClient[] = [];
  readonly #relays: Server[] = [];
  readonly #events: StreamEvents;
  readonly #clock: Clock;

  constructor(mesh: TestMesh, clock: Clock = systemClock) {
    this.mesh = mesh;
    this.#clock = clock;
    this.streams = new Streams({ source: this.source, clock });
    ({ counted: this.counted, events: this.#events } = counter());
  }

  async start({ limits = {}, leadership, snapshot, onUsed }: HarnessOptions): Promise<void> {
    const own = await this.mesh.workload('weft-system', 'weft-operator');
    this.server = await startControlServer({
      address: { host: '127.0.0.1', port: 0 },
      identity: { cert: own['tls.crt'], key: own['tls.key'], ca: own['ca.crt'] },
      identify: (certificate) => identifyPeer(certificate, 'cluster.local'),
      systemNamespace: 'weft-system',
      reports: this.reports,
      source: this.source,
      streams: this.streams,
      snapshot,
      leadership: leadership ?? (() => ({ leading: true })),
      clock: this.#clock,
      events: this.#events,
      onUsed: onUsed ?? (() => undefined),
      onRefused: (reason) => this.counted.turnedAway.push(reason),
      limits,
    });
  }

  /** A connection with the identity of a ServiceAccount. */
  async connect(account: string, options: ConnectOptions = {}): Promise<ProxyClient> {
    const { namespace = 'shop', from = this.mesh, port = this.server.port } = options;
    const files = { ...(await from.workload(namespace, account)), 'ca.crt': this.mesh.bundle };
    const client = await ProxyClient.connect(port, files);
    this.#clients.push(client);
    return client;
  }

  /** A way to the server that can be interrupted: nothing gets through, and nobody is told. */
  async relay(): Promise<Relay> {
    const sockets: Socket[] = [];
    const relay = createServer((near) => {
      const far = connectTcp(this.server.port, '127.0.0.1');
      sockets.push(near, far);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        from.on('data', (chunk) => to.write(chunk));
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    this.#relays.push(relay);
    return {
      port: (relay.address() as AddressInfo).port,
      pause: () => sockets.forEach((socket) => socket.pause()),
      resume: () => sockets.forEach((socket) => socket.resume()),
    };
  }

  /** TLS as a proxy opens it, without HTTP/2 on top. */
  rawPeer(files?: Files): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const options = {
        port: this.server.port,
        host: '127.0.0.1',
        ...(files ? { cert: files['tls.crt'], key: files['tls.key'] } : {}),
        ca: this.mesh.bundle,
        ALPNProtocols: ['h2'],
        checkServerIdentity: () => undefined,
      };
      const socket = connectTls(options, () => resolve(socket));
      // after the handshake an error is the end of the connection, which is what tests look at
      socket.once('error', reject);
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
    for (const relay of this.#relays) relay.close();
    this.streams.stop();
    await this.server?.close();
  }
}

export { createTestMesh, type TestMesh };
