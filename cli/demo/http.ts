/** Small HTTP helpers of the demo: one call, waiting for a condition, and a steady load. */
import { Agent, request } from 'node:http';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

const agent = new Agent({ keepAlive: true, maxSockets: 16 });

export function call(url: string, options: { method?: string } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent, method: options.method ?? 'GET', timeout: 5_000 }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (body += chunk));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      );
      incoming.on('error', reject);
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer from ${url}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}

export class NotInTime extends Error {}

/** Asks `probe` again until it gives a value. Rejects with NotInTime that says what was waited for. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | undefined>,
  deadlineMs = 30_000,
): Promise<T> {
  const end = Date.now() + deadlineMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) {
      throw new NotInTime(
        `${what}: not within ${deadlineMs / 1000} s${last instanceof Error ? ` (${last.message})` : ''}`,
      );
    }
    // not a reason to stay alive when the demo has ended otherwise
    await new Promise((resolve) => setTimeout(resolve, 50).unref());
  }
}

export interface LoadResult {
  sent: number;
  failed: number;
  /** What the failed requests said, counted. */
  failures: Record<string, number>;
}

/** A steady load that goes on until `stop`; every answer other than 200 counts as failed. */
export function startLoad(url: string, perSecond: number): { stop(): Promise<LoadResult> } {
  const result: LoadResult = { sent: 0, failed: 0, failures: {} };
  const running = new Set<Promise<void>>();
  const fail = (why: string) => {
    result.failed += 1;
    result.failures[why] = (result.failures[why] ?? 0) + 1;
  };
  const timer = setInterval(() => {
    result.sent += 1;
    const one: Promise<void> = call(url)
      .then(({ status, headers }) => {
        if (status !== 200) fail(`${status} ${String(headers['x-weft-reason'] ?? '')}`);
      })
      .catch((error: Error) => fail(error.message))
      .finally(() => running.delete(one));
    running.add(one);
  }, 1000 / perSecond);
  // a demo that failed meanwhile ends all the same
  timer.unref();
  return {
    stop: async () => {
      clearInterval(timer);
      await Promise.all(running);
      return result;
    },
  };
}
