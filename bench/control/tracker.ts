/** Knows of each announced change which proxies hold the service, and when each of them had the change in force. */
import type { Expectation } from './messages.ts';

interface Awaited extends Expectation {
  /** Numbers of the proxies that do not have it yet. */
  readonly missing: Set<number>;
  readonly expected: number;
  readonly at: number[];
}

export interface Observation {
  readonly id: number;
  readonly expected: number;
  readonly at: readonly number[];
}

/** Whether the endpoint is one that requests are sent to; of a service that the proxy does not hold: undefined. */
export type IsReady = (proxy: number, service: string, address: string) => boolean | undefined;

export class Tracker {
  readonly #isReady: IsReady;
  readonly #done: (observation: Observation) => void;
  /** By service. */
  readonly #awaited = new Map<string, Awaited[]>();

  constructor(isReady: IsReady, done: (observation: Observation) => void) {
    this.#isReady = isReady;
    this.#done = done;
  }

  /** Before the change is made; gives how many of the proxies will have to have it. */
  expect(expectation: Expectation, proxies: number): number {
    const { service, address } = expectation;
    const missing = new Set<number>();
    for (let proxy = 0; proxy < proxies; proxy++)
      if (this.#isReady(proxy, service, address) !== undefined) missing.add(proxy);
    const awaited = { ...expectation, missing, expected: missing.size, at: [] };
    if (missing.size > 0) this.#awaited.set(service, [...(this.#awaited.get(service) ?? []), awaited]);
    return missing.size;
  }

  /** The proxy has another state in force since `at`. */
  swapped(proxy: number, at: number): void {
    for (const list of this.#awaited.values()) for (const awaited of list) this.#look(awaited, proxy, at);
  }

  /** Tells what was seen of it until now. */
  forget(id: number): void {
    for (const list of this.#awaited.values())
      for (const awaited of list) if (awaited.id === id) this.#end(awaited);
  }

  #look(awaited: Awaited, proxy: number, at: number): void {
    const { service, address, ready, missing } = awaited;
    if (!missing.has(proxy) || this.#isReady(proxy, service, address) !== ready) return;
    missing.delete(proxy);
    awaited.at.push(at);
    if (missing.size === 0) this.#end(awaited);
  }

  #end(awaited: Awaited): void {
    const { id, service, expected, at } = awaited;
    const left = this.#awaited.get(service)?.filter((other) => other !== awaited) ?? [];
    if (left.length > 0) this.#awaited.set(service, left);
    else this.#awaited.delete(service);
    this.#done({ id, expected, at });
  }
}
