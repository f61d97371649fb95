import type { Live } from '../context.ts';

/** A value that is swapped whole. Listeners are called in the order in which they came, after each swap. */
export class LiveValue<T> implements Live<T> {
  #current: T | undefined;
  readonly #listeners = new Set<(value: T) => void>();

  get current(): T | undefined {
    return this.#current;
  }

  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(value: T): void {
    this.#current = value;
    for (const listener of this.#listeners) listener(value);
  }
}

/** Resolves with the first value that `live` has, of those that are `complete`. */
export function firstOf<T>(live: Live<T>, complete: (value: T) => boolean = () => true): Promise<T> {
  const { current } = live;
  if (current !== undefined && complete(current)) return Promise.resolve(current);
  return new Promise((resolve) => {
    const stop = live.subscribe((value) => {
      if (!complete(value)) return;
      stop();
      resolve(value);
    });
  });
}
