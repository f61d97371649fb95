import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { OperatorMessage, ProxyMessage } from '../../core/control/index.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Delivery, RETRY_MS } from './delivery.ts';
import { Streams } from './streams.ts';
import { SimulatedProxy } from './testing/simulatedProxy.ts';
import { directoryOf, TestSource } from './testing/source.ts';

const workload = 'deployment/shop/cart';

/** A proxy and what serves it, with everything that is under way between them. */
class World {
  readonly clock = new ManualClock();
  readonly source = new TestSource();
  readonly proxy = new SimulatedProxy();
  readonly #streams = new Streams({ source: this.source, clock: this.clock });
  readonly #delivery: Delivery;
  readonly #toProxy: OperatorMessage[] = [];
  readonly #toOperator: ProxyMessage[] = [];
  #flush: (() => void)[] = [];
  #unanswered = 0;

  constructor() {
    const send = (line: Buffer): void => {
      this.#toProxy.push(JSON.parse(line.toString('utf8')) as OperatorMessage);
    };
    this.#delivery = new Delivery({
      workload,
      namespace: 'shop',
      source: this.source,
      lines: this.#streams.lines,
      clock: this.clock,
      outlet: {
        update: (line) => {
          this.#unanswered += 1;
          if (this.#unanswered > 1) throw new Error('two updates are outstanding');
          send(line);
        },
        directory: (line) => {
          if (this.#flush.length > 0) throw new Error('two directories are buffered');
          this.#flush.push(() => this.#delivery.directoryFlushed());
          send(line);
        },
      },
    });
    const changed = (at: number): void => this.#delivery.changed(at);
    this.#streams.add({ workload, namespace: 'shop', changed, fail: () => undefined });
    this.restate();
  }

  restate(): void {
    this.#toOperator.push(this.proxy.state());
  }

  file(): void {
    const document = this.source.document(workload);
    if (!document) return;
    this.proxy.file(document, this.source.position());
    this.restate();
  }

  ask(service: string): void {
    this.source.use(workload, [service]);
    this.#delivery.look(true);
  }

  flushed(): void {
    const [flush] = this.#flush;
    this.#flush = [];
    flush?.();
  }

  proxyReads(refuse?: string): void {
    const message = this.#toProxy.shift();
    if (message) this.#toOperator.push(...this.proxy.take(message, refuse));
  }

  operatorReads(): void {
    const message = this.#toOperator.shift();
    if (message?.type === 'state') this.#delivery.state(message);
    if (message?.type === 'ack' || message?.type === 'refusal') {
      this.#unanswered -= 1;
      if (message.type === 'ack') this.#delivery.acknowledged(message);
      else this.#delivery.refused(message);
      this.#delivery.look();
    }
  }

  /** Nobody changes anything any more, and everybody does what is due. */
  settle(): void {
    for (let ms = 0; ms < RETRY_MS * 4; ms += 2_000) {
      while (this.#toProxy.length + this.#toOperator.length + this.#flush.length > 0) {
        this.flushed();
        this.proxyReads();
        this.operatorReads();
      }
      this.clock.advance(2_000);
      this.#delivery.look();
    }
  }
}

const names = fc.constantFrom('shop/a', 'shop/b', 'shop/c', 'bank/d');
const texts = fc.dictionary(names, fc.constantFrom('1', '2', '3'), { maxKeys: 4 });
const step: fc.Arbitrary<(world: World) => void> = fc.oneof(
  fc.record({ services: texts, policy: fc.constantFrom('1', '2') }).map(
    ({ services, policy }) =>
      (world: World) =>
        void world.source.set('cart', { parts: { policy }, services }),
  ),
  fc.record({ services: texts, outside: fc.option(texts, { nil: undefined }) }).map(
    ({ services, outside }) =>
      (world: World) =>
        world.source.setDirectory('shop', directoryOf(services, outside)),
  ),
  fc.constant((world: World) => world.proxyReads()),
  fc.constant((world: World) => world.operatorReads()),
  fc.constant((world: World) => world.proxyReads('DOCUMENT_INVALID')),
  fc.constant((world: World) => world.flushed()),
  fc.constant((world: World) => world.restate()),
  fc.constant((world: World) => world.file()),
  names.map((service) => (world: World) => world.ask(service)),
  fc.constantFrom(1, 60, 1_100, 31_000).map((ms) => (world: World) => world.clock.advance(ms)),
);

it('brings every proxy to the newest, however its answers and files cross what is sent to it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const world = new World();
      for (const take of steps) take(world);
      world.settle();
      expect(world.proxy.inForce?.hash).toBe(world.source.document(workload)?.hash);
      expect(world.proxy.directory?.hash).toBe(world.source.directory('shop')?.hash);
    }),
    { numRuns: 500 },
  );
});
