/**
 * `node steadyClient.ts URL RATE`: requests at a steady rate, whether or not earlier ones have ended, of a whoServer. On
 * SIGTERM prints {sent, failed, failures, last} as JSON: `last` is when each pod was last reached, by its own clock.
 */
import { Agent, request } from 'node:http';

const [url = '', rate = '100'] = process.argv.slice(2);
const perMs = Number(rate) / 1000;
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const failures: { at: number; what: string }[] = [];
const last: Record<string, number> = {};
let sent = 0;
let failed = 0;
let running = 0;
let stopping = false;

function fail(what: string): void {
  failed += 1;
  if (failures.length < 20) failures.push({ at: Date.now(), what });
}

function taken(text: string): void {
  const { pod, at } = JSON.parse(text) as { pod: string; at: number };
  last[pod] = Math.max(last[pod] ?? 0, at);
}

function send(): void {
  sent += 1;
  running += 1;
  let settled = false;
  const settle = (failure?: string): void => {
    if (settled) return;
    settled = true;
    running -= 1;
    if (failure !== undefined) fail(failure);
  };
  const outgoing = request(url, { agent, timeout: 10_000 });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in ten seconds')));
  outgoing.on('error', (error: NodeJS.ErrnoException) => settle(error.code ?? error.message));
  outgoing.on('response', (incoming) => {
    let text = '';
    incoming.setEncoding('utf8');
    incoming.on('data', (chunk: string) => (text += chunk));
    incoming.on('error', (error) => settle(error.message));
    incoming.on('end', () => {
      const { statusCode, headers } = incoming;
      if (statusCode !== 200) return settle(`${statusCode} ${String(headers['x-weft-reason'] ?? text)}`);
      taken(text);
      settle();
    });
  });
  outgoing.end();
}

const start = performance.now();
const timer = setInterval(() => {
  if (!stopping) {
    while (sent < (performance.now() - start) * perMs) send();
    return;
  }
  if (running > 0) return;
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify({ sent, failed, failures, last })}\n`);
  process.exit(0);
}, 2);
process.on('SIGTERM', () => {
  stopping = true;
});
