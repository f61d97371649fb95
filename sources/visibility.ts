/** What a Service's annotation says of who may use it. */
import { WeftError } from '../core/errors/index.ts';
import type { VisibleTo } from '../core/model/index.ts';
import { annotation } from '../core/model/names.ts';
import { rawKey, type RawObject } from './objects.ts';

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

function parse(text: string): VisibleTo | 'invalid' {
  if (text.trim() === '*') return '*';
  const names = text.split(',').map((name) => name.trim());
  if (!names.every((name) => name === '.' || NAMESPACE.test(name))) return 'invalid';
  return [...new Set(names.filter((name) => name !== '.'))].sort();
}

const textOf = (service: RawObject | undefined): string | undefined =>
  service?.metadata.annotations?.[annotation.visibleTo];

/** Undefined where it says nothing. What cannot be read opens nothing: its own namespace alone may use it. */
export function visibleToOf(service: RawObject): VisibleTo | undefined {
  const text = textOf(service);
  const visibleTo = text === undefined ? undefined : parse(text);
  return visibleTo === 'invalid' ? [] : visibleTo;
}

/** What is wrong with the annotation, where it is another one than before. */
export function visibilityProblem(service: RawObject, before: RawObject | undefined): WeftError | undefined {
  const text = textOf(service);
  if (text === undefined || text === textOf(before) || parse(text) !== 'invalid') return undefined;
  return new WeftError(
    'INVALID_ANNOTATION',
    `${JSON.stringify(text.slice(0, 200))} is neither *, nor ., nor namespaces with commas between; until it is, only its own namespace may use it`,
    { resource: `Service ${rawKey(service)}`, field: `metadata.annotations[${annotation.visibleTo}]` },
  );
}
