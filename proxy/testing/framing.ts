/** How a server reads a flow of bytes: which requests it finds in it, where it refuses, where it waits for more. */
import { once } from 'node:events';
import http from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

/** One request as an application saw it. */
export interface SeenRequest {
  method: string;
  /** Without scheme and authority, which servers in between may take off. */
  target: string;
  body: string;
}

export interface Observation {
  requests: SeenRequest[];
  /** Status codes that the client got. */
  statuses: number[];
  /** The server neither closed the connection after the last request nor refused anything: it waits for more bytes. */
  waits: boolean;
}

/** Sent behind every case: whoever has read the case to its end sees it as a request of its own. */
export const LAST = { method: 'GET', target: '/last', body: '' } as const;
const LAST_BYTES = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

/** After this silence the client says that nothing more will come. */
const SILENCE_MS = 250;
const GIVE_UP_MS = 3_000;

const targetOf = (url: string) => url.replace(/^https?:\/\/[^/?]*/i, '') || '/';

/** An application on loopback that answers everything with 200 and remembers what it was asked. */
export class RecordingApplication {
  readonly server: http.Server;
  private seen: (SeenRequest & { complete: boolean })[] = [];

  constructor() {
    this.server = http.createServer((request, response) => {
      const seen = { method: request.method!, target: targetOf(request.url!), body: '', complete: false };
      this.seen.push(seen);
      request.setEncoding('latin1');
      request.on('data', (part) => (seen.body += String(part)));
      request.on('error', () => {});
      request.on('end', () => {
        seen.complete = true;
        response.end('ok\n');
      });
    });
    this.server.on('connect', (request, socket) => {
      socket.on('error', () => {});
      this.seen.push({ method: 'CONNECT', target: targetOf(request.url!), body: '', complete: true });
      socket.end('HTTP/1.1 405 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    });
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return (this.server.address() as AddressInfo).port;
  }

  /** The requests since the last call, without those whose end never came. */
  take(): SeenRequest[] {
    const complete = this.seen.splice(0).filter((request) => request.complete);
    return complete.map(({ method, target, body }) => ({ method, target, body }));
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Sends `bytes` and the last request to `port`, and tells what came of it at `application` and at the client. */
export async function observe(
  port: number,
  bytes: string,
  application: RecordingApplication,
): Promise<Observation> {
  application.take();
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  const { text, waits } = await converse(socket, bytes + LAST_BYTES);
  const statuses = [...text.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map((match) => Number(match[1]));
  return { requests: application.take(), statuses: statuses.filter((status) => status >= 200), waits };
}

function converse(socket: Socket, bytes: string): Promise<{ text: string; waits: boolean }> {
  return new Promise((resolve) => {
    let text = '';
    let waits = false;
    const finish = () => {
      clearTimeout(silence);
      clearTimeout(end);
      socket.destroy();
      resolve({ text, waits });
    };
    const silence = setTimeout(() => {
      waits = true;
      socket.end();
    }, SILENCE_MS);
    const end = setTimeout(finish, GIVE_UP_MS);
    socket.setEncoding('latin1');
    socket.on('data', (part) => {
      text += String(part);
      silence.refresh();
    });
    socket.on('end', finish);
    socket.on('error', finish);
    socket.on('close', finish);
    socket.on('connect', () => socket.write(bytes, 'latin1'));
  });
}

/**
 * How `server` reads the bytes otherwise than we do, where we passed them on; undefined where it does not. It may
 * refuse what we pass on, and take what we refuse, but a request that we pass on is the same request to it, and it
 * does not wait for more of a request that has ended for us.
 */
export function disagreement(ours: Observation, server: Observation): string | undefined {
  const common = Math.min(ours.requests.length, server.requests.length);
  for (let at = 0; at < common; at++) {
    const [one, two] = [JSON.stringify(ours.requests[at]), JSON.stringify(server.requests[at])];
    if (one !== two) return `request ${at + 1} is ${one} to us and ${two} to it`;
  }
  if (ours.requests.length > common && server.waits)
    return `${ours.requests.length} requests to us, and it waits for the end of number ${common + 1}`;
  return undefined;
}
