/** What both sides of the data plane have: listeners, the connections that came in by them, and their end. */
import type { Server, Socket } from 'node:net';
import type { Code } from '../../core/errors/index.ts';
import type { Address, DataPlane, ListenAddress, Running } from '../context.ts';
import { SocketChannel } from './socketChannel.ts';
import type { HttpConnection, Incidents } from './exchange/station.ts';
import { listen } from './listen.ts';
import type { Direction, Load } from '../telemetry/types.ts';
import { Sweeper } from './sweeper.ts';
import type { TcpSession } from './tcpSession.ts';

const POLL_MS = 20;
/**
 * Peers that have not heard yet that this pod ends go on sending requests on the connections they kept. Closed under
 * such a request, a connection loses it; kept, it answers that the request was not processed, and the peer sends it
 * elsewhere. So connections are closed only when nothing came for this long.
 */
const QUIET_MS = 2_000;

export class Side implements Running, Incidents {
  readonly addresses: Address[] = [];
  readonly direction: Direction;
  readonly load: Load;
  readonly sweeper: Sweeper;
  /** Connections that speak HTTP. */
  readonly connections = new Set<HttpConnection>();
  /** Connections that are carried as bytes. */
  readonly sessions = new Set<TcpSession>();
  /** Upgraded exchanges: how to end each, saying why. */
  readonly tunnels = new Set<(reason: Code) => void>();
  stopping = false;
  /** performance.now() of the last request that was noticed while stopping. */
  private lastRequestAt = 0;
  private running = 0;
  private readonly sockets = new Set<Socket>();
  private readonly servers: Server[] = [];
  private readonly plane: Pick<DataPlane, 'log' | 'telemetry'>;
  private readonly atEnd: (() => void)[] = [];

  constructor(plane: Pick<DataPlane, 'log' | 'telemetry'>, direction: Direction) {
    this.plane = plane;
    this.direction = direction;
    this.load = plane.telemetry.load[direction];
    // what members hold is counted anew by each sweep
    this.sweeper = new Sweeper(() => {
      const { load } = this;
      load.bufferedBytes = load.heldBytes = load.acceptedStreams = load.openedStreams = 0;
    });
  }

  /** Listens; `accept` gets each connection with the address that was really bound. */
  async listen(
    address: ListenAddress,
    accept: (channel: SocketChannel, bound: Address) => void,
  ): Promise<void> {
    let actual: Address = address;
    const listener = await listen(address, this.plane, (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      accept(new SocketChannel(socket), actual);
    });
    if (!listener) return;
    actual = listener.address;
    this.addresses.push(actual);
    this.servers.push(listener.server);
  }

  http2Error(code: number, by: 'proxy' | 'peer'): void {
    this.plane.telemetry.http2Error(this.direction, code, by);
  }
  boundReached(bound: string): void {
    this.plane.telemetry.boundReached(bound);
  }

  /** HTTP exchanges that run. */
  get requests(): number {
    return this.running;
  }
  set requests(count: number) {
    if (this.stopping && count > this.running) this.lastRequestAt = performance.now();
    this.running = count;
  }

  /** HTTP/2 says that it takes no new requests; those of HTTP/1.x learn it from their next answer. */
  drain(): void {
    for (const connection of this.connections) connection.shutdown();
  }

  /** Calls back when the side has ended. */
  whenEnded(callback: () => void): void {
    this.atEnd.push(callback);
  }

  /** True for an address at which this side itself listens: dialling it would be a loop. */
  isOwn(address: string, port: number): boolean {
    return this.addresses.some(
      (own) => own.port === port && (own.host === address || own.host === '::' || own.host === '0.0.0.0'),
    );
  }

  stats(): { connections: number; requests: number } {
    return { connections: this.sockets.size, requests: this.requests };
  }

  async stop(timeoutMs: number): Promise<void> {
    this.stopping = true;
    for (const server of this.servers) server.close();
    this.drain();
    const started = performance.now();
    this.lastRequestAt = started;
    while (this.busy() && performance.now() < started + timeoutMs) {
      for (const session of this.sessions) if (!session.carrying) session.abort('DRAINING');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const cut = this.cutBytes();
    this.end();
    // each is told of in the access log once it has closed, and the log ends after this
    if (cut > 0) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }

  /** Ends what is carried as bytes and took longer than it may; returns how many connections that were. */
  private cutBytes(): number {
    const count = this.sessions.size + this.tunnels.size;
    for (const session of this.sessions) session.abort('DRAINING');
    for (const abort of this.tunnels) abort('DRAINING');
    return count;
  }

  private busy(): boolean {
    if (this.requests > 0 || this.sessions.size > 0 || this.tunnels.size > 0) return true;
    return this.connections.size > 0 && performance.now() < this.lastRequestAt + QUIET_MS;
  }

  private end(): void {
    for (const callback of this.atEnd) callback();
    this.sweeper.stop();
    for (const connection of this.connections) if (connection.idle) connection.close();
    // answers that were just written are on their way; what is still open after that is cut
    setTimeout(() => {
      for (const socket of this.sockets) socket.destroy();
    }, POLL_MS).unref();
  }
}
