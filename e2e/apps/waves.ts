/**
 * `node waves.ts URL METHODS COUNT`: so many requests of these methods in turn (`GET,POST`), 100 a second, in waves
 * whose distance sweeps through one second, so that connections are used again just when a server closes what has been
 * idle for a second. Every other wave is spread evenly instead. Prints {sent, failed, failures} as JSON.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const [url = '', list = 'GET', count = '6000'] = process.argv.slice(2);
const methods = list.split(',');
const RATE = 100;
const agent = new Agent({ keepAlive: true, maxSockets: 100 });
const failures: Record<string, number> = {};
let sent = 0;
let failed = 0;

function fail(what: string): void {
  failed += 1;
  failures[what] = (failures[what] ?? 0) + 1;
}

function send(): Promise<void> {
  const method = methods[sent % methods.length]!;
  const body = method === 'POST' ? 'x'.repeat(512) : '';
  sent += 1;
  return new Promise((resolve) => {
    const outgoing = request(url, {
      agent,
      method,
      timeout: 10_000,
      headers: { 'content-length': body.length },
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in ten seconds')));
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      fail(`${method} ${error.code ?? error.message}`);
      resolve();
    });
    outgoing.on('response', (incoming) => {
      const { statusCode, headers } = incoming;
      if (statusCode !== 200) fail(`${method} ${statusCode} ${String(headers['x-weft-reason'] ?? '')}`);
      incoming.resume();
      incoming.on('end', resolve);
      incoming.on('error', () => resolve(fail(`${method} broken answer`)));
    });
    outgoing.end(body);
  });
}

const running: Promise<void>[] = [];
for (let wave = 0; sent < Number(count); wave += 1) {
  // 0.96 s to 1.04 s: the moment at which idle connections are closed lies within
  const distance = 960 + (wave % 9) * 10;
  const spread = wave % 2 === 1;
  const next = performance.now() + distance;
  for (let i = 0; i < RATE; i += 1) {
    running.push(send());
    // a pause may be longer than it was meant to be; the rate is kept all the same
    const due = next - distance + ((i + 1) * distance) / RATE;
    if (spread && due > performance.now()) await pause(due - performance.now());
  }
  await pause(next - performance.now());
}
await Promise.all(running);
process.stdout.write(`${JSON.stringify({ sent, failed, failures })}\n`);
process.exit(0);
