/** What a line of the access log says, told by an object and JSON.stringify. */
import type { ConnectionEnd, ExchangeEnd, LogFields, SeriesKey } from '../types.ts';

const cut = (text: string | undefined, bound = 256) => text?.slice(0, bound);

/** The time is the line's own affair. */
const startOf = (key: SeriesKey, log: LogFields) => ({
  direction: key.direction,
  source: key.source,
  destination: key.destination,
  service: key.service,
  security: key.security,
  protocol: log.protocol ?? key.protocol,
  wire: log.wire,
});

const endOf = ({ peer, upstream, requestId, traceparent, verdict, detail }: LogFields) => ({
  peer: cut(peer),
  upstream: cut(upstream),
  requestId: cut(requestId),
  traceparent: cut(traceparent),
  verdict: verdict?.action,
  policy: verdict?.policy,
  rule: verdict?.rule,
  shadow: verdict?.shadow,
  audited: verdict?.audited,
  detail: cut(detail, 1024),
});

/** With all three digits after the point, which JSON.stringify would cut. */
function withDuration(fields: object, ms: number): string {
  const us = Math.round(ms * 1000);
  const text = us % 1000 !== 0 && us > 0 && us < 2e9 ? (us / 1000).toFixed(3) : JSON.stringify(us / 1000);
  return JSON.stringify(fields).replace('"durationMs":0', `"durationMs":${text}`);
}

export function expectedExchange(key: SeriesKey, end: ExchangeEnd, log: LogFields): string {
  const { grpcStatus } = end;
  const fields = {
    ...startOf(key, log),
    method: cut(log.method),
    path: cut(log.path?.split('?')[0], 1024),
    host: cut(log.host),
    status: end.status,
    grpcStatus: grpcStatus === undefined || Number.isInteger(grpcStatus) ? grpcStatus : -1,
    flag: end.flag,
    durationMs: 0,
    sentBytes: end.requestBytes,
    receivedBytes: end.responseBytes,
    attempts: end.attempts,
    ...endOf(log),
  };
  return withDuration(fields, end.durationMs);
}

export function expectedConnection(key: SeriesKey, end: ConnectionEnd, log: LogFields): string {
  const fields = {
    ...startOf(key, log),
    serverName: cut(log.serverName),
    flag: end.flag,
    durationMs: 0,
    sentBytes: end.sentBytes,
    receivedBytes: end.receivedBytes,
    ...endOf(log),
  };
  return withDuration(fields, end.durationMs);
}
