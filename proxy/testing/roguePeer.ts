/** What a workload can do with its own certificate, without its proxy: streams of `weft/1` as it likes. */
import { once } from 'node:events';
import { connect } from 'node:tls';
import type { IdentityFiles } from '../../certs/verify/index.ts';
import { Http2Connection } from '../wire/http2/connection.ts';
import type { Http2Stream } from '../wire/http2/stream.ts';
import { quiet } from '../wire/http2/testing/quiet.ts';
import { SocketChannel } from '../wire/socketChannel.ts';
import type { TestMeshOfTwo } from './mesh.ts';
import { until } from './sockets.ts';

const nothing = (): void => {};

export interface Asked {
  stream: Http2Stream;
  status: number;
  /** It is over, in whatever way. */
  ended: boolean;
}

/** Connects with a certificate of the mesh; returns the way to ask. Fields are sent as they are, pseudo-fields first. */
export async function roguePeer(identity: IdentityFiles, mesh: TestMeshOfTwo, port: number) {
  const files = identity as unknown as Record<string, string>;
  const [cert, key, ca] = [files['tls.crt']!, files['tls.key']!, files['ca.crt']!];
  const host = '127.0.0.1';
  const checkServerIdentity = () => undefined;
  const socket = connect({ host, port, cert, key, ca, ALPNProtocols: ['weft/1'], checkServerIdentity });
  await once(socket, 'secureConnect');
  mesh.onEnd(async () => void socket.destroy());
  const channel = new SocketChannel(socket);
  const connection = new Http2Connection({ channel, role: 'client', handler: quiet });
  connection.start();
  await until(() => connection.ready, 'the settings');
  return (fields: string[], ended: boolean): Asked => {
    const asked: Asked = { stream: undefined as never, status: 0, ended: false };
    asked.stream = connection.request(fields, ended, {
      interim: nothing,
      response: ({ status }, last) => {
        asked.status = status;
        asked.ended = last;
      },
      data: (_bytes, last) => (asked.ended ||= last),
      trailers: () => (asked.ended = true),
      drain: nothing,
      reset: () => (asked.ended = true),
    })!;
    return asked;
  };
}
