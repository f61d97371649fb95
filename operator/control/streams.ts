/** The streams that are open on this replica: who must hear of a change, without a long turn of the event loop. */
import type { Changes } from '../../core/compile/index.ts';
import type { Clock } from '../../kube/index.ts';
import { Bulk } from './bulk.ts';
import { Lines } from './lines.ts';
import type { ConfigSource } from './types.ts';

/** One stream that was admitted. */
export interface Listener {
  /** workloadKey. */
  readonly workload: string;
  readonly namespace: string;
  /** The document or the directory may be another one since `at` (monotonic). */
  changed(at: number): void;
  /** It threw; what it stands for is to end. */
  fail(error: unknown): void;
}

/** Others get their turn after this, ms. */
const SLICE_MS = 8;

class Index {
  readonly #listeners = new Map<string, Set<Listener>>();

  of(key: string): ReadonlySet<Listener> {
    return this.#listeners.get(key) ?? new Set();
  }

  keys(): string[] {
    return [...this.#listeners.keys()];
  }

  add(key: string, listener: Listener): void {
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
  }

  delete(key: string, listener: Listener): void {
    const listeners = this.#listeners.get(key);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(key);
  }
}

export class Streams {
  readonly lines: Lines;
  readonly bulk: Bulk;
  readonly #clock: Clock;
  readonly #byWorkload = new Index();
  readonly #byNamespace = new Index();
  /** Since when there is news for each, in the order of the news. */
  readonly #due = new Map<Listener, number>();
  readonly #unsubscribe: () => void;
  #draining = false;
  #cancel: (() => void) | undefined;
  #size = 0;

  constructor({ source, clock }: { source: ConfigSource; clock: Clock }) {
    this.#clock = clock;
    this.lines = new Lines(source);
    this.bulk = new Bulk({ clock });
    this.#unsubscribe = source.onChange((changes) => this.#take(changes));
  }

  get size(): number {
    return this.#size;
  }

  /** workloadKeys of the proxies that are connected. */
  workloads(): string[] {
    return this.#byWorkload.keys();
  }

  /** Returns the way out. */
  add(listener: Listener): () => void {
    this.#byWorkload.add(listener.workload, listener);
    this.#byNamespace.add(listener.namespace, listener);
    this.lines.observe(listener.namespace);
    this.#size += 1;
    return () => {
      this.#byWorkload.delete(listener.workload, listener);
      this.#byNamespace.delete(listener.namespace, listener);
      this.#due.delete(listener);
      this.#size -= 1;
    };
  }

  stop(): void {
    this.#unsubscribe();
    this.#cancel?.();
  }

  #take({ documents, directories }: Changes): void {
    const now = this.#clock.monotonic();
    for (const workload of documents) this.#mark(this.#byWorkload.of(workload), now);
    for (const namespace of directories) {
      const listeners = this.#byNamespace.of(namespace);
      if (listeners.size > 0) this.lines.observe(namespace);
      else this.lines.forget(namespace);
      this.#mark(listeners, now);
    }
    this.#drain();
  }

  #mark(listeners: ReadonlySet<Listener>, now: number): void {
    for (const listener of listeners) if (!this.#due.has(listener)) this.#due.set(listener, now);
  }

  #slice(): void {
    const end = this.#clock.monotonic() + SLICE_MS;
    for (const [listener, at] of this.#due) {
      this.#due.delete(listener);
      try {
        listener.changed(at);
      } catch (error) {
        listener.fail(error);
      }
      if (this.#clock.monotonic() > end) break;
    }
  }

  #drain(): void {
    // what one of them causes is taken by the loop that is running
    if (this.#draining || this.#cancel) return;
    this.#draining = true;
    try {
      this.#slice();
    } finally {
      this.#draining = false;
    }
    if (this.#due.size === 0) return;
    this.#cancel = this.#clock.after(0, () => {
      this.#cancel = undefined;
      this.#drain();
    });
  }
}
