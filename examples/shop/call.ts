/**
 * One call, from inside a pod: `node call.ts URL [METHOD] ['NAME: VALUE' ...]`.
 * Prints {status, headers, body, elapsedMs} as JSON; status 0 and `error` where no answer came.
 */
import { call } from './lib/client.ts';

const [url, method = 'GET', ...lines] = process.argv.slice(2);
if (!url) {
  process.stderr.write("usage: node call.ts URL [METHOD] ['NAME: VALUE' ...]\n");
  process.exit(2);
}
const headers = Object.fromEntries(
  lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  }),
);
const started = performance.now();
const answer = await call(url, { method, headers });
const elapsedMs = Math.round(performance.now() - started);
process.stdout.write(`${JSON.stringify({ ...answer, elapsedMs })}\n`);
// the keep-alive connection would hold the process open
process.exit(0);
