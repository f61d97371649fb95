import { refKey, type DocumentObject, type DocumentSink, type ExistingDocument } from '../sinks/types.ts';

/** Documents in memory, with what somebody else may do to them. The watch lags until `deliver`. */
export class MemoryDocuments implements DocumentSink {
  readonly existing = new Map<string, ExistingDocument>();
  readonly written: DocumentObject[] = [];
  readonly removed: string[] = [];
  readonly #stored = new Map<string, ExistingDocument>();
  readonly #listeners: ((key: string) => void)[] = [];
  #version = 0;
  /** The next apply rejects with it. */
  failure: Error | undefined;

  onChange(listener: (key: string) => void): void {
    this.#listeners.push(listener);
  }

  apply(document: DocumentObject): Promise<ExistingDocument> {
    const { failure } = this;
    if (failure) {
      this.failure = undefined;
      return Promise.reject(failure);
    }
    const key = refKey(document);
    const { namespace, name, stamp, owner, expectedVersion } = document;
    const before = this.#stored.get(key);
    if (expectedVersion !== undefined && before?.resourceVersion !== expectedVersion) {
      return Promise.reject(new Error('conflict'));
    }
    this.written.push(document);
    const stored = {
      namespace,
      name,
      uid: `uid-${key}`,
      resourceVersion: this.#next(),
      stamp,
      actualTextHash: stamp.textHash,
      ...(owner ? { ownerUid: owner.uid } : {}),
    };
    this.#stored.set(key, stored);
    return Promise.resolve(stored);
  }

  remove(document: ExistingDocument): Promise<void> {
    this.removed.push(refKey(document));
    this.#stored.delete(refKey(document));
    return Promise.resolve();
  }

  /** Somebody changes the text. */
  damage(key: string): void {
    const stored = this.#stored.get(key);
    if (stored) this.#stored.set(key, { ...stored, actualTextHash: 'other', resourceVersion: this.#next() });
  }

  /** Somebody deletes it. */
  delete(key: string): void {
    this.#stored.delete(key);
  }

  /** The watch shows what is there. */
  deliver(): void {
    this.existing.clear();
    for (const [key, document] of this.#stored) this.existing.set(key, document);
    for (const key of this.#stored.keys()) for (const listener of this.#listeners) listener(key);
  }

  #next(): string {
    this.#version += 1;
    return String(this.#version);
  }
}
