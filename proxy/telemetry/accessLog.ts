/** The access log: one JSON line for each HTTP exchange or TCP connection, put together by hand. */
import type { ProxyConfig } from '../../core/proxyConfig/index.ts';
import { quote } from './json.ts';
import { JsonLine, keptBytes, memberName, textBytes, type MemberName } from './jsonLine.ts';
import type { LineWriter } from './lineWriter.ts';
import type { ConnectionEnd, ExchangeEnd, LogFields, SeriesKey, Verdict } from './types.ts';

export type AccessLogMode = ProxyConfig['telemetry']['accessLog'];

/** Characters of a text that comes from outside; paths and details may be longer. */
const MAX_TEXT = 256;
const MAX_LONG_TEXT = 1024;
/** Of a line without what is prepared for it: at most seven texts and two long ones, then names and numbers. */
const MAX_LINE_BYTES = 7 * textBytes(MAX_TEXT) + 2 * textBytes(MAX_LONG_TEXT) + 1024;

const PATH = memberName('path');
const SERVER_NAME = memberName('serverName');
const STATUS = memberName('status');
const GRPC_STATUS = memberName('grpcStatus');
const FLAG = memberName('flag');
const DURATION = memberName('durationMs');
const SENT = memberName('sentBytes');
const RECEIVED = memberName('receivedBytes');
const ATTEMPTS = memberName('attempts');
const PEER = memberName('peer');
const REQUEST_ID = memberName('requestId');
const TRACEPARENT = memberName('traceparent');
const DETAIL = memberName('detail');
const END = 0x7d;
const NOTHING = Buffer.alloc(0);

/** What stays the same for all lines of a series, written once. */
export interface LinePrefix {
  readonly text: string;
  /** Of the series. */
  readonly protocol: string;
  /** The bytes up to `wire`, for each that there was. They are few: both are words of this proxy, without escapes. */
  readonly known: { protocol: string; wire: string | undefined; bytes: Buffer }[];
}

export const linePrefix = (key: SeriesKey): LinePrefix => ({
  text:
    `Z","direction":"${key.direction}","source":${quote(key.source)},"destination":${quote(key.destination)}` +
    `,"service":${quote(key.service)},"security":"${key.security}","protocol":`,
  protocol: key.protocol,
  known: [],
});

function prefixBytes(prefix: LinePrefix, log: LogFields): Buffer {
  const { wire } = log;
  const protocol = log.protocol ?? prefix.protocol;
  for (const one of prefix.known) if (one.protocol === protocol && one.wire === wire) return one.bytes;
  const travelled = wire === undefined ? '' : `,"wire":"${wire}"`;
  const bytes = keptBytes(`${prefix.text}"${protocol}"${travelled}`);
  prefix.known.push({ protocol, wire, bytes });
  return bytes;
}

/** Verdicts are made once per rule and come again and again, but for those that name audited rules. */
const verdicts = new WeakMap<Verdict, Buffer>();

function verdictBytes(verdict: Verdict | undefined): Buffer {
  if (verdict === undefined) return NOTHING;
  const known = verdicts.get(verdict);
  if (known !== undefined) return known;
  const { action, policy, rule, shadow, audited } = verdict;
  let text = `,"verdict":"${action}","policy":${quote(policy)},"rule":${quote(rule)}`;
  if (shadow !== undefined) text += `,"shadow":"${shadow}"`;
  if (audited !== undefined) return Buffer.from(`${text},"audited":${JSON.stringify(audited)}`);
  const bytes = keptBytes(text);
  verdicts.set(verdict, bytes);
  return bytes;
}

/** The start of a line up to the milliseconds of its time (RFC 3339). Formatting is dear: it serves a whole second. */
let second = { startsAt: -1, bytes: NOTHING };

function secondBytes(startsAt: number): Buffer {
  if (second.startsAt !== startsAt) {
    const upToMs = new Date(startsAt).toISOString().slice(0, -'000Z'.length);
    second = { startsAt, bytes: Buffer.from(`{"ts":"${upToMs}`) };
  }
  return second.bytes;
}

/** A member whose text often is that of the line before: then its bytes are known. */
class Repeated {
  private readonly name: MemberName;
  private last: string | undefined;
  private bytes: Buffer = NOTHING;

  constructor(name: string) {
    this.name = memberName(name);
  }

  put(text: string | undefined, line: JsonLine): void {
    if (text === undefined) return;
    if (text === this.last && this.bytes !== NOTHING) return line.bytes(this.bytes);
    const start = line.at;
    line.name(this.name);
    line.text(text, MAX_TEXT);
    // made for the second in a row: where texts take turns nothing is made
    this.bytes = text === this.last ? line.copy(start) : NOTHING;
    this.last = text;
  }
}

/**
 * The lines of one direction, as in one direction more of them repeat. They are put straight into the page that will be
 * written: nothing is made for them that would have to be collected.
 */
export class AccessLog {
  private readonly writer: LineWriter;
  private readonly line = new JsonLine();
  private readonly method = new Repeated('method');
  private readonly host = new Repeated('host');
  private readonly upstream = new Repeated('upstream');

  constructor(writer: LineWriter) {
    this.writer = writer;
  }

  exchange(prefix: LinePrefix, end: ExchangeEnd, log: LogFields): void {
    const verdict = verdictBytes(log.verdict);
    if (!this.start(prefixBytes(prefix, log), verdict.length)) return;
    const { line } = this;
    this.method.put(log.method, line);
    this.path(log.path);
    this.host.put(log.host, line);
    this.number(STATUS, end.status);
    if (end.grpcStatus !== undefined)
      this.number(GRPC_STATUS, Number.isInteger(end.grpcStatus) ? end.grpcStatus : -1);
    this.text(FLAG, end.flag);
    this.duration(end.durationMs);
    this.number(SENT, end.requestBytes);
    this.number(RECEIVED, end.responseBytes);
    this.number(ATTEMPTS, end.attempts);
    this.finish(log, verdict);
  }

  connection(prefix: LinePrefix, end: ConnectionEnd, log: LogFields): void {
    const verdict = verdictBytes(log.verdict);
    if (!this.start(prefixBytes(prefix, log), verdict.length)) return;
    this.text(SERVER_NAME, log.serverName);
    this.text(FLAG, end.flag);
    this.duration(end.durationMs);
    this.number(SENT, end.sentBytes);
    this.number(RECEIVED, end.receivedBytes);
    this.finish(log, verdict);
  }

  /** False where the line is dropped. */
  private start(prefix: Buffer, verdictLength: number): boolean {
    const { line, writer } = this;
    const at = writer.begin(MAX_LINE_BYTES + prefix.length + verdictLength);
    if (at < 0) return false;
    line.start(writer.page, at);
    const now = Date.now();
    const ms = now % 1000;
    line.bytes(secondBytes(now - ms));
    line.digits(ms, 3);
    line.bytes(prefix);
    return true;
  }

  private finish(log: LogFields, verdict: Buffer): void {
    const { line } = this;
    this.text(PEER, log.peer);
    this.upstream.put(log.upstream, line);
    this.text(REQUEST_ID, log.requestId);
    this.text(TRACEPARENT, log.traceparent);
    line.bytes(verdict);
    this.text(DETAIL, log.detail, MAX_LONG_TEXT);
    line.byte(END);
    this.writer.finish(line.at);
  }

  private text(name: MemberName, text: string | undefined, bound = MAX_TEXT): void {
    if (text === undefined) return;
    this.line.name(name);
    this.line.text(text, bound);
  }

  /** Without its query, which may hold secrets. */
  private path(path: string | undefined): void {
    if (path === undefined) return;
    const query = path.indexOf('?');
    this.text(PATH, query === -1 ? path : path.slice(0, query), MAX_LONG_TEXT);
  }

  private number(name: MemberName, value: number): void {
    this.line.name(name);
    this.line.number(value);
  }

  private duration(ms: number): void {
    this.line.name(DURATION);
    this.line.milliseconds(ms);
  }
}

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
