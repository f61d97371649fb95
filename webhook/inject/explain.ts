/** What injection changed in a pod, field by field, each with its reason. */
import { container as own } from '../../core/model/names.ts';
import { fieldReasons, type FieldReason } from './fields.ts';
import type { Pod } from './types.ts';

type Leaves = Map<string, string>;

const OURS = new Set<string>([own.init, own.proxy]);

function keyOf(item: unknown, index: number, at: string): string {
  const name = (item as { name?: unknown } | null)?.name;
  if (typeof name !== 'string') return `${at}[${index}]`;
  // which of the user's containers it is does not matter to the reason
  const containers = at === 'spec.containers' || at === 'spec.initContainers';
  return `${at}[${containers && !OURS.has(name) ? `*${name}` : name}]`;
}

function leaves(value: unknown, at: string, found: Leaves): Leaves {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) leaves(item, keyOf(item, index, at), found);
  } else if (value !== null && typeof value === 'object') {
    const bracket = at === 'metadata.annotations';
    for (const [name, field] of Object.entries(value)) {
      leaves(field, bracket ? `${at}[${name}]` : at === '' ? name : `${at}.${name}`, found);
    }
  } else {
    found.set(at, JSON.stringify(value));
  }
  return found;
}

/** Fields that differ between two forms of a pod: added, changed or removed. Lists are compared by the names in them. */
export function changedFields(before: Pod, after: Pod): string[] {
  const old = leaves(before, '', new Map());
  const now = leaves(after, '', new Map());
  const changed = [...now].filter(([field, value]) => old.get(field) !== value).map(([field]) => field);
  const removed = [...old.keys()].filter((field) => !now.has(field));
  return [...changed, ...removed].map((field) => field.replace(/\[\*[^\]]*\]/, '[*]'));
}

/** The reason for a field: that of itself or of what holds it. `undefined`: a field that nobody explained. */
export function reasonOf(field: string): FieldReason | undefined {
  return fieldReasons.find(
    (reason) =>
      field === reason.field || field.startsWith(`${reason.field}.`) || field.startsWith(`${reason.field}[`),
  );
}

/** The reasons for all that injection changed, in the order of the table. */
export function explain(before: Pod, after: Pod): FieldReason[] {
  const used = new Set(changedFields(before, after).map(reasonOf));
  return fieldReasons.filter((reason) => used.has(reason));
}
