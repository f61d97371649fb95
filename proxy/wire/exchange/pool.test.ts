import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { until } from '../../testing/sockets.ts';
import { dial } from '../dial.ts';
import { Http2Connection } from '../http2/connection.ts';
import type { ConnectionHandler } from '../http2/handlers.ts';
import { unheard } from '../http2/stream.ts';
import { SocketChannel } from '../socketChannel.ts';
import { Sweeper } from '../sweeper.ts';
import type { Exchange } from './exchange.ts';
import { Pool } from './pool.ts';

const nothing = (): void => {};
const quiet: ConnectionHandler = {
  request: () => unheard,
  unacceptable: nothing,
  goingAway: nothing,
  available: nothing,
  closed: nothing,
  errored: nothing,
  boundReached: nothing,
};

it('a pool that is retired while somebody waits serves him, and does not dial for ever', async () => {
  const server = createServer((socket) => {
    new Http2Connection({ channel: new SocketChannel(socket), role: 'server', handler: quiet }).start();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  let dials = 0;
  let delivered = 0;
  const pool = new Pool({
    upstream: 'x',
    wire: 'weft/1',
    spread: 1,
    trusted: true,
    idleMs: () => 60_000,
    freshMs: 1,
    sweeper: new Sweeper(),
    load: { pending: 0, bufferedBytes: 0, heldBytes: 0, acceptedStreams: 0, openedStreams: 0 },
    incidents: { http2Error: () => {}, boundReached: () => {} },
    serial: () => 's',
    series: () => undefined,
    dial: (_wire, handlers) => {
      dials++;
      return dial({ address: '127.0.0.1', port, timeoutMs: 1000 }, handlers);
    },
  });
  const request = { upgrading: false, method: 'GET' };
  pool.attempt({ request, deliver: () => delivered++ } as unknown as Exchange, false);
  pool.retire();
  await until(() => delivered === 1, 'the delivery');
  server.close();
  await until(() => !server.listening, 'the end');
  expect(dials).toBe(1);
});
