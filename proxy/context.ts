/** What the stations of the data plane share: live state that is swapped whole, never changed in place. */
import type { SecureContext } from 'node:tls';
import type { Authorizer } from '../core/evaluate/index.ts';
import type { ProxyConfig, Section, Service } from '../core/proxyConfig/index.ts';
import type { Destinations } from './outbound/destinations.ts';
import type { CompactDirectory } from './outbound/directory.ts';
import type { Telemetry } from './telemetry/types.ts';

/** A value that changes over time. `current` is cheap enough for every request. */
export interface Live<T> {
  readonly current: T | undefined;
  /** Calls back after each change; returns the way to stop. */
  subscribe(listener: (value: T) => void): () => void;
}

/** A document without its services. */
export type DocumentHead = Omit<ProxyConfig, 'services'>;

/** One document in force with all that is derived from it at load time, so that requests derive nothing. */
export interface ConfigState {
  readonly document: DocumentHead;
  readonly section: Section;
  /** By `namespace/name`, in that order; one that did not change is the same value as in the state before. */
  readonly services: ReadonlyMap<string, Service>;
  readonly directory: CompactDirectory | undefined;
  /** The same value as in the state before while policy is. */
  readonly authorizer: Authorizer;
  readonly destinations: Destinations;
}

/** The certificate in use. New connections take the newest; open ones stay. */
export interface IdentityState {
  readonly spiffeId: string;
  readonly serial: string;
  readonly notAfter: Date;
  /** For dialling peers, and for accepting them. */
  readonly clientContext: SecureContext;
  readonly serverContext: SecureContext;
}

export interface Drain {
  /** True once shutdown was announced: keep serving, but send peers elsewhere. */
  readonly draining: boolean;
  onDrain(listener: () => void): void;
}

export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A fixed mapping of process mode, or the listener that redirected connections arrive at. */
export interface Address {
  host: string;
  port: number;
}

export interface ListenAddress extends Address {
  /** Other threads of this process listen at it too: the kernel deals new connections out (SO_REUSEPORT). */
  shared?: boolean;
}

export interface InboundListen {
  listen: ListenAddress;
  /** Process mode: the workload port that policy sees, and where the application is. Absent: original destination. */
  fixed?: { port: number; dial: Address };
}

export interface OutboundListen {
  listen: ListenAddress;
  /** Process mode: what the application meant to reach. Absent: original destination. */
  fixed?: Address;
}

/** Services that only the directory knows are asked for when they are called. */
export interface Demand {
  /**
   * Asks for a service, `namespace/name`. Undefined: there is nothing to wait for. Resolves, soon in any case, when it
   * is in the document or is known not to come; never rejects.
   */
  want(service: string): Promise<void> | undefined;
}

export interface DataPlane {
  readonly config: Live<ConfigState>;
  readonly identity: Live<IdentityState>;
  readonly telemetry: Telemetry;
  readonly drain: Drain;
  readonly log: Log;
  /** Absent where nobody can be asked. */
  readonly demand?: Demand | undefined;
}

/** What a started side of the data plane offers. */
export interface Running {
  /** Addresses really bound, in the order of the listeners (port 0 resolved). */
  readonly addresses: readonly Address[];
  /** Open connections from clients and requests that run, for drain and admin. */
  stats(): { connections: number; requests: number };
  /** Stops accepting and resolves when running requests ended or `timeoutMs` passed; then closes the rest. */
  stop(timeoutMs: number): Promise<void>;
}
