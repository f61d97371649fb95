/**
 * What the data path says to telemetry. The hot path holds pre-bound handles, so that one request costs a few
 * additions and no lookups; who implements this decides what is exposed and logged.
 */
import type { Code } from '../../core/errors/index.ts';
import type { Wire } from '../../core/proxyConfig/index.ts';

export type Direction = 'inbound' | 'outbound';

/** How the bytes travelled on the mesh side of this proxy. */
export type Security = 'mtls' | 'plain';

/** Labels of one series of requests or connections; bounded by the number of peers and services, never by paths. */
export interface SeriesKey {
  direction: Direction;
  /** SPIFFE id of the caller; '' where unknown. Outbound: our own. */
  source: string;
  /** SPIFFE id of the destination; '' where unknown. Inbound: our own. */
  destination: string;
  /** `namespace/service:port`, `host:port` outside the mesh, or for inbound the workload's port. */
  service: string;
  protocol: 'http' | 'tcp';
  security: Security;
}

/** The deciding policy and rule of an authorization, for log and metrics. */
export interface Verdict {
  action: 'Allow' | 'Deny';
  /** `namespace/name`; '' for a default without a policy. */
  policy: string;
  /** Rule name, or `default`. */
  rule: string;
  /** What Shadow policies would have made of it, where that differs. */
  shadow?: 'Allow' | 'Deny';
  /** Names `policy/rule` of the Audit rules that matched. */
  audited?: readonly string[];
}

/** One finished HTTP exchange. Times are in milliseconds, sizes in bytes of the body. */
export interface ExchangeEnd {
  status: number;
  durationMs: number;
  requestBytes: number;
  responseBytes: number;
  /** Set when the proxy made or changed the outcome. */
  flag: Code | undefined;
  attempts: number;
  /** The status of a gRPC call, as the application or the proxy said it (0 to 16); undefined: no gRPC. */
  grpcStatus?: number | undefined;
}

/** One finished TCP connection (or upgraded exchange). */
export interface ConnectionEnd {
  durationMs: number;
  /** Bytes from the side that connected, and back to it. */
  sentBytes: number;
  receivedBytes: number;
  flag: Code | undefined;
}

/** Fields of the access log that the metrics leave out. Read only when a line is written. */
export interface LogFields {
  /** What the side that connected spoke: `HTTP/1.0`, `HTTP/1.1` or `HTTP/2`. Absent: `protocol` of the series. */
  protocol?: string | undefined;
  /** How the bytes travelled between two proxies; absent where only one took part. */
  wire?: Wire | undefined;
  /** Host of a TLS connection that was passed through (SNI). */
  serverName?: string | undefined;
  method?: string | undefined;
  path?: string | undefined;
  host?: string | undefined;
  /** Address of the side that connected, and the address that was dialled. */
  peer?: string | undefined;
  upstream?: string | undefined;
  requestId?: string | undefined;
  traceparent?: string | undefined;
  verdict?: Verdict | undefined;
  detail?: string | undefined;
}

/** A pre-bound series: get it once per connection and peer, then call it per exchange. */
export interface Series {
  /** `log` undefined: it is counted alone. */
  exchange(end: ExchangeEnd, log: LogFields | undefined): void;
  connection(end: ConnectionEnd, log: LogFields): void;
}

/** What one side holds now. The hot path adds to the fields and takes away again, and does nothing else. */
export interface Load {
  /** Requests that wait for a connection or a stream. */
  pending: number;
  /** Bytes that wait to be sent to a slow reader. */
  bufferedBytes: number;
  /** Bytes of bodies that paused streams of HTTP/2 took in meanwhile. */
  heldBytes: number;
  /** Open streams of HTTP/2: accepted from peers or clients, and opened to peers or applications. */
  acceptedStreams: number;
  openedStreams: number;
}

export interface Telemetry {
  readonly load: Readonly<Record<Direction, Load>>;
  series(key: SeriesKey): Series;
  /** Counts a verdict of the inbound side. */
  verdict(verdict: Verdict): void;
  connectionOpened(direction: Direction, security: Security): void;
  connectionClosed(direction: Direction, security: Security): void;
  /** A TLS handshake that failed, either side; `reason` is a code. */
  handshakeFailed(direction: Direction, reason: Code): void;
  retry(service: string, reason: Code): void;
  /** A stream or connection of HTTP/2 that ended with an error code (RFC 9113, 7), said by this proxy or by its peer. */
  http2Error(direction: Direction, code: number, by: 'proxy' | 'peer'): void;
  /** Something was refused because of a bound; `bound` is its name in the source, never what a peer said. */
  boundReached(bound: string): void;
}
