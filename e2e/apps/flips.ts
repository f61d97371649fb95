/**
 * `node flips.ts EVERY_MS NAME=URL...`: asks each URL again and again, and prints a line {name, at, before, status} whenever
 * its status is another one than before; `at` is when the answer was there, and `before` when the last request was sent
 * that showed the former status, in milliseconds since the epoch. On SIGTERM a last line {asked}.
 */
import { Agent, request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const [every = '10', ...targets] = process.argv.slice(2);
const agent = new Agent({ keepAlive: true });
let asked = 0;

/** 0 where no answer came. */
function ask(url: string): Promise<number> {
  asked += 1;
  return new Promise((resolve) => {
    const outgoing = request(url, { agent, timeout: 5_000 });
    outgoing.on('timeout', () => outgoing.destroy());
    outgoing.on('error', () => resolve(0));
    outgoing.on('response', (incoming) => {
      incoming.on('error', () => resolve(0));
      incoming.on('end', () => resolve(incoming.statusCode ?? 0));
      incoming.resume();
    });
    outgoing.end();
  });
}

async function watch(target: string): Promise<void> {
  const split = target.indexOf('=');
  const [name, url] = [target.slice(0, split), target.slice(split + 1)];
  let last = { status: -1, sentAt: 0 };
  for (; ; await pause(Number(every))) {
    const sentAt = Date.now();
    const status = await ask(url);
    if (status !== last.status)
      process.stdout.write(`${JSON.stringify({ name, at: Date.now(), before: last.sentAt, status })}\n`);
    last = { status, sentAt };
  }
}

process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify({ asked })}\n`, () => process.exit(0));
});
await Promise.all(targets.map(watch));
