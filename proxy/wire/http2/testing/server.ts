/**
 * Answers every HTTP/2 request in plain text with what it was, for tools that test implementations:
 * `node proxy/wire/http2/testing/server.ts 8080`, then `h2spec -p 8080 --strict`.
 */
import { EchoHandler } from './echo.ts';
import { listenHttp2 } from './loopback.ts';

const server = await listenHttp2(() => new EchoHandler(), { port: Number(process.argv[2] ?? 0) });
process.stdout.write(`listening at 127.0.0.1:${server.port}\n`);
