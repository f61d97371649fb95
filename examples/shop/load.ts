/**
 * A steady load: `node load.ts --url http://web:8080/ --rate 100 --duration 60`.
 * Open loop: a request starts when its time has come, whether or not earlier ones have ended, and latency counts from
 * that time, so that a stall shows in the numbers. Prints a JSON summary; exits 1 if any request failed.
 */
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://web:8080/' },
    method: { type: 'string', default: 'GET' },
    body: { type: 'string', default: '' },
    /** Requests per second. */
    rate: { type: 'string', default: '50' },
    /** Seconds. */
    duration: { type: 'string', default: '10' },
    /** Connections at most; requests beyond it wait for one. */
    concurrency: { type: 'string', default: '64' },
    /** Milliseconds until a request counts as failed. */
    timeout: { type: 'string', default: '10000' },
    /** Each connection serves this many requests at most; 0: any number. */
    reuse: { type: 'string', default: '0' },
  },
});

function number(name: keyof typeof values, least: number): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < least) {
    process.stderr.write(`--${name} must be a number of at least ${least}\n`);
    process.exit(2);
  }
  return value;
}

const rate = number('rate', 0.1);
const durationMs = number('duration', 0.1) * 1000;
const timeout = number('timeout', 1);
const reuse = number('reuse', 0);
const agent = new Agent({ keepAlive: true, maxSockets: number('concurrency', 1), scheduling: 'lifo' });

const byStatus: Record<string, number> = {};
const byError: Record<string, number> = {};
const byReason: Record<string, number> = {};
const byVersion: Record<string, number> = {};
const failures: { at: string; what: string }[] = [];
const latencies: number[] = [];
let sent = 0;
let failed = 0;
let running = 0;

const count = (table: Record<string, number>, key: string) => {
  table[key] = (table[key] ?? 0) + 1;
};

function fail(what: string): void {
  failed += 1;
  if (failures.length < 20) failures.push({ at: new Date().toISOString(), what });
}

/** One request; `due` is when it should have started, on the clock of performance.now(). */
function send(due: number): void {
  sent += 1;
  running += 1;
  const close = reuse > 0 && sent % reuse === 0;
  const outgoing = request(values.url, {
    agent,
    method: values.method,
    timeout,
    headers: close ? { connection: 'close' } : {},
  });
  let settled = false;
  // a request has one outcome: an answer, or the first error
  const done = (record: () => void) => {
    if (settled) return;
    settled = true;
    running -= 1;
    latencies.push(performance.now() - due);
    record();
  };
  outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('timeout'), { code: 'TIMEOUT' })));
  outgoing.on('error', (error: NodeJS.ErrnoException) =>
    done(() => {
      count(byError, error.code ?? error.message);
      fail(error.code ?? error.message);
    }),
  );
  outgoing.on('response', (incoming) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => {
      if (text.length < 65_536) text += chunk;
    });
    incoming.on('error', (error: NodeJS.ErrnoException) => outgoing.emit('error', error));
    incoming.on('end', () =>
      done(() => {
        const status = incoming.statusCode ?? 0;
        const reason = incoming.headers['x-weft-reason'];
        count(byStatus, String(status));
        if (typeof reason === 'string') count(byReason, reason);
        const version = /"version":"([^"]+)"/.exec(text)?.[1];
        if (version) count(byVersion, version);
        if (status < 200 || status > 299) fail(`${status} ${String(reason ?? '')} ${text.slice(0, 300)}`);
      }),
    );
  });
  outgoing.end(values.body || undefined);
}

function percentile(share: number): number {
  const at = Math.min(latencies.length - 1, Math.floor(latencies.length * share));
  return Math.round((latencies[at] ?? 0) * 10) / 10;
}

function finish(): void {
  latencies.sort((a, b) => a - b);
  const summary = {
    sent,
    failed,
    byStatus,
    byError,
    byReason,
    byVersion,
    latencyMs: { p50: percentile(0.5), p90: percentile(0.9), p99: percentile(0.99), max: percentile(1) },
    failures,
  };
  process.stdout.write(`${JSON.stringify(summary)}\n`);
  process.exit(failed > 0 || sent === 0 ? 1 : 0);
}

const start = performance.now();
let stopping = false;
const timer = setInterval(() => {
  const now = performance.now();
  const until = stopping ? 0 : Math.min(now - start, durationMs);
  while (sent < (until * rate) / 1000) send(start + (sent * 1000) / rate);
  if ((stopping || now - start >= durationMs) && running === 0) {
    clearInterval(timer);
    finish();
  }
}, 5);
// a test that has seen enough ends the load early and still gets the summary
process.on('SIGTERM', () => {
  stopping = true;
});
process.on('SIGINT', () => {
  stopping = true;
});
