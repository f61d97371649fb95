/** One call, from inside a pod: `node call.ts URL [METHOD] [BODY]` prints {status, headers, body} as JSON. */
import { call } from './lib/client.ts';

const [url, method = 'GET', body] = process.argv.slice(2);
if (!url) {
  process.stderr.write('usage: node call.ts URL [METHOD] [BODY]\n');
  process.exit(2);
}
const started = performance.now();
const answer = await call(url, { method, ...(body === undefined ? {} : { body }) });
const elapsedMs = Math.round(performance.now() - started);
process.stdout.write(`${JSON.stringify({ ...answer, elapsedMs })}\n`);
// the keep-alive connection would hold the process open
process.exit(0);
