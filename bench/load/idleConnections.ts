/** Connections that made one request each and then say nothing, as those of a client's pool do. */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls';
import { readFileSync } from 'node:fs';

const AT_ONCE = 100;
const ANSWER_MS = 20_000;
/** Sources on loopback, so that there are ports enough. */
const SOURCES = 20;
const REQUEST = 'GET / HTTP/1.1\r\nHost: server\r\n\r\n';

export interface Security {
  files: Record<string, string>;
  alpn: string;
}

export interface IdleOptions {
  port: number;
  count: number;
  security?: Security;
}

/** How many files this process may have open. */
export function openFileLimit(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const limit = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  return limit === undefined || limit === 'unlimited' ? Infinity : Number(limit);
}

interface Dialled {
  socket: Socket;
  opened: 'connect' | 'secureConnect';
}

function dial({ port, security }: IdleOptions, index: number, secureContext?: SecureContext): Dialled {
  const localAddress = `127.0.0.${2 + (index % SOURCES)}`;
  const raw = connectPlain({ host: '127.0.0.1', port, localAddress });
  if (security === undefined) return { socket: raw, opened: 'connect' };
  const socket = connectTls({
    socket: raw,
    secureContext: secureContext!,
    ALPNProtocols: [security.alpn],
    // what is measured is the other side, which checks our certificate
    rejectUnauthorized: false,
  });
  return { socket, opened: 'secureConnect' };
}

async function open(dialled: Dialled): Promise<Socket> {
  const { socket, opened } = dialled;
  const signal = AbortSignal.timeout(ANSWER_MS);
  await once(socket, opened, { signal });
  socket.write(REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  if (!answer.toString('latin1').startsWith('HTTP/1.1 200'))
    throw new Error(`was answered ${answer.toString('latin1').split('\r\n')[0]}`);
  socket.on('error', () => socket.destroy());
  return socket;
}

/** Opens all, gives what closes them. Throws where one cannot be opened or is not answered. */
export async function idleConnections(options: IdleOptions): Promise<() => void> {
  const { count, security } = options;
  const limit = openFileLimit();
  if (limit < count + 500)
    throw new Error(`${count} connections need more open files than ${limit}: ulimit -n ${count * 2}`);
  const context =
    security === undefined
      ? undefined
      : createSecureContext({ cert: security.files['tls.crt'], key: security.files['tls.key'] });
  const sockets: Socket[] = [];
  const close = () => {
    for (const socket of sockets) socket.destroy();
  };
  try {
    while (sockets.length < count) {
      const batch = Math.min(AT_ONCE, count - sockets.length);
      const dialled = Array.from({ length: batch }, (_, index) =>
        open(dial(options, sockets.length + index, context)),
      );
      const settled = await Promise.allSettled(dialled);
      for (const result of settled) if (result.status === 'fulfilled') sockets.push(result.value);
      const failed = settled.find((result) => result.status === 'rejected');
      if (failed)
        throw new Error(`connection ${sockets.length + 1} of ${count}: ${(failed.reason as Error).message}`);
    }
    return close;
  } catch (error) {
    close();
    throw error;
  }
}
