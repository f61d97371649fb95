/**
 * `node firstCalls.ts URL...`: calls each once, and then four times more, each time by a new connection of its own, and
 * prints {url, status, reason, pod, firstMs, laterMs} of each as JSON. Names are resolved before: what DNS takes is not
 * the mesh's.
 */
import { lookup } from 'node:dns/promises';
import { request } from 'node:http';

interface Answer {
  status: number;
  reason: string;
  pod: string;
  ms: number;
}

/** Status 0 where no answer came; then `reason` says why. */
function call({ host, port, pathname, hostname }: URL, address: string): Promise<Answer> {
  const start = performance.now();
  return new Promise((resolve) => {
    const done = (status: number, reason: string, pod = ''): void =>
      resolve({ status, reason, pod, ms: performance.now() - start });
    const outgoing = request({
      host: address,
      port,
      path: pathname,
      headers: { host },
      agent: false,
      timeout: 5_000,
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`no answer of ${hostname} in five seconds`)));
    outgoing.on('error', (error) => done(0, error.message));
    outgoing.on('response', (incoming) => {
      let text = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk: string) => (text += chunk));
      incoming.on('error', (error) => done(0, error.message));
      incoming.on('end', () => {
        const reason = String(incoming.headers['x-weft-reason'] ?? '');
        const { pod = '' } = (text.startsWith('{') ? JSON.parse(text) : {}) as { pod?: string };
        done(incoming.statusCode ?? 0, reason, pod);
      });
    });
    outgoing.end();
  });
}

const round = (ms: number): number => Math.round(ms * 10) / 10;
const result = [];
for (const text of process.argv.slice(2)) {
  const url = new URL(text);
  const { address } = await lookup(url.hostname);
  const { status, reason, pod, ms } = await call(url, address);
  const later: number[] = [];
  for (let i = 0; i < 4; i += 1) later.push((await call(url, address)).ms);
  later.sort((a, b) => a - b);
  result.push({ url: text, status, reason, pod, firstMs: round(ms), laterMs: round(later[1]!) });
}
process.stdout.write(`${JSON.stringify(result)}\n`);
