/** Surroundings of a pod for tests: an enabled namespace and the mesh's defaults, unless a case says otherwise. */
import { parseMeshConfigSpec } from '../../../core/api/index.ts';
import type { OwnedMeta } from '../../../core/model/workload.ts';
import type { InjectContext } from '../types.ts';

export interface Surroundings {
  namespace?: { name?: string; labels?: Record<string, string> };
  revision?: string;
  pullPolicy?: string;
  mesh?: object;
  kubernetes?: { major: number; minor: number };
  /** By `Kind/name`. */
  owners?: Record<string, OwnedMeta>;
}

export function contextOf(surroundings: Surroundings = {}): InjectContext {
  const mesh = parseMeshConfigSpec(surroundings.mesh);
  if (!mesh.ok) throw new Error(`the MeshConfig of a test is invalid: ${JSON.stringify(mesh.error)}`);
  const { name = 'shop', labels = { 'weft.dev/injection': 'enabled' } } = surroundings.namespace ?? {};
  const { pullPolicy, owners, kubernetes, revision = 'default' } = surroundings;
  return {
    namespace: { name, labels },
    systemNamespace: 'weft-system',
    revision,
    trustDomain: mesh.value.trustDomain,
    image: { name: 'registry.example/weft:1', ...(pullPolicy ? { pullPolicy } : {}) },
    mesh: mesh.value,
    lookupOwner: ({ kind, name }) => owners?.[`${kind}/${name}`],
    ...(kubernetes ? { kubernetes } : {}),
  };
}
