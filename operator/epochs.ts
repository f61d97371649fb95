/** The epochs under which streams bring documents and directories. */
import { isPlausible } from './sinks/stamp.ts';

export class Epochs {
  /** By refKey: the highest that was given or seen, since a document that somebody deletes must not fall back. */
  readonly #byKey = new Map<string, number>();

  of(key: string): number {
    return this.#byKey.get(key) ?? 1;
  }

  /** False where it is known already. */
  raise(key: string, epoch: number): boolean {
    const before = this.#byKey.get(key);
    if (before === undefined || epoch > before) this.#byKey.set(key, epoch);
    return epoch > (before ?? 1);
  }

  /** By a stamp. The first one is where we begin; after it none is believed that is further than operators go. */
  see(key: string, epoch: number): boolean {
    return isPlausible(epoch, this.#byKey.get(key) ?? epoch) && this.raise(key, epoch);
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  keys(): Iterable<string> {
    return this.#byKey.keys();
  }
}
