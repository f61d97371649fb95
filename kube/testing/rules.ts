import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, Resource } from '../resource.ts';
import { conflict, invalid, STALE } from './status.ts';

type Content = KubeObject & {
  spec?: unknown;
  status?: unknown;
  data?: object;
  stringData?: object;
  type?: string;
};

const BUILT_IN = /^$|^(apps|batch|policy|autoscaling)$|\.k8s\.io$/;
const GENERATION = /^(apps|batch|admissionregistration\.k8s\.io|apiextensions\.k8s\.io)$/;
const NO_UNCONDITIONAL_UPDATE = new Set(['leases', 'customresourcedefinitions', 'endpointslices']);
/** Sum of keys and values of a ConfigMap or a Secret (validation in the API server). */
const MAX_DATA_BYTES = 1024 * 1024;

/** Of a custom resource; those of the API server itself have rules of their own for each kind. */
export const isCustom = ({ group }: Resource): boolean => !BUILT_IN.test(group);

const hasGeneration = (resource: Resource): boolean =>
  isCustom(resource) || GENERATION.test(resource.group) || resource.plural === 'pods';

/** Everything but metadata and status. */
function contentOf(object: KubeObject): unknown {
  const { metadata: _, status: __, ...content } = object as Content;
  return content;
}

/** A new object as the server stores it. */
export function prepareCreate(resource: Resource, object: KubeObject): KubeObject {
  const next = structuredClone(object) as Content;
  if (isCustom(resource)) delete next.status;
  else if (resource.plural === 'pods') next.status = { phase: 'Pending', qosClass: 'BestEffort' };
  delete next.metadata.uid;
  delete next.metadata.resourceVersion;
  delete next.metadata.deletionTimestamp;
  if (hasGeneration(resource)) next.metadata.generation = 1;
  return withDefaults(resource, next);
}

/** A changed object as the server stores it: what may not be changed this way stays as it was. */
export function prepareUpdate(
  resource: Resource,
  { old, object, subresource }: { old: KubeObject; object: KubeObject; subresource?: string | undefined },
): KubeObject {
  checkPreconditions(resource, old, object);
  let next = structuredClone(object) as Content;
  const before = old as Content;
  if (subresource === 'status') next = statusUpdate(resource, before, next);
  else if (isCustom(resource) || resource.plural === 'pods' || resource.group === 'apps') {
    if (before.status === undefined) delete next.status;
    else next.status = structuredClone(before.status);
  }
  for (const field of [
    'uid',
    'creationTimestamp',
    'deletionTimestamp',
    'generation',
    'resourceVersion',
  ] as const) {
    if (before.metadata[field] === undefined) delete next.metadata[field];
    else Object.assign(next.metadata, { [field]: before.metadata[field] });
  }
  next = withDefaults(resource, next);
  if (hasGeneration(resource) && !isDeepStrictEqual(contentOf(before), contentOf(next))) {
    next.metadata.generation = (before.metadata.generation ?? 0) + 1;
  }
  if (resource.plural === 'secrets' && before.type !== next.type)
    throw invalid('type: field is immutable', 'type');
  return next;
}

/** /status of a custom resource changes its status alone; that of a Pod and the like also metadata. */
function statusUpdate(resource: Resource, old: Content, object: Content): Content {
  const next = isCustom(resource)
    ? structuredClone(old)
    : { ...structuredClone(old), metadata: object.metadata };
  if (object.metadata.managedFields) next.metadata.managedFields = object.metadata.managedFields;
  if (object.status === undefined) delete next.status;
  else next.status = object.status;
  return next;
}

function checkPreconditions(resource: Resource, old: KubeObject, object: KubeObject): void {
  const { name, uid, resourceVersion } = object.metadata;
  if (uid && uid !== old.metadata.uid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
    );
  }
  if (resourceVersion && resourceVersion !== old.metadata.resourceVersion)
    throw conflict(resource, name, STALE);
}

/** A replacement without resourceVersion is refused for some kinds. */
export function checkReplacement(resource: Resource, object: KubeObject): void {
  const strict = isCustom(resource) || NO_UNCONDITIONAL_UPDATE.has(resource.plural);
  if (strict && !object.metadata.resourceVersion) {
    throw invalid(
      'metadata.resourceVersion: Invalid value: must be specified for an update',
      'metadata.resourceVersion',
    );
  }
}

/** `stringData` of a Secret becomes `data` before anything else looks at it. */
export function encoded(resource: Resource, object: KubeObject): KubeObject {
  const { stringData, ...rest } = object as Content;
  if (resource.plural !== 'secrets' || stringData === undefined) return object;
  const base64 = Object.entries(stringData).map(([key, text]) => [
    key,
    Buffer.from(String(text)).toString('base64'),
  ]);
  const secret: Content = { ...rest, data: { ...rest.data, ...Object.fromEntries(base64) } };
  return secret;
}

function withDefaults(resource: Resource, object: Content): Content {
  if (resource.group !== '' || !['secrets', 'configmaps'].includes(resource.plural)) return object;
  for (const key of Object.keys(object.data ?? {})) {
    if (!/^[-._a-zA-Z0-9]{1,253}$/.test(key))
      throw invalid(`data[${key}]: Invalid value: not a config key`, `data[${key}]`);
  }
  if (bytesOf(object.data) > MAX_DATA_BYTES) {
    throw invalid(`[]: Too long: may not be more than ${MAX_DATA_BYTES} bytes`, 'data');
  }
  return resource.plural === 'secrets' ? { ...object, type: object.type ?? 'Opaque' } : object;
}

const bytesOf = (data: object | undefined): number =>
  Object.values(data ?? {}).reduce((sum: number, value) => sum + Buffer.byteLength(String(value)), 0);

const NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;

/** RFC 1123 subdomain, as most kinds want it. */
export function checkName(resource: Resource, name: string): void {
  if (!NAME.test(name) || name.length > 253) {
    throw invalid(
      `${resource.kind} ${JSON.stringify(name)} is invalid: metadata.name: a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'`,
      'metadata.name',
    );
  }
}
