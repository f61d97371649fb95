/** Calls from one service of the shop to another: keep-alive, a deadline, and the trace headers of the request. */
import { Agent, request, type IncomingHttpHeaders } from 'node:http';

const MAX_ANSWER_BYTES = 1024 * 1024;
const DEADLINE_MS = 10_000;

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

export interface Answer {
  /** 0 where no answer came. */
  status: number;
  headers: IncomingHttpHeaders;
  /** Parsed where it is JSON, else text. */
  body: unknown;
  error?: string;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string;
}

/** Headers that let a mesh join the spans of one request (W3C Trace Context, B3, and the plain request id). */
export function traceHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const traced = Object.entries(headers).filter(
    ([name, value]) =>
      typeof value === 'string' &&
      (name === 'traceparent' ||
        name === 'tracestate' ||
        name === 'b3' ||
        name.startsWith('x-b3-') ||
        name === 'x-request-id'),
  );
  return Object.fromEntries(traced) as Record<string, string>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Never rejects: a call that failed is an Answer with status 0 and `error`. */
export function call(url: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const failed = (error: Error) => resolve({ status: 0, headers: {}, body: null, error: error.message });
    let outgoing;
    try {
      outgoing = request(url, { method, headers, agent, timeout: DEADLINE_MS });
    } catch (error) {
      failed(error as Error);
      return;
    }
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer in ${DEADLINE_MS} ms`)));
    outgoing.on('error', failed);
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_ANSWER_BYTES) incoming.destroy(new Error('the answer is too large'));
      });
      incoming.on('error', failed);
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: parsed(text) }),
      );
    });
    outgoing.end(body);
  });
}
