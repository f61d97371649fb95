import { isGone, isTransient } from './apiError.ts';
import type { KubeClient, WatchOptions } from './client.ts';
import { backoffMs, sleep, systemClock, type Clock } from './clock.ts';
import { apiVersionOf, keyOf, pathOf, type KubeObject, type Resource } from './resource.ts';
import { ObjectStore, type Change, type Entry, type Store } from './store.ts';
import { parseWatchLine, type WatchEvent } from './watchEvents.ts';

export interface ReflectorOptions<T extends KubeObject, S = T> {
  client: KubeClient;
  resource: Resource<T>;
  /** Absent: all namespaces. */
  namespace?: string;
  labelSelector?: string;
  fieldSelector?: string;
  /** Only metadata is fetched; objects have nothing else. */
  metadataOnly?: boolean;
  /** What to keep of an object, so that memory holds no more than is used. Default: all but managedFields. */
  transform?: (object: T) => S;
  /** Called for each change after the store has it. What it throws is reported to `onError`, and not repeated. */
  onChange?: (change: Change<S>) => void;
  /** Each failure, also those that are tried again. */
  onError?: (error: Error) => void;
  /** Objects for each page of a list. */
  pageSize?: number;
  /**
   * A watch that brings neither event nor bookmark for so long is taken for dead, and another one begins where it was.
   * The API server sends a bookmark about each minute, though not for every quiet kind: silence is no error.
   */
  livenessMs?: number;
  /** The server ends a watch after one to two times this; then it goes on where it was. */
  watchTimeoutSeconds?: number;
  backoff?: { baseMs: number; maxMs: number };
  clock?: Clock;
  random?: () => number;
}

/** Short enough that a control plane is itself again soon after its API server is back. */
const DEFAULT_BACKOFF = { baseMs: 800, maxMs: 10_000 };
/** What a good list leaves of the failures before it. */
const FAILURES_AFTER_LIST = 2;
/** A watch that lasted so long was healthy: the next one may come at once. */
const HEALTHY_MS = 1_000;
/** Failures in a row after which even a lost connection leads to a new list. */
const MAX_RESUMES = 5;

/** Nobody reads managedFields from a store, and they are half of many an object. Without `transform`, S is T. */
const withoutManagedFields = <T extends KubeObject, S>(object: T): S => {
  delete object.metadata.managedFields;
  return object as unknown as S;
};

/**
 * Keeps a store equal to what the API server has: LIST in pages, then WATCH; again from the list where the history is
 * gone, a line cannot be read, or the watch is refused; from the last resourceVersion where only the connection was
 * lost. Goes on until `stop`.
 */
export class Reflector<T extends KubeObject, S = T> {
  readonly #options: ReflectorOptions<T, S>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #store = new ObjectStore<S>();
  readonly #abort = new AbortController();
  readonly #synced = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;
  #failures = 0;
  /** Where the next watch begins; undefined: a list is needed. */
  #resourceVersion: string | undefined;
  #isSynced = false;
  /** What it has done so far, for metrics. */
  readonly counters = { lists: 0, watches: 0, events: 0, failures: 0, silences: 0 };

  constructor(options: ReflectorOptions<T, S>) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    // Nobody need await it; stop() before the first list must not be an unhandled rejection.
    this.#synced.promise.catch(() => undefined);
  }

  get store(): Store<S> {
    return this.#store;
  }

  /** Resolves once the first list is in the store; rejects when stopped before. */
  get synced(): Promise<void> {
    return this.#synced.promise;
  }

  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** The newest state that is known to be in the store; undefined before the first list and while one is needed. */
  get resourceVersion(): string | undefined {
    return this.#resourceVersion;
  }

  /** Begins; answers itself. */
  start(): this {
    this.#running ??= this.#run();
    return this;
  }

  /** Ends it for good; resolves when no request is open. No change is announced after this was called. */
  async stop(): Promise<void> {
    this.#abort.abort();
    this.#synced.reject(new Error(`stopped before the first list of ${this.#options.resource.plural}`));
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      try {
        if (this.#resourceVersion === undefined) await this.#list();
        else await this.#watch(this.#resourceVersion);
      } catch (error) {
        if (this.#abort.signal.aborted) return;
        this.#failed(error as Error);
      }
      if (this.#failures > 0) await this.#pause();
    }
  }

  #failed(error: Error): void {
    this.#failures += 1;
    this.counters.failures += 1;
    // Where only the connection was lost or the server is busy, the history is still there. A server that never
    // gets over it may have been restored from a backup, and then our resourceVersion lies in its future.
    if (!isTransient(error) || this.#failures > MAX_RESUMES) this.#resourceVersion = undefined;
    this.#report(error);
  }

  #pause(): Promise<void> {
    const delay = backoffMs(this.#options.backoff ?? DEFAULT_BACKOFF, this.#failures, this.#random);
    return sleep(this.#clock, delay, this.#abort.signal);
  }

  /**
   * A success shortens the backoff, for the server is back, but does not end it: a watch refused after each list must
   * not become a busy loop.
   */
  async #list(): Promise<void> {
    this.counters.lists += 1;
    const { signal } = this.#abort;
    const { client, resource, pageSize = 500 } = this.#options;
    const listed = new Map<string, Entry<S>>();
    // No resourceVersion: the newest state. '0' might give a state older than what we have.
    const options = { ...this.#scope(), signal };
    let page = await client.list(resource, { ...options, limit: pageSize });
    this.#collect(page.items, listed);
    while (page.metadata.continue) {
      try {
        page = await client.list(resource, { ...options, limit: pageSize, continue: page.metadata.continue });
      } catch (error) {
        if (!isGone(error)) throw error;
        // The history went on faster than our pages: all at once always comes to an end.
        this.#report(error);
        listed.clear();
        page = await client.list(resource, options);
      }
      this.#collect(page.items, listed);
    }
    signal.throwIfAborted();
    this.#announce(this.#store.replace(listed));
    this.#resourceVersion = page.metadata.resourceVersion;
    this.#failures = Math.min(this.#failures, FAILURES_AFTER_LIST);
    this.#isSynced = true;
    this.#synced.resolve();
  }

  #collect(items: T[], listed: Map<string, Entry<S>>): void {
    for (const item of items) {
      const key = keyOf(item);
      const entry = this.#entryOf(item) ?? this.#store.entry(key);
      if (entry) listed.set(key, entry);
    }
  }

  async #watch(resourceVersion: string): Promise<void> {
    this.counters.watches += 1;
    const { client, resource, watchTimeoutSeconds = 300 } = this.#options;
    const watchdog = this.#watchdog();
    const startedAt = this.#clock.monotonic();
    const timeoutSeconds = Math.round(watchTimeoutSeconds * (1 + this.#random()));
    const { signal } = watchdog;
    let lines = 0;
    try {
      for await (const line of client.watch(resource, {
        ...this.#scope(),
        resourceVersion,
        timeoutSeconds,
        signal,
      })) {
        signal.throwIfAborted();
        watchdog.alive();
        this.#handle(parseWatchLine<T>(line, `GET ${pathOf(resource)}`));
        lines += 1;
      }
      if (lines === 0 && this.#clock.monotonic() - startedAt < HEALTHY_MS) this.#failures += 1;
    } catch (error) {
      if (!watchdog.isSilent()) throw error;
      this.counters.silences += 1;
    } finally {
      watchdog.end();
      // Progress was made: the next pause is short. A long one was healthy: no pause at all.
      if (lines > 0) this.#failures = Math.min(this.#failures, 1);
      if (this.#clock.monotonic() - startedAt >= HEALTHY_MS) this.#failures = 0;
    }
  }

  /** A signal that aborts when `alive` was not called for `livenessMs`, or when the reflector stops. */
  #watchdog(): { signal: AbortSignal; alive: () => void; isSilent: () => boolean; end: () => void } {
    const { livenessMs = 180_000 } = this.#options;
    const abort = new AbortController();
    let silent = false;
    let seenAt = this.#clock.monotonic();
    let cancel = (): void => undefined;
    const check = (): void => {
      const left = livenessMs - (this.#clock.monotonic() - seenAt);
      if (left > 0) cancel = this.#clock.after(left, check);
      else {
        silent = true;
        abort.abort();
      }
    };
    const stop = (): void => abort.abort();
    this.#abort.signal.addEventListener('abort', stop, { once: true });
    if (this.#abort.signal.aborted) stop();
    check();
    const end = (): void => {
      cancel();
      this.#abort.signal.removeEventListener('abort', stop);
    };
    const alive = (): void => void (seenAt = this.#clock.monotonic());
    return { signal: abort.signal, alive, isSilent: () => silent, end };
  }

  #handle(event: WatchEvent<T>): void {
    if (event.type === 'Failed') throw event.error;
    if (event.type === 'Malformed') throw new Error(`unreadable line in a watch: ${event.message}`);
    if (event.type === 'Bookmark') {
      this.#resourceVersion = event.resourceVersion;
      return;
    }
    this.counters.events += 1;
    const { object } = event;
    const { resourceVersion = '', uid = '' } = object.metadata;
    const key = keyOf(object);
    if (event.type === 'Remove') this.#announce(this.#store.remove(key, uid));
    else {
      const entry = this.#entryOf(object);
      if (entry) this.#announce(this.#store.put(key, entry));
    }
    this.#resourceVersion = resourceVersion;
  }

  /** Undefined, after a report, where the transform cannot take it: one odd object must not stop all others. */
  #entryOf(object: T): Entry<S> | undefined {
    const { resource, transform = withoutManagedFields<T, S> } = this.#options;
    const { uid = '', resourceVersion = '' } = object.metadata;
    // Items of a list come without them, and with metadataOnly they name the wrong kind.
    object.apiVersion = apiVersionOf(resource);
    object.kind = resource.kind;
    try {
      return { uid, resourceVersion, object: transform(object) };
    } catch (error) {
      this.#report(error as Error);
      return undefined;
    }
  }

  #announce(changes: Change<S>[]): void {
    for (const change of changes) {
      if (this.#abort.signal.aborted) return;
      try {
        this.#options.onChange?.(change);
      } catch (error) {
        this.#report(error as Error);
      }
    }
  }

  #report(error: Error): void {
    this.#options.onError?.(error);
  }

  #scope(): Pick<WatchOptions, 'namespace' | 'labelSelector' | 'fieldSelector' | 'metadataOnly'> {
    const { namespace, labelSelector, fieldSelector, metadataOnly } = this.#options;
    return { namespace, labelSelector, fieldSelector, metadataOnly };
  }
}
