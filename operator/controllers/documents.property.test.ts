/** Whatever happens in whatever order, proxies are led to what is wanted, and never back. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { compareRevision } from '../../core/proxyConfig/index.ts';
import { documentHash } from '../hash.ts';
import type { DocumentStamp } from '../sinks/types.ts';
import { MemoryDocuments } from '../testing/memoryDocuments.ts';
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { wantedFile } from '../testing/model.ts';
import { Documents, REPAIR_MS } from './documents.ts';

const KEY = 'shop/weft.deployment.cart';

const step = fc.oneof(
  fc.record({
    kind: fc.constant('want' as const),
    hash: fc.integer({ min: 1, max: 4 }),
    shape: fc.integer({ min: 1, max: 2 }),
    newer: fc.integer({ min: 0, max: 3 }),
  }),
  fc.record({
    kind: fc.constantFrom(
      'restart',
      'restore',
      'damage',
      'delete',
      'deliver',
      'look',
      'wait',
      'report',
      'stream',
    ),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class World {
  readonly sink = new MemoryDocuments();
  readonly #clock = new ManualClock();
  #revision = 100;
  #wanted = 'h0';
  #shape = 's0';
  #filesDueMs = 0;
  /** What the proxies have in force: only something newer replaces it. */
  inForce: DocumentStamp | undefined;
  /** A document that proxies would have refused as older than theirs, though its content is another. */
  stale: DocumentStamp[] = [];
  #seen = 0;
  #reported: DocumentStamp | undefined;
  #documents = this.#start();

  #start(): Documents {
    return new Documents({
      sink: this.sink,
      hash: documentHash,
      clock: this.#clock,
      desired: () => wantedFile(this.#wanted, { shape: () => this.#shape }),
      revision: () => String(this.#revision),
      inForce: () => (this.#reported ? [{ ...this.#reported, streamed: false }] : []),
      filesDueMs: () => this.#filesDueMs,
      onIncident: () => {},
      onPlaced: () => {},
      onWritten: () => {},
      onOversized: () => {},
    });
  }

  async do(one: Step): Promise<void> {
    if (one.kind === 'want') {
      this.#revision += one.newer;
      this.#wanted = `h${one.hash}`;
      this.#shape = `s${one.shape}`;
    } else if (one.kind === 'restart') this.#restart();
    // from a backup: revisions begin again, and proxies still run
    else if (one.kind === 'restore') this.#revision = 50;
    else if (one.kind === 'damage') this.sink.damage(KEY);
    else if (one.kind === 'delete') this.sink.delete(KEY);
    else if (one.kind === 'deliver') this.#deliver();
    else if (one.kind === 'report') this.#reported = this.inForce;
    else if (one.kind === 'stream') this.#filesDueMs = this.#filesDueMs === 0 ? Infinity : 0;
    else if (one.kind === 'wait') this.#clock.advance(1_000);
    else await this.#look();
  }

  /** The first list comes before the first look; only what proxies have is not known yet. */
  #restart(): void {
    this.sink.deliver();
    this.#reported = undefined;
    this.#documents = this.#start();
  }

  #deliver(): void {
    this.sink.deliver();
    this.#documents.observed(KEY);
  }

  async #look(): Promise<void> {
    await this.#documents.reconcile(KEY).catch(() => undefined);
    for (const { stamp } of this.sink.written.slice(this.#seen)) this.#proxiesSee(stamp);
    this.#seen = this.sink.written.length;
  }

  #proxiesSee(stamp: DocumentStamp): void {
    if (!this.inForce || compareRevision(stamp, this.inForce) > 0) this.inForce = stamp;
    else if (stamp.hash !== this.inForce.hash) this.stale.push(stamp);
  }

  /** Lets time pass until nothing is left to do. */
  async settle(): Promise<void> {
    for (let round = 0; round < 8; round += 1) {
      this.#reported = this.inForce;
      this.#deliver();
      this.#clock.advance(REPAIR_MS);
      await this.#look();
      await this.#look();
    }
  }

  get wanted(): string {
    return this.#wanted;
  }
}

it('ends with what is wanted in place and in force', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
    const world = new World();
    for (const one of steps) await world.do(one);
    await world.settle();
    const written = world.sink.written.length;
    await world.settle();
    return (
      world.inForce?.hash === world.wanted &&
      world.sink.existing.get(KEY)?.stamp?.hash === world.wanted &&
      world.sink.written.length === written
    );
  });
  expect(await fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false, counterexample: null });
});

it('writes nothing that proxies would take for older, as long as nobody deletes, damages or restores', async () => {
  const harmless = fc.array(
    step.filter(({ kind }) => !['delete', 'damage', 'restore'].includes(kind)),
    { maxLength: 40, size: 'max' },
  );
  const property = fc.asyncProperty(harmless, async (steps) => {
    const world = new World();
    for (const one of steps) await world.do(one);
    return world.stale.length === 0;
  });
  expect(await fc.check(property, { numRuns: 300 })).toMatchObject({ failed: false, counterexample: null });
});
