import type { Resource } from '../resource.ts';

/** What a path of the API means. */
export interface Route {
  resource: Resource;
  namespace: string | undefined;
  name: string | undefined;
  subresource: string | undefined;
}

/** Undefined where there is no such thing: an unknown group, version or kind, or a wrong scope. */
export function routeOf(path: string, known: Iterable<Resource>): Route | undefined {
  const parts = path.split('/').filter(Boolean).map(decodeURIComponent);
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const [group, version] = core ? ['', parts[1]] : [parts[1], parts[2]];
  let rest = parts.slice(core ? 2 : 3);
  let namespace: string | undefined;
  const inNamespace =
    rest[0] === 'namespaces' && rest.length > 2 && rest[2] !== 'status' && rest[2] !== 'finalize';
  if (inNamespace) {
    namespace = rest[1];
    rest = rest.slice(2);
  }
  const [plural, name, subresource, ...more] = rest;
  for (const resource of known) {
    if (resource.group !== group || resource.version !== version || resource.plural !== plural) continue;
    const scoped = resource.namespaced ? namespace !== undefined || name === undefined : !inNamespace;
    return scoped && more.length === 0 ? { resource, namespace, name, subresource } : undefined;
  }
  return undefined;
}
