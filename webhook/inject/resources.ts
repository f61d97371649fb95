/** Resources of our containers, from MeshConfig and the pod's annotations. */
import { quantity, type MeshConfigSpec } from '../../core/api/index.ts';
import type { Amount, PodSettings } from './annotations.ts';

export interface Resources {
  requests?: Record<string, string>;
  limits?: Record<string, string>;
}

type Name = 'cpu' | 'memory';

/** A request above the limit would be refused by the API server, so a request alone raises the limit to itself. */
function merge(name: Name, mesh: MeshConfigSpec['proxy']['resources'], own: Amount | undefined) {
  const request = own?.request ?? mesh.requests?.[name];
  const limit = own?.limit ?? mesh.limits?.[name];
  const raised = request && limit && quantity(limit)! < quantity(request)! ? request : limit;
  return { request, limit: raised };
}

/** Annotations win over MeshConfig, amount by amount. */
export function resourcesOf(mesh: MeshConfigSpec, settings: PodSettings): Resources {
  const requests: Record<string, string> = {};
  const limits: Record<string, string> = {};
  for (const [name, own] of [
    ['cpu', settings.proxyCpu],
    ['memory', settings.proxyMemory],
  ] as const) {
    const { request, limit } = merge(name, mesh.proxy.resources, own);
    if (request) requests[name] = request;
    if (limit) limits[name] = limit;
  }
  return {
    ...(Object.keys(requests).length > 0 ? { requests } : {}),
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}
