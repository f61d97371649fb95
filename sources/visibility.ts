import type { ServiceModel } from '../core/model/index.ts';

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What a Service's annotation says of who may use it. What cannot be read opens nothing: its own namespace alone may. */
export function visibleToOf(text: string | undefined): Pick<ServiceModel, 'visibleTo'> {
  if (text === undefined) return {};
  if (text.trim() === '*') return { visibleTo: '*' };
  const names = text.split(',').map((name) => name.trim());
  if (!names.every((name) => name === '.' || NAMESPACE.test(name))) return { visibleTo: [] };
  return { visibleTo: [...new Set(names.filter((name) => name !== '.'))].sort() };
}
