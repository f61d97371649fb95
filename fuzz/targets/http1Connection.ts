import type { Load, Series } from '../../proxy/telemetry/types.ts';
import { Pool } from '../../proxy/wire/exchange/pool.ts';
import type { HttpConnection, Station } from '../../proxy/wire/exchange/station.ts';
import { ServerConnection } from '../../proxy/wire/http1/serverConnection.ts';
import { Sweeper } from '../../proxy/wire/sweeper.ts';
import type { Target } from '../engine/target.ts';
import { holds, pieces, same } from './check.ts';
import { AppChannel, MemoryChannel } from './memoryChannel.ts';

const series: Series = { exchange: () => {}, connection: () => {} };
const load: Load = { pending: 0, bufferedBytes: 0, heldBytes: 0, acceptedStreams: 0, openedStreams: 0 };

/** A side of a proxy that lets everything pass to one application. */
class Passing implements Station {
  readonly sweeper = new Sweeper();
  readonly connections = new Set<HttpConnection>();
  readonly load = load;
  /** What reached the application, by connection. */
  readonly applications: AppChannel[] = [];
  running = 0;
  private readonly turns: (() => void)[] = [];
  private readonly pool = new Pool({
    upstream: 'a:1',
    wire: undefined,
    spread: 1,
    trusted: false,
    idleMs: () => 60_000,
    freshMs: 60_000,
    sweeper: this.sweeper,
    load,
    incidents: this,
    dial: (_wire, handlers) => {
      const channel = new AppChannel((task) => this.turns.push(task));
      this.applications.push(channel);
      this.turns.push(() => handlers.connected(channel, ''));
      return () => {};
    },
    serial: () => '',
    series: () => series,
  });

  idleMs = () => 60_000;
  closing = () => false;
  begin: Station['begin'] = (exchange) => exchange.send(this.pool);
  again = () => false;
  failed: Station['failed'] = (exchange, { code }) => exchange.refuse(code);
  seriesOf = () => series;
  requestFields = () => [];
  responseCuts = () => 0;
  wireOf = () => undefined;
  unreadable = () => 0;
  http2Error = () => {};
  boundReached = () => {};
  disconnected = () => {};
  tunnelled = () => () => {};
  /** What the event loop would do next, until it has nothing more to do. */
  turn(): void {
    for (let next = this.turns.shift(); next !== undefined; next = this.turns.shift()) next();
  }
}

/** Our own refusal of what cannot be read: a long line is refused when its end comes, which may be never. */
const REFUSAL = /HTTP\/1\.1 4\d\d [^\r]*\r\nserver: weft\r\n[^]*?\r\n\r\n(?:\{[^]*?\}\n)?/g;

/** All that comes of a client's bytes: what the application was asked, and what the client was told. */
function converse(parts: readonly Buffer[]): { asked: string[]; told: string } {
  const station = new Passing();
  const client = new MemoryChannel();
  const connection = new ServerConnection(client, { station, context: {} });
  connection.start(undefined);
  for (const part of parts) {
    client.feed(part);
    station.turn();
  }
  client.finish();
  station.turn();
  const asked = station.applications.flatMap((channel) => channel.requests);
  for (const channel of station.applications) holds(channel.problem === '', channel.problem);
  client.destroy();
  same(station.running, 0, 'requests that never end');
  same(station.connections.size, 0, 'connections that are never forgotten');
  for (const channel of station.applications) channel.destroy();
  station.sweeper.stop();
  return { asked, told: client.written.replaceAll(REFUSAL, '') };
}

/** A client's whole connection, through to an application: the first byte of the input says how it is split. */
export const target: Target = {
  name: 'http1-connection',
  maxBytes: 8192,
  seeds: [
    '\0GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhiGET /3 HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x03POST /1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\nGET /2 HTTP/1.0\r\n\r\n',
    '\x05HEAD /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x07POST /1 HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi\r\nCONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n',
    '\x09GET /1 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n',
  ],
  dictionary: [
    '\r\n', '\r\n\r\n', '0\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'Content-Length: ', 'Transfer-Encoding: chunked\r\n', 'HTTP/1.0',
    'Connection: keep-alive\r\n', 'Connection: close\r\n', 'Expect: 100-continue\r\n', 'HEAD ', 'CONNECT a:1', 'Upgrade: x\r\n',
  ], // prettier-ignore
  run(data) {
    const bytes = data.subarray(1);
    const whole = converse([bytes]);
    same(converse(pieces(bytes, data[0] ?? 0)), whole, 'split and whole');
  },
};
