import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ManagedFields } from '../resource.ts';
import {
  fieldsOf,
  fromFieldsV1,
  mergeFields,
  readable,
  removeField,
  toFieldsV1,
  type JsonObject,
} from './fields.ts';
import { StatusError } from './status.ts';

export interface Writer {
  manager: string;
  operation: 'Apply' | 'Update';
  subresource?: string | undefined;
}

interface Owned extends Writer {
  fields: Set<string>;
  entry: ManagedFields;
}

const json = (object: KubeObject): JsonObject => object as unknown as JsonObject;

const ownersOf = (object: KubeObject | undefined): Owned[] =>
  (object?.metadata.managedFields ?? []).map((entry) => ({
    manager: entry.manager ?? '',
    operation: entry.operation === 'Apply' ? 'Apply' : 'Update',
    subresource: entry.subresource,
    fields: fromFieldsV1((entry.fieldsV1 ?? {}) as JsonObject),
    entry,
  }));

const same = (a: Writer, b: Writer): boolean =>
  a.manager === b.manager && a.operation === b.operation && a.subresource === b.subresource;

/** Writes the owners into the object. An entry whose fields did not change keeps its time. */
function store(object: KubeObject, owners: Owned[], apiVersion: string): void {
  object.metadata.managedFields = owners
    .filter(({ fields }) => fields.size > 0)
    .map(({ manager, operation, subresource, fields, entry }) => {
      const fieldsV1 = toFieldsV1(fields);
      if (isDeepStrictEqual(entry.fieldsV1, fieldsV1)) return entry;
      return {
        manager,
        operation,
        apiVersion,
        time: `${new Date().toISOString().slice(0, 19)}Z`,
        fieldsType: 'FieldsV1',
        fieldsV1,
        ...(subresource ? { subresource } : {}),
      };
    });
}

function ownerFor(owners: Owned[], writer: Writer): Owned {
  const found = owners.find((owner) => same(owner, writer));
  if (found) return found;
  const made: Owned = { ...writer, fields: new Set(), entry: {} };
  owners.push(made);
  return made;
}

/** After a create, an update or a patch: who changed a field owns it, alone. Changes `object`. */
export function trackUpdate(old: KubeObject | undefined, object: KubeObject, writer: Writer): void {
  const owners = ownersOf(old);
  const before = old ? fieldsOf(json(old)) : new Map();
  const after = fieldsOf(json(object));
  const mine = ownerFor(owners, writer);
  for (const [path, value] of after) {
    if (before.has(path) && isDeepStrictEqual(before.get(path), value)) continue;
    for (const owner of owners) owner.fields.delete(path);
    mine.fields.add(path);
  }
  for (const owner of owners) {
    for (const path of owner.fields) if (!after.has(path)) owner.fields.delete(path);
  }
  store(object, owners, object.apiVersion ?? '');
}

interface Clash {
  owner: Owned;
  path: string;
}

function clashes(owners: Owned[], writer: Writer, changed: Set<string>): Clash[] {
  return owners
    .filter((owner) => !same(owner, writer))
    .flatMap((owner) =>
      [...owner.fields].filter((path) => changed.has(path)).map((path) => ({ owner, path })),
    );
}

function applyConflict(found: Clash[], apiVersion: string): StatusError {
  const causes = found.map(({ owner, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${JSON.stringify(owner.manager)} using ${apiVersion}`,
    field: readable(path),
  }));
  const message = `Apply failed with ${found.length} conflict${found.length === 1 ? '' : 's'}: ${causes
    .map((cause) => `${cause.message}: ${cause.field}`)
    .join(', ')}`;
  return new StatusError(409, 'Conflict', { message, details: { causes } });
}

/** The object after an apply by `writer`. Throws StatusError Conflict. */
export function applied(
  old: KubeObject | undefined,
  intent: KubeObject,
  { writer, force }: { writer: Writer; force: boolean },
): KubeObject {
  const wanted = fieldsOf(json(intent));
  const live = old ? fieldsOf(json(old)) : new Map();
  const owners = ownersOf(old);
  const changed = new Set(
    [...wanted].filter(([path, value]) => !isDeepStrictEqual(live.get(path), value)).map(([path]) => path),
  );
  const found = clashes(owners, writer, changed);
  if (found.length > 0 && !force) throw applyConflict(found, intent.apiVersion ?? '');
  for (const { owner, path } of found) owner.fields.delete(path);

  const mine = ownerFor(owners, writer);
  const dropped = [...mine.fields].filter((path) => !wanted.has(path));
  mine.fields = new Set(wanted.keys());
  const object = structuredClone(old ?? intent);
  // Items of keyed lists go first, and whole, unless somebody else has a field in them.
  for (const path of dropped.sort((a, b) => Number(b.endsWith('\n.')) - Number(a.endsWith('\n.')))) {
    const reach = path.replace(/\.$/, '');
    const kept = owners.some(({ fields }) =>
      [...fields].some((other) => other === path || (reach !== path && other.startsWith(reach))),
    );
    if (!kept) removeField(json(object), path);
  }
  mergeFields(json(object), json(withoutManagedFields(intent)));
  store(object, owners, intent.apiVersion ?? '');
  return object;
}

function withoutManagedFields(object: KubeObject): KubeObject {
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata };
}
