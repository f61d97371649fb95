/** One document as it is wanted, written and in force, and a clock that the test moves. */
import { ManualClock } from '../../kube/testing/manualClock.ts';
import { Documents, MIN_INTERVAL_MS, type DocumentIncident } from '../controllers/documents.ts';
import type { InForce } from '../controllers/order.ts';
import type { DesiredDocument } from '../controllers/wantedFiles.ts';
import { documentHash } from '../hash.ts';
import { MemoryDocuments } from './memoryDocuments.ts';
import { wantedFile } from './model.ts';

export const KEY = 'shop/weft.deployment.cart';

export class DocumentsWorld {
  readonly sink = new MemoryDocuments();
  readonly clock = new ManualClock();
  /** Where documents were about to be written. */
  readonly placed: string[] = [];
  readonly incidents: DocumentIncident[] = [];
  /** By refKey. */
  readonly desired = new Map<string, DesiredDocument>();
  revision = '100';
  inForce: InForce[] = [];
  /** Until a proxy has only the file. */
  filesDueMs = 0;
  documents = this.#start();

  #start(): Documents {
    return new Documents({
      sink: this.sink,
      hash: documentHash,
      clock: this.clock,
      desired: (key) => this.desired.get(key),
      revision: () => this.revision,
      inForce: () => this.inForce,
      filesDueMs: () => this.filesDueMs,
      onIncident: (incident) => this.incidents.push(incident),
      onPlaced: (_document, { epoch, revision }) => this.placed.push(`${epoch}/${revision}`),
      onWritten: () => {},
      onOversized: () => {},
    });
  }

  /** Another leader, that knows only what is in place. */
  restart(): void {
    this.documents = this.#start();
  }

  want(hash: string | undefined, at: string, fields: Partial<DesiredDocument> = {}): void {
    this.revision = at;
    if (hash === undefined) this.desired.delete(KEY);
    else this.desired.set(KEY, wantedFile(hash, fields));
  }

  reconcile(): ReturnType<Documents['reconcile']> {
    return this.documents.reconcile(KEY);
  }

  /** Looks, and once more at each time that it asks for, for so long. */
  async look(ms = 0): Promise<void> {
    const { clock } = this;
    const end = clock.monotonic() + ms;
    for (;;) {
      const again = await this.reconcile();
      if (!again || clock.monotonic() + again.requeueAfterMs > end) break;
      clock.advance(again.requeueAfterMs);
    }
    clock.advance(end - clock.monotonic());
  }

  /** The watch shows what is there. */
  deliver(): void {
    this.sink.deliver();
    this.documents.observed(KEY);
  }

  /** What is wanted is in place, and the watch has shown it. */
  async inPlace(hash: string, revision: string): Promise<void> {
    this.want(hash, revision);
    await this.reconcile();
    this.deliver();
    this.clock.advance(MIN_INTERVAL_MS);
  }

  get hashInPlace(): string | undefined {
    return this.documents.hashInPlace(KEY);
  }

  get positions(): string[] {
    return this.sink.written.map(({ stamp }) => `${stamp.epoch}/${stamp.revision}`);
  }
}
