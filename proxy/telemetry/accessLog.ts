/** The access log: one JSON line for each HTTP exchange or TCP connection, put together by hand. */
import type { ProxyConfig } from '../../core/proxyConfig/index.ts';
import { quote, quoteShort, timestamp } from './json.ts';
import type { ConnectionEnd, ExchangeEnd, LogFields, SeriesKey } from './types.ts';

export type AccessLogMode = ProxyConfig['telemetry']['accessLog'];

const MAX_PATH = 1024;

/** What stays the same for all lines of a series, written once. */
export const linePrefix = (key: SeriesKey): string =>
  `","direction":"${key.direction}","source":${quote(key.source)},"destination":${quote(key.destination)}` +
  `,"service":${quote(key.service)},"protocol":"${key.protocol}","security":"${key.security}"`;

const rounded = (ms: number): number => Math.round(ms * 1000) / 1000;

function pathOf(path: string): string {
  const query = path.indexOf('?');
  return quoteShort(query === -1 ? path : path.slice(0, query), MAX_PATH);
}

function tail(log: LogFields): string {
  let text = '';
  if (log.peer !== undefined) text += `,"peer":${quoteShort(log.peer)}`;
  if (log.upstream !== undefined) text += `,"upstream":${quoteShort(log.upstream)}`;
  if (log.requestId !== undefined) text += `,"requestId":${quoteShort(log.requestId)}`;
  if (log.traceparent !== undefined) text += `,"traceparent":${quoteShort(log.traceparent)}`;
  const { verdict } = log;
  if (verdict !== undefined) {
    text += `,"verdict":"${verdict.action}","policy":${quote(verdict.policy)},"rule":${quote(verdict.rule)}`;
    if (verdict.shadow !== undefined) text += `,"shadow":"${verdict.shadow}"`;
    if (verdict.audited !== undefined) text += `,"audited":${JSON.stringify(verdict.audited)}`;
  }
  if (log.detail !== undefined) text += `,"detail":${quoteShort(log.detail, MAX_PATH)}`;
  return text;
}

const flagOf = (flag: string | undefined): string => (flag === undefined ? '' : `,"flag":"${flag}"`);

export function exchangeLine(prefix: string, end: ExchangeEnd, log: LogFields): string {
  let head = '';
  if (log.method !== undefined) head += `,"method":${quoteShort(log.method)}`;
  if (log.path !== undefined) head += `,"path":${pathOf(log.path)}`;
  if (log.host !== undefined) head += `,"host":${quoteShort(log.host)}`;
  return (
    `{"ts":"${timestamp()}${prefix}${head},"status":${end.status}${flagOf(end.flag)}` +
    `,"durationMs":${rounded(end.durationMs)},"sentBytes":${end.requestBytes},"receivedBytes":${end.responseBytes}` +
    `,"attempts":${end.attempts}${tail(log)}}`
  );
}

export const connectionLine = (prefix: string, end: ConnectionEnd, log: LogFields): string =>
  `{"ts":"${timestamp()}${prefix}${flagOf(end.flag)},"durationMs":${rounded(end.durationMs)}` +
  `,"sentBytes":${end.sentBytes},"receivedBytes":${end.receivedBytes}${tail(log)}}`;

/** True where `Errors` writes a line: refused, failed, or reported by a policy. */
export const isError = (status: number, flag: string | undefined, { verdict }: LogFields): boolean =>
  status >= 400 || flag !== undefined || verdict?.shadow !== undefined || verdict?.audited !== undefined;
