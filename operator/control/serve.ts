/** One request: which of the two kinds of streams it is, and whose. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { FORWARD_PATH, MAX_PROXY_MESSAGE_BYTES, STREAM_PATH } from '../../core/control/index.ts';
import { WeftError } from '../../core/errors/index.ts';
import { OPERATOR_SERVICE_ACCOUNT } from '../../core/model/names.ts';
import type { PeerIdentity } from './admit.ts';
import type { Leadership } from './types.ts';
import { ForwardedReports } from './forwarded.ts';
import { MAX_FORWARD_MESSAGE_BYTES } from './pending.ts';
import { ProxySession, type Budget, type SessionContext } from './proxySession.ts';
import { StreamWriter } from './streamWriter.ts';
import { LineStream, type LineStreamOptions } from './transport.ts';

export interface ServeContext extends SessionContext {
  readonly leadership: () => Leadership;
  /** Namespace of the operator. */
  readonly systemNamespace: string;
}

/** A connection and what it carries. */
export interface Connection {
  readonly peer: PeerIdentity;
  readonly streams: Set<ServerHttp2Stream>;
  readonly budget: Budget;
  /** One at a time. */
  proxy: ProxySession | undefined;
  /** It is to end, in order. */
  leaving: boolean;
}

const FIRST_LINE_MS = 10_000;
const LINE_MS = 30_000;

type Lines = Pick<LineStreamOptions, 'onLine' | 'onEnd'>;

export interface Request {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly connection: Connection;
}

/** Never throws for what a peer sends: it ends in messages, or in the end of its stream. */
export function serveRequest({ stream, headers, connection }: Request, context: ServeContext): void {
  const { peer } = connection;
  // a peer that resets its stream is no event of ours
  stream.on('error', () => {});
  connection.streams.add(stream);
  stream.once('close', () => connection.streams.delete(stream));
  const onFailed = (error: WeftError): void => context.events.failed(error.code, peer, error.message);
  const lineStream = new LineStream(stream, onFailed);
  const fail = (error: unknown): void => lineStream.fail(error);
  const start = (lines: Lines, maxBytes: number): void =>
    lineStream.serve({ ...lines, maxBytes, firstLineMs: FIRST_LINE_MS, lineMs: LINE_MS });
  try {
    if (!connection.budget.streams.tryTake()) {
      throw new WeftError('OVERLOADED', 'too many streams in a short time');
    }
    if (headers[':method'] !== 'POST') throw new WeftError('BAD_REQUEST', 'only POST is known here');
    if (headers[':path'] === STREAM_PATH) {
      start(proxyLines({ stream, connection, fail }, context), MAX_PROXY_MESSAGE_BYTES);
    } else if (headers[':path'] === FORWARD_PATH) {
      start(forwardedLines(peer, context), MAX_FORWARD_MESSAGE_BYTES);
    } else throw new WeftError('UNKNOWN_DESTINATION', `only ${STREAM_PATH} is known here`);
  } catch (error) {
    fail(error);
  }
}

interface ProxyRequest {
  readonly stream: ServerHttp2Stream;
  readonly connection: Connection;
  readonly fail: (error: unknown) => void;
}

function proxyLines({ stream, connection, fail }: ProxyRequest, context: ServeContext): Lines {
  if (connection.proxy) throw new WeftError('BAD_REQUEST', 'the connection has a stream already');
  const { streams, events } = context;
  const onSent = (type: string, bytes: number): void => events.sent(type, bytes);
  const writer = new StreamWriter(stream, { bulk: streams.bulk, onSent, fail });
  const session = new ProxySession(context, { peer: connection.peer, budget: connection.budget, writer });
  connection.proxy = session;
  return {
    onLine: (line) => session.take(line),
    onEnd() {
      connection.proxy = undefined;
      session.end();
    },
  };
}

function forwardedLines(peer: PeerIdentity, context: ServeContext): Lines {
  if (peer.namespace !== context.systemNamespace || peer.serviceAccount !== OPERATOR_SERVICE_ACCOUNT) {
    throw new WeftError('IDENTITY_REFUSED', 'only the operator tells what other proxies said');
  }
  if (!context.leadership().leading) {
    throw new WeftError('NOT_LEADER', 'this replica does not hold the lease');
  }
  const forwarded = new ForwardedReports(context);
  return { onLine: (line) => forwarded.take(line), onEnd: () => forwarded.end() };
}
