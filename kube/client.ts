import type { Access } from './access.ts';
import { isNotFound } from './apiError.ts';
import type { Clock } from './clock.ts';
import { apiVersionOf, pathOf, type KubeObject, type Place, type Resource } from './resource.ts';
import { contentTypes, Transport, type Method, type Query, type RequestOptions } from './transport.ts';

/** Which object. */
export interface Ref {
  namespace?: string | undefined;
  name: string;
}

export interface KubeList<T> {
  metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number };
  items: T[];
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
  timeoutMs?: number | undefined;
  retries?: number | undefined;
}

export interface ListOptions extends CallOptions {
  /** Absent: all namespaces. */
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  limit?: number | undefined;
  continue?: string | undefined;
  resourceVersion?: string | undefined;
  /** Only metadata travels and is given (PartialObjectMetadata). */
  metadataOnly?: boolean | undefined;
}

export interface WatchOptions {
  namespace?: string | undefined;
  labelSelector?: string | undefined;
  fieldSelector?: string | undefined;
  metadataOnly?: boolean | undefined;
  resourceVersion: string;
  /** The server ends the watch after this. */
  timeoutSeconds?: number | undefined;
  signal: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** `status`, `scale`. */
  subresource?: string | undefined;
  fieldManager?: string | undefined;
  /** Checked, answered, not stored. */
  dryRun?: boolean | undefined;
  /** The answer carries only metadata: what a caller without `get` on Secrets asks for. */
  metadataOnly?: boolean | undefined;
}

export interface PatchOptions extends WriteOptions {
  type: 'merge' | 'json' | 'apply';
  body: unknown;
  /** With `apply`: take fields over from other managers. */
  force?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  /** Only if the object is still this one. */
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  propagationPolicy?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  gracePeriodSeconds?: number | undefined;
}

export interface ClientOptions {
  userAgent?: string;
  clock?: Clock;
  random?: () => number;
}

const PARTIAL = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1';
const PARTIAL_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
const PATCH_TYPES = {
  merge: contentTypes.mergePatch,
  json: contentTypes.jsonPatch,
  apply: contentTypes.applyPatch,
};

/** The verbs of the API on typed resources. All reject with ApiError, or with the reason of an aborted signal. */
export class KubeClient {
  readonly transport: Transport;
  readonly namespace: string;

  constructor(access: Access, options: ClientOptions = {}) {
    this.transport = new Transport({ access, ...options });
    this.namespace = access.namespace;
  }

  get<T extends KubeObject>(resource: Resource<T>, ref: Ref, options: CallOptions = {}): Promise<T> {
    return this.#send({ method: 'GET', resource, place: ref, options });
  }

  /** As `get`, undefined where there is none. */
  async find<T extends KubeObject>(
    resource: Resource<T>,
    ref: Ref,
    options: CallOptions = {},
  ): Promise<T | undefined> {
    try {
      return await this.get(resource, ref, options);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** One page; all of it without `limit`. Items carry no apiVersion and kind: the API leaves them out. */
  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}): Promise<KubeList<T>> {
    const { namespace, labelSelector, fieldSelector, limit, resourceVersion, metadataOnly } = options;
    const query = { labelSelector, fieldSelector, limit, continue: options.continue, resourceVersion };
    const accept = metadataOnly ? PARTIAL_LIST : undefined;
    const call: Call = { method: 'GET', resource, place: { namespace }, options, query, accept };
    const list = await this.#send<Omit<KubeList<T>, 'items'> & { items: T[] | null }>(call);
    // the server writes an empty PartialObjectMetadataList as null
    return { ...list, items: list.items ?? [] };
  }

  /** The namespace is that of the object. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace } = object.metadata;
    const body = typed(resource, object);
    return this.#write({ method: 'POST', resource, place: { namespace }, options, body });
  }

  /** Replaces; with the object's resourceVersion a stale write is refused (409, isConflict). */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name } = object.metadata;
    const body = typed(resource, object);
    return this.#write({ method: 'PUT', resource, place: { namespace, name }, options, body });
  }

  patch<T extends KubeObject>(resource: Resource<T>, ref: Ref, options: PatchOptions): Promise<T> {
    const { type, body, force } = options;
    const contentType = PATCH_TYPES[type];
    return this.#write({
      method: 'PATCH',
      resource,
      place: ref,
      options,
      body,
      contentType,
      query: { force },
    });
  }

  /** Resolves when the server has accepted it; finalizers may keep the object. NotFound is an error like others. */
  async delete(resource: Resource, ref: Ref, options: DeleteOptions = {}): Promise<void> {
    const { uid, resourceVersion, propagationPolicy, gracePeriodSeconds } = options;
    const preconditions = uid || resourceVersion ? { uid, resourceVersion } : undefined;
    const body = {
      apiVersion: 'v1',
      kind: 'DeleteOptions',
      preconditions,
      propagationPolicy,
      gracePeriodSeconds,
    };
    await this.#send({ method: 'DELETE', resource, place: ref, options, body });
  }

  /** Lines of JSON, each `{type, object}`. See Reflector for a watch that lasts. */
  watch(resource: Resource, options: WatchOptions): AsyncGenerator<string, void, undefined> {
    const { namespace, labelSelector, fieldSelector, resourceVersion, timeoutSeconds, signal } = options;
    return this.transport.stream({
      path: pathOf(resource, { namespace }),
      query: {
        watch: true,
        allowWatchBookmarks: true,
        labelSelector,
        fieldSelector,
        resourceVersion,
        timeoutSeconds,
      },
      accept: options.metadataOnly ? PARTIAL : undefined,
      signal,
    });
  }

  close(): void {
    this.transport.close();
  }

  #write<T>(call: Call & { options: WriteOptions }): Promise<T> {
    const { subresource, fieldManager, dryRun, metadataOnly } = call.options;
    const place = { ...call.place, subresource };
    const query = { ...call.query, fieldManager, dryRun: dryRun ? 'All' : undefined };
    return this.#send({ ...call, place, query, accept: metadataOnly ? PARTIAL : undefined });
  }

  #send<T>({ method, resource, place, options, ...rest }: Call): Promise<T> {
    const { signal, timeoutMs, retries } = options;
    const request: RequestOptions = {
      method,
      path: pathOf(resource, place),
      signal,
      timeoutMs,
      retries,
      ...rest,
    };
    return this.transport.request<T>(request);
  }
}

interface Call {
  method: Method;
  resource: Resource;
  place: Place;
  options: CallOptions;
  query?: Query;
  body?: unknown;
  contentType?: string;
  accept?: string | undefined;
}

/** Custom resources are refused without apiVersion and kind; items of lists come without them. */
const typed = (resource: Resource, object: KubeObject): KubeObject => ({
  ...object,
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
});

/** Ref of an object that came from the API. */
export const refOf = ({ metadata: { namespace, name } }: KubeObject): Ref => ({ namespace, name });
