/**
 * `node whoServer.ts PORT`: answers with {pod, at}: who it is, and when the request reached it (milliseconds since the
 * epoch). On SIGTERM it ends as a common server does: nothing new is accepted, running requests and idle connections end.
 */
import { createServer } from 'node:http';

const pod = process.env['POD_NAME'] ?? '';
let ending = false;

const server = createServer((request, response) => {
  const at = Date.now();
  request.resume();
  const headers = { 'content-type': 'application/json', ...(ending ? { connection: 'close' } : {}) };
  response.writeHead(200, headers).end(JSON.stringify({ pod, at, source: request.headers['x-weft-source'] }));
});
server.listen(Number(process.argv[2]));

process.on('SIGTERM', () => {
  ending = true;
  // what is on its way to this pod while its peers do not know yet is still answered
  setTimeout(() => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  }, 1_000);
});
