/**
 * The end of a proxy in two steps. kubelet runs preStop at once when the pod is deleted: the drain begins, peers are
 * sent elsewhere and everything is still served. SIGTERM comes to a sidecar only when the application has ended: then
 * what still runs is waited for, and the process ends. State is changed by a Unix socket that only this container has.
 */
import { chmod, rm } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { join } from 'node:path';
import type { Drain } from './context.ts';

export class DrainState implements Drain {
  #draining = false;
  readonly #listeners: (() => void)[] = [];

  get draining(): boolean {
    return this.#draining;
  }

  onDrain(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** Begins the drain; once begun it never ends. */
  begin(): void {
    if (this.#draining) return;
    this.#draining = true;
    for (const listener of this.#listeners) listener();
  }
}

const SOCKET_NAME = 'control.sock';
const REQUEST_TIMEOUT_MS = 5000;
const MAX_CONNECTIONS = 8;

/** Listens on `control.sock` in the folder, for this user alone: `POST /drain` begins the drain. */
export async function startControlSocket(folder: string, drain: DrainState): Promise<Server> {
  const path = join(folder, SOCKET_NAME);
  // left by a container that ran before in this pod
  await rm(path, { force: true });
  const server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (incoming, response) => {
    incoming.resume();
    const known = incoming.url === '/drain';
    const accepted = known && incoming.method === 'POST';
    if (accepted) drain.begin();
    response.writeHead(accepted ? 200 : known ? 405 : 404, { 'content-type': 'application/json' });
    response.end(`${JSON.stringify({ draining: drain.draining })}\n`);
  });
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  await chmod(path, 0o600);
  return server;
}

/** What the preStop hook does: tells the running proxy to begin its drain. Rejects where none runs. */
export function requestDrain(folder: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const options = {
      socketPath: join(folder, SOCKET_NAME),
      path: '/drain',
      method: 'POST',
      timeout: REQUEST_TIMEOUT_MS,
    };
    const outgoing = request(options, (response) => {
      response.resume();
      if (response.statusCode === 200) resolve();
      else reject(new Error(`the proxy answered ${response.statusCode}`));
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error('the proxy did not answer')));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
