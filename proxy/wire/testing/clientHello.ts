/** What real TLS clients say first. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { connect } from 'node:tls';

/** The ClientHello of a real TLS client. */
export async function clientHello(protocols: string[], serverName?: string): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = connect({
    port,
    host: '127.0.0.1',
    ...(protocols.length > 0 ? { ALPNProtocols: protocols } : {}),
    ...(serverName === undefined ? {} : { servername: serverName }),
  });
  client.on('error', () => {});
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return bytes;
}

/** The same handshake, in records of `size` bytes. */
export function inRecords(hello: Buffer, size: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 5; at < hello.length; at += size) {
    const payload = hello.subarray(at, at + size);
    const head = Buffer.from([0x16, 3, 1, payload.length >> 8, payload.length & 255]);
    parts.push(head, payload);
  }
  return Buffer.concat(parts);
}
