import { randomBytes } from 'node:crypto';
import fastJsonPatch from 'fast-json-patch';
import type { DeleteOptions } from '../client.ts';
import { apiVersionOf, keyOf, resources, type KubeObject, type Resource } from '../resource.ts';
import { isObject, type Json, type JsonObject } from './fields.ts';
import { checkName, checkReplacement, encoded, isCustom, prepareCreate, prepareUpdate } from './rules.ts';
import { applied, trackUpdate } from './serverSideApply.ts';
import { badRequest, conflict, invalid, nameOf, notFound, StatusError } from './status.ts';
import type { Storage } from './storage.ts';

export interface Target {
  resource: Resource;
  namespace?: string | undefined;
  name: string;
  subresource?: string | undefined;
}

export interface WriteContext {
  fieldManager: string;
  dryRun: boolean;
  force: boolean;
}

interface Change {
  old: KubeObject;
  object: KubeObject;
  /** Owners of fields are already noted. */
  tracked?: boolean;
  /** By a patch: then another uid is no failed precondition but a change that is not allowed. */
  patched?: boolean;
}

const MISPLACED = 'the namespace of the provided object does not match the namespace sent on the request';
const misnamed = (own: string, asked: string): string =>
  `the name of the object (${own}) does not match the name on the URL (${asked})`;

/** The verbs that write, with the rules of the API server. All throw StatusError. */
export class Operations {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  read({ resource, namespace, name }: Target): KubeObject {
    const found = this.#storage.get(resource, namespace ? `${namespace}/${name}` : name);
    if (!found) throw notFound(resource, name);
    return found;
  }

  create(target: Omit<Target, 'name'>, body: KubeObject, context: WriteContext): KubeObject {
    const { resource, namespace } = target;
    const object = this.#addressed({ ...target, name: '' }, body);
    const { metadata } = object;
    if (!metadata.name && metadata.generateName) {
      metadata.name = metadata.generateName + randomBytes(3).toString('hex').slice(0, 5);
    }
    if (!metadata.name)
      throw invalid('metadata.name: Required value: name or generateName is required', 'metadata.name');
    checkName(resource, metadata.name);
    this.#checkNamespace(namespace);
    if (this.#storage.get(resource, keyOf(object))) {
      const message = `${nameOf(resource, metadata.name)} already exists`;
      throw new StatusError(409, 'AlreadyExists', {
        message,
        details: { name: metadata.name, kind: resource.plural },
      });
    }
    const next = prepareCreate(resource, encoded(resource, object));
    trackUpdate(undefined, next, { manager: context.fieldManager, operation: 'Update' });
    return this.#store(resource, next, context);
  }

  replace(target: Target, body: KubeObject, context: WriteContext): KubeObject {
    const object = this.#addressed(target, body);
    const old = this.read(target);
    checkReplacement(target.resource, object);
    return this.#update(target, { old, object: encoded(target.resource, object), patched: false }, context);
  }

  patch(target: Target, patch: { contentType: string; body: Json }, context: WriteContext): KubeObject {
    const { contentType, body } = patch;
    if (contentType === 'application/apply-patch+yaml') return this.#apply(target, body, context);
    const old = this.read(target);
    if (contentType === 'application/merge-patch+json') {
      const object = mergePatched(structuredClone(old) as unknown as Json, body) as unknown as KubeObject;
      return this.#update(target, { old, object: encoded(target.resource, object) }, context);
    }
    if (contentType === 'application/json-patch+json') {
      return this.#update(target, { old, object: jsonPatched(old, body) }, context);
    }
    throw new StatusError(415, 'UnsupportedMediaType', {
      message: `not known to this double: ${contentType}`,
    });
  }

  remove(target: Target, options: DeleteOptions, context: WriteContext): KubeObject {
    const { resource, name } = target;
    const old = this.read(target);
    const { uid, resourceVersion } = options;
    if (uid && uid !== old.metadata.uid) {
      const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`;
      throw conflict(resource, name, why);
    }
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) {
      throw conflict(
        resource,
        name,
        `Precondition failed: ResourceVersion in precondition: ${resourceVersion}`,
      );
    }
    if (context.dryRun) return old;
    if ((old.metadata.finalizers ?? []).length > 0) {
      const deletionTimestamp = old.metadata.deletionTimestamp ?? `${new Date().toISOString().slice(0, 19)}Z`;
      return this.#storage.put(resource, { ...old, metadata: { ...old.metadata, deletionTimestamp } });
    }
    if (resource.plural === 'namespaces' && resource.group === '') this.#storage.empty(name);
    this.#storage.remove(resource, keyOf(old));
    return old;
  }

  #apply(target: Target, body: Json, context: WriteContext): KubeObject {
    const { resource, namespace, name, subresource } = target;
    if (!isObject(body) || !body['apiVersion'] || !body['kind']) {
      throw badRequest('apiVersion and kind are required in an applied object');
    }
    const intent = this.#addressed(target, body as unknown as KubeObject);
    if (intent.metadata.managedFields) throw badRequest('metadata.managedFields must be nil');
    const old = this.#storage.get(resource, namespace ? `${namespace}/${name}` : name);
    const writer = { manager: context.fieldManager, operation: 'Apply' as const, subresource };
    // Only now: the manager owns fields of stringData, and so never removes keys of data.
    const object = encoded(resource, applied(old, intent, { writer, force: context.force }));
    if (old) return this.#update(target, { old, object, tracked: true }, context);
    if (subresource) throw notFound(resource, name);
    checkName(resource, name);
    this.#checkNamespace(namespace);
    return this.#store(resource, prepareCreate(resource, object), context);
  }

  #update(
    target: Target,
    { old, object, tracked = false, patched = true }: Change,
    context: WriteContext,
  ): KubeObject {
    const { resource, subresource } = target;
    const { name, namespace } = old.metadata;
    if (object.metadata.name !== name) throw badRequest(misnamed(object.metadata.name, name));
    if (object.metadata.namespace !== namespace) throw badRequest(MISPLACED);
    const { uid } = object.metadata;
    if (patched && uid !== undefined && uid !== old.metadata.uid) {
      throw invalid(
        `metadata.uid: Invalid value: ${JSON.stringify(uid)}: field is immutable`,
        'metadata.uid',
      );
    }
    const next = prepareUpdate(resource, { old, object, subresource });
    if (!tracked) trackUpdate(old, next, { manager: context.fieldManager, operation: 'Update', subresource });
    return this.#store(resource, next, context);
  }

  #store(resource: Resource, object: KubeObject, { dryRun }: WriteContext): KubeObject {
    if (dryRun) return object;
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const stored = this.#storage.put(resource, object);
    if (deletionTimestamp && finalizers.length === 0) this.#storage.remove(resource, keyOf(object));
    return stored;
  }

  /** The body with name and namespace of the path; they may not differ from what it says itself. */
  #addressed({ resource, namespace, name }: Target, body: KubeObject): KubeObject {
    const metadata = body.metadata ?? {};
    if (name !== '' && metadata.name !== undefined && metadata.name !== name) {
      throw badRequest(
        `the name of the object (${metadata.name}) does not match the name on the URL (${name})`,
      );
    }
    if (metadata.namespace !== undefined && metadata.namespace !== namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
    const apiVersion = apiVersionOf(resource);
    if (isCustom(resource) && !body.kind) throw badRequest("Object 'Kind' is missing");
    if ((body.kind && body.kind !== resource.kind) || (body.apiVersion && body.apiVersion !== apiVersion)) {
      throw badRequest(`the object provided is no ${apiVersion} ${resource.kind}`);
    }
    const placed = { ...metadata, ...(name === '' ? {} : { name }), ...(namespace ? { namespace } : {}) };
    return { ...body, apiVersion, kind: resource.kind, metadata: placed as KubeObject['metadata'] };
  }

  #checkNamespace(namespace: string | undefined): void {
    if (namespace && !this.#storage.get(resources.namespaces, namespace))
      throw notFound(resources.namespaces, namespace);
  }
}

/** RFC 7396. */
function mergePatched(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: JsonObject = isObject(target) ? target : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatched(result[name] ?? null, value);
  }
  return result;
}

function jsonPatched(old: KubeObject, operations: Json): KubeObject {
  try {
    return fastJsonPatch.applyPatch(structuredClone(old), operations as never, true).newDocument;
  } catch (error) {
    throw invalid(
      `the server rejected our request due to an error in our request: ${(error as Error).message}`,
    );
  }
}
