/** Two ends of one connection over the loopback, and a socket that is read in the way Node reads all others. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Handler } from '../channel.ts';

export interface Ends {
  readonly accepted: Socket;
  readonly client: Socket;
}

export async function connected(): Promise<Ends> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
  client.on('error', () => {});
  const [[accepted]] = (await Promise.all([once(server, 'connection'), once(client, 'connect')])) as [
    [Socket],
    unknown,
  ];
  server.close();
  return { accepted, client };
}

/** `socket` as it would be where Node reads into no buffer of others. */
export function withoutSharedReads(socket: Socket): Socket {
  const { _handle: handle } = socket as Socket & { _handle: { useUserBuffer?: unknown } };
  handle.useUserBuffer = undefined;
  return socket;
}

/** Writes down what it is told: text, `end`, and `closed` with the code of its error. */
export class Listener implements Handler {
  readonly heard: string[] = [];
  /** All bytes as one text. */
  text = '';

  data(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    this.heard.push(text);
    this.text += text;
  }
  end(): void {
    this.heard.push('end');
  }
  drain(): void {}
  closed(error: (Error & { code?: string }) | undefined): void {
    this.heard.push(error === undefined ? 'closed' : `closed ${error.code}`);
  }
}

/** So many turns of the event loop, in each of which all sockets are looked at. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}
