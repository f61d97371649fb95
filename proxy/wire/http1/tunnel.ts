/** An exchange that has left HTTP: from here on its two connections are carried as bytes. */
import type { Series } from '../../telemetry/types.ts';
import { Relay } from '../relay.ts';
import type { ClientConnection } from './clientConnection.ts';
import type { Exchange } from './exchange.ts';
import type { Pool } from './pool.ts';
import type { Station } from './station.ts';

export interface TunnelOptions {
  exchange: Exchange;
  station: Station;
  upstream: ClientConnection;
  pool: Pool | undefined;
  series: Series;
  fromClient: Buffer | undefined;
  fromUpstream: Buffer;
}

/** Takes both channels over. The pool goes on counting it until it ends. */
export function openTunnel(options: TunnelOptions): void {
  const { exchange, station, upstream, pool, series, fromClient, fromUpstream } = options;
  const startedAt = performance.now();
  let ended: (() => void) | undefined;
  let over = false;
  const relay = new Relay({
    client: exchange.connection.channel,
    upstream: upstream.release(),
    fromClient,
    fromUpstream,
    done: ({ sentBytes, receivedBytes, broken }) => {
      over = true;
      ended?.();
      if (pool) pool.active--;
      series.connection(
        {
          durationMs: performance.now() - startedAt,
          sentBytes,
          receivedBytes,
          flag: broken ? 'UPSTREAM_RESET' : undefined,
        },
        exchange,
      );
    },
  });
  if (!over) ended = station.tunnelled(exchange, () => relay.abort());
}
