/** An exchange that has left HTTP: from here on its two connections are carried as bytes. */
import type { Code } from '../../../core/errors/index.ts';
import type { LogFields, Series } from '../../telemetry/types.ts';
import type { Channel } from '../channel.ts';
import { ownText } from '../copies.ts';
import { Relay } from '../relay.ts';
import type { Exchange } from './exchange.ts';
import type { Pool } from './pool.ts';

export interface TunnelOptions {
  client: Channel;
  upstream: Channel;
  fromClient: Buffer | undefined;
  fromUpstream: Buffer;
  pool: Pool | undefined;
  series: Series;
}

/** Takes both channels over. The pool goes on counting it until it ends. */
export function openTunnel(exchange: Exchange, { pool, series, ...channels }: TunnelOptions): void {
  const startedAt = performance.now();
  let ended = (): void => {};
  let over = false;
  /** Why it is this proxy that ends it. */
  let reason: Code | undefined;
  const log = logFields(exchange);
  const relay = new Relay({
    ...channels,
    done: ({ sentBytes, receivedBytes, broken }) => {
      over = true;
      ended();
      if (pool) pool.active--;
      series.connection(
        {
          durationMs: performance.now() - startedAt,
          sentBytes,
          receivedBytes,
          flag: reason ?? (broken ? 'UPSTREAM_RESET' : undefined),
        },
        log,
      );
    },
  });
  if (over) return;
  ended = exchange.station.tunnelled(exchange, (flag) => {
    reason ??= flag;
    relay.abort();
  });
}

/** What its line will say, without the head that this was cut out of: a tunnel may last for long. */
function logFields(exchange: Exchange): LogFields {
  const { protocol, wire, method, peer, upstream, verdict, detail } = exchange;
  return {
    protocol,
    wire,
    method,
    path: ownText(exchange.path),
    host: ownText(exchange.host),
    peer,
    upstream,
    requestId: ownText(exchange.requestId),
    traceparent: ownText(exchange.traceparent),
    verdict,
    detail,
  };
}
