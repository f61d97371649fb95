/** Opens a connection, in plain text or over mTLS, within a time. */
import { connect, type Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { Code } from '../../core/errors/index.ts';
import { bound } from './bounds.ts';
import type { Channel } from './channel.ts';
import { SocketChannel } from './socketChannel.ts';
import { secureClient } from './tls.ts';

export interface DialOptions {
  address: string;
  port: number;
  timeoutMs: number;
  /** Source address, where redirection must recognize the connection. */
  localAddress?: string | undefined;
  /** mTLS: our certificate, and what the peer may prove to be. Absent: plain text. */
  tls?: { context: SecureContext; identities: ReadonlySet<string>; alpn: string };
}

export interface DialHandlers {
  /** `identity` is what the peer proved; '' in plain text. */
  connected(channel: Channel, identity: string): void;
  failed(code: Code, detail: string): void;
}

/** Exactly one handler is called, never before this returns. The returned function gives up without calling any. */
export function dial(options: DialOptions, handlers: DialHandlers): () => void {
  const { address, port, timeoutMs, localAddress, tls } = options;
  const raw = connect({
    host: address,
    port,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: bound.keepAliveMs,
    allowHalfOpen: true,
    ...(localAddress === undefined ? {} : { localAddress }),
  });
  let settled = false;
  const settle = (): boolean => {
    if (settled) return false;
    settled = true;
    clearTimeout(timer);
    return true;
  };
  const fail = (code: Code, detail: string) => {
    if (!settle()) return;
    raw.destroy();
    handlers.failed(code, detail);
  };
  const onError = (error: NodeJS.ErrnoException) => {
    const code = error.code === 'ETIMEDOUT' ? 'UPSTREAM_CONNECT_TIMEOUT' : 'UPSTREAM_CONNECT_FAILED';
    fail(code, `${address}:${port}: ${error.code ?? error.message}`);
  };
  const timer = setTimeout(() => {
    const late = () =>
      fail('UPSTREAM_CONNECT_TIMEOUT', `${address}:${port}: no connection after ${timeoutMs} ms`);
    // where this process was kept from running, the answer may wait to be read, and timers come before it
    setImmediate(late);
  }, timeoutMs);
  raw.once('error', onError);
  const succeed = (channel: Channel, identity: string) => {
    if (settle()) handlers.connected(channel, identity);
    else channel.destroy();
  };
  raw.once('connect', () => {
    raw.off('error', onError);
    if (!tls) return succeed(new SocketChannel(raw), '');
    raw.on('error', () => {});
    secureClient(raw, {
      ...tls,
      secured: (socket, identity) => succeed(new SocketChannel(socket, raw), identity),
      failed: ({ code, detail }) => fail(code, `${address}:${port}: ${detail}`),
    });
  });
  return () => {
    if (settle()) discard(raw);
  };
}

function discard(raw: Socket): void {
  raw.on('error', () => {});
  raw.destroy();
}
