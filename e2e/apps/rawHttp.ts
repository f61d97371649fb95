/**
 * `node rawHttp.ts HOST PORT BASE64 [QUIET_MS]`: sends bytes as they are, prints in base64 what came back until the
 * other side closed; with QUIET_MS, until nothing came for that long. Where the bytes have a zero byte, an answer is waited for before the rest is sent.
 */
import { connect } from 'node:net';

const [host = '', port = '', base64 = '', quiet = '0'] = process.argv.slice(2);
const pieces = Buffer.from(base64, 'base64').toString('latin1').split('\u0000');
const got: Buffer[] = [];
const socket = connect({ host, port: Number(port), noDelay: true });

let timer: NodeJS.Timeout | undefined;
function finish(how: string): void {
  process.stdout.write(JSON.stringify({ text: Buffer.concat(got).toString('latin1'), how }));
  process.exit(0);
}
function sendNext(): void {
  const piece = pieces.shift();
  if (piece !== undefined) socket.write(piece, 'latin1');
}

socket.setTimeout(30_000, () => finish('silent'));
socket.on('connect', sendNext);
socket.on('data', (chunk: Buffer) => {
  got.push(chunk);
  sendNext();
  clearTimeout(timer);
  if (Number(quiet) > 0 && pieces.length === 0) timer = setTimeout(() => finish('quiet'), Number(quiet));
});
socket.on('end', () => finish('end'));
socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code ?? error.message));
