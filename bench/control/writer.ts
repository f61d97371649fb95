/**
 * Changes endpoints at a fixed rate, whatever became of the changes before: each change takes an endpoint of another
 * service out, and the next one of that service puts it back. Begins with a mesh in which all are ready; populate()
 * makes it so.
 */
import { resources, type KubeClient } from '../../kube/index.ts';
import type { Expectation } from './messages.ts';
import type { ServicePlace } from './shape.ts';
import { wallClock } from './messages.ts';

export interface Change extends Expectation {
  /** Just before the request was sent, and when it was answered, in ms since 1970. */
  sentAt: number;
  answeredAt: number;
}

export interface WriterOptions {
  client: KubeClient;
  services: readonly ServicePlace[];
  perSecond: number;
  /** Resolves once everybody who is to see the change knows of it. */
  announce: (expectation: Expectation) => Promise<void>;
  changed: (change: Change) => void;
  failed: (error: Error) => void;
}

/** A stride without a common divisor with the count visits all, and neighbours not one after the other. */
function strideOf(count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b));
  let stride = Math.max(1, Math.floor(count * 0.618));
  while (divisor(stride, count) !== 1) stride += 1;
  return stride;
}

export class Writer {
  readonly #options: WriterOptions;
  readonly #stride: number;
  #turns = 0;
  #running = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #begunAt = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#stride = strideOf(options.services.length);
  }

  /** Changes so far. */
  get count(): number {
    return this.#turns;
  }

  start(): void {
    this.#begunAt = performance.now();
    this.#schedule(0);
  }

  /** Resolves when all requests are answered. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all(this.#running);
  }

  #schedule(turn: number): void {
    const due = this.#begunAt + (turn * 1000) / this.#options.perSecond;
    this.#timer = setTimeout(
      () => {
        const work = this.#change().finally(() => this.#running.delete(work));
        this.#running.add(work);
        this.#schedule(turn + 1);
      },
      Math.max(0, due - performance.now()),
    );
  }

  #at(turn: number): Expectation & { place: ServicePlace; endpoint: number } {
    const { services } = this.#options;
    const round = Math.floor(turn / services.length);
    const place = services[(turn * this.#stride) % services.length]!;
    // rounds go out, back, out with the next endpoint, back
    const endpoint = (round >> 1) % place.pods.length;
    return {
      id: turn,
      service: `${place.namespace}/${place.name}`,
      address: place.pods[endpoint]!.address,
      ready: round % 2 === 1,
      place,
      endpoint,
    };
  }

  async #change(): Promise<void> {
    const { announce, changed, failed } = this.#options;
    const { place, endpoint, ...expectation } = this.#at(this.#turns++);
    try {
      await announce(expectation);
      const sentAt = wallClock();
      await this.#patch({ place, endpoint, ...expectation });
      changed({ ...expectation, sentAt, answeredAt: wallClock() });
    } catch (error) {
      failed(error as Error);
    }
  }

  #patch({
    place,
    endpoint,
    ready,
  }: {
    place: ServicePlace;
    endpoint: number;
    ready: boolean;
  }): Promise<unknown> {
    const path = `/endpoints/${endpoint}/conditions`;
    const body = [{ op: 'replace', path, value: { ready, serving: ready, terminating: false } }];
    const options = { type: 'json', body, metadataOnly: true } as const;
    return this.#options.client.patch(resources.endpointSlices, place, options);
  }
}
