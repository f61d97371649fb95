/** The access log: one JSON line for each HTTP exchange or TCP connection, put together by hand. */
import type { ProxyConfig } from '../../core/proxyConfig/index.ts';
import { quote, quoteShort, timestamp } from './json.ts';
import type { ConnectionEnd, ExchangeEnd, LogFields, SeriesKey, Verdict } from './types.ts';

export type AccessLogMode = ProxyConfig['telemetry']['accessLog'];

const MAX_PATH = 1024;

/** What stays the same for all lines of a series, written once. */
export interface LinePrefix {
  readonly text: string;
  /** Of the series. */
  readonly protocol: string;
  /** What the line before had, and the text of all that: the next has it, too, nearly always. */
  last: { protocol: string; wire: string | undefined; text: string };
}

export const linePrefix = (key: SeriesKey): LinePrefix => ({
  text:
    `","direction":"${key.direction}","source":${quote(key.source)},"destination":${quote(key.destination)}` +
    `,"service":${quote(key.service)},"security":"${key.security}","protocol":`,
  protocol: key.protocol,
  last: { protocol: '', wire: undefined, text: '' },
});

/** `protocol` and `wire` are words of this proxy, which need no escape. */
function start(prefix: LinePrefix, log: LogFields): string {
  const { wire } = log;
  const protocol = log.protocol ?? prefix.protocol;
  if (prefix.last.protocol !== protocol || prefix.last.wire !== wire) {
    const travelled = wire === undefined ? '' : `,"wire":"${wire}"`;
    prefix.last = { protocol, wire, text: `${prefix.text}"${protocol}"${travelled}` };
  }
  return `{"ts":"${timestamp()}${prefix.last.text}`;
}

/** With microseconds. Digits of whole numbers are known; those of a fraction would have to be searched for. */
function milliseconds(ms: number): string {
  const us = Math.round(ms * 1000);
  if (us < 0 || us >= 2_000_000_000) return String(us / 1000);
  const rest = us % 1000;
  const whole = (us - rest) / 1000;
  if (rest === 0) return String(whole);
  return rest >= 100 ? `${whole}.${rest}` : rest >= 10 ? `${whole}.0${rest}` : `${whole}.00${rest}`;
}

function pathOf(path: string): string {
  const query = path.indexOf('?');
  return quoteShort(query === -1 ? path : path.slice(0, query), MAX_PATH);
}

/** Verdicts are made once per rule and come again and again. */
const verdictTexts = new WeakMap<Verdict, string>();

function verdictText(verdict: Verdict): string {
  let text = verdictTexts.get(verdict);
  if (text !== undefined) return text;
  text = `,"verdict":"${verdict.action}","policy":${quote(verdict.policy)},"rule":${quote(verdict.rule)}`;
  if (verdict.shadow !== undefined) text += `,"shadow":"${verdict.shadow}"`;
  if (verdict.audited !== undefined) text += `,"audited":${JSON.stringify(verdict.audited)}`;
  verdictTexts.set(verdict, text);
  return text;
}

function tail(log: LogFields): string {
  let text = '';
  const { peer, upstream, requestId, traceparent } = log;
  // addresses, which need no escape
  if (peer !== undefined) text += `,"peer":"${peer}"`;
  if (upstream !== undefined) text += `,"upstream":"${upstream}"`;
  if (requestId !== undefined) text += `,"requestId":${quoteShort(requestId)}`;
  if (traceparent !== undefined) text += `,"traceparent":${quoteShort(traceparent)}`;
  if (log.verdict !== undefined) text += verdictText(log.verdict);
  if (log.detail !== undefined) text += `,"detail":${quoteShort(log.detail, MAX_PATH)}`;
  return text;
}

const grpcOf = (status: number | undefined): string =>
  status === undefined ? '' : `,"grpcStatus":${Number.isInteger(status) ? status : -1}`;

const serverNameOf = ({ serverName }: LogFields): string =>
  serverName === undefined ? '' : `,"serverName":${quoteShort(serverName)}`;

const flagOf = (flag: string | undefined): string => (flag === undefined ? '' : `,"flag":"${flag}"`);

export function exchangeLine(prefix: LinePrefix, end: ExchangeEnd, log: LogFields): string {
  let head = '';
  const { method, path, host } = log;
  if (method !== undefined) head += `,"method":${quoteShort(method)}`;
  if (path !== undefined) head += `,"path":${pathOf(path)}`;
  if (host !== undefined) head += `,"host":${quoteShort(host)}`;
  return (
    `${start(prefix, log)}${head},"status":${end.status}${grpcOf(end.grpcStatus)}${flagOf(end.flag)}` +
    `,"durationMs":${milliseconds(end.durationMs)},"sentBytes":${end.requestBytes},"receivedBytes":${end.responseBytes}` +
    `,"attempts":${end.attempts}${tail(log)}}`
  );
}

export const connectionLine = (prefix: LinePrefix, end: ConnectionEnd, log: LogFields): string =>
  `${start(prefix, log)}${serverNameOf(log)}${flagOf(end.flag)},"durationMs":${milliseconds(end.durationMs)}` +
  `,"sentBytes":${end.sentBytes},"receivedBytes":${end.receivedBytes}${tail(log)}}`;

/**
 * The codes by which a gRPC server says that it failed (OpenTelemetry's conventions for gRPC servers): UNKNOWN,
 * DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS. Any other is an answer to what the client asked.
 */
const GRPC_FAILURES: ReadonlySet<number> = new Set([2, 4, 12, 13, 14, 15]);

const isGrpcFailure = (status: number | undefined): boolean =>
  status !== undefined && (GRPC_FAILURES.has(status) || !(status >= 0 && status <= 16));

/** True where `Errors` writes a line: refused, failed, or reported by a policy. */
export const isError = (
  { status = 0, flag, grpcStatus }: Partial<Pick<ExchangeEnd, 'status' | 'flag' | 'grpcStatus'>>,
  { verdict }: LogFields,
): boolean =>
  status >= 400 ||
  flag !== undefined ||
  isGrpcFailure(grpcStatus) ||
  verdict?.shadow !== undefined ||
  verdict?.audited !== undefined;
