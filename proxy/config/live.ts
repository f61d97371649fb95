import type { Live } from '../context.ts';

/**
 * A value that is swapped whole. Listeners are called in the order in which they came, after each swap: all of them, also
 * where one fails, since the value has changed for all.
 */
export class LiveValue<T> implements Live<T> {
  #current: T | undefined;
  readonly #listeners = new Set<(value: T) => void>();
  readonly #onError: ((error: unknown) => void) | undefined;

  /** `onError` is told what listeners throw; without it, `set` throws the first of it when all have been called. */
  constructor(onError?: (error: unknown) => void) {
    this.#onError = onError;
  }

  get current(): T | undefined {
    return this.#current;
  }

  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  set(value: T): void {
    this.#current = value;
    const errors: unknown[] = [];
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0 && !this.#onError) throw errors[0];
    for (const error of errors) this.#onError?.(error);
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
