import { isNotFound } from './apiError.ts';
import type { KubeClient } from './client.ts';
import { systemClock, type Clock } from './clock.ts';
import { microTime } from './microTime.ts';
import { apiVersionOf, resources, type KubeEvent, type KubeObject, type Resource } from './resource.ts';
import { TokenBucket } from './tokenBucket.ts';

export interface EventRecorderOptions {
  client: KubeClient;
  /** Shown as the source: `weft-operator`. */
  component: string;
  /** Which replica: the pod's name. */
  instance: string;
  onError?: (error: Error) => void;
  clock?: Clock;
}

/** One thing that happened to an object. */
export interface Happening {
  resource: Resource;
  /** What it happened to; name, namespace and uid are used. */
  object: KubeObject;
  type: 'Normal' | 'Warning';
  /** CamelCase, at most 128 characters: `IssueFailed`. */
  reason: string;
  /** What was being done: `IssueCertificate`. */
  action: string;
  /** For people; cut after 1024 characters. */
  note: string;
}

interface Series {
  namespace: string;
  name: string;
  count: number;
  at: number;
}

/** Equal happenings within this time are one Event with a count (as client-go). */
const SERIES_MS = 6 * 60_000;
/** For one object: this many at once, then one each five minutes (as client-go). */
const PER_OBJECT = { burst: 25, perSecond: 1 / 300 };
const MAX_KNOWN = 4096;
const MAX_WAITING = 1000;

/**
 * Writes Events (events.k8s.io/v1) to objects, for people who look with `kubectl describe`. Never throws and never
 * makes its caller wait; equal ones are counted instead of repeated; too many are dropped.
 */
export class EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #clock: Clock;
  readonly #series = new Map<string, Series>();
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #waiting: Happening[] = [];
  readonly #abort = new AbortController();
  #writing: Promise<void> | undefined;
  #serial = 0;
  /** Not written: too many, or refused by the API. */
  dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /** Takes note; the Event is written soon. */
  record(happening: Happening): void {
    if (this.#abort.signal.aborted || this.#waiting.length >= MAX_WAITING || !this.#allowed(happening)) {
      this.dropped += 1;
      return;
    }
    this.#waiting.push(happening);
    this.#writing ??= this.#drain();
  }

  /** Resolves once all that was recorded is written or dropped. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** Drops what is not yet written. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#writing;
  }

  #allowed({ object: { metadata } }: Happening): boolean {
    const key = metadata.uid ?? `${metadata.namespace}/${metadata.name}`;
    const bucket = this.#buckets.get(key) ?? new TokenBucket(PER_OBJECT, this.#clock);
    remember(this.#buckets, key, bucket);
    return bucket.tryTake();
  }

  async #drain(): Promise<void> {
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) {
      try {
        await this.#write(next);
      } catch (error) {
        this.dropped += 1;
        if (!this.#abort.signal.aborted) this.#options.onError?.(error as Error);
      }
    }
    this.#writing = undefined;
  }

  async #write(happening: Happening): Promise<void> {
    const { metadata } = happening.object;
    const { type, reason, action, note } = happening;
    const key = JSON.stringify([metadata.uid, metadata.namespace, metadata.name, type, reason, action, note]);
    const known = this.#series.get(key);
    const now = this.#clock.now();
    if (known && now - known.at < SERIES_MS && (await this.#count(known, now))) return;
    const event = this.#eventOf(happening, now);
    const { signal } = this.#abort;
    await this.#options.client.create(resources.events, event, {
      signal,
      fieldManager: this.#options.component,
    });
    const { name, namespace = 'default' } = event.metadata;
    remember(this.#series, key, { namespace, name, count: 1, at: now });
  }

  /** False where the Event is gone: they live an hour. */
  async #count(series: Series, now: number): Promise<boolean> {
    const { client, component } = this.#options;
    const body = { series: { count: series.count + 1, lastObservedTime: microTime(now) } };
    const options = { type: 'merge' as const, body, fieldManager: component, signal: this.#abort.signal };
    try {
      await client.patch(resources.events, series, options);
    } catch (error) {
      if (isNotFound(error)) return false;
      throw error;
    }
    series.count += 1;
    series.at = now;
    return true;
  }

  #eventOf({ resource, object, type, reason, action, note }: Happening, now: number): KubeEvent {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    this.#serial += 1;
    return {
      // Events of what has no namespace live in `default`, where kubectl looks for them.
      metadata: {
        name: `${name.slice(0, 200)}.${now.toString(16)}${this.#serial.toString(16).padStart(4, '0')}`,
        namespace: namespace ?? 'default',
      },
      eventTime: microTime(now),
      reportingController: this.#options.component,
      reportingInstance: this.#options.instance.slice(0, 128),
      type,
      reason: reason.slice(0, 128),
      action: action.slice(0, 128),
      note: note.slice(0, 1024),
      regarding: {
        apiVersion: apiVersionOf(resource),
        kind: resource.kind,
        name,
        ...(namespace ? { namespace } : {}),
        ...(uid ? { uid } : {}),
        ...(resourceVersion ? { resourceVersion } : {}),
      },
    };
  }
}

/** Sets, and forgets what was set longest ago: memory stays bounded. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_KNOWN) map.delete(map.keys().next().value!);
}
