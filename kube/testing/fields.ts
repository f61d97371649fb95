/**
 * Sets of fields as server-side apply sees them ("Server-Side Apply", Kubernetes documentation). A field is a path of
 * fieldsV1 segments, `f:name` or `k:{"type":"Accepted"}`, joined by a line feed; an item of a keyed list is itself a
 * field `.`. Lists without a key are owned whole (sets such as finalizers too, which the real server owns by item).
 */
import { isDeepStrictEqual } from 'node:util';

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

/** Keys of the lists that merge by key in the kinds that Weft knows (x-kubernetes-list-map-keys). */
const LIST_KEYS: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  env: 'name',
  webhooks: 'name',
  ownerReferences: 'uid',
};

const NOT_OWNED = new Set([
  'f:apiVersion',
  'f:kind',
  ...[
    'name',
    'namespace',
    'uid',
    'resourceVersion',
    'generation',
    'creationTimestamp',
    'deletionTimestamp',
    'generateName',
    'managedFields',
    'selfLink',
  ].map((name) => `f:metadata\nf:${name}`),
]);

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The key of a list's items, where it has one and all items carry it. */
function listKey(name: string, value: Json): string | undefined {
  const key = LIST_KEYS[name];
  const keyed =
    key !== undefined && Array.isArray(value) && value.every((item) => isObject(item) && key in item);
  return keyed && value.length > 0 ? key : undefined;
}

const segmentOf = (key: string, item: Json): string =>
  `k:${JSON.stringify({ [key]: (item as JsonObject)[key] })}`;

/** Every field of an object with its value. */
export function fieldsOf(object: Json, path = '', into = new Map<string, Json>()): Map<string, Json> {
  for (const [name, value] of Object.entries(object as JsonObject)) {
    const here = path ? `${path}\nf:${name}` : `f:${name}`;
    if (NOT_OWNED.has(here)) continue;
    const key = listKey(name, value);
    if (key !== undefined) {
      for (const item of value as JsonObject[]) {
        const at = `${here}\n${segmentOf(key, item)}`;
        into.set(`${at}\n.`, true);
        fieldsOf(item, at, into);
      }
    } else if (isObject(value) && Object.keys(value).length > 0) fieldsOf(value, here, into);
    else into.set(here, value);
  }
  return into;
}

/** `{"f:data":{"f:a":{}}}`. */
export function toFieldsV1(paths: Iterable<string>): JsonObject {
  const root: JsonObject = {};
  for (const path of [...paths].sort()) {
    let node = root;
    for (const segment of path.split('\n')) node = (node[segment] ??= {}) as JsonObject;
  }
  return root;
}

export function fromFieldsV1(fields: JsonObject, path = '', into = new Set<string>()): Set<string> {
  for (const [segment, inner] of Object.entries(fields)) {
    const here = path ? `${path}\n${segment}` : segment;
    if (isObject(inner) && Object.keys(inner).length > 0) fromFieldsV1(inner, here, into);
    else into.add(here);
  }
  return into;
}

/** `.metadata.labels.app`, as conflicts name a field. */
export const readable = (path: string): string =>
  path
    .split('\n')
    .map((segment) =>
      segment.startsWith('f:') ? `.${segment.slice(2)}` : segment === '.' ? '' : `[${segment.slice(2)}]`,
    )
    .join('');

/** Removes one field, and the maps that become empty by that. */
export function removeField(object: JsonObject, path: string): void {
  removeAt(object, path.split('\n'));
}

function removeAt(node: JsonObject, [segment, ...rest]: string[]): void {
  const name = segment!.slice(2);
  const inner = node[name];
  if (rest.length === 0 || inner === undefined) delete node[name];
  else if (Array.isArray(inner) && rest[0]!.startsWith('k:')) {
    const wanted = JSON.parse(rest[0]!.slice(2)) as JsonObject;
    const index = inner.findIndex((item) =>
      Object.entries(wanted).every(([key, value]) => isDeepStrictEqual((item as JsonObject)[key], value)),
    );
    if (index === -1) return;
    if (rest[1] === '.') inner.splice(index, 1);
    else removeAt(inner[index] as JsonObject, rest.slice(1));
    if (inner.length === 0) delete node[name];
  } else if (isObject(inner)) {
    removeAt(inner, rest);
    if (Object.keys(inner).length === 0) delete node[name];
  }
}

/** What `applied` says, laid over `live`. Changes `live`. */
export function mergeFields(live: JsonObject, applied: JsonObject): void {
  for (const [name, value] of Object.entries(applied)) {
    const old = live[name];
    const key = listKey(name, value);
    if (key !== undefined && Array.isArray(old)) {
      for (const item of value as JsonObject[]) {
        const same = old.find((other) => isObject(other) && isDeepStrictEqual(other[key], item[key]));
        if (same) mergeFields(same as JsonObject, item);
        else old.push(structuredClone(item));
      }
    } else if (isObject(value) && isObject(old)) mergeFields(old, value);
    else live[name] = structuredClone(value);
  }
}
