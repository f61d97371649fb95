import * as http from 'node:http';
import * as https from 'node:https';
import type { Access, Credentials } from './access.ts';

/** Sockets kept for plain requests; further requests wait for one. Watches have their own, each one socket. */
const MAX_SOCKETS = 32;
const MAX_IDLE_SOCKETS = 8;

type Agent = http.Agent;

export interface Outgoing {
  method: string;
  path: string;
  headers: Record<string, string | number>;
  /** A watch: takes a socket of its own for as long as it lasts. */
  streaming?: boolean;
  /** Ask for credentials anew. */
  renew?: boolean;
}

const fingerprint = ({ ca, cert, key, servername, rejectUnauthorized }: Credentials): string =>
  JSON.stringify([ca, cert, key, servername, rejectUnauthorized].map((part) => part?.toString() ?? null));

/**
 * Keep-alive connections to one API server. New certificates mean a new pool; the old one ends with its requests.
 * node:https and not fetch: a kept connection makes a request ten times cheaper here, and a custom CA needs undici.
 */
export class Connections {
  readonly #access: Access;
  readonly #base: URL;
  #agents: { pool: Agent; streams: Agent; of: string } | undefined;

  constructor(access: Access) {
    this.#access = access;
    this.#base = new URL(access.server);
  }

  /** A request that is not yet sent: the caller adds its listeners and ends it. */
  async open({
    method,
    path,
    headers,
    streaming = false,
    renew = false,
  }: Outgoing): Promise<http.ClientRequest> {
    const credentials = await this.#access.credentials({ renew });
    const agents = this.#agentsFor(credentials);
    const { request } = this.#base.protocol === 'http:' ? http : https;
    return request({
      host: this.#base.hostname.replace(/^\[|\]$/g, ''),
      port: this.#base.port || (this.#base.protocol === 'http:' ? 80 : 443),
      method,
      path: this.#base.pathname.replace(/\/$/, '') + path,
      headers: { ...headers, ...credentials.headers },
      agent: streaming ? agents.streams : agents.pool,
    });
  }

  /** Ends idle connections and those in use. */
  close(): void {
    this.#agents?.pool.destroy();
    this.#agents?.streams.destroy();
    this.#agents = undefined;
  }

  #agentsFor(credentials: Credentials): { pool: Agent; streams: Agent } {
    const of = fingerprint(credentials);
    if (this.#agents?.of === of) return this.#agents;
    if (this.#agents) retire(this.#agents.pool);
    const { headers: _, ...tls } = credentials;
    const make = (options: http.AgentOptions): Agent =>
      this.#base.protocol === 'http:' ? new http.Agent(options) : new https.Agent({ ...options, ...tls });
    this.#agents = {
      of,
      pool: make({ keepAlive: true, maxSockets: MAX_SOCKETS, maxFreeSockets: MAX_IDLE_SOCKETS }),
      streams: make({ keepAlive: false }),
    };
    return this.#agents;
  }
}

/** Closes what is idle now, and what is in use as soon as it becomes idle. */
function retire(agent: Agent): void {
  agent.maxFreeSockets = 0;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}
