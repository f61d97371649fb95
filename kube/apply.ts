import { FIELD_MANAGER } from '../core/model/names.ts';
import { isNotFound } from './apiError.ts';
import type { CallOptions, KubeClient, Ref } from './client.ts';
import { apiVersionOf, type KubeObject, type PartialObject, type Resource } from './resource.ts';

export interface ApplyOptions extends CallOptions {
  /** Who owns what is applied; default FIELD_MANAGER of core/model/names. */
  fieldManager?: string;
  /** Take fields over that others own; default true, as for a controller that alone decides them. */
  force?: boolean;
  subresource?: string;
  dryRun?: boolean;
  /** The answer carries only metadata: needed where the caller may patch but not get, as with Secrets. */
  metadataOnly?: boolean;
}

/** What is applied: exactly the fields that the manager wants to own, no more. */
export type Intent<T extends KubeObject> = {
  metadata: { name: string; namespace?: string };
} & DeepPartial<T>;

type DeepPartial<T> = T extends (infer Item)[]
  ? Item[]
  : T extends object
    ? { [Key in keyof T]?: DeepPartial<T[Key]> }
    : T;

/**
 * Server-side apply: creates the object or makes it have these fields, and removes those that this manager applied
 * before and no longer does. Answers the object as it is now; its resourceVersion is unchanged if nothing changed.
 * Keys of a Secret belong in `data`: those once applied as `stringData` are never removed (conformanceApply.ts).
 * Without `force`, a field that another manager owns with another value is a conflict (isConflict).
 */
export function apply<T extends KubeObject>(
  client: KubeClient,
  target: { resource: Resource<T>; object: Intent<T> },
  options: ApplyOptions = {},
): Promise<T> {
  const { resource, object } = target;
  const { fieldManager = FIELD_MANAGER, force = true, ...rest } = options;
  const { name, namespace } = object.metadata;
  const body = { ...object, apiVersion: apiVersionOf(resource), kind: resource.kind };
  return client.patch(resource, { name, namespace }, { ...rest, type: 'apply', body, fieldManager, force });
}

/** RFC 7396 merge patch: null removes a field, lists are replaced whole. Rejects NotFound; never creates. */
export function mergePatch<T extends KubeObject>(
  client: KubeClient,
  target: { resource: Resource<T>; ref: Ref; patch: object },
  options: Omit<ApplyOptions, 'force'> = {},
): Promise<T> {
  const { resource, ref, patch } = target;
  const { fieldManager = FIELD_MANAGER, ...rest } = options;
  return client.patch(resource, ref, { ...rest, type: 'merge', body: patch, fieldManager });
}

/** Replaces fields of `status` through the status subresource; the rest of the object stays as it is. */
export const patchStatus = <T extends KubeObject>(
  client: KubeClient,
  target: { resource: Resource<T>; ref: Ref; status: object },
  options: CallOptions = {},
): Promise<T> => {
  const { resource, ref, status } = target;
  return mergePatch(client, { resource, ref, patch: { status } }, { ...options, subresource: 'status' });
};

/**
 * Metadata of an object that the caller may patch but not get: an empty merge patch changes nothing, and its answer
 * is asked for as PartialObjectMetadata. Undefined where there is no such object.
 */
export async function probeMetadata(
  client: KubeClient,
  target: { resource: Resource; ref: Ref },
  options: CallOptions = {},
): Promise<PartialObject | undefined> {
  const { resource, ref } = target;
  try {
    return await client.patch(resource, ref, { ...options, type: 'merge', body: {}, metadataOnly: true });
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
