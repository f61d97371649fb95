/** How a client reads a response, and an application that gives exactly the bytes of one. */
import http from 'node:http';
import type { Socket } from 'node:net';
import type { ResponseCase } from '../wire/http1/testing/responseCorpus.ts';
import { serve, type TestServer } from './sockets.ts';

export const MARKER = 'the next answer';

/** Answers paths that begin with `/case` with the bytes of a case and everything else with the marker. */
export class ScriptedApplication {
  current: ResponseCase | undefined;
  private server: TestServer | undefined;

  async listen(): Promise<number> {
    this.server = await serve((socket) => this.accept(socket));
    return this.server.port;
  }

  async close(): Promise<void> {
    await this.server?.close();
  }

  private accept(socket: Socket): void {
    let text = '';
    socket.setEncoding('latin1');
    socket.on('end', () => socket.end());
    socket.on('data', (part) => {
      text += String(part);
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        this.answer(socket, text.slice(0, end));
        text = text.slice(end + 4);
      }
    });
  }

  private answer(socket: Socket, request: string): void {
    if (!/^\S+ (?:http:\/\/[^/]*)?\/case\S* /.test(request)) {
      const body = request.startsWith('HEAD') ? '' : MARKER;
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${MARKER.length}\r\n\r\n${body}`);
      return;
    }
    socket.write(this.current!.bytes, 'latin1');
    if (this.current!.ends) socket.end();
  }
}

/** What a client took a response for; `refused` where it took it for none, or for a broken one. */
export type Answer = { status: number; body: string; reason: string | undefined } | 'refused';

const DEADLINE_MS = 700;

/**
 * Asks for `path`, which begins with `/case`, and then, on the same connection where it goes on, for what must be the
 * marker.
 */
export async function ask(
  port: number,
  { method = 'GET', path = '/case' } = {},
): Promise<{ answer: Answer; next: Answer }> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const answer = await request({ port, method, path, agent });
    const next = answer === 'refused' ? answer : await request({ port, method: 'GET', path: '/next', agent });
    return { answer, next };
  } finally {
    agent.destroy();
  }
}

function request(options: http.RequestOptions): Promise<Answer> {
  return new Promise((resolve) => {
    const outgoing = http.request({ host: '127.0.0.1', ...options }, (response) => {
      let body = '';
      response.setEncoding('latin1');
      response.on('data', (part) => (body += String(part)));
      response.on('error', () => resolve('refused'));
      response.on('end', () => {
        const reason = response.headers['x-weft-reason'];
        resolve({ status: response.statusCode!, body, reason: reason as string | undefined });
      });
    });
    // an answer of which more is to come is none that was read in another way
    outgoing.setTimeout(DEADLINE_MS, () => outgoing.destroy());
    outgoing.on('error', () => resolve('refused'));
    outgoing.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve('refused');
    });
    outgoing.end();
  });
}

/** True where no answer of the application came through: the client refused it, or a proxy in between. */
export const isRefused = (answer: Answer): boolean =>
  answer === 'refused' || answer.status === 502 || answer.status === 504 || answer.reason !== undefined;
