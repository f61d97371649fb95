/** Since when each workload's document says what it says: what is new since a moment makes no proxy late. */
import type { ConfigSource } from '../control/types.ts';

export interface Wanted {
  readonly hash: string;
  /** Milliseconds since the epoch; 0: since before anybody looked. */
  readonly since: number;
}

/** Bounded by the documents that there are: one that goes takes its entry along. */
export class WantedDocuments {
  readonly #source: ConfigSource;
  readonly #changed = new Map<string, Wanted>();
  readonly stop: () => void;

  constructor(source: ConfigSource, now: () => number) {
    this.#source = source;
    this.stop = source.onChange(({ documents }) => {
      const since = now();
      for (const workload of documents) {
        const hash = source.document(workload)?.hash;
        if (hash === undefined) this.#changed.delete(workload);
        else if (this.#changed.get(workload)?.hash !== hash) this.#changed.set(workload, { hash, since });
      }
    });
  }

  of(workload: string): Wanted | undefined {
    const hash = this.#source.document(workload)?.hash;
    return hash === undefined ? undefined : (this.#changed.get(workload) ?? { hash, since: 0 });
  }
}
