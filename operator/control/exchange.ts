/** One request of a proxy: read within bounds, judged, answered. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { MAX_REPORT_BYTES, parseReport, REPORT_PATH, type ReportAnswer } from '../../core/control/index.ts';
import { codes, WeftError, type Code } from '../../core/errors/index.ts';
import type { Snapshot } from '../../core/model/index.ts';
import { admitReport, type PeerIdentity } from './admit.ts';
import type { ReportRegistry } from './reports.ts';

export interface Leadership {
  readonly leading: boolean;
  /** `address:port` of the leader's control server, where known. */
  readonly address?: string;
}

export interface ExchangeContext {
  readonly reports: ReportRegistry;
  /** Undefined until the first one is complete. */
  readonly snapshot: () => Snapshot | undefined;
  readonly leadership: () => Leadership;
  /** One call for each answer. `code` is OK or the code of the refusal. */
  readonly onAnswer: (code: string, peer: PeerIdentity) => void;
}

export interface Exchange {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  readonly peer: PeerIdentity;
  /** Lives as long as the connection. */
  readonly session: object;
}

/** A request must be complete within this, in ms. */
const REQUEST_TIMEOUT_MS = 10_000;

type Refusal = Extract<ReportAnswer, { ok: false }>;
type Answer = { status: number; body: ReportAnswer };

const refusal = (code: Code, message: string, leader?: string): Answer => ({
  status: codes[code].status || 422,
  body: { ok: false, code, message, ...(leader === undefined ? {} : { leader }) } satisfies Refusal,
});

/** Reads at most MAX_REPORT_BYTES; undefined where there is more. */
async function bodyOf(stream: ServerHttp2Stream): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // on return the stream must live on: the answer goes out by it
  for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_REPORT_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function judge(exchange: Exchange, context: ExchangeContext): Promise<Answer> {
  const { headers, stream, peer, session } = exchange;
  if (headers[':path'] !== REPORT_PATH) {
    return refusal('UNKNOWN_DESTINATION', `only POST ${REPORT_PATH} is known here`);
  }
  if (headers[':method'] !== 'POST') return refusal('BAD_REQUEST', `${REPORT_PATH} takes POST`);
  const leadership = context.leadership();
  if (!leadership.leading) {
    return refusal('NOT_LEADER', 'this replica does not hold the lease', leadership.address);
  }
  const text = await bodyOf(stream);
  if (text === undefined) {
    return { ...refusal('DOCUMENT_INVALID', `a report has at most ${MAX_REPORT_BYTES} bytes`), status: 413 };
  }
  const snapshot = context.snapshot();
  if (!snapshot) return refusal('NOT_CONFIGURED', 'this replica has not seen the whole mesh yet');
  const report = parseReport(text);
  admitReport(report, peer, snapshot);
  context.reports.accept(report, session);
  return { status: 200, body: { ok: true } };
}

function answer(stream: ServerHttp2Stream, { status, body }: Answer): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': status, 'content-type': 'application/json' });
  // what of the request was not read is not wanted any more
  stream.end(JSON.stringify(body), () => stream.close());
}

/** Never rejects: whatever a peer sends ends in an answer or in the end of its stream. */
export async function serveExchange(exchange: Exchange, context: ExchangeContext): Promise<void> {
  const { stream, peer } = exchange;
  // a peer that resets its stream is no event of ours
  stream.on('error', () => {});
  const deadline = setTimeout(() => stream.close(), REQUEST_TIMEOUT_MS);
  let result: Answer;
  try {
    result = await judge(exchange, context);
  } catch (error) {
    if (!(error instanceof WeftError)) {
      stream.close();
      context.onAnswer('CLIENT_CLOSED', peer);
      return;
    }
    result = refusal(error.code, error.field ? `${error.field}: ${error.message}` : error.message);
  } finally {
    clearTimeout(deadline);
  }
  answer(stream, result);
  context.onAnswer(result.body.ok ? 'OK' : result.body.code, peer);
}
