import type { Snapshot } from '../core/model/index.ts';

/** Where snapshots come from. Every listener gets the newest one at once, if there is one, and then each new one. */
export interface SnapshotSource {
  /** The newest; undefined before the first is complete. */
  readonly current: Snapshot | undefined;
  /** Returns the way to stop listening. */
  onSnapshot(listener: (snapshot: Snapshot) => void): () => void;
  /** Begins; resolves with the first snapshot, and rejects only when it is stopped before. */
  start(): Promise<Snapshot>;
  /** Ends it for good. No listener is called any more. */
  stop(): Promise<void>;
}

/** Keeps the newest snapshot and tells listeners; one that throws does not keep the others from hearing. */
export class Announcer {
  readonly #listeners = new Set<(snapshot: Snapshot) => void>();
  readonly #onError: (error: Error) => void;
  readonly #first = Promise.withResolvers<Snapshot>();
  #current: Snapshot | undefined;

  constructor(onError: (error: Error) => void) {
    this.#onError = onError;
    // nobody need wait for it
    this.#first.promise.catch(() => undefined);
  }

  get current(): Snapshot | undefined {
    return this.#current;
  }

  get first(): Promise<Snapshot> {
    return this.#first.promise;
  }

  listen(listener: (snapshot: Snapshot) => void): () => void {
    this.#listeners.add(listener);
    if (this.#current) this.#tell(listener, this.#current);
    return () => this.#listeners.delete(listener);
  }

  announce(snapshot: Snapshot): void {
    this.#current = snapshot;
    this.#first.resolve(snapshot);
    for (const listener of this.#listeners) this.#tell(listener, snapshot);
  }

  end(): void {
    this.#listeners.clear();
    this.#first.reject(new Error('stopped before the first snapshot'));
  }

  #tell(listener: (snapshot: Snapshot) => void, snapshot: Snapshot): void {
    try {
      listener(snapshot);
    } catch (error) {
      this.#onError(error as Error);
    }
  }
}
